"""The address that tells of one job to whoever holds its secret: strangers who guess cost next to nothing."""

import asyncio
import threading
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlencode

import azure.functions as func
import orjson
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk
from shared.batch import job as jobs
from shared.batch.intake import capability
from shared.batch.job import JobInput
from shared.batch.ports import BatchPorts
from shared.ports import Container
from shared.triggers import jobs as triggers
from shared.triggers.http import respond
from tests.support.batch import Clock, WatchedStore, make_ports

JOB = f"rest-{1:024x}"
LENGTH = capability.LENGTH


@pytest.fixture
def watched(store: MemoryBlobs, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> WatchedStore:
    """The store that the app sees, with one job."""
    made = WatchedStore(store)
    app = SimpleNamespace(batch=make_ports(made, clock), settings=SimpleNamespace(public_hosts=()))
    monkeypatch.setattr("shared.triggers.jobs.services", lambda: app)
    return made


@pytest.fixture
def secret(ports: BatchPorts) -> str:
    job = jobs.new(JOB, "flowers", (JobInput(location="inbox/flowers/a.csv"),), "me", ports.now())
    desk.submit(ports.store, job)
    made, kept = capability.make(ports.now(), timedelta(days=3650))
    desk.add_capability(ports.store, JOB, kept)
    return made


async def ask(secret: str, job: str = JOB, endpoint: str = "flowers") -> func.HttpResponse:
    address = f"https://app/endpoints/{endpoint}/jobs/{job}/status"
    request = func.HttpRequest(
        "GET", f"{address}?{urlencode({'capability': secret})}",
        params={"capability": secret}, route_params={"endpoint": endpoint, "job": job}, body=b"",
    )  # fmt: skip
    return await respond(request, triggers._status)


def code(reply: func.HttpResponse) -> str:
    return str(orjson.loads(reply.get_body())["error"]["code"])


async def test_whoever_has_the_secret_is_told_and_pointed_to_the_same_address(
    watched: WatchedStore, secret: str
) -> None:
    reply = await ask(secret)
    assert (reply.status_code, orjson.loads(reply.get_body())["id"]) == (202, JOB)
    assert reply.headers["Location"].endswith(f"/endpoints/flowers/jobs/{JOB}/status?capability={secret}")


@pytest.mark.parametrize("guess", ["", "x", "x" * (LENGTH - 1), "x" * (LENGTH + 1), "x" * 5000, "é" * 40])
async def test_what_cannot_be_a_secret_is_refused_unread(watched: WatchedStore, secret: str, guess: str) -> None:
    seen: list[str] = []
    watched.before = seen.append
    reply = await ask(guess)
    assert (reply.status_code, code(reply), seen) == (404, "JobNotFound", [])


async def test_a_wrong_secret_and_an_unknown_job_are_told_alike(watched: WatchedStore, secret: str) -> None:
    asked = [
        await ask("x" * LENGTH),
        await ask("x"),
        await ask(secret, job=f"rest-{2:024x}"),
        await ask(secret, job="../x"),
        await ask(secret, endpoint="trees"),
    ]
    assert {(reply.status_code, code(reply)) for reply in asked} == {(404, "JobNotFound")}
    assert len({reply.get_body() for reply in asked}) == 1


async def test_a_guess_costs_one_read(watched: WatchedStore, secret: str) -> None:
    seen: list[str] = []
    watched.before = seen.append
    assert (await ask("x" * LENGTH)).status_code == 404
    assert seen == [f"read {Container.JOBS}/{JOB}/job.json"]


async def test_more_strangers_than_a_few_at_once_are_sent_away(watched: WatchedStore, secret: str) -> None:
    came, let_go = threading.Semaphore(0), threading.Event()

    def hold(operation: str) -> None:
        came.release()
        let_go.wait(timeout=20)

    watched.before = hold
    first = [asyncio.create_task(ask("x" * LENGTH)) for _ in range(3)]
    first.append(asyncio.create_task(ask(secret)))
    try:
        for _ in first:
            await asyncio.to_thread(came.acquire)
        refused = await ask(secret)
        assert (refused.status_code, code(refused), refused.headers["Retry-After"]) == (429, "Overloaded", "1")
        short = await ask("x")
        assert short.status_code == 404
    finally:
        let_go.set()
    assert [(await each).status_code for each in first] == [404, 404, 404, 202]
    assert (await ask(secret)).status_code == 202
