"""Model packages in storage: uploaded once, found again when they are there, and never changed."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient
from pydantic import ValidationError

from shared.errors import InvalidTransition
from shared.models.mlmodel import describe
from shared.models.package import (
    PACKAGE_FILE,
    VERSION_PATTERN,
    CodeConfiguration,
    ModelPackage,
    ModelRef,
    Origin,
    digest_of,
    package_path,
)
from shared.ports import Container

# Room for what is added to it.
_LONGEST_NAME: Final = 100
# What says where a package came from says nothing of what it is.
_TOLD: Final = {"version", "schema_version", "origin"}


class Found(NamedTuple):
    """`package`: as it is, or would be, in storage. `is_there`: whole already."""

    package: ModelPackage
    is_there: bool

    @property
    def ref(self) -> ModelRef:
        return ModelRef(self.package.name, self.package.version, digest_of(self.package.to_bytes()))

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.package.files)


def called(name: str, version: str | None) -> tuple[str, str | None]:
    """As a package may be called: registries allow other names, and versions that are no whole numbers; those are left
    to counting.
    """
    name = re.sub(r"[^-_.a-zA-Z0-9]", "-", name)[:_LONGEST_NAME].strip("-_.") or "model"
    return name, version if version and re.fullmatch(VERSION_PATTERN, version) else None


def find(
    folder: Path,
    name: str,
    version: str | None,
    account: BlobServiceClient,
    code: CodeConfiguration | None,
    origin: Origin | None = None,
) -> Found:
    """The version that holds what is in the folder: without `version` one that does, else the next that is free.

    Raises MalformedRequest for what is no model, InvalidTransition when that version is there with other content.
    """
    container = account.get_container_client(Container.MODELS.value)
    package = describe(folder, name, version or "1", code).model_copy(update={"origin": origin})
    if version is not None:
        there = _read(container, name, version)
        if there is not None and not _same(there, package):
            raise InvalidTransition(
                f"model {name}/{version} is published already, with other content: use a new version"
            )
        return Found(there or package, there is not None)
    stored = _stored(container, name)
    free = max(stored, default=0) + 1
    for number in sorted(stored, reverse=True):
        there = _read(container, name, str(number))
        if there is not None and _same(there, package):
            return Found(there, is_there=True)
        if there is None and _is_begun(stored[number], folder, package):
            free = number
    return Found(package.model_copy(update={"version": str(free)}), is_there=False)


def upload(folder: Path, found: Found, account: BlobServiceClient, progress: Callable[[int], None]) -> ModelRef:
    """`package.json` comes last. `progress` is told each file's bytes. A repeat completes an upload that was cut off,
    and changes nothing of a finished one. Raises InvalidTransition when somebody was faster with other content.
    """
    container = account.get_container_client(Container.MODELS.value)
    _make(container)
    for file in found.package.files:
        _create(container, found.package, file.path, (folder / file.path).read_bytes())
        progress(file.size_bytes)
    _create(container, found.package, PACKAGE_FILE, found.package.to_bytes())
    return found.ref


def read(account: BlobServiceClient, name: str, version: str) -> ModelPackage | None:
    """None where there is no such package, or none that can be read."""
    return _read(account.get_container_client(Container.MODELS.value), name, version)


def _same(there: ModelPackage, package: ModelPackage) -> bool:
    return there.model_dump(exclude=_TOLD) == package.model_dump(exclude=_TOLD)


def _stored(container: ContainerClient, name: str) -> dict[int, dict[str, bytearray | None]]:
    """What is there of each version: the MD5 of its files by their paths, None where storage has none."""
    found: dict[int, dict[str, bytearray | None]] = {}
    try:
        for blob in container.list_blobs(name_starts_with=f"{name}/"):
            version, _, path = blob.name.removeprefix(f"{name}/").partition("/")
            if re.fullmatch(VERSION_PATTERN, version):
                found.setdefault(int(version), {})[path] = blob.content_settings.content_md5
    except ResourceNotFoundError:
        return {}
    return found


def _is_begun(stored: dict[str, bytearray | None], folder: Path, package: ModelPackage) -> bool:
    """Whether it is the beginning of this package, which an upload that was cut off has left."""
    own = {file.path for file in package.files}
    return all(
        path in own and digest is not None and digest == hashlib.md5((folder / path).read_bytes()).digest()  # noqa: S324 - storage's
        for path, digest in stored.items()
    )


def _read(container: ContainerClient, name: str, version: str) -> ModelPackage | None:
    try:
        data = container.download_blob(package_path(name, version)).readall()
        return ModelPackage.model_validate_json(data)
    except (ResourceNotFoundError, ValidationError):
        return None


def _create(container: ContainerClient, package: ModelPackage, path: str, data: bytes) -> None:
    blob = container.get_blob_client(package_path(package.name, package.version, path))
    try:
        blob.upload_blob(data, overwrite=False)
    except ResourceExistsError:
        if blob.download_blob().readall() != data:
            raise InvalidTransition(
                f"model {package.name}/{package.version} is published already, with another {path}: use a new version"
            ) from None


def _make(container: ContainerClient) -> None:
    try:
        container.create_container()
    except ResourceExistsError:
        return
