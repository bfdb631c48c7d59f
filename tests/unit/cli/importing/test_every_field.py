"""Nothing is silently dropped: every field of Azure ML's schemas is in the endpoint file, or listed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.importing.advice import ADVICE
from cli.importing.azureml import Imported, import_azureml
from tests.unit.cli.importing.azure_files import Fields, drafted, online_deployment, online_endpoint, write
from tests.unit.cli.importing.every_field import SETS


def leaf_fields(written: Any, above: str = "") -> Iterator[str]:
    pairs = written.items() if isinstance(written, dict) else enumerate(written) if isinstance(written, list) else ()
    for key, value in pairs:
        yield from leaf_fields(value, f"{above}.{key}".lstrip("."))
    if not isinstance(written, dict | list):
        yield above


def dropped(paths: list[Path], result: Imported) -> list[str]:
    """Fields of the files that stand in neither list."""
    told = {(file, field) for file, field, *_ in (*result.mapped, *result.unmapped)}
    return [
        f"{path.name}: {field}"
        for path in paths
        for field in leaf_fields(yaml.safe_load(path.read_text()))
        if not any(file == str(path) and f"{field}.".startswith(f"{above}.") for file, above in told)
    ]


@pytest.mark.parametrize("name", SETS)
def test_every_field_is_in_the_endpoint_file_or_listed(tmp_path: Path, name: str) -> None:
    paths = write(tmp_path, dict(SETS[name]))
    result = import_azureml(paths)
    assert dropped(paths, result) == []
    assert {each.file for each in result.unmapped} == {str(path) for path in paths}


@pytest.mark.parametrize("name", SETS)
def test_what_counts_as_mapped_is_really_in_the_endpoint_file(tmp_path: Path, name: str) -> None:
    result = import_azureml(write(tmp_path, dict(SETS[name])))
    for mapped in result.mapped:
        value = yaml.safe_load(result.text)
        for step in filter(None, mapped.became.split(".")):
            assert step in value, mapped
            value = value[step]


@pytest.mark.parametrize("name", SETS)
def test_the_endpoint_file_can_be_published(tmp_path: Path, name: str) -> None:
    draft = drafted(tmp_path, import_azureml(write(tmp_path, dict(SETS[name]))))
    assert draft.name == "flowers"


@pytest.mark.parametrize("name", SETS)
def test_every_field_that_is_listed_has_an_advice_of_its_own(tmp_path: Path, name: str) -> None:
    result = import_azureml(write(tmp_path, dict(SETS[name])))
    assert [each.field for each in result.unmapped if each.instead == ADVICE[()]] == []


_TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t\x85\u2028\x07'\"#:{}-"), max_size=20
)
_VALUES = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.dates() | _TEXTS
_TREES = st.recursive(_VALUES, lambda below: st.lists(below, max_size=3) | st.dictionaries(_TEXTS, below, max_size=3))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tags=st.dictionaries(_TEXTS, _TREES, max_size=4),
    variables=st.dictionaries(st.from_regex(r"\A[A-Z_]{1,4}\Z") | _TEXTS, _TREES, max_size=4),
    description=_TEXTS,
    script=_TEXTS.filter(str.strip),
)
def test_whatever_the_free_fields_hold_nothing_is_dropped_and_the_file_can_be_published(
    tmp_path: Path, tags: Fields, variables: Fields, description: str, script: str
) -> None:
    code = {"code": "code", "scoring_script": script}
    blue = online_deployment(
        environment_variables=variables, code_configuration=code, tags=tags, description=description
    )
    paths = write(tmp_path, {"e.yml": online_endpoint(tags=tags), "b.yml": blue})
    result = import_azureml(paths)
    assert dropped(paths, result) == []
    kept = drafted(tmp_path, result).deployments["blue"].environment_variables
    as_written = yaml.safe_load(paths[1].read_text())["environment_variables"]
    texts = {name: value for name, value in as_written.items() if isinstance(value, str)}
    assert {name: value for name, value in kept.items() if name in texts} == {
        name: value for name, value in texts.items() if name in kept
    }
