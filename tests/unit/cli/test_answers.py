"""Recorded and new answers compared, leaf by leaf."""

from typing import Any

import pytest

from cli.publishing.answers import Answer, Difference, differences, outcome
from cli.publishing.golden import Golden, Protocol


def golden(response: Any, protocol: Protocol = Protocol.AZUREML) -> Golden:
    return Golden(schema_version=1, protocol=protocol, request={}, response=response)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, None),
        ("late", "late"),
        (True, True),
        ([], []),
        (0.5, 0.500004),
        (1, 1.0),
        (1234567.0, 1234568.0),
        (1e-12, 5e-10),
        ([[1.0, {"a": None}]], [[1.0, {"a": None}]]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
)
def test_what_is_the_same(before: Any, after: Any) -> None:
    assert list(differences(before, after)) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0.5, 0.75, Difference("", "0.5 → 0.75", 0.25)),
        (1234567, 1234568, Difference("", "1234567 → 1234568", 1)),
        (1.0, None, Difference("", "1.0 → null")),
        (1, True, Difference("", "1 → true")),
        (False, 0, Difference("", "false → 0")),
        ("1", 1, Difference("", '"1" → 1')),
        (["a"], ["b"], Difference("[0]", '"a" → "b"')),
        ([1, 2], [1], Difference("", "2 → 1 entries")),
        ([1], {"a": 1}, Difference("", '[1] → {"a":1}')),
        ({"a": {"b": 1}}, {"a": {}}, Difference("a.b", "is not there any more")),
        ([{"a": 1}], [{"a": 1, "b": 2}], Difference("[0].b", "is new")),
        ("x" * 100, "y", Difference("", f'"{"x" * 39}… → "y"')),
    ],
)
def test_what_differs_says_where_and_by_how_much(before: Any, after: Any, expected: Difference) -> None:
    assert list(differences(before, after)) == [expected]


def test_an_outcome_names_the_largest_difference() -> None:
    told = outcome("golden/a.json", golden([1.0, 2.0, "x"]), Answer([1.5, 4.0, "y"]))
    assert str(told) == "answers golden/a.json otherwise in 3 values, the largest at [1]: 2.0 → 4.0, by 2"
    assert told.document == {
        "request": "golden/a.json",
        "same": False,
        "differ": 3,
        "largest": {"at": "[1]", "told": "2.0 → 4.0", "by": 2.0},
        "refused": None,
    }


def test_an_outcome_without_numbers_names_the_first_difference() -> None:
    told = outcome("golden/a.json", golden(["a", "b"]), Answer(["x", "y"]))
    assert str(told) == 'answers golden/a.json otherwise in 2 values, the largest at [0]: "a" → "x"'
    assert str(outcome("golden/a.json", golden("a"), Answer("b"))).endswith('otherwise in the whole: "a" → "b"')


def test_the_same_answer_and_a_refusal_are_told_as_such() -> None:
    same = outcome("golden/a.json", golden(None), Answer())
    assert (same.is_same, str(same)) == (True, "answers golden/a.json as it was recorded")
    refused = outcome("golden/a.json", golden(None), Answer(refused="the column x is missing"))
    assert (refused.is_same, str(refused)) == (False, "refuses golden/a.json: the column x is missing")


def test_who_answers_and_a_request_s_id_are_no_part_of_an_answer_of_the_open_inference_protocol() -> None:
    before = {"id": "1", "model_name": "a", "model_version": "blue", "outputs": [{"name": "y", "data": [1.0]}]}
    after = {**before, "id": "2", "model_name": "", "model_version": "green"}
    assert outcome("a", golden(before, Protocol.OIP), Answer(after)).is_same
    assert not outcome("a", golden(before), Answer(after)).is_same
    changed = outcome("a", golden(before, Protocol.OIP), Answer({**after, "outputs": [{"name": "y", "data": [3.0]}]}))
    assert changed.largest == Difference("outputs[0].data[0]", "1.0 → 3.0", 2.0)
