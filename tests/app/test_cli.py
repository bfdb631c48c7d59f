"""The command line against the whole app: as a person and as a pipeline use it."""

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from azure.storage.blob import BlobServiceClient

from cli.app import main
from samples.flights.local import write_profile
from tests.app.client import Client
from tests.support import iris

ROOT = Path(__file__).parents[2]


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


type Slipway = Callable[..., Ended]


@pytest.fixture
def folder(
    client: Client, account: BlobServiceClient, tmp_path: Path, iris_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A team's folder: a model, an endpoint file, and the profile of the stack; the place where commands run."""
    write_profile(client.stack, tmp_path / "slipway.yaml")
    shutil.copytree(iris_folder, tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    for name in ("SLIPWAY_PROFILES", "SLIPWAY_PROFILE", "SLIPWAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def slipway(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Slipway:
    def run(*arguments: str) -> Ended:
        capsysbinary.readouterr()
        code = main(arguments)
        told = capsysbinary.readouterr()
        return Ended(code, told.out.decode(), told.err.decode())

    return run


@pytest.fixture
def endpoint(request: pytest.FixtureRequest) -> str:
    """A name of its own for each test."""
    return f"cli-{abs(hash(request.node.name)) % 10**8}"


@pytest.fixture
def published(slipway: Slipway, endpoint: str) -> str:
    assert slipway("init", "--name", endpoint).code == 0
    assert slipway("publish").code == 0
    return endpoint


def test_from_a_folder_to_a_scored_request_and_a_job(slipway: Slipway, folder: Path, endpoint: str) -> None:
    assert slipway("init", "--name", endpoint).out == "wrote endpoint.yaml\n"
    assert slipway("validate").out == f"endpoint.yaml is good: endpoint {endpoint}, blue\n"
    told = slipway("publish").out.splitlines()
    assert told[0] == f"+ name: {endpoint}"
    assert told[-1] == f"published {endpoint}, revision 1"
    (folder / "request.json").write_bytes(iris.request(2))
    scored = slipway("score", endpoint, "request.json")
    assert len(json.loads(scored.out)) == 2
    assert scored.err.startswith(f"azureml-model-deployment: blue, x-slipway-model: {endpoint}-blue/1, x-request-id: ")
    (folder / "rows.csv").write_bytes(iris.csv(20))
    ended = slipway("submit", endpoint, "rows.csv", "--watch")
    assert ended.code == 0, ended.err
    told = ended.out.splitlines()
    assert told[0].endswith(": Completed")
    assert told[1:] == [
        "20 rows: 20 predicted, 0 rejected",
        f"predictions are in predictions/{endpoint}/{told[0].split()[1].removesuffix(':')}/",
    ]


def test_a_package_says_where_it_came_from_and_who_published_it(
    slipway: Slipway, published: str, account: BlobServiceClient, client: Client
) -> None:
    blob = account.get_blob_client("models", f"{published}-blue/1/package.json")
    origin = json.loads(blob.download_blob().readall())["origin"]
    assert (origin["uri"], origin["resolved"], origin["flavors"]) == ("./model", "", ["onnx", "python_function"])
    assert origin["python_version"].startswith("3.13")
    assert any(each.startswith("onnxruntime") for each in origin["pip_requirements"])
    (entry,) = slipway("audit", published, "--json").document
    assert origin["published_by"] == entry["by"]
    assert entry["agent"] == "slipway-cli"


def test_a_second_publish_of_the_same_changes_nothing_and_uploads_nothing(
    slipway: Slipway, published: str, account: BlobServiceClient
) -> None:
    def models() -> list[Any]:
        found = account.get_container_client("models").list_blobs(name_starts_with=f"{published}-blue/")
        return [(blob.name, blob.etag) for blob in found]

    before = models()
    again = slipway("publish", "--json").document
    assert (again["published"], again["changes"], models()) == (None, [], before)
    assert slipway("publish").out == f"{published} is as its file says: nothing to publish\n"


def test_a_dry_run_shows_what_would_change_and_changes_nothing(
    slipway: Slipway, folder: Path, published: str, account: BlobServiceClient
) -> None:
    file = folder / "endpoint.yaml"
    text = file.read_text().replace("mini_batch_size: 5000", "mini_batch_size: 70")
    file.write_text(f"{text}quota: {{requests_per_minute: 9}}\n")
    (folder / "model" / "note.txt").write_text("changed")
    told = slipway("publish", "--dry-run").out.splitlines()
    assert [line.partition(":")[0] for line in told] == [
        "+ quota.requests_per_minute",
        "~ deployments.blue.model",
        "~ batch.mini_batch_size",
        "blue loads, and answers nothing yet",
        f"would publish {published}; nothing was changed",
    ]
    assert not list(account.get_container_client("models").list_blobs(name_starts_with=f"{published}-blue/2/"))
    assert slipway("show", published, "--json").document["head"]["revision"] == 1
    assert slipway("publish", "--json").document["models"]["blue"]["version"] == "2"


def test_publishing_leaves_live_traffic_and_says_so(slipway: Slipway, folder: Path, published: str) -> None:
    file = folder / "endpoint.yaml"
    text = file.read_text()
    green = text.replace("traffic: {blue: 100}", "traffic: {green: 100}").replace(
        "deployments:\n", "deployments:\n  green: {model: ./model}\n"
    )
    file.write_text(green)
    told = slipway("publish").out.splitlines()
    assert told[-1] == f"traffic stays blue=100: `slipway traffic set {published} green=100` moves it"
    assert slipway("traffic", "set", published, "blue=90", "green=10").out == f"{published}: blue=90 green=10\n"
    assert slipway("rollback", published).code == 1
    assert (
        slipway("rollback", published, "--traffic", "blue=100").out == f"{published} is at revision 1 again: blue=100\n"
    )
    changes = [each["change"] for each in slipway("audit", published, "--json").document]
    assert changes == ["rollback", "traffic", "publish", "publish"]
    assert "revision 2 → 1" in slipway("audit", published, "--most", "1").out.replace("\n", " ")


def test_a_publish_that_was_killed_after_its_upload_is_completed_by_the_next(
    slipway: Slipway, folder: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert slipway("init", "--name", endpoint).code == 0

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("cli.publishing.packages._create", stop)
        assert slipway("publish") == Ended(130, "", "slipway: stopped\n")
    assert slipway("show", endpoint).code == 1
    assert slipway("publish").code == 0
    assert slipway("show", endpoint, "--json").document["revision"]["deployments"]["blue"]["model"]["version"] == "1"


def test_a_model_that_cannot_be_served_is_not_published(
    slipway: Slipway, folder: Path, endpoint: str, account: BlobServiceClient
) -> None:
    assert slipway("init", "--name", endpoint).code == 0
    (folder / "model" / "model.onnx").write_bytes(b"no graph")
    refused = slipway("publish")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert refused.err.startswith("slipway: the model of deployment blue cannot be served: ")
    assert not list(account.get_container_client("models").list_blobs(name_starts_with=f"{endpoint}-blue/"))
    assert slipway("show", endpoint).code == 1


def test_what_callers_may_stumble_over_is_told_before(slipway: Slipway, folder: Path, published: str) -> None:
    mlmodel = folder / "model" / "MLmodel"
    document = yaml.safe_load(mlmodel.read_text())
    columns = json.loads(document["signature"]["inputs"])
    document["signature"]["inputs"] = json.dumps([{**each, "required": True} for each in columns])
    mlmodel.write_text(yaml.safe_dump(document))
    told = slipway("publish", "--dry-run", "--json").document
    assert told["breaking"] == ["blue: the column petal_width is required now"]
    assert told["tried"] == {"blue": None}


def test_endpoints_are_listed_and_deleted(slipway: Slipway, published: str) -> None:
    assert published in [each["name"] for each in slipway("list", "--json").document]
    assert published in slipway("list").out
    refused = slipway("delete", published, "--yes")
    assert refused == Ended(1, "", "slipway: blue still takes live traffic: set all traffic to 0 first\n")
    assert slipway("traffic", "set", published, "blue=0").code == 0
    assert slipway("delete", published, "--yes").out == f"{published} is deleted\n"
    assert slipway("show", published).err == f"slipway: there is no endpoint '{published}'\n"


def test_a_job_that_fails_has_an_exit_code_of_its_own_and_is_retried(
    slipway: Slipway, folder: Path, published: str
) -> None:
    (folder / "rows.csv").write_bytes(iris.csv(3) + b"x,1,2,3\n")
    failed = slipway("submit", published, "rows.csv", "--watch")
    assert (failed.code, failed.err.count("\n")) == (5, 1)
    assert failed.err.startswith("slipway: 1 of 4 rows were rejected, more than error_threshold allows (0)")
    (job,) = slipway("jobs", published, "--json").document
    assert slipway("jobs", published, "--status", "Completed").out == "There is no such job.\n"
    assert slipway("job", published, job["id"]).out == f"job {job['id']}: Failed\n"
    assert slipway("retry", published, job["id"], "--watch").code == 5
    assert slipway("cancel", published, job["id"]).code == 1


def test_settings_of_one_job_are_given_with_it(slipway: Slipway, folder: Path, published: str) -> None:
    (folder / "rows.csv").write_bytes(iris.csv(20))
    job = slipway("submit", published, "rows.csv", "--watch", "--set", "miniBatchSize=7", "--json").document
    assert job["counts"]["mini_batches"] == 3


@pytest.mark.parametrize("protocol", ["azureml", "mlflow", "oip"])
def test_requests_of_every_protocol_are_scored(slipway: Slipway, folder: Path, published: str, protocol: str) -> None:
    bodies = {
        "azureml": iris.request(1),
        "mlflow": json.dumps({"dataframe_split": json.loads(iris.request(1))["input_data"]}).encode(),
        "oip": json.dumps(
            {
                "inputs": [
                    {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
                    for name, value in zip(iris.COLUMNS, iris.rows(1)[0], strict=True)
                ]
            }
        ).encode(),
    }
    (folder / "request.json").write_bytes(bodies[protocol])
    scored = slipway("score", published, "request.json", "--protocol", protocol, "--deployment", "blue", "--json")
    assert scored.code == 0, scored.err
    assert scored.document["answered"]["azureml-model-deployment"] == "blue"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["score", "no-such", "-"], 1, "there is no endpoint 'no-such'"),
        (["score", "no-such", "gone.json"], 1, "gone.json cannot be read: No such file or directory"),
        (["submit", "no-such", "gone.csv"], 1, "gone.csv is neither a file here, nor inbox/… or https://…"),
        (["traffic", "set", "no-such", "blue"], 1, "'blue' is no share of traffic: write it as blue=90"),
        (["traffic", "set", "no-such", "blue=100"], 1, "there is no endpoint 'no-such'"),
        (["keys", "rotate", "no-such", "third"], 1, "'third' is no key: say primary or secondary"),
        (["publish", "gone.yaml"], 1, "gone.yaml: is not there: `slipway init` writes one"),
        (["list", "--profile", "prod"], 1, "slipway.yaml has no profile 'prod': use --profile with one of local"),
        (["bogus"], 2, "No such command 'bogus'."),
        (["list", "--bogus"], 2, "No such option: --bogus"),
    ],
)
def test_what_is_wrong_ends_in_one_line(
    slipway: Slipway, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, message: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    ended = slipway(*arguments)
    assert (ended.code, ended.out, ended.err) == (code, "", f"slipway: {message}\n")


def test_errors_are_json_for_those_who_ask_for_it(slipway: Slipway) -> None:
    ended = slipway("show", "no-such", "--json")
    assert (ended.code, ended.out) == (1, "")
    assert json.loads(ended.err) == {"error": {"code": "EndpointNotFound", "message": "there is no endpoint 'no-such'"}}


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"app_url": "http://127.0.0.1:9"}, 3, "the app at http://127.0.0.1:9 does not answer: is it running?"),
        (
            {"local_issuer": "http://127.0.0.1:9"},
            3,
            "the local issuer at http://127.0.0.1:9 gives no token: is it running (make serve)?",
        ),
        ({"audience": "api://other"}, 4, None),
    ],
)
def test_what_does_not_answer_or_let_in_has_exit_codes_of_its_own(
    slipway: Slipway, folder: Path, change: dict[str, str], code: int, message: str | None
) -> None:
    path = folder / "slipway.yaml"
    written = yaml.safe_load(path.read_text())
    written["profiles"]["local"] |= change
    path.write_text(yaml.safe_dump(written))
    ended = slipway("list")
    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1)
    if message is not None:
        assert ended.err == f"slipway: {message}\n"


def test_a_token_is_of_the_roles_that_are_asked_for(slipway: Slipway, client: Client, published: str) -> None:
    made = slipway("token", "--role", "Endpoint.Read").out.strip()
    headers = {"Authorization": f"Bearer {made}"}
    assert client.ask("GET", f"/endpoints/{published}", headers=headers).status_code == 200
    assert client.ask("DELETE", f"/endpoints/{published}", headers=headers).status_code == 403


def test_a_token_of_the_environment_is_taken_as_it_is(
    slipway: Slipway, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_TOKEN", client.token("Endpoint.Score"))
    ended = slipway("list")
    assert (ended.code, ended.err) == (4, "slipway: the caller lacks the app role Endpoint.Read or Endpoint.Manage\n")


def test_the_doctor_finds_all_good(slipway: Slipway) -> None:
    told = slipway("doctor", "--json")
    assert told.code == 0, told.out
    assert [each["what"] for each in told.document["findings"]] == [
        "python", "profile", "app", "clock", "app's settings", "identity", "role Endpoint.Read", "role Endpoint.Manage",
        "storage",
    ]  # fmt: skip
    lines = slipway("doctor").out.splitlines()
    assert all(line.startswith("good ") for line in lines)


@pytest.mark.parametrize(
    ("change", "what", "mend"),
    [
        ({"app_url": "http://127.0.0.1:9"}, ["app"], "start it, or set app_url to its address"),
        ({"local_issuer": "http://127.0.0.1:9"}, ["identity"], "make serve"),
        ({"storage": ""}, ["storage"], "set its storage"),
        ({"storage": "what?"}, ["storage"], "set the profile's storage to the app's data account"),
        ({"storage": "${NOBODY}"}, ["profile"], "slipway init"),
        (
            {"audience": "api://other"},
            ["role Endpoint.Read", "role Endpoint.Manage"],
            "assign the app role Endpoint.Read to this identity in Entra, and sign in again",
        ),
    ],
)
def test_the_doctor_tells_what_is_wrong_and_what_mends_it(
    slipway: Slipway, folder: Path, change: dict[str, str], what: list[str], mend: str
) -> None:
    path = folder / "slipway.yaml"
    written = yaml.safe_load(path.read_text())
    written["profiles"]["local"] |= change
    path.write_text(yaml.safe_dump(written))
    told = slipway("doctor", "--json")
    wrong = [each for each in told.document["findings"] if not each["good"]]
    assert (told.code, told.document["good"]) == (1, False)
    assert ([each["what"] for each in wrong], wrong[0]["mend"]) == (what, mend)


def test_the_program_runs_in_any_folder(folder: Path) -> None:
    (folder / "shared").mkdir()  # is none of the program's
    done = subprocess.run(
        [str(ROOT / "scripts" / "slipway"), "list", "--json"], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert isinstance(json.loads(done.stdout), list)


def test_advice_comes_with_an_endpoint_file_that_is_good(slipway: Slipway, folder: Path) -> None:
    told = slipway("advise", "--set", "requests_per_day=200", "--write", "advised.yaml")
    assert told.code == 0, told.err
    assert told.out.splitlines()[0].startswith("real-time, on Azure")
    assert "USD a month" in told.out
    assert slipway("validate", "advised.yaml").code == 0
    assert slipway("advise", "--set", "requests_per_day=200").out.count("auth_mode: [entra]") == 1
    assert slipway("advise", "--set", "gpu=yes", "--json").document["platform"] == "azureml"
    assert slipway("advise", "--set", "gpu=maybe").err.startswith("slipway: the answers cannot be used: gpu: ")
    assert "requests_per_day" in slipway("advise", "--questions").out


def test_an_endpoint_of_azure_ml_is_taken_over(slipway: Slipway, folder: Path) -> None:
    schema = "https://azuremlschemas.azureedge.net/latest/managedOnlineEndpoint.schema.json"
    (folder / "online.yml").write_text(
        f"$schema: {schema}\nname: taken-over\nauth_mode: aad_token\ntags: {{team: garden}}\n"
    )
    (folder / "blue.yml").write_text(
        "name: blue\nendpoint_name: taken-over\nmodel: {path: ./model, type: mlflow_model}\n"
        "instance_type: Standard_F2s_v2\ninstance_count: 1\n"
    )
    told = slipway("import", "azureml", "online.yml", "blue.yml", "--json")
    assert told.code == 0, told.err
    assert {each["field"] for each in told.document["unmapped"]} == {"tags", "instance_type", "instance_count"}
    assert slipway("publish").code == 0
    assert slipway("show", "taken-over", "--json").document["head"]["traffic"] == {"blue": 100}
    assert slipway("import", "azureml", "online.yml").err.count("\n") == 1
