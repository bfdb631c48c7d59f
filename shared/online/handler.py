"""A scoring request, from its bytes to the reply's bytes."""

import asyncio
import functools
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from shared.auth.access import Role
from shared.auth.authenticate import Authenticator
from shared.endpoints.catalog import Catalog
from shared.endpoints.spec import Endpoint
from shared.errors import MalformedRequest, MethodNotAllowed, ModelNotReady, ScoringFailed, ScoringTimeout
from shared.models import scoring
from shared.models.flavor import RawCall
from shared.models.loaded import LoadedScript, size_of
from shared.models.scoring import Predictions
from shared.monitoring.capture import Capture
from shared.monitoring.captured import Answer
from shared.monitoring.settings import Monitoring
from shared.online import callers
from shared.online.admission import EXPANSION, BytesInHand, Hold, Quotas
from shared.online.asked import Asked, ask
from shared.online.deployments import Deployments, Serving
from shared.online.exchange import Answered, Message, Rendered, ScoreProtocol
from shared.online.unpack import unpacked

# A larger body may take a millisecond to read; CSV and Parquet always may.
_INLINE_BYTES: Final = 16 * 1024
_INLINE_TYPES: Final = ("json", "octet-stream")
# More values than this may take a millisecond to write.
_INLINE_VALUES: Final = 2_000
# A packed one may hold a thousand times as much.
_INLINE_PACKED_BYTES: Final = 1024


# A header's name and value, RFC 9110, section 5: no control characters.
_SENDABLE: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\x00-\x1f\x7f]*")


class ScoreRequest(NamedTuple):
    """`headers` with names in lower case; `query`: of the address, without its question mark."""

    endpoint: str
    request_id: str
    pinned: str | None
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    query: str = ""


class ScoreReply(NamedTuple):
    rendered: Rendered
    deployment: str
    model: str
    status: int = 200


@dataclass(slots=True)
class Trail:
    """How far a request came, for those who count requests: names that exist, and nothing else of the caller's."""

    endpoint: str = ""
    deployment: str = ""
    model: str = ""


class OnlinePorts(NamedTuple):
    authenticator: Authenticator
    catalog: Catalog
    deployments: Deployments
    in_hand: BytesInHand
    quotas: Quotas
    readers: Executor
    max_body_bytes: int
    capture: Capture


async def score(request: ScoreRequest, protocol: ScoreProtocol[Any], ports: OnlinePorts, trail: Trail) -> ScoreReply:
    """Who is it, may they, which deployment, what did they send, what does the model say."""
    started = asyncio.get_running_loop().time()
    endpoint = await _admitted(request, ports, trail)
    trail.deployment = ports.deployments.choose(endpoint, request.request_id, request.pinned)
    hold = ports.in_hand.take(len(request.body))
    try:
        serving = await ports.deployments.serving(endpoint, trail.deployment)
        trail.model = serving.model.label
        body = await _unpacked(request, ports)
        hold.raise_to(len(body))
        deadline = max(started, serving.ready_at) + serving.timeout_s
        call = _Call(request, body, protocol, endpoint.revision.monitoring, serving, deadline, trail, ports, hold)
        return await (_run_script(call) if serving.model.is_script else _predict(call))
    finally:
        hold.release()


async def _admitted(request: ScoreRequest, ports: OnlinePorts, trail: Trail) -> Endpoint:
    """The endpoint, for a caller who may score it now. Raises AuthError, EndpointNotFound, Overloaded."""
    authorization, name = request.headers.get("authorization"), request.endpoint
    caller, endpoint = await callers.admit(authorization, name, (Role.SCORE,), ports.authenticator, ports.catalog)
    trail.endpoint = endpoint.name
    ports.quotas.take(name, caller.id, endpoint.revision.quota.requests_per_minute)
    return endpoint


async def _unpacked(request: ScoreRequest, ports: OnlinePorts) -> bytes:
    encoding = request.headers.get("content-encoding")
    if encoding is None or len(request.body) <= _INLINE_PACKED_BYTES:
        return unpacked(request.body, encoding, ports.max_body_bytes)
    work = functools.partial(unpacked, request.body, encoding, ports.max_body_bytes)
    return await asyncio.get_running_loop().run_in_executor(ports.readers, work)


class _Call(NamedTuple):
    """`monitoring`: None where nothing is watched; `deadline`: the loop's time."""

    request: ScoreRequest
    body: bytes
    protocol: ScoreProtocol[Any]
    monitoring: Monitoring | None
    serving: Serving
    deadline: float
    trail: Trail
    ports: OnlinePorts
    hold: Hold


async def _predict(call: _Call) -> ScoreReply:
    """Reading and writing much takes long, too, and is then done in a thread."""
    served, trail = call.serving.model, call.trail
    if call.request.method != "POST":
        raise MethodNotAllowed(f"deployment '{trail.deployment}' takes rows of data: use POST", "POST")
    is_large = _is_large(call)
    asked = await _in_thread(call, lambda: _ask(call)) if is_large else _ask(call)
    if is_large:
        call.hold.raise_to(size_of(asked.inputs.features) // EXPANSION)
    predictions = await scoring.predict_online(served, asked.key, asked.inputs, call.serving.lanes, call.deadline)
    ref = served.id.ref
    answered = Answered(trail.endpoint, trail.deployment, ref.name, ref.version, served.takes_tensors)
    if sum(array.size for array in predictions.outputs.values()) > _INLINE_VALUES:
        call.hold.raise_to(size_of(predictions.outputs) // EXPANSION)
        rendered = await _in_thread(call, lambda: call.protocol.render(predictions, asked.document, answered))
    else:
        rendered = call.protocol.render(predictions, asked.document, answered)
    _capture(call, asked, predictions)
    return ScoreReply(rendered, trail.deployment, trail.model)


def _capture(call: _Call, asked: Asked, predictions: Predictions) -> None:
    """For monitoring."""
    if call.monitoring is not None:
        where = (call.trail.endpoint, call.trail.deployment, call.request.request_id, call.trail.model)
        call.ports.capture.take(call.monitoring, Answer(*where, asked.inputs.features, predictions.outputs))


def _is_large(call: _Call) -> bool:
    """Whether reading it may take long."""
    if len(call.body) > _INLINE_BYTES:
        return True
    content_type = call.request.headers.get("content-type")
    return content_type is not None and not any(each in content_type for each in _INLINE_TYPES)


def _ask(call: _Call) -> Asked:
    headers = call.request.headers
    return ask(call.protocol, Message(call.body, headers.get("content-type"), headers), call.serving.model)


async def _in_thread[T](call: _Call, work: Callable[[], T]) -> T:
    try:
        async with asyncio.timeout_at(call.deadline):
            return await asyncio.get_running_loop().run_in_executor(call.ports.readers, work)
    except TimeoutError:
        raise ScoringTimeout("the request took too long to read: send fewer rows at once") from None


async def _run_script(call: _Call) -> ScoreReply:
    """score.py takes the whole request, unpacked. What it fails with is its own, and told as Azure ML does: 424."""
    model, name = call.serving.model, call.trail.deployment
    if not call.protocol.TAKES_SCRIPTS:
        raise MalformedRequest(f"deployment '{name}' serves a score.py: send the request to its /score")
    began = asyncio.get_running_loop().time()
    loaded = await model.loaded_online("")
    deadline = call.deadline + asyncio.get_running_loop().time() - began
    if not isinstance(loaded, LoadedScript):
        raise ModelNotReady(f"the score.py of deployment '{name}' is not ready: try again")
    request = call.request
    raw = RawCall(request.method, request.query, _unpacked_headers(request.headers, call.body), call.body)
    reply = await call.serving.lanes.run(loaded, lambda abort: loaded.run(raw, abort), deadline)
    headers, status = dict(reply.headers), reply.status
    if not all(_SENDABLE.fullmatch(f"{key}: {value}") for key, value in headers.items()):
        raise ScoringFailed("the score.py answered with a header that cannot be sent")
    content_type = headers.pop("content-type", "application/json")
    if status >= 500:
        headers |= {"ms-azureml-model-error-statuscode": str(status), "ms-azureml-model-error-reason": "model_error"}
        status = 424
    return ScoreReply(Rendered(reply.body, content_type, headers), name, model.label, status)


def _unpacked_headers(headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
    """They say what the body is now: whoever believed that it is packed would unpack it again."""
    if "content-encoding" not in headers:
        return headers
    kept = {name: value for name, value in headers.items() if name != "content-encoding"}
    return {**kept, "content-length": str(len(body))}
