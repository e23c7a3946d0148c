"""What a trade at a stale index is worth: a straddle struck at the round-trip cost (A10). Study `latency-cost` measures it."""

from __future__ import annotations

from experiments.statistics import estimate
from experiments.studies.latency_cost import Stale, measure_stale
from experiments.validation.base import Claim, Effort, Measured

SUBJECT = "A stale index"
SOURCE = "Bachelier 1900: a straddle on the next index, struck at the cost of a round trip"
TABLE = {
    (5.0, 2e-4): 0.538,
    (30.0, 2e-4): 2.94,
    (300.0, 2e-4): 12.9,
    (30.0, 10e-4): 0.21,
    (300.0, 10e-4): 6.9,
}  # seconds between updates, cost: basis points of notional an update, at 60 % a year
EFFORTS = {Effort.QUICK: (2, 200), Effort.FULL: (20, 600)}  # seeds, updates


def taken(age: float, cost: float, effort: Effort) -> Measured:
    """Basis points of notional that a sniper takes an update, with one block an update."""
    seeds, updates = EFFORTS[effort]
    found = estimate([1e4 * measure_stale(Stale(age, cost, 1, seed), updates)["value"] for seed in range(1, seeds + 1)])
    return Measured(found.mean, found.low, found.high, seeds)


def about(age: float, cost: float, value: float) -> Claim:
    """The claim about one point."""
    return Claim(
        f"A10-stale-{age:g}s-{1e4 * cost:g}bp",
        f"taken an update, bp of notional: {age:g} s between updates, round trip of {1e4 * cost:g} bp",
        SOURCE,
        value,
        0.05 * value + 0.005,
        lambda effort: taken(age, cost, effort),
        0.35 * value + 0.1,
    )


def claims() -> tuple[Claim, ...]:
    """Within 5 %, and the last digit printed."""
    return tuple(about(age, cost, value) for (age, cost), value in TABLE.items())
