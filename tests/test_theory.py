"""The closed forms give the values worked in their sources."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from machine import PRICE, exchange_for, market_for, only, open_world, tell
from scipy.integrate import quad

from agents.crowds.noise import NoiseCrowd
from agents.roles.basis import BasisTrader
from experiments.overrides import override
from experiments.run import run
from experiments.scenario import find, without
from experiments.theory import perpetual_over_spot, stale_value
from protocol import exchange
from protocol.funding.premium_plus import PremiumPlus
from protocol.venues.virtual_amm import VirtualAmm


@pytest.mark.parametrize(
    ("volatility", "age", "cost", "value"),
    [
        (0.6, 5, 2e-4, 0.538),
        (0.6, 30, 2e-4, 2.94),
        (0.6, 300, 2e-4, 12.9),
        (0.6, 30, 10e-4, 0.21),
        (0.6, 300, 10e-4, 6.9),
        (1.0, 5, 2e-4, 1.57),
        (1.0, 30, 10e-4, 1.55),
        (1.0, 300, 10e-4, 15.9),
    ],
)
def test_value_of_a_stale_index(volatility: float, age: float, cost: float, value: float) -> None:
    """Published to three digits, in basis points of notional."""
    assert stale_value(volatility, age, cost) * 1e4 == pytest.approx(value, rel=0.01)


@pytest.mark.parametrize(
    ("kappa", "iota", "quote_rate", "base_rate"),
    [(1_095.0, 0.1, 0.05, 0.02), (3.0, 0.0, 0.05, 0.0), (10.0, 0.04, 0.02, 0.07), (365.0, 0.03, 0.05, 0.02)],
)
def test_a_perpetual_is_spot_at_a_random_time_set_by_funding(
    kappa: float, iota: float, quote_rate: float, base_rate: float
) -> None:
    """The formula is the expectation (kappa - iota) E int exp(-kappa s) x_s ds under the quote's measure, done by quadrature."""
    found, _ = quad(
        lambda s: (kappa - iota) * math.exp((quote_rate - base_rate - kappa) * s), 0.0, np.inf, epsabs=1e-13
    )
    ratio = perpetual_over_spot(kappa, iota, quote_rate, base_rate)
    assert found == pytest.approx(ratio, abs=1e-9)
    assert (abs(ratio - 1.0) < 1e-15) == (abs(iota - quote_rate + base_rate) < 1e-15)


def test_a_perpetual_funded_three_times_a_day_stands_0_639_basis_points_below_spot() -> None:
    assert (perpetual_over_spot(1_095.0, 0.1, 0.05, 0.02) - 1.0) * 1e4 == pytest.approx(-0.639, abs=5e-4)


def test_a_perpetual_that_does_not_pull_has_no_price() -> None:
    with pytest.raises(ValueError, match="kappa"):
        perpetual_over_spot(0.02, 0.0, 0.05, 0.0)


def test_at_that_price_and_at_no_other_a_hedged_holder_of_the_machines_perpetual_gains_nothing() -> None:
    """Long one coin of the perpetual, short `ratio` coins of spot borrowed at r_b and lent at r_a: funding eats it all."""
    quote_rate, base_rate, iota, period, step = 0.05, 0.02, 0.1, 28_800.0, 600.0
    year = 365 * 86_400.0
    fair = perpetual_over_spot(year / period, iota, quote_rate, base_rate)
    rule = PremiumPlus(window=1.0, period=period, interest=iota * period / year)
    gains = []
    for ratio in (fair, 1.0):
        state, _ = open_world(exchange_for(markets=(market_for(VirtualAmm(), funding=rule),)))
        _, listing = only(state)
        base, _ = state.tables[listing.path + ".reserves"]
        rng = np.random.Generator(np.random.Philox(8))
        index, gain, notional = PRICE, 0.0, 0.0
        for block in range(289):
            state.time = block * step
            tell(state, index)
            state.put(listing.path + ".reserves", np.array([base, ratio * index * listing.price_scale * base]))
            before = state.tables[listing.path + ".funding"][0]
            exchange.close_block(state)
            if block > 1:  # the first block knows no premium yet
                paid = state.tables[listing.path + ".funding"][0] - before
                gain += (
                    quote_rate - base_rate
                ) * ratio * index * step / year - paid  # moves of perpetual and spot cancel
                notional += index * step / year
            index *= math.exp(0.002 * rng.standard_normal())
        gains.append(gain / notional)  # share of notional per year
    assert gains[0] == pytest.approx(0.0, abs=1e-9)
    assert gains[1] == pytest.approx(quote_rate - base_rate - iota, abs=1e-9)


def test_with_trading_costs_the_basis_stays_within_them_and_one_funding_payment() -> None:
    """He, Manela, Ross and von Wachter: arbitrage begins at the cost of a round trip. In 99 % of blocks, paid hourly."""
    calm = without(without(find("hedged-vault"), "hedger"), "traders")
    noise = NoiseCrowd(name="noise", market="amm", count=500, capital=500.0, activity=96.0)
    scenario = override(
        dataclasses.replace(calm, cast=(*calm.cast, noise), duration=7_200.0),
        {
            "exchange.markets.amm.funding": "PremiumPlus",
            "world.chain.blocks.interval": "2.0",
            "nature.volatility": "[0.4]",
            "nature.tick": "1.0",
            "cast.basistrader.latency": "0.1",
            "cast.basistrader.least_profit": "0.0",
        },
    )
    record = run(scenario)
    trader = next(role for role in scenario.cast if isinstance(role, BasisTrader))
    cost = 2.0 * scenario.world.exchanges[0].markets[1].fee + trader.edge
    payment = (cost + PremiumPlus().interest) / 8.0  # of an hour, at the edge of the band
    basis = np.abs(np.log(record.blocks["dex.amm.mid"] / record.blocks["dex.amm.fair"]))
    assert record.metrics["dex.amm.fills"] > 1_000
    assert np.mean(basis <= cost + payment) > 0.99
    assert basis.max() > 0.9 * cost  # and the band is used
