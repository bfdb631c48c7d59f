"""Has every window checked once it is over, and tells what was found."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from shared.errors import SlipwayError
from shared.monitoring import results
from shared.monitoring.metrics import Metrics
from shared.monitoring.monitor import Target, check
from shared.monitoring.results import Result
from shared.monitoring.windows import Window, last_whole
from shared.ports import BlobStore

_log = logging.getLogger(__name__)


class Watcher:
    """`now`: UTC. Remembers what was found, so that a look at which nothing is due reads nothing."""

    def __init__(self, store: BlobStore, now: Callable[[], datetime], metrics: Metrics) -> None:
        self._store = store
        self._now = now
        self._metrics = metrics
        self._known: dict[tuple[str, str], tuple[Window, Result]] = {}

    def look(self, targets: Iterable[Target], is_late: Callable[[], bool]) -> None:
        """Of each target the newest window that is over is checked, once; what was found is told at every look, so that
        an alert on the last half hour knows it whichever process has checked. Stops when `is_late`; the next look goes
        on.
        """
        seen = set()
        for target in targets:
            if is_late():
                return
            seen.add((target.endpoint, target.deployment))
            try:
                self._tell(self._newest(target))
            except SlipwayError as error:
                _log.warning("%s/%s is not looked at: %s", target.endpoint, target.deployment, error.message)
            except Exception:
                _log.exception("%s/%s is not looked at", target.endpoint, target.deployment)
        # What is gone may come again under its name, and is something else then.
        self._known = {where: known for where, known in self._known.items() if where in seen}

    def _newest(self, target: Target) -> Result:
        where = (target.endpoint, target.deployment)
        window = last_whole(self._now(), target.settings.window_hours)
        known = self._known.get(where)
        if known is not None and known[0] == window:
            return known[1]
        found = results.find(self._store, *where, window)
        if found is None:
            found = results.create(self._store, window, check(target, window, self._store, self._now()))
            level = logging.WARNING if found.status == "Violated" else logging.INFO
            _log.log(level, "%s/%s from %s: %s", *where, window.start, results.summary(found))
        self._known[where] = (window, found)
        return found

    def _tell(self, result: Result) -> None:
        where = (result.endpoint, result.deployment)
        for signal, features in (("data_drift", result.data_drift), ("prediction_drift", result.prediction_drift)):
            for each in features:
                self._metrics.drift(*where, signal, each.feature, each.is_violated, each.population_stability_index)
        for found in result.model_performance:
            self._metrics.performance(*where, found.metric, found.is_violated, found.value)
