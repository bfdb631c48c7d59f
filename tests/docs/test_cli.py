"""docs/cli.md is what the code makes of itself."""

import re
from pathlib import Path

from cli import errors
from cli.profiles import Profile
from cli.reference import markdown

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()


def test_the_page_is_made_from_the_code() -> None:
    assert markdown() == PAGE, "run: python -m cli.reference > docs/cli.md"


def test_every_exit_code_is_told() -> None:
    told = {int(code) for code in re.findall(r"^\| ([0-9]+) \|", PAGE, re.MULTILINE)}
    assert told == {0, *(value for value in vars(errors).values() if isinstance(value, int) and value < 256)} - {
        401,
        403,
    }


def test_every_field_of_a_profile_is_told() -> None:
    told = re.findall(r"^\| `([a-z_]+)` \|", PAGE.partition("| exit code")[0], re.MULTILINE)
    assert told == list(Profile.model_fields)
