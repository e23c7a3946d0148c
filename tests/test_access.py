"""Access: a gate admits holders of a credential, lets everybody out, and touches nobody's money."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, exchange_for, market_for, open_world, quote_book, tell

from experiments.codec import variants
from protocol import exchange
from protocol.access import Access, Credentialed
from protocol.clearing import Batch
from protocol.errors import NotAdmitted, NotAllowed, NothingToDo
from protocol.ledger import WORLD
from protocol.liquidations.partial import Partial
from protocol.motions import Grant, Revoke
from protocol.state import State
from protocol.vault import Vault
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.order_book import OrderBook
from protocol.venues.virtual_amm import VirtualAmm

VENUES = OraclePool(), VirtualAmm(), OrderBook(), ConstantProduct()
POOL, AMM, BOOK, SPOT, OPEN = range(5)


def gated() -> tuple[State, int, list[int]]:
    """A gated market of each kind, a gated vault, and one market for everybody."""
    gate = Credentialed("PASS")
    markets = [market_for(venue, name=f"m{number}", access=gate) for number, venue in enumerate(VENUES)]
    markets.append(market_for(VirtualAmm(), name="open"))
    rules = exchange_for(markets=tuple(markets), vault=Vault(access=gate), liquidation=Partial())
    state, (authority, *traders) = open_world(rules, traders=6)
    exchange.authorise(state, "PASS", authority)
    return state, authority, traders


@pytest.mark.parametrize("market", [POOL, AMM, BOOK, SPOT])
def test_a_gated_market_fills_holders_of_its_credential_only(market: int) -> None:
    state, authority, (maker, holder, other, *_) = gated()
    listing = state.listings[0][market]
    for account in (maker, holder):
        Grant(authority, "PASS", account).apply(state)
    quote_book(state, listing, [maker])
    for verb in (exchange.trade, lambda *a: exchange.fill(a[0], a[1], Batch(np.array([a[2]]), np.array([a[3]]), NAN))):
        assert verb(state, listing, holder, COIN)
    with pytest.raises(NotAdmitted, match=f"market=m{market}"):
        exchange.trade(state, listing, other, COIN)
    exchange.trade(state, state.listings[0][OPEN], other, COIN)


NAN = np.array([np.nan])


def test_in_a_batch_only_the_orders_of_holders_are_filled() -> None:
    state, authority, (holder, other, *_) = gated()
    exchange.grant(state, authority, "PASS", holder)
    listing = state.listings[0][AMM]
    batch = Batch(np.array([other, holder, other, holder]), np.full(4, COIN), np.full(4, np.nan))
    fills = exchange.fill(state, listing, batch)
    assert fills.code.tolist() == [NotAdmitted.code, 0, NotAdmitted.code, 0]
    assert state.ledger.balance[listing.size, [holder, other]].tolist() == [2 * COIN, 0]


def test_a_gate_also_stands_before_posting_providing_and_investing() -> None:
    state, authority, (holder, other, *_) = gated()
    exchange.grant(state, authority, "PASS", holder)
    listings = state.listings[0]
    for verb in (
        lambda who: exchange.post(state, listings[BOOK], who, COIN, PRICE - 1),
        lambda who: exchange.provide(state, listings[SPOT], who, 1_000 * CASH),
        lambda who: exchange.invest(state, state.houses[0], who, 1_000 * CASH),
    ):
        with pytest.raises(NotAdmitted):
            verb(other)
        assert verb(holder) > 0


def test_being_admitted_moves_nothing_but_the_credential() -> None:
    state, authority, (holder, *_) = gated()
    before = state.ledger.balance.copy()
    exchange.grant(state, authority, "PASS", holder)
    row = state.ledger.row["PASS"]
    moved = np.argwhere(state.ledger.balance != before)
    assert moved.tolist() == [[row, WORLD], [row, holder]]
    assert state.ledger.assets[row].is_token
    Revoke(authority, "PASS", holder).apply(state)
    assert np.array_equal(state.ledger.balance, before)


def test_only_the_authority_gives_and_takes_and_only_what_is_to_be_given_or_taken() -> None:
    state, authority, (holder, other, *_) = gated()
    for verb in (exchange.grant, exchange.revoke):
        with pytest.raises(NotAllowed):
            verb(state, other, "PASS", holder)
    with pytest.raises(NothingToDo):
        exchange.revoke(state, authority, "PASS", holder)
    exchange.grant(state, authority, "PASS", holder)
    with pytest.raises(NothingToDo):
        exchange.grant(state, authority, "PASS", holder)
    with pytest.raises(NothingToDo):
        exchange.authorise(state, "VISA", authority)


def test_who_has_lost_the_credential_may_close_and_withdraw_but_not_turn_round() -> None:
    state, authority, (holder, *_) = gated()
    exchange.grant(state, authority, "PASS", holder)
    pool, _, book, spot, _ = state.listings[0]
    exchange.trade(state, pool, holder, 10 * COIN)
    order = exchange.post(state, book, holder, COIN, PRICE - 1)
    shares = exchange.provide(state, spot, holder, 1_000 * CASH)
    stake = exchange.invest(state, state.houses[0], holder, 1_000 * CASH)
    exchange.revoke(state, authority, "PASS", holder)
    for size in (COIN, -11 * COIN):
        with pytest.raises(NotAdmitted):
            exchange.trade(state, pool, holder, size)
    twice = Batch(np.array([holder, holder]), np.full(2, -8 * COIN), np.full(2, np.nan))
    assert exchange.fill(state, pool, twice).code.tolist() == [0, NotAdmitted.code]
    exchange.trade(state, pool, holder, -2 * COIN)
    exchange.cancel(state, book, holder, order)
    exchange.remove(state, spot, holder, shares)
    exchange.divest(state, state.houses[0], holder, stake)
    assert state.ledger.balance[pool.size, holder] == 0


def test_a_keeper_takes_over_a_gated_position_with_a_credential_only() -> None:
    state, authority, (holder, keeper, *_) = gated()
    exchange.grant(state, authority, "PASS", holder)
    pool = state.listings[0][POOL]
    exchange.trade(state, pool, holder, 400 * COIN)
    tell(state, PRICE * 0.83)
    mark = state.mark()
    with pytest.raises(NotAdmitted):
        exchange.liquidate(state, pool, keeper, holder)
    state.rewind(mark)
    exchange.grant(state, authority, "PASS", keeper)
    assert exchange.liquidate(state, pool, keeper, holder).taken > 0


@pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in variants(Access).items()])
def test_every_rule_of_admission_judges_without_a_trace_and_opens_the_tokens_it_asks_for(kind: type[Access]) -> None:
    rule = kind()
    state, traders = open_world(exchange_for(markets=(market_for(VirtualAmm(), access=rule),)))
    assert set(rule.credentials()) <= set(state.ledger.row)
    before = state.digest()
    assert rule.admits(state, np.array(traders)).shape == (len(traders),)
    assert state.digest() == before


def test_a_credential_must_have_a_name() -> None:
    for name in ("", "a.b"):
        with pytest.raises(ValueError, match="credential"):
            Credentialed(name)
    assert replace(Credentialed(), credential="KYC").credentials() == ("KYC",)
