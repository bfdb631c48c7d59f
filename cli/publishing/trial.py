"""A model tried before it is published: loaded as the app loads it, in a process of its own, and asked its example.

`python -m cli.publishing.trial FOLDER [CODE]` is that process; CODE is a code_configuration as JSON. Golden requests
come by name, as JSON on standard input.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from cli.publishing.answers import Answer
from cli.publishing.golden import Golden
from shared.errors import ModelNotReady, SlipwayError
from shared.models.package import CodeConfiguration

_DEADLINE_S: Final = 300
# Of many models each has this long besides.
_OF_ONE_S: Final = 0.5
# What a program needs to run; a model has no use for its publisher's credentials.
_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "PYTHONPATH", "LD_LIBRARY_PATH")


class Tried(NamedTuple):
    """`rows`: how many of its input example it has answered, None where it has none. `answers`: to golden requests.
    `models`: how many of its many were loaded, 0 where it is one.
    """

    rows: int | None
    answers: dict[str, Answer]
    models: int = 0


def run(
    folder: Path,
    code: CodeConfiguration | None,
    requests: Mapping[str, Golden] = {},
    keys: Sequence[str] = (),
    variables: Mapping[str, str] = {},
) -> Tried:
    """`keys`: the models to load, of many. `variables`: of the deployment's environment_variables.

    Raises ModelNotReady, with what loading or answering one has failed for.
    """
    command = [sys.executable, "-P", "-m", "cli.publishing.trial", str(folder)]
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), environ.get("PYTHONPATH", "")])
    if code is not None:
        command.append(code.model_dump_json())
    golden = {name: each.model_dump(mode="json") for name, each in requests.items()}
    asked = json.dumps({"golden": golden, "keys": list(keys), "variables": dict(variables)})
    deadline_s = _DEADLINE_S + _OF_ONE_S * len(keys)
    try:
        done = subprocess.run(  # noqa: S603
            command,
            input=asked,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=deadline_s,
            env=environ,
        )
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise ModelNotReady(f"it did not load and answer within {deadline_s:g} s on this machine") from None
    except (ValueError, IndexError):
        last = done.stderr.strip().splitlines()[-1:] or [f"its process ended with {done.returncode}"]
        raise ModelNotReady(f"its process died: {last[0][:300]}") from None
    if "error" in told:
        raise ModelNotReady(str(told["error"]))
    return Tried(told["rows"], {name: Answer(*each) for name, each in told["answers"].items()}, len(keys))


def _try(folder: Path, code: CodeConfiguration | None, asked: Mapping[str, Any]) -> Tried:
    from cli.publishing.asking import answer, load, serve

    requests = {name: Golden.model_validate(each) for name, each in asked["golden"].items()}
    served = serve(folder, code, asked["variables"])
    rows = load(served, folder, asked["keys"])
    return Tried(rows, {name: answer(served, each) for name, each in requests.items()})


def main() -> None:
    folder, *code = sys.argv[1:]
    asked = json.load(sys.stdin)
    told: dict[str, Any]
    try:
        told = _try(Path(folder), CodeConfiguration.model_validate_json(code[0]) if code else None, asked)._asdict()
    except SlipwayError as error:
        told = {"error": error.message}
    print(json.dumps(told))
    # What a model has started may not keep its process.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
