"""What the figures do not say: assumptions, what is left out, and what neither platform can mend."""

from cli.advice.answers import Answers
from cli.advice.demand import Demand
from cli.advice.figures import Figure, Measured, Prices, figures_of
from cli.advice.records import Estimate, Finding, Platform
from cli.advice.sizing import Sizing


def caveats(
    answers: Answers,
    demand: Demand,
    sizing: Sizing,
    prices: Prices,
    measured: Measured,
    costs: tuple[Estimate, ...],
    obstacles: tuple[Finding, ...],
) -> tuple[str, ...]:
    """In the order of what they may change."""
    found = [
        _neither(obstacles),
        _too_slow(demand, sizing),
        _memory_guessed(answers, sizing),
        _ready_but_late(costs),
        _parts_apart(costs),
        _low_priority(costs, prices),
        _grants(costs),
        _private(answers),
        _dates(prices),
        _assumed("price", figures_of(prices)),
        _assumed("number", figures_of(measured)),
        "Not in these figures: Application Insights and logs, traffic out of the region, Key Vault, Event Grid, the "
        "durable engine's polling while nothing runs, discounts and tax.",
    ]
    return tuple(warning for warning in found if warning)


def _neither(obstacles: tuple[Finding, ...]) -> str:
    if len({finding.platform for finding in obstacles}) < 2:
        return ""
    return (
        "Neither platform can do all of this as it is asked: see what speaks against, and change what can be changed."
    )


def _too_slow(demand: Demand, sizing: Sizing) -> str:
    if not demand.requests_per_day or sizing.request_cpu_s <= demand.answer_within_s:
        return ""
    return (
        f"A request computes for {sizing.request_cpu_s:,.2f} s on one core, longer than the "
        f"{demand.answer_within_s:g} s that its caller waits: no platform mends that, a faster model or fewer rows do."
    )


def _memory_guessed(answers: Answers, sizing: Sizing) -> str:
    if answers.memory_mb:
        return ""
    return f"The memory of the loaded model was not told: {sizing.memory_mb:,.0f} MB is twice its file."


def _ready_but_late(costs: tuple[Estimate, ...]) -> str:
    if not any(line.item.startswith("always ready") for estimate in costs for line in estimate.lines):
        return ""
    return (
        "Always-ready instances have been reported to keep a call waiting for up to 10 s now and then "
        "(github.com/Azure/azure-functions-host/issues/11526, December 2025)."
    )


def _parts_apart(costs: tuple[Estimate, ...]) -> str:
    """Where one platform is cheaper for requests and the other for jobs."""
    online, batch = _cheaper(costs, "online"), _cheaper(costs, "batch")
    if online is None or batch is None or online == batch:
        return ""
    names: dict[Platform, str] = {"functions": "Azure Functions", "azureml": "Azure ML"}
    return (
        f"Taken apart, requests cost less on {names[online]} and jobs on {names[batch]}: both can be used side by side."
    )


def _cheaper(costs: tuple[Estimate, ...], part: str) -> Platform | None:
    by_platform: dict[Platform, float] = {
        estimate.platform: sum(line.monthly_usd for line in estimate.lines if line.part == part) for estimate in costs
    }
    if not all(by_platform.values()):
        return None
    cheapest: Platform = min(by_platform, key=by_platform.__getitem__)
    return cheapest


def _low_priority(costs: tuple[Estimate, ...], prices: Prices) -> str:
    nodes = sum(
        line.monthly_usd
        for estimate in costs
        if estimate.platform == "azureml"
        for line in estimate.lines
        if line.item.startswith("cluster")
    )
    if not nodes:
        return ""
    return (
        f"On low-priority nodes, which Azure may take away, the cluster would cost about "
        f"{nodes * prices.low_priority_share.value:,.2f} USD instead of {nodes:,.2f} USD (an assumed price)."
    )


def _grants(costs: tuple[Estimate, ...]) -> str:
    if not any(estimate.platform == "functions" and estimate.lines for estimate in costs):
        return ""
    return "The free grants of Azure Functions count once a subscription: where other apps use them up, add them back."


def _private(answers: Answers) -> str:
    if not answers.private_network:
        return ""
    return (
        "In a private network Azure ML needs a container registry of the plan Premium; its price was not found, and "
        "Basic is calculated. Data through private endpoints is not calculated."
    )


def _dates(prices: Prices) -> str:
    told = figures_of(prices).values()
    oldest, read = min(figure.source_date for figure in told if not figure.assumed), max(f.read_on for f in told)
    return (
        f"List prices of East US, the oldest of {oldest}, read on {read}: look at Azure's pricing pages before you "
        "rely on them."
    )


def _assumed(what: str, figures: dict[str, Figure]) -> str:
    told = [f"{name} {figure.value:g} ({figure.basis})" for name, figure in figures.items() if figure.assumed]
    return f"Assumed {what}s: {'; '.join(told)}." if told else ""
