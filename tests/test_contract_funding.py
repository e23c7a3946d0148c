"""What every funding rule promises: what is paid is received, and how often blocks come does not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from machine import COIN, Witness, exchange_for, market_for, open_world, tell

from experiments.codec import variants
from protocol import exchange
from protocol.clearing import opened, settle_funding
from protocol.exchange.checks import desk_of
from protocol.funding.base import Funding
from protocol.margins.base import Threshold
from protocol.oracles.base import read_index
from protocol.state import Listing, State
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.virtual_amm import VirtualAmm

DAY = 86_400.0
RULES = variants(Funding)
CASES = [pytest.param(kind, id=name) for name, kind in RULES.items()]


def skewed(kind: type[Any]) -> tuple[State, Listing, list[int]]:
    """Longs of 12 against shorts of 5 coins, and a first block closed a day after."""
    venue = OraclePool() if kind.reads == "reserve" else VirtualAmm()
    state, traders = open_world(exchange_for(venue, markets=(market_for(venue, funding=kind()),)))
    listing = state.listings[0][0]
    for trader, size in zip(traders, (9 * COIN + 1, 3 * COIN, -5 * COIN - 7), strict=False):
        exchange.trade(state, listing, trader, size)
    pass_time(state, 0.0, 1)
    pass_time(state, DAY, 1)
    return state, listing, traders


def pass_time(state: State, seconds: float, blocks: int) -> None:
    start = state.time
    for block in range(blocks):
        state.time = start + seconds * (block + 1) / blocks
        tell(state, 2_000.0)
        exchange.close_block(state)


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("blocks", [1, 97])
def test_what_is_paid_is_received_to_the_unit(kind: type[Any], blocks: int) -> None:
    state, listing, traders = skewed(kind)
    house, margin = listing.house, state.exchange(listing.house).margin
    pass_time(state, DAY, blocks)
    worth, _ = margin.standings(state, house, Threshold.INITIAL)
    assert abs(worth.sum()) < 1e-6

    witness = Witness(state)
    for trader in traders[:3]:  # touching an account settles it, and leaves its worth alone
        before = margin.standing(state, house, Threshold.INITIAL, trader)[0]
        mark = state.mark()
        state.ledger.reserve(2)
        desk = desk_of(state, listing, np.zeros(2), 0.0, 0.0, 2_000.0)
        settle_funding(opened(tuple(desk)), trader)
        after = margin.standing(state, house, Threshold.INITIAL, trader)[0]
        assert after == pytest.approx(before, abs=1e-8)
        index = state.tables[listing.path + ".funding"][0] * listing.price_scale
        owed = state.ledger.balance[listing.size, trader] * index - state.ledger.balance[listing.funding, trader]
        assert -1.0 <= owed <= 0.0
        state.rewind(mark)
        size = int(state.ledger.balance[listing.size, trader])
        assert isinstance(witness.does(exchange.trade, trader, listing, trader, -size), exchange.Fill)
    assert not state.ledger.balance[listing.size].any()
    assert np.abs(state.ledger.balance[listing.funding, traders]).max() <= 1
    fund = state.ledger.balance[:, listing.fund]
    assert fund[house.cash] + fund[listing.funding] == 0


def later(state: State, seconds: float) -> State:
    copy = state.save()
    copy.time += seconds
    return copy


@pytest.mark.parametrize("kind", CASES)
def test_a_constant_rate_accrues_alike_in_one_block_and_in_a_thousand(kind: type[Any]) -> None:
    tried = 0
    for flatten in (False, True):
        state, listing, traders = skewed(kind)
        if flatten:
            exchange.trade(state, listing, traders[3], -7 * COIN + 6)
            pass_time(state, 1.0, 1)
        price = read_index(state, listing).value
        rule = state.market(listing).funding
        rate = state.tables[listing.path + ".funding"][1]
        then = [rule.rate(later(state, elapsed), listing, price, elapsed) for elapsed in (1.0, 1_000.0)]
        if then != pytest.approx([rate, rate], rel=1e-12, abs=0.0):
            continue  # not constant here
        tried += 1
        often = state.save()
        pass_time(state, 1_000.0, 1)
        pass_time(often, 1_000.0, 1_000)
        once, many = (copy.tables[listing.path + ".funding"][0] for copy in (state, often))
        assert many == pytest.approx(once, rel=1e-10)
    assert tried


BETWEEN_SIDES = [case for case in CASES if case.id != "Unfunded" and RULES[case.id].reads != "reserve"]


@pytest.mark.parametrize("kind", BETWEEN_SIDES)
def test_the_crowded_side_pays(kind: type[Any]) -> None:
    state, listing, _ = skewed(kind)
    assert state.tables[listing.path + ".funding"][1] > 0


def test_micro_blocks_pay_what_one_long_block_pays() -> None:
    """Paid block by block in whole units, a basis point in eight hours would round to nothing: accrual is lazy."""
    kind = RULES["Premium"]
    state, listing, traders = skewed(kind)
    often = state.save()
    pass_time(state, 28_800.0, 1)
    pass_time(often, 28_800.0, 28_800 // 4)
    paid = []
    for copy in (state, often):
        size = int(copy.ledger.balance[listing.size, traders[0]])
        exchange.trade(copy, listing, traders[0], -size)
        paid.append(int(copy.ledger.balance[listing.house.cash, traders[0]]))
    assert paid[0] == pytest.approx(paid[1], abs=1)
