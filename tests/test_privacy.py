"""What venues seal or hide cannot be told from a view: worlds that differ in it alone look, and simulate, the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from machine import COIN, PRICE, exchange_for, market_for, only, open_world

from agents.glimpse import Glimpse
from agents.player import Player, Role
from agents.view import View
from experiments.codec import variants
from experiments.run import build, release, run
from experiments.scenario import find
from protocol import exchange
from protocol.errors import BookFull, NotAllowed
from protocol.instruments.perpetual import Perpetual
from protocol.instruments.token import Token
from protocol.margins.base import Threshold
from protocol.state import Listing, State, canonical
from protocol.transactions import Bundle, Cancel, CancelAll, Post, Trade, Transaction, Withdraw
from protocol.venues.base import Venue
from protocol.venues.batch_auction import BatchAuction
from protocol.venues.order_book import OrderBook
from protocol.venues.owners import NOBODY, Hidden, Shown

ME, OTHER, THIRD = 0, 1, 2  # seats of the test's traders


def masks_of(state: State) -> dict[str, Any]:
    return {path: mask for m in state.markets for path, mask in state.market(m).venue.masks(m).items()}


def view_of(state: State, account: int) -> View:
    """What a player without latency sees of a small world."""
    return View(SimpleNamespace(masks=masks_of), state, state.time, 0, state.time, state.time + 1.0, account=account)  # type: ignore[arg-type]


def world(venue: Venue, instrument: Any = Perpetual) -> tuple[State, Listing, list[int]]:
    markets = (market_for(venue, name="m0", instrument=instrument()),)
    state, traders = open_world(exchange_for(venue, markets=markets))
    return state, only(state)[1], traders


def probes(listing: Listing, me: int, others: list[int]) -> list[Transaction]:
    """All that somebody curious might simulate, for himself and for others."""
    own: list[Transaction] = [
        *(Trade(listing, me, side * size) for side in (1, -1) for size in (COIN // 10, COIN, 5 * COIN, 50 * COIN)),
        *(Post(listing, me, side * COIN, PRICE * (1 - side * 0.01)) for side in (1, -1)),
        *(Cancel(listing, me, order) for order in range(5)),
        CancelAll(listing, me),
        Withdraw(listing.house, me, 10_000 * 10**6),
        Bundle(me, (Trade(listing, me, COIN), Post(listing, me, COIN, PRICE * 0.9))),
    ]
    foreign = [CancelAll(listing, other) for other in others] + [Cancel(listing, other, 1) for other in others]
    return [*own, *foreign, *(Bundle(me, (probe,)) for probe in foreign)]


def everything(state: State, me: int, others: list[int]) -> list[str]:
    """All that a view of `me` tells, one line each."""
    view, listing = view_of(state, me), only(state)[1]
    seen, venue = view.state, state.market(listing).venue
    told = [f"{path}: {canonical(value)}" for path, value in sorted(seen.tables.items()) if path != "rules"]
    told += [f"mid {view.mid(listing)}", f"cost {view.cost(listing, np.array([COIN, -COIN])).tolist()}"]
    assert isinstance(venue, BatchAuction | OrderBook)
    for account in (me, *others):
        told += [f"resting {venue.resting(seen, listing, account)}"]
        told += [f"committed {[venue.committed(seen, listing, account, side) for side in (1, -1)]}"]
        if isinstance(venue, OrderBook):
            told += [f"shelf {venue.shelf(seen, listing, account)}"]
    told += [
        f"owner {[venue.owner(seen, listing, order) for order in range(5)]}",
        f"full {venue.is_full(seen, listing)}",
    ]
    told += [f"balances {state.ledger.balance.tolist()}"]
    told += [f"{probe}: {view.simulate(probe)!r}" for probe in probes(listing, me, others)]
    return told


Order = tuple[int, int, float]  # seat, coins, price


@pytest.mark.parametrize("instrument", [Perpetual, Token])
@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ((OTHER, 2, 0.99), (OTHER, 9, 1.01)),
        ((OTHER, 2, 0.99), (OTHER, -2, 1.01)),
        ((OTHER, 3, 1.0), (THIRD, 3, 1.0)),
    ],
    ids=["size and price", "side", "owner"],
)
def test_sealed_bids_cannot_be_told_apart_before_the_auction(mine: Order, theirs: Order, instrument: Any) -> None:
    told, after = [], []
    for seat, coins, share in (mine, theirs):
        state, listing, traders = world(BatchAuction(interval=12.0), instrument)
        exchange.post(state, listing, traders[ME], COIN, PRICE)
        exchange.post(state, listing, traders[seat], coins * COIN, PRICE * share)
        told.append(everything(state, traders[ME], traders[1:]))
        assert len(view_of(state, traders[ME]).state.tables[listing.path + ".bids"]) == 1
        exchange.post(state, listing, traders[3], -20 * COIN, PRICE * 0.98)
        state.time = 12.0
        exchange.close_block(state)
        after.append(state.ledger.balance.tolist())
    assert told[0] == told[1]
    assert after[0] != after[1]  # once it has cleared the ledger tells


def test_owners_of_a_hidden_book_cannot_be_told_apart_and_those_of_an_open_one_can() -> None:
    for owners in (Hidden(), Shown()):
        told = []
        for seat in (OTHER, THIRD):
            state, listing, traders = world(OrderBook(owners=owners))
            exchange.post(state, listing, traders[seat], -2 * COIN, PRICE * 1.01)
            told.append(everything(state, traders[ME], traders[1:]))
        assert (told[0] == told[1]) == (owners == Hidden())


def test_of_a_hidden_book_everybody_sees_the_depth_and_its_own_orders() -> None:
    state, listing, traders = world(OrderBook(owners=Hidden()))
    for seat in (ME, OTHER):
        exchange.post(state, listing, traders[seat], -COIN, PRICE * 1.01)
    seen = view_of(state, traders[ME]).state
    assert sorted(seen.tables[listing.path + ".book"][:, 2].tolist()) == [NOBODY, traders[ME]]
    assert len(state.market(listing).venue.resting(seen, listing, traders[ME]).order) == 1  # type: ignore[attr-defined]
    assert view_of(state, traders[ME]).cost(listing, np.array([2 * COIN]))[0] == pytest.approx(2.02 * PRICE * 10**6)


# ---------------------------------------------------------------------- what can be inferred all the same


def test_how_many_orders_were_sent_can_be_inferred_and_that_no_more_can_wait() -> None:
    state, listing, traders = world(BatchAuction(slots=1))
    probe = Post(listing, traders[ME], COIN, PRICE)
    assert view_of(state, traders[ME]).simulate(probe) == (1, None)
    exchange.post(state, listing, traders[OTHER], COIN, PRICE)
    assert state.tables[listing.path + ".orders"] == 2
    assert isinstance(view_of(state, traders[ME]).simulate(probe)[1], BookFull)


def test_on_a_hidden_book_a_trade_on_trial_tells_whether_a_maker_can_carry_its_quote() -> None:
    found = []
    for broke in (False, True):
        state, listing, traders = world(OrderBook(owners=Hidden()))
        exchange.post(state, listing, traders[OTHER], -30 * COIN, PRICE * 1.01)
        if broke:
            exchange.withdraw(state, listing.house, traders[OTHER], 99_999 * 10**6)
        found.append(view_of(state, traders[ME]).simulate(Trade(listing, traders[ME], COIN))[1] is None)
    assert found == [True, False]


# ---------------------------------------------------------------------- how it is kept


@pytest.mark.parametrize("venue", [pytest.param(kind, id=name) for name, kind in variants(Venue).items()])
def test_every_mask_is_of_a_table_that_is_there_and_leaves_it_as_it_is(venue: type[Venue]) -> None:
    state, traders = open_world(exchange_for(venue()))
    listing = only(state)[1]
    digest = state.digest()
    for path, mask in venue().masks(listing).items():
        assert canonical(mask(state.tables[path], traders[0])) == canonical(mask(state.tables[path], traders[0]))
    assert state.digest() == digest


def test_a_glimpse_cannot_be_written_to_and_shares_nothing_that_was_computed_from_what_is_masked() -> None:
    state, listing, traders = world(BatchAuction())
    exchange.post(state, listing, traders[ME], COIN, PRICE)
    path = listing.path + ".bids"
    for seat, count in ((OTHER, 0), (ME, 1)):
        seen = Glimpse(state, masks_of(state), traders[seat])
        assert seen.derived("bids", lambda seen=seen: len(seen.tables[path])) == count
    assert state.derived("bids", lambda: len(state.tables[path])) == 1
    seen = Glimpse(state, masks_of(state), traders[OTHER])
    house = listing.house
    worth = state.exchange(house).margin.standing(state, house, Threshold.INITIAL, traders[ME])
    assert seen.exchange(house).margin.standing(seen, house, Threshold.INITIAL, traders[ME]) == worth
    for write in (lambda: seen.put(path, 0), lambda: seen.edit(path), seen.mark, seen.finalise, seen.digest):
        with pytest.raises(TypeError, match="not to be written to"):
            write()
    with pytest.raises(TypeError):
        seen.tables[path] = 0


def test_where_anything_is_sealed_nobody_simulates_for_another() -> None:
    state, listing, traders = world(BatchAuction())
    view = view_of(state, traders[ME])
    for transaction in (CancelAll(listing, traders[OTHER]), Bundle(traders[ME], (CancelAll(listing, traders[OTHER]),))):
        assert isinstance(view.simulate(transaction)[1], NotAllowed)
    assert view.simulate(CancelAll(listing, traders[ME])) == (0, None)


def test_a_world_that_keeps_nothing_back_shows_the_state_itself() -> None:
    state, _, traders = world(OrderBook())
    assert view_of(state, traders[ME]).state is state


SPIED: dict[str, int] = {}


@dataclass(frozen=True)
class Spy(Role):
    """Reads every table it can, each block, and counts the bids and the names it finds."""

    def act(self, me: Player, view: View) -> tuple[()]:
        """Read."""
        for path, value in view.state.tables.items():
            if path.endswith(".bids"):
                SPIED["bids"] = SPIED.get("bids", 0) + len(value)
            if path.endswith(".book"):
                SPIED["orders"] = SPIED.get("orders", 0) + len(value)
                SPIED["names"] = SPIED.get("names", 0) + int((value[:, 2] != NOBODY).sum())
        return ()


@pytest.mark.parametrize(("name", "sees"), [("gen-fourth", {"bids": 0}), ("spot-book", {"names": 0})])
def test_a_role_that_reads_all_tables_finds_nothing_and_changes_nothing(name: str, sees: dict[str, int]) -> None:
    SPIED.clear()
    scenario = replace(find(name), duration=120.0)
    spied = run(replace(scenario, cast=(*scenario.cast, Spy(capital=0.0))))
    assert {kind: SPIED[kind] for kind in sees} == sees
    assert name != "spot-book" or SPIED["orders"] > 0
    assert spied.metrics["gain.maker" if name == "gen-fourth" else "gain.takers"] == pytest.approx(
        run(scenario).metrics["gain.maker" if name == "gen-fourth" else "gain.takers"], abs=1e-9
    )


def test_the_true_tables_hold_what_the_spy_did_not_find() -> None:
    game = build(replace(find("gen-fourth"), duration=60.0))
    waiting = 0
    while game.state.time < 60.0:
        game.step()
        waiting += sum(len(rows) for path, rows in game.state.tables.items() if path.endswith(".bids"))
    release(game)
    assert waiting > 0
