"""What an endpoint's documents may say, and how its head moves."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.endpoints.callers import StoredKey
from shared.endpoints.spec import Draft, Endpoint, Head, Revision, first_head, with_key, with_revision, with_traffic
from shared.errors import DeploymentNotFound, InvalidTransition
from tests.unit.endpoints.documents import DIGEST, NOW, deployments, draft, endpoint, fields, revision

LATER = NOW + timedelta(hours=1)
KEY = StoredKey(sha256="1" * 64, created_at=NOW, created_by="ann")
OTHER_KEY = StoredKey(sha256="2" * 64, created_at=LATER, created_by="bob")
NIGHTLY = {"name": "nightly", "cron": "0 0 2 * * *", "input": "inbox/flowers/nightly/"}


def refusal(document: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        Draft.model_validate(document)
    return "; ".join(str(problem["msg"]) for problem in caught.value.errors())


@pytest.mark.parametrize("name", ["abc", "A-1", "flight-delay", "x" * 32])
def test_names_follow_azure_mls_rule(name: str) -> None:
    document = {"name": name, "deployments": deployments(name)}
    assert Draft.model_validate(document).name == name


@pytest.mark.parametrize(
    "name", ["", "ab", "x" * 33, "1abc", "-abc", "abc-", "a_b", "a.b", "a/b", "a..b", "äbc", "abc\n", " abc", "a b"]
)
def test_other_names_are_refused_for_endpoints_deployments_and_schedules(name: str) -> None:
    assert refusal({"name": name, "deployments": deployments("blue")})
    assert refusal(fields(name))
    assert refusal(fields(batch={"schedules": [{**NIGHTLY, "name": name}]}))


@pytest.mark.parametrize(
    "traffic", [{}, {"blue": 0}, {"blue": 100}, {"blue": 0, "green": 100}, {"blue": 50, "green": 50}]
)
def test_traffic_adds_up_to_0_or_100(traffic: dict[str, int]) -> None:
    assert draft("blue", "green", traffic=traffic).traffic == traffic


@pytest.mark.parametrize(
    "traffic",
    [
        {"blue": 99},
        {"blue": 1},
        {"blue": 100, "green": 100},
        {"blue": 50},
        {"blue": 150, "green": -50},
        {"blue": -100, "green": 100},
        {"blue": 101, "green": -1},
        {"red": 100},
        {"blue": 100, "red": 0},
    ],
)
def test_any_other_traffic_is_refused_in_a_draft_and_later(traffic: dict[str, Any]) -> None:
    assert refusal(fields("blue", "green", traffic=traffic))
    with pytest.raises(InvalidTransition):
        with_traffic(endpoint({"blue": 100, "green": 0}), traffic, LATER, "bob")


def test_deployments_that_traffic_names_and_that_are_not_there_are_named() -> None:
    assert "traffic names red, which is not a deployment" in refusal(fields("blue", traffic={"red": 100}))


@pytest.mark.parametrize("count", [0, 21])
def test_an_endpoint_has_1_to_20_deployments(count: int) -> None:
    assert refusal({"name": "flowers", "deployments": deployments(*(f"d{each:02}" for each in range(count)))})


def test_a_deployment_pins_its_model_to_the_byte() -> None:
    for change in ({"digest": "sha256:abc"}, {"digest": DIGEST.upper()}, {"name": "../x"}, {"version": "0"}):
        document = fields("blue")
        document["deployments"]["blue"]["model"] |= change
        assert refusal(document)
    assert str(draft("blue").deployments["blue"].model.ref) == "iris/1"


@pytest.mark.parametrize("timeout_ms", [0, -1, 180_001])
def test_the_request_timeout_keeps_azure_mls_bounds(timeout_ms: int) -> None:
    document = fields("blue")
    document["deployments"]["blue"]["request_settings"] = {"request_timeout_ms": timeout_ms}
    assert refusal(document)


def test_fields_and_values_that_nobody_knows_are_refused() -> None:
    assert refusal(fields("blue", "green", traffic={"blue": 99.5, "green": 0.5}))
    assert refusal(fields("blue", colour="blue"))
    assert refusal(fields("blue", auth_mode=["none"]))
    assert refusal(fields("blue", batch={"error_threshold": -2}))


@pytest.mark.parametrize("cron", ["0 0 2 * * *", "*/10 * * * * *", "0 30 9-17 * * MON-FRI"])
def test_a_schedule_has_six_fields(cron: str) -> None:
    assert draft(batch={"schedules": [{**NIGHTLY, "cron": cron}]}).batch.schedules[0].cron == cron


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ("0 2 * * *", "six fields"),
        ("0 0 2 * * * *", "six fields"),
        ("", "six fields"),
        ("@daily", "six fields"),
        ("0 0 25 * * *", "is not a schedule"),
        ("0 0 x * * *", "is not a schedule"),
        ("61 0 0 * * *", "is not a schedule"),
        ("0 0 0 LW 2 */7", "never comes"),
        ("0 0 0 */30 2 MON#5", "never comes"),
    ],
)
def test_other_schedules_are_refused(cron: str, says: str) -> None:
    assert says in refusal(fields(batch={"schedules": [{**NIGHTLY, "cron": cron}]}))


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("inbox/other/nightly/", "must read from inbox/flowers/"),
        ("inbox/flowers-2/a.csv", "must read from inbox/flowers/"),
        ("jobs/flowers/x", "must read from inbox/flowers/"),
        ("https://a.blob.core.windows.net/inbox/flowers/a.csv", "must read from inbox/flowers/"),
        ("inbox/flowers", "must read from inbox/flowers/"),
        ("/inbox/flowers/a.csv", "names no container"),
        ("Inbox/flowers/a.csv", "names no container"),
        ("inbox/flowers/../other/a.csv", "no .."),
        ("inbox/flowers/..", "no .."),
    ],
)
def test_a_schedule_reads_from_the_endpoints_own_inbox_only(path: str, says: str) -> None:
    assert says in refusal(fields(batch={"schedules": [{**NIGHTLY, "input": path}]}))


def test_a_schedule_reads_where_the_endpoints_jobs_may_read() -> None:
    allowed = ["data/flowers/", "https://a.blob.core.windows.net/flowers/"]
    for path in ("data/flowers/**/*.csv", "https://a.blob.core.windows.net/flowers/a.csv"):
        schedule = {**NIGHTLY, "input": path}
        assert draft(batch={"schedules": [schedule], "allowed_inputs": allowed}).batch.schedules[0].input == path


@pytest.mark.parametrize(
    ("field", "prefix"),
    [
        ("allowed_inputs", "models/"),
        ("allowed_inputs", "jobs/"),
        ("allowed_outputs", "inbox/flowers/"),
        ("allowed_outputs", "predictions/"),
        ("allowed_inputs", "data/*/"),
        ("allowed_inputs", "ftp://x/"),
    ],
)
def test_a_prefix_that_no_endpoint_may_have_is_refused(field: str, prefix: str) -> None:
    assert prefix in refusal(fields(batch={field: [prefix]}))


def test_schedules_have_different_names() -> None:
    """What ran last is kept by name: two of one name would take each other's times."""
    assert "same name" in refusal(fields(batch={"schedules": [NIGHTLY, {**NIGHTLY, "cron": "0 0 3 * * *"}]}))


def test_batch_goes_to_the_deployment_that_the_file_names_also_without_traffic() -> None:
    named = endpoint({"blue": 100, "green": 0}, batch={"deployment": "green"})
    assert named.batch_deployment() == "green"
    assert "is not a deployment" in refusal(fields("blue", batch={"deployment": "green"}))


@pytest.mark.parametrize(
    ("traffic", "chosen"),
    [
        ({"blue": 90, "green": 10}, "blue"),
        ({"blue": 10, "green": 90}, "green"),
        ({"green": 50, "blue": 50}, "blue"),
        ({"blue": 0, "green": 100}, "green"),
    ],
)
def test_batch_goes_to_the_deployment_with_the_most_traffic(traffic: dict[str, int], chosen: str) -> None:
    assert endpoint(traffic).batch_deployment() == chosen


@pytest.mark.parametrize("traffic", [{}, {"blue": 0}])
def test_batch_without_a_named_deployment_and_without_traffic_is_not_found(traffic: dict[str, int]) -> None:
    with pytest.raises(DeploymentNotFound, match=r"set batch\.deployment"):
        endpoint(traffic, "blue").batch_deployment()


def test_an_unknown_deployment_is_not_found() -> None:
    with pytest.raises(DeploymentNotFound, match="endpoint 'flowers' has no deployment 'red'"):
        endpoint({"blue": 100}).deployment("red")


def test_the_first_head_has_the_traffic_of_the_file() -> None:
    head = first_head(revision("blue", traffic={"blue": 100}))
    assert head == Head(revision=1, traffic={"blue": 100}, updated_at=NOW, updated_by="ann")


def test_a_revision_never_resets_traffic() -> None:
    before = Head(revision=1, traffic={"blue": 90, "green": 10}, updated_at=NOW, updated_by="ann")
    second = revision("blue", "green", "red", number=2, traffic={"red": 100})
    assert with_revision(before, second) == before.model_copy(update={"revision": 2})


def test_a_deployment_without_traffic_may_go_and_takes_its_entry_with_it() -> None:
    before = Head(revision=1, traffic={"blue": 100, "green": 0}, updated_at=NOW, updated_by="ann")
    assert with_revision(before, revision("blue", number=2)).traffic == {"blue": 100}


def test_deployments_with_live_traffic_may_not_go() -> None:
    before = Head(revision=1, traffic={"red": 10, "blue": 80, "green": 10}, updated_at=NOW, updated_by="ann")
    with pytest.raises(InvalidTransition, match="green, red still takes live traffic"):
        with_revision(before, revision("blue", number=2))


def test_traffic_is_moved_as_a_whole_and_says_who_and_when() -> None:
    head = with_traffic(endpoint({"blue": 100, "green": 0}), {"green": 100}, LATER, "bob")
    assert head == Head(revision=1, traffic={"green": 100}, updated_at=LATER, updated_by="bob")


def test_documents_read_back_as_they_were() -> None:
    document = revision("blue", "green", traffic={"blue": 100}, batch={"schedules": [NIGHTLY]})
    assert Revision.model_validate_json(document.model_dump_json()) == document
    whole = endpoint({"blue": 100})
    assert Endpoint.model_validate_json(whole.model_dump_json()) == whole


@pytest.mark.parametrize("version", [0, 2, "1"])
def test_documents_of_another_schema_version_are_refused(version: object) -> None:
    with pytest.raises(ValidationError):
        Revision.model_validate({**revision().model_dump(), "schema_version": version})


def test_a_revision_and_traffic_keep_the_keys_and_a_revision_without_key_mode_forgets_them() -> None:
    taking = endpoint({"blue": 100}, auth_mode=["entra", "key"])
    keyed = taking.model_copy(update={"head": with_key(taking, "primary", KEY)})
    assert keyed.head.keys == {"primary": KEY}
    assert with_traffic(keyed, {"blue": 0}, LATER, "bob").keys == {"primary": KEY}
    assert with_revision(keyed.head, revision(number=2, auth_mode=["key"])).keys == {"primary": KEY}
    assert with_revision(keyed.head, revision(number=3)).keys == {}


def test_a_new_key_leaves_the_other_one_good_and_says_who_and_when() -> None:
    taking = endpoint({"blue": 100}, auth_mode=["key"])
    first = with_key(taking, "primary", KEY)
    second = with_key(taking.model_copy(update={"head": first}), "secondary", OTHER_KEY)
    assert second.keys == {"primary": KEY, "secondary": OTHER_KEY}
    assert (second.updated_at, second.updated_by, second.traffic) == (LATER, "bob", {"blue": 100})


def test_an_endpoint_without_key_mode_refuses_keys() -> None:
    with pytest.raises(InvalidTransition, match=r"auth_mode: \[entra, key\]"):
        with_key(endpoint({"blue": 100}), "primary", KEY)
