"""Questions, and answers that come all at once or one by one."""

from typing import Any

import pytest

from cli.advice.answers import Answers, check_answer, questions, read_answers
from shared.errors import MalformedRequest
from tests.unit.cli.advice.cases import STORED


def refusal(given: dict[str, Any]) -> str:
    with pytest.raises(MalformedRequest) as caught:
        read_answers(given)
    return caught.value.message


def test_every_field_of_the_answers_is_a_question_with_a_reason() -> None:
    asked = questions()
    assert [question.key for question in asked] == list(Answers.model_fields)
    assert all(question.text.rstrip().endswith(("?", "}", "file")) and question.why for question in asked)


def test_questions_say_how_they_are_answered() -> None:
    kinds = {question.key: (question.kind, question.choices, question.unit) for question in questions()}
    assert kinds["use"] == ("choice", ("now", "stored", "both"), "")
    assert kinds["gpu"] == ("yes_no", (), "")
    assert kinds["answer_within_s"] == ("duration", (), "s")
    assert kinds["rows_per_job"] == ("number", (), "rows")
    assert kinds["name"] == ("text", (), "")


def test_only_questions_that_matter_are_asked() -> None:
    now, stored = ({question.key for question in questions(use)} for use in ("now", "stored"))
    assert "jobs_per_day" not in now
    assert "requests_per_day" not in stored
    assert {"use", "model_mb", "gpu"} <= now & stored
    assert now | stored == {question.key for question in questions()}


def test_every_default_is_an_answer_that_is_taken() -> None:
    for question in questions():
        assert check_answer(question.key, question.default) == question.default


def test_no_answers_at_all_are_the_defaults() -> None:
    assert read_answers({}) == Answers()


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("300 ms", 0.3), ("2s", 2), ("1.5 min", 90), (" 6 h ", 21_600), ("1 d", 86_400), (7, 7), ("7", 7)],
)
def test_durations_come_with_their_unit_or_in_seconds(written: object, seconds: float) -> None:
    assert check_answer("answer_within_s", written) == seconds


@pytest.mark.parametrize("written", ["soon", "2 weeks", "", "-1 s", 0, -1, "nan", "inf", "1.2.3", None])
def test_other_durations_are_refused(written: object) -> None:
    with pytest.raises(MalformedRequest):
        check_answer("answer_within_s", written)


@pytest.mark.parametrize(
    ("key", "written"),
    [("gpu", "yes"), ("requests_per_day", "5000"), ("rows_per_request", "3"), ("use", "both"), ("cron", "0 0 4 * * *")],
)
def test_answers_may_be_written_as_text(key: str, written: str) -> None:
    assert check_answer(key, written) == {"yes": True, "5000": 5000, "3": 3}.get(written, written)


@pytest.mark.parametrize(
    ("key", "written", "told"),
    [
        ("use", "later", "use:"),
        ("requests_per_day", -1, "requests_per_day:"),
        ("requests_per_day", float("inf"), "requests_per_day:"),
        ("rows_per_request", 0, "rows_per_request:"),
        ("model_mb", 0, "model_mb:"),
        ("name", "a b", "name:"),
        ("cron", "0 2 * * *", "cron: a schedule has six fields"),
        ("cron", "0 0 2 31 2 *", "cron:"),
        ("shoe_size", 43, "shoe_size: there is no such question"),
    ],
)
def test_an_answer_that_is_none_is_told_by_its_question(key: str, written: object, told: str) -> None:
    with pytest.raises(MalformedRequest, match=told):
        check_answer(key, written)


def test_every_problem_is_told_at_once() -> None:
    told = refusal({"use": "both", "gpu": "perhaps", "cron": "x", "requests_per_day": 0, "what": 1})
    assert all(key in told for key in ("gpu:", "cron:", "what:", "requests_per_day:", "jobs_per_day:", "rows_per_job:"))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"requests_per_day": 0}, "some request must come"),
        ({**STORED, "jobs_per_day": 0}, "some job must make them"),
        ({**STORED, "rows_per_job": 0}, "a job must have rows"),
        ({"requests_per_day": 864_000, "peak_requests_per_s": 9}, "below the day's average"),
    ],
)
def test_answers_that_contradict_each_other_are_refused(given: dict[str, Any], told: str) -> None:
    assert told in refusal(given)


@pytest.mark.parametrize("given", [[], "gpu", None, 3])
def test_what_is_no_mapping_is_refused(given: Any) -> None:
    assert "by the keys of their questions" in refusal(given)


def test_a_key_that_is_no_text_is_no_question() -> None:
    assert "1: there is no such question" in refusal({1: "one"})  # type: ignore[dict-item]


def test_what_is_wrong_already_is_not_told_as_a_contradiction_too() -> None:
    assert refusal({"requests_per_day": "many"}).count("requests_per_day") == 1


def test_what_does_not_matter_may_be_anything() -> None:
    assert read_answers({**STORED, "requests_per_day": 0}).use == "stored"
    assert read_answers({"jobs_per_day": 0}).use == "now"
