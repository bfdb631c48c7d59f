"""The files in which every field is looked for have every field that Azure ML's own schemas know."""

import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema, fields

from tests.unit.cli.importing.azure_files import Fields
from tests.unit.cli.importing.every_field import BATCH, BLUE, BUILT, ENDPOINT, FLAT, GREEN, NEW

_SCHEMAS = "azure.ai.ml._schema"
# Pipelines are refused, and at this identity the library itself fails.
_PIPELINE = ["component", "job_definition"]
_CASES: dict[str, tuple[list[Fields], list[str]]] = {
    "_endpoint.online.online_endpoint.ManagedOnlineEndpointSchema": ([ENDPOINT], []),
    "_deployment.online.online_deployment.ManagedOnlineDeploymentSchema": ([BLUE, GREEN], []),
    "_endpoint.batch.batch_endpoint.BatchEndpointSchema": ([BATCH], ["identity"]),
    "_deployment.batch.batch_deployment.BatchDeploymentSchema": ([FLAT, BUILT], _PIPELINE),
    "_deployment.batch.model_batch_deployment.ModelBatchDeploymentSchema": ([NEW, BUILT], []),
}


def known(schema: Schema, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in schema.fields.items():
        if not field.dump_only:
            yield from _below(field, (*above, field.data_key or name))


def _below(field: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for each in getattr(field, "_union_fields", [getattr(field, "_experimental_field", field)]):
        if each is not field:
            yield from _below(each, path)
        elif isinstance(field, fields.Nested):
            yield from known(field.schema, path)
        else:
            yield path


def is_written(path: tuple[str, ...], file: Fields) -> bool:
    value: Any = file
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return False
        value = value[step]
    return True


@pytest.mark.parametrize("name", _CASES)
def test_the_files_that_are_looked_through_have_every_field_of_the_schema(name: str) -> None:
    files, refused = _CASES[name]
    module, _, cls = f"{_SCHEMAS}.{name}".rpartition(".")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        paths = set(known(getattr(import_module(module), cls)(context={"base_path": Path()})))
    missing = {".".join(path) for path in paths if not any(is_written(path, file) for file in files)}
    assert {field for field in missing if field.split(".")[0] not in refused} == set()
