"""Which schedules an endpoint's document may have, and where they may read."""

import pytest

from tests.unit.endpoints.documents import NIGHTLY, draft, fields, refusal


@pytest.mark.parametrize("cron", ["0 0 2 * * *", "*/10 * * * * *", "0 30 9-17 * * MON-FRI"])
def test_a_schedule_has_six_fields(cron: str) -> None:
    assert draft(batch={"schedules": [{**NIGHTLY, "cron": cron}]}).batch.schedules[0].cron == cron


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ("0 2 * * *", "six fields"),
        ("0 0 2 * * * *", "six fields"),
        ("", "six fields"),
        ("@daily", "six fields"),
        ("0 0 25 * * *", "is not a schedule"),
        ("0 0 x * * *", "is not a schedule"),
        ("61 0 0 * * *", "is not a schedule"),
        ("0 0 0 LW 2 */7", "never comes"),
        ("0 0 0 */30 2 MON#5", "never comes"),
    ],
)
def test_other_schedules_are_refused(cron: str, says: str) -> None:
    assert says in refusal(fields(batch={"schedules": [{**NIGHTLY, "cron": cron}]}))


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("inbox/other/nightly/", "must read from inbox/flowers/"),
        ("inbox/flowers-2/a.csv", "must read from inbox/flowers/"),
        ("jobs/flowers/x", "must read from inbox/flowers/"),
        ("https://a.blob.core.windows.net/inbox/flowers/a.csv", "must read from inbox/flowers/"),
        ("inbox/flowers", "must read from inbox/flowers/"),
        ("/inbox/flowers/a.csv", "names no container"),
        ("Inbox/flowers/a.csv", "names no container"),
        ("inbox/flowers/../other/a.csv", "no .."),
        ("inbox/flowers/..", "no .."),
    ],
)
def test_a_schedule_reads_from_the_endpoints_own_inbox_only(path: str, says: str) -> None:
    assert says in refusal(fields(batch={"schedules": [{**NIGHTLY, "input": path}]}))


def test_a_schedule_reads_where_the_endpoints_jobs_may_read() -> None:
    allowed = ["data/flowers/", "https://a.blob.core.windows.net/flowers/"]
    for path in ("data/flowers/**/*.csv", "https://a.blob.core.windows.net/flowers/a.csv"):
        schedule = {**NIGHTLY, "input": path}
        assert draft(batch={"schedules": [schedule], "allowed_inputs": allowed}).batch.schedules[0].input == path


def test_schedules_have_different_names() -> None:
    """What ran last is kept by name: two of one name would take each other's times."""
    assert "same name" in refusal(fields(batch={"schedules": [NIGHTLY, {**NIGHTLY, "cron": "0 0 3 * * *"}]}))
