"""Builds the adapters and hands them to the flows. Nothing is made before the first call needs it."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from shared.adapters import instance
from shared.adapters.telemetry import Telemetry
from shared.auth.authenticate import Authenticator
from shared.auth.keys import KeyRing
from shared.auth.rules import TokenRules
from shared.auth.verified import VerifiedTokens
from shared.batch import progress
from shared.batch.manifest import Manifests
from shared.batch.ports import Accounts, BatchPorts
from shared.batch.pulse import Pulse
from shared.endpoints.catalog import Catalog
from shared.endpoints.changes import Changes
from shared.models.batching import Watch
from shared.models.environments import Environments
from shared.models.files import PackageFiles
from shared.models.flavors.build import Flavors
from shared.models.flavors.onnx import OnnxOptions
from shared.models.loaded import LoadedModel
from shared.models.loader import Loader
from shared.monitoring.capture import Capture
from shared.monitoring.metrics import Metrics
from shared.monitoring.request_log import stamp_records
from shared.monitoring.tracing import Tracer
from shared.monitoring.watch import Watcher
from shared.online.admission import EXPANSION, BytesInHand, Quotas
from shared.online.deployments import Deployments
from shared.online.handler import OnlinePorts
from shared.online.openapi.packages import Packages
from shared.online.readiness import Readiness
from shared.ports import BlobStore
from shared.settings import Settings, read_settings

# What relative settings are relative to: workers run in folders of their own.
_APP: Final = Path(__file__).parents[1]
# Large requests that are read at once; more would only wait for the interpreter.
_READERS: Final = 4


@dataclass(frozen=True)
class Services:
    settings: Settings
    rules: TokenRules
    store: BlobStore
    online: OnlinePorts
    batch: BatchPorts
    changes: Changes
    readiness: Readiness
    metrics: Metrics
    telemetry: Telemetry
    packages: Packages
    environments: Environments
    watcher: Watcher

    @property
    def authenticator(self) -> Authenticator:
        return self.online.authenticator

    @property
    def catalog(self) -> Catalog:
        return self.online.catalog

    @property
    def tracer(self) -> Tracer:
        return self.telemetry.tracer


_building: Final = threading.Lock()
_built: list[Services] = []


def services() -> Services:
    """One set a process, whoever comes first. Raises ConfigurationError, and tries again at the next call."""
    if not _built:
        with _building:
            if not _built:
                _built.append(_build())
    return _built[0]


def _build() -> Services:
    """Raises ConfigurationError.

    The adapters come in here: with them come the SDKs, which a process that only indexes the functions never needs.
    """
    from shared.adapters.accounts import StorageAccounts
    from shared.adapters.entra import EntraKeys

    settings = read_settings(os.environ)
    rules = TokenRules.from_settings(settings)
    accounts = StorageAccounts(settings)
    store = accounts.store("")
    catalog = Catalog(store, settings.endpoint_refresh_s, clock=time.monotonic)
    memory_bytes = settings.memory_bytes or instance.memory_bytes()
    options = OnnxOptions(settings.onnx_threads, settings.onnx_execution_providers)
    environments = _APP / settings.environments
    flavors = Flavors(options, environments)
    metrics = Metrics()
    capture = Capture(store, _now, metrics)
    loader = Loader(store, flavors, memory_bytes // 2, metrics.model_load)
    metrics.watch_models(loader.held_bytes)
    telemetry = Telemetry(settings, metrics, os.environ)
    stamp_records()
    return Services(
        settings=settings,
        rules=rules,
        store=store,
        online=OnlinePorts(
            authenticator=Authenticator(rules, KeyRing(EntraKeys(rules)), VerifiedTokens()),
            catalog=catalog,
            deployments=Deployments(loader, watch=partial(_watch, metrics)),
            in_hand=BytesInHand(memory_bytes // 4 // EXPANSION),
            quotas=Quotas(time.monotonic),
            readers=ThreadPoolExecutor(_READERS, thread_name_prefix="read"),
            max_body_bytes=settings.max_body_bytes,
            capture=capture,
        ),
        batch=_batch(settings, accounts, catalog, loader, metrics, capture),
        changes=Changes(store, catalog, partial(progress.is_working, store), settings.code_sources),
        readiness=Readiness(store, clock=time.monotonic),
        metrics=metrics,
        telemetry=telemetry,
        packages=Packages(PackageFiles(store)),
        environments=Environments(environments),
        watcher=Watcher(store, _now, metrics),
    )


def _batch(
    settings: Settings, accounts: Accounts, catalog: Catalog, loader: Loader, metrics: Metrics, capture: Capture
) -> BatchPorts:
    from shared.adapters.announcements import JobAnnouncements

    store = accounts.store("")
    return BatchPorts(
        store=store,
        accounts=accounts,
        manifests=Manifests(store),
        catalog=catalog,
        loader=loader,
        announcer=JobAnnouncements(settings),
        metrics=metrics,
        now=_now,
        pulse=Pulse(store, _now, timedelta(seconds=settings.heartbeat_timeout_s)),
        retry_window=timedelta(seconds=settings.retry_window_s),
        max_input_bytes=settings.max_input_bytes,
        capture=capture,
        tick_schedule=settings.tick_schedule,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _watch(metrics: Metrics, endpoint: str, deployment: str) -> Watch:
    def called(model: LoadedModel, rows: int, requests: int) -> None:
        metrics.batch(str(model.ref), rows, requests)

    return Watch(waited=partial(metrics.queued, endpoint, deployment), called=called)
