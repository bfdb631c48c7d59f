"""What code of others would find where the app runs it."""

import ensurepip
import platform
import shutil
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

from shared.models.environments import Environment, Environments
from tests.support import virtual

MINOR = ".".join(platform.python_version_tuple()[:2])


def named(folder: Path, name: str = "sklearn") -> Environment:
    (found,) = (each for each in Environments(folder).found if each.name == name)
    return found


def test_a_virtual_environment_tells_its_python_and_what_pip_would_list(tmp_path: Path) -> None:
    virtual.make(tmp_path / "sklearn", with_pip=True)
    expected = Environment("sklearn", platform.python_version(), {"pip": ensurepip.version()})
    assert named(tmp_path) == expected


def test_the_app_itself_comes_first_and_has_what_its_workers_find(tmp_path: Path) -> None:
    virtual.make(tmp_path / "b")
    virtual.make(tmp_path / "a")
    found = Environments(tmp_path).found
    assert [each.name for each in found] == ["", "a", "b"]
    assert found[0].python == platform.python_version()
    assert found[0].packages["mlflow-skinny"] == version("mlflow-skinny")


def test_where_there_is_no_folder_or_no_interpreter_there_is_no_environment(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes.txt").touch()
    assert len(Environments(tmp_path).found) == len(Environments(tmp_path / "gone").found) == 1


def test_they_are_read_once(tmp_path: Path) -> None:
    virtual.make(tmp_path / "sklearn")
    environments = Environments(tmp_path)
    before = environments.found
    shutil.rmtree(tmp_path / "sklearn")
    assert environments.found is before


@pytest.mark.parametrize(
    ("written", "python"),
    [
        ("home = /usr/bin\nversion = 3.12.4\n", "3.12.4"),
        ("version_info = 3.12.4.final.0\nimplementation = CPython\n", "3.12.4"),
        ("VERSION=3.12\n", "3.12"),
        ("home = /usr/bin\n", MINOR),
        (None, MINOR),
    ],
)
def test_the_python_is_that_of_its_configuration_or_of_its_folder(
    tmp_path: Path, written: str | None, python: str
) -> None:
    virtual.make(tmp_path / "sklearn")
    configuration = tmp_path / "sklearn" / "pyvenv.cfg"
    if written is None:
        configuration.unlink()
    else:
        configuration.write_text(written)
    assert named(tmp_path).python == python


@pytest.mark.parametrize(
    ("shared", "expected"), [(True, {"own": "1", "numpy": "2", "pandas": "1"}), (False, {"own": "1", "numpy": "2"})]
)
def test_packages_of_the_system_count_where_it_takes_them_and_its_own_come_first(
    tmp_path: Path, shared: bool, expected: dict[str, str]
) -> None:
    virtual.make(tmp_path / "environments" / "sklearn", {"own": "1", "numpy": "2"})
    system = tmp_path / "system" / "lib" / f"python{MINOR}" / "site-packages"
    virtual.install(system, "numpy", "1")
    virtual.install(system, "pandas", "1")
    (tmp_path / "environments" / "sklearn" / "pyvenv.cfg").write_text(
        f"home = {tmp_path / 'system' / 'bin'}\ninclude-system-site-packages = {str(shared).lower()}\n"
    )
    assert named(tmp_path / "environments").packages == expected


def test_a_distribution_that_does_not_say_what_it_is_is_passed_by(tmp_path: Path) -> None:
    place = virtual.make(tmp_path / "sklearn", {"numpy": "2"})
    (place / "odd-1.dist-info").mkdir()
    assert named(tmp_path).packages == {"numpy": "2"}
    import_module("importlib_metadata")  # with OpenTelemetry: from then on it answers, in its own way
    assert named(tmp_path).packages == {"numpy": "2"}
