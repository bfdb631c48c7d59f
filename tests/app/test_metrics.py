"""What Prometheus gets from the running app."""

from prometheus_client.parser import text_string_to_metric_families

from tests.app.client import Client


def test_readers_get_prometheus_text(client: Client) -> None:
    reply = client.ask("GET", "/metrics", "Endpoint.Read")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "slipway_models_size_bytes" in [family.name for family in text_string_to_metric_families(reply.text)]


def test_other_roles_get_none(client: Client) -> None:
    for role in ("Endpoint.Score", "Endpoint.Batch", "Endpoint.Manage"):
        assert client.ask("GET", "/metrics", role).status_code == 403
