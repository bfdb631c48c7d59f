"""Model packages in storage: uploaded once, found again when they are there, and never changed."""

import hashlib
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Final, NamedTuple

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient, ContainerClient

from cli.publishing import at_once, stored
from cli.publishing.reading import Reading
from cli.publishing.stored import CONTENT, content
from shared.errors import InvalidTransition, MalformedRequest
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

    @property
    def new_models(self) -> list[str]:
        """The keys of its many models that lie in no earlier version, or not as they are now."""
        new = [file.path for file in self.package.files if not file.held_by]
        folders = {path[:end] for path in new for end, sign in enumerate(path) if sign == "/"}
        return [key for key, model in self.package.models.items() if model.folder in folders]


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
    known = stored.versions(container, name)
    for number in stored.candidates(known, package) if version is None else [int(version)]:
        there = stored.holding(container, name, number, known, package)
        if there is not None:
            return Found(there.package, is_there=True, digest=there.digest)
    if version is None:
        begun = (number for number, files in known.items() if stored.is_begun(files, folder, package))
        version = str(next(begun, max(known, default=0) + 1))
    elif PACKAGE_FILE in known.get(int(version), {}):
        raise _taken(package, "other content")
    whole = (stored.read_version(container, name, number) for number in sorted(known, reverse=True))
    newest = next(filter(None, whole), None)
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
    stored.make(container)
    package = found.package
    own = [file for file in package.files if not file.held_by]
    at_once.run([partial(_upload, container, package, file, folder, progress) for file in own])
    _finish(container, package, found.digest)
    return found.ref


def _upload(
    container: ContainerClient,
    package: ModelPackage,
    file: PackagedFile,
    folder: Path,
    progress: Callable[[int], None],
    stop: Event,
) -> None:
    """What somebody writes to meanwhile is not what was looked at: it is taken back."""
    path = folder / file.path
    blob = container.get_blob_client(package_path(package.name, package.version, file.path))
    if path.stat().st_size != file.size_bytes:
        raise _changed(file)
    with path.open("rb") as opened:
        reading = Reading(opened, progress, stop)
        stream: Any = reading  # storage only reads it
        try:
            blob.upload_blob(stream, length=file.size_bytes, overwrite=False)
        except ResourceExistsError:
            there = hashlib.sha256()
            for chunk in blob.download_blob().chunks():
                there.update(chunk)
            if there.hexdigest() != file.sha256:
                raise _taken(package, f"another {file.path}") from None
            return
    if reading.sha256 != file.sha256:
        blob.delete_blob()
        raise _changed(file)


def _finish(container: ContainerClient, package: ModelPackage, digest: str) -> None:
    blob = container.get_blob_client(package_path(package.name, package.version))
    try:
        blob.upload_blob(package.to_bytes(), overwrite=False, metadata={CONTENT: content(package)})
    except ResourceExistsError:
        there = stored.read_version(container, package.name, int(package.version))
        if there is None or content(there.package) != content(package):
            raise _taken(package, "other content") from None
        if there.digest != digest:
            raise InvalidTransition(
                f"model {package.name}/{package.version} was published by someone else meanwhile: run it again"
            ) from None


def _changed(file: PackagedFile) -> MalformedRequest:
    return MalformedRequest(f"{file.path} was changed while it was published: run it again")


def _taken(package: ModelPackage, what: str) -> InvalidTransition:
    return InvalidTransition(
        f"model {package.name}/{package.version} is published already, with {what}: use a new version"
    )
