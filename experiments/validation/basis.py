"""A perpetual's price beside spot: where funding eats what rates give, and how far trading costs let it stray (A4.1).

Long a coin of the machine's perpetual and short as much spot, borrowed and lent at constant rates, somebody gains what the rates
leave of the funding paid. That is linear in perpetual over spot, so two prices of the perpetual tell the one at which nothing is
left. Where trading costs something, the project's basis trader plays against a noisy crowd instead.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from agents.crowds.noise import NoiseCrowd
from agents.roles.basis import BasisTrader
from experiments.overrides import override
from experiments.run import run
from experiments.scenario import find, without
from experiments.statistics import estimate
from experiments.validation.base import Claim, Effort, Measured, exactly
from experiments.validation.bench import PRICE, exchange_for, market_for, only, open_world, tell
from protocol import exchange
from protocol.funding.premium_plus import PremiumPlus
from protocol.units import SECONDS_PER_YEAR
from protocol.venues.virtual_amm import VirtualAmm

SUBJECT = "A perpetual beside spot"
ACKERER = "Ackerer, Hugonnier and Jermann, arXiv:2310.11771"
HE = "He, Manela, Ross and von Wachter, arXiv:2212.06888"
QUOTE_RATE, BASE_RATE, INTEREST, PERIOD = 0.05, 0.02, 0.1, 28_800.0  # a year; seconds of the funding interval
STEP, BLOCKS = 600.0, 289  # seconds a block
EFFORTS = {Effort.QUICK: (1, 1_200.0), Effort.FULL: (8, 7_200.0)}  # seeds, seconds


def gain(ratio: float) -> float:
    """What a hedged holder gains a year, as a share of notional, while the perpetual stands at `ratio` times spot."""
    rule = PremiumPlus(window=1.0, period=PERIOD, interest=INTEREST * PERIOD / SECONDS_PER_YEAR)
    state, _ = open_world(exchange_for(markets=(market_for(VirtualAmm(), funding=rule),)))
    _, listing = only(state)
    base, _ = state.tables[listing.reserves_at]
    rng = np.random.Generator(np.random.Philox(8))
    index, gained, notional = PRICE, 0.0, 0.0
    for block in range(BLOCKS):
        state.time = block * STEP
        tell(state, index)
        state.put(listing.reserves_at, np.array([base, ratio * index * listing.price_scale * base]))
        before = state.tables[listing.funding_at][0]
        exchange.close_block(state)
        if block > 1:  # the first block knows no premium yet
            paid = float(state.tables[listing.funding_at][0] - before)
            gained += (QUOTE_RATE - BASE_RATE) * ratio * index * STEP / SECONDS_PER_YEAR - paid  # moves of both cancel
            notional += index * STEP / SECONDS_PER_YEAR
        index *= math.exp(0.002 * rng.standard_normal())
    return gained / notional


def basis() -> float:
    """Perpetual over spot, less one, where nothing is gained; basis points."""
    near, far = 1.0, 0.999
    left, right = gain(near), gain(far)
    return 1e4 * (near - left * (far - near) / (right - left) - 1.0)


def within(effort: Effort) -> Measured:
    """Blocks in which the basis stays within a round trip's cost and one funding payment, %."""
    seeds, duration = EFFORTS[effort]
    calm = without(without(find("hedged-vault"), "hedger"), "traders")
    noise = NoiseCrowd(name="noise", market="amm", count=500, capital=500.0, activity=96.0)
    scenario = override(
        dataclasses.replace(calm, cast=(*calm.cast, noise), duration=duration),
        {
            "exchange.markets.amm.funding": "PremiumPlus",
            "world.chain.blocks.interval": "2.0",
            "nature.volatility": "[0.4]",
            "nature.tick": "1.0",
            "cast.basistrader.latency": "0.1",
            "cast.basistrader.least_profit": "0.0",
        },
    )
    trader = next(role for role in scenario.cast if isinstance(role, BasisTrader))
    cost = 2.0 * scenario.world.exchanges[0].markets[1].fee + trader.edge
    payment = (cost + PremiumPlus().interest) / 8.0  # of an hour, at the edge of the band
    values = []
    for seed in range(1, seeds + 1):
        record = run(dataclasses.replace(scenario, seed=seed))
        off = np.abs(np.log(record.blocks["dex.amm.mid"] / record.blocks["dex.amm.fair"]))
        used = off.max() > 0.9 * cost  # a band that is not used would hold anything
        values.append(100.0 * float(np.mean(off <= cost + payment)) if used else math.nan)
    found = estimate(values)
    return Measured(found.mean, found.low, found.high, seeds)


def claims() -> tuple[Claim, ...]:
    """Within .1 bp; in 99 % of blocks."""
    return (
        Claim(
            "A4.1-basis",
            "perpetual over spot, bp: funded three times a day, interest .1, rates .05 and .02",
            ACKERER,
            -0.639,
            0.1,
            lambda _: exactly(basis()),
        ),
        Claim("A4.1-band", "blocks with the basis within costs and one funding payment, %", HE, 100.0, 1.0, within),
    )
