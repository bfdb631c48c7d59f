"""Route templates of ASP.NET, as the real host reads them, and the table that picks a function."""

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote

from devhost.errors import HostError
from devhost.functions import Function

_PARAMETER = re.compile(r"\{(\*{0,2})(\w+)(?::([^{}?=]+(?:\([^)]*\))?))?(\?)?\}")
_CONSTRAINTS = {
    "int": r"[+-]?\d{1,10}",
    "long": r"[+-]?\d{1,19}",
    "alpha": r"[A-Za-z]+",
    "bool": r"[Tt]rue|[Ff]alse",
    "guid": r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
}
_RESERVED = ("admin", "runtime")
_REMEMBERED_PATHS = 4096
# Lower comes first where two templates match: ASP.NET's order of precedence within one segment.
_LITERAL, _MIXED, _CONSTRAINED, _PLAIN, _CATCH_ALL = 1, 2, 3, 4, 5


class Template(NamedTuple):
    """A compiled route template."""

    pattern: re.Pattern[str]
    precedence: tuple[int, ...]


class Match(NamedTuple):
    """What a path leads to: functions by method, the path's parameters, the methods allowed."""

    by_method: dict[str, tuple[Function, dict[str, str]]]
    allow: str


def compile_template(template: str, wanted_by: str) -> Template:
    """Compile `a/{x:int}/{rest?}` to a pattern over a whole path without its slashes at the ends."""
    expression, precedence = "", []
    for index, segment in enumerate(part for part in template.strip("/").split("/") if part):
        text, rank, optional = _segment(segment, wanted_by)
        slash = "/" if index else ""
        expression += f"(?:{slash}{text})?" if optional else slash + text
        precedence.append(rank)
    # A path may hold a line break, percent-encoded.
    return Template(re.compile(expression, re.DOTALL), tuple(precedence))


def _segment(segment: str, wanted_by: str) -> tuple[str, int, bool]:
    whole = _PARAMETER.fullmatch(segment)
    if whole:
        star, name, constraint, question = whole.groups()
        if star:
            return f"(?P<{name}>.*)", _CATCH_ALL, True
        rank = _CONSTRAINED if constraint else _PLAIN
        return f"(?P<{name}>{_value_of(constraint, wanted_by)})", rank, bool(question)
    parts, end = [], 0
    for found in _PARAMETER.finditer(segment):
        parts += [_literal(segment[end : found.start()], wanted_by)]
        parts += [f"(?P<{found.group(2)}>{_value_of(found.group(3), wanted_by)})"]
        end = found.end()
    parts.append(_literal(segment[end:], wanted_by))
    return "".join(parts), _MIXED if end else _LITERAL, False


def _literal(text: str, wanted_by: str) -> str:
    if "{" in text or "}" in text:
        raise HostError(f"{wanted_by}: this host cannot read '{text}' in the route")
    return f"(?i:{re.escape(text)})" if text else ""


def _value_of(constraint: str | None, wanted_by: str) -> str:
    if constraint is None:
        return "[^/]+"
    if constraint not in _CONSTRAINTS:
        raise HostError(f"{wanted_by}: this host does not know the route constraint '{constraint}'")
    return _CONSTRAINTS[constraint]


class RouteTable:
    """All HTTP functions of the app, the most exact template first."""

    def __init__(self, functions: Iterable[Function], prefix: str) -> None:
        entries: list[tuple[Template, list[str], Function]] = []
        for function in functions:
            path = full_route(function, prefix)
            if path.split("/")[0].lower() in _RESERVED:
                raise HostError(f"{function.label}: the route '{path}' belongs to the host")
            entries.append((compile_template(path, function.label), methods_of(function), function))
        # A template that ends earlier goes first, so `items` wins over `items/{id?}`.
        self._entries = sorted(entries, key=lambda entry: entry[0].precedence)
        self._remembered: dict[bytes, Match | None] = {}

    def find(self, raw_path: bytes) -> Match | None:
        """Look a request's path up, still percent-encoded; None when no template fits."""
        try:
            return self._remembered[raw_path]
        except KeyError:
            pass
        if len(self._remembered) >= _REMEMBERED_PATHS:
            self._remembered.clear()
        match = self._remembered[raw_path] = self._search(decode_path(raw_path))
        return match

    def _search(self, path: str) -> Match | None:
        by_method: dict[str, tuple[Function, dict[str, str]]] = {}
        for template, methods, function in self._entries:
            found = template.pattern.fullmatch(path)
            if found is None:
                continue
            parameters = {name: value for name, value in found.groupdict().items() if value}
            for method in methods:
                by_method.setdefault(method, (function, parameters))
        if not by_method:
            return None
        if "GET" in by_method:
            by_method.setdefault("HEAD", by_method["GET"])
        return Match(by_method, ", ".join(sorted(by_method)))


def full_route(function: Function, prefix: str) -> str:
    """The function's path below the origin; a function without a route is called by its name."""
    route = function.trigger.settings.get("route")
    own = (function.name if route is None else str(route)).strip("/")
    return f"{prefix}/{own}".strip("/")


def methods_of(function: Function) -> list[str]:
    """Methods in capitals; a trigger that names none answers all that the real host routes."""
    listed = function.trigger.settings.get("methods")
    if listed:
        return [str(method).upper() for method in listed]
    return ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]


def decode_path(raw_path: bytes) -> str:
    """Decode a path as ASP.NET does: everything but `%2F`, which stays within its segment."""
    text = raw_path.decode("latin-1")
    if "%" in text:
        text = unquote(re.sub("%2[fF]", "%252F", text))
    return text.strip("/")
