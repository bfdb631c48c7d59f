"""What browsers are told about calls from web pages of other origins."""

import pytest

from shared.endpoints.callers import Cors
from shared.online.cors import preflight, reply_headers

PAGE, OTHER = "https://page.example", "https://other.example"
SOME = Cors(allowed_origins=(PAGE, "https://second.example"), allowed_headers=("X-Own",), max_age_s=60)
ANY = Cors(allowed_origins=("*",))
METHODS = ["OPTIONS", "POST"]


def words(text: str) -> set[str]:
    return set(text.split(", "))


def test_a_preflight_of_an_allowed_origin_is_told_all_that_it_may() -> None:
    headers = preflight(SOME, PAGE, METHODS)
    allowed = words(headers.pop("Access-Control-Allow-Headers"))
    assert {"authorization", "content-type", "azureml-model-deployment", "X-Own"} <= allowed
    assert headers == {
        "Access-Control-Allow-Origin": PAGE,
        "Access-Control-Allow-Methods": "OPTIONS, POST",
        "Access-Control-Max-Age": "60",
        "Vary": "Origin",
    }


def test_replies_to_an_allowed_origin_can_be_read_with_their_headers() -> None:
    headers = reply_headers(SOME, PAGE)
    exposed = words(headers.pop("Access-Control-Expose-Headers"))
    assert {"x-request-id", "azureml-model-deployment", "x-slipway-model"} <= exposed
    assert headers == {"Access-Control-Allow-Origin": PAGE, "Vary": "Origin"}


@pytest.mark.parametrize(
    "origin", [None, "", OTHER, "null", "*", PAGE.upper(), f"{PAGE}/", f"{PAGE}:443", "http://page.example"]
)
def test_any_other_origin_is_told_nothing_and_caches_know_that_it_depends(origin: str | None) -> None:
    assert preflight(SOME, origin, METHODS) == reply_headers(SOME, origin) == {"Vary": "Origin"}


@pytest.mark.parametrize("origin", [PAGE, OTHER, "null"])
def test_where_every_origin_is_allowed_all_are_told_the_same(origin: str) -> None:
    for headers in (preflight(ANY, origin, METHODS), reply_headers(ANY, origin)):
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "Vary" not in headers
    assert reply_headers(ANY, None) == {}


@pytest.mark.parametrize("origin", [PAGE, None])
def test_an_endpoint_that_says_nothing_of_pages_tells_nothing(origin: str | None) -> None:
    assert preflight(None, origin, METHODS) == reply_headers(None, origin) == {}


def test_credentials_mode_is_never_allowed() -> None:
    told = {**preflight(SOME, PAGE, METHODS), **reply_headers(SOME, PAGE), **preflight(ANY, PAGE, METHODS)}
    assert "Access-Control-Allow-Credentials" not in told
