"""Servers measured in turns within one run, so that a machine's slow minute falls on all of them."""

import statistics
from collections.abc import Sequence
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from bench.load import Figures, Target, measure

_WARM_UP: Final = 4


class Entrant(NamedTuple):
    """A target, and how many requests a round sends to it."""

    target: Target
    requests: int


def hold(
    console: Console, title: str, entrants: Sequence[Entrant], connections: int, rounds: int
) -> list[tuple[Figures, ...]]:
    """Prints a table of medians; returns each round's figures, in the entrants' order."""
    with console.status(title):
        for target, requests in entrants:
            measure(target, max(requests // _WARM_UP, connections), connections)
        results = [_round(entrants, connections, turn) for turn in range(rounds)]
    table = Table(title=f"{title}: {connections} connections, medians of {rounds} rounds")
    for heading in ("server", "requests", "CPU a request", "p50", "requests/s"):
        table.add_column(heading, justify="left" if heading == "server" else "right")
    for (target, requests), figures in zip(entrants, zip(*results, strict=True), strict=True):
        cpu, p50, rate = (statistics.median(values) for values in zip(*figures, strict=True))
        table.add_row(target.name, f"{requests}", f"{cpu:,.0f} µs", f"{p50:.2f} ms", f"{rate:,.0f}")
    console.print(table)
    return results


def ratio(console: Console, what: str, mine: Sequence[float], theirs: Sequence[float]) -> float:
    """Prints and returns the median of the rounds' own ratios."""
    ratios = sorted(one / other for one, other in zip(mine, theirs, strict=True))
    median = statistics.median(ratios)
    console.print(f"{what}, round by round: median [bold]{median:.2f}[/bold] ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    return median


def _round(entrants: Sequence[Entrant], connections: int, turn: int) -> tuple[Figures, ...]:
    """Every other round goes the other way about."""
    order = [*range(len(entrants))][:: -1 if turn % 2 else 1]
    figures = {at: measure(entrants[at].target, entrants[at].requests, connections) for at in order}
    return tuple(figures[at] for at in range(len(entrants)))
