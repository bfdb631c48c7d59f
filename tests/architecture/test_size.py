"""Files and functions stay small, and are named for what they do."""

import ast

import pytest

from tests.architecture.sources import Source, read_all

FILE_LINES = 250
FUNCTION_LINES = 50
ROOT_LINES = 60
NOT_A_NAME = {"utils", "helpers", "common", "manager", "base", "core"}


def problems(source: Source) -> list[str]:
    """One line for each thing in a module that is too long, or that says nothing by its name."""
    found = []
    lines = len(source.text.splitlines())
    if lines > (ROOT_LINES if source.name == "function_app" else FILE_LINES):
        found.append(f"{source.name} has {lines} lines")
    if vague := NOT_A_NAME.intersection(part.lower().strip("_") for part in source.name.split(".")):
        found.append(f"{source.name}: {vague.pop()} does not say what is in it")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                found.append(f"{source.name}.{node.name} has {length} lines")
    return found


def planted(name: str, text: str = "") -> list[str]:
    return problems(Source(name, is_package=False, text=text))


def function(lines: int, head: str = "def f():") -> str:
    return head + "\n    pass" * (lines - 1)


def test_every_file_and_function_is_small_and_well_named() -> None:
    assert [problem for source in read_all() for problem in problems(source)] == []


def test_a_long_file_is_found() -> None:
    assert planted("a.b", "x = 1\n" * FILE_LINES) == []
    assert planted("a.b", "x = 1\n" * (FILE_LINES + 1)) == ["a.b has 251 lines"]
    assert planted("function_app", "x = 1\n" * (ROOT_LINES + 1)) == ["function_app has 61 lines"]


@pytest.mark.parametrize("head", ["def f():", "async def f():", "@cache\ndef f():"])
def test_a_long_function_is_found(head: str) -> None:
    assert planted("a.b", function(FUNCTION_LINES, head)) == []
    assert planted("a.b", function(FUNCTION_LINES + 1, head)) == ["a.b.f has 51 lines"]


def test_a_long_method_is_found() -> None:
    indented = "\n".join(f"    {line}" for line in function(FUNCTION_LINES + 1).splitlines())
    assert planted("a.b", f"class C:\n{indented}") == ["a.b.f has 51 lines"]


@pytest.mark.parametrize("name", ["shared.utils", "shared.core.text", "devhost.base", "cli._helpers", "shared.Manager"])
def test_a_name_that_says_nothing_is_found(name: str) -> None:
    assert len(planted(name)) == 1


def test_a_name_that_contains_such_a_word_is_let_through() -> None:
    assert planted("devhost.database") == planted("shared.triggers.manage") == planted("shared.models.core_ml") == []
