"""The Authorization header: RFC 6750, sections 2.1 and 3.1."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.tokens import MAX_TOKEN_BYTES, parse_bearer
from shared.errors import AuthError, CredentialsMalformed, NotAuthenticated, TokenRejected


@pytest.mark.parametrize(
    "header", ["Bearer a.b-c_d~e+f/g==", "bearer a.b-c_d~e+f/g==", "BEARER   a.b-c_d~e+f/g== \r\n"]
)
def test_the_token_is_what_follows_the_scheme(header: str) -> None:
    assert parse_bearer(header) == "a.b-c_d~e+f/g=="


@pytest.mark.parametrize("header", [None, "", "  ", "Basic dXNlcjpwYXNz", "DPoP abc", "Negotiate abc, Bearer abc"])
def test_no_bearer_credentials_are_no_credentials(header: str | None) -> None:
    with pytest.raises(NotAuthenticated) as caught:
        parse_bearer(header)
    assert caught.type is NotAuthenticated


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer\tabc",
        "Bearer a b",
        "Bearer a, Bearer b",
        "Bearer a,b",
        'Bearer "abc"',
        "Bearer =abc",
        "Bearer ab=c",
        "Bearer äbc",
        "Bearer \x00",
        "a.b.c",
        "Bearer:abc",
    ],
)
def test_a_bearer_header_that_cannot_be_read_is_malformed(header: str) -> None:
    with pytest.raises(CredentialsMalformed, match="must be: Bearer <token>"):
        parse_bearer(header)


def test_a_token_over_the_bound_is_refused_before_it_is_looked_at() -> None:
    assert parse_bearer("Bearer " + "a" * MAX_TOKEN_BYTES) == "a" * MAX_TOKEN_BYTES
    with pytest.raises(TokenRejected, match="too large"):
        parse_bearer("Bearer " + "\x00" * (MAX_TOKEN_BYTES + 1))


@given(st.text() | st.text().map("Bearer {}".format))
def test_any_header_is_a_token_or_an_auth_error(header: str) -> None:
    with contextlib.suppress(AuthError):
        assert parse_bearer(header).isascii()
