"""Profiles: found, chosen, filled from the environment, and all that may be wrong with their file."""

from pathlib import Path

import pytest

from cli import profiles
from cli.publishing import templates
from shared.errors import ConfigurationError

TWO = """\
default: dev
profiles:
  dev: {app_url: "http://127.0.0.1:7071", storage: "${STORAGE}", local_issuer: "http://127.0.0.1:7072"}
  prod: {app_url: "https://app.azurewebsites.net", storage: "https://a.blob.core.windows.net"}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "slipway.yaml"
    path.write_text(TWO)
    return path


def test_the_nearest_file_counts_or_the_one_that_is_named(file: Path) -> None:
    below = file.parent / "a" / "b"
    below.mkdir(parents=True)
    assert profiles.find_file(below, {}) == file
    assert profiles.find_file(below, {"SLIPWAY_PROFILES": "/other.yaml"}) == Path("/other.yaml")


def test_where_there_is_no_file_the_way_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no slipway\.yaml .*`slipway init`.*SLIPWAY_PROFILES"):
        profiles.find_file(tmp_path, {})


@pytest.mark.parametrize(
    ("name", "environ", "chosen"),
    [(None, {}, "dev"), ("prod", {}, "prod"), (None, {"SLIPWAY_PROFILE": "prod"}, "prod")],
)
def test_a_profile_is_chosen_by_option_environment_and_default(
    file: Path, name: str | None, environ: dict[str, str], chosen: str
) -> None:
    assert profiles.read(file, name, environ)[0] == chosen


def test_the_only_profile_needs_no_default(file: Path) -> None:
    file.write_text("profiles: {only: {app_url: 'http://127.0.0.1:1'}}")
    assert profiles.read(file, None, {})[0] == "only"


def test_variables_are_filled_in_and_missed_only_where_they_are_needed(file: Path) -> None:
    assert profiles.check_filled(profiles.read(file, "dev", {"STORAGE": "a=b"})[1]).storage == "a=b"
    profiles.check_filled(profiles.read(file, "prod", {})[1])
    with pytest.raises(ConfigurationError, match="storage of the profile names the variable STORAGE, which is not set"):
        profiles.check_filled(profiles.read(file, "dev", {})[1])


def test_what_init_writes_is_a_profile_file(file: Path) -> None:
    file.write_text(templates.PROFILES)
    name, profile = profiles.read(file, None, {"SLIPWAY_STORAGE": "x=y", "SLIPWAY_TENANT_ID": "t"})
    assert (name, profile.storage, profile.tenant_id) == ("dev", "x=y", "t")


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (TWO, "staging", "slipway.yaml has no profile 'staging': use one of dev, prod"),
        (TWO.replace("default: dev", ""), None, "slipway.yaml names no default: use --profile with one of dev, prod"),
        ("profiles: {", None, "slipway.yaml is not YAML: line 1: "),
        ("profiles: {}", None, "profiles: Dictionary should have at least 1 item"),
        ("", None, "the file: "),
        ("profiles: {a: {app_url: ftp://x}}", None, "profiles.a.app_url: String should match pattern"),
        (
            "profiles: {a: {app_url: 'http://x', url: 3}}",
            None,
            "profiles.a.url: there is no such field: did you mean app_url?",
        ),
    ],
)
def test_what_is_wrong_with_the_file_is_told(file: Path, text: str, name: str | None, message: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        profiles.read(file, name, {})
    assert message in raised.value.message


def test_a_file_that_cannot_be_read_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file or directory"):
        profiles.read(tmp_path / "slipway.yaml", None, {})
    (tmp_path / "slipway.yaml").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="is not text in UTF-8"):
        profiles.read(tmp_path / "slipway.yaml", None, {})
