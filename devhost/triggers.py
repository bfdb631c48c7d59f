"""The polling triggers of an app."""

import os
from collections.abc import Iterable

from devhost.blob_trigger import BlobTrigger
from devhost.bound_data import BoundData
from devhost.errors import HostError
from devhost.functions import BLOB, QUEUE, TIMER, Function
from devhost.host_json import HostConfig
from devhost.queue_trigger import QueueTrigger
from devhost.storage import Storage
from devhost.timer_trigger import TimerTrigger
from devhost.trigger_loop import TriggerLoop


def make_triggers(
    functions: Iterable[Function], bound_data: BoundData, storage: Storage, config: HostConfig
) -> list[TriggerLoop]:
    """One loop for each blob-, queue- or timer-triggered function."""
    blob_poll_s = _seconds("DEVHOST_BLOB_POLL_S", 1.0)
    queue_poll_s = _seconds("DEVHOST_QUEUE_POLL_S", 1.0)
    loops: list[TriggerLoop] = []
    for function in functions:
        if function.trigger.kind == BLOB:
            loops.append(BlobTrigger(function, bound_data, storage, config, blob_poll_s))
        elif function.trigger.kind == QUEUE:
            loops.append(QueueTrigger(function, bound_data, storage, config, queue_poll_s))
        elif function.trigger.kind == TIMER:
            loops.append(TimerTrigger(function, bound_data, storage, config.host_id))
    return loops


def _seconds(setting: str, default: float) -> float:
    text = os.environ.get(setting)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if value <= 0:
        raise HostError(f"the setting {setting} must be a number of seconds over 0, not '{text}'")
    return value
