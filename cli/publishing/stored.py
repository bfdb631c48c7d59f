"""What storage has of a model: its versions, the files of each, and which of them hold the same."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient
from pydantic import ValidationError

from shared.models.package import PACKAGE_FILE, VERSION_PATTERN, ModelPackage, digest_of, package_path
from shared.ports import Container

# What says where a package came from says nothing of what it is.
_TOLD: Final = {"version", "schema_version", "origin", "files"}
CONTENT: Final = "content"
"""Metadata of a package.json: a mark of what the version holds, so that not each has to be read."""
_FORM: Final = "1"


class Stored(NamedTuple):
    """A package that is whole, and the digest of what was read of it."""

    package: ModelPackage
    digest: str


class File(NamedTuple):
    """As storage lists it. `content`: of a package.json, what its package holds."""

    md5: bytearray | None
    content: str


def read(account: BlobServiceClient, name: str, version: str) -> ModelPackage | None:
    """None where there is no such package, or none that can be read."""
    found = read_version(account.get_container_client(Container.MODELS.value), name, int(version))
    return found.package if found else None


def candidates(stored: dict[int, dict[str, File]], package: ModelPackage) -> Iterator[int]:
    """The versions that may hold it, newest first; another mark of the same form tells that one does not."""
    mark = content(package)
    for number in sorted(stored, reverse=True):
        known = stored[number].get(PACKAGE_FILE)
        if known is not None and (known.content == mark or not known.content.startswith(f"{_FORM}-")):
            yield number


def versions(container: ContainerClient, name: str) -> dict[int, dict[str, File]]:
    """What is there of each version, by path."""
    found: dict[int, dict[str, File]] = {}
    try:
        for blob in container.list_blobs(name_starts_with=f"{name}/", include=["metadata"]):
            version, _, path = blob.name.removeprefix(f"{name}/").partition("/")
            if re.fullmatch(VERSION_PATTERN, version):
                content = (blob.metadata or {}).get(CONTENT, "")
                found.setdefault(int(version), {})[path] = File(blob.content_settings.content_md5, content)
    except ResourceNotFoundError:
        return {}
    return found


def holding(
    container: ContainerClient, name: str, number: int, stored: dict[int, dict[str, File]], package: ModelPackage
) -> Stored | None:
    """That version, if it holds what the package does."""
    if PACKAGE_FILE not in stored.get(number, {}):
        return None
    there = read_version(container, name, number)
    return there if there is not None and content(there.package) == content(package) else None


def content(package: ModelPackage) -> str:
    """A mark of what it holds, wherever that lies and wherever it came from. What has a default may be left unsaid."""
    files = sorted((file.path, file.sha256) for file in package.files)
    document = [package.model_dump(mode="json", exclude=_TOLD, exclude_defaults=True), files]
    return f"{_FORM}-{hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()}"


def is_begun(stored: dict[str, File], folder: Path, package: ModelPackage) -> bool:
    """Whether it is the beginning of this package, which an upload that was cut off has left."""
    own = {file.path for file in package.files}
    return all(
        path in own and file.md5 is not None and file.md5 == hashlib.md5((folder / path).read_bytes()).digest()  # noqa: S324 - storage's
        for path, file in stored.items()
    )


def read_version(container: ContainerClient, name: str, version: int) -> Stored | None:
    try:
        data = container.download_blob(package_path(name, str(version))).readall()
        return Stored(ModelPackage.model_validate_json(data), digest_of(data))
    except (ResourceNotFoundError, ValidationError):
        return None


def make(container: ContainerClient) -> None:
    """On a new machine; in Azure it comes with the account, and a publisher may make none."""
    if not container.exists():
        with suppress(ResourceExistsError):
            container.create_container()
