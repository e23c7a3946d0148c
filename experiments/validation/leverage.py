"""Leverage that is kept: the multiplier of who targets it, and the fat tails of a market of such funds (published-results A6).

Both are played: `value-funds` and its like, funds and noise traders who meet in the batch auction under the exchange's own margin.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from agents.roles.noise_demand import NoiseDemand
from agents.roles.value_fund import ValueFund
from experiments.overrides import vary
from experiments.run import build, release
from experiments.scenario import Scenario, find
from experiments.statistics import estimate
from experiments.validation.base import Claim, Effort, Measured, exactly
from protocol.ledger import Floats

SUBJECT = "Leverage: the multiplier of targeting it, and fat tails"
TARGETING = "leverage targeting, one asset: 1 / (1 - impact x share x (leverage - 1))"
FUNDS = "Thurner, Farmer and Geanakoplos 2012, Quantitative Finance 12(5), 695-707"
LEVERAGE = 4.0
PRICE, SUPPLY, SHOCK = 100.0, 1_000.0, 0.002  # cash coins, base coins, fall of log demand
START = 200  # blocks that are not counted: wealth has to find its level
UPPER = 0.1  # of absolute returns: those that the exponent is read off
EFFORTS = {Effort.QUICK: (1, 1_500), Effort.FULL: (16, 4_000)}  # seeds, blocks a seed


def gain(share: float, leverage: float = LEVERAGE) -> float:
    """What a fall brings about by itself, as a multiple: impact x share x (leverage - 1).

    Noise traders want cash, so a share of all coins sold to them moves the log price by one over the share that they hold.
    """
    return share / (1.0 - share) * (leverage - 1.0)


def targeting(share: float, leverage: float = LEVERAGE) -> Scenario:
    """One fund that always holds `share` of all coins at `leverage`, in balance with noise traders whose demand stands still."""
    crowd = find("value-funds")
    noise = NoiseDemand(tip=0.0, supply=SUPPLY, value=PRICE * (1.0 - share), memory=1.0, noise=0.0, step=1e-4)
    fund = ValueFund(
        tip=0.0,
        value=1e6,
        aggression=1e6,
        leverage=leverage,
        stake=share * SUPPLY * PRICE / leverage,
        flow=0.0,
        ruin=0.01,
    )
    scenario = replace(crowd, name="leverage-targeting", cast=(noise, fund), duration=12.0 * 200)
    return vary(vary(scenario, "exchange.margin.initial", 1.0 / leverage), "exchange.market.venue.tick", 1e-4)


def fall(share: float, blocks: int, leverage: float = LEVERAGE) -> float:
    """How far the log price falls within so many blocks of a fall of demand by SHOCK, as a multiple of it."""
    game = build(targeting(share, leverage))
    try:
        listing = game.listing()
        for _ in range(10):
            game.step()
        before = game.state.market(listing).venue.mid(game.state, listing)
        for player in game.players:
            if isinstance(player.role, NoiseDemand):
                player.memory["log"] -= SHOCK
        for _ in range(blocks):
            game.step()
        after = game.state.market(listing).venue.mid(game.state, listing)
        return float(np.log(before / after)) / SHOCK
    finally:
        release(game)


class Market(NamedTuple):
    """What a market of funds did."""

    exponent: float  # Hill's, over the upper tenth of absolute log returns while the asset is below value
    kurtosis: float  # of all log returns
    closed: int  # funds that lost nearly all


def hill(values: Floats, upper: float = UPPER) -> float:
    """Exponent of the tail, from the `upper` share of values (Hill 1975)."""
    found = np.sort(values)[::-1]
    count = int(len(found) * upper)
    return float(1.0 / np.mean(np.log(found[:count] / found[count])))


@cache
def market(leverage: float, seed: int, blocks: int) -> Market:
    """Play the funds of `value-funds` with this leverage at most."""
    scenario = replace(find("value-funds"), seed=seed, duration=12.0 * blocks)
    cast = tuple(replace(r, leverage=leverage) if isinstance(r, ValueFund) else r for r in scenario.cast)
    game = build(vary(replace(scenario, cast=cast), "exchange.margin.initial", 1.0 / leverage))
    try:
        game.play()
        column = game.recorder.columns.index(f"{game.listing().path}.mid")
        price = game.recorder.rows[START : game.recorder.blocks, column]
        moves = np.diff(np.log(price))
        below = np.abs(moves[price[:-1] < PRICE])
        kurtosis = float(np.mean((moves - moves.mean()) ** 4) / np.var(moves) ** 2)
        closed = sum(event.kind == "fund closes" for event in game.recorder.events)
        return Market(hill(below), kurtosis, closed)
    finally:
        release(game)


def over_seeds(leverage: float, number: str, effort: Effort) -> Measured:
    """A number of the market, over seeds."""
    seeds, blocks = EFFORTS[effort]
    found = estimate([float(getattr(market(leverage, seed, blocks), number)) for seed in range(1, seeds + 1)])
    return Measured(found.mean, found.low, found.high, seeds)


def multiplier(target: float) -> Claim:
    """The claim at one gain; `share` is what makes it."""
    share = target / (target + LEVERAGE - 1.0)
    return Claim(
        f"A6-leverage-multiplier-{round(100 * target)}",
        f"fall of a price as a multiple of the shock, where {share:.1%} is held at leverage {LEVERAGE:g} (gain {target:g})",
        TARGETING,
        1.0 / (1.0 - gain(share)),
        0.07 / (1.0 - gain(share)),
        lambda _: exactly(fall(share, 40)),
    )


def claims() -> tuple[Claim, ...]:
    """The multiplier at three gains; the tail with leverage and without."""
    return (
        *(multiplier(target) for target in (0.3, 0.6, 0.8)),
        Claim(
            "A6-funds-exponent",
            "tail exponent of returns at leverage 7.5 (upper tenth, below value)",
            FUNDS,
            3.0,
            0.4,
            lambda effort: over_seeds(7.5, "exponent", effort),
            1.0,
        ),
        Claim(
            "A6-funds-normal",
            "kurtosis of returns without leverage: that of a normal law",
            FUNDS,
            3.0,
            0.35,
            lambda effort: over_seeds(1.0, "kurtosis", effort),
            0.6,
        ),
        Claim(
            "A6-funds-unbroken",
            "funds that close without leverage",
            FUNDS,
            0.0,
            0.0,
            lambda effort: over_seeds(1.0, "closed", effort),
        ),
    )
