"""The spine of the advice: answers, demand, sizes, what is impossible, costs, preferences, and the answer."""

from cli.advice.answers import Answers
from cli.advice.azureml_cost import azureml_estimate
from cli.advice.caveats import caveats
from cli.advice.cold_starts import always_ready_needed, cold_starts
from cli.advice.demand import demand_of
from cli.advice.endpoint_file import endpoint_file
from cli.advice.figures import Measured, Prices, load_measured, load_prices
from cli.advice.functions_cost import functions_estimate
from cli.advice.limits import Work, obstacles
from cli.advice.preferences import Case, choose, findings
from cli.advice.records import NAMES, Advice, Estimate, Finding, Platform
from cli.advice.sizing import size


def advise(answers: Answers, prices: Prices | None = None, measured: Measured | None = None) -> Advice:
    """Where these predictions are best made, at what cost, and with which endpoint file. Without network."""
    prices, measured = prices or load_prices(), measured or load_measured()
    demand = demand_of(answers)
    sizing = size(answers, demand)
    stopped = obstacles(Work(answers, demand, sizing, prices, measured))
    ready = always_ready_needed(answers, demand, measured)
    functions = _possible(functions_estimate(answers, demand, sizing, prices, measured, 1 if ready else 0), stopped)
    azureml = _possible(azureml_estimate(answers, demand, sizing, prices, measured), stopped)
    found = findings(Case(answers, demand, measured, functions.monthly_usd, azureml.monthly_usd))
    platform = choose(stopped, found)
    costs = (functions, azureml)
    return Advice(
        choice=demand.choice,
        platform=platform,
        platform_name=NAMES[platform],
        reasons=(*demand.reasons, *_speaks(stopped, found, platform), *_told(ready, platform == "functions")),
        against=_speaks(stopped, found, _other(platform)),
        costs=costs,
        cold_starts=cold_starts(answers, demand, measured, functions.instances),
        warnings=(
            *_told(ready, platform == "azureml" and functions.monthly_usd is not None),
            *caveats(answers, demand, sizing, prices, measured, costs, stopped),
        ),
        endpoint_file=endpoint_file(answers, demand, sizing, platform, functions.instances),
    )


def _possible(estimate: Estimate, obstacles: tuple[Finding, ...]) -> Estimate:
    """Without a price where the platform is ruled out: what cannot run has none."""
    if all(obstacle.platform != estimate.platform for obstacle in obstacles):
        return estimate
    return estimate.model_copy(update={"lines": (), "monthly_usd": None})


def _told(sentence: str, where: bool) -> tuple[str, ...]:
    return (sentence,) if sentence and where else ()


def _other(platform: Platform) -> Platform:
    return "azureml" if platform == "functions" else "functions"


def _speaks(obstacles: tuple[Finding, ...], found: tuple[Finding, ...], platform: Platform) -> tuple[str, ...]:
    """For a platform: what rules the other out, and what the rules find for it."""
    ruled_out = [obstacle.told for obstacle in obstacles if obstacle.platform != platform]
    return (*ruled_out, *(finding.told for finding in found if finding.platform == platform))
