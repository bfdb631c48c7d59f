"""What this machine has to give: asked of the kernel, because a container's share is less than the machine's."""

import os
from pathlib import Path
from typing import Final

# cgroup v2, then v1: https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
_LIMITS: Final = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def memory_bytes(limits: tuple[Path, ...] = _LIMITS) -> int:
    """Memory that this process and its children may use."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in limits:
        try:
            text = limit.read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            return min(int(text), physical)
    return physical
