"""The Bicep files as data, read by pycep, the parser that checkov reads them with.

A name that refers to something and a text are both strings here; an expression is a dict.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from pycep import BicepParser

ROOT: Final = Path(__file__).parents[2]
INFRA: Final = ROOT / "infra"


class Resource(NamedTuple):
    """`body`: what stands in its braces, inside of loops and conditions."""

    symbol: str
    kind: str
    version: str
    existing: bool
    body: dict[str, Any]

    @property
    def properties(self) -> dict[str, Any]:
        return dict(self.body.get("properties", {}))


class Module(NamedTuple):
    symbol: str
    file: Path
    body: dict[str, Any]


class Template:
    """One Bicep file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text()
        self._parsed = _parse(self.text)
        self.parameters: dict[str, dict[str, Any]] = self._parsed.get("parameters", {})
        self.variables: dict[str, Any] = {
            name: each["value"] for name, each in self._parsed.get("variables", {}).items()
        }
        self.outputs: dict[str, Any] = self._parsed.get("outputs", {})

    @property
    def resources(self) -> list[Resource]:
        return [
            Resource(symbol, each["type"], each["api_version"], each["existing"], _inside(each["config"]))
            for symbol, each in self._parsed.get("resources", {}).items()
        ]

    @property
    def made(self) -> list[Resource]:
        return [resource for resource in self.resources if not resource.existing]

    @property
    def modules(self) -> list[Module]:
        return [
            Module(symbol, (self.path.parent / each["detail"]["path"]).resolve(), _inside(each["config"]))
            for symbol, each in self._parsed.get("modules", {}).items()
        ]

    def expressions(self) -> Iterator[str]:
        """Every name and text that a variable, resource, module, output or default is made of."""
        for part in ("variables", "resources", "modules", "outputs"):
            yield from texts(self._parsed.get(part, {}))
        yield from texts([each["default"] for each in self.parameters.values()])

    def description(self, parameter: str) -> str:
        found = [each["argument"] for each in self.parameters[parameter]["decorators"] if each["type"] == "description"]
        return str(found[0]).replace("\\'", "'") if found else ""

    def default(self, parameter: str) -> Any:
        """As it is written, without quotes; None where the parameter is required."""
        return self.parameters[parameter]["default"]


@cache
def _parse(text: str) -> dict[str, Any]:
    return dict(_parser().parse(text=text))


@cache
def _parser() -> BicepParser:
    return BicepParser()


def _inside(config: dict[str, Any]) -> dict[str, Any]:
    while "config" in config and ("loop_type" in config or "condition" in config):
        config = config["config"]
    return config


def read_all(infra: Path = INFRA) -> list[Template]:
    """main.bicep first."""
    return [Template(infra / "main.bicep"), *(Template(path) for path in sorted((infra / "modules").glob("*.bicep")))]


def texts(value: object) -> Iterator[str]:
    """Every name and text in an expression, and every key that is put together of some."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if "${" in key:
                yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def alternatives(value: object) -> set[object]:
    """What `condition ? a : b` can be, or the value itself."""
    if isinstance(value, dict):
        operator = value.get("operator", {})
        if operator.get("type") == "conditional":
            operands = operator["operands"]
            return alternatives(operands["true_value"]) | alternatives(operands["false_value"])
        return {str(value)}
    return {value}
