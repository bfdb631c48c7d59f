"""What a caller asks of which model, once the body is read."""

from typing import Any, NamedTuple

from shared.models import segments
from shared.models.served import ServedModel
from shared.models.signature import Inputs
from shared.online.exchange import Message, ScoreProtocol


class Asked(NamedTuple):
    """`document`: the protocol's own; `key`: which of many models, None where the rows' columns say it."""

    document: Any
    key: str | None
    inputs: Inputs


def ask(protocol: ScoreProtocol[Any], message: Message, served: ServedModel) -> Asked:
    """Raises MalformedRequest, UnsupportedMediaType, SchemaMismatch, PayloadTooLarge, ModelNotFound."""
    document = protocol.read(message)
    key = segments.by_name(served.package, document.model or message.headers.get("x-slipway-model"))
    return Asked(document, key, protocol.convert(document, served.converter(key)))
