"""What a benchmark is held to."""

from typing import NamedTuple


class Verdict(NamedTuple):
    what: str
    target: str
    measured: str
    met: bool


def at_least(what: str, target: float, measured: float) -> Verdict:
    return Verdict(what, f"≥ {target:g}", f"{measured:.2f}", measured >= target)


def at_most(what: str, target: float, measured: float, unit: str) -> Verdict:
    return Verdict(what, f"≤ {target:g} {unit}", f"{measured:.1f} {unit}", measured <= target)
