"""The script flavor: Azure ML's score.py, unchanged, in worker processes of its own."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from shared.errors import ModelNotReady, ScoringFailed
from shared.models.flavor import Abort, FilesAnswer, RawCall, RawReply
from shared.models.flavors.pyfunc import UNREADABLE
from shared.models.flavors.sandboxed import Sandbox
from shared.models.flavors.script_files import read_outputs, written_files
from shared.models.flavors.worker_environment import WorkerSpec

# What a caller proves itself with is not for foreign code, which could use it in the caller's name.
_KEPT_BACK: Final = frozenset({"authorization", "proxy-authorization", "cookie", "x-functions-key"})


class SandboxedScript:
    """A Script. The reply is what azureml-inference-server-http gives, its status unchanged."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.lanes = sandbox.lanes
        self.size_bytes = sandbox.size_bytes

    def run(self, call: RawCall, abort: Abort | None) -> RawReply:
        """Raises ScoringFailed, too, when the script ends its process. Reply headers in lower case."""
        headers = {name: value for name, value in call.headers.items() if name not in _KEPT_BACK}
        request = {"method": call.method, "query": call.query, "headers": headers}
        header, parts = self._sandbox.call(request, [call.body], abort or Abort())
        try:
            names = {str(name): str(value) for name, value in header["headers"].items()}
            return RawReply(int(header["status"]), names, bytes(parts[0]))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            raise ScoringFailed(UNREADABLE) from None

    def run_files(self, paths: Sequence[Path], abort: Abort | None) -> FilesAnswer:
        """Raises ScoringFailed, too, when the script ends its process."""
        folder = Path(tempfile.mkdtemp(prefix="slipway-written-"))
        try:
            request = {"files": [str(path.absolute()) for path in paths], "folder": str(folder)}
            header, parts = self._sandbox.call(request, (), abort or Abort())
            rows, outputs = read_outputs(header, parts)
            return FilesAnswer(rows, outputs, written_files(folder), folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def close(self) -> None:
        self._sandbox.close()


def load_script(folder: Path, code: str, scoring_script: str, model_dir: str, spec: WorkerSpec) -> SandboxedScript:
    """`code` and `model_dir` are folders of the package, `scoring_script` is a file below `code`; its init() is called.

    Raises ModelNotReady when the script cannot be imported or initialised, or is no score.py.
    """
    code_folder = folder / code
    script = code_folder / scoring_script
    if not script.is_file():
        raise ModelNotReady(f"the scoring script {scoring_script} is not in the package: publish it with its code")
    own = {
        "AML_APP_ROOT": str(code_folder),
        "AZUREML_ENTRY_SCRIPT": str(script),
        "AZUREML_MODEL_DIR": str(folder / model_dir),
    }
    load = {"flavor": "script", "script": str(script)}
    return SandboxedScript(Sandbox(folder, spec, load, code=code_folder, own=own))
