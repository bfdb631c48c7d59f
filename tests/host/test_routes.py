"""Route templates and their order."""

import pytest

from devhost.errors import HostError
from devhost.functions import Function, parse_function
from devhost.routes import RouteTable, compile_template, decode_path


def _http(name: str, route: str | None, *methods: str) -> Function:
    own = "" if route is None else f', "route": "{route}"'
    listed = ", ".join(f'"{method}"' for method in methods)
    trigger = f'{{"type": "httpTrigger", "name": "req"{own}, "methods": [{listed}]}}'
    return parse_function(name, name, [trigger, '{"type": "http", "name": "$return", "direction": "OUT"}'])


def _found(routes: dict[str, str | None], path: str, prefix: str = "") -> tuple[str, dict[str, str]] | None:
    table = RouteTable([_http(name, route) for name, route in routes.items()], prefix)
    match = table.find(path.encode())
    if match is None:
        return None
    function, parameters = match.by_method["GET"]
    return function.name, parameters


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/b", ("static", {})),
        ("/A/B/", ("static", {})),
        ("/a/7", ("number", {"x": "7"})),
        ("/a/-7", ("number", {"x": "-7"})),
        ("/a/seven", ("text", {"x": "seven"})),
        ("/a/Se%20ven", ("text", {"x": "Se ven"})),
        ("/a/f.json", ("mixed", {"x": "f"})),
        ("/a/x/y/z", ("rest", {"rest": "x/y/z"})),
        ("/a", ("rest", {})),
        ("/o", ("optional", {})),
        ("/o/1", ("optional", {"x": "1"})),
        ("/o/1/2", None),
        ("/b", None),
        ("/", None),
    ],
)
def test_the_most_exact_template_wins(path: str, expected: tuple[str, dict[str, str]] | None) -> None:
    routes: dict[str, str | None] = {
        "rest": "a/{*rest}",
        "text": "a/{x}",
        "number": "a/{x:int}",
        "mixed": "a/{x}.json",
        "static": "a/b",
        "optional": "o/{x?}",
    }
    assert _found(routes, path) == expected


def test_a_function_without_a_route_is_called_by_its_name() -> None:
    assert _found({"lonely": None}, "/api/lonely", "api") == ("lonely", {})


def test_an_empty_route_is_the_prefix_itself() -> None:
    assert _found({"root": ""}, "/", "") == ("root", {})
    assert _found({"root": ""}, "/api", "api") == ("root", {})


def test_a_method_falls_through_to_a_less_exact_template() -> None:
    table = RouteTable([_http("exact", "a/b", "GET"), _http("loose", "a/{x}", "POST")], "")
    match = table.find(b"/a/b")
    assert match is not None
    assert match.by_method["GET"][0].name == "exact"
    assert match.by_method["POST"][0].name == "loose"
    assert match.allow == "GET, HEAD, POST"


@pytest.mark.parametrize("route", ["admin/x", "Runtime", "admin"])
def test_the_hosts_own_paths_cannot_be_taken(route: str) -> None:
    with pytest.raises(HostError, match="belongs to the host"):
        RouteTable([_http("f", route)], "")


def test_remembered_paths_stay_bounded() -> None:
    table = RouteTable([_http("text", "a/{x}")], "")
    for number in range(10_000):
        assert table.find(b"/a/%d" % number) is not None
    assert len(table._remembered) <= 4096


@pytest.mark.parametrize("route", ["a/{x", "a/{x:min(3)}", "a/{x=5}"])
def test_a_template_that_is_not_understood_is_refused(route: str) -> None:
    with pytest.raises(HostError, match="function 'f'"):
        RouteTable([_http("f", route)], "")


def test_a_line_break_in_a_path_is_a_character_as_any_other() -> None:
    template = compile_template("v2/{*path}", "here")
    found = template.pattern.fullmatch(decode_path(b"/v2/models/a%0Ab"))
    assert found is not None
    assert found["path"] == "models/a\nb"
