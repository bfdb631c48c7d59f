"""What an endpoint may be allowed to read and write beside its own folders."""

import pytest

from shared.endpoints.locations import check_prefixes

PARTNER = "https://partner.blob.core.windows.net"
EMULATED = "http://127.0.0.1:10000/partner"


def test_prefixes_of_an_endpoint_are_checked_when_it_is_published() -> None:
    fine = ["data/team/", "data/team", "data/", f"{PARTNER}/data/", f"{EMULATED}/data/x", "http://localhost:9/p/data/x"]
    check_prefixes([*fine, "predictions/other/"])
    check_prefixes(fine, for_outputs=True)
    check_prefixes([])


@pytest.mark.parametrize(
    ("prefix", "told"),
    [
        ("data", "a folder with a slash at its end"),
        ("data/*/x", "has wildcards"),
        ("data/../models/", "no empty segments"),
        ("models/", "container of the app's own"),
        ("inbox/other/", "container of the app's own"),
        ("jobs/x", "container of the app's own"),
        ("azure-webjobs-secrets/", "container of the app's own"),
        ("http://partner.blob.core.windows.net/data/", "only reached by https"),
        ("http://127.0.0.1:10000/devstoreaccount1", "only reached by https"),
        (f"{PARTNER}/data/?sig=x", "leave the SAS"),
    ],
)
def test_a_prefix_that_could_never_allow_anything_is_refused(prefix: str, told: str) -> None:
    for for_outputs in (False, True):
        with pytest.raises(ValueError, match=told):
            check_prefixes(["data/fine/", prefix], for_outputs=for_outputs)


def test_predictions_are_read_where_allowed_and_never_written() -> None:
    with pytest.raises(ValueError, match="container of the app's own"):
        check_prefixes(["predictions/other/"], for_outputs=True)
