"""What the advice says: records that are dumped as JSON."""

from typing import Final, Literal

from cli.advice.demand import Choice
from shared.documents import Document

type Platform = Literal["functions", "azureml"]
type Part = Literal["fixed", "online", "batch"]

NAMES: Final[dict[Platform, str]] = {
    "functions": "Azure Functions (Slipway, Flex Consumption)",
    "azureml": "Azure ML (managed online endpoint, batch endpoint)",
}


class Line(Document):
    """One item of a month's cost. `arithmetic`: how it is calculated; a grant is negative. `part`: what it is for."""

    part: Part
    item: str
    arithmetic: str
    monthly_usd: float


class Estimate(Document):
    """A month on one platform. `monthly_usd`: None where it cannot run there, which the advice's `against` tells."""

    platform: Platform
    machine: str
    instances: int
    lines: tuple[Line, ...]
    monthly_usd: float | None


class ColdStart(Document):
    """How long a caller or a job waits where nothing runs, s; the two are equal where one number is known."""

    platform: Platform
    part: Part
    low_s: float
    high_s: float
    told: str


class Finding(Document):
    """What one rule says for or against a platform. `decides`: it settles the matter, whatever the costs."""

    rule: str
    platform: Platform
    decides: bool
    told: str


class Advice(Document):
    """The answer. `reasons` speak for it, `against` against it; `warnings` say what the figures do not."""

    choice: Choice
    platform: Platform
    platform_name: str
    reasons: tuple[str, ...]
    against: tuple[str, ...]
    costs: tuple[Estimate, ...]
    cold_starts: tuple[ColdStart, ...]
    warnings: tuple[str, ...]
    endpoint_file: str
