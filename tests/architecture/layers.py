"""Finds imports that go another way than the plan of the house allows."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import Source

# From the ground up; what stands side by side does not import each other.
LAYERS = (
    {"shared.errors", "shared.documents"},
    {"shared.settings", "shared.ports"},
    {"shared.auth", "shared.models", "shared.endpoints", "shared.monitoring"},
    {"shared.online", "shared.batch", "shared.rollout", "shared.adapters"},
    {"shared.services"},
    {"shared.triggers"},
    {"function_app"},
)
HEIGHT = {area: height for height, layer in enumerate(LAYERS) for area in layer}
# An endpoint's revision pins models and says what is watched, so it speaks of both.
SIDEWAYS = {("shared.endpoints", "shared.models"), ("shared.endpoints", "shared.monitoring")}

# Which parts of the app may import what of others; the first line that fits counts.
FOREIGN = (
    ("azure.functions", ("shared.triggers", "function_app")),
    ("azure.durable_functions", ("shared.triggers", "function_app")),
    ("azurefunctions", ("shared.triggers", "function_app")),
    ("durabletask", ("shared.batch.orchestrator",)),
    ("azure", ("shared.adapters",)),
    ("requests", ("shared.adapters",)),
    ("opentelemetry", ("shared.adapters",)),
    ("prometheus_client", ("shared.adapters",)),
)
# What a package never imports of the project.
APART = {
    "shared": ("function_app", "cli", "devhost", "samples", "bench", "tests"),
    "function_app": ("cli", "devhost", "samples", "bench", "tests"),
    "cli": ("function_app", "devhost", "samples", "bench", "tests"),
    "devhost": ("shared", "function_app", "cli", "samples", "bench", "tests"),
}


def problems(source: Source) -> list[str]:
    """One line for each violation in a module."""
    found = [*_told(source), *_type_checking(source)]
    if source.name.split(".")[0] == "shared" and source.is_package and source.tree.body:
        found.append(f"{source.name}: a package's __init__ is empty, so that nothing is exported twice")
    return found


def imported(source: Source) -> Iterator[str]:
    """The dotted names of all imports at any depth: `from a import b` is `a.b`, whatever b is."""
    package = source.name.split(".") if source.is_package else source.name.split(".")[:-1]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _told(source: Source) -> Iterator[str]:
    for target in imported(source):
        if reason := _against(source.name, target):
            yield f"{source.name} imports {target}: {reason}"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.module == "shared" and not node.level:
            yield f"{source.name}: from shared import {node.names[0].name}: name the module in full"


def _against(importer: str, target: str) -> str:
    """Why this import is not allowed, or an empty text."""
    if any(_within(target, other) for other in APART.get(importer.split(".")[0], ())):
        return "the two stand apart"
    if not _within(importer, "shared") and importer != "function_app":
        return ""
    if _within(target, "shared"):
        return _layering(_area(importer), _area(target))
    for prefix, importers in FOREIGN:
        if _within(target, prefix):
            return "" if any(_within(importer, each) for each in importers) else f"only {', '.join(importers)} may"
    return ""


def _layering(importer: str, target: str) -> str:
    if target == "shared":
        return "name the module in full"
    if unknown := [area for area in (importer, target) if area not in HEIGHT]:
        return f"{unknown[0]} stands in no layer"
    if importer == target or (importer, target) in SIDEWAYS or HEIGHT[importer] > HEIGHT[target]:
        return ""
    return "imports go only downwards"


def _area(module: str) -> str:
    return ".".join(module.split(".")[:2]) if _within(module, "shared") else module


def _within(module: str, prefix: str) -> bool:
    return f"{module}.".startswith(f"{prefix}.")


def _type_checking(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        names = [node.attr] if isinstance(node, ast.Attribute) else [node.id] if isinstance(node, ast.Name) else []
        if "TYPE_CHECKING" in names:
            yield f"{source.name}: TYPE_CHECKING hides a cycle: move what both need downwards"
