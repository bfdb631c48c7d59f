"""Which deployment a request goes to."""

import itertools
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.endpoints.routing import by_percent, choose
from shared.errors import DeploymentNotFound
from tests.unit.endpoints.documents import endpoint

IDS = [str(UUID(int=number * 0x9E3779B97F4A7C15)) for number in range(10_000)]


@pytest.mark.parametrize(
    "traffic", [{"blue": 90, "green": 10}, {"blue": 50, "green": 50}, {"a": 1, "b": 33, "c": 66}, {"a": 99, "b": 1}]
)
def test_requests_are_split_by_percent(traffic: dict[str, int]) -> None:
    """Within four standard deviations of a binomial split."""
    counts = Counter(by_percent(traffic, request_id) for request_id in IDS)
    for name, percent in traffic.items():
        share = percent / 100
        tolerance = 4 * (len(IDS) * share * (1 - share)) ** 0.5
        assert counts[name] == pytest.approx(len(IDS) * share, abs=tolerance)
    assert counts.total() == len(IDS)


def test_a_request_id_goes_where_it_went_before_in_every_process() -> None:
    """Written down, so that a change of the hash is seen: it would move callers during a rollout."""
    split = {"blue": 50, "green": 50}
    assert [by_percent(split, f"request-{number}") for number in range(8)] == [
        "blue",
        "blue",
        "blue",
        "blue",
        "green",
        "blue",
        "green",
        "blue",
    ]


def test_the_order_of_the_document_does_not_matter() -> None:
    one, other = {"blue": 30, "green": 70}, {"green": 70, "blue": 30}
    assert [by_percent(one, each) for each in IDS[:500]] == [by_percent(other, each) for each in IDS[:500]]


def test_a_growing_share_keeps_the_requests_that_it_had() -> None:
    ten = {each for each in IDS if by_percent({"blue": 90, "green": 10}, each) == "green"}
    half = {each for each in IDS if by_percent({"blue": 50, "green": 50}, each) == "green"}
    assert ten < half


@given(st.text(), st.lists(st.integers(0, 100), min_size=1, max_size=5))
def test_a_full_split_always_answers_and_never_with_a_deployment_at_0(request_id: str, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), 100]
    traffic = {f"d{at}": high - low for at, (low, high) in enumerate(itertools.pairwise(edges))}
    chosen = by_percent(traffic, request_id)
    assert chosen is not None
    assert traffic[chosen] > 0


def test_a_pin_wins_over_traffic_also_at_0_percent_and_without_an_entry() -> None:
    split = endpoint({"blue": 100, "green": 0}, "blue", "green", "red")
    assert {choose(split, each, "green") for each in IDS[:100]} == {"green"}
    assert {choose(split, each, "red") for each in IDS[:100]} == {"red"}
    assert {choose(split, each, None) for each in IDS[:100]} == {"blue"}


@pytest.mark.parametrize("pinned", ["red", "", "BLUE"])
def test_an_unknown_pin_is_not_found_and_never_routed_by_percent(pinned: str) -> None:
    with pytest.raises(DeploymentNotFound, match="has no deployment"):
        choose(endpoint({"blue": 100}), IDS[0], pinned)


@pytest.mark.parametrize("traffic", [{}, {"blue": 0}, {"blue": 0, "green": 0}])
def test_without_any_weight_nothing_answers_but_a_pin(traffic: dict[str, int]) -> None:
    idle = endpoint(traffic, "blue", "green")
    with pytest.raises(DeploymentNotFound, match="no deployment of endpoint 'flowers' has traffic"):
        choose(idle, IDS[0], None)
    assert choose(idle, IDS[0], "blue") == "blue"
