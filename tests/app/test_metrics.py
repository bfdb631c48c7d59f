"""What Prometheus gets from the running app."""

from prometheus_client.parser import text_string_to_metric_families

from tests.app.client import Client


def test_readers_get_prometheus_text(client: Client) -> None:
    reply = client.ask("GET", "/metrics", "Endpoint.Read")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "slipway_models_size_bytes" in [family.name for family in text_string_to_metric_families(reply.text)]


def test_refusals_of_any_route_are_counted(client: Client) -> None:
    def refused() -> dict[str, float]:
        text = client.ask("GET", "/metrics", "Endpoint.Read").text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {sample.labels["code"]: sample.value for sample in samples if sample.name == "slipway_refused_total"}

    before = refused()
    assert client.ask("GET", "/endpoints", "Endpoint.Score").status_code == 403
    assert client.ask("GET", "/endpoints/flowers/jobs").status_code == 401
    after = refused()
    more = {code: count - before.get(code, 0) for code, count in after.items()}
    assert {code: count for code, count in more.items() if count} == {"NotAuthorized": 1, "NotAuthenticated": 1}


def test_other_roles_get_none(client: Client) -> None:
    for role in ("Endpoint.Score", "Endpoint.Batch", "Endpoint.Manage"):
        assert client.ask("GET", "/metrics", role).status_code == 403
