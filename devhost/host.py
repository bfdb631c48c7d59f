"""The life of the host: read the settings, index the app, serve it, end it in good order."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from devhost.bound_data import BoundData
from devhost.durable import DurableDispatch, needs_engine
from devhost.errors import HostError
from devhost.front import Front
from devhost.functions import BLOB, QUEUE, TIMER, Function
from devhost.host_json import HostConfig, read_host_json
from devhost.listing import describe
from devhost.server import Server
from devhost.settings import apply_settings, read_local_settings
from devhost.storage import HOST_CONNECTION, Storage
from devhost.triggers import make_triggers
from devhost.worker import Worker

_GRACE_S = 6.0
_LAST_RESORT_S = 8.5
_DEFAULT_PORT = 7071
_LEVELS = {"trace": 10, "debug": 10, "information": 20, "warning": 30, "error": 40, "critical": 50, "none": 60}
# Libraries that narrate; what they warn of is still shown.
_QUIET = ("azure", "azure.functions", "durabletask", "grpc", "asyncio")


class Address(NamedTuple):
    """Where the host listens; without a port local.settings.json may name one."""

    host: str
    port: int | None


async def run(app_dir: Path, address: Address) -> None:
    """Run the host until it is told to stop; HostError if it cannot start."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    local = read_local_settings(app_dir)
    apply_settings(local.values)
    apply_settings({"AZURE_FUNCTIONS_ENVIRONMENT": "Development", "AzureWebJobsScriptRoot": str(app_dir)})
    config = read_host_json(app_dir)
    _set_up_logging(config.log_level)
    with _listen(address.host, address.port or local.port or _DEFAULT_PORT) as listener:
        os.chdir(app_dir)
        worker = Worker()
        functions = [function for function in await worker.index(app_dir) if not _is_disabled(function)]
        storage = Storage()
        await _serve(worker, functions, storage, config, listener, stop)


async def _serve(
    worker: Worker,
    functions: Sequence[Function],
    storage: Storage,
    config: HostConfig,
    listener: socket.socket,
    stop: asyncio.Event,
) -> None:
    bound_data = BoundData(worker, storage, config.queue_base64)
    front = Front(worker, functions, config, bound_data)
    triggers = make_triggers(functions, bound_data, storage, config)
    base_url = "http://{}:{}".format(*listener.getsockname()[:2])
    durable = DurableDispatch(bound_data, functions, config) if needs_engine(functions) else None
    await asyncio.to_thread(_check_storage, storage, functions)
    if durable is not None:
        durable.start(base_url)
    server = Server(front.answer)
    await server.start(listener)
    for trigger in triggers:
        trigger.start()
    print(*describe(functions, config.route_prefix, base_url), sep="\n")
    print(f"devhost: listening on {base_url} ({len(functions)} functions)", flush=True)
    await stop.wait()
    _exit_at_the_latest()
    await asyncio.gather(server.stop(_GRACE_S), *(trigger.stop(_GRACE_S) for trigger in triggers))
    if durable is not None:
        await durable.stop(1.0)
    await asyncio.to_thread(worker.close)
    storage.close()


@contextlib.contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    """Take the port before anything slow happens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(2048)
        except OSError as exc:
            raise HostError(f"cannot listen on {host}:{port}: {exc.strerror or exc}") from exc
        yield listener


def _is_disabled(function: Function) -> bool:
    return os.environ.get(f"AzureWebJobs.{function.name}.Disabled", "").lower() in ("1", "true")


def _check_storage(storage: Storage, functions: Sequence[Function]) -> None:
    """Ask every storage service that a trigger needs once, so that nothing fails only later."""
    wanted: dict[tuple[str, str], str] = {}
    for function in functions:
        kind = function.trigger.kind
        own = function.trigger.text("connection", HOST_CONNECTION)
        needs = {
            BLOB: [(own, "blob"), (own, "queue"), (HOST_CONNECTION, "blob")],
            QUEUE: [(own, "queue")],
            TIMER: [(HOST_CONNECTION, "blob")],
        }.get(kind, [])
        for need in needs:
            wanted.setdefault(need, function.label)
    for (connection, service), label in wanted.items():
        storage.check(connection, service, label)


def _set_up_logging(level: str) -> None:
    logging.basicConfig(
        stream=sys.stdout,
        level=_LEVELS.get(level.lower(), logging.INFO),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _exit_at_the_latest() -> None:
    """A function that never returns must not keep the process."""

    def leave() -> None:
        logging.getLogger("devhost.host").warning("a function did not end in time and was left")
        logging.shutdown()
        os._exit(0)

    timer = threading.Timer(_LAST_RESORT_S, leave)
    timer.daemon = True
    timer.start()
