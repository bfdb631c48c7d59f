"""How long callers and jobs wait where nothing runs, on both platforms, and whether that calls for ready instances."""

from cli.advice.answers import Answers
from cli.advice.demand import Demand
from cli.advice.figures import Measured
from cli.advice.records import ColdStart
from cli.advice.sizing import cold_start_s


def always_ready_needed(answers: Answers, demand: Demand, measured: Measured) -> str:
    """Why one instance must always be ready, or an empty text."""
    if not demand.requests_per_day:
        return ""
    longest_s = cold_start_s(answers.model_mb, measured.cold_idle_s.value, measured)
    if answers.always_warm:
        return "No caller may meet a cold start: an always-ready instance is in the price of Azure Functions."
    if demand.answer_within_s < longest_s:
        return (
            f"Callers wait {demand.answer_within_s:g} s at most, and a cold start of Azure Functions takes up to "
            f"{longest_s:,.0f} s: an always-ready instance is in its price."
        )
    return ""


def cold_starts(answers: Answers, demand: Demand, measured: Measured, always_ready: int) -> tuple[ColdStart, ...]:
    """Of the parts that are asked for; a cluster is taken to have no node between jobs."""
    found = []
    new_s = cold_start_s(answers.model_mb, measured.cold_new_instance_s.value, measured)
    idle_s = cold_start_s(answers.model_mb, measured.cold_idle_s.value, measured)
    if demand.requests_per_day:
        found += [_online_functions(new_s, idle_s, always_ready), _online_azureml(measured)]
    if demand.jobs_per_day:
        found += [
            ColdStart(
                platform="functions",
                part="batch",
                low_s=new_s,
                high_s=idle_s,
                told="A job starts once an instance runs and the model is loaded.",
            ),
            ColdStart(
                platform="azureml",
                part="batch",
                low_s=measured.cluster_start_s.value,
                high_s=measured.cluster_start_s.value,
                told="A job waits until the cluster has a node and the environment's image is on it.",
            ),
        ]
    return tuple(found)


def _online_functions(new_s: float, idle_s: float, always_ready: int) -> ColdStart:
    if always_ready:
        told = (
            f"Always-ready instances: {always_ready}. Nobody waits for the first; who needs a further one may wait for "
            f"it, about {new_s:,.0f} s."
        )
        return ColdStart(platform="functions", part="online", low_s=0, high_s=new_s, told=told)
    told = (
        "The first call after a pause waits for an instance, the app and the model; others wait for a further instance."
    )
    return ColdStart(platform="functions", part="online", low_s=new_s, high_s=idle_s, told=told)


def _online_azureml(measured: Measured) -> ColdStart:
    low_s, high_s = measured.azureml_scale_out_low_s.value, measured.azureml_scale_out_high_s.value
    told = (
        "A managed online endpoint never scales to zero, so nobody meets a cold start; another instance takes "
        f"{low_s / 60:.0f} to {high_s / 60:.0f} minutes to come."
    )
    return ColdStart(platform="azureml", part="online", low_s=0, high_s=0, told=told)
