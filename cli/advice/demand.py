"""Real-time, batch or both: what is asked of an endpoint, and the rules that turn requests into jobs."""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from cli.advice.answers import Answers

type Choice = Literal["real-time", "batch", "both"]

# Azure ML's longest request_timeout_ms, and Slipway's.
LONGEST_REQUEST_S: Final = 180.0
# Rows in one JSON body (docs/reference.md, Protocols).
_ROWS_IN_A_REQUEST: Final = 100_000
_DAY_S: Final = 86_400


class Demand(NamedTuple):
    """What comes on a day. Without requests or without jobs, those numbers are 0. `reasons`: why it is this choice."""

    choice: Choice
    requests_per_day: float
    rows_per_request: float
    peak_requests_per_s: float
    answer_within_s: float
    jobs_per_day: float
    rows_per_job: float
    job_within_s: float
    reasons: tuple[str, ...]


def demand_of(answers: Answers) -> Demand:
    """The answers' load, its requests made into jobs where a rule says that they cannot, or need not, be requests."""
    moved = [reason for rule in RULES if (reason := rule(answers))] if answers.use != "stored" else []
    online = answers.use != "stored" and not moved
    jobs = [(answers.jobs_per_day, float(answers.rows_per_job))] if answers.use != "now" else []
    if moved:
        jobs.append(_as_jobs(answers))
    jobs_per_day = sum(count for count, _ in jobs)
    rows_per_day = sum(count * rows for count, rows in jobs)
    deadlines = [answers.job_within_s] if answers.use != "now" else []
    return Demand(
        choice="both" if online and jobs else "real-time" if online else "batch",
        requests_per_day=answers.requests_per_day if online else 0,
        rows_per_request=answers.rows_per_request if online else 0,
        peak_requests_per_s=answers.peak_requests_per_s if online else 0,
        answer_within_s=answers.answer_within_s,
        jobs_per_day=jobs_per_day,
        rows_per_job=rows_per_day / jobs_per_day if jobs_per_day else 0,
        job_within_s=min([*deadlines, *([answers.answer_within_s] if moved else [])], default=answers.job_within_s),
        reasons=(*moved, *_reasons(answers, online)),
    )


def nobody_waits(answers: Answers) -> str:
    """A caller who can wait longer than a request may last is better served by a job."""
    if answers.answer_within_s <= LONGEST_REQUEST_S:
        return ""
    return (
        f"Answers may take {answers.answer_within_s:,.0f} s, longer than a request may last "
        f"({LONGEST_REQUEST_S:.0f} s): rows are collected and scored in jobs, which costs least."
    )


def request_too_long(answers: Answers) -> str:
    """Rows that compute for longer than a request may last."""
    needed_s = answers.rows_per_request * answers.cpu_s_per_1000_rows / 1000
    if needed_s <= LONGEST_REQUEST_S:
        return ""
    return (
        f"One request computes for {needed_s:,.0f} s, longer than a request may last on either platform "
        f"({LONGEST_REQUEST_S:.0f} s): each becomes a job."
    )


def request_too_large(answers: Answers) -> str:
    """More rows than one body may hold."""
    if answers.rows_per_request <= _ROWS_IN_A_REQUEST:
        return ""
    return (
        f"One request has {answers.rows_per_request:,} rows, more than one body may hold "
        f"({_ROWS_IN_A_REQUEST:,}): each becomes a job."
    )


RULES: Final[tuple[Callable[[Answers], str], ...]] = (nobody_waits, request_too_long, request_too_large)


def _as_jobs(answers: Answers) -> tuple[float, float]:
    """Jobs a day and rows of each. Rows wait for half of the deadline at most, so that the job has the other half."""
    jobs = answers.requests_per_day
    if nobody_waits(answers):
        jobs = min(jobs, 2 * _DAY_S / answers.answer_within_s)
    return jobs, answers.requests_per_day * answers.rows_per_request / jobs


def _reasons(answers: Answers, online: bool) -> list[str]:
    reasons = []
    if online:
        reasons.append("Predictions are used at once by who asks for them: that is a real-time endpoint.")
    if answers.use != "now":
        reasons.append("Predictions are kept for later: jobs make them in bulk, and nothing runs in between.")
    return reasons
