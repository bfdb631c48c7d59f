"""From where models that run code may come: a guard against mistakes, for the origin is what a publisher says."""

from collections.abc import Sequence
from typing import Final

from shared.errors import SourceNotAllowed
from shared.models.package import ModelPackage

# A path means another thing on every machine.
_LOCAL: Final = "file:"


def check_source(deployment: str, package: ModelPackage, prefixes: Sequence[str]) -> None:
    """`prefixes`: of model addresses; none allow all. Raises SourceNotAllowed."""
    if not prefixes or not package.runs_code:
        return
    source = _source(package)
    if not source.startswith(tuple(prefixes)):
        raise SourceNotAllowed(
            f"deployment '{deployment}': its model runs code, which SLIPWAY_CODE_SOURCES of the app takes from "
            f"{', '.join(prefixes)} alone; it is from {source or 'nowhere that its package tells'}"
        )


def _source(package: ModelPackage) -> str:
    if package.origin is None:
        return ""
    resolved = package.origin.resolved
    return _LOCAL if not resolved or resolved.startswith(_LOCAL) else resolved
