"""YAML as a person wrote it, and what is wrong with it: with its line, and with the field that was probably meant."""

import difflib
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

import yaml
from pydantic import BaseModel
from pydantic_core import ErrorDetails

_UNKNOWN: Final = "extra_forbidden"
# What the loader raises for a text that is not of its tag's type, such as !!timestamp x, beside ValueError.
_BROKEN: Final = (AttributeError, LookupError, TypeError)
_MOST_NODES: Final = 100_000

type Place = tuple[str | int, ...]


class Written(NamedTuple):
    """`root`: its node, of which lines are known; None where nothing is written."""

    value: Any
    root: yaml.Node | None


class NotYaml(Exception):
    """`line`: from 1; 0 where it belongs to no line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.line = line
        self.reason = reason


def load(text: str, kind: type[yaml.SafeLoader] = yaml.SafeLoader) -> Written:
    """Raises NotYaml."""
    try:
        loader = kind(text)
        root = loader.get_single_node()
        if root is None:
            return Written(None, None)
        if _spread(root, {}) > _MOST_NODES:
            raise NotYaml(0, "there is too much in it for a person's file")
        return Written(loader.construct_document(root), root)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise NotYaml(mark.line + 1 if mark else 0, reason) from None
    except RecursionError:
        raise NotYaml(0, "it is nested too deep") from None
    except ValueError as error:
        raise NotYaml(0, " ".join(str(error).split())[:200]) from None
    except _BROKEN:
        raise NotYaml(0, "a value is not of the type that it is written as") from None


def _spread(node: yaml.Node, known: dict[int, int]) -> int:
    """How many nodes it makes when each alias is written out. Raises NotYaml where that has no end."""
    if known.get(id(node)) == 0:
        raise NotYaml(node.start_mark.line + 1, "an alias stands in what it is the name of")
    if id(node) not in known:
        known[id(node)] = 0
        below = node.value if isinstance(node, yaml.CollectionNode) else []
        parts = chain.from_iterable(each if isinstance(each, tuple) else (each,) for each in below)
        known[id(node)] = 1 + sum(_spread(each, known) for each in parts)
    return known[id(node)]


def message(kind: type[BaseModel], error: ErrorDetails, more: Sequence[str] = ()) -> str:
    """`more`: fields that could stand there too."""
    if error["type"] != _UNKNOWN:
        return error["msg"].removeprefix("Value error, ")
    near = difflib.get_close_matches(str(error["loc"][-1]), [*_fields(kind, error["loc"][:-1]), *more], 1)
    return f"there is no such field{f': did you mean {near[0]}?' if near else ''}"


def _fields(kind: type[BaseModel], place: Place) -> list[str]:
    """The names that could stand there, as the model's JSON schema tells them."""
    schema = kind.model_json_schema()
    here: Any = schema
    for step in place:
        here = _resolved(here, schema)
        if isinstance(step, int):
            here = here.get("items", {})
        else:
            here = here.get("properties", {}).get(step) or here.get("additionalProperties") or {}
    return list(_resolved(here, schema).get("properties", {}))


def _resolved(part: Any, schema: Any) -> Any:
    for each in (part, *part.get("anyOf", ())):
        if "$ref" in each:
            return schema["$defs"][each["$ref"].rpartition("/")[2]]
    return part
