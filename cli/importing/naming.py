"""Azure ML's references to what is registered there, and the names that environments get here. Pure."""

import re
from collections.abc import Hashable
from itertools import count
from typing import Final, NamedTuple

_SHORT: Final = re.compile(r"azureml:(?P<name>[^:@/]+)(?:[:@](?P<version>.+))?")
# Of a registry, and of a workspace by its ARM id.
_LONG: Final = re.compile(r".*/environments/(?P<name>[^/]+)(?:/(?:versions|labels)/(?P<version>[^/]+))?/?")
_NAME_LENGTH: Final = 32


class Reference(NamedTuple):
    """`version`: also a label such as latest; "" where there is none."""

    name: str
    version: str


def reference(text: str) -> Reference:
    """Of `azureml:name:version`, `azureml:name@label`, `azureml://registries/…` and ARM ids."""
    found = _SHORT.fullmatch(text) or _LONG.fullmatch(text)
    return Reference(found["name"], found["version"] or "") if found else Reference(text, "")


class Names:
    """Gives each environment one name of its own: the same thing again gets the same, and no two get one."""

    def __init__(self) -> None:
        self._things: dict[str, Hashable] = {}

    def of_environment(self, wanted: str, thing: Hashable) -> str:
        """As environments may be called here."""
        name = re.sub(r"[^-a-zA-Z0-9]", "-", wanted).strip("-")
        if len(name) < 3 or not name[0].isalpha():
            name = f"env-{name or 'x'}"
        for number in count(1):
            suffix = f"-{number}" if number > 1 else ""
            free = name[: _NAME_LENGTH - len(suffix)].rstrip("-") + suffix
            if self._things.setdefault(free, thing) == thing:
                return free
        raise AssertionError("count() does not end")
