"""What was found where an endpoint file names a model: a local folder, and where it came from."""

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from shared.errors import MalformedRequest
from shared.models.package import CodeConfiguration, Origin


class Registered(NamedTuple):
    """A model version as a registry has it."""

    name: str
    version: str
    run_id: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    aliases: tuple[str, ...] = ()


class ModelSource(NamedTuple):
    """A model that can be published. `name`, `version`: what its registry calls it; `code`: of a score.py."""

    folder: Path
    name: str | None
    version: str | None
    origin: Origin
    code: CodeConfiguration | None = None


def origin_of(folder: Path, uri: str, resolved: str, registered: Registered | None = None) -> Origin:
    """Reads MLmodel, requirements.txt and python_env.yaml, as far as they are there.

    Raises MalformedRequest for one that cannot be read.
    """
    mlmodel = _read_yaml(folder / "MLmodel")
    environment = _read_yaml(folder / "python_env.yaml")
    flavors = mlmodel.get("flavors")
    if not isinstance(flavors, dict):
        flavors = {}
    run_id = (registered and registered.run_id) or mlmodel.get("run_id")
    python = environment.get("python") or (flavors.get("python_function") or {}).get("python_version")
    return Origin(
        uri=uri,
        resolved=resolved,
        run_id=str(run_id) if run_id else None,
        tags=dict(registered.tags) if registered else {},
        aliases=tuple(sorted(registered.aliases)) if registered else (),
        flavors=tuple(sorted(map(str, flavors))),
        python_version=str(python) if python else None,
        pip_requirements=_requirements(folder / "requirements.txt"),
    )


def _read_yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        written = yaml.load(path.read_text(), yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())[:200]
        raise MalformedRequest(f"{path.parent.name}/{path.name} is broken, log the model again: {problem}") from None
    if not isinstance(written, dict):
        raise MalformedRequest(f"{path.parent.name}/{path.name} is broken, log the model again: it is no mapping")
    return written


def _requirements(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        return ()
    lines = (line.strip() for line in path.read_text(errors="replace").splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
