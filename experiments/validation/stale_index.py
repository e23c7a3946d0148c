"""What a trade at a stale index is worth: a straddle struck at the round-trip cost (A10). Study `latency-cost` measures it."""

from __future__ import annotations

from typing import NamedTuple

from experiments.statistics import estimate
from experiments.studies.latency_cost import Stale, measure_stale
from experiments.validation.base import Claim, Effort, Measured, own_seeds

SUBJECT = "A stale index"
SOURCE = "Bachelier 1900: a straddle on the next index, struck at the cost of a round trip"
QUICK = (2, 200)  # seeds, updates
UPDATES = 600
BP = 1e-4


class Cell(NamedTuple):
    """A printed value, basis points of notional an update. `volatility` %, `age` in seconds, `cost` bp; `seeds` in full."""

    volatility: float
    age: float
    cost: float
    value: float
    seeds: int = 80
    digit: float = 0.005  # half of the last that is printed, or less

    @property
    def id(self) -> str:
        """Of the claim about it."""
        volatile = "" if self.volatility == 60.0 else f"-{self.volatility:g}"
        return f"A10-stale-{self.age:g}s-{self.cost:g}bp{volatile}"


TABLE = (
    Cell(60.0, 5.0, 2.0, 0.538, digit=0.0005),
    Cell(60.0, 30.0, 2.0, 2.94),
    Cell(60.0, 300.0, 2.0, 12.9),
    Cell(60.0, 5.0, 10.0, 0.0, seeds=20, digit=0.0005),
    Cell(60.0, 30.0, 10.0, 0.21),
    Cell(60.0, 300.0, 10.0, 6.9),
    Cell(100.0, 5.0, 2.0, 1.57),
    Cell(100.0, 30.0, 2.0, 5.95),
    Cell(100.0, 300.0, 2.0, 22.7),
    Cell(100.0, 5.0, 10.0, 0.015, seeds=400, digit=0.0005),  # once in eighty updates
    Cell(100.0, 30.0, 10.0, 1.55),
    Cell(100.0, 300.0, 10.0, 15.9),
)


def taken(cell: Cell, effort: Effort) -> Measured:
    """Basis points of notional that a sniper takes an update, with one block an update."""
    count, updates = QUICK if effort is Effort.QUICK else (cell.seeds, UPDATES)
    values = [
        measure_stale(Stale(cell.age, cell.cost * BP, 1, seed), updates, 0.01 * cell.volatility)["value"] / BP
        for seed in own_seeds(cell.id, count)
    ]
    found = estimate(values)
    return Measured(found.mean, found.low, found.high, count)


def about(cell: Cell) -> Claim:
    """The claim about one cell."""
    volatile = f"volatility {cell.volatility:g} %, "
    return Claim(
        cell.id,
        f"taken an update, bp of notional: {volatile}{cell.age:g} s between updates, round trip of {cell.cost:g} bp",
        SOURCE,
        cell.value,
        0.05 * cell.value + cell.digit,
        lambda effort: taken(cell, effort),
        0.35 * cell.value + 0.1,
    )


def claims() -> tuple[Claim, ...]:
    """Within 5 %, and the last digit printed."""
    return tuple(map(about, TABLE))
