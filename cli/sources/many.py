"""A package of many models, one a key, made of a folder of models or of those that a registry has by their tags.

Below the folder a model lies where its key says, `UA/EWR`, or as data sets are partitioned, `carrier=UA/origin=EWR`.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from cli.sources.arriving import arriving
from cli.sources.origin import origin_of
from shared.errors import MalformedRequest
from shared.models.mlmodel import MODELS_FOLDER, SEGMENTS_FILE
from shared.models.package import Origin

# What sets up an environment or tells of the registry: of very many graphs, which need neither, it is most files.
_NOT_SERVED: Final = frozenset({"conda.yaml", "python_env.yaml", "requirements.txt", "registered_model_meta"})

type Tell = Callable[[str], None]


def is_of_many(folder: Path) -> bool:
    """Whether it holds models below, and is none itself."""
    return folder.is_dir() and not (folder / "MLmodel").exists() and any(folder.rglob("MLmodel"))


def keyed(folder: Path, columns: Sequence[str]) -> dict[str, Path]:
    """The folders of the models below `folder`, by key. Raises MalformedRequest for one whose place is no key."""
    found: dict[str, Path] = {}
    for place in sorted(path.parent for path in folder.rglob("MLmodel")):
        steps = place.relative_to(folder).parts
        values = [step.removeprefix(f"{column}=") for column, step in zip(columns, steps, strict=False)]
        key = "/".join(values)
        if len(steps) > len(columns) or not all(values):
            raise MalformedRequest(
                f"{place.relative_to(folder.parent)} is no place for a model: "
                f"its folders must be values of {', '.join(columns)}"
            )
        if key in found:
            raise MalformedRequest(f"{found[key].name} and {place.name} are both models for {key}: leave one of them")
        found[key] = place
    return found


def laid_out(folder: Path) -> dict[str, Path]:
    """The folders of a package's models, by key."""
    top = folder / MODELS_FOLDER
    return {path.parent.relative_to(top).as_posix(): path.parent for path in sorted(top.rglob("MLmodel"))}


def assemble(models: Mapping[str, Path], into: Path, segments: Mapping[str, Any]) -> Path:
    """A new folder below `into` with a package's layout, whose files are those of the models.

    `segments`: what segments.yaml says. Raises MalformedRequest for a key that cannot be a folder.
    """
    with arriving(into, "models-by-key") as arrival:
        for key, folder in models.items():
            if {"", ".", ".."} & set(key.split("/")):
                raise MalformedRequest(f"'{key}' cannot be the key of a model: give its columns other values")
            place = arrival.partial / MODELS_FOLDER / key
            place.mkdir(parents=True, exist_ok=True)
            _link(folder, place)
        (arrival.partial / SEGMENTS_FILE).write_text(yaml.safe_dump(dict(segments)), encoding="utf-8")
    return arrival.folder


def segments_of(folder: Path) -> dict[str, Any]:
    """What its segments.yaml says, if it has one. Raises MalformedRequest."""
    file = folder / SEGMENTS_FILE
    if not file.is_file():
        return {}
    try:
        written = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise MalformedRequest(f"{folder.name}/{SEGMENTS_FILE} cannot be read: correct it, or remove it") from None
    if not isinstance(written, dict):
        raise MalformedRequest(f"{folder.name}/{SEGMENTS_FILE} must be a mapping")
    return written


def origin(models: Mapping[str, Path], uri: str, resolved: str) -> Origin:
    """Of all of them together: each flavor, and each requirement of those that are no graphs.

    Raises MalformedRequest for a model that cannot be read.
    """
    each = [origin_of(folder, uri, resolved) for folder in models.values()]
    running = [one for one in each if "onnx" not in one.flavors]
    pythons = sorted({one.python_version for one in running if one.python_version})
    return Origin(
        uri=uri,
        resolved=resolved,
        flavors=tuple(sorted({flavor for one in each for flavor in one.flavors})),
        python_version=pythons[0] if len(pythons) == 1 else None,
        pip_requirements=tuple(dict.fromkeys(line for one in running for line in one.pip_requirements)),
    )


def _link(folder: Path, place: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    is_graph = any(path.suffix == ".onnx" for path in files)
    for path in files:
        below = path.relative_to(folder)
        if is_graph and below.as_posix() in _NOT_SERVED:
            continue
        target = place / below
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path.resolve(), target)
        except OSError:  # another file system
            shutil.copyfile(path, target)
