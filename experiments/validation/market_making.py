"""Avellaneda and Stoikov's table (2008): what a market maker earns that leans against its inventory, and one that does not (A7).

The project's maker on its order book, a quote a side of one lot, replaced in every block; whoever comes takes as much if the quote
is as good as he wants it, exponentially many fewer the further it stands from the mid. The printed table fills with probability
lambda dt at dt = .005, so it has more fills than the model; with exact fills there are fewer, for a quote can be hit once a step.
The column met here is the limit of short steps (dt = .0005); the quick form plays dt = .005, whose own column lies 6 to 7 below.
What the inventory gains as fair moves is a martingale, and left out of the mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import scipy.stats

from agents.nature.gbm import GeometricBrownian
from agents.roles.maker import NEVER, Maker
from experiments.statistics import estimate
from experiments.validation.base import Claim, Effort, Measured
from experiments.validation.stage import Comers, played, staged, traded
from protocol.blocks.fixed import Fixed
from protocol.units import SECONDS_PER_YEAR
from protocol.venues.order_book import OrderBook

SUBJECT = "Market making against inventory"
SOURCE = "Avellaneda and Stoikov 2008, in the limit of short steps"
PRICE, SIGMA, DECAY, ARRIVALS = 100.0, 2.0, 1.5, 140.0  # the paper's s, sigma, k and A, for a horizon of 1
HORIZON = 2_000.0  # seconds that are the paper's 1
EFFORTS = {
    Effort.QUICK: (8, 200),
    Effort.FULL: (900, 2_000),
}  # seeds, steps; a deviation is known to 2.4 % with 900, to 4 with 300
STRATEGIES = ("inventory", "symmetric")
TABLE = {
    (0.1, "inventory"): (63.2, 7.1, 3.3),
    (0.1, "symmetric"): (67.4, 15.3, 9.5),
    (0.01, "inventory"): (67.4, 10.2, 5.9),
    (0.01, "symmetric"): (67.7, 15.9, 10.0),
}
SPREADS = {0.1: 1.49, 0.01: 1.35}


class Found(NamedTuple):
    """Of one maker, in the paper's units: what it earned, of that by trading off the mid, its last inventory, its mean spread."""

    earned: float
    traded: float
    held: float
    spread: float


@cache
def measured(risk: float, seed: int, steps: int) -> tuple[Found, ...]:
    """Both strategies beside each other, at the same fair."""
    step = HORIZON / steps
    markets = [traded(name, OrderBook(tick=1e-4)) for name in STRATEGIES]
    makers = tuple(
        Maker(
            name=f"maker-{name}",
            market=name,
            capital=1e6,
            base=1e4,
            latency=0.0,
            tip=1e-12,
            lot=PRICE,
            levels=1,
            risk=risk,
            decay=DECAY,
            horizon=horizon,
            ends=ends,
            lean=lean,
            memory=step,  # too short to go by, so that it takes sigma as given
            least_volatility=SIGMA / PRICE / math.sqrt(HORIZON),
            caution=0.0,
            tolerance=0.0,
        )
        for name, horizon, ends, lean in (
            ("inventory", HORIZON, HORIZON, 1.0),
            ("symmetric", 0.5 * HORIZON, NEVER, 0.0),  # the mean spread of the other
        )
    )
    comers = [
        Comers(name=f"comers-{name}", market=name, lot=PRICE, rate=ARRIVALS / HORIZON, decay=DECAY)
        for name in STRATEGIES
    ]
    nature = GeometricBrownian(
        start=(PRICE,), volatility=(SIGMA / PRICE * math.sqrt(SECONDS_PER_YEAR / HORIZON),), tick=step
    )
    run = played(staged(markets, [*makers, *comers], nature, Fixed(step), steps, seed))
    found = []
    for maker in makers:
        base = run.base[maker.name]
        spreads = [e.numbers["spread"] for e in run.events if e.kind == "quote" and e.who.startswith(maker.name)]
        traded_off = float(run.gains(maker.name).sum())
        moved = float(((base[:-1] - base[0]) * np.diff(run.fair)).sum())
        found.append(Found(traded_off + moved, traded_off, float(base[-1] - base[0]), float(np.mean(spreads))))
    return tuple(found)


def sample(risk: float, strategy: str, effort: Effort) -> list[Found]:
    """One a seed."""
    seeds, steps = EFFORTS[effort]
    return [measured(risk, seed, steps)[STRATEGIES.index(strategy)] for seed in range(1, seeds + 1)]


def mean(values: list[float]) -> Measured:
    """With its interval."""
    found = estimate(values)
    return Measured(found.mean, found.low, found.high, found.seeds)


def deviation(values: list[float]) -> Measured:
    """A standard deviation, with the interval of normal samples."""
    n, found = len(values), float(np.std(values, ddof=1))
    low, high = (math.sqrt((n - 1) / scipy.stats.chi2.ppf(q, n - 1)) for q in (0.975, 0.025))
    return Measured(found, found * low, found * high, n)


def of(risk: float, strategy: str) -> tuple[Claim, ...]:
    """The claims about one row."""
    earns, sways, holds = TABLE[risk, strategy]
    which = f"gamma {risk:g}, {strategy}"

    def about(
        number: str, what: str, value: float, allowed: float, quick: float, read: Callable[[list[Found]], Measured]
    ) -> Claim:
        return Claim(
            f"A7-{risk:g}-{strategy}-{number}",
            f"{what}: {which}",
            SOURCE,
            value,
            allowed,
            lambda effort: read(sample(risk, strategy, effort)),
            quick,
            runs=f"A7-{risk:g}",
        )

    return (
        about("mean", "profit", earns, 1.0, 10.0, lambda rows: mean([row.traded for row in rows])),
        about(
            "std",
            "its standard deviation",
            sways,
            0.1 * sways,
            0.6 * sways,
            lambda rows: deviation([row.earned for row in rows]),
        ),
        about(
            "held",
            "standard deviation of the last inventory",
            holds,
            0.1 * holds,
            0.6 * holds,
            lambda rows: deviation([row.held for row in rows]),
        ),
        about("spread", "mean spread", SPREADS[risk], 0.005, 0.005, lambda rows: mean([row.spread for row in rows])),
    )


def claims() -> tuple[Claim, ...]:
    """Means to 1.0, deviations to a tenth, spreads to the digit printed."""
    return tuple(claim for risk, strategy in TABLE for claim in of(risk, strategy))
