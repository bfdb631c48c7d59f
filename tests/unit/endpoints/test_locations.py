"""Where jobs read and write, as people write it."""

import pytest

from shared.endpoints.locations import (
    MAX_NAME,
    Known,
    blob_address,
    is_below,
    is_folder,
    is_system,
    parse,
    written,
)
from shared.errors import MalformedRequest
from shared.ports import Container, Place

DATA = "https://data.blob.core.windows.net"
EMULATOR = "http://127.0.0.1:10000/devstoreaccount1"
PARTNER = "https://partner.blob.core.windows.net"
EMULATED = "http://127.0.0.1:10000/partner"
KNOWN = Known((DATA, EMULATOR), (PARTNER, EMULATED))


def place(text: str) -> Place:
    return parse(text, KNOWN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inbox/flowers/x.csv", Place("", "inbox", "flowers/x.csv")),
        ("inbox/flowers/", Place("", "inbox", "flowers/")),
        ("data/", Place("", "data", "")),
        ("inbox/flowers/100%.csv", Place("", "inbox", "flowers/100%.csv")),
        ("inbox/flowers/a%20b.csv", Place("", "inbox", "flowers/a%20b.csv")),
        ("inbox/flowers/a:b.csv", Place("", "inbox", "flowers/a:b.csv")),
        ("inbox/flowers/part-?.csv", Place("", "inbox", "flowers/part-?.csv")),
        (f"{DATA}/inbox/flowers/a%20b.csv", Place("", "inbox", "flowers/a b.csv")),
        ("HTTPS://Data.Blob.Core.Windows.NET:443/inbox/X.csv", Place("", "inbox", "X.csv")),
        (f"{EMULATOR}/inbox/x.csv", Place("", "inbox", "x.csv")),
        (f"{EMULATED}/data/x.csv", Place(EMULATED, "data", "x.csv")),
        (f"{PARTNER}/data/2026/**/*.csv", Place(PARTNER, "data", "2026/**/*.csv")),
        (f"{PARTNER}/data/%C3%A9%3F.csv", Place(PARTNER, "data", "é?.csv")),
        ("https://stranger.example:8443/data/x", Place("https://stranger.example:8443", "data", "x")),
    ],
)
def test_a_location_is_read(text: str, expected: Place) -> None:
    assert place(text) == expected
    assert place(written(expected)) == expected


@pytest.mark.parametrize("name", ["a%41b", "a%3Fb", "100%", "a?b", "a#b", "a b+c", "é/ü", "x/*.csv", "folder/", ""])
@pytest.mark.parametrize("account", ["", PARTNER])
def test_what_was_read_can_be_written_and_read_again(account: str, name: str) -> None:
    if not account and name == "a#b":
        assert place(f"{DATA}/data/a%23b") == Place("", "data", name)
    assert place(written(Place(account, "data", name))) == Place(account, "data", name)


SEGMENTS = "no empty segments"
CONTROL = "no control characters"
CREDENTIALS = "leave"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names no container"),
        ("inbox", "a folder with a slash at its end"),
        (f"{PARTNER}/data", "a folder with a slash at its end"),
        (PARTNER, "names no container"),
        ("/inbox/x", "names no container"),
        ("Inbox/x", "names no container"),
        ("in_box/x", "names no container"),
        ("in--box/x", "names no container"),
        ("-inbox/x", "names no container"),
        ("in/x", "names no container"),
        (f"{'a' * 64}/x", "names no container"),
        ("in*x/x", "names no container"),
        ("$root/x", "names no container"),
        ("$logs/x", "names no container"),
        (f"{PARTNER}/$web/x", "names no container"),
        (f"{PARTNER}/%24web/x", "names no container"),
        ("inbox\n/x", CONTROL),
        ("inbox/a//b", SEGMENTS),
        ("inbox//", SEGMENTS),
        ("inbox/a//", SEGMENTS),
        ("inbox/./a", SEGMENTS),
        ("inbox/a/../../models/x", SEGMENTS),
        ("inbox/..", SEGMENTS),
        ("inbox/.../a", SEGMENTS),
        ("inbox/flowers/%2e%2e/other/x", SEGMENTS),
        ("inbox/flowers/%2E./x", SEGMENTS),
        ("inbox/flowers/..%2fother/x", SEGMENTS),
        ("inbox/flowers/a%2Fb", SEGMENTS),
        (f"{DATA}/inbox/flowers/%2e%2e/other/x", SEGMENTS),
        (f"{DATA}/inbox/flowers/%252e%252e/other/x", SEGMENTS),
        (f"{DATA}/inbox/flowers/a%252Fb", SEGMENTS),
        (f"{DATA}/inbox%2Fflowers/x", "slash that is percent-encoded"),
        (f"{DATA}/inbox/a%2fb", "slash that is percent-encoded"),
        (f"{DATA}/inbox/a%00b", CONTROL),
        (f"{DATA}/inbox/a%5Cb", CONTROL),
        (f"{DATA}/inbox/a%C2%85b", CONTROL),
        (f"{DATA}/inbox/a%ffb", "not UTF-8"),
        ("inbox/a%0Ab", CONTROL),
        ("inbox/a\x00b", CONTROL),
        ("inbox/a\tb", CONTROL),
        ("inbox/a\x7fb", CONTROL),
        ("inbox/a\ud800b", CONTROL),
        ("inbox\\flowers\\x", CONTROL),
        (f"inbox/{'a' * (MAX_NAME + 1)}", f"at most {MAX_NAME} characters"),
        (f"{DATA}/inbox/{'%41' * (MAX_NAME + 1)}", f"at most {MAX_NAME} characters"),
        ("a" * 100_000, f"at most {MAX_NAME} characters"),
        (f"{PARTNER}/data/x?sv=2024&sig=secret", "leave the SAS"),
        (f"{PARTNER}/data/x?", "leave the SAS"),
        (f"{PARTNER}/data/x#part", "leave the SAS"),
        ("https://user:pass@partner.blob.core.windows.net/data/x", "leave user and password"),
        ("https://@partner.blob.core.windows.net/data/x", "leave user and password"),
        ("azureml://datastores/workspaceblobstore/paths/x", "datastores and data assets"),
        ("azureml:flights:1", "datastores and data assets"),
        ("file:///etc/passwd", "files of your own machine"),
        ("abfss://data@partner.dfs.core.windows.net/x", "abfss: are not taken: write it as https://"),
        ("wasbs://data@partner.blob.core.windows.net/x", "wasbs: are not taken: write it as https://"),
        ("C:/data/x", "c: are not taken"),
        ("http://partner.blob.core.windows.net/data/x", "only reached by https"),
        ("http://127.0.0.1:10000/stranger/data/x", "only reached by https"),
        ("http://127.0.0.1:10000/%70artner/data/x", "only reached by https"),
        ("http://169.254.169.254/metadata/instance", "only reached by https"),
        ("https://partner.dfs.core.windows.net/data/x", "address of Data Lake"),
        ("https:///data/x", "names no host"),
        ("https:data/x", "names no host"),
        ("https://pärtner.blob.core.windows.net/data/x", "names no host"),
        ("https://partner.blob.core.windows.net./data/x", "names no host"),
        ("https://[::1]/data/x", "names no host"),
        (f"https://{'a' * 254}/data/x", "names no host"),
        ("https://[::1/data/x", "no address"),
        ("https://partner.blob.core.windows.net:99999/data/x", "no address"),
        ("https://partner.blob.core.windows.net:x/data/x", "no address"),
        ("inbox/a/b**/c", "alone between two slashes"),
    ],
)
def test_what_is_no_location_is_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        place(text)
    assert told in caught.value.message
    assert "secret" not in caught.value.message


def test_no_address_of_the_data_account_is_another_account() -> None:
    """Its own containers are held to other rules than the containers of others."""
    for text in (f"{DATA}/models/x", f"{DATA.upper()}/models/x", f"{DATA}:443/models/x", f"{EMULATOR}/models/x"):
        assert place(text.replace("HTTPS", "https")).account == ""


@pytest.mark.parametrize(("text", "expected"), [("a/b/", True), ("data/", True), ("a/b", False), ("a/b/*.csv", False)])
def test_a_folder_ends_with_a_slash(text: str, expected: bool) -> None:
    assert is_folder(Place("", "data", text.removeprefix("data/"))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://Data.blob.core.windows.net/", DATA),
        ("https://data.blob.core.windows.net:443", DATA),
        ("http://127.0.0.1:10000/devstoreaccount1/", EMULATOR),
        ("http://localhost:80/x", "http://localhost/x"),
    ],
)
def test_an_account_has_one_address(text: str, expected: str) -> None:
    assert blob_address(text) == expected


@pytest.mark.parametrize(
    "text", ["data", "ftp://data.blob.core.windows.net", "azureml://x", "https://", "https://a@b", "https://a/?sig=x"]
)
def test_what_is_no_address_of_an_account_is_refused(text: str) -> None:
    with pytest.raises(MalformedRequest):
        blob_address(text)


@pytest.mark.parametrize(
    ("text", "prefix", "expected"),
    [
        ("data/team/x", "data/team/", True),
        ("data/team/", "data/team/", True),
        ("data/team", "data/team/", False),
        ("data/team/x", "data/team", True),
        ("data/team", "data/team", True),
        ("data/team2/x", "data/team", False),
        ("data/team2/x", "data/team/", False),
        ("data/x", "data/", True),
        ("data2/x", "data/", False),
        ("data/team/*.csv", "data/team/", True),
        ("data/team/**", "data/team", True),
        ("data/team*", "data/team", False),
        ("data/*/x", "data/team/", False),
        ("data/*/x", "data/", True),
        (f"{PARTNER}/data/x", "data/", False),
        (f"{PARTNER}/data/x", f"{PARTNER}/data/", True),
        ("data/x", f"{PARTNER}/data/", False),
    ],
)
def test_prefixes_are_compared_by_whole_segments(text: str, prefix: str, expected: bool) -> None:
    assert is_below(place(text), place(prefix)) == expected


@pytest.mark.parametrize("container", list(Container))
def test_the_apps_own_containers_are_system_containers_of_the_data_account_alone(container: Container) -> None:
    assert is_system(Place("", container, "x"))
    assert is_system(place(f"{EMULATOR}/{container}/x"))
    assert not is_system(Place(PARTNER, container, "x"))


@pytest.mark.parametrize(
    "container",
    [
        "azure-webjobs-hosts",
        "azure-webjobs-secrets",
        "slipway-leases",
        "slipway-applease",
        "slipway-largemessages",
        "testhubname-leases",
        "testhubname",
        "app-package-slipway-1234567",
        "function-releases",
        "scm-releases",
    ],
)
def test_what_the_functions_host_keeps_is_a_system_container(container: str) -> None:
    assert is_system(Place("", container, "x"))


@pytest.mark.parametrize("container", ["data", "webjobs", "leases", "team-models", "releases"])
def test_any_other_container_is_not(container: str) -> None:
    assert not is_system(Place("", container, "x"))
