"""Batch jobs over HTTP: Azure ML's contract of a batch endpoint, and Data Factory's of a long-running operation."""

import asyncio
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

import azure.functions as func
from azure.durable_functions import Blueprint

from shared.auth.access import Principal, Role, require
from shared.batch import desk, progress
from shared.batch.intake import capability, submission
from shared.batch.intake.request import read_request, read_retry
from shared.batch.job import Job, JobStatus
from shared.endpoints.spec import Endpoint
from shared.errors import JobCanceled, JobFailed, JobNotFound, MalformedRequest, Overloaded
from shared.services import services
from shared.settings import LOOPBACK
from shared.triggers.batch import start_online
from shared.triggers.http import Call, Reply, bounded, json_reply
from shared.triggers.paging import read_page
from shared.triggers.routes import route

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)

# Data Factory asks for as long as this whether a job is over.
_CAPABILITY_LIFETIME: Final = timedelta(days=7)
_RETRY_AFTER: Final = {"Retry-After": "10"}
_NO_STORE: Final = {"Cache-Control": "no-store"}
# Callers without a token who are looked after at once; a further one is sent away.
_strangers: Final = asyncio.Semaphore(4)
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_SDK_KEY: Final = "repeatability_request-id"
_KEY_HEADERS: Final = ("idempotency-key", "repeatability-request-id", _SDK_KEY)
_FILTERS: Final = ("status", "submitted_by")


async def _submit(call: Call) -> Reply:
    principal, endpoint = await _admitted(call, Role.BATCH)
    ports, settings = services().batch, services().settings
    pinned, model = call.header("azureml-model-deployment"), call.header("x-slipway-model")
    asked = read_request(bounded(call.body, settings.max_body_bytes), ports.known, pinned, model)
    job = await asyncio.to_thread(submission.submit, asked, principal.id, _key(call), endpoint, ports)
    if not job.status.finished:
        await start_online(call.client, job)
    return await _accepted(call, job)


async def _accepted(call: Call, job: Job) -> Reply:
    """202, and where to ask for the rest: an address that needs no token, which Data Factory may not send again."""
    secret, kept = capability.make(datetime.now(UTC), _CAPABILITY_LIFETIME)
    await asyncio.to_thread(desk.add_capability, services().store, job.id, kept)
    headers = {"Location": _status_url(call, job, secret), **_RETRY_AFTER, **_NO_STORE}
    # Azure ML's SDK takes 200 and 201 only, and alone sends this header; Data Factory follows none but 202.
    of_sdk = call.header(_SDK_KEY) is not None
    return json_reply(progress.summary(job), 201 if of_sdk else 202, headers)


def _key(call: Call) -> str | None:
    key = next((value for name in _KEY_HEADERS if (value := call.header(name))), None)
    if key is not None and not _KEY.fullmatch(key):
        raise MalformedRequest("an idempotency key has 1 to 255 visible characters: send a UUID")
    return key


async def _list(call: Call) -> Reply:
    _, endpoint = await _admitted(call, Role.BATCH, Role.READ)
    top, asked_from, query = read_page(call, progress.MAX_LISTED, _FILTERS)
    statuses = frozenset(filter(None, query.get("status", "").split(",")))
    found, marker = await asyncio.to_thread(
        progress.listed, services().batch, endpoint.name, top, asked_from, statuses, query.get("submitted_by")
    )
    more = {}
    if marker:
        following = urlencode({**query, "$skiptoken": marker}, safe="$")
        more = {"nextLink": f"{_base_url(call)}/endpoints/{endpoint.name}/jobs?{following}"}
    return json_reply({"value": found, **more})


async def _read(call: Call) -> Reply:
    _, endpoint = await _admitted(call, Role.BATCH, Role.READ)
    job = await _find(call, endpoint.name)
    return json_reply(await asyncio.to_thread(progress.describe, services().batch, job))


async def _status(call: Call) -> Reply:
    """202 until the job is over, then 200; or an error, where a caller that only looks at the status would miss it."""
    secret = call.request.params.get("capability")
    if secret is None:
        _, endpoint = await _admitted(call, Role.BATCH, Role.READ)
        job = await _find(call, endpoint.name)
    else:
        job = await _find_for_stranger(call, secret)
    if job.status == JobStatus.FAILED:
        raise JobFailed(f"job '{job.id}' has failed: {job.error.message if job.error else 'see its document'}")
    if job.status == JobStatus.CANCELED:
        raise JobCanceled(f"job '{job.id}' was canceled: retry it to run it after all")
    told = await asyncio.to_thread(progress.describe, services().batch, job)
    if job.status.finished:
        return json_reply(told, headers=_NO_STORE)
    return json_reply(told, 202, {"Location": _status_url(call, job, secret), **_RETRY_AFTER, **_NO_STORE})


async def _find_for_stranger(call: Call, secret: str) -> Job:
    """Strangers who guess are given no threads to speak of, and learn nothing. Raises JobNotFound, Overloaded."""
    if len(secret) == capability.LENGTH:
        if _strangers.locked():
            raise Overloaded("too many callers ask for jobs by address: try again shortly")
        async with _strangers:
            with suppress(JobNotFound):
                job = await _find(call, call.route("endpoint"))
                if capability.holds(secret, job.capabilities, datetime.now(UTC)):
                    return job
    raise JobNotFound("there is no job of this id")


async def _cancel(call: Call) -> Reply:
    _, endpoint = await _admitted(call, Role.BATCH)
    job = await _find(call, endpoint.name)
    job = await asyncio.to_thread(desk.request_cancel, services().store, job.id)
    return json_reply(progress.summary(job), 200 if job.status.finished else 202)


async def _retry(call: Call) -> Reply:
    """Goes on where the job has failed, with the same model and input; it may allow more rejected rows this time."""
    _, endpoint = await _admitted(call, Role.BATCH)
    job = await _find(call, endpoint.name)
    asked = read_retry(call.body)
    again = await asyncio.to_thread(submission.retry, job, asked, services().batch)
    await start_online(call.client, again)
    return await _accepted(call, again)


async def _admitted(call: Call, *roles: Role) -> tuple[Principal, Endpoint]:
    principal = await services().authenticator.authenticate(call.header("authorization"))
    require(principal, *roles)
    endpoint = await services().catalog.read_online(call.route("endpoint"))
    require(principal, *roles, allowed_object_ids=endpoint.revision.allowed_object_ids or None)
    return principal, endpoint


async def _find(call: Call, endpoint: str) -> Job:
    return await asyncio.to_thread(progress.find, services().batch, endpoint, call.route("job"))


def _status_url(call: Call, job: Job, secret: str | None) -> str:
    query = f"?{urlencode({'capability': secret})}" if secret else ""
    return f"{_base_url(call)}/endpoints/{quote(job.endpoint)}/jobs/{job.id}/status{query}"


def _base_url(call: Call) -> str:
    """As the caller sees the app: behind a front door that is known, under the front door's name."""
    forwarded = (call.header("x-forwarded-host") or "").lower()
    if forwarded in services().settings.public_hosts:
        return f"https://{forwarded}"
    seen = urlsplit(call.request.url)
    scheme = seen.scheme if seen.hostname in LOOPBACK else "https"
    return f"{scheme}://{seen.netloc}"


_JOBS: Final = "endpoints/{endpoint}/jobs"
route(blueprint, "jobs", _JOBS, {"GET": _list, "POST": _submit}, starts_jobs=True)
route(blueprint, "read_job", f"{_JOBS}/{{job}}", {"GET": _read})
route(blueprint, "job_status", f"{_JOBS}/{{job}}/status", {"GET": _status})
route(blueprint, "cancel_job", f"{_JOBS}/{{job}}/cancel", {"POST": _cancel})
route(blueprint, "retry_job", f"{_JOBS}/{{job}}/retry", {"POST": _retry}, starts_jobs=True)
