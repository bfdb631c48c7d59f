from types import SimpleNamespace

import pytest
from azurefunctions.extensions.base import Datum, get_binding_registry

from shared.triggers.dropped import BlobReference, BlobReferenceConverter

# As the host sends it: azure-functions-host, ParameterBindingData of the storage extension.
SENT = SimpleNamespace(
    version="1.0",
    source="AzureStorageBlobs",
    content_type="application/json",
    content='{"Connection":"SLIPWAY_DATA","ContainerName":"inbox","BlobName":"flights/2013/a b.csv"}',
)


def test_a_reference_names_its_blob() -> None:
    reference = BlobReferenceConverter.decode(
        Datum(SENT, "model_binding_data"), trigger_metadata=None, pytype=BlobReference
    )
    assert (reference.container, reference.name) == ("inbox", "flights/2013/a b.csv")
    assert reference.get_sdk_type() is reference


@pytest.mark.parametrize("datum", [None, Datum(b"the content", "bytes"), Datum(None, None)])
def test_anything_but_a_reference_is_refused(datum: Datum | None) -> None:
    with pytest.raises(ValueError, match="no reference to a blob"):
        BlobReferenceConverter.decode(datum, trigger_metadata=None, pytype=BlobReference)


def test_the_worker_finds_the_converter_for_the_trigger_and_the_type() -> None:
    registry = get_binding_registry()
    assert registry.get("blobTrigger") is BlobReferenceConverter
    assert registry.check_supported_type(BlobReference)
    told = [BlobReferenceConverter.check_input_type_annotation(kind) for kind in (BlobReference, str)]
    assert told == [True, False]
