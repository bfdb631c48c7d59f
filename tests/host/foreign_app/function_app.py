"""A small app that knows nothing of this repository; it writes down what was asked of it as blobs."""

import asyncio
import contextlib
import json
import logging
import os
import sys
import threading
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import azurefunctions.extensions.bindings.blob as blob_binding
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from orchestrations import blueprint  # type: ignore[import-not-found]  # the host finds it beside this file

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(blueprint)
STORAGE = "AzureWebJobsStorage"
log = logging.getLogger("foreign")


def record(kind: str, facts: dict[str, Any]) -> None:
    """Append one JSON line to the append blob `kind`."""
    service = BlobServiceClient.from_connection_string(os.environ[STORAGE])
    with service, service.get_blob_client(os.environ["RECORDS"], kind) as client:
        with contextlib.suppress(ResourceExistsError):
            client.create_append_blob(if_none_match="*")
        client.append_block((json.dumps(facts) + "\n").encode())


# HTTP


@app.route("echo/{name}", methods=["GET", "POST"])
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    facts = {
        "method": req.method,
        "url": req.url,
        "route": dict(req.route_params),
        "query": dict(req.params),
        "headers": dict(req.headers),
        "body": req.get_body().decode(),
    }
    return func.HttpResponse(json.dumps(facts), mimetype="application/json", headers={"x-own": "yes"})


@app.route("echo/fixed", methods=["GET"])
async def fixed(req: func.HttpRequest) -> str:
    return "fixed"


@app.route("items/{id:int}", methods=["GET"])
async def item(req: func.HttpRequest) -> str:
    return f"item {req.route_params['id']}"


@app.route("items/{id:int}", methods=["DELETE"])
async def delete_item(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=204)


@app.route("files/{*rest}")
def files(req: func.HttpRequest) -> str:
    return str(req.route_params.get("rest", "nothing"))


@app.route("cookies", methods=["GET"])
async def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("baked", status_code=201)
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
    response.headers.add("Set-Cookie", "b=2; Max-Age=60; SameSite=Lax")
    return response


@app.route("fail")
async def fail(req: func.HttpRequest) -> str:
    raise ValueError("the secret of the stack")


@app.route("leave")
def leave(req: func.HttpRequest) -> str:
    sys.exit(3)


@app.route("split")
async def split(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("x", headers={"x-bad": req.params["value"]})


@app.route("slow/{seconds}")
async def slow(req: func.HttpRequest) -> str:
    log.info("slow request has begun")
    await asyncio.sleep(float(req.route_params["seconds"]))
    return "done"


@app.route("stuck")
def stuck(req: func.HttpRequest) -> str:
    log.info("stuck request has begun")
    threading.Event().wait()
    return "never"


@app.route("queue", methods=["POST"])
@app.queue_output("message", "%RECORDS%-work", STORAGE)
def enqueue(req: func.HttpRequest, message: func.Out[str]) -> func.HttpResponse:
    message.set(req.get_body().decode())
    return func.HttpResponse(status_code=202)


@app.route("blobs/{name}", methods=["GET"])
@app.blob_input("content", "%RECORDS%/{name}", STORAGE)
def read_blob(req: func.HttpRequest, content: func.InputStream) -> str:
    return content.read().decode()


# Blobs


@app.blob_trigger("stream", "streams/{name}.txt", STORAGE)
def on_stream(stream: func.InputStream) -> None:
    text = stream.read().decode()
    record("streams", {"name": stream.name, "length": stream.length, "uri": stream.uri, "text": text})


@app.blob_trigger("client", "clients/{name}", STORAGE, source=func.BlobSource.EVENT_GRID)
@app.durable_client_input("starter")
async def on_client(client: blob_binding.BlobClient, starter: df.DurableFunctionsClient) -> None:
    text = (await asyncio.to_thread(client.download_blob)).readall().decode()
    facts = {"name": client.blob_name, "text": text, "pid": os.getpid()}
    await asyncio.to_thread(record, "clients", facts)
    if text == "bad":
        raise ValueError("a bad blob")
    if text.startswith("sleep "):
        await asyncio.sleep(float(text.removeprefix("sleep ")))
        await asyncio.to_thread(record, "clients", {**facts, "slept": True})


# Timers


def schedule_status(timer: Any) -> Any:
    """The published type of the parameter leaves this out."""
    return timer.schedule_status


@app.timer_trigger("timer", "%TICK_SCHEDULE%", use_monitor=True)
def tick(timer: func.TimerRequest) -> None:
    record("ticks", {"past_due": timer.past_due, "status": schedule_status(timer)})


@app.timer_trigger("timer", "%YEARLY_SCHEDULE%")
def yearly(timer: func.TimerRequest) -> None:
    record("years", {"past_due": timer.past_due, "status": schedule_status(timer)})


# Queues


@app.queue_trigger("message", "%RECORDS%-work", STORAGE)
def on_message(message: func.QueueMessage) -> None:
    text = message.get_body().decode(errors="backslashreplace")
    record("messages", {"text": text, "tries": message.dequeue_count})
    if text == "bad":
        raise ValueError("a bad message")


# Durable functions


@app.route("orchestrations/{name}", methods=["POST"])
@app.durable_client_input("client")
async def start(req: func.HttpRequest, client: df.DurableFunctionsClient) -> func.HttpResponse:
    given = req.get_json()
    instance_id = await client.schedule_new_orchestration(req.route_params["name"], input=given)
    return client.create_check_status_response(req, instance_id)


@app.route("orchestrations/{id}", methods=["GET"])
@app.durable_client_input("client")
async def status(req: func.HttpRequest, client: df.DurableFunctionsClient) -> func.HttpResponse:
    state = await client.get_orchestration_state(req.route_params["id"])
    if state is None:
        return func.HttpResponse(status_code=404)
    facts = {
        "status": state.runtime_status.name,
        "output": state.serialized_output,
        "error": state.failure_details.message if state.failure_details else None,
    }
    return func.HttpResponse(json.dumps(facts), mimetype="application/json")
