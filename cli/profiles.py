"""Environments to publish to: one file `slipway.yaml` with a profile each for dev, staging and prod.

The file is the nearest one in this folder or above, or the one that SLIPWAY_PROFILES names.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError

from cli import written
from cli.written import NotYaml
from shared.documents import Document
from shared.errors import ConfigurationError

FILE: Final = "slipway.yaml"
FILE_VARIABLE: Final = "SLIPWAY_PROFILES"
PROFILE_VARIABLE: Final = "SLIPWAY_PROFILE"
# Or what the environment is to say.
_ADDRESS: Final = r"^(https?://[^/\s]|[^\s]*\$\{[A-Za-z_])[^\s]*$"
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Profile(Document):
    """Where an app is, and how its publisher gets in. `${NAME}` in any of them is taken from the environment.

    `storage`: the blob address of the data account, https://account.blob.core.windows.net, or a connection string.
    `audience`: what tokens are asked for, the app's SLIPWAY_AUDIENCES. `local_issuer`: of a local host.
    """

    app_url: str = Field(pattern=_ADDRESS)
    storage: str = ""
    tenant_id: str = ""
    audience: str = "api://slipway"
    local_issuer: str = ""


class _File(Document):
    default: str = ""
    profiles: dict[str, Profile] = Field(min_length=1)


def find_file(start: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Raises ConfigurationError where there is none."""
    if named := environ.get(FILE_VARIABLE):
        return Path(named)
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
    raise ConfigurationError(
        f"there is no {FILE} in this folder or above: write one with `slipway init`, or name it in {FILE_VARIABLE}"
    )


def read(path: Path, name: str | None, environ: Mapping[str, str] = os.environ) -> tuple[str, Profile]:
    """The profile of this name, else the one that SLIPWAY_PROFILE or the file's `default` names, else the only one.

    Raises ConfigurationError, saying what is wrong with the file.
    """
    try:
        file = _File.model_validate(_filled(written.load(path.read_text(encoding="utf-8")).value, environ))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path.name} is not text in UTF-8") from None
    except NotYaml as error:
        raise ConfigurationError(f"{path.name} is not YAML: {error}") from None
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, each['loc'])) or 'the file'}: {written.message(_File, each)}"
            for each in error.errors()
        )
        raise ConfigurationError(f"{path.name}: {'; '.join(problems)}") from None
    wanted = name or environ.get(PROFILE_VARIABLE) or file.default
    if not wanted and len(file.profiles) == 1:
        wanted = next(iter(file.profiles))
    if wanted not in file.profiles:
        told = f"has no profile '{wanted}': use one" if wanted else "names no default: use --profile with one"
        raise ConfigurationError(f"{path.name} {told} of {', '.join(file.profiles)}")
    return wanted, file.profiles[wanted]


def _filled(value: Any, environ: Mapping[str, str]) -> Any:
    """Only what the profile in use names must be set, so what is not stays as it is written."""
    match value:
        case str():
            return _VARIABLE.sub(lambda found: environ.get(found[1], found[0]), value)
        case dict():
            return {name: _filled(each, environ) for name, each in value.items()}
    return value


def check_filled(profile: Profile) -> Profile:
    """Raises ConfigurationError where a variable that the profile names is not set."""
    for field, value in profile:
        if found := _VARIABLE.search(str(value)):
            raise ConfigurationError(f"{field} of the profile names the variable {found[1]}, which is not set: set it")
    return profile
