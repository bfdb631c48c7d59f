"""What a batch deployment says of its jobs, as the endpoint file's `batch` part. Pure."""

from typing import Any, Final

from pydantic import ValidationError

from cli.importing.deployments import read_bounded
from cli.importing.source import FieldPath, Source
from shared.endpoints.batch_settings import BatchSettings, RetrySettings

# Azure ML's own, where a deployment names no other.
_OUTPUT_FILE_NAME: Final = "predictions.csv"
_FORMATS: Final = ("csv", "jsonl", "parquet")
_FILES: Final = "files there, and rows here, so Slipway's default stands: set batch.mini_batch_size to a number of rows"
_NO_OUTPUT: Final = "nothing to do: with summary_only there is no file of predictions"
_TOO_MANY: Final = (
    "Slipway works on 64 mini-batches at once and no more, so its default stands: set batch.max_concurrency"
)
_OF_ANOTHER: Final = (
    "the batch settings are the endpoint's, and these are not those of its default deployment: "
    "let jobs of this one ask for them when they are started"
)
_OWN: Final = (
    "mini_batch_size",
    "max_concurrency_per_instance",
    "instance_count",
    "error_threshold",
    "retry_settings",
    "output_action",
    "output_file_name",
)


def read_batch(source: Source, is_script: bool) -> BatchSettings:
    """Of the endpoint's default deployment, in the new schema, with `settings`, or in the old one, without."""
    at = _above(source)
    fields: dict[str, Any] = {"deployment": source.name}
    names = ["mini_batch_size", "error_threshold"] if is_script else ["error_threshold"]
    if not is_script and source.get(*at, "mini_batch_size") is not None:
        source.leave(_FILES, *at, "mini_batch_size")
    fields |= read_bounded(source, BatchSettings, "batch", at, names)
    fields |= _concurrency(source, at)
    retries = (*at, "retry_settings")
    if written := read_bounded(source, RetrySettings, "batch.retry_settings", retries, RetrySettings.model_fields):
        fields["retry_settings"] = RetrySettings.model_validate(written)
    fields |= _output(source, at)
    return BatchSettings.model_validate(fields)


def read_other_batch(source: Source, is_script: bool, default: BatchSettings) -> None:
    """Of another deployment: nothing is to be said where it is as the default one, else its settings are listed."""
    trial = read_batch(Source(source.file, source.kind, source.fields), is_script)
    if trial.model_copy(update={"deployment": default.deployment}) == default:
        read_batch(source, is_script)
        return
    for path in (*((*_above(source), name) for name in _OWN), ("resources", "instance_count")):
        source.leave(_OF_ANOTHER, *path)


def _above(source: Source) -> FieldPath:
    return ("settings",) if "settings" in source.fields else ()


def _concurrency(source: Source, at: FieldPath) -> dict[str, Any]:
    """Azure ML counts by instance, Slipway over all of them."""
    paths = [(*at, "max_concurrency_per_instance"), (*at, "instance_count"), ("resources", "instance_count")]
    written = {path: source.get(*path) for path in paths if source.get(*path) is not None}
    if not written:
        return {}
    product = 1
    for value in written.values():
        product *= int(value)
    try:
        BatchSettings(max_concurrency=product)
    except ValidationError:
        for path in written:
            source.leave(_TOO_MANY, *path)
        return {}
    for path in written:
        source.take("batch.max_concurrency", *path)
    return {"max_concurrency": product}


def _output(source: Source, at: FieldPath) -> dict[str, Any]:
    action = str(source.take("batch.output_action", *at, "output_action") or "append_row").lower()
    if action == "summary_only":
        source.leave(_NO_OUTPUT, *at, "output_file_name")
        return {"output_action": action}
    if source.get(*at, "output_file_name") is None:
        return {"output_action": action, "output_format": "csv", "output_file_name": _OUTPUT_FILE_NAME}
    named = read_bounded(source, BatchSettings, "batch", at, ["output_file_name"])
    ending = str(named.get("output_file_name", "")).rpartition(".")[2].lower()
    return {"output_action": action, "output_format": ending if ending in _FORMATS else "csv", **named}
