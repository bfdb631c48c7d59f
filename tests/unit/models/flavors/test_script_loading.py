"""What a scoring script finds when it is loaded, and what is said when it cannot be."""

import os
import sys
from pathlib import Path

import pytest

from shared.errors import ModelNotReady
from shared.models.flavors.script import load_script
from shared.models.flavors.worker_environment import WorkerSpec
from tests.unit.models.flavors.scripts import DEFAULTS, Log, answer, running

ASKED = """
    import os, sys, json
    def init(): pass
    def run(raw_data):
        return eval(raw_data)
"""
GOOD_INIT = "def init(): pass\n"
SECRETS = (
    "APPINSIGHTS_INSTRUMENTATIONKEY",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AzureWebJobsStorage",
    "AzureWebJobsStorage__accountName",
    "CONTAINER_ENCRYPTION_KEY",
    "FUNCTIONS_WORKER_RUNTIME",
    "HTTP_PROXY",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "PYTHONPATH",
    "SLIPWAY_ISSUER",
    "WEBSITE_AUTH_ENCRYPTION_KEY",
    "WEBSITE_SITE_NAME",
)
RAW_AND_SCHEMA = """
from azureml.contrib.services.aml_request import rawhttp
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType as Of
def init(): pass
@rawhttp
@input_schema("a", Of(1))
def run(a): pass
"""
NO_DATA = "TypeError: run() needs to accept an argument for input data, beside any request_headers"
NO_NAMES = "TypeError: run() cannot accept positional-only arguments, *args, or **kwargs"


def not_ready(folder: Path, source: str, spec: WorkerSpec = DEFAULTS) -> str:
    with pytest.raises(ModelNotReady) as caught, running(folder, source, spec):
        pass
    assert "\n" not in caught.value.message
    assert str(folder) not in caught.value.message
    return caught.value.message


def test_a_script_that_imports_its_own_shared_gets_its_own(tmp_path: Path) -> None:
    names = ("shared", "cli", "devhost", "function_app")
    source = f"import {', '.join(names)}\ndef init(): pass\ndef run(raw_data): return [{', '.join(names)}][0].WHOSE"
    beside = dict.fromkeys(names, "WHOSE = 'mine'")
    with running(tmp_path, source, DEFAULTS, **beside) as script:
        assert answer(script) == "mine"


@pytest.mark.parametrize("name", ["shared", "shared.errors", "cli", "devhost", "function_app", "tests", "bench"])
def test_nothing_of_the_app_can_be_imported(tmp_path: Path, name: str) -> None:
    told = not_ready(tmp_path, f"import {name}\ndef init(): pass\ndef run(raw_data): pass")
    assert told == f"the model cannot be loaded: ModuleNotFoundError: No module named '{name.partition('.')[0]}'"


def test_packages_of_the_app_can_be_imported(tmp_path: Path) -> None:
    """On Azure Functions they lie in a folder that only the path of the app's own process names."""
    installed = tmp_path / "python_packages" / "lib" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "only_here.py").write_text("VALUE = 7")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "not_for_scripts.py").write_text("")
    sys.path[:0] = [str(installed), str(tmp_path / "app")]
    try:
        with running(tmp_path / "package", ASKED) as script:
            assert answer(script, "__import__('only_here').VALUE") == 7
            assert answer(script, "__import__('importlib.util').util.find_spec('not_for_scripts')") == {}
            assert answer(script, "__import__('numpy').__name__") == "numpy"
    finally:
        del sys.path[:2]


def test_the_environment_of_the_app_stays_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    with running(
        tmp_path, ASKED, WorkerSpec(environment_variables={"MY_OWN": "1", "AZURE_CLIENT_ID": "given"})
    ) as script:
        found = answer(script, "dict(os.environ)")
    home = found.pop("HOME")
    assert home != os.environ.get("HOME")
    assert not Path(home).exists()
    assert Path(found.pop("AZUREML_BI_OUTPUT_PATH")).is_relative_to(home)
    assert {name: found[name] for name in found if name not in ("LANG", "TMPDIR", "LD_LIBRARY_PATH")} == {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "TZ": "Europe/Berlin",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MY_OWN": "1",
        "AZURE_CLIENT_ID": "given",
        "AML_APP_ROOT": str(tmp_path / "code"),
        "AZUREML_ENTRY_SCRIPT": str(tmp_path / "code" / "score.py"),
        "AZUREML_MODEL_DIR": str(tmp_path / "model"),
    }


def test_a_script_runs_in_the_folder_of_its_code_and_leaves_nothing_there(tmp_path: Path) -> None:
    with running(tmp_path, "import beside\n" + ASKED.replace("\n    ", "\n"), beside="") as script:
        assert answer(script, "[os.getcwd(), sys.path[0]]") == [str(tmp_path / "code")] * 2
        assert answer(script, "os.getpid() == os.getsid(0) == os.getpgid(0)") is True
        assert answer(script, "sys.stdin.read()") == ""
    assert sorted(path.name for path in (tmp_path / "code").iterdir()) == ["beside.py", "score.py"]


def test_classes_of_the_script_can_be_pickled_there(tmp_path: Path) -> None:
    source = """
        from __future__ import annotations
        import dataclasses, pickle
        @dataclasses.dataclass
        class Point:
            x: int
        def init(): pass
        def run(raw_data): return pickle.loads(pickle.dumps(Point(3))).x
    """
    with running(tmp_path, source) as script:
        assert answer(script) == 3


def test_the_script_behind_a_generated_driver_is_run(tmp_path: Path) -> None:
    driver = """
        import real as driver_module
        def init(): driver_module.ready = True
        def run(raw_data): return "the driver's"
    """
    with running(tmp_path, driver, real="def run(raw_data): return ready") as script:
        assert answer(script) is True


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("def init(:", "SyntaxError: invalid syntax (score.py, line 1)"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def run(raw_data): pass", "AttributeError: the scoring script has no function init()"),
        ("def init(): pass", "AttributeError: the scoring script has no function run()"),
        ("def init(): raise ValueError('two\\nlines')\ndef run(raw_data): pass", "ValueError: two lines"),
        (
            "def init(): open('/some/where/model.pkl')\ndef run(raw_data): pass",
            "FileNotFoundError: [Errno 2] No such file or directory: '…'",
        ),
        ("import sys\ndef init(): sys.exit(3)\ndef run(raw_data): pass", "SystemExit: 3"),
        ("import os\nos._exit(3)", "its process ended: exit status 3"),
        (GOOD_INIT + "def run(): pass", NO_DATA),
        (GOOD_INIT + "def run(request_headers): pass", NO_DATA),
        (GOOD_INIT + "def run(*rows): pass", NO_NAMES),
        (GOOD_INIT + "def run(row, /): pass", NO_NAMES),
        (RAW_AND_SCHEMA, "TypeError: run() cannot be decorated with both @rawhttp and @input_schema"),
    ],
)
def test_a_script_that_cannot_be_loaded_says_why_in_one_line(tmp_path: Path, source: str, reason: str) -> None:
    assert not_ready(tmp_path, source) == f"the model cannot be loaded: {reason}"


def test_the_whole_stack_is_in_the_log(tmp_path: Path, log: Log) -> None:
    not_ready(tmp_path, "def init():\n    1 / 0\ndef run(raw_data): pass")
    assert 'score.py", line 2, in init' in log.wait_for("score.py")


def test_a_script_that_is_not_in_the_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotReady, match=r"the scoring script score\.py is not in the package"):
        load_script(tmp_path, ".", "score.py", ".", DEFAULTS)


def test_a_script_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    spec = WorkerSpec(start_timeout_s=0.5)
    told = not_ready(tmp_path, "import threading\ndef init(): threading.Event().wait()\ndef run(raw_data): pass", spec)
    assert told == "the model cannot be loaded: its process ended: it was not ready within 0.5 s"


def test_an_environment_without_python_is_told(tmp_path: Path) -> None:
    told = not_ready(tmp_path, ASKED, WorkerSpec(python=tmp_path / "bin" / "python"))
    assert told == "the Python of the model's environment cannot be started"
