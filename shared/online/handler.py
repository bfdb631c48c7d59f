"""A scoring request, from its bytes to the reply's bytes."""

from typing import Final, NamedTuple, Protocol

from shared.auth.access import Role, require
from shared.auth.authenticate import Authenticator
from shared.endpoints import routing
from shared.endpoints.catalog import Catalog
from shared.errors import PayloadTooLarge, UnsupportedMediaType
from shared.models import scoring
from shared.models.loader import LoadedModel, Loader
from shared.models.scoring import Predictions
from shared.models.signature import Features, Signature

# A larger body takes longer to read than a thread costs.
_INLINE_BYTES: Final = 64 * 1024


class ScoreRequest(NamedTuple):
    endpoint: str
    request_id: str
    authorization: str | None
    pinned: str | None
    content_type: str | None
    content_encoding: str | None
    body: bytes


class ScoreReply(NamedTuple):
    body: bytes
    content_type: str
    deployment: str
    model: str


class ScoreProtocol(Protocol):
    """The three thin modules in `protocols/`."""

    REPLY_TYPE: str

    def parse(self, body: bytes, content_type: str | None, signature: Signature) -> Features: ...

    def render(self, predictions: Predictions) -> bytes: ...


class OnlinePorts(NamedTuple):
    authenticator: Authenticator
    catalog: Catalog
    loader: Loader
    max_body_bytes: int


async def score(request: ScoreRequest, protocol: ScoreProtocol, ports: OnlinePorts) -> ScoreReply:
    """Who is it, may they, which deployment, what did they send, what does the model say."""
    principal = await ports.authenticator.authenticate(request.authorization)
    require(principal, Role.SCORE)
    _check_body(request, ports.max_body_bytes)
    endpoint = await ports.catalog.read_online(request.endpoint)
    require(principal, Role.SCORE, allowed_object_ids=endpoint.revision.allowed_object_ids or None)
    name = routing.choose(endpoint, request.request_id, request.pinned)
    deployment = endpoint.deployment(name)
    model = await ports.loader.get_online(deployment.model.ref)
    timeout_s = deployment.request_settings.request_timeout_ms / 1000
    if len(request.body) <= _INLINE_BYTES:
        features = protocol.parse(request.body, request.content_type, model.signature)
        predictions = await scoring.predict_online(model, features, timeout_s)
        body = protocol.render(predictions)
    else:
        body = await scoring.in_thread(lambda: _answer(request, protocol, model), timeout_s)
    return ScoreReply(body, protocol.REPLY_TYPE, name, str(deployment.model.ref))


def _answer(request: ScoreRequest, protocol: ScoreProtocol, model: LoadedModel) -> bytes:
    """All of a large request in one go, off the event loop: reading and writing it takes long, too."""
    features = protocol.parse(request.body, request.content_type, model.signature)
    return protocol.render(scoring.predict(model, features))


def _check_body(request: ScoreRequest, limit: int) -> None:
    size = len(request.body)
    if size > limit:
        raise PayloadTooLarge(f"the body has {size} bytes, but at most {limit} are taken: send it in parts")
    if request.content_encoding not in (None, "", "identity"):
        raise UnsupportedMediaType("send the body unpacked, without Content-Encoding")
