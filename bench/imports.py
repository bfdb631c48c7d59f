"""`python -m bench.imports`: what importing the app costs and why, and where the time to the first answer goes.

The table stands in docs/design.md. CPU is user and system time of whole processes, medians; a package's share is
its modules' part of `-X importtime`, scaled to that CPU, because measuring every import makes each of them slower.
"""

import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import first_answer
from devhost.errors import HostError
from samples.flights.local import make_stack, publish
from samples.flights.train import DEFAULT_OUT, ensure_trained
from shared.errors import SlipwayError

_ROUNDS: Final = 9
_APP: Final = "import function_app"
_LINE: Final = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
_STANDARD: Final = "the standard library"

# What is reported as one, by the first name that fits, and why an indexing process needs it.
PACKAGES: Final = (
    ("azure.functions", ("azure.functions",), "the programming model: triggers, bindings, requests and replies"),
    ("werkzeug", ("werkzeug", "markupsafe"), "azure.functions keeps headers and forms in it"),
    ("azure.durable_functions", ("azure.durable_functions",), "declares orchestrations and activities"),
    ("durabletask", ("durabletask", "packaging"), "the orchestrator's types; its worker comes with durable functions"),
    ("grpc, protobuf", ("grpc", "google"), "durabletask's wire format; the app reads one of its errors"),
    ("opentelemetry API", ("opentelemetry", "importlib_metadata"), "durabletask traces where it is installed"),
    ("azurefunctions base", ("azurefunctions",), "the blob trigger's reference type"),
    (
        "pydantic",
        ("pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"),
        "settings and all stored documents",
    ),
    ("numpy", ("numpy",), "what features and predictions are kept in"),
    ("orjson", ("orjson",), "JSON in and out; azure.functions takes it too where it is"),
    ("yaml", ("yaml", "_yaml"), "reads MLmodel files"),
    ("cronsim", ("cronsim",), "checks the schedules in endpoint documents"),
    ("the app itself", ("shared", "function_app"), "its modules, and pydantic's compiling of its documents"),
    (_STANDARD, (), "asyncio, email, ssl, http, logging and what else the above ask for"),
)


def main() -> int:
    console = Console(highlight=False)
    print(*_import_table(), sep="\n")
    ensure_trained(DEFAULT_OUT, console)
    stack = make_stack(Path("build/bench"))
    try:
        with stack:
            publish(stack, DEFAULT_OUT / "models")
            print("", *first_answer.table(stack), sep="\n")
    except (SlipwayError, HostError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


def _import_table() -> Iterator[str]:
    bare_s, app_s = (statistics.median(_cpu_s(code) for _ in range(_ROUNDS)) for code in ("pass", _APP))
    shares = _shares()
    whole = sum(shares.values())
    app_ms, bare_ms = (app_s - bare_s) * 1000, bare_s * 1000
    yield f"Importing function_app: {app_ms:.0f} ms of CPU, besides Python's own {bare_ms:.0f} ms."
    yield ""
    yield "| package | CPU, ms | why it is there |"
    yield "| --- | ---: | --- |"
    reasons = {name: why for name, _, why in PACKAGES}
    for name, share in shares.most_common():
        if share * 500 < whole:
            continue  # less than a fifth of a percent
        yield f"| {name} | {share / whole * (app_s - bare_s) * 1000:.0f} | {reasons.get(name, 'nobody has said why')} |"


def _cpu_s(code: str) -> float:
    before = os.times()
    subprocess.run([sys.executable, "-c", code], check=True)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def _shares() -> Counter[str]:
    """Microseconds of each package's own modules, medians; what the bare interpreter imports is left out."""
    rounds = [_own_us() for _ in range(_ROUNDS)]
    names = {name for each in rounds for name in each}
    return Counter({name: int(statistics.median(each[name] for each in rounds)) for name in names})


def _own_us() -> Counter[str]:
    command = [sys.executable, "-X", "importtime", "-c", f"import sys; sys.stderr.write('begin\\n'); {_APP}"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stderr.partition("begin\n")[2]
    own: Counter[str] = Counter()
    for microseconds, module in _LINE.findall(told):
        own[package_of(module)] += int(microseconds)
    return own


def package_of(module: str) -> str:
    for name, prefixes, _ in PACKAGES:
        if any(f"{module}.".startswith(f"{prefix}.") for prefix in prefixes):
            return name
    top = module.partition(".")[0]
    return _STANDARD if top in sys.stdlib_module_names else top


if __name__ == "__main__":
    sys.exit(main())
