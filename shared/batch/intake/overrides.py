"""What one job sets for itself, as its request says it in Azure ML's words. Pure."""

from datetime import timedelta
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from shared.batch.intake.members import Problems, read_members
from shared.endpoints.batch_settings import CsvOptions, Overrides, RetrySettings

OVERRIDES: Final = {
    **{to_camel(field): field for field in Overrides.model_fields},
    "maxConcurrencyPerInstance": "max_concurrency",
}
_RETRY: Final = {to_camel(field): field for field in RetrySettings.model_fields}
_CSV: Final = {to_camel(field): field for field in CsvOptions.model_fields}
# The endpoint file's words, and those of Azure ML's REST interface.
_ACTIONS: Final = {"appendrow": "append_row", "summaryonly": "summary_only"}
_DURATION: Final = TypeAdapter(timedelta)
# Where pydantic's own words would tell of patterns and unions.
_MEANINGS: Final = {
    "errorThreshold": "send rows, a percentage such as 5%, or -1 for any number",
    "retrySettings.timeout": "send seconds, or a duration such as PT30S: more than 0 and at most 600 s",
    "outputFileName": "send a plain file name of letters, digits, -, _ and ., such as predictions.csv; part-…, "
    "manifest.json, rejected.jsonl and latest.json are names that an output has already",
    "csv.delimiter": "send one character",
    "csv.quoteChar": "send one character, or an empty text for none",
}


def read_overrides(members: dict[str, Any], problems: Problems) -> Overrides:
    """Of members by their camelCase names; what is wrong with them is added to `problems`."""
    given: dict[str, Any] = {}
    for name, value in members.items():
        field = OVERRIDES[name]
        if field in given:
            problems.add(name, "is given twice, under two names")
        given[field] = _read(field, name, value, problems)
    try:
        return Overrides.model_validate(given)
    except ValidationError as error:
        _tell(error, problems)
        return Overrides()


def _read(field: str, name: str, value: object, problems: Problems) -> object:
    """The value as the endpoint file would have it."""
    if field == "retry_settings":
        retry = read_members(value, name, _RETRY, problems)
        if "timeout" in retry:
            retry["timeout"] = _seconds(retry["timeout"])
        return {_RETRY[each]: retry[each] for each in retry}
    if field == "csv":
        return {_CSV[each]: what for each, what in read_members(value, name, _CSV, problems).items()}
    if field == "output_action" and isinstance(value, str):
        return _ACTIONS.get(value.replace("_", "").lower(), value)
    return value


def _seconds(timeout: object) -> object:
    """Seconds of a duration of ISO 8601, such as PT30S; anything else is left for the field to judge."""
    if not isinstance(timeout, str) or not timeout.startswith("P"):
        return timeout
    try:
        return _DURATION.validate_python(timeout).total_seconds()
    except ValidationError:
        return timeout


def _tell(error: ValidationError, problems: Problems) -> None:
    told: set[str] = set()
    for problem in error.errors():
        field = str(problem["loc"][0])
        # The other parts of the place of a union are names of its kinds, which tell a caller nothing.
        nested = (
            [str(part) for part in problem["loc"][1:]] if field not in ("error_threshold", "output_columns") else []
        )
        place = ".".join(to_camel(part) for part in (field, *nested))
        if place in told:
            continue
        told.add(place)
        problems.add(place, _MEANINGS.get(place) or problem["msg"].removeprefix("Value error, "))
