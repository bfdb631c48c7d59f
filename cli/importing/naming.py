"""Azure ML's references to what is registered there, and the names that their targets get here. Pure."""

import re
from collections.abc import Hashable
from itertools import count
from typing import Final, NamedTuple

from shared.models.package import VERSION_PATTERN

_SHORT: Final = re.compile(r"azureml:(?P<name>[^:@/]+)(?:[:@](?P<version>.+))?")
# Of a registry, and of a workspace by its ARM id.
_LONG: Final = re.compile(
    r".*/(?:models|environments|codes)/(?P<name>[^/]+)(?:/(?:versions|labels)/(?P<version>[^/]+))?/?"
)
_MODEL_NAME_LENGTH: Final = 128
_ENVIRONMENT_NAME_LENGTH: Final = 32
FIRST_VERSION: Final = "1"


class Reference(NamedTuple):
    """`version`: also a label such as latest; "" where there is none."""

    name: str
    version: str


def reference(text: str) -> Reference:
    """Of `azureml:name:version`, `azureml:name@label`, `azureml://registries/…` and ARM ids."""
    found = _SHORT.fullmatch(text) or _LONG.fullmatch(text)
    return Reference(found["name"], found["version"] or "") if found else Reference(text, "")


def is_version(text: str) -> bool:
    return re.fullmatch(VERSION_PATTERN, text) is not None


class Names:
    """Gives each thing one name of its own: the same thing again gets the same, and no two get one."""

    def __init__(self) -> None:
        self._things: dict[tuple[str, str], Hashable] = {}

    def of_model(self, wanted: str, version: str, thing: Hashable) -> str:
        """As models may be called here; versions of one model share the name."""
        name = re.sub(r"[^-_.a-zA-Z0-9]", "-", wanted).strip("-_.") or "model"
        return self._free(name, _MODEL_NAME_LENGTH, f"model {version}", thing)

    def of_environment(self, wanted: str, thing: Hashable) -> str:
        """As environments may be called here."""
        name = re.sub(r"[^-a-zA-Z0-9]", "-", wanted).strip("-")
        if len(name) < 3 or not name[0].isalpha():
            name = f"env-{name or 'x'}"
        return self._free(name, _ENVIRONMENT_NAME_LENGTH, "environment", thing)

    def _free(self, name: str, length: int, kind: str, thing: Hashable) -> str:
        for number in count(1):
            suffix = f"-{number}" if number > 1 else ""
            free = name[: length - len(suffix)].rstrip("-_.") + suffix
            if self._things.setdefault((kind, free), thing) == thing:
                return free
        raise AssertionError("count() does not end")
