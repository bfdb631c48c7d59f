"""Model packages in storage: uploaded once, found again when they are there, and never changed."""

import hashlib
import json
import re
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient
from pydantic import ValidationError

from cli.publishing import at_once
from shared.errors import InvalidTransition
from shared.models.mlmodel import describe
from shared.models.package import (
    PACKAGE_FILE,
    VERSION_PATTERN,
    CodeConfiguration,
    ModelPackage,
    ModelRef,
    Origin,
    PackagedFile,
    digest_of,
    package_path,
)
from shared.ports import Container

# Room for what is added to it.
_LONGEST_NAME: Final = 100
# What says where a package came from says nothing of what it is.
_TOLD: Final = {"version", "schema_version", "origin", "files"}
# Metadata of a package.json: which versions hold what, without reading each.
_CONTENT: Final = "content"


class Found(NamedTuple):
    """`package`: as it is, or would be, in storage. `is_there`: whole already; `digest`: of its package.json."""

    package: ModelPackage
    is_there: bool
    digest: str

    @property
    def ref(self) -> ModelRef:
        return ModelRef(self.package.name, self.package.version, self.digest)

    @property
    def size_bytes(self) -> int:
        """Of what is to be uploaded."""
        return sum(file.size_bytes for file in self.package.files if not file.held_by)


class Stored(NamedTuple):
    """A package that is whole, and the digest of what was read of it."""

    package: ModelPackage
    digest: str


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
    stored = _stored(container, name)
    newest = next((each for number in sorted(stored, reverse=True) if (each := _read(container, name, number))), None)
    for number in sorted(stored, reverse=True) if version is None else [int(version)]:
        there = _holding(container, name, number, stored, package)
        if there is not None:
            return Found(there.package, is_there=True, digest=there.digest)
    if version is None:
        begun = (number for number, files in stored.items() if _is_begun(files, folder, package))
        version = str(next(begun, max(stored, default=0) + 1))
    elif PACKAGE_FILE in stored.get(int(version), {}):
        raise InvalidTransition(f"model {name}/{version} is published already, with other content: use a new version")
    package = _held(package.model_copy(update={"version": version}), newest.package if newest else None)
    return Found(package, is_there=False, digest=digest_of(package.to_bytes()))


def _held(package: ModelPackage, newest: ModelPackage | None) -> ModelPackage:
    """With the files that the newest version has already left where they are."""
    if newest is None:
        return package
    there = {file.path: file for file in newest.files}
    files = tuple(
        file.model_copy(update={"held_by": known.held_by or newest.version})
        if (known := there.get(file.path)) is not None and known.sha256 == file.sha256
        else file
        for file in package.files
    )
    return package.model_copy(update={"files": files})


def upload(folder: Path, found: Found, account: BlobServiceClient, progress: Callable[[int], None]) -> ModelRef:
    """`package.json` comes last. `progress` is told each file's bytes. A repeat completes an upload that was cut off,
    and changes nothing of a finished one. Raises InvalidTransition when somebody was faster with other content.
    """
    container = account.get_container_client(Container.MODELS.value)
    _make(container)
    package = found.package
    own = [file for file in package.files if not file.held_by]
    for size_bytes in at_once.done([partial(_upload, container, package, file, folder / file.path) for file in own]):
        progress(size_bytes)
    with BytesIO(package.to_bytes()) as data:
        _create(container, package, PACKAGE_FILE, data, found.digest.removeprefix("sha256:"), _content(package))
    return found.ref


def _upload(container: ContainerClient, package: ModelPackage, file: PackagedFile, path: Path) -> int:
    with path.open("rb") as data:
        _create(container, package, file.path, data, file.sha256)
    return file.size_bytes


def read(account: BlobServiceClient, name: str, version: str) -> ModelPackage | None:
    """None where there is no such package, or none that can be read."""
    found = _read(account.get_container_client(Container.MODELS.value), name, int(version))
    return found.package if found else None


class _File(NamedTuple):
    """As storage lists it. `content`: of a package.json, what its package holds."""

    md5: bytearray | None
    content: str


def _stored(container: ContainerClient, name: str) -> dict[int, dict[str, _File]]:
    """What is there of each version, by path."""
    found: dict[int, dict[str, _File]] = {}
    try:
        for blob in container.list_blobs(name_starts_with=f"{name}/", include=["metadata"]):
            version, _, path = blob.name.removeprefix(f"{name}/").partition("/")
            if re.fullmatch(VERSION_PATTERN, version):
                content = (blob.metadata or {}).get(_CONTENT, "")
                found.setdefault(int(version), {})[path] = _File(blob.content_settings.content_md5, content)
    except ResourceNotFoundError:
        return {}
    return found


def _holding(
    container: ContainerClient, name: str, number: int, stored: dict[int, dict[str, _File]], package: ModelPackage
) -> Stored | None:
    """That version, if it holds what the package does. It is read only where its mark does not say otherwise."""
    file = stored.get(number, {}).get(PACKAGE_FILE)
    if file is None or file.content not in ("", _content(package)):
        return None
    there = _read(container, name, number)
    return there if there is not None and _content(there.package) == _content(package) else None


def _content(package: ModelPackage) -> str:
    """A mark of what it holds, wherever that lies and wherever it came from."""
    files = sorted((file.path, file.sha256) for file in package.files)
    document = [package.model_dump(mode="json", exclude=_TOLD), files]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _is_begun(stored: dict[str, _File], folder: Path, package: ModelPackage) -> bool:
    """Whether it is the beginning of this package, which an upload that was cut off has left."""
    own = {file.path for file in package.files}
    return all(
        path in own and file.md5 is not None and file.md5 == hashlib.md5((folder / path).read_bytes()).digest()  # noqa: S324 - storage's
        for path, file in stored.items()
    )


def _read(container: ContainerClient, name: str, version: int) -> Stored | None:
    try:
        data = container.download_blob(package_path(name, str(version))).readall()
        return Stored(ModelPackage.model_validate_json(data), digest_of(data))
    except (ResourceNotFoundError, ValidationError):
        return None


def _create(
    container: ContainerClient, package: ModelPackage, path: str, data: BinaryIO, sha256: str, content: str = ""
) -> None:
    blob = container.get_blob_client(package_path(package.name, package.version, path))
    try:
        blob.upload_blob(data, overwrite=False, metadata={_CONTENT: content} if content else None)
    except ResourceExistsError:
        there = hashlib.sha256()
        for chunk in blob.download_blob().chunks():
            there.update(chunk)
        if there.hexdigest() != sha256:
            raise InvalidTransition(
                f"model {package.name}/{package.version} is published already, with another {path}: use a new version"
            ) from None


def _make(container: ContainerClient) -> None:
    try:
        container.create_container()
    except ResourceExistsError:
        return
