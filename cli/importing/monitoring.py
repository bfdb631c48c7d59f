"""What online deployments say of collecting their data, as the endpoint file's `monitoring` part. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from cli.importing.source import Source
from shared.monitoring.settings import Monitoring

# Those that Azure ML fills by itself; any other a script has to.
_COLLECTIONS: Final = ("model_inputs", "model_outputs")
# Azure ML's own, where a deployment names none.
_RATE: Final = 1.0
_OF_SCRIPT: Final = "of a score.py nothing is kept: what it is asked and what it answers, only the script can read"
_OF_ANOTHER: Final = "an endpoint keeps one share of the requests of all of its deployments, and the largest one counts"


class ReadMonitoring(NamedTuple):
    """`settings`: None where no deployment collects anything."""

    settings: Monitoring | None
    comment: str


def read_monitoring(sources: Sequence[Source], is_script: Mapping[str, bool]) -> ReadMonitoring:
    """`sources`: online deployments; `is_script`: by their names."""
    rates: dict[str, float] = {}
    for source in sources:
        if is_script[source.name]:
            source.leave(_OF_SCRIPT, "data_collector")
        else:
            rates[source.name] = _rate(source)
    largest = max(rates.values(), default=0.0)
    if not largest:
        return ReadMonitoring(None, "")
    for source in sources:
        if 0 < rates.get(source.name, 0) < largest:
            source.leave(_OF_ANOTHER, "data_collector", "sampling_rate")
    if min(rates.values()) == largest:
        return ReadMonitoring(Monitoring(sampling_rate=largest), "")
    told = ", ".join(f"{name} {rate:g}" for name, rate in rates.items())
    comment = f"Of several shares of requests to keep the largest counts for all deployments: {told}."
    return ReadMonitoring(Monitoring(sampling_rate=largest), comment)


def _rate(source: Source) -> float:
    """Which share of its requests is collected; 0 where none are, and nothing is taken."""
    collections, rate = ("data_collector", "collections"), ("data_collector", "sampling_rate")
    enabled = [(*collections, name, "enabled") for name in _COLLECTIONS]
    on = [path for path in enabled if str(source.get(*path)).lower() == "true"]
    written = source.get(*rate)
    if not on or (written is not None and not float(written)):
        return 0.0
    for path in on:
        source.take("monitoring", *path)
    return float(source.take("monitoring.sampling_rate", *rate) or _RATE)
