"""What the published packages tell of themselves: read from storage, once for each."""

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from shared.endpoints.spec import Endpoint
from shared.errors import DependencyError, SlipwayError
from shared.models.files import PackageFiles
from shared.models.package import ModelPackage, ModelRef
from shared.online.openapi.described import Answering

_log = logging.getLogger(__name__)

_MAX_KEPT: Final = 256
# MLflow writes it where a model is logged with an input example.
_EXAMPLE_FILE: Final = "serving_input_example.json"
_MAX_EXAMPLE_BYTES: Final = 65_536
_WHOLE: Final = frozenset({"integer", "long"})


class Packages:
    def __init__(self, files: PackageFiles) -> None:
        self._files = files
        self._kept: OrderedDict[ModelRef, Answering] = OrderedDict()

    async def describe(self, endpoint: Endpoint) -> dict[str, Answering]:
        """By deployment; a package that is damaged or missing is described as one that says nothing.

        Raises StorageUnavailable.
        """
        return {
            name: await self._answering(deployment.model.ref)
            for name, deployment in endpoint.revision.deployments.items()
        }

    async def _answering(self, ref: ModelRef) -> Answering:
        found = self._kept.get(ref)
        if found is None:
            try:
                found = await asyncio.to_thread(self._read, ref)
            except DependencyError:
                raise
            except SlipwayError as error:
                _log.warning("model %s is not described: %s", ref, error.message)
                return Answering()
            self._kept[ref] = found
            if len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
        return found

    def _read(self, ref: ModelRef) -> Answering:
        package = self._files.read_package(ref)
        key = next(iter(package.models), "")
        model = package.models.get(key) or package.model
        signature = (model.signature if model else None) or package.signature
        return Answering(
            signature=signature,
            is_script=package.code_configuration is not None,
            of_many=key if package.segments is not None and not package.segments.columns else "",
            segment=_segment(package, key),
            example=self._example(ref, package, model.folder if model else ""),
        )

    def _example(self, ref: ModelRef, package: ModelPackage, folder: str) -> Mapping[str, Any]:
        path = f"{folder}/{_EXAMPLE_FILE}" if folder else _EXAMPLE_FILE
        size = next((file.size_bytes for file in package.files if file.path == path), None)
        if size is None or size > _MAX_EXAMPLE_BYTES:
            return {}
        try:
            document = json.loads(self._files.read(ref, package, path))
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


def _segment(package: ModelPackage, key: str) -> dict[str, Any]:
    """The values of the segment columns for which there is this model."""
    if package.segments is None:
        return {}
    kinds = {column.name: column.type for column in package.signature.columns}
    values = zip(package.segments.columns, map(unquote, key.split("/")), strict=False)
    return {
        name: int(value) if kinds[name] in _WHOLE and value.lstrip("-").isdigit() else value for name, value in values
    }
