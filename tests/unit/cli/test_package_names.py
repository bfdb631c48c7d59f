"""What a package is called whose registry allows other names and versions."""

from hypothesis import given
from hypothesis import strategies as st

from cli.publishing import packages
from shared.endpoints.deployment import PinnedModel


def test_good_names_and_versions_stay() -> None:
    assert packages.called("flight-delay_2.x", "17") == ("flight-delay_2.x", "17")


def test_versions_that_are_no_whole_numbers_are_left_to_counting() -> None:
    for version in (None, "", "0", "2024-01-01", "1.0", "v2"):
        assert packages.called("iris", version) == ("iris", None)


@given(st.text(max_size=300))
def test_whatever_a_registry_calls_it_the_name_is_good(name: str) -> None:
    for suffix in ("", "-onnx"):
        called = packages.called(name, "1")[0] + suffix
        PinnedModel(name=called, version="1", digest=f"sha256:{'a' * 64}")
