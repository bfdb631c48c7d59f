"""How callers prove who they are, as security schemes."""

from shared.endpoints.spec import Endpoint
from shared.online.openapi.described import Gate, Json


def schemes(endpoint: Endpoint, gate: Gate) -> Json:
    """Those of the endpoint's `auth_mode`, for OpenAPI 3.1."""
    found: Json = {}
    if "entra" in endpoint.revision.auth_mode:
        token = f"{gate.authority}/oauth2/v2.0/token"
        found["oauth2"] = {
            "type": "oauth2",
            "description": "Entra ID. Applications need the app role Endpoint.Score, users the scope as well.",
            "flows": {
                "clientCredentials": {"tokenUrl": token, "scopes": {own_scope(gate): "As an application."}},
                "authorizationCode": {
                    "authorizationUrl": f"{gate.authority}/oauth2/v2.0/authorize",
                    "tokenUrl": token,
                    "scopes": {f"{gate.audience}/{gate.scope}": "As a user."},
                },
            },
        }
        found["token"] = {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": f"An access token of Entra ID for the audience {gate.audience}.",
        }
    if "key" in endpoint.revision.auth_mode:
        found["key"] = {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "slipway_…",
            "description": "One of the endpoint's two keys.",
        }
    return found


def requirements(endpoint: Endpoint, gate: Gate) -> list[Json]:
    """Any one of the schemes is enough."""
    scopes = {"oauth2": [own_scope(gate)]}
    return [{name: scopes.get(name, [])} for name in schemes(endpoint, gate)]


def own_scope(gate: Gate) -> str:
    """What an application asks for: all that it was granted."""
    return f"{gate.audience}/.default"
