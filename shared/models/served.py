"""A package that takes traffic, whether it holds one model or thousands."""

import asyncio
from typing import Final

from shared.models.features import Converter
from shared.models.loader import Loaded, Loader, ModelId
from shared.models.package import ModelPackage
from shared.models.signature import Signature

# How long a request waits for a model that is being loaded, s: longer than a cold start, shorter than the host waits.
_PATIENCE_S: Final = 60.0


class ServedModel:
    """A package that can be scored: its one model, or whichever of its many a row belongs to.

    `id` names the package; members are loaded when a row first needs them.
    """

    def __init__(self, model_id: ModelId, package: ModelPackage, loader: Loader) -> None:
        self.id = model_id
        self.package = package
        self.signature: Signature = package.signature
        self.label = str(model_id.ref)
        self.is_script = package.code_configuration is not None
        self.takes_tensors = bool(package.signature.tensors)
        self._loader = loader
        self._converters: dict[str | None, Converter] = {}
        self._ids = {"": model_id}

    def converter(self, key: str | None) -> Converter:
        """For the member `key`; None: for rows whose columns pick it."""
        found = self._converters.get(key)
        if found is None:
            member = self.package.models.get(key or "")
            signature = member.signature if member is not None else None
            found = self._converters[key] = Converter(signature or self.signature)
        return found

    def loaded(self, key: str) -> Loaded:
        """Blocks. Raises ModelNotFound, ModelNotReady."""
        return self._loader.get(self._id_of(key))

    def find(self, key: str) -> Loaded | None:
        return self._loader.find(self._id_of(key))

    async def loaded_online(self, key: str) -> Loaded:
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        return await self._loader.get_online(self._id_of(key), deadline)

    def _id_of(self, key: str) -> ModelId:
        found = self._ids.get(key)
        if found is None:
            found = self._ids[key] = self.id._replace(member=key)
        return found

    def prefetched(self) -> tuple[str, ...]:
        """The members that are loaded before the package takes traffic."""
        return self.package.segments.prefetch if self.package.segments else ("",)
