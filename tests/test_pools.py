"""A pool pays its protocol a part of what fees have added, when somebody comes or goes, and nobody else less than that."""

import pytest
from machine import CASH, COIN, PRICE, exchange_for, open_world

from protocol import exchange, laws
from protocol.ledger import WORLD
from protocol.venues.constant_product import ConstantProduct, cut_shares


def opened(parts):
    state, traders = open_world(exchange_for(ConstantProduct(protocol_parts=parts)))
    listing = next(listing for listing in state.listings[0] if listing.size < 0)
    return state, listing, traders


def earn(state, listing, trader):
    for _ in range(20):
        exchange.trade(state, listing, trader, 50 * COIN)
        exchange.trade(state, listing, trader, -50 * COIN)


def treasury(state, listing):
    return int(state.ledger.balance[listing.share, listing.house.treasury])


def test_the_protocol_gets_a_sixth_of_what_fees_added_to_the_root_and_providers_the_rest():
    state, listing, (trader, provider, *_) = opened(6)
    venue = state.market(listing).venue
    before, supply = venue.root(state, listing), -int(state.ledger.balance[listing.share, WORLD])
    earn(state, listing, trader)
    grown = venue.root(state, listing)
    exchange.provide(state, listing, provider, 1_000 * CASH)
    minted = treasury(state, listing)
    assert minted == cut_shares(before, grown, supply, 6) > 0
    assert minted / (supply + minted) * grown == pytest.approx((grown - before) / 6, rel=1e-6)


def test_nothing_is_owed_twice_nor_without_fees():
    state, listing, (trader, provider, *_) = opened(6)
    exchange.provide(state, listing, provider, 1_000 * CASH)
    assert treasury(state, listing) == 0
    earn(state, listing, trader)
    shares = exchange.provide(state, listing, provider, 1_000 * CASH)
    once = treasury(state, listing)
    exchange.remove(state, listing, provider, shares)
    assert treasury(state, listing) == once > 0


def test_coming_and_going_lowers_no_share_though_the_protocol_is_paid():
    state, listing, (trader, provider, *_) = opened(6)
    earn(state, listing, trader)
    before = laws.snapshot(state)
    exchange.provide(state, listing, provider, 1_000 * CASH)
    assert treasury(state, listing) > 0
    assert laws.share_prices_do_not_fall(before, laws.Deed("provide", provider, False), state) == []


def test_a_pool_without_a_part_for_the_protocol_mints_it_nothing():
    state, listing, (trader, provider, *_) = opened(0)
    earn(state, listing, trader)
    exchange.provide(state, listing, provider, 1_000 * CASH)
    assert treasury(state, listing) == 0


@pytest.mark.parametrize("parts", [-1, 1])
def test_a_part_that_is_none_or_all_is_refused(parts):
    with pytest.raises(ValueError, match=f"protocol_parts = {parts}: must be"):
        ConstantProduct(protocol_parts=parts)


def test_the_price_is_left_alone():
    state, listing, _ = opened(6)
    assert state.market(listing).venue.mid(state, listing) == pytest.approx(PRICE, rel=1e-6)
