"""One soak: a stack with endpoints that change, callers, and what is made of it at the end."""

import asyncio
import itertools
import os
import time
from pathlib import Path
from typing import Any, Final

import requests
from rich.console import Console

from cli.publishing.direct import publish_revision, upload_model
from devhost.stack import Stack
from samples.flights import local
from shared.auth.access import Role
from shared.endpoints.spec import Draft
from shared.models.package import package_path
from shared.ports import Container
from tests.conformance.handover import Sample
from tests.load import callers, mix
from tests.load.tally import Memory, Tally

_FLIGHTS: Final = Path("samples/flights/request.json")
_PUBLISHED: Final = ("iris-columns", "iris-tensor", "iris-params")
_CHANGE_S: Final = 3.0
_SAMPLE_S: Final = 2.0
# A shorter run has not warmed up.
_JUDGED_MINUTES: Final = 5.0


class Soak:
    """One run: what it drives, and what it has counted so far."""

    def __init__(self, stack: Stack, samples: dict[str, Sample], console: Console) -> None:
        self.stack = stack
        self.samples = samples
        self.console = console
        self.tally = Tally()
        pid = stack.host_pid
        assert pid is not None
        self.memory = Memory(pid)
        self.started = self.ends_at = 0.0
        self.changes = 0
        self._drafts: dict[str, dict[str, Any]] = {}

    def publish(self, models: Path) -> None:
        """MLflow model folders in `models`; one of them is broken after it was published."""
        local.publish(self.stack)
        account = local.storage(self.stack)
        for name in (*_PUBLISHED, "broken"):
            folder = models / ("iris-tensor" if name == "broken" else name)
            ref = upload_model(folder, name, "1", account, progress=lambda size_bytes: None)
            model = {"model": ref._asdict()}
            draft = {"name": name, "deployments": {"blue": model, "green": model}, "traffic": {"blue": 100}}
            self._drafts[name] = draft
            self._revise(draft)
        broken = account.get_container_client(Container.MODELS.value).get_blob_client(
            package_path("broken", "1", "model.onnx")
        )
        broken.upload_blob(b"no graph", overwrite=True)

    def _revise(self, draft: dict[str, Any]) -> None:
        publish_revision(self.stack.url, local.token(self.stack, [Role.MANAGE]), Draft.model_validate(draft))

    async def change(self) -> None:
        """Traffic moves, and new revisions come, every few seconds."""
        for number in itertools.count():
            await asyncio.sleep(_CHANGE_S)
            if time.monotonic() >= self.ends_at:
                return
            await asyncio.to_thread(self._change, number)
            self.changes += 1

    def _change(self, number: int) -> None:
        name = _PUBLISHED[number // 2 % len(_PUBLISHED)]
        if number % 2:
            settings = {"request_settings": {"request_timeout_ms": 5000 + number % 7}}
            deployments = {key: {**value, **settings} for key, value in self._drafts[name]["deployments"].items()}
            self._revise({**self._drafts[name], "deployments": deployments})
            return
        percent = number * 10 % 101
        headers = {"Authorization": f"Bearer {local.token(self.stack, [Role.MANAGE])}"}
        document = {"traffic": {"blue": 100 - percent, "green": percent}}
        requests.put(
            f"{self.stack.url}/endpoints/{name}/traffic", json=document, headers=headers, timeout=30
        ).raise_for_status()

    async def watch(self) -> None:
        """Samples the memory; a line each minute."""
        told = 0
        while (now := time.monotonic()) < self.ends_at:
            mib = self.memory.sample(now - self.started)
            if (minute := int((now - self.started) / 60)) > told:
                told = minute
                self._tell(minute, mib)
            await asyncio.sleep(_SAMPLE_S)

    def _tell(self, minute: int, mib: float) -> None:
        p50, p99 = self.tally.latencies_ms()
        total = sum(self.tally.sent.values())
        self.console.print(
            f"{minute:4} min  {total:8,} requests  {sum(self.tally.wrong.values())} wrong  {self.changes} changes  "
            f"p50 {p50:.1f} ms  p99 {p99:.0f} ms  {mib:.0f} MiB  load {os.getloadavg()[0]:.1f}"
        )

    async def run(self, minutes: float, rate: float) -> None:
        """`rate`: requests a second."""
        self.started = time.monotonic()
        self.ends_at = self.started + minutes * 60
        kinds = mix.make(self.samples, _FLIGHTS.read_bytes())
        tokens = callers.Tokens(
            lambda roles, lifetime_s: self.stack.token(roles, local.AUDIENCE, lifetime_s=lifetime_s)
        )
        tokens.replace()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.change())
            group.create_task(self.watch())
            await callers.call(self.stack.url, kinds, tokens, self.tally, rate, self.ends_at)

    def judge(self, minutes: float) -> int:
        self.console.print(self.tally.table())
        verdict = self.memory.verdict()
        self.console.print(
            f"resident memory: {verdict.second_quarter_mib:.0f} MiB in the second quarter, "
            f"{verdict.last_quarter_mib:.0f} MiB in the last ({verdict.growth:+.1%}), "
            f"{verdict.slope_mib_h:+.1f} MiB an hour; {self.changes} changes of endpoint documents"
        )
        problems = self.tally.told()
        if not self.stack.host_running:
            problems.append("the host ended")
        if minutes >= _JUDGED_MINUTES and not verdict.is_flat:
            problems.append("the host's memory is not flat")
        for problem in problems:
            self.console.print(f"FAILED: {problem}", soft_wrap=True, markup=False)
        self.console.print(f"load: {'FAILED' if problems else 'passed'} after {minutes:g} minutes")
        return 1 if problems else 0
