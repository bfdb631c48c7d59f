"""Answers that `read_answers` takes, for tests of what holds for all of them."""

from hypothesis import strategies as st

from cli.advice.answers import Answers, read_answers

_AMOUNTS = st.floats(min_value=0.01, max_value=1e7, allow_nan=False)


def _answers(draw: st.DrawFn) -> Answers:
    per_day = draw(_AMOUNTS)
    return read_answers(
        {
            "use": draw(st.sampled_from(["now", "stored", "both"])),
            "requests_per_day": per_day,
            "peak_requests_per_s": per_day / 86_400 * draw(st.floats(min_value=1, max_value=1000)),
            "rows_per_request": draw(st.integers(min_value=1, max_value=200_000)),
            "answer_within_s": draw(st.floats(min_value=0.01, max_value=86_400)),
            "jobs_per_day": draw(st.floats(min_value=0.01, max_value=10_000)),
            "rows_per_job": draw(st.integers(min_value=1, max_value=10**9)),
            "job_within_s": draw(st.floats(min_value=1, max_value=86_400)),
            "start": draw(st.sampled_from(["drop", "schedule", "rest"])),
            "model_mb": draw(st.floats(min_value=0.1, max_value=100_000)),
            "cpu_s_per_1000_rows": draw(st.floats(min_value=0, max_value=1e6)),
            "gpu": draw(st.booleans()),
            "always_warm": draw(st.booleans()),
            "private_network": draw(st.booleans()),
            "operations": draw(st.sampled_from(["none", "part_time", "team"])),
        }
    )


ANSWERS = st.composite(_answers)()
