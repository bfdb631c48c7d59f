"""Values of arguments and options that cannot be: each is told before the app is asked, or what the app says of it."""

import io

import pytest

from cli.errors import REFUSED, USAGE
from tests.app.cli.running import Slipway
from tests.support.faulty import unused_url
from tests.unit.cli.ends.conftest import Profiles, document, line
from tests.unit.cli.ends.lines import LINES, PROMOTE

REQUIRED = [name for name in LINES if name not in ("advise", "init", "validate", "publish", "list", "token", "doctor")]


@pytest.mark.parametrize("command", LINES)
def test_an_option_that_no_command_has_is_told(slipway: Slipway, command: str) -> None:
    ended, as_json = slipway(*command.split(), "--bogus"), slipway(*command.split(), "--bogus", "--json")
    assert (ended.code, as_json.code) == (USAGE, USAGE)
    assert line(ended).startswith("No such option: --bogus")
    assert document(as_json) == {"code": "Usage", "message": line(ended)}


@pytest.mark.parametrize("command", REQUIRED)
def test_an_argument_that_is_missing_is_told(slipway: Slipway, command: str) -> None:
    ended = slipway(*command.split())
    assert ended.code == USAGE
    assert line(ended).startswith("Missing argument '")


WRONG = [
    (("publish", "--sample", "rows.csv"), USAGE, "--sample is what a conversion is compared on: use it with --to-onnx"),
    (("publish", "--strict", "--no-trial"), USAGE, "--strict asks the new models, which --no-trial does not: use one"),
    (("publish", "--to-onnx", "--sample", "gone.csv"), REFUSED, "gone.csv "),
    (("publish", "--golden", "gone"), REFUSED, "gone is no folder: `slipway score … --record` makes them"),
    (("publish", "--golden", "endpoint.yaml"), REFUSED, "endpoint.yaml is no folder: "),
    (("promote", "flowers", "--from", "dev"), USAGE, "Missing option '--to'"),
    (
        ("promote", "flowers", "--from", "dev", "--to", "dev"),
        USAGE,
        "--from and --to are both dev: name two",
    ),
    (
        ("promote", "flowers", *PROMOTE, "--revision", "0"),
        USAGE,
        "Invalid value for '--revision': Input should be",
    ),
    (("promote", "flowers", *PROMOTE, "--revision", "x"), USAGE, "Invalid value for '--revision': Input should be a"),
    (
        ("score", "flowers", "request.json", "--protocol", "grpc"),
        USAGE,
        "Invalid value for '--protocol': 'grpc' i",
    ),
    (("score", "flowers", "request.json", "--record", "a.txt"), REFUSED, "a.txt would not be found again: give it a"),
    (("score", "flowers", "request.json", "--record", "request.json"), REFUSED, "request.json is there already: use"),
    (("score", "flowers", "request.json", "--deployment", "a\nb"), REFUSED, "a value that was given holds"),
    (("score", "flowers", "request.json", "--model", "€"), REFUSED, "a value that was given holds what cannot be sent"),
    (("submit", "flowers", "inbox/a", "--set", "size"), REFUSED, "'size' says nothing: write it as miniBatchSize=1000"),
    (("submit", "flowers", "inbox/a", "--set", "=1"), REFUSED, "'=1' says nothing: write it as miniBatchSize=1000"),
    (
        ("submit", "flowers", "inbox/a", "--set", "miniBatchSize=NaN"),
        REFUSED,
        "a value that was given holds",
    ),
    (
        ("submit", "flowers", "inbox/a", "--set", "miniBatchSize=1e999"),
        REFUSED,
        "a value that was given holds",
    ),
    (("submit", "flowers", "rows.csv"), REFUSED, "rows.csv is neither a file here, nor inbox/… or https://…"),
    (("submit", "flowers", "."), REFUSED, ". is neither a file here, nor inbox/… or https://…"),
    (("submit", "flowers", "request.json", "--set", "size"), REFUSED, "'size' says nothing: "),
    (("jobs", "flowers", "--most", "-1"), USAGE, "Invalid value for '--most': Input should be greater"),
    (("jobs", "flowers", "--most", "101"), USAGE, "Invalid value for '--most': Input should be less"),
    (("audit", "flowers", "--most", "0"), USAGE, "Invalid value for '--most': Input should be greater"),
    (("audit", "flowers", "--most", "many"), USAGE, "Invalid value for '--most': Input should be a valid integer"),
    (("monitor", "flowers", "--most", "0"), USAGE, "Invalid value for '--most': Input should be greater"),
    (("monitor", "flowers", "--deployment", ""), REFUSED, "'' is no name"),
    (("feedback", "flowers", "gone.csv"), REFUSED, "gone.csv cannot be read: No such file or directory"),
    (("feedback", "flowers", "endpoint.yaml"), REFUSED, "endpoint.yaml is no table: give one in a file named .csv, "),
    (("rollback", "flowers", "first"), USAGE, "Invalid value for 'revision': Input should be a valid integer"),
    (("rollback", "flowers", "1", "--traffic", "blue"), REFUSED, "'blue' is no share of traffic: write it as blue=90"),
    (("traffic", "set", "flowers", "blue=-1"), REFUSED, "'blue=-1' is no share of traffic: write it as blue=90"),
    (("traffic", "set", "flowers", "blue=0.5"), REFUSED, "'blue=0.5' is no share of traffic: write it as blue=90"),
    (("traffic", "set", "flowers", "blue=0", "blue=100"), REFUSED, "blue is there twice: leave one of them"),
    (("keys", "rotate", "flowers", "third"), REFUSED, "'third' is no key: say primary or secondary"),
    (("token", "--role", "Owner"), USAGE, "Invalid value for '--role': 'Owner' is not one of 'Endpoint.Score', "),
    (
        ("advise", "--set", "requests_per_day=-1"),
        REFUSED,
        "the answers cannot be used: requests_per_day: Input",
    ),
    (("advise", "--set", "gpu=maybe"), REFUSED, "the answers cannot be used: gpu: Input should be a valid boolean"),
    (("advise", "--set", "cpu=1"), REFUSED, "the answers cannot be used: cpu: there is no such question"),
    (
        ("advise", "--set", "requests_per_day=nan"),
        REFUSED,
        "the answers cannot be used: requests_per_day: Input",
    ),
    (("advise",), REFUSED, "there is nobody to ask: give a file of answers, or --set; see --questions"),
    (("show", ""), REFUSED, "'' is no name"),
    (("show", ".."), REFUSED, "'..' is no name"),
    (("delete", ".", "--yes"), REFUSED, "'.' is no name"),
    (("job", "flowers", ".."), REFUSED, "'..' is no name"),
    (("bogus",), USAGE, "No such command 'bogus'."),
]


@pytest.mark.parametrize(("arguments", "code", "told"), WRONG, ids=[" ".join(each[0]) for each in WRONG])
def test_a_value_that_cannot_be_is_told(
    slipway: Slipway,
    profiles: Profiles,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    profiles()
    ended, as_json = slipway(*arguments), slipway(*arguments, "--json")
    assert (ended.code, as_json.code) == (code, code), ended
    assert document(as_json)["message"] == line(ended)
    assert line(ended).startswith(told)


@pytest.mark.parametrize("name", ["[/bold]", "\udcff", "a/../b", "a b\nc"])
def test_any_name_can_be_asked_for(slipway: Slipway, profiles: Profiles, name: str) -> None:
    url = unused_url()
    profiles(url)
    told = f"the app at {url} does not answer: is it running?"
    for command in ("show", "audit", "jobs"):
        assert line(slipway(command, name)) == told
    assert line(slipway("submit", "flowers", f"{name}.csv")).endswith(
        " is neither a file here, nor inbox/… or https://…"
    )
    assert "is neither a file here" in document(slipway("submit", "flowers", f"{name}.csv", "--json"))["message"]


@pytest.mark.parametrize(("typed", "code"), [("n\n", REFUSED), ("", 130)])
def test_a_deletion_that_nobody_confirms_asks_the_app_for_nothing(
    slipway: Slipway, profiles: Profiles, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    profiles(unused_url())
    ended = slipway("delete", "flowers")
    assert (ended.code, ended.err.splitlines()[-1]) == (
        code,
        "slipway: nothing was deleted" if typed else "slipway: stopped",
    )


def test_a_group_needs_a_command(slipway: Slipway) -> None:
    for group in ("traffic", "keys", "import"):
        assert (slipway(group).code, line(slipway(group))) == (USAGE, "Missing command.")


def test_nothing_given_is_help(slipway: Slipway) -> None:
    ended = slipway()
    assert (ended.code, ended.err) == (0, "")
    assert all(f"  {command.split()[0]} " in ended.out for command in LINES)
