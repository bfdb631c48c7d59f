"""Promotions that are stopped or refused: what that leaves, and what a repeat does."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from cli.publishing import copying, flow, promotion, stored
from cli.publishing.copying import Side
from tests.app.cli.running import Ended, Slipway, package_etags, package_files

PROMOTE = ("--from", "staging", "--to", "prod")
type Fault = Callable[[pytest.MonkeyPatch, int], None]


def stop(*_: object, **__: object) -> Any:
    raise KeyboardInterrupt


def stop_before_file(patched: pytest.MonkeyPatch, number: int) -> None:
    carry, begun = copying._carry_file, count()

    def stopping(*given: Any) -> None:
        if next(begun) >= number:
            stop()
        carry(*given)

    patched.setattr(copying, "_carry_file", stopping)


def stop_within_file(patched: pytest.MonkeyPatch, number: int) -> None:
    """Its pieces have come, and nobody has said that they are a file."""
    patched.setattr("azure.storage.blob.BlobClient.commit_block_list", stop)


def stop_before_manifest(patched: pytest.MonkeyPatch, number: int) -> None:
    patched.setattr("azure.storage.blob.BlobClient.upload_blob", stop)


def stop_before_revision(patched: pytest.MonkeyPatch, number: int) -> None:
    patched.setattr(flow, "publish", stop)


@pytest.mark.parametrize(
    ("fault", "number", "left"),
    [
        (stop_before_file, 0, 0),
        (stop_within_file, 0, 0),
        (stop_before_file, 2, 2),
        (stop_before_manifest, 0, -1),
        (stop_before_revision, 0, None),
    ],
    ids=["first file", "within a file", "third file", "package.json", "revision"],
)
@pytest.mark.parametrize("new", [True, False], ids=["new", "known"])
def test_a_promotion_that_is_stopped_leaves_the_endpoint_and_is_completed_by_the_next(
    slipway: Slipway,
    folder: Path,
    prod: BlobServiceClient,
    published: str,
    account: BlobServiceClient,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    number: int,
    left: int | None,
    new: bool,
) -> None:
    """`left`: so many files of the package are there; counted from their end where it is negative."""
    if not new:
        assert slipway("promote", published, *PROMOTE).code == 0
        for name in ("a.txt", "b.txt", "c.txt"):
            (folder / "model" / name).write_text("changed")
        assert slipway("publish").code == 0
    before, known = (
        package_etags(prod, f"{published}-blue") if not new else {},
        slipway("show", published, "-p", "prod"),
    )
    with monkeypatch.context() as patched:
        fault(patched, number)
        assert slipway("promote", published, *PROMOTE) == Ended(130, "", "slipway: stopped\n")
    assert slipway("show", published, "-p", "prod") == known
    version = 1 if new else 2
    wanted = {
        name: data for name, data in package_files(account, f"{published}-blue").items() if f"/{version}/" in name
    }
    carried = package_etags(prod, f"{published}-blue") if package_files(prod, f"{published}-blue") else {}
    assert len(carried) - len(before) == (len(wanted) if left is None else left % len(wanted))
    done = slipway("promote", published, *PROMOTE, "--json").document
    assert (done["published"], done["models"]["blue"]["copied"]) == (version, left is not None)
    assert package_files(prod, f"{published}-blue") == package_files(account, f"{published}-blue")
    after = package_etags(prod, f"{published}-blue")
    assert {name: after[name] for name in carried} == carried
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize("file", ["model.onnx", "package.json"])
def test_what_was_tampered_with_at_the_source_goes_no_further(
    slipway: Slipway, prod: BlobServiceClient, published: str, account: BlobServiceClient, file: str
) -> None:
    blob = account.get_blob_client("models", f"{published}-blue/1/{file}")
    data = blob.download_blob().readall()
    blob.upload_blob(data.replace(b"0", b"1"), overwrite=True)
    what = "the package of" if file == "package.json" else f"{file} of"
    ended = slipway("promote", published, *PROMOTE)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"slipway: staging: {what} model {published}-blue/1 is not ")
    assert not {name for name in package_files(prod, f"{published}-blue") if name.endswith(("onnx", "package.json"))}
    assert slipway("show", published, "-p", "prod").code == 1
    blob.delete_blob()
    assert slipway("promote", published, *PROMOTE).err.startswith("slipway: staging: ")


@pytest.mark.parametrize("file", ["model.onnx", "package.json"])
def test_a_version_that_the_target_has_with_other_content_is_left_alone(
    slipway: Slipway, prod: BlobServiceClient, published: str, file: str
) -> None:
    container = prod.get_container_client("models")
    if not container.exists():
        container.create_container()
    container.upload_blob(f"{published}-blue/1/{file}", b"another's")
    what = "content" if file == "package.json" else file
    told = (
        f"slipway: prod: model {published}-blue/1 is there already with other {what}: publish it as a new version, "
        "and repeat\n"
    )
    assert slipway("promote", published, *PROMOTE) == Ended(1, "", told)
    assert container.download_blob(f"{published}-blue/1/{file}").readall() == b"another's"
    assert slipway("show", published, "-p", "prod").code == 1


@pytest.mark.parametrize("file", ["model.onnx", "package.json"])
@pytest.mark.parametrize("same", [True, False])
def test_what_somebody_else_puts_there_meanwhile_is_looked_at(
    slipway: Slipway,
    prod: BlobServiceClient,
    published: str,
    account: BlobServiceClient,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    same: bool,
) -> None:
    path = f"{published}-blue/1/{file}"
    data = account.get_blob_client("models", path).download_blob().readall() if same else b"another's"
    pieces = copying._pieces

    def overtaken(of: str, side: Side) -> Any:
        if side.name == "staging" and of.endswith("model.onnx"):
            prod.get_blob_client("models", path).upload_blob(data)
        yield from pieces(of, side)

    monkeypatch.setattr(copying, "_pieces", overtaken)
    ended = slipway("promote", published, *PROMOTE)
    assert ended.code == (0 if same else 1), ended.err
    assert same or ended.err.startswith(f"slipway: prod: model {published}-blue/1 is there already with other ")
    assert prod.get_blob_client("models", path).download_blob().readall() == data


def test_what_somebody_changes_in_the_target_meanwhile_stays(
    slipway: Slipway, folder: Path, prod: BlobServiceClient, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out = promotion.carry_out

    def overtaken(*given: Any) -> dict[str, Any]:
        carry_out(*given)
        return carry_out(*given)

    with monkeypatch.context() as patched:
        patched.setattr(promotion, "carry_out", overtaken)
        told = f"endpoint '{published}' was changed by someone else meanwhile, and stays as it is: run it again"
        assert slipway("promote", published, *PROMOTE) == Ended(1, "", f"slipway: prod: {told}\n")
    assert slipway("promote", published, *PROMOTE).out.endswith("nothing to promote\n")


def test_who_may_make_no_container_publishes_and_promotes_into_those_that_are_there(
    slipway: Slipway,
    account: BlobServiceClient,
    prod: BlobServiceClient,
    endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for each in (account, prod):
        stored.make(each.get_container_client("models"))
    monkeypatch.setattr("azure.storage.blob.ContainerClient.create_container", stop)
    assert slipway("init", "--name", endpoint).code == 0
    assert slipway("publish").code == 0
    assert slipway("promote", endpoint, *PROMOTE).code == 0
