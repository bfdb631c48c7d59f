"""The program as a process that is stopped or killed on its way: what is there is as it was, and a repeat completes."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from azure.storage.blob import BlobServiceClient

from tests.app.cli.running import Ended, Slipway, package_files
from tests.support import iris
from tests.support.stalling import Stalling, stalling

ROOT = Path(__file__).parents[3]
PROMOTE = ("--from", "staging", "--to", "prod")
SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["SIGINT", "SIGKILL"])

type End = Callable[..., None]


def endpoint_of(storage: str) -> str:
    return dict(part.partition("=")[::2] for part in storage.split(";"))["BlobEndpoint"]


def rerouted(folder: Path, profile: str, field: str, way: Stalling) -> str:
    """Profiles in which this one is reached by `way`."""
    document = yaml.safe_load((folder / "slipway.yaml").read_text())
    fields: dict[str, Any] = document["profiles"][profile]
    reached = endpoint_of(fields["storage"]) if field == "storage" else fields[field]
    origin = "/".join(reached.split("/")[:3])
    fields[field] = fields[field].replace(origin, way.url)
    path = folder / "rerouted.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


@pytest.fixture
def end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> End:
    """Starts the program, and ends it where its way stalls."""
    (folder / "temporary").mkdir()

    def do(number: signal.Signals, way: Stalling, profiles: str, *arguments: str) -> None:
        with monkeypatch.context() as patched:
            patched.setenv("SLIPWAY_PROFILES", profiles)
            patched.setenv("TMPDIR", str(folder / "temporary"))
            with subprocess.Popen(
                [str(ROOT / "scripts" / "slipway"), *arguments],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                # Whoever runs tests in the background may have them ignore it, and so all that they start.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            ) as process:
                assert way.stalled.wait(60)
                process.send_signal(number)
                out, err = process.communicate(timeout=10)
        if number == signal.SIGKILL:
            assert (process.returncode, out, err) == (-signal.SIGKILL, "", "")
            return
        assert Ended(process.returncode, out, err) == Ended(130, "", "slipway: stopped\n")
        assert not list((folder / "temporary").iterdir())

    return do


@pytest.fixture
def changed(folder: Path, published: str) -> str:
    """An endpoint whose model has changed since it was published, in many files."""
    for number in range(14):
        (folder / "model" / f"{number}.bin").write_bytes(bytes([number]) * 50_000)
    return published


@SIGNALS
def test_a_publish_that_is_ended_within_its_upload(
    slipway: Slipway, folder: Path, changed: str, account: BlobServiceClient, end: End, number: signal.Signals
) -> None:
    known = slipway("show", changed, "--json").document["head"]
    storage = yaml.safe_load((folder / "slipway.yaml").read_text())["profiles"]["local"]["storage"]
    with stalling(endpoint_of(storage), b"PUT ", 4) as way:
        end(number, way, rerouted(folder, "local", "storage", way), "publish", "--no-trial")
    files = [name for name in package_files(account, f"{changed}-blue") if "/2/" in name]
    assert files
    assert f"{changed}-blue/2/package.json" not in files
    assert slipway("show", changed, "--json").document["head"] == known
    done = slipway("publish", "--no-trial", "--json").document
    assert (done["published"], done["models"]["blue"]["version"]) == (2, "2")


@SIGNALS
def test_a_promotion_that_is_ended_within_its_copy(
    slipway: Slipway,
    folder: Path,
    prod: BlobServiceClient,
    changed: str,
    account: BlobServiceClient,
    end: End,
    number: signal.Signals,
) -> None:
    assert slipway("publish", "--no-trial").code == 0
    storage = yaml.safe_load((folder / "slipway.yaml").read_text())["profiles"]["prod"]["storage"]
    with stalling(endpoint_of(storage), b"PUT ", 9) as way:
        end(number, way, rerouted(folder, "prod", "storage", way), "promote", changed, *PROMOTE)
    assert not any(name.endswith("package.json") for name in package_files(prod, f"{changed}-blue"))
    assert slipway("show", changed, "-p", "prod").code == 1
    done = slipway("promote", changed, *PROMOTE, "--json").document
    assert (done["published"], done["models"]["blue"]["copied"]) == (1, True)
    there = package_files(prod, f"{changed}-blue")
    assert there.items() <= package_files(account, f"{changed}-blue").items()


@pytest.mark.parametrize(
    ("field", "request_line", "number", "jobs"),
    [
        ("storage", b"PUT ", signal.SIGINT, 0),
        ("app_url", b"POST ", signal.SIGKILL, 0),
        ("app_url", b"GET ", signal.SIGINT, 1),
    ],
    ids=["upload", "submission", "watch"],
)
def test_a_submission_that_is_ended(
    slipway: Slipway,
    folder: Path,
    published: str,
    end: End,
    field: str,
    request_line: bytes,
    number: signal.Signals,
    jobs: int,
) -> None:
    """Who only watched leaves the job to go on."""
    (folder / "rows.csv").write_bytes(iris.csv(20))
    fields = yaml.safe_load((folder / "slipway.yaml").read_text())["profiles"]["local"]
    url = endpoint_of(fields["storage"]) if field == "storage" else fields["app_url"]
    with stalling(url, request_line) as way:
        end(number, way, rerouted(folder, "local", field, way), "submit", published, "rows.csv", "--watch")
    found = slipway("jobs", published, "--json").document
    assert len(found) == jobs
    for job in found:
        assert slipway("job", published, job["id"], "--watch", "--json").document["status"] == "Completed"
    assert slipway("submit", published, "rows.csv", "--watch", "--json").document["status"] == "Completed"
    assert len(slipway("jobs", published, "--json").document) == jobs + 1
