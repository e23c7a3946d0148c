"""What every instrument promises: equity that sums to zero, more to open than to keep, and an end that is whole."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Told, Witness, open_world, tell

from experiments.codec import variants
from protocol import exchange, laws
from protocol.funding.unfunded import Unfunded
from protocol.instruments.base import NEVER, Asked, Instrument, Threshold
from protocol.oracles.base import read_mark
from protocol.state import Listing, State
from protocol.surface import Surface
from protocol.vault import Vault
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, Market

KINDS = variants(Instrument)
EACH = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
CLAIMS = {name: kind for name, kind in KINDS.items() if kind().claims()}
EACH_CLAIM = pytest.mark.parametrize("kind", CLAIMS.values(), ids=CLAIMS)


def opened(kind: type[Any]) -> tuple[State, Listing, list[int]]:
    """A told perpetual, and a market in the instrument on its index."""
    instrument = kind()
    perp = Market(name="PERP", oracle=Told(max_age=1e9), venue=OraclePool(), funding=Unfunded())
    if instrument.claims():
        market = Market(name="M", instrument=instrument, venue=OraclePool(), funding=Unfunded(), index="PERP")
    else:
        market = Market(name="M", instrument=instrument, venue=ConstantProduct())
    state, traders = open_world(Exchange(markets=(perp, market), vault=Vault(), surfaces=(Surface(),)))
    return state, state.listings[0][1], traders


@EACH
def test_it_is_a_frozen_value_that_can_be_had_without_arguments(kind: type[Any]) -> None:
    assert kind() == kind()
    assert hash(kind()) == hash(kind())
    with pytest.raises(dataclasses.FrozenInstanceError):
        kind().base = "BTC"
    with pytest.raises(ValueError, match="decimals = 12: allowed 0 to 9"):
        kind(decimals=12)


@EACH
def test_what_it_needs_to_open_is_no_less_than_to_keep_and_none_of_it_is_negative(kind: type[Any]) -> None:
    state, listing, _ = opened(kind)
    instrument = state.market(listing).instrument
    for index in (0.01 * PRICE, 0.5 * PRICE, PRICE, 1.1 * PRICE, 9.0 * PRICE):
        price = instrument.price(state, listing, index)
        asked = [
            instrument.needs(state, listing, price, index, Asked(which, share))
            for which, share in ((0, 0.1), (1, 0.05))
        ]
        for opening, keeping in zip(*asked, strict=True):
            assert opening >= keeping >= 0.0
        assert max(asked[1]) > 0.0


@EACH_CLAIM
def test_revaluing_where_nothing_moves_gives_the_price(kind: type[Any]) -> None:
    state, listing, _ = opened(kind)
    instrument = state.market(listing).instrument
    for time in (0.0, 6.9 * 86_400.0, 7 * 86_400.0 - 60.0, 9e9):
        state.time = time
        found = instrument.revalue(state, listing, PRICE, np.zeros(3), np.ones(3))
        assert found.tolist() == [instrument.price(state, listing, PRICE)] * 3


@EACH_CLAIM
def test_equity_sums_to_zero_and_what_is_bought_is_worth_its_mark(kind: type[Any]) -> None:
    state, listing, (trader, other, *_) = opened(kind)
    house, witness = state.houses[0], Witness(state)
    witness.does(exchange.trade, trader, listing, trader, 3 * COIN + 1)
    witness.does(exchange.trade, other, listing, other, -COIN)
    for index in (0.5, 0.98, 1.0, 1.5):
        tell(state, PRICE * index)
        margin = state.exchange(house).margin
        worth, _ = margin.standings(state, house, Threshold.MAINTENANCE)
        assert abs(worth.sum()) < 1e-6
        quote, cash = (int(state.ledger.balance[row, trader]) for row in (listing.quote, house.cash))
        mark = read_mark(state, listing).value
        assert worth[trader] == pytest.approx((3 + 1e-8) * mark + (quote + cash) / CASH, abs=1e-6)


@EACH_CLAIM
def test_a_vaults_share_is_priced_at_the_mark(kind: type[Any]) -> None:
    state, listing, (trader, *_) = opened(kind)
    house = state.houses[0]
    exchange.trade(state, listing, trader, -5 * COIN)
    tell(state, 1.3 * PRICE)
    held = state.ledger.balance[:, house.vault]
    worth = (
        held[listing.size] * read_mark(state, listing).value / COIN + (held[listing.quote] + held[house.cash]) / CASH
    )
    assert exchange.vault_total(state, house) / CASH == pytest.approx(worth, abs=1e-4)


@EACH_CLAIM
def test_a_bankrupt_position_is_closed_at_the_mark(kind: type[Any]) -> None:
    state, listing, (trader, keeper, *_) = opened(kind)
    house = state.houses[0]
    exchange.withdraw(state, house, trader, 97_000 * CASH)
    exchange.trade(state, listing, trader, -8 * COIN)
    state.finalise()
    tell(state, 1.4 * PRICE)
    done = exchange.liquidate(state, listing, keeper, trader)
    mark = read_mark(state, listing).value
    assert done.notional / CASH == pytest.approx(8 * mark, rel=0.02)
    assert done.deficit > 0
    assert state.ledger.balance[house.cash, trader] == 0
    laws.check(state)


@EACH_CLAIM
def test_it_ends_when_it_says_and_not_before(kind: type[Any]) -> None:
    state, listing, (trader, *_) = opened(kind)
    instrument, row = state.market(listing).instrument, listing.size
    exchange.trade(state, listing, trader, COIN)
    for time in (1.0, min(instrument.expires(), 1e9) - 1.0):
        state.time = time
        tell(state, PRICE)
        exchange.close_block(state)
        assert state.ledger.balance[row, trader] == COIN
    state.time += 2.0
    exchange.close_block(state)
    laws.check(state)
    assert (state.ledger.balance[row, trader] == 0) == (instrument.expires() < NEVER)
