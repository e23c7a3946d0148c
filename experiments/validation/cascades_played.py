"""Cascades that are played: positions whose liquidation points lie evenly, a pool that is pushed past them, theory for the rest.

On a constant product whatever is sold adds to the base reserve, so theory is exact there: N positions of b base coins each, whose
liquidation points lie anywhere, each with the same chance, in a stretch B of that reserve, are passed by a liquidation n = N b / B
of them at a time, Poisson. Nothing here is told the branching ratio: traders buy, a seller pushes the pool through 0.8 of what the
stretch can bear, keepers liquidate. That families are then Borel's is that of a queue: customers met while one is served.

Two measures that share nothing but the run. By **twin**: liquidations over those of the twin whose forced sales move no price,
which attributes nothing. By **cause**: families as the tracer has them, one parent each by its shares. Those come out some 7 % too
large: a fall since an account was healthy ends when it is closed, a block after it fell below, and what others sold meanwhile is
in it.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from agents.nature.gbm import GeometricBrownian
from agents.player import Role
from agents.roles.keeper import Keeper
from agents.roles.large_trader import LargeTrader
from experiments.cascades.channels import CHANNELS
from experiments.cascades.episodes import told
from experiments.cascades.trees import clusters
from experiments.run import run
from experiments.scenario import Scenario
from experiments.statistics import estimate
from experiments.validation.base import Claim, Effort, Measured, Miss
from experiments.validation.cascades import BOREL
from experiments.validation.controlled import borel
from protocol.blocks.fixed import Fixed
from protocol.funding.unfunded import Unfunded
from protocol.instruments.perpetual import Perpetual
from protocol.liquidations.full import Full
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.margins.cross import Cross
from protocol.oracles.spot import Spot
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Chain, Exchange, Market, World

SUBJECT = "Cascades in the game: mean and sizes of families against the ratio of their setting"
SOURCE = "Hawkes 1971; n = N b / B by constant product"
RATIOS = (0.3, 0.6)
EFFORTS = {Effort.QUICK: (2, 150), Effort.FULL: (120, 200)}  # seeds, positions a seed
LIQUIDITY = 1e8  # cash coins a side
FIRST, STRETCH = 0.01, 0.03  # of the base reserve: until the first liquidation point, and on to the last
PUSHED = 0.8  # of the stretch: what sales and liquidations together go through
BLOCK, TOGETHER, STEPS = 2.0, 10, 75  # seconds; positions opened a block; sales that push the pool
MAINTENANCE = 0.001
MARKET = "ETH-PERP"
LATE = "by cause, what others sold between an account's falling below and its closing a block later counts as a parent of it"
LATER = {
    ("mean", 0.3): (1.48, 1.6),
    ("borel-1", 0.3): (0.66, 0.72),
    ("mean", 0.6): (2.5, 2.8),
    ("borel-1", 0.6): (0.49, 0.54),
}  # where ours then lies


class Played(NamedTuple):
    """Of one seed."""

    twin: float  # liquidations over those that move no price
    sizes: tuple[int, ...]  # of families by cause


def scenario(ratio: float, positions: int, seed: int) -> Scenario:
    """Positions that are opened against one who sells as many, then a push; nothing else moves the pool."""
    price = GeometricBrownian().start[0]
    reserve = LIQUIDITY / price
    size = ratio * STRETCH * reserve / positions
    points = reserve * (1.0 + FIRST + STRETCH * np.random.default_rng(seed).random(positions))
    cast: list[Role] = []
    for number, point in enumerate(points.tolist()):
        fall = 1.0 - (reserve / point) ** 2
        capital = size * price * (fall + MAINTENANCE * (1.0 - fall)) / 0.9  # of which nine tenths are margin
        cast.append(
            _trader(f"long {number}", capital, size * price, 1, onset=BLOCK * (1 + number // TOGETHER), buys=1.0)
        )
    opened = BLOCK * (2 + positions // TOGETHER)
    sold = size * price * positions
    cast.append(_trader("balance", 10.0 * sold, sold, positions // TOGETHER, onset=BLOCK, buys=0.0))
    push = (FIRST + PUSHED * STRETCH * (1.0 - ratio)) * LIQUIDITY
    cast.append(_trader("seller", 10.0 * push, push, STEPS, onset=opened + 10.0 * BLOCK, buys=0.0))
    cast.append(Keeper(capital=1e7, most=positions))
    market = Market(MARKET, Perpetual(), Spot(), VirtualAmm(liquidity=LIQUIDITY), Unfunded(), fee=0.0)
    exchange = Exchange(
        "dex",
        markets=(market,),
        margin=Cross(initial=2.0 * MAINTENANCE, maintenance=MAINTENANCE),
        liquidation=Full(),
        losses=(Insurance(), Socialise()),
        insurance=1e9,
    )
    chain = Chain("l2", blocks=Fixed(BLOCK))
    duration = opened + BLOCK * (STEPS + 60)
    world = World(chains=(chain,), exchanges=(exchange,))
    return Scenario("even-positions", "", world, tuple(cast), GeometricBrownian(), duration=duration, seed=seed)


def _trader(name: str, capital: float, notional: float, slices: int, onset: float, buys: float) -> LargeTrader:
    """One parent order, a slice a block from `onset` on."""
    return LargeTrader(
        name,
        capital=capital,
        base=0.0,
        latency=0.0,
        notional=notional,
        slices=slices,
        pause=BLOCK,
        rest=1e9,
        slippage=0.5,
        onset=onset,
        buys=buys,
    )


@cache
def played(ratio: float, positions: int, seed: int) -> Played:
    """The run before a witness, and its twin."""
    asked = scenario(ratio, positions, seed)
    apart = next(channel for channel in CHANNELS if channel.name == "price").cut(asked)
    assert apart is not None
    why, events = told(asked).why, run(apart).events
    alone = int((events["kind"] == "liquidation").sum())
    return Played(len(why) / alone, tuple(one.size for one in clusters(why)))


def over_seeds(effort: Effort, ratio: float, size: int) -> Measured:
    """Mean size by twin (size -1), by cause (0), or the share of families of a size, by cause."""
    seeds, positions = EFFORTS[effort]
    values = []
    for seed in range(1, seeds + 1):
        one = played(ratio, positions, seed)
        sizes = np.array(one.sizes)
        values.append(one.twin if size < 0 else float(sizes.mean()) if size == 0 else float((sizes == size).mean()))
    found = estimate(values)
    return Measured(found.mean, found.low, found.high, seeds)


def _claim(ratio: float, name: str, what: str, size: int, published: float, full: float, quick: float) -> Claim:
    late = LATER.get((name, ratio))
    return Claim(
        f"A6-played-{name}-{ratio:g}",
        f"{what}, where n = {ratio:g} by the setting",
        BOREL if size > 0 else SOURCE,
        published,
        full,
        lambda effort: over_seeds(effort, ratio, size),
        quick,
        miss=None if late is None else Miss(LATE, *late),
        runs="even positions",
    )


def claims() -> tuple[Claim, ...]:
    """Chance is in all of them: where liquidation points lie."""
    found: list[Claim] = []
    for ratio in RATIOS:
        mean = 1.0 / (1.0 - ratio)
        twin = "liquidations over those whose forced sales move no price: 1 / (1 - n)"
        found.append(_claim(ratio, "twin", twin, -1, mean, 0.06 * mean, 0.25 * mean))
        found.append(
            _claim(ratio, "mean", "mean size of families, by cause: 1 / (1 - n)", 0, mean, 0.06 * mean, 0.25 * mean)
        )
        for size in (1, 2, 3):
            what = f"share of families of {size}, by cause"
            found.append(_claim(ratio, f"borel-{size}", what, size, borel(size, ratio), 0.03, 0.1))
    return tuple(found)
