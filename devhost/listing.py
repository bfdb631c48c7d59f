"""What the host prints about the app when it is ready."""

from collections.abc import Iterable

from devhost.functions import BLOB, HTTP, QUEUE, TIMER, Function
from devhost.routes import full_route, methods_of

_WATCHED = {BLOB: "path", QUEUE: "queueName", TIMER: "schedule"}


def describe(functions: Iterable[Function], prefix: str, base_url: str) -> list[str]:
    """One line for each function: its name, then its route or what triggers it."""
    lines = []
    for function in functions:
        trigger = function.trigger
        if trigger.kind == HTTP:
            listed = trigger.settings.get("methods")
            methods = ",".join(methods_of(function)) if listed else "any"
            lines.append(f"  {function.name}: [{methods}] {base_url}/{full_route(function, prefix)}")
        else:
            watched = trigger.text(_WATCHED.get(trigger.kind, ""))
            lines.append(f"  {function.name}: {trigger.kind} {watched}".rstrip())
    return lines
