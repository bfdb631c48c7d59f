"""What a deployment's `environment` and `environment_variables` become. Pure."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from cli.importing.naming import Names, reference
from cli.importing.source import FieldPath, Source
from shared.endpoints.deployment import VariableName, VariableValue

_CONNECTION: Final = "${{"
_WORKER_COUNT: Final = "WORKER_COUNT"
_VARIABLE: Final = TypeAdapter(tuple[VariableName, VariableValue])
_WORKERS: Final = range(1, 9)
_MOST_VARIABLES: Final = 100
_ONCE_MORE: Final = "settings.environment_variables says otherwise, and counts"


class ReadEnvironment(NamedTuple):
    """`name`: None for the app's own packages."""

    name: str | None
    comment: str


def read_environment(source: Source, is_script: bool, names: Names) -> ReadEnvironment:
    became = f"deployments.{source.name}.environment"
    written = source.get("environment")
    if isinstance(written, str):
        found = reference(source.take(became, "environment"))
        name = names.of_environment(f"{found.name}-{found.version}".strip("-"), written)
        return ReadEnvironment(
            name, f"Deploy a virtual environment {name} with the app, with the packages of {written}."
        )
    if not isinstance(written, dict):
        needs = "a score.py needs one with what it imports" if is_script else "a model that is no ONNX graph needs one"
        return ReadEnvironment(None, f"No environment is named: {needs}, unless the app has the packages.")
    label, version = (source.take(became, "environment", field) for field in ("name", "version"))
    conda = source.take(became, "environment", "conda_file")
    wanted = f"{label or source.name}-{version or ''}".strip("-")
    name = names.of_environment(wanted, (source.beside(""), repr(written)))
    packages = _packages(source, conda, written)
    return ReadEnvironment(name, f"Deploy a virtual environment {name} with the app, with the packages of {packages}.")


def _packages(source: Source, conda: Any, written: Mapping[str, Any]) -> str:
    if isinstance(conda, str):
        return source.beside(conda)
    return f"the conda_file in {source.file}" if conda else str(written.get("image", "its image"))


def read_variables(source: Source) -> dict[str, Any]:
    """`environment_variables` and `worker_count`, as far as they are written and Slipway takes them."""
    variables: dict[str, str] = {}
    fields: dict[str, Any] = {}
    # Of a new batch deployment both may be written; Azure ML reads those of the settings.
    for path in (("settings", "environment_variables"), ("environment_variables",)):
        for name, value in (source.get(*path) or {}).items():
            at = (*path, name)
            if name in variables:
                source.leave(_ONCE_MORE, *at)
            elif name == _WORKER_COUNT and str(value).isdecimal() and int(value) in _WORKERS:
                fields["worker_count"] = int(source.take(f"deployments.{source.name}.worker_count", *at))
            elif len(variables) == _MOST_VARIABLES:
                source.leave(f"Slipway takes {_MOST_VARIABLES} variables: let the script read a file for the rest", *at)
            elif (text := _text(source, value, at)) is not None:
                variables[name] = text
                source.take(f"deployments.{source.name}.environment_variables.{name}", *at)
    return fields | ({"environment_variables": variables} if variables else {})


def _text(source: Source, value: Any, at: FieldPath) -> str | None:
    """None where the variable cannot be kept, which is listed then."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        if value is None or isinstance(value, dict | list):
            raise ValueError("the value of a variable is a text")
        if _CONNECTION in text:
            raise ValueError(
                "connections of Azure ML are not known here: write what the script is to know as the value"
            )
        _VARIABLE.validate_python((at[-1], text))
    except ValidationError as error:
        source.leave(f"a variable that Slipway does not take: {error.errors()[0]['msg']}", *at)
    except ValueError as error:
        source.leave(f"{error}", *at)
    else:
        return text
    return None
