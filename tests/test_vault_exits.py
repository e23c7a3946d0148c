"""Exits that take time, a liquidator apart from the vault, margin by depth, and funding that is sampled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Witness, exchange_for, market_for, open_world, tell

from protocol import exchange
from protocol.errors import InsufficientBalance, UnderMargined
from protocol.funding.sampled import SampledSkew
from protocol.instruments.token import Token
from protocol.ledger import WORLD
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.full import Full
from protocol.liquidations.routes import ToBackstop
from protocol.losses.deleverage import Deleverage
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.margins.base import Threshold
from protocol.margins.depth_scaled import DepthScaled
from protocol.oracles.spot import Spot
from protocol.state import State
from protocol.vault import Vault
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, Market


def pass_block(state: State, price: float = PRICE, seconds: float = 60.0) -> None:
    """A block ends with the index at `price`."""
    state.time += seconds
    tell(state, price)
    exchange.close_block(state)


def queued(delay: float = 600.0) -> tuple[State, list[int]]:
    """A pool against a vault whose exits take time; the first trader has shares, the second is long."""
    state, traders = open_world(exchange_for(OraclePool(spread=0.0), vault=Vault(liquidity=100_000.0, delay=delay)))
    exchange.invest(state, state.houses[0], traders[0], 100_000 * CASH)
    exchange.trade(state, state.listings[0][0], traders[1], 10 * COIN)
    return state, traders


def test_an_exit_is_paid_after_the_delay_at_what_shares_are_worth_then() -> None:
    state, (provider, *_) = queued()
    house, witness = state.houses[0], Witness(state)
    shares, before = int(state.ledger.balance[house.share, provider]), int(state.ledger.balance[house.token, provider])
    assert witness.does(exchange.divest, provider, house, provider, shares) == 0
    assert exchange.leaving(state, house, provider) == shares
    for _ in range(9):
        pass_block(state, 1.1 * PRICE)  # the trader's gain is the vault's loss
    assert state.ledger.balance[house.share, provider] == shares
    pass_block(state, 1.1 * PRICE)
    paid = int(state.ledger.balance[house.token, provider]) - before
    assert state.ledger.balance[house.share, provider] == 0
    assert paid / CASH == pytest.approx(100_000 - 0.5 * 10 * 0.1 * PRICE, rel=2e-3)  # half of the loss
    assert exchange.exits(state, house) == ()


def test_shares_are_asked_out_once() -> None:
    state, (provider, *_) = queued()
    house = state.houses[0]
    shares = int(state.ledger.balance[house.share, provider])
    exchange.divest(state, house, provider, shares - 5)
    with pytest.raises(InsufficientBalance, match="has=5"):
        exchange.divest(state, house, provider, 6)
    exchange.divest(state, house, provider, 5)


def test_an_exit_that_cannot_be_paid_waits_on_and_is_paid_when_it_can() -> None:
    state, (provider, trader, *_) = queued()
    house, listing = state.houses[0], state.listings[0][0]
    rules = replace(state.exchange(house), vault=Vault(delay=600.0, commitment=80.0))
    state.put("rules", replace(state.rules, exchanges=(rules,)))
    exchange.divest(state, house, provider, int(state.ledger.balance[house.share, provider]))
    for _ in range(12):
        pass_block(state)
    assert exchange.leaving(state, house, provider) > 0  # positions need the capital
    exchange.trade(state, listing, trader, -10 * COIN)
    pass_block(state)
    assert exchange.leaving(state, house, provider) == 0


def test_of_shares_that_went_elsewhere_only_the_rest_is_paid() -> None:
    state, (provider, *_) = queued()
    house = state.houses[0]
    shares = int(state.ledger.balance[house.share, provider])
    exchange.divest(state, house, provider, shares)
    state.ledger.move(house.share, provider, WORLD, shares // 2, 0)  # type: ignore[arg-type]  # as a pledge would
    for _ in range(11):
        pass_block(state)
    assert exchange.exits(state, house) == ()
    assert state.ledger.balance[house.share, provider] == 0


def test_a_vault_refuses_a_delay_that_is_none() -> None:
    with pytest.raises(ValueError, match=r"delay = -1\.0: must be 0 or more seconds"):
        Vault(delay=-1.0)


def apart(capital: float) -> tuple[State, list[int]]:
    """A vault's pool whose fallen positions go to a liquidator with its own capital; winners are deleveraged before others pay."""
    rules = exchange_for(OraclePool(spread=0.0, skew_scale=1e9), vault=Vault(liquidity=1_000_000.0))
    backstop = Backstop(Full(), health=1.0, route=ToBackstop(account="liquidator"))
    losses = (Deleverage(), Insurance(), Socialise())
    return open_world(replace(rules, liquidator=capital, liquidation=backstop, losses=losses, insurance=0.0), stake=0)


def test_a_liquidator_apart_takes_over_and_the_providers_lose_no_more_than_nothing() -> None:
    state, (short, long, keeper, _) = apart(50_000.0)
    house, listing = state.houses[0], state.listings[0][0]
    (liquidator,) = state.ledger.of_group(["liquidator"]).tolist()
    vault = exchange.vault_total(state, house)
    for account, side in ((short, -1), (long, 1)):
        exchange.deposit(state, house, account, 21_000 * CASH)
        exchange.trade(state, listing, account, side * 100 * COIN)
    pass_block(state, 1.06 * PRICE)
    taken = exchange.liquidate(state, listing, keeper, short)
    assert taken.taker == liquidator
    assert state.ledger.balance[listing.size, liquidator] == -100 * COIN
    pass_block(state, 1.5 * PRICE)  # far beyond what the liquidator can bear
    exchange.liquidate(state, listing, keeper, liquidator)
    assert state.ledger.balance[listing.size, long] == 0  # deleveraged at the liquidator's bankruptcy price
    won = int(state.ledger.balance[house.cash, long]) / CASH - 21_000.0
    assert won <= 21_000.0 + 50_000.0
    assert exchange.vault_total(state, house) >= vault


def test_beyond_the_liquidators_capital_the_inner_rule_decides() -> None:
    state, (short, long, keeper, _) = apart(1_000.0)
    house, listing = state.houses[0], state.listings[0][0]
    for account, side in ((short, -1), (long, 1)):
        exchange.deposit(state, house, account, 21_000 * CASH)
        exchange.trade(state, listing, account, side * 100 * COIN)
    pass_block(state, 1.06 * PRICE)
    assert exchange.liquidate(state, listing, keeper, short).taker == -1


def test_an_exchange_refuses_a_liquidator_in_debt() -> None:
    with pytest.raises(ValueError, match=r"liquidator = -1\.0: must be 0 or more cash coins"):
        Exchange(liquidator=-1.0)


def scaled(**changes: float) -> tuple[State, list[int]]:
    """A pool that trades at the index, margined by the depth of a pool of tokens."""
    perpetual = market_for(OraclePool(spread=0.0), name="perp")
    pool = Market(
        "pool", Token(), oracle=Spot(), venue=ConstantProduct(liquidity=1_000_000.0), funding=perpetual.funding
    )
    margin = DepthScaled(source="pool", **changes)  # type: ignore[arg-type]
    return open_world(exchange_for(markets=(perpetual, pool), vault=Vault(), margin=margin))


def test_margin_grows_by_what_selling_into_the_source_would_cost() -> None:
    state, (trader, *_) = scaled(slippage=0.02)
    house, listing = state.houses[0], state.listings[0][0]
    exchange.trade(state, listing, trader, 20 * COIN)
    depth = 1_000_000.0 * (np.sqrt(1.02) - 1.0)
    _, needs = state.exchange(house).margin.standing(state, house, Threshold.INITIAL, trader)
    value = 20 * PRICE
    assert needs == pytest.approx(0.1 * value + 0.02 * value * value / depth)
    inner = state.exchange(house).margin.inner_standing(state, house, Threshold.INITIAL, trader)
    assert inner is not None
    assert inner[1] == pytest.approx(0.1 * value)
    with pytest.raises(UnderMargined):
        exchange.trade(state, listing, trader, 220 * COIN)  # 10 % of it would do, by the inner rule


def test_two_small_positions_need_less_than_one_twice_as_large() -> None:
    state, (one, two, *_) = scaled()
    house, listing = state.houses[0], state.listings[0][0]
    exchange.trade(state, listing, one, 10 * COIN)
    exchange.trade(state, listing, two, 20 * COIN)
    needs = [state.exchange(house).margin.standing(state, house, Threshold.INITIAL, who)[1] for who in (one, two)]
    assert needs[1] > 2.0 * needs[0]


def test_a_margin_by_the_depth_of_no_market_is_refused() -> None:
    with pytest.raises(ValueError, match=r"margin\.source = 'nowhere': no such market"):
        exchange_for(OraclePool(), margin=DepthScaled(source="nowhere"))
    for name in ("slippage", "weight", "window"):
        with pytest.raises(ValueError, match=rf"{name} = 0\.0: must be above 0"):
            DepthScaled(**{name: 0.0})  # type: ignore[arg-type]


def test_a_sampled_skew_is_charged_until_the_next_look_whatever_it_becomes() -> None:
    rule = SampledSkew(interval=600.0, skew_scale=100.0, cap=0.1)
    state, (trader, *_) = open_world(exchange_for(markets=(market_for(OraclePool(), funding=rule),), vault=Vault()))
    listing = state.listings[0][0]
    exchange.trade(state, listing, trader, 10 * COIN)
    pass_block(state, seconds=60.0)
    assert state.tables[listing.path + ".funding"][1] == 0.0  # nobody has looked
    pass_block(state, seconds=540.0)
    rate = state.tables[listing.path + ".funding"][1]
    assert rate == pytest.approx(0.1 * 0.1 / 86_400.0)
    exchange.trade(state, listing, trader, -20 * COIN)
    pass_block(state, seconds=300.0)
    assert state.tables[listing.path + ".funding"][1] == rate  # and now the trader is paid by it
    assert state.tables[listing.path + ".funding"][0] == pytest.approx(rate * 300.0 * PRICE)
    pass_block(state, seconds=300.0)
    assert state.tables[listing.path + ".funding"][1] == pytest.approx(-rate)


@pytest.mark.parametrize(("name", "value"), [("interval", 0.0), ("skew_scale", 0.0), ("cap", -1.0)])
def test_a_sampled_skew_refuses_what_is_no_rate(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{name} = {value}: must be "):
        SampledSkew(**{name: value})
