"""A package's files, each checked against the digest that was published."""

import hashlib
import tempfile
from pathlib import Path

from pydantic import ValidationError

from shared.errors import ModelNotFound, ModelNotReady
from shared.models.package import ModelPackage, ModelRef, digest_of, package_path
from shared.ports import BlobStore, Container


class PackageFiles:
    def __init__(self, store: BlobStore) -> None:
        self._store = store

    def read_package(self, ref: ModelRef) -> ModelPackage:
        """Raises ModelNotFound, and ModelNotReady when it is not the package that the endpoint pins."""
        blob = self._store.read(Container.MODELS, package_path(ref.name, ref.version))
        if blob is None:
            raise ModelNotFound(f"model {ref} is not in storage: publish it")
        if digest_of(blob.data) != ref.digest:
            raise ModelNotReady(
                f"the package of model {ref} is not the one that the endpoint pins: publish a new version"
            )
        try:
            return ModelPackage.model_validate_json(blob.data)
        except ValidationError:
            raise ModelNotReady(f"the package of model {ref} cannot be read: publish it again") from None

    def read(self, ref: ModelRef, package: ModelPackage, path: str) -> bytes:
        """Raises ModelNotReady when the file is not the one that was published."""
        file = package.file(path)
        blob = self._store.read(Container.MODELS, package_path(ref.name, file.held_by or ref.version, path))
        if blob is None or hashlib.sha256(blob.data).hexdigest() != file.sha256:
            raise ModelNotReady(f"the file {path} of model {ref} is not the one that was published: publish it again")
        return blob.data

    def unpack(self, ref: ModelRef, package: ModelPackage, folder: str) -> tempfile.TemporaryDirectory[str]:
        """Writes the files below `folder` of the package to a new folder of this machine, which goes with its object.

        Raises ModelNotReady.
        """
        target = tempfile.TemporaryDirectory(prefix="slipway-model-", ignore_cleanup_errors=True)
        prefix = f"{folder}/" if folder else ""
        try:
            for file in package.files:
                if file.path.startswith(prefix):
                    place = Path(target.name, file.path.removeprefix(prefix))
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(self.read(ref, package, file.path))
        except BaseException:
            target.cleanup()
            raise
        return target
