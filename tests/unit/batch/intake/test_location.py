"""Where an endpoint's jobs may read and write."""

import pytest

from shared.batch.intake.location import check_input, check_output
from shared.endpoints.locations import Known, parse
from shared.errors import LocationNotAllowed, MalformedRequest
from shared.ports import Container

DATA = "https://data.blob.core.windows.net"
PARTNER = "https://partner.blob.core.windows.net"
KNOWN = Known((DATA,), (PARTNER,))
ALLOWED = (
    "data/team", f"{PARTNER}/shared/flowers/", "predictions/other/",
    # What publishing refuses, and what another app's emulator is: neither allows anything.
    "inbox/other/", "models/", "azure-webjobs-secrets/", "http://127.0.0.1:10000/partner/data/",
)  # fmt: skip


def may_read(text: str, *allowed: str) -> None:
    check_input(parse(text, KNOWN), "flowers", allowed, KNOWN)


def output(text: str, *allowed: str) -> str:
    return str(check_output(parse(text, KNOWN), "flowers", allowed, KNOWN))


@pytest.mark.parametrize(
    "text",
    [
        "inbox/flowers/x.csv",
        "inbox/flowers/",
        "inbox/flowers/2026/**/*.csv",
        "inbox/flowers/*",
        f"{DATA}/inbox/flowers/x.csv",
        "predictions/flowers/job/part.parquet",
    ],
)
def test_an_endpoint_reads_its_own_inbox_and_its_own_predictions(text: str) -> None:
    may_read(text)
    may_read(text, *ALLOWED)


@pytest.mark.parametrize(
    "text",
    ["data/team/x.csv", "data/team", "data/team/", f"{DATA}/data/team/x", f"{PARTNER}/shared/flowers/*.csv",
     "predictions/other/job/"],
)  # fmt: skip
def test_it_reads_elsewhere_where_that_is_allowed(text: str) -> None:
    may_read(text, *ALLOWED)
    with pytest.raises(LocationNotAllowed, match=r"batch\.allowed_inputs"):
        may_read(text)


@pytest.mark.parametrize(
    "text",
    [
        "inbox/other/x.csv",
        "inbox/flowers2/x.csv",
        "inbox/flowers",
        "inbox/flowers*/x.csv",
        "inbox/*/x.csv",
        "inbox/**",
        "inbox/",
        f"{DATA}/inbox/other/x.csv",
        "data/team2/x.csv",
        "data/",
        "data/**",
        f"{PARTNER}/shared/flowers2/x",
        f"{PARTNER}/shared/*/x",
        f"{PARTNER}/data/team/x.csv",
        "https://stranger.example/data/team/x.csv",
        "predictions/another/x",
        "azure-webjobs-secrets/host.json",
        *(f"{container}/x" for container in Container),
        *(f"{DATA}/{container}/x" for container in Container),
        *(f"{container}/" for container in Container),
    ],
)
def test_all_else_is_refused(text: str) -> None:
    with pytest.raises(LocationNotAllowed, match="inbox/flowers/"):
        may_read(text, *ALLOWED)
    with pytest.raises(LocationNotAllowed):
        output(text.replace("*", "x"), *ALLOWED)


def test_nobody_is_told_to_ask_for_what_cannot_be_allowed() -> None:
    with pytest.raises(LocationNotAllowed) as caught:
        may_read("models/iris/1/model.onnx")
    assert "allowed_inputs" not in caught.value.message
    with pytest.raises(LocationNotAllowed) as caught:
        output("models/iris/")
    assert "allowed_outputs" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("predictions/flowers/mine", "predictions/flowers/mine/"),
        ("predictions/flowers/mine/", "predictions/flowers/mine/"),
        (f"{DATA}/predictions/flowers/a/b", "predictions/flowers/a/b/"),
        ("data/team", "data/team/"),
        ("data/team/x", "data/team/x/"),
        (f"{PARTNER}/shared/flowers/x", f"{PARTNER}/shared/flowers/x/"),
    ],
)
def test_an_output_is_a_folder(text: str, expected: str) -> None:
    assert output(text, *ALLOWED) == expected


@pytest.mark.parametrize("text", ["predictions/flowers", "predictions/flowers/", f"{DATA}/predictions/flowers/"])
def test_an_output_is_a_folder_of_its_own(text: str) -> None:
    with pytest.raises(LocationNotAllowed, match="a folder of the job's own below predictions/flowers/"):
        output(text, *ALLOWED)


@pytest.mark.parametrize("text", ["data/team/*/", "predictions/flowers/?", f"{PARTNER}/shared/flowers/**"])
def test_an_output_has_no_wildcards(text: str) -> None:
    with pytest.raises(MalformedRequest, match="one folder"):
        output(text, *ALLOWED)


@pytest.mark.parametrize("text", ["inbox/flowers/x/", "predictions/other/x/", "jobs/x/", "azure-webjobs-hosts/x/"])
def test_an_output_goes_into_no_system_container(text: str) -> None:
    with pytest.raises(LocationNotAllowed, match="name a folder below predictions/flowers/"):
        output(text, *ALLOWED)


def test_another_folder_needs_to_be_allowed() -> None:
    with pytest.raises(LocationNotAllowed, match=r"batch\.allowed_outputs"):
        output("data/elsewhere/", *ALLOWED)
