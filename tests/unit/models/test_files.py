"""A package's files on this machine: those that were published, or none."""

import hashlib
import tempfile
from pathlib import Path

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.errors import ModelNotReady
from shared.models.files import PackageFiles
from shared.models.package import CodeConfiguration, ModelPackage, ModelRef, PackagedFile, PackagedModel, package_path
from shared.models.signature import Signature
from shared.ports import Container

FILES = {"code/score.py": b"def init(): ...", "code/lib/deep.py": b"", "codex/other.py": b"x = 1", "top.txt": b"\x00"}
REF = ModelRef("mine", "1", "sha256:" + "0" * 64)


@pytest.fixture
def package(store: MemoryBlobs) -> ModelPackage:
    """Its files are in `store`."""
    listed = []
    for path, data in FILES.items():
        store.write(Container.MODELS, package_path("mine", "1", path), data)
        listed.append(PackagedFile(path=path, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()))
    return ModelPackage(
        name="mine",
        version="1",
        signature=Signature(),
        model=PackagedModel(flavor="script"),
        code_configuration=CodeConfiguration(code="code", scoring_script="score.py"),
        files=tuple(listed),
    )


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where new folders of this machine are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def found_in(folder: str) -> dict[str, bytes]:
    top = Path(folder)
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def test_a_whole_package_is_unpacked_as_it_was_published(store: MemoryBlobs, package: ModelPackage) -> None:
    with PackageFiles(store).unpack(REF, package, "") as folder:
        assert found_in(folder) == FILES


def test_of_one_folder_nothing_beside_it_is_unpacked(store: MemoryBlobs, package: ModelPackage) -> None:
    with PackageFiles(store).unpack(REF, package, "code") as folder:
        assert found_in(folder) == {"score.py": FILES["code/score.py"], "lib/deep.py": b""}


def test_an_unpacked_package_goes_with_its_folder(store: MemoryBlobs, package: ModelPackage, temporary: Path) -> None:
    with PackageFiles(store).unpack(REF, package, "") as folder:
        assert list(temporary.iterdir()) == [Path(folder)]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("data", [b"x = 2", b"", None])
def test_a_damaged_or_missing_file_is_refused_and_nothing_is_left_behind(
    store: MemoryBlobs, package: ModelPackage, temporary: Path, data: bytes | None
) -> None:
    place = package_path("mine", "1", "codex/other.py")
    if data is None:
        store.delete(Container.MODELS, place)
    else:
        store.write(Container.MODELS, place, data)
    with pytest.raises(ModelNotReady) as caught:
        PackageFiles(store).unpack(REF, package, "")
    assert caught.value.message == (
        "the file codex/other.py of model mine/1 is not the one that was published: publish it again"
    )
    assert list(temporary.iterdir()) == []
