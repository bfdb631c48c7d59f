"""What rules a platform out, each rule on both sides of its limit."""

from typing import Any

import pytest

from cli.advice import limits
from tests.unit.cli.advice.cases import STORED, work

# Rule, the answers at its limit, the answers beyond.
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("gpu", {}, {"gpu": True}),
    ("memory", {"memory_mb": 2048}, {"memory_mb": 2049}),
    (
        "cores_at_peak",
        {"peak_requests_per_s": 174, "cpu_s_per_1000_rows": 1000},
        {"peak_requests_per_s": 176, "cpu_s_per_1000_rows": 1000},
    ),
    (
        "one_row",
        {**STORED, "cpu_s_per_1000_rows": 600_000},
        {**STORED, "cpu_s_per_1000_rows": 600_001},
    ),
    ("job_deadline", {**STORED, "job_within_s": 32}, {**STORED, "job_within_s": 31}),
    ("request_rate", {"peak_requests_per_s": 500}, {"peak_requests_per_s": 501}),
    ("no_machine", {"memory_mb": 32_768}, {"memory_mb": 32_769}),
    ("cluster_start", {**STORED, "job_within_s": 301}, {**STORED, "job_within_s": 300}),
]


@pytest.mark.parametrize(("rule", "within", "beyond"), CASES)
def test_a_rule_holds_at_its_limit_and_is_broken_beyond(
    rule: str, within: dict[str, Any], beyond: dict[str, Any]
) -> None:
    assert getattr(limits, rule)(work(**within)) == ""
    assert getattr(limits, rule)(work(**beyond)).endswith((".", ":"))


def test_every_rule_is_tested_here() -> None:
    assert [case[0] for case in CASES] == [rule.__name__ for _, rule in limits.RULES]


def test_rules_of_jobs_do_not_look_at_requests() -> None:
    given = {"cpu_s_per_1000_rows": 900_000, "job_within_s": 1}
    assert limits.one_row(work(**given, answer_within_s=1, rows_per_request=1, requests_per_day=1)) != ""
    assert limits.job_deadline(work(job_within_s=1)) == limits.cluster_start(work(job_within_s=1)) == ""


def test_a_small_job_has_no_more_lanes_than_mini_batches() -> None:
    # 20,000 rows are one mini-batch of 20 s, whatever is free beside it.
    given = {**STORED, "rows_per_job": 20_000}
    assert limits.job_deadline(work(**given, job_within_s=20)) == ""
    assert "with 1 mini-batches at once" in limits.job_deadline(work(**given, job_within_s=19))


def test_obstacles_name_the_platform_that_cannot() -> None:
    found = limits.obstacles(work(gpu=True, peak_requests_per_s=501))
    assert [(finding.rule, finding.platform) for finding in found] == [
        ("gpu", "functions"),
        ("request_rate", "azureml"),
    ]
    assert limits.obstacles(work()) == ()
