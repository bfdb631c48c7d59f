"""A caller asks for a job: what is asked for is looked at before anything is kept."""

from typing import Final
from uuid import uuid4

from shared.batch import desk, job_index
from shared.batch import job as jobs
from shared.batch.intake import claims
from shared.batch.intake.location import check_input, check_output
from shared.batch.intake.request import JobRequest, canonical
from shared.batch.job import ID_PATTERN, Job
from shared.batch.ports import BatchPorts
from shared.endpoints import locations
from shared.endpoints.batch_settings import Overrides
from shared.endpoints.spec import Endpoint
from shared.errors import JobNotFound, LocationNotAllowed, MalformedRequest
from shared.models import segments
from shared.ports import Container, Place

# Azure Storage's limit for the name of a blob, less the longest name of a file and the claim's own folders.
_LONGEST_OUTPUT: Final = 1024 - 224


def submit(request: JobRequest, caller: str, key: str | None, endpoint: Endpoint, ports: BatchPorts) -> Job:
    """The job, new or the same as before where `key` was used before. Safe to repeat.

    Raises LocationNotAllowed, DeploymentNotFound, ModelNotFound, SchemaMismatch, MalformedRequest, OutputTaken.
    """
    job_id = jobs.requested_id(caller, endpoint.name, key or uuid4().hex, canonical(request))
    if key is not None and (earlier := _earlier(job_id, ports)) is not None:
        return earlier
    output = _check(request, endpoint, ports)
    job = jobs.new(
        job_id,
        endpoint.name,
        request.inputs,
        caller,
        ports.now(),
        deployment=request.deployment,
        model=request.model,
        params=request.params,
        overrides=request.overrides,
        **({"output_location": locations.written(output)} if output is not None else {}),
    )
    claims.check(job, ports)
    return desk.submit(ports.store, job)


def _earlier(job_id: str, ports: BatchPorts) -> Job | None:
    """What was taken once is not looked at again: what it asks for may be gone, and its output may be there."""
    try:
        job = desk.read(ports.store, job_id)
    except JobNotFound:
        return None
    # Whoever submitted it may have died before.
    job_index.enlist(ports.store, job)
    return job


def retry(job: Job, asked: Overrides, ports: BatchPorts) -> Job:
    """The next attempt of a job that has failed or was canceled; it may allow more rejected rows than before.

    Raises InvalidTransition.
    """
    overrides = job.overrides.model_copy(update=asked.model_dump(exclude_none=True))
    return desk.retry(ports.store, job.id, ports.now(), overrides=overrides)


def _check(request: JobRequest, endpoint: Endpoint, ports: BatchPorts) -> Place | None:
    """The output's folder, where the caller names one."""
    settings, known = endpoint.revision.batch, ports.known
    for each in request.inputs:
        check_input(locations.parse(each.location, known), endpoint.name, settings.allowed_inputs, known)
    deployment = endpoint.deployment(request.deployment or endpoint.batch_deployment())
    model = ports.served(deployment.model.ref, deployment.runtime)
    member = segments.by_name(model.package, request.model)
    model.converter(member).params(request.params or None)
    if request.output is None:
        return None
    return _not_of_another(check_output(request.output, endpoint.name, settings.allowed_outputs, known))


def _not_of_another(output: Place) -> Place:
    """Where jobs without a place of their own choice write, each has its own.

    Raises LocationNotAllowed, and MalformedRequest where no name of a file fits behind the folder's.
    """
    if len(output.name) > _LONGEST_OUTPUT:
        raise MalformedRequest(
            f"the folder of an output has at most {_LONGEST_OUTPUT} characters: choose a shorter one"
        )
    if output.container == Container.PREDICTIONS and any(map(ID_PATTERN.fullmatch, output.name.split("/"))):
        raise LocationNotAllowed("this is the output of one job: name a folder that is called otherwise")
    return output
