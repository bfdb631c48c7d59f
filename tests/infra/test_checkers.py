"""Other people's checkers, wherever they are: Microsoft's compiler, published resource types, and checkov.

`make infra` makes checkov's environment. SLIPWAY_BICEP_CHECKER names a program that checks files against Microsoft's
published types and ends with 0 where it finds nothing; by default the one beside the checkout, in that environment.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.infra.conftest import Plant
from tests.infra.template import INFRA, ROOT, read_all

_BIN: Final = ROOT / "build" / "envs" / "checkov" / "bin"
_CHECKOV: Final = _BIN / "checkov"
_SKIPS: Final[dict[str, str]] = yaml.safe_load(Path(__file__).with_name("checkov_skips.yaml").read_text())
_BICEP: Final = shutil.which("bicep")
_BESIDE: Final = (_BIN / "python", ROOT.parent / "shared" / "tools" / "bicepcheck.py")
_CHECKER: Final = os.environ.get("SLIPWAY_BICEP_CHECKER", "").split() or (
    [str(path) for path in _BESIDE] if all(path.exists() for path in _BESIDE) else []
)

with_checkov = pytest.mark.skipif(not _CHECKOV.exists(), reason="make infra makes checkov's environment")
with_bicep = pytest.mark.skipif(_BICEP is None, reason="the Bicep compiler is in no package registry")
with_checker = pytest.mark.skipif(not _CHECKER, reason="SLIPWAY_BICEP_CHECKER names no program, and none is beside")


def checkov(infra: Path) -> dict[str, Any]:
    """Its report. What it cannot parse it leaves out, and ends well all the same."""
    command: list[str | Path] = [
        _CHECKOV,
        "-d",
        infra,
        "--framework",
        "bicep",
        "--output",
        "json",
        "--compact",
        "--quiet",
        "--skip-download",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def findings(report: dict[str, Any]) -> set[str]:
    found = {check["check_id"] for check in report["results"]["failed_checks"]}
    return found | ({"a file that does not parse"} if report["summary"]["parsing_errors"] else set())


@with_checkov
def test_checkov_finds_nothing_but_what_is_listed_with_a_reason() -> None:
    report = checkov(INFRA)
    # It fails by itself, and says so on stderr alone.
    crashes = {"CKV_AZURE_189"}
    assert findings(report) == _SKIPS.keys() - crashes
    assert report["summary"]["resource_count"] >= sum(len(template.made) for template in read_all())


@with_checkov
def test_a_mistake_and_a_file_that_does_not_parse_are_found(plant: Plant) -> None:
    infra = plant("modules/function-app.bicep", "    httpsOnly: true\n", "    httpsOnly: false\n")
    (infra / "modules" / "identity.bicep").write_text("resource identity 'Microsoft.ManagedIdentity' = {{\n")
    assert findings(checkov(infra)) - _SKIPS.keys() == {
        "CKV_AZURE_14",
        "CKV_AZURE_70",
        "CKV_AZURE_153",
        "a file that does not parse",
    }


@with_bicep
@pytest.mark.parametrize("command", ["build", "lint"])
def test_the_compiler_takes_the_files(command: str, tmp_path: Path) -> None:
    output = ["--outfile", str(tmp_path / "main.json")] if command == "build" else []
    done = subprocess.run(
        [str(_BICEP), command, str(INFRA / "main.bicep"), *output], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def published_types(infra: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_CHECKER, str(infra)], capture_output=True, text=True, check=False)


@with_checker
def test_resources_are_of_the_published_types() -> None:
    done = published_types(INFRA)
    assert done.returncode == 0, done.stdout


@with_checker
@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("allowSharedKeyAccess", "allowSharedKeyAcces"),
        ("'StorageV2'", "2"),
        ("@2025-06-01' = {\n  name: name", "@2025-06-02' = {\n  name: name"),
    ],
)
def test_what_no_published_type_has_is_found(plant: Plant, was: str, becomes: str) -> None:
    assert published_types(plant("modules/storage-account.bicep", was, becomes)).returncode == 1
