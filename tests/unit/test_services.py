"""The set of services that a process has: one, however many threads ask first."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from shared.errors import ConfigurationError
from shared.services import Services, services


@pytest.fixture(autouse=True)
def _none_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.services._built", [])


def test_first_callers_in_several_threads_share_one_set(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Services] = []
    start, again = threading.Barrier(2), threading.Event()

    def build() -> Services:
        built.append(cast(Services, object()))
        if len(built) > 1:
            again.set()
        again.wait(0.2)
        return built[-1]

    def first() -> Services:
        start.wait(30)
        return services()

    monkeypatch.setattr("shared.services._build", build)
    with ThreadPoolExecutor(2) as threads:
        got = [call.result() for call in [threads.submit(first), threads.submit(first)]]
    assert got == built * 2
    assert services() is built[0]


def test_a_set_that_could_not_be_built_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    complete = cast(Services, object())
    tries = iter([False, True])

    def build() -> Services:
        if not next(tries):
            raise ConfigurationError("a setting is missing")
        return complete

    monkeypatch.setattr("shared.services._build", build)
    with pytest.raises(ConfigurationError):
        services()
    assert services() is complete


def test_environments_lie_beside_the_app_wherever_it_was_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLIPWAY_DATA", "UseDevelopmentStorage=true")
    monkeypatch.setenv("SLIPWAY_TENANT_ID", "72f988bf-0000-4000-8000-2d7cd011db47")
    monkeypatch.setenv("SLIPWAY_AUDIENCES", "api://slipway")
    assert services().batch.loader._flavors.environments == Path(__file__).parents[2] / "environments"
    monkeypatch.setattr("shared.services._built", [])
    monkeypatch.setenv("SLIPWAY_ENVIRONMENTS", str(tmp_path))
    assert services().batch.loader._flavors.environments == tmp_path
