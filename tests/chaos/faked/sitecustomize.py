"""Run by Python itself as it starts, where this folder is on its path: sleeping works under libfaketime too.

Python sleeps until a moment of the monotonic clock, which the library refuses when it leaves that clock alone.
"""

import select
import time
from typing import SupportsIndex


def _sleep(seconds: float | SupportsIndex, /) -> None:
    length_s = seconds if isinstance(seconds, float) else seconds.__index__()
    if length_s < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], length_s)


time.sleep = _sleep
