"""A session of onnxruntime: how it is made, what it is refused, and what it holds in memory."""

import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from shared.errors import ModelNotReady

# Paths of the runtime's sources or of this machine; the names of graph nodes look alike, and may stay.
_PATH: Final = re.compile(r"""(?<!\w)(?<!Name:')\.{0,2}/[^\s"'()]+""")
_NO_FOLDER: Final = "/nonexistent"
# Measured with onnxruntime 1.32, as growth of the resident memory: what a session holds beside its graph, and what
# it holds for each byte of it. Split nodes (5.5 to 8.7) and tables of texts (14) grow a lot, weights (2.0 to 3.0) less.
_SESSION_BYTES: Final = 300_000
_PER_BYTE: Final = ((b"TreeEnsemble", 9), (b"keys_strings", 15), (b"", 3))


@cache
def runtime() -> Any:
    """The module onnxruntime, with one arena for all sessions of this process.

    With an arena of its own each session would keep the memory of its largest call.
    """
    # onnxruntime 1.32 sends telemetry and writes below the home folder, unless it is told not to before its import.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # costs 0.7 s: only a process that scores pays it

    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(memory, None)
    return onnxruntime


def make_session(graph: bytes, weights: Mapping[str, bytes], threads: int, providers: Sequence[str]) -> Any:
    """Raises ModelNotReady when the graph cannot be loaded, or not with the execution providers that are wanted."""
    onnxruntime = runtime()
    available = onnxruntime.get_available_providers()
    if unknown := [name for name in providers if name not in available]:
        raise ModelNotReady(
            f"no execution provider {', '.join(unknown)} is installed: name one of {', '.join(sorted(available))}"
        )
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    settings.add_session_config_entry("session.use_env_allocators", "1")
    # So that a model's weights go back to the system when it is unloaded.
    settings.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
    # Without this, weights that the package lacks would be looked for in the process's own folder.
    settings.add_session_config_entry("session.model_external_initializers_file_folder_path", _NO_FOLDER)
    if weights:
        sizes = [len(content) for content in weights.values()]
        settings.add_external_initializers_from_files_in_memory(list(weights), list(weights.values()), sizes)
    try:
        session = onnxruntime.InferenceSession(graph, settings, providers=list(providers))
    except Exception as error:
        raise ModelNotReady(f"the ONNX graph cannot be loaded: {one_line(error)}") from error
    # The runtime leaves a provider that does not start out of the session, and goes on without it.
    if dropped := [name for name in providers if name not in session.get_providers()]:
        raise ModelNotReady(f"the execution provider {', '.join(dropped)} does not start on this machine")
    return session


def held_bytes(graph: bytes, weights: Mapping[str, bytes]) -> int:
    """What a session holds between its calls, estimated; what calls need while they run is shared by all sessions."""
    factor = next(factor for sign, factor in _PER_BYTE if sign in graph)
    return _SESSION_BYTES + factor * len(graph) + _PER_BYTE[-1][1] * sum(map(len, weights.values()))


def one_line(error: Exception) -> str:
    """What the runtime says, without the paths in it."""
    return _PATH.sub("…", " ".join(str(error).split()))[:300]
