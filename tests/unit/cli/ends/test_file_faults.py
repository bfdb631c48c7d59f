"""Every command that reads a file or writes one, where that cannot be."""

from pathlib import Path
from typing import Any

import pytest

from cli.errors import REFUSED
from tests.app.cli.running import Ended, Slipway
from tests.support.faulty import HANG_UP, serving
from tests.unit.cli.ends.conftest import FILES, Profiles, document, line
from tests.unit.cli.ends.lines import LINES, words

READING = [name for name, each in LINES.items() if each.reads]
BOMB = "a: &a [x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 8)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)
TEXTS = {
    "binary": b"\xff\xfe\x00\x01\x80",
    "no YAML": b"name: [a",
    "control character": b"name: \x07",
    "unknown tag": b"name: !mine 3",
    "no such date": b"name: 2024-13-45",
    "unhashable key": b"{{name}}: 3",
    "nested too deep": b"[" * 1000,
    "an alias in itself": b"name: &a [*a]",
    "aliases of aliases": BOMB.encode(),
    "no fields": b"just text",
    "list": b"[1, 2]",
    "two documents": b"---\na: 1\n---\nb: 2\n",
}


def refused(slipway: Slipway, *arguments: str) -> str:
    """The line; `validate` tells what is wrong as what it was asked for."""
    if arguments[0] == "validate":
        ended = slipway(*arguments)
        assert (ended.code, ended.err, ended.out.count("\n")) == (REFUSED, "", 1)
        (problem,) = slipway(*arguments, "--json").document["problems"]
        assert problem["message"] in ended.out
        return line(Ended(1, "", f"slipway: {ended.out}"))
    ended, as_json = slipway(*arguments), slipway(*arguments, "--json")
    assert (ended.code, as_json.code) == (REFUSED, REFUSED), ended
    assert document(as_json)["message"] == line(ended)
    return line(ended)


@pytest.fixture(autouse=True)
def nobody(profiles: Profiles) -> None:
    profiles()


@pytest.mark.parametrize("command", READING)
def test_a_file_that_is_not_there_or_is_a_folder_is_told(slipway: Slipway, folder: Path, command: str) -> None:
    name = LINES[command].reads
    (folder / name).unlink()
    assert name in refused(slipway, *words(command))
    (folder / name).mkdir()
    told = refused(slipway, *words(command))
    assert name in told
    assert "Is a directory" in told


@pytest.mark.parametrize("command", READING)
def test_a_file_that_may_not_be_read_is_told(
    slipway: Slipway, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Who runs this as root may read everything."""
    name = LINES[command].reads

    def forbidden(self: Path, *given: Any, **named: Any) -> Any:
        if self.name != name:
            return real(self, *given, **named)
        raise PermissionError(13, "Permission denied", str(self))

    real = Path.open
    monkeypatch.setattr(Path, "open", forbidden)
    monkeypatch.setattr(Path, "read_text", forbidden)
    monkeypatch.setattr(Path, "read_bytes", forbidden)
    told = refused(slipway, *words(command))
    assert name in told
    assert "Permission denied" in told


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("command", [each for each in READING if each != "score"])
def test_what_is_no_file_of_its_kind_is_told(slipway: Slipway, folder: Path, command: str, text: str) -> None:
    name = LINES[command].reads
    (folder / name).write_bytes(TEXTS[text])
    assert name in refused(slipway, *words(command))


@pytest.mark.parametrize("command", ["publish", "promote"])
def test_an_unknown_field_is_told_with_the_one_that_was_meant(slipway: Slipway, folder: Path, command: str) -> None:
    (folder / "endpoint.yaml").write_text(FILES["endpoint.yaml"].replace("traffic", "trafic"))
    assert refused(slipway, *words(command)) == "endpoint.yaml:4: trafic: there is no such field: did you mean traffic?"


def test_several_problems_are_a_line_each_for_people_and_one_document_for_programs(
    slipway: Slipway, folder: Path
) -> None:
    (folder / "endpoint.yaml").write_text(FILES["endpoint.yaml"].replace("traffic", "trafic").replace("model", "modl"))
    ended = slipway("publish")
    told = [each.removeprefix("slipway: ") for each in ended.err.splitlines()]
    assert (ended.code, ended.out, len(told)) == (REFUSED, "", 3)
    assert document(slipway("publish", "--json"))["message"] == "; ".join(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "golden/a.json is no golden request, record it again with `slipway score … --record`: it is not JSON"),
        (
            "[]",
            "golden/a.json is no golden request, record it again with `slipway score … --record`: it is no JSON obj",
        ),
        (None, "golden/a.json cannot be read: Is a directory"),
    ],
)
def test_a_golden_request_that_is_none_is_told(slipway: Slipway, folder: Path, text: str | None, told: str) -> None:
    (folder / "golden").mkdir()
    if text is None:
        (folder / "golden" / "a.json").mkdir()
    else:
        (folder / "golden" / "a.json").write_text(text)
    assert refused(slipway, "publish").startswith(told)


WRITING = {
    "init": ("init", "{}"),
    "advise": ("advise", "answers.yaml", "--write", "{}"),
    "import azureml": ("import", "azureml", "azureml.yml", "--write", "{}"),
}


@pytest.mark.parametrize("command", WRITING)
def test_a_file_that_is_there_stays_and_one_that_cannot_be_written_is_told(
    slipway: Slipway, folder: Path, command: str
) -> None:
    def to(name: str) -> list[str]:
        return [each.format(name) for each in WRITING[command]]

    (folder / "mine.yaml").write_text("mine")
    (folder / "model").mkdir()
    if command == "import azureml":
        deployment = (
            FILES["azureml.yml"].replace("Endpoint.schema", "Deployment.schema").replace("name: ", "endpoint_name: ")
        )
        deployment = deployment.replace(
            "auth_mode: aad_token", "name: blue\nmodel: {path: ./model, type: mlflow_model}"
        )
        (folder / "blue.yml").write_text(f"{deployment}instance_type: Standard_F2s_v2\ninstance_count: 1\n")
    more = ["blue.yml"] if command == "import azureml" else []
    assert refused(slipway, *to("mine.yaml"), *more).startswith("mine.yaml is there already: ")
    assert (folder / "mine.yaml").read_text() == "mine"
    assert refused(slipway, *to("no/folder.yaml"), *more) == "no/folder.yaml: No such file or directory"


@pytest.mark.parametrize("name", ["no endpoint's name", "x", "-" * 40])
def test_a_beginning_that_would_be_wrong_is_not_written(slipway: Slipway, folder: Path, name: str) -> None:
    assert "name: " in refused(slipway, "init", "new.yaml", f"--name={name}")
    assert not (folder / "new.yaml").exists()
    assert slipway("init", "new.yaml").code == 0


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"[" * 9999])
def test_any_request_is_handed_on_and_none_is_recorded_that_is_no_json(
    slipway: Slipway, profiles: Profiles, folder: Path, body: bytes
) -> None:
    (folder / "request.json").write_bytes(body)
    with serving(HANG_UP) as server:
        profiles(server.url)
        assert line(slipway("score", "flowers", "request.json")).endswith("does not answer: is it running?")
        told = refused(slipway, "score", "flowers", "request.json", "--record", "golden/a.json")
    assert told == "the request is not JSON, and cannot be recorded"
    assert not (folder / "golden").exists()
