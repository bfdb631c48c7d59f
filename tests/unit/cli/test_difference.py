"""What a publish says of what changes."""

from typing import Any

from cli.publishing.difference import changes

MODEL = {"name": "iris", "version": "3", "digest": f"sha256:{'ab' * 32}"}
PROFILE = {"rows": 1500, "features": {"x": {"edges": [], "categories": ["1.0"], "counts": [9, 1, 0]}}}


def told(before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    return [str(each) for each in changes(before, after)]


def test_a_model_is_told_by_version_and_digest_whatever_its_deployment_is_called() -> None:
    assert told(None, {"deployments": {"model": {"model": MODEL, "worker_count": 1}}}) == [
        "+ deployments.model.model: iris/3 (abababababab)",
        "+ deployments.model.worker_count: 1",
    ]


def test_a_profile_is_one_line_that_changes_with_whatever_is_in_it() -> None:
    document = {"monitoring": {"min_rows": 500, "reference": PROFILE}}
    (line,) = told({"monitoring": {"min_rows": 500}}, document)
    assert line.startswith("+ monitoring.reference: 1,500 rows of 1 columns (")
    features = {"x": {"edges": [], "categories": ["1.0"], "counts": [8, 2, 0]}}
    (line,) = told(document, {"monitoring": {"min_rows": 500, "reference": {**PROFILE, "features": features}}})
    assert line.startswith("~ monitoring.reference: 1,500 rows of 1 columns (")
    assert told(document, {"monitoring": {"reference": {**PROFILE}, "min_rows": 500}}) == []


def test_variables_of_these_names_are_no_profile() -> None:
    assert told(None, {"environment_variables": {"rows": "1", "features": "x"}}) == [
        "+ environment_variables.rows: 1",
        "+ environment_variables.features: x",
    ]
