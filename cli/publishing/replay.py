"""Golden requests asked of the models that a publish brings, and whether callers may stumble over what it brings."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from cli.errors import CommandError
from cli.publishing.answers import Outcome, outcome
from cli.publishing.flow import Plan
from cli.publishing.golden import Golden
from cli.publishing.trial import Tried


class Replay(NamedTuple):
    """By deployment: how its model answers, and why it was not asked."""

    outcomes: dict[str, list[Outcome]]
    left_out: dict[str, str]

    @property
    def others(self) -> int:
        """Answered otherwise, or refused."""
        return sum(not each.is_same for outcomes in self.outcomes.values() for each in outcomes)

    @property
    def document(self) -> dict[str, Any]:
        asked = {name: [each.document for each in outcomes] for name, outcomes in self.outcomes.items()}
        return {"asked": asked, "left_out": self.left_out}

    @property
    def lines(self) -> list[str]:
        asked = [(name, each) for name, outcomes in self.outcomes.items() for each in outcomes]
        return [
            *(f"{'' if each.is_same else '! '}{name} {each}" for name, each in asked),
            *(f"{name} was not asked the golden requests: {reason}" for name, reason in self.left_out.items()),
        ]


def replay(requests: Mapping[str, Golden], plan: Plan, tried: Mapping[str, Tried]) -> Replay:
    """`tried`: with what each model has answered to the requests."""
    if not requests:
        return Replay({}, {})
    return Replay(
        {
            deployment: [outcome(name, requests[name], answer) for name, answer in each.answers.items()]
            for deployment, each in tried.items()
        },
        {deployment: _reason(plan, deployment) for deployment in plan.parts if deployment not in tried},
    )


def _reason(plan: Plan, deployment: str) -> str:
    if plan.parts[deployment].found.is_there:
        return "its package is there already"
    if plan.draft.deployments[deployment].environment is not None:
        return "it runs in an environment of the app's"
    return "--no-trial"


def held_back(plan: Plan, replay: Replay) -> CommandError | None:
    """What --strict ends with."""
    counts = {"breaking changes": len(plan.breaking), "golden requests that are not answered as before": replay.others}
    told = ", ".join(f"{what}: {count}" for what, count in counts.items() if count)
    if not told:
        return None
    return CommandError(
        "BreakingChange", f"nothing was published, callers may stumble ({told}): mend the model, or leave --strict out"
    )
