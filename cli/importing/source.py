"""One of Azure ML's YAML files, and what becomes of each of its fields. Pure."""

import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

type FieldPath = tuple[str | int, ...]


class Kind(StrEnum):
    ONLINE_ENDPOINT = "online endpoint"
    ONLINE_DEPLOYMENT = "online deployment"
    BATCH_ENDPOINT = "batch endpoint"
    BATCH_DEPLOYMENT = "batch deployment"


class Mapped(NamedTuple):
    """A field whose value is in the endpoint file now. `became`: the field there that holds it.

    "" where it only says which kind of file this is.
    """

    file: str
    field: str
    became: str


class Unmapped(NamedTuple):
    """A field, or all below one, that the endpoint file does not hold as it was. `instead`: what to do."""

    file: str
    field: str
    value: Any
    instead: str


class Source:
    """Its fields are taken one by one, and what nobody has taken in the end is listed: so nothing gets lost."""

    def __init__(self, file: str, kind: Kind, fields: Mapping[str, Any]) -> None:
        self.file = file
        self.kind = kind
        self.fields = fields
        self._leaves = tuple(leaves(fields))
        self._taken: dict[FieldPath, str] = {(name,): "" for name in ("$schema", "type") if name in fields}
        self._left: dict[FieldPath, str] = {}

    @property
    def name(self) -> str:
        return str(self.fields["name"])

    def get(self, *path: str | int) -> Any:
        """None where it is not written."""
        value: Any = self.fields
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    def take(self, became: str, *path: str | int) -> Any:
        """The value, which `became` holds from now on; None where it is not written."""
        value = self.get(*path)
        if value is not None:
            self._taken[path] = became
        return value

    def leave(self, instead: str, *path: str | int) -> None:
        """Lists it with an advice of its own; also beside having taken it, where the value could not be kept whole."""
        self._left[path] = instead

    def beside(self, path: str) -> str:
        """A path as this file writes it, as it is seen from where the file's own path is seen from."""
        return os.path.normpath(Path(self.file).parent / path.removeprefix("file:"))

    def mapped(self) -> tuple[Mapped, ...]:
        return tuple(Mapped(self.file, dotted(path), became) for path, became in self._taken.items())

    def unmapped(self, advice: Mapping[FieldPath, str]) -> tuple[Unmapped, ...]:
        """`advice`: what to do instead of a field and all below it; the longest path counts, () for all others."""
        found: dict[FieldPath, str] = {}
        for leaf in self._leaves:
            above = [leaf[:length] for length in range(len(leaf), -1, -1)]
            if left := next((path for path in above if path in self._left), None):
                found[left] = self._left[left]
            elif not any(path in self._taken for path in above):
                told = next(path for path in above if path in advice)
                # All below it in one line, unless some of that was taken.
                whole = told and not any(path[: len(told)] == told for path in self._taken)
                found[told if whole else leaf] = advice[told]
        return tuple(Unmapped(self.file, dotted(path), self._at(path), instead) for path, instead in found.items())

    def _at(self, path: FieldPath) -> Any:
        value: Any = self.fields
        for step in path:
            value = value[step]
        return value


def leaves(value: Any, above: FieldPath = ()) -> Iterator[FieldPath]:
    """The paths of all that is written: an empty mapping or list says nothing, and is none."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from leaves(each, (*above, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from leaves(each, (*above, index))
    else:
        yield above


def dotted(path: FieldPath) -> str:
    return ".".join(map(str, path))
