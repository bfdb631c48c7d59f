import pytest

from shared.auth.rules import Authority
from shared.errors import ConfigurationError
from tests.unit.auth.issuing import API_CLIENT, API_URI, CALLER, TENANT, V1, V2, some_rules

ENTRA = "https://login.microsoftonline.com"


def test_entras_issuers_and_metadata() -> None:
    assert some_rules().authorities == {
        V1: Authority(
            f"https://sts.windows.net/{TENANT}/", ENTRA, f"{ENTRA}/{TENANT}/.well-known/openid-configuration"
        ),
        V2: Authority(f"{ENTRA}/{TENANT}/v2.0", ENTRA, f"{ENTRA}/{TENANT}/v2.0/.well-known/openid-configuration"),
    }


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:7072", "http://localhost:7072", "http://[::1]:7072", "http://127.0.0.1"]
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_local_issuer_takes_entras_place(origin: str, slash: str) -> None:
    assert some_rules(local_issuer=origin + slash).authorities == {
        V1: Authority(f"{origin}/{TENANT}/", origin, f"{origin}/{TENANT}/.well-known/openid-configuration"),
        V2: Authority(f"{origin}/{TENANT}/v2.0", origin, f"{origin}/{TENANT}/v2.0/.well-known/openid-configuration"),
    }


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1:7072",
        "http://10.0.0.4:7072",
        "http://example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1:7072@example.com",
        "http://example.com\\@127.0.0.1",
        "http://127.0.0.1:7072/path",
        "http://127.0.0.1:7072?query",
        "http://127.0.0.1:7072\n",
        "127.0.0.1:7072",
        " ",
    ],
)
def test_a_local_issuer_is_nowhere_but_on_loopback(address: str) -> None:
    with pytest.raises(ConfigurationError, match="SLIPWAY_LOCAL_ISSUER must be an http address on loopback"):
        some_rules(local_issuer=address)


@pytest.mark.parametrize("tenant", ["contoso.onmicrosoft.com", "common", "", f"{TENANT}/", f"{TENANT}\n"])
def test_the_tenant_is_a_guid(tenant: str) -> None:
    with pytest.raises(ConfigurationError, match="SLIPWAY_TENANT_ID must be the tenant's GUID"):
        some_rules(tenant_id=tenant)


def test_what_is_compared_is_made_ready_once() -> None:
    rules = some_rules(tenant_id=TENANT.upper(), allowed_clients=(CALLER.upper(),), required_scope="Score.All")
    assert rules.tenant_id == TENANT
    assert rules.audiences == {API_URI, API_CLIENT}
    assert rules.allowed_clients == {CALLER}
    assert rules.required_scope == "Score.All"
