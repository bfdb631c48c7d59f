"""Where a dropped blob lies: what the host hands over instead of the blob's content.

Microsoft's own type for this, `BlobClient` of azurefunctions-extensions-bindings-blob, brings the storage SDK and
azure-identity into every process that only indexes the functions, a third of a second, and a second client beside the
app's. All that is needed of the reference is the blob's name, so this type is one of the app's own, over the same small
base package, azurefunctions-extensions-base.
"""

from typing import Any

import orjson
from azurefunctions.extensions.base import Datum, InConverter, SdkType


class BlobReference(SdkType):  # type: ignore[misc]  # the base package has no types
    def __init__(self, *, data: Any) -> None:
        """`data`: the host's ModelBindingData, its content a JSON object."""
        content = orjson.loads(data.content)
        self.container = str(content["ContainerName"])
        self.name = str(content["BlobName"])

    def get_sdk_type(self) -> "BlobReference":
        return self


class BlobReferenceConverter(InConverter, binding="blob", trigger="blobTrigger"):  # type: ignore[misc, call-arg]
    """The worker finds it by the names of the bindings that it converts."""

    @classmethod
    def check_input_type_annotation(cls, pytype: type) -> bool:
        return issubclass(pytype, BlobReference)

    @classmethod
    def decode(cls, data: Datum, *, trigger_metadata: Any, pytype: type) -> BlobReference:
        """Raises ValueError for what is no reference to a blob."""
        if data is None or data.type != "model_binding_data":
            raise ValueError(f"the host sent no reference to a blob, but {data and data.type}")
        return BlobReference(data=data.value)
