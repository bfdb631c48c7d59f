"""An endpoint promoted from one environment to the next: two apps, each with a data account of its own."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from azure.storage.blob import BlobServiceClient

from cli.publishing import copying
from tests.app.cli.running import Ended, Slipway, package_etags, package_files
from tests.support import iris

PROMOTE = ("--from", "staging", "--to", "prod")


def revise(folder: Path, old: str, new: str) -> None:
    file = folder / "endpoint.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_revision_goes_to_the_next_environment_with_the_very_same_bytes(
    slipway: Slipway, folder: Path, prod: BlobServiceClient, published: str, account: BlobServiceClient
) -> None:
    told = slipway("promote", published, *PROMOTE).out.splitlines()
    assert told[0] == f"+ name: {published}"
    assert told[-1] == f"promoted {published} from staging, revision 1, to prod, revision 1"
    files = package_files(account, f"{published}-blue")
    assert len(files) > 3
    assert package_files(prod, f"{published}-blue") == files
    here, there = (slipway("show", published, "--json", "-p", each).document for each in ("staging", "prod"))
    assert there["head"]["traffic"] == {"blue": 100}
    assert there["revision"]["deployments"] == here["revision"]["deployments"]
    (entry,) = slipway("audit", published, "--json", "-p", "prod").document
    assert (entry["change"], entry["agent"]) == ("publish", "slipway-cli")
    (folder / "request.json").write_bytes(iris.request(2))
    assert len(json.loads(slipway("score", published, "request.json", "-p", "prod").out)) == 2
    again = slipway("promote", published, *PROMOTE)
    assert again.out == f"{published} is in prod as in staging, revision 1: nothing to promote\n"


def test_a_dry_run_tells_what_would_change_and_changes_nothing(
    slipway: Slipway, folder: Path, prod: BlobServiceClient, published: str
) -> None:
    told = slipway("promote", published, *PROMOTE, "--dry-run").out.splitlines()
    assert told[-1] == f"would promote {published} from staging, revision 1, to prod; nothing was changed"
    assert package_files(prod, f"{published}-blue") == {}
    assert slipway("show", published, "-p", "prod").err == f"slipway: there is no endpoint '{published}'\n"
    assert slipway("promote", published, *PROMOTE).code == 0
    revise(folder, "mini_batch_size: 5000", "mini_batch_size: 70")
    (folder / "model" / "note.txt").write_text("changed")
    mlmodel = folder / "model" / "MLmodel"
    document = yaml.safe_load(mlmodel.read_text())
    columns = json.loads(document["signature"]["inputs"])
    document["signature"]["inputs"] = json.dumps([{**each, "required": True} for each in columns])
    mlmodel.write_text(yaml.safe_dump(document))
    assert slipway("publish").code == 0
    document = slipway("promote", published, *PROMOTE, "--dry-run", "--json").document
    assert (document["from"], document["to"], document["revision"], document["published"]) == (
        "staging",
        "prod",
        2,
        None,
    )
    assert [each["field"] for each in document["changes"]] == ["deployments.blue.model", "batch.mini_batch_size"]
    assert document["breaking"] == ["blue: the column petal_width is required now"]
    assert (document["models"]["blue"]["version"], document["models"]["blue"]["copied"]) == ("2", False)
    assert slipway("show", published, "--json", "-p", "prod").document["head"]["revision"] == 1


def test_traffic_of_an_endpoint_that_is_there_stays_and_what_is_there_is_not_copied_again(
    slipway: Slipway, folder: Path, prod: BlobServiceClient, published: str
) -> None:
    assert slipway("promote", published, *PROMOTE).code == 0
    before = package_etags(prod, f"{published}-blue")
    shutil.copytree(folder / "model", folder / "greener")
    (folder / "greener" / "note.txt").write_text("for green")
    revise(folder, "deployments:\n", "deployments:\n  green: {model: ./greener}\n")
    revise(folder, "traffic: {blue: 100}", "traffic: {green: 100}")
    assert slipway("publish").code == 0
    promoted = slipway("promote", published, *PROMOTE).out.splitlines()
    assert promoted[-1] == (
        f"traffic stays blue=100: `slipway traffic set {published} green=100 --profile prod` moves it"
    )
    assert slipway("show", published, "--json", "-p", "prod").document["head"]["traffic"] == {"blue": 100}
    assert package_etags(prod, f"{published}-blue") == before
    assert f"{published}-green/1/note.txt" in package_etags(prod, f"{published}-green")


def test_another_revision_than_the_current_one_is_promoted_where_it_is_asked_for(
    slipway: Slipway, folder: Path, prod: BlobServiceClient, published: str
) -> None:
    revise(folder, "mini_batch_size: 5000", "mini_batch_size: 70")
    assert slipway("publish").code == 0
    document = slipway("promote", published, *PROMOTE, "--revision", "1", "--json").document
    assert (document["revision"], document["published"], document["models"]["blue"]["copied"]) == (1, 1, True)
    there = slipway("show", published, "--json", "-p", "prod").document
    assert there["revision"]["batch"]["mini_batch_size"] == 5000
    told = f"slipway: staging: there is no endpoint '{published}' with a revision 3\n"
    assert slipway("promote", published, *PROMOTE, "--revision", "3") == Ended(1, "", told)


def test_an_endpoint_file_says_what_differs_between_environments(
    slipway: Slipway, folder: Path, prod: BlobServiceClient, published: str
) -> None:
    document = yaml.safe_load((folder / "endpoint.yaml").read_text())
    document["deployments"]["blue"] |= {"model": "./gone", "environment_variables": {"STAGE": "prod"}}
    document["batch"]["allowed_inputs"] = ["data/prod/"]
    file = folder / "endpoint.prod.yaml"
    file.write_text(yaml.safe_dump(document))
    asked = (published, *PROMOTE, "--file", "endpoint.prod.yaml")
    assert slipway("promote", *asked).code == 0
    here, there = (slipway("show", published, "--json", "-p", each).document for each in ("staging", "prod"))
    assert there["revision"]["batch"]["allowed_inputs"] == ["data/prod/"]
    blue = there["revision"]["deployments"]["blue"]
    assert blue["environment_variables"] == {"STAGE": "prod"}
    assert blue["model"] == here["revision"]["deployments"]["blue"]["model"]
    assert slipway("promote", *asked).out.endswith("nothing to promote\n")
    document["deployments"]["red"] = document["deployments"]["blue"]
    file.write_text(yaml.safe_dump(document))
    told = "slipway: endpoint.prod.yaml has red, which revision 1 in staging has not\n"
    assert slipway("promote", *asked) == Ended(1, "", told)
    file.write_text(yaml.safe_dump({**document, "name": "another"}))
    told = f"slipway: endpoint.prod.yaml is of endpoint another, not {published}\n"
    assert slipway("promote", *asked) == Ended(1, "", told)


def test_files_of_many_pieces_and_of_none_arrive_whole(
    slipway: Slipway,
    folder: Path,
    prod: BlobServiceClient,
    endpoint: str,
    account: BlobServiceClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / "model" / "large.bin").write_bytes(bytes(range(256)) * (160 * 1024))  # 40 MiB
    (folder / "model" / "empty.txt").write_bytes(b"")
    assert slipway("init", "--name", endpoint).code == 0
    assert slipway("publish").code == 0
    pieces, read = list[int](), copying._pieces

    def counting(path: str, side: copying.Side) -> object:
        for piece in read(path, side):
            pieces.append(len(piece))
            yield piece

    monkeypatch.setattr(copying, "_pieces", counting)
    assert slipway("promote", endpoint, *PROMOTE).code == 0
    assert max(pieces) < 40 * 2**20
    assert package_files(prod, f"{endpoint}-blue") == package_files(account, f"{endpoint}-blue")
