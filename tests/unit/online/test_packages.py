"""What published packages tell of themselves."""

import json
from typing import Any

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.endpoints.spec import Endpoint
from shared.errors import StorageUnavailable
from shared.models.files import PackageFiles
from shared.models.package import ModelPackage, ModelRef, PackagedFile, digest_of, package_path
from shared.online.openapi.packages import Packages
from shared.ports import Blob, Container
from tests.unit.endpoints.documents import endpoint

EXAMPLE = {"dataframe_split": {"columns": ["x"], "data": [[1.5]]}}
COLUMN = {"name": "x", "type": "double"}
SIGNATURE = {"columns": [COLUMN]}


class Watched(MemoryBlobs):
    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []
        self.down = False

    def read(self, container: str, name: str, **parts: Any) -> Blob | None:
        self.reads.append(name)
        if self.down:
            raise StorageUnavailable("storage does not answer")
        return super().read(container, name, **parts)


@pytest.fixture
def store() -> Watched:
    return Watched()


def published(store: MemoryBlobs, files: dict[str, bytes], **changes: Any) -> Endpoint:
    """`flowers`, whose deployment blue has a package of these files."""
    packaged = [
        PackagedFile(path=path, size_bytes=len(data), sha256=digest_of(data).removeprefix("sha256:"))
        for path, data in files.items()
    ]
    document = {"name": "iris", "version": "1", "signature": SIGNATURE, "files": packaged, **changes}
    manifest = ModelPackage.model_validate({"model": {"flavor": "pyfunc"}, **document}).to_bytes()
    for path, data in {**files, "package.json": manifest}.items():
        store.write(Container.MODELS, package_path("iris", "1", path), data)
    return endpoint({}, "blue", deployments={"blue": {"model": ModelRef("iris", "1", digest_of(manifest))._asdict()}})


async def test_a_package_tells_its_signature_and_the_example_that_came_with_it(store: Watched) -> None:
    flowers = published(store, {"serving_input_example.json": json.dumps(EXAMPLE).encode()})
    told = (await Packages(PackageFiles(store)).describe(flowers))["blue"]
    assert [column.name for column in told.signature.columns] == ["x"]
    assert (told.example, told.is_script, told.of_many, told.segment) == (EXAMPLE, False, "", {})


async def test_a_package_is_read_once(store: Watched) -> None:
    flowers, packages = published(store, {}), Packages(PackageFiles(store))
    store.reads.clear()
    assert await packages.describe(flowers) == await packages.describe(flowers)
    assert store.reads == ["iris/1/package.json"]


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff", b"{}" + b" " * 70_000])
async def test_an_example_that_cannot_be_used_is_left_out(store: Watched, data: bytes) -> None:
    flowers = published(store, {"serving_input_example.json": data})
    assert (await Packages(PackageFiles(store)).describe(flowers))["blue"].example == {}


async def test_one_of_many_models_stands_for_all(store: Watched) -> None:
    many = {"model": None, "models": {"iris": {"flavor": "pyfunc", "folder": "a"}}, "segments": {}}
    flowers = published(store, {"a/serving_input_example.json": json.dumps(EXAMPLE).encode()}, **many)
    told = (await Packages(PackageFiles(store)).describe(flowers))["blue"]
    assert (told.of_many, told.example) == ("iris", EXAMPLE)


async def test_a_segment_that_has_a_model_is_told_in_the_types_of_its_columns(store: Watched) -> None:
    columns = [COLUMN, {"name": "carrier", "type": "string"}, {"name": "hour", "type": "long"}]
    flowers = published(
        store,
        {},
        signature={"columns": columns},
        model=None,
        models={"U%2FA/7": {"flavor": "pyfunc"}},
        segments={"columns": ["carrier", "hour"]},
    )
    told = (await Packages(PackageFiles(store)).describe(flowers))["blue"]
    assert (told.segment, told.of_many) == ({"carrier": "U/A", "hour": 7}, "")


async def test_a_script_is_known_as_one(store: Watched) -> None:
    flowers = published(
        store,
        {"score.py": b""},
        signature={},
        model={"flavor": "script"},
        code_configuration={"code": "", "scoring_script": "score.py"},
    )
    assert (await Packages(PackageFiles(store)).describe(flowers))["blue"].is_script


async def test_a_package_that_is_missing_or_damaged_is_described_as_one_that_says_nothing(store: Watched) -> None:
    flowers = published(store, {})
    packages = Packages(PackageFiles(store))
    store.write(Container.MODELS, package_path("iris", "1"), b"other")
    told = (await packages.describe(flowers))["blue"]
    assert (told.signature.columns, told.example) == ((), {})
    published(store, {})
    assert (await packages.describe(flowers))["blue"].signature.columns


async def test_storage_that_is_away_is_told_as_such(store: Watched) -> None:
    flowers = published(store, {})
    store.down = True
    with pytest.raises(StorageUnavailable):
        await Packages(PackageFiles(store)).describe(flowers)
