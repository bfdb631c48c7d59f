"""Every row of the table of Entra's token versions, and every check, in order."""

from collections.abc import Mapping

import pytest

from shared.auth.access import Principal
from shared.auth.keys import KeyId, SigningKey
from shared.auth.rules import TokenRules, TokenVersion
from shared.auth.tokens import LEEWAY_S, Verified, verify
from shared.errors import AuthError, TokenRejected
from tests.unit.auth.issuing import (
    ABSENT,
    API_CLIENT,
    API_URI,
    CALLER,
    ISSUERS,
    NOW,
    OBJECT,
    OTHER_TENANT,
    TENANT,
    V1,
    V2,
    app_claims,
    sign,
    signing_keys,
    some_rules,
    user_claims,
)

RULES = some_rules()
BOTH = pytest.mark.parametrize("version", [V1, V2])
GRAPH, ARM = "00000003-0000-0000-c000-000000000000", "https://management.azure.com/"


def check(
    claims: Mapping[str, object],
    keys: Mapping[str, SigningKey] | None = None,
    rules: TokenRules = RULES,
    now: float = NOW,
) -> Verified:
    return verify(sign(claims), signing_keys("one") if keys is None else keys, rules, now)


@BOTH
def test_an_applications_token_is_taken(version: TokenVersion) -> None:
    principal = Principal(TENANT, OBJECT, CALLER, "app", frozenset({"Endpoint.Score"}), frozenset())
    assert check(app_claims(version)) == Verified(principal, NOW + 3600, KeyId(version, "one"))
    assert principal.id == f"{TENANT}/{OBJECT}"


@BOTH
def test_a_users_token_is_taken(version: TokenVersion) -> None:
    scopes = frozenset({"openid", "user_impersonation"})
    expected = Principal(TENANT, OBJECT, CALLER, "user", frozenset({"Endpoint.Score"}), scopes)
    assert check(user_claims(version)).principal == expected


@BOTH
@pytest.mark.parametrize("audience", [API_URI, API_CLIENT])
def test_both_configured_audiences_are_taken(version: TokenVersion, audience: str) -> None:
    assert check(app_claims(version, aud=audience)).principal.object_id == OBJECT


@BOTH
@pytest.mark.parametrize("audience", [GRAPH, "https://graph.microsoft.com", ARM, f"{API_URI}/", CALLER, ""])
def test_a_token_for_graph_arm_or_another_audience_is_rejected(version: TokenVersion, audience: str) -> None:
    with pytest.raises(TokenRejected, match="another audience"):
        check(app_claims(version, aud=audience))


def test_an_id_token_is_meant_for_the_front_end() -> None:
    with pytest.raises(TokenRejected, match="another audience"):
        check(app_claims(aud=CALLER, sub="pairwise", azp=ABSENT, nonce="n", preferred_username="a@example.com"))


def test_an_id_token_of_a_front_end_that_shares_the_apis_client_id_is_rejected() -> None:
    with pytest.raises(TokenRejected, match="no access token"):
        check(app_claims(sub="pairwise", azp=ABSENT, nonce="n", preferred_username="a@example.com"))


def test_idtyp_says_app_where_it_is_configured() -> None:
    assert check(app_claims(sub="other", idtyp="app")).principal.kind == "app"


@pytest.mark.parametrize("changes", [{"idtyp": "user"}, {"idtyp": None}, {"idtyp": ["app"]}, {"sub": ABSENT}])
def test_a_token_without_scope_that_is_not_plainly_an_applications_is_rejected(
    changes: dict[str, object],
) -> None:
    with pytest.raises(TokenRejected, match="no access token"):
        check(app_claims(**changes))


@BOTH
def test_ver_decides_the_issuer(version: TokenVersion) -> None:
    other = V2 if version is V1 else V1
    with pytest.raises(TokenRejected, match="issuer is not accepted"):
        check(app_claims(version, iss=ISSUERS[other]))


@BOTH
def test_the_issuer_is_compared_exactly(version: TokenVersion) -> None:
    issuer = ISSUERS[version]
    for almost in (issuer.upper(), f"{issuer}x", f"{issuer}/", issuer[:-1], f" {issuer}", ""):
        with pytest.raises(TokenRejected, match="issuer is not accepted"):
            check(app_claims(version, iss=almost))


@BOTH
def test_a_token_of_another_tenant_is_rejected(version: TokenVersion) -> None:
    issuer = ISSUERS[version].replace(TENANT, OTHER_TENANT)
    with pytest.raises(TokenRejected, match="issuer is not accepted"):
        check(app_claims(version, iss=issuer, tid=OTHER_TENANT))


@BOTH
def test_tid_must_be_the_issuers_tenant(version: TokenVersion) -> None:
    with pytest.raises(TokenRejected, match="tenant is not accepted"):
        check(app_claims(version, tid=OTHER_TENANT))


@pytest.mark.parametrize("tid", ["common", f"{TENANT} ", "", ABSENT, 7])
def test_tid_must_be_a_guid(tid: object) -> None:
    with pytest.raises(TokenRejected, match="tid"):
        check(app_claims(tid=tid))


def test_tid_must_be_the_configured_tenant_even_if_the_issuer_names_another() -> None:
    authorities = {V2: RULES.authorities[V2]._replace(issuer=ISSUERS[V2].replace(TENANT, OTHER_TENANT))}
    for tid in (TENANT, OTHER_TENANT):
        with pytest.raises(TokenRejected, match="tenant is not accepted"):
            check(app_claims(iss=authorities[V2].issuer, tid=tid), rules=RULES._replace(authorities=authorities))


@pytest.mark.parametrize(
    "issuer",
    [ISSUERS[V2].replace(TENANT, OTHER_TENANT), "https://login.microsoftonline.us/{tenantid}/v2.0", ""],
)
@BOTH
def test_a_key_of_another_issuer_is_rejected(version: TokenVersion, issuer: str) -> None:
    with pytest.raises(TokenRejected, match="key belongs to another issuer"):
        check(app_claims(version), signing_keys("one", issuer=issuer))


@BOTH
def test_the_tenant_template_of_a_keys_issuer_is_filled_in(version: TokenVersion) -> None:
    keys = signing_keys("one", issuer="https://login.microsoftonline.com/{tenantid}/v2.0")
    assert check(app_claims(version), keys).key_id.version is version


def test_only_v1_keys_may_name_no_issuer_or_the_v1_issuer() -> None:
    for issuer in (None, ISSUERS[V1]):
        assert check(app_claims(V1), signing_keys("one", issuer=issuer)).principal.object_id == OBJECT
        with pytest.raises(TokenRejected, match="key belongs to another issuer"):
            check(app_claims(V2), signing_keys("one", issuer=issuer))


def test_a_key_that_is_not_held_is_rejected() -> None:
    with pytest.raises(TokenRejected, match="signing key is not known"):
        check(app_claims(), signing_keys("two"))


def test_exp_and_nbf_are_taken_with_a_minute_of_leeway() -> None:
    claims = app_claims(exp=NOW, nbf=NOW)
    assert check(claims, now=NOW + LEEWAY_S - 0.5).expires_at == NOW
    assert check(claims, now=NOW - LEEWAY_S).expires_at == NOW
    with pytest.raises(TokenRejected, match="expired"):
        check(claims, now=NOW + LEEWAY_S)
    with pytest.raises(TokenRejected, match="not valid yet"):
        check(claims, now=NOW - LEEWAY_S - 0.5)


def test_nbf_may_be_absent_and_exp_may_not() -> None:
    assert check(app_claims(nbf=ABSENT)).expires_at == NOW + 3600
    with pytest.raises(TokenRejected, match="exp is missing"):
        check(app_claims(exp=ABSENT))


def test_checks_come_in_the_order_of_the_contract() -> None:
    """A token that is wrong in every way is told the first thing; once that is mended, the next."""
    claims = app_claims(exp=1, iss="https://elsewhere", aud=GRAPH, tid=OTHER_TENANT, sub="pairwise", roles=[])
    token = sign(claims, alg="RS512")
    keys = signing_keys("two")
    for message, mend in (
        ("algorithm is not accepted", lambda: sign(claims)),
        ("key is not known", lambda: keys.update(one=signing_keys("two", issuer="https://elsewhere")["two"])),
        ("signature is not good", lambda: keys.update(signing_keys("one", issuer="https://elsewhere"))),
        ("expired", lambda: claims.update(exp=NOW)),
        ("issuer is not accepted", lambda: claims.update(iss=ISSUERS[V2])),
        ("another audience", lambda: claims.update(aud=API_CLIENT)),
        ("tenant is not accepted", lambda: claims.update(tid=TENANT)),
        ("key belongs to another issuer", lambda: keys.update(signing_keys("one"))),
        ("no access token", lambda: claims.update(sub=OBJECT)),
        ("no app role", lambda: claims.update(roles=["Endpoint.Score"])),
    ):
        with pytest.raises(AuthError, match=message):
            verify(token, keys, RULES, NOW)
        mend()
        token = sign(claims)
    assert verify(token, keys, RULES, NOW).principal.object_id == OBJECT
