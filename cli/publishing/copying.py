"""Model packages carried from one environment to another: the same bytes, under the same name and version."""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from hashlib import sha256
from threading import Event
from typing import Final, NamedTuple

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobServiceClient, ContainerClient
from pydantic import ValidationError

from cli.client import App
from cli.errors import on_side
from cli.publishing import at_once, stored
from shared.errors import InvalidTransition
from shared.models.package import ModelPackage, ModelRef, PackagedFile, digest_of, package_path
from shared.ports import Container

# Storage tells both that somebody was faster.
_TAKEN: Final = (ResourceExistsError, ResourceModifiedError)


class Side(NamedTuple):
    """An environment: the name of its profile, its app, and its data account."""

    name: str
    app: App
    account: BlobServiceClient

    @property
    def models(self) -> ContainerClient:
        return self.account.get_container_client(Container.MODELS.value)


class Packaged(NamedTuple):
    """A package as it lies in an account. `data`: its package.json, to the byte."""

    ref: ModelRef
    package: ModelPackage
    data: bytes

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.package.files)

    def path_of(self, file: PackagedFile) -> str:
        """Where the file's bytes lie, in each account."""
        return package_path(self.ref.name, file.held_by or self.ref.version, file.path)


def read(ref: ModelRef, side: Side) -> Packaged:
    """Raises CommandError where there is no such package, or another one than is meant."""
    with on_side(side.name):
        data = _manifest(ref, side)
        if data is None:
            raise InvalidTransition(f"the package of model {ref} is not there: publish the endpoint again")
        if digest_of(data) != ref.digest:
            raise InvalidTransition(f"the package of model {ref} is not the one that the revision pins: publish anew")
        try:
            return Packaged(ref, ModelPackage.model_validate_json(data), data)
        except ValidationError:
            raise InvalidTransition(f"the package of model {ref} cannot be read: update this program") from None


def is_there(packaged: Packaged, side: Side) -> bool:
    """Whole, and with the same content. Raises CommandError when it is there with other content."""
    with on_side(side.name):
        data = _manifest(packaged.ref, side)
        if data not in (None, packaged.data):
            raise _other(packaged.ref, "content")
        return data is not None


def carry(packaged: Packaged, source: Side, target: Side, progress: Callable[[int], None]) -> None:
    """`package.json` comes last. `progress` is told of bytes as they go. A repeat completes what was cut off.

    Raises CommandError, also where a file is not what the package says, or is there with other content.
    """
    with on_side(target.name):
        stored.make(target.models)
    versions = {file.held_by for file in packaged.package.files if file.held_by}
    whole = {version for version in versions if _is_as_at(packaged.ref._replace(version=version), source, target)}
    progress(sum(file.size_bytes for file in packaged.package.files if file.held_by in whole))
    own = [file for file in packaged.package.files if file.held_by not in whole]
    at_once.run([partial(_carry_file, packaged, file, source, target, progress) for file in own])
    manifest = target.models.get_blob_client(package_path(packaged.ref.name, packaged.ref.version))
    with on_side(target.name):
        try:
            manifest.upload_blob(packaged.data, overwrite=False)
        except _TAKEN:
            if _manifest(packaged.ref, target) != packaged.data:
                raise _other(packaged.ref, "content") from None


def _carry_file(
    packaged: Packaged,
    file: PackagedFile,
    source: Side,
    target: Side,
    progress: Callable[[int], None],
    stop: Event,
) -> None:
    """Piece by piece, and to be seen only when all of it has come and is what it should be."""
    if _is_carried(packaged, file, target):
        progress(file.size_bytes)
        return
    path = packaged.path_of(file)
    blob, staged, digest = target.models.get_blob_client(path), list[BlobBlock](), sha256()
    for number, piece in enumerate(_pieces(path, source)):
        if stop.is_set():
            raise CancelledError
        digest.update(piece)
        # By its content: of two who carry the same file, none takes the other's block for its own. All blocks of a blob
        # have ids of one length, those that an upload has left there 48.
        block = BlobBlock(f"{number:06d}-{sha256(piece).hexdigest()[:41]}")
        with on_side(target.name):
            blob.stage_block(block.id, piece)
        staged.append(block)
        progress(len(piece))
    if digest.hexdigest() != file.sha256:
        with on_side(source.name):
            raise InvalidTransition(f"{file.path} of model {packaged.ref} is not what its package says: publish anew")
    with on_side(target.name), suppress(*_TAKEN):
        blob.commit_block_list(staged, match_condition=MatchConditions.IfMissing)
        return
    _is_carried(packaged, file, target)


def _is_carried(packaged: Packaged, file: PackagedFile, side: Side) -> bool:
    """Whether it is there. Raises CommandError when it is there with other content."""
    path, digest = packaged.path_of(file), sha256()
    with on_side(side.name):
        if not side.models.get_blob_client(path).exists():
            return False
    for piece in _pieces(path, side):
        digest.update(piece)
    with on_side(side.name):
        if digest.hexdigest() != file.sha256:
            raise _other(packaged.ref, file.path)
    return True


def _is_as_at(ref: ModelRef, source: Side, target: Side) -> bool:
    """Whether the target has the same package, and so all of its files."""
    with on_side(source.name):
        data = _manifest(ref, source)
    with on_side(target.name):
        return data is not None and data == _manifest(ref, target)


def _pieces(path: str, side: Side) -> Iterator[bytes]:
    with on_side(side.name):
        try:
            yield from side.models.download_blob(path).chunks()
        except ResourceNotFoundError:
            raise InvalidTransition(f"{path} is not in storage: publish the model anew") from None


def _manifest(ref: ModelRef, side: Side) -> bytes | None:
    try:
        return side.models.download_blob(package_path(ref.name, ref.version)).readall()
    except ResourceNotFoundError:
        return None


def _other(ref: ModelRef, what: str) -> InvalidTransition:
    return InvalidTransition(f"model {ref} is there already with other {what}: publish it as a new version, and repeat")
