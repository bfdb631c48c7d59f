"""A model tried before it is published: loaded as the app loads it, in a process of its own, and asked its example.

`python -m cli.publishing.trial FOLDER [CODE]` is that process; CODE is a code_configuration as JSON.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from shared.errors import ModelNotReady, SlipwayError
from shared.models.package import CodeConfiguration

_EXAMPLE: Final = "serving_input_example.json"
_DEADLINE_S: Final = 300
_MEMORY_BYTES: Final = 2**32
# What a program needs to run; a model has no use for its publisher's credentials.
_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "PYTHONPATH", "LD_LIBRARY_PATH")


def run(folder: Path, code: CodeConfiguration | None) -> int | None:
    """How many rows of its input example it has answered; None where it has none.

    Raises ModelNotReady, with what loading or answering failed for.
    """
    command = [sys.executable, "-P", "-m", "cli.publishing.trial", str(folder)]
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), environ.get("PYTHONPATH", "")])
    if code is not None:
        command.append(code.model_dump_json())
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_DEADLINE_S, env=environ)  # noqa: S603
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise ModelNotReady(f"it did not load and answer within {_DEADLINE_S} s on this machine") from None
    except (ValueError, IndexError):
        last = done.stderr.strip().splitlines()[-1:] or [f"its process ended with {done.returncode}"]
        raise ModelNotReady(f"its process died: {last[0][:300]}") from None
    if "error" in told:
        raise ModelNotReady(str(told["error"]))
    rows: int | None = told["rows"]
    return rows


def _try(folder: Path, code: CodeConfiguration | None) -> int | None:
    from shared.adapters.memory import MemoryBlobs
    from shared.models.flavors.build import Flavors
    from shared.models.flavors.onnx import OnnxOptions
    from shared.models.loader import Loader, ModelId
    from shared.models.mlmodel import describe
    from shared.models.package import PACKAGE_FILE, ModelRef, digest_of, package_path
    from shared.models.scoring import predict
    from shared.models.served import ServedModel
    from shared.online.exchange import Message
    from shared.online.protocols import mlflow
    from shared.ports import Container

    package, store = describe(folder, "trial", "1", code), MemoryBlobs()
    for file in package.files:
        store.write(Container.MODELS, package_path("trial", "1", file.path), (folder / file.path).read_bytes())
    manifest = package.to_bytes()
    store.write(Container.MODELS, package_path("trial", "1", PACKAGE_FILE), manifest)
    memory_bytes = max(_MEMORY_BYTES, 4 * sum(file.size_bytes for file in package.files))
    loader = Loader(store, Flavors(OnnxOptions(threads=1), Path("environments")), memory_bytes)
    model_id = ModelId(ModelRef("trial", "1", digest_of(manifest)))
    served = ServedModel(model_id, package, loader)
    key = next(iter(package.models), "")
    served.loaded(key)
    place = package.models[key].folder if key else ""
    example = folder / place / _EXAMPLE
    if served.is_script or not example.is_file():
        return None
    request = mlflow.read(Message(example.read_bytes(), "application/json", {}))
    member = key if package.segments is not None else None
    return predict(served, mlflow.convert(request, served.converter(member)), key=member).rows


def main() -> None:
    folder, *code = sys.argv[1:]
    try:
        told: dict[str, Any] = {
            "rows": _try(Path(folder), CodeConfiguration.model_validate_json(code[0]) if code else None)
        }
    except SlipwayError as error:
        told = {"error": error.message}
    print(json.dumps(told))
    # What a model has started may not keep its process.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
