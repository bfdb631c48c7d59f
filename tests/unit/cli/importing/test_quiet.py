"""Azure ML's library is slow to import and speaks much: nobody waits for it, or reads it, who need not."""

import logging
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from tests.unit.cli.importing.azure_files import batch_deployment, batch_endpoint, imported, write

_ROOT = Path(__file__).parents[4]


def test_azure_mls_library_comes_with_the_first_file_that_is_checked() -> None:
    program = "import sys, cli.importing.azureml\nprint(any(name.startswith('azure.ai') for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=_ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("first", ["pass", "import azure.ai.ml"])
def test_nothing_of_it_reaches_the_terminal(tmp_path: Path, first: str) -> None:
    """In a fresh process, as most is told once: the old schema is deprecated, a lifetime is experimental."""
    environment = {"image": "a", "auto_delete_setting": {"condition": "created_greater_than", "value": "3d"}}
    paths = write(tmp_path, {"e.yml": batch_endpoint(), "b.yml": batch_deployment(environment=environment)})
    program = (
        "import logging, sys, pathlib; from cli.importing.azureml import import_azureml\n"
        f"{first}; logging.basicConfig(level=logging.INFO)\n"
        "import_azureml([pathlib.Path(file) for file in sys.argv[1:]])"
    )
    command = [sys.executable, "-c", program, *map(str, paths)]
    done = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_warnings_and_logs_of_others_go_on_afterwards(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    imported(tmp_path, batch_endpoint(), batch_deployment())
    with pytest.warns(UserWarning, match="after"):
        warnings.warn("after", UserWarning, stacklevel=1)
    logging.getLogger("azure.core").warning("heard")
    assert caplog.messages == ["heard"]
