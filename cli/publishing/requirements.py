"""What models that run code were logged with, against what they would find where the app runs them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from cli.errors import CommandError
from cli.publishing.environments import Environments
from shared.models.environments import Environment
from shared.models.package import ModelPackage, Origin

# What Azure Functions runs Python on, wherever the publisher sits.
_PLATFORM: Final = {
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
}
# Distributions that bring the same modules; the app itself has MLflow's slim one.
_STAND_INS: Final = {
    "mlflow": ("mlflow-skinny",),
    "opencv-python": ("opencv-python-headless",),
    "tensorflow": ("tensorflow-cpu",),
    "xgboost": ("xgboost-cpu",),
}
# A comment, pip's options of this one requirement, or what continues it on the next line.
_TAIL: Final = re.compile(r"\s+(#|--).*$|\s*\\$")
_EGG: Final = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")


class Needs(NamedTuple):
    """One deployment: where it would run, "" for the app's own packages, and its model. `convertible`: to ONNX."""

    deployment: str
    environment: str
    package: ModelPackage
    origin: Origin | None
    convertible: bool = False


def check(needs: Sequence[Needs], there: Environments) -> list[str]:
    """What may be a trouble; ONNX is none. Raises CommandError for what is one for sure."""
    running = [each for each in needs if each.package.runs_code]
    if lacking := [
        f"{each.deployment} '{each.environment}'" for each in running if each.environment not in there.named
    ]:
        told = f"the app has no such environment: {', '.join(lacking)}; it has {_known(there)}: deploy the app with it"
        raise CommandError("EnvironmentNotFound", told)
    if refused := [told for each in running if (told := _refused(each, there))]:
        raise CommandError("RequirementsConflict", "; ".join(refused))
    return [note for each in running for note in _notes(each, there.named[each.environment])]


def _refused(needs: Needs, there: Environments) -> str:
    """Why it cannot be published, and the ways out; empty where it can."""
    found = "; ".join(conflicts(_logged(needs).pip_requirements, there.named[needs.environment]))
    if not found:
        return ""
    way = f"let its `environment:` name a virtual environment that holds it, of which the app has {_known(there)}"
    ways = f"{way}, or publish with --to-onnx" if needs.convertible else way
    return f"{needs.deployment} would not find what its model was logged with ({found}): {ways}"


def _notes(needs: Needs, environment: Environment) -> Iterator[str]:
    python = _logged(needs).python_version
    if python and environment.python and _minor(python) != _minor(environment.python):
        told = f"was logged with Python {python}, and will run with {environment.python}"
        yield f"{needs.deployment} {told}"


def _logged(needs: Needs) -> Origin:
    """What a score.py imports is written nowhere, whatever the model beside it was logged with."""
    known = needs.origin if needs.package.code_configuration is None else None
    return known or Origin(uri="", resolved="")


def _known(there: Environments) -> str:
    return ", ".join(sorted(filter(None, there.named))) or "none"


def conflicts(requirements: Sequence[str], environment: Environment) -> Iterator[str]:
    """`requirements`: lines of a requirements.txt. Those that name only an address count by name."""
    packages = {canonicalize_name(name): version for name, version in environment.packages.items()}
    where = f"the environment {environment.name}" if environment.name else "the app"
    for wanted in filter(None, map(_parsed, requirements)):
        if not _applies(wanted, environment.python):
            continue
        name = canonicalize_name(wanted.name)
        found = next((packages[each] for each in (name, *_STAND_INS.get(name, ())) if each in packages), None)
        if found is None or not _fits(wanted, found):
            yield f"{wanted.name}{wanted.specifier}: {where} has {found or 'none'}"


def _parsed(line: str) -> Requirement | None:
    """None for options, and for an address that does not tell what lies there."""
    line = _TAIL.sub("", line.strip())
    if line.startswith("-"):
        return None
    try:
        return Requirement(line)
    except InvalidRequirement:
        name = _named(line)
        return Requirement(name) if name else None


def _named(address: str) -> str | None:
    if egg := _EGG.search(address):
        return egg[1]
    try:
        return parse_wheel_filename(PurePosixPath(urlsplit(address).path).name)[0]
    except (InvalidWheelFilename, ValueError):
        return None


def _applies(wanted: Requirement, python: str) -> bool:
    if wanted.marker is None:
        return True
    versions = {"python_version": _minor(python), "python_full_version": python} if python else {}
    return wanted.marker.evaluate({**_PLATFORM, **versions})


def _fits(wanted: Requirement, version: str) -> bool:
    try:
        return wanted.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True


def _minor(python: str) -> str:
    return ".".join(python.split(".")[:2])
