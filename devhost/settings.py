"""App settings: local.settings.json below, the environment on top."""

import json
import os
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import NamedTuple

from devhost.errors import HostError

_REFERENCE = re.compile(r"%([^%\s]+)%")


class LocalSettings(NamedTuple):
    """What local.settings.json holds: the app settings and Core Tools' own `Host` section."""

    values: Mapping[str, str]
    port: int | None


def read_local_settings(app_dir: Path) -> LocalSettings:
    """Read local.settings.json; an app without one takes all its settings from the environment."""
    path = app_dir / "local.settings.json"
    if not path.is_file():
        return LocalSettings({}, None)
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as exc:
        raise HostError(f"{path.name} cannot be read: {exc}") from exc
    if not isinstance(document, dict):
        raise HostError(f"{path.name} is not a JSON object")
    if document.get("IsEncrypted"):
        raise HostError(f"{path.name} is encrypted: run `func settings decrypt` first")
    values = document.get("Values", {})
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise HostError(f"{path.name}: `Values` must map names to strings")
    section = document.get("Host", {})
    port = section.get("LocalHttpPort") if isinstance(section, dict) else None
    return LocalSettings(values, port if isinstance(port, int) else None)


def apply_settings(values: Mapping[str, str], environ: MutableMapping[str, str] = os.environ) -> None:
    """Put the file's settings into the environment, where the app looks; what is set there already wins."""
    for name, value in values.items():
        environ.setdefault(name, value)


def resolve(text: str, wanted_by: str, environ: Mapping[str, str] = os.environ) -> str:
    """Replace every `%SETTING%` of a binding; a setting that is missing stops the host."""

    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environ:
            raise HostError(f"{wanted_by}: the setting '{name}' is missing")
        return environ[name]

    return _REFERENCE.sub(value_of, text)
