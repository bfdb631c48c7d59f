"""What speaks for a platform where both can do it, one rule a function, and which of the two is chosen."""

from collections.abc import Callable
from typing import Final, NamedTuple

from cli.advice.answers import Answers
from cli.advice.demand import Demand
from cli.advice.figures import Measured
from cli.advice.records import Finding, Platform

# Where nobody looks after an app, Azure ML may cost this much more and is still the better place.
_UNATTENDED: Final = 1.25
# A peak of so many times the average leaves most of an always-on endpoint idle.
_SPIKY: Final = 10
_DAY_S: Final = 86_400


class Case(NamedTuple):
    """All that a rule looks at. Costs of a month, None where it cannot run there."""

    answers: Answers
    demand: Demand
    measured: Measured
    functions_usd: float | None
    azureml_usd: float | None


type Told = tuple[Platform, str] | None


def cost(case: Case) -> Told:
    """Compared where both can do it; a tie goes to Azure Functions, which leaves nothing running."""
    here, there = case.functions_usd, case.azureml_usd
    if here is None or there is None:
        return None
    if here <= there:
        return "functions", f"A month costs about {here:,.2f} USD on Azure Functions and {there:,.2f} USD on Azure ML."
    return "azureml", (
        f"A month costs about {there:,.2f} USD on Azure ML and {here:,.2f} USD on Azure Functions: machines that are "
        "busy enough cost less by the hour than time that is paid by use."
    )


def unattended(case: Case) -> Told:
    """Slipway is software that somebody deploys and updates: where nobody does, a little more is well spent."""
    here, there = case.functions_usd, case.azureml_usd
    if case.answers.operations != "none" or here is None or there is None or not here < there <= _UNATTENDED * here:
        return None
    return "azureml", (
        f"Nobody looks after a Function app, and Azure ML, which Microsoft runs, costs at most a quarter more: "
        f"{there:,.2f} USD a month against {here:,.2f} USD."
    )


def runs_itself(case: Case) -> Told:
    """Always there: it is the price of a platform of one's own."""
    if case.answers.operations == "team":
        return "azureml", "Slipway is deployed, watched and updated by your team; Azure ML is run by Microsoft."
    return "azureml", "Slipway must be deployed, watched and updated by you; Azure ML is run by Microsoft."


def spiky(case: Case) -> Told:
    average = case.demand.requests_per_day / _DAY_S
    if not average or case.demand.peak_requests_per_s < _SPIKY * average:
        return None
    return "functions", (
        f"The busiest second is {case.demand.peak_requests_per_s / average:,.0f} times the average: Azure Functions "
        "has instances for it in seconds and is paid for those only, an online endpoint is sized for it all day."
    )


def always_paid(case: Case) -> Told:
    if not case.demand.requests_per_day:
        return None
    low, high = (
        figure.value / 60 for figure in (case.measured.azureml_scale_out_low_s, case.measured.azureml_scale_out_high_s)
    )
    return "functions", (
        "An online endpoint of Azure ML is paid day and night, also while nobody calls, and needs "
        f"{low:.0f} to {high:.0f} minutes for another instance."
    )


def never_cold(case: Case) -> Told:
    if not case.demand.requests_per_day:
        return None
    return "azureml", "An online endpoint of Azure ML always runs: no caller meets a cold start, whatever is paid."


def job_starts_at_once(case: Case) -> Told:
    if not case.demand.jobs_per_day:
        return None
    minutes = case.measured.cluster_start_s.value / 60
    return "functions", f"A job starts in seconds; a cluster needs about {minutes:.0f} minutes to get its first node."


def dropped_files(case: Case) -> Told:
    if not case.demand.jobs_per_day or case.answers.start != "drop":
        return None
    return "functions", "A dropped file starts a job by itself; a batch endpoint must be called by something else."


RULES: Final[tuple[tuple[Callable[[Case], Told], bool], ...]] = (
    (unattended, True),
    (cost, False),
    (spiky, False),
    (job_starts_at_once, False),
    (dropped_files, False),
    (always_paid, False),
    (never_cold, False),
    (runs_itself, False),
)
"""Each rule, and whether it settles the matter whatever the costs."""


def findings(case: Case) -> tuple[Finding, ...]:
    """What every rule has to say, those that decide first."""
    return tuple(
        Finding(rule=rule.__name__, platform=told[0], decides=decides, told=told[1])
        for rule, decides in RULES
        if (told := rule(case)) is not None
    )


def choose(obstacles: tuple[Finding, ...], found: tuple[Finding, ...]) -> Platform:
    """What is not ruled out; of two, what a finding decides, else what costs less. Azure ML where neither is left."""
    ruled_out = {obstacle.platform for obstacle in obstacles}
    if ruled_out:
        return "azureml" if "functions" in ruled_out else "functions"
    return next(finding.platform for finding in found if finding.decides or finding.rule == cost.__name__)
