"""Imports go only downwards, and the outside world is met at the edges."""

import pytest

from tests.architecture.layers import imported, problems
from tests.architecture.sources import Source, read_all


def planted(name: str, text: str) -> list[str]:
    return problems(Source(name, is_package=False, text=text))


def test_no_module_imports_what_it_may_not() -> None:
    assert [problem for source in read_all() for problem in problems(source)] == []


def test_all_modules_were_looked_at() -> None:
    names = {source.name for source in read_all()}
    assert {"function_app", "shared", "shared.errors", "shared.models.flavors.onnx", "devhost.host"} <= names


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shared.errors", "import shared.settings"),
        ("shared.errors", "from shared.ports import Blob"),
        ("shared.settings", "from shared.ports import Blob"),
        ("shared.ports", "from shared.settings import Settings"),
        ("shared.ports", "from shared.models.package import ModelRef"),
        ("shared.auth.tokens", "from shared.endpoints.spec import Head"),
        ("shared.auth.tokens", "from shared.models import package"),
        ("shared.models.package", "from shared.endpoints.spec import Head"),
        ("shared.models.package", "from shared.auth.access import Role"),
        ("shared.endpoints.spec", "from shared.auth.access import Role"),
        ("shared.endpoints.spec", "from shared.adapters.blobs import BlobStorage"),
        ("shared.models.loader", "from shared.batch.job import Job"),
        ("shared.online.handler", "from shared.batch import job"),
        ("shared.batch.job", "import shared.online.handler as handler"),
        ("shared.batch.job", "from shared.adapters.memory import MemoryBlobs"),
        ("shared.adapters.blobs", "from shared.batch.job import Job"),
        ("shared.online.handler", "from shared.services import services"),
        ("shared.services", "from shared.triggers.http import Row"),
        ("shared.triggers.http", "import function_app"),
        ("shared.online.protocols.azureml", "from ...batch.job import Job"),
        ("shared.online.handler", "def later():\n    from shared.adapters import blobs"),
        ("shared.online.handler", "try:\n    import shared.batch.job\nexcept ImportError:\n    pass"),
        ("shared.tools.text", "from shared.errors import SlipwayError"),
        ("shared.triggers.http", "from shared.tools import text"),
        ("shared.models.loader", "from cli import publish"),
        ("shared.models.loader", "import devhost.host"),
        ("shared.models.loader", "from samples.flights import data"),
        ("shared.models.loader", "from tests.support import iris"),
        ("function_app", "from cli.publishing.direct import upload_model"),
        ("devhost.host", "from shared.errors import SlipwayError"),
        ("devhost.host", "import cli.publishing.direct"),
        ("devhost.host", "import function_app"),
        ("cli.publishing.direct", "from devhost import host"),
    ],
)
def test_an_import_upwards_or_sideways_is_found(name: str, text: str) -> None:
    assert planted(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shared.batch.job", "import azure.functions as func"),
        ("shared.batch.job", "from azure import functions"),
        ("shared.online.handler", "from azure.durable_functions import Blueprint"),
        ("shared.adapters.blobs", "from azure.functions import HttpRequest"),
        ("shared.services", "from azurefunctions.extensions.bindings.blob import BlobClient"),
        ("shared.batch.planner", "from azure.storage.blob import BlobServiceClient"),
        ("shared.batch.planner", "import azure.core.exceptions"),
        ("shared.triggers.batch", "from azure.storage.blob import BlobClient"),
        ("shared.services", "from azure.identity import ManagedIdentityCredential"),
        ("shared.auth.keys", "import requests"),
        ("shared.auth.keys", "from requests.exceptions import Timeout"),
        ("shared.monitoring.metrics", "from opentelemetry import trace"),
        ("shared.triggers.metrics", "import prometheus_client"),
        ("shared.batch.job", "from durabletask.task import RetryPolicy"),
        ("shared.triggers.batch", "import durabletask"),
        ("function_app", "import azure.storage.blob"),
    ],
)
def test_the_outside_world_met_in_the_wrong_place_is_found(name: str, text: str) -> None:
    assert planted(name, text)


@pytest.mark.parametrize(
    "text",
    [
        "from shared import errors",
        "from shared import *",
        "import shared",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import json",
        "import typing\nif typing.TYPE_CHECKING:\n    import json",
    ],
)
def test_a_short_cut_is_found(text: str) -> None:
    assert planted("shared.triggers.http", text)


@pytest.mark.parametrize("name", ["cli.publishing.direct", "samples.flights.demo", "bench.score", "function_app"])
def test_modules_are_named_in_full_by_everybody(name: str) -> None:
    assert planted(name, "from shared import errors")


def test_a_package_that_exports_is_found() -> None:
    text = "from shared.models.loader import Loader"
    assert problems(Source("shared.models", is_package=True, text=text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shared.ports", "from shared.errors import StorageUnavailable"),
        ("shared.endpoints.catalog", "from shared.models.package import ModelRef"),
        ("shared.endpoints.catalog", "from shared.endpoints.spec import Head\nfrom . import spec"),
        ("shared.adapters.entra", "import requests\nfrom shared.auth.keys import SigningKey"),
        ("shared.adapters.blobs", "from azure.core import MatchConditions\nimport azure.storage.blob"),
        ("shared.adapters.telemetry", "from azure.monitor.opentelemetry import exporter"),
        ("shared.batch.orchestrator", "from durabletask.task import RetryPolicy"),
        ("shared.triggers.batch", "import azure.functions as func\nfrom shared.services import services"),
        ("function_app", "from azure.durable_functions import DFApp\nfrom shared.triggers import batch"),
        (
            "cli.publishing.direct",
            "import requests\nfrom azure.storage.blob import BlobClient\nimport shared.models.package",
        ),
        ("devhost.host", "from azure.core.exceptions import AzureError\nimport requests\nimport sharedlib"),
        ("shared.models.loader", "import azureml_like\nimport requests_like\nimport json"),
    ],
)
def test_what_the_plan_allows_is_let_through(name: str, text: str) -> None:
    assert planted(name, text) == []


def test_relative_imports_are_resolved() -> None:
    module = Source("a.b.c", is_package=False, text="from . import x\nfrom .y import z\nfrom .. import w")
    package = Source("a.b", is_package=True, text="from . import x\nfrom .y import z\nfrom .. import w")
    assert list(imported(module)) == list(imported(package)) == ["a.b.x", "a.b.y.z", "a.w"]
