"""What pyfunc and script have in common: a model's own workers, and a home for them that is gone with them."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from shared.errors import ScoringFailed
from shared.models.flavor import Abort
from shared.models.flavors.wording import one_line
from shared.models.flavors.worker_environment import WorkerSpec, interpreter, package_folders, variables
from shared.models.flavors.worker_process import Header, Launch, Parts
from shared.models.flavors.workers import Workers

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Refused(Exception):
    """The model's own check of the inputs refuses them."""


class Sandbox:
    """Workers that have loaded one package. `code`: the script's folder, where they run; `own`: variables they get.

    Raises ModelNotReady when they do not start and load.
    """

    def __init__(
        self,
        package: Path,
        spec: WorkerSpec,
        load: Header,
        parts: Parts = (),
        code: Path | None = None,
        own: Mapping[str, str] = _NOTHING,
    ) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="slipway-model-", ignore_cleanup_errors=True)
        home = Path(self._home.name)
        launch = Launch(
            python=interpreter(spec),
            variables=variables(spec, home, own),
            folder=code or home,  # what a model leaves about is not left in its package
            first=[str(code)] if code else [],
            last=package_folders(spec),
            label=spec.label or package.name,
        )
        try:
            # What a script writes beside its answers, and nobody fetched, goes with the home.
            load = {**load, "output_folder": str(home / ".written")}
            self._workers = Workers(launch, spec.workers, spec.start_timeout_s, load, parts)
        except BaseException:
            self._home.cleanup()
            raise
        self.lanes = spec.workers
        self.loaded = self._workers.loaded
        self.size_bytes = self._workers.resident_bytes() or _folder_bytes(package)

    def call(self, header: Header, parts: Parts, abort: Abort) -> tuple[dict[str, Any], list[memoryview]]:
        """Raises Refused, ScoringFailed, ScoringTimeout, ModelNotReady."""
        reply, answered = self._workers.call(header, parts, abort)
        error = reply.get("error")
        if error is None:
            return reply, answered
        text = one_line(str(error["text"]))
        if error["kind"] == "schema":
            raise Refused(text)
        raise ScoringFailed(f"the model failed: {text}")

    def close(self) -> None:
        self._workers.close()
        self._home.cleanup()


def _folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
