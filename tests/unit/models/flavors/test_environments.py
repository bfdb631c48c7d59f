"""Virtual environments of their own: two models with packages that contradict each other, in one app."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from shared.models.flavors.worker_environment import WorkerSpec
from tests.unit.models.flavors.scripts import answer, running

SCRIPT = """
    import importlib.util, os, sys
    import quarrel
    def init(): pass
    def run(raw_data):
        return eval(raw_data)
"""


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The Python of each, by the version of the one package in it."""
    made = {}
    for version in ("1", "2"):
        folder = tmp_path_factory.mktemp("environments") / f"v{version}"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        packages = folder / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
        (packages / "quarrel.py").write_text(f"VERSION = {version}\n")
        made[version] = folder / "bin" / "python"
    return made


def test_two_models_with_contradicting_packages_live_in_one_app(tmp_path: Path, environments: dict[str, Path]) -> None:
    one, two = (WorkerSpec(python=environments[version]) for version in "12")
    with running(tmp_path / "one", SCRIPT, one) as first, running(tmp_path / "two", SCRIPT, two) as second:
        assert [answer(script, "quarrel.VERSION") for script in (first, second, first)] == [1, 2, 1]


def test_an_environment_has_its_own_packages_and_none_of_the_apps(
    tmp_path: Path, environments: dict[str, Path]
) -> None:
    with running(tmp_path, SCRIPT, WorkerSpec(python=environments["1"])) as script:
        assert (
            answer(script, "[importlib.util.find_spec(name) for name in ('orjson', 'numpy', 'mlflow')]") == [None] * 3
        )
        assert answer(script, "[sys.prefix, os.environ['PATH'].split(':')[0]]") == [
            str(environments["1"].parents[1]),
            str(environments["1"].parent),
        ]


def test_a_package_folder_that_an_environment_names_is_used(tmp_path: Path, environments: dict[str, Path]) -> None:
    """As every Python reads them: `.pth` files, and the deployment's PYTHONPATH."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "further.py").write_text("VALUE = 'found'")
    spec = WorkerSpec(python=environments["2"], environment_variables={"PYTHONPATH": str(tmp_path / "more")})
    with running(tmp_path / "package", SCRIPT, spec) as script:
        assert answer(script, "__import__('further').VALUE") == "found"
