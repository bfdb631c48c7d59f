"""What an endpoint's file says of its jobs, and what one job may say instead."""

import pytest
from pydantic import ValidationError

from shared.endpoints.batch_settings import BatchSettings, CsvOptions, JobSettings, Overrides, Schedule


def test_a_job_sets_what_it_names_and_leaves_the_rest_member_by_member() -> None:
    own = JobSettings.model_validate(
        {"mini_batch_size": 10, "csv": {"delimiter": ";"}, "retry_settings": {"max_retries": 1, "timeout": 20}}
    )
    asked = Overrides.model_validate(
        {"csv": {"header": False}, "retry_settings": {"timeout": 30}, "max_concurrency": 7}
    )
    merged = own.with_overrides(asked)
    assert (merged.mini_batch_size, merged.max_concurrency) == (10, 7)
    assert (merged.csv.delimiter, merged.csv.header) == (";", False)
    assert (merged.retry_settings.max_retries, merged.retry_settings.timeout) == (1, 30)
    assert own.with_overrides(Overrides()) == own


def test_every_setting_of_a_job_may_be_set_for_one_job() -> None:
    assert set(Overrides.model_fields) == set(JobSettings.model_fields)


def test_the_settings_of_a_job_are_those_of_the_file_without_what_starts_jobs() -> None:
    file = BatchSettings(mini_batch_size=7, drop="folder", allowed_inputs=("data/",))
    assert file.job == JobSettings(mini_batch_size=7)


@pytest.mark.parametrize("threshold", [-1, 0, 10, "0%", "5%", "0.25%", "100%"])
def test_a_threshold_is_rows_or_a_percentage(threshold: int | str) -> None:
    assert JobSettings.model_validate({"error_threshold": threshold}).error_threshold == threshold


@pytest.mark.parametrize("threshold", [-2, "101%", "-1%", "5 %", "%", "1e1%", 1.5])
def test_any_other_threshold_is_refused(threshold: object) -> None:
    with pytest.raises(ValidationError):
        JobSettings.model_validate({"error_threshold": threshold})


@pytest.mark.parametrize("encoding", ["utf-8", "UTF-16", "cp1252", "latin-1"])
def test_encodings_of_files_are_taken(encoding: str) -> None:
    assert CsvOptions(encoding=encoding).encoding == encoding


@pytest.mark.parametrize("encoding", ["base64", "rot13", "punycode", "idna", "unicode_escape", "utf-7", "klingon", ""])
def test_what_is_no_encoding_of_files_is_refused(encoding: str) -> None:
    with pytest.raises(ValidationError, match="is no encoding of files that is known"):
        CsvOptions(encoding=encoding)


@pytest.mark.parametrize("given", [{"delimiter": ""}, {"delimiter": "é"}, {"delimiter": '"'}, {"quote_char": "«"}])
def test_characters_of_a_csv_are_of_ascii(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        CsvOptions.model_validate(given)


@pytest.mark.parametrize("name", ["predictions.csv", "a", "2026-11.parquet"])
def test_an_output_file_has_a_plain_name(name: str) -> None:
    assert JobSettings(output_file_name=name).output_file_name == name


@pytest.mark.parametrize("name", ["", "_SUCCESS", ".hidden", "a/b.csv", "../a", "a b", "a" * 129])
def test_an_output_file_has_no_other_name(name: str) -> None:
    with pytest.raises(ValidationError):
        JobSettings(output_file_name=name)


@pytest.mark.parametrize(
    "name", ["manifest.json", "rejected.jsonl", "latest.json", "part-1.csv", "part-000000.parquet"]
)
def test_an_output_file_has_no_name_that_an_output_has_already(name: str) -> None:
    for settings in (JobSettings, BatchSettings, Overrides):
        with pytest.raises(ValidationError, match=f"'{name}' is what something else in an output is called"):
            settings(output_file_name=name)


@pytest.mark.parametrize("name", ["part.csv", "apart-1.csv", "Manifest.json", "manifest.jsonl"])
def test_an_output_file_may_have_a_name_that_only_looks_like_one(name: str) -> None:
    assert JobSettings(output_file_name=name).output_file_name == name


@pytest.mark.parametrize("zone", ["UTC", "Europe/Zurich", "America/New_York"])
def test_time_zones_are_known_by_name(zone: str) -> None:
    assert Schedule(name="nightly", cron="0 0 2 * * *", input="inbox/a/", time_zone=zone).time_zone == zone


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime"])
def test_other_time_zones_are_refused(zone: str) -> None:
    with pytest.raises(ValidationError, match="is no time zone"):
        Schedule(name="nightly", cron="0 0 2 * * *", input="inbox/a/", time_zone=zone)
