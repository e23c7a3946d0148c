"""How fast the order book is beside others from the package index: `python -m benchmarks.order_book [--quick]`.

All play one stream of orders in one process, in turn: first every fill must be the same (taker, maker, price, size), then each is
timed. The others only match. Ours also asks both sides for margin, moves positions and cash in the journaled ledger and
can take any of it back, so this is what a whole exchange costs beside a bare book. `order-matching` comes with `.[bench]`.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import statistics
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from protocol import exchange
from protocol.clearing import Batch
from protocol.genesis import genesis
from protocol.ledger import WORLD, Reason
from protocol.oracles.pull import Pull
from protocol.state import Listing, State
from protocol.venues.order_book import OrderBook
from protocol.world import Exchange, Market, World

LOT = 10**6  # units of base: a lot at a tick of 0.01 is worth whole units of cash
MIDDLE = 200_000  # ticks
STAKE = 10**15  # cash units each: nobody is ever short of margin


class Post(NamedTuple):
    """A resting order, by its number."""

    order: int
    side: int
    ticks: int
    lots: int


class Cancel(NamedTuple):
    """A resting order off the book."""

    order: int


class Take(NamedTuple):
    """An order that is filled at once, wholly; `order` is a number of its own."""

    order: int
    side: int
    ticks: int  # its limit
    lots: int


Event = Post | Cancel | Take
Fill = tuple[int, int, int, int]  # taker's order, maker's order, ticks, lots


class Mix(NamedTuple):
    """What a block of the stream consists of."""

    name: str
    posts: int
    cancels: int
    takes: int


MIXES = (Mix("mostly quotes", 20, 14, 6), Mix("even", 20, 8, 20), Mix("mostly takers", 20, 2, 200))


def stream(mix: Mix, blocks: int, seed: int = 1) -> list[Event]:
    """A stream that every book can play: no post trades at once, every take is filled, nothing is cancelled twice."""
    dice = np.random.default_rng(seed)
    rests: dict[int, list[int]] = {}  # order: [side, ticks, lots]
    events: list[Event] = []
    number, middle = 0, MIDDLE
    for block in range(blocks):
        middle += int(dice.integers(-3, 4))
        for _ in range(mix.posts if block else 40 * mix.posts):
            side = int(dice.choice((-1, 1)))
            others = [ticks for s, ticks, _ in rests.values() if s == -side]
            best = (min(others) if side > 0 else max(others)) if others else middle + side * 10_000
            ticks = middle - side * int(dice.exponential(30.0))
            ticks = min(ticks, best - 1) if side > 0 else max(ticks, best + 1)
            number += 1
            rests[number] = [side, ticks, int(dice.integers(1, 200))]
            events.append(Post(number, *rests[number]))
        for _ in range(mix.cancels):
            if len(rests) > 10 * mix.posts:
                order = int(dice.choice(list(rests)))
                del rests[order]
                events.append(Cancel(order))
        for _ in range(mix.takes):
            side = int(dice.choice((-1, 1)))
            queue = sorted((side * ticks, order) for order, (s, ticks, _) in rests.items() if s == -side)
            if len(queue) < 20:
                continue
            number += 1
            limit = queue[int(dice.integers(0, 6))][0]
            there = sum(rests[order][2] for ticks, order in queue if ticks <= limit)
            lots = left = int(dice.integers(1, max(2, min(there, 150))))
            events.append(Take(number, side, side * limit, lots))
            for _, order in queue:
                part = min(left, rests[order][2])
                rests[order][2] -= part
                left -= part
                if not rests[order][2]:
                    del rests[order]
                if not left:
                    break
    return events


# ---------------------------------------------------------------------- the books


def ours(events: list[Event]) -> Callable[[bool], list[Fill]]:
    """This project's: verbs for quotes, and one call for a run of takes, as the chain does it."""
    count = max(event.order for event in events) + 1
    rules = Exchange(markets=(Market(oracle=Pull(max_age=1e9), venue=OrderBook(slots=10**6)),))
    state = genesis(World(exchanges=(rules,)), {"ETH": MIDDLE * 0.01})
    house, listing = state.houses[0], state.listings[0][0]
    first = state.ledger.open("players", count)
    who = np.arange(first, first + count)
    for source, row, target in ((WORLD, house.token, house.custody), (house.custody, house.cash, -1)):
        to = who if target < 0 else np.full(count, target)
        state.ledger.move_many(row, np.full(count, source), to, np.full(count, STAKE // count), Reason.GENESIS)
    state.finalise()
    numbers: dict[int, int] = {}
    plan: list[Any] = []
    for event in events:
        if isinstance(event, Take):
            if plan and isinstance(plan[-1], list):
                plan[-1].append(event)
            else:
                plan.append([event])
        else:
            plan.append(event)

    def play(told: bool) -> list[Fill]:
        fills: list[Fill] = []
        for item in plan:
            if isinstance(item, Post):
                price = item.ticks * 0.01
                numbers[item.order] = exchange.post(
                    state, listing, first + item.order, item.side * item.lots * LOT, price
                )
            elif isinstance(item, Cancel):
                exchange.cancel(state, listing, first + item.order, numbers[item.order])
            else:
                batch = Batch(
                    np.array([first + one.order for one in item]),
                    np.array([one.side * one.lots * LOT for one in item]),
                    np.array([one.ticks * 0.01 for one in item]),
                )
                done = exchange.fill(state, listing, batch)
                assert not done.code.any()
                if told:
                    fills += _told(state, listing, first, {first + one.order for one in item})
                state.finalise()
        return fills

    return play


def _told(state: State, listing: Listing, first: int, takers: set[int]) -> list[Fill]:
    """Fills, as the journal has them."""
    moves = [move for move in state.ledger.moves_since(0).tolist() if move[4] == Reason.TRADE]
    sizes = [move for move in moves if move[0] == listing.size]
    dues = [move[3] for move in moves if move[0] == listing.quote]
    found = []
    for (_, src, dst, units, _), due in zip(sizes, dues, strict=True):
        taker, maker = (dst, src) if dst in takers else (src, dst)
        lots = units // LOT
        found.append((taker - first, maker - first, round(due / (units * 0.01 * listing.price_scale)), lots))
    return found


def light(events: list[Event]) -> Callable[[bool], list[Fill]]:
    """`lightmatchingengine`: one file of plain Python."""
    from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side

    engine = LightMatchingEngine()
    sides = {1: Side.BUY, -1: Side.SELL}

    def play(told: bool) -> list[Fill]:
        fills: list[Fill] = []
        numbers: dict[int, int] = {}
        back: dict[int, int] = {}
        for event in events:
            if isinstance(event, Cancel):
                engine.cancel_order(numbers[event.order], "x")
                continue
            order, trades = engine.add_order("x", event.ticks, event.lots, sides[event.side])
            numbers[event.order], back[order.order_id] = order.order_id, event.order
            if told:
                makers = [trade for trade in trades if trade.order_id != order.order_id]
                fills += [(event.order, back[one.order_id], one.trade_price, one.trade_qty) for one in makers]
        return fills

    return play


def order_matching(events: list[Event]) -> Callable[[bool], list[Fill]]:
    """`order-matching`: one order placed and matched at a time, so that each meets the book as it then is."""
    from loguru import logger
    from order_matching.enums import Side
    from order_matching.matching_engine import MatchingEngine
    from order_matching.order import LimitOrder
    from order_matching.orders import Orders

    logger.disable("order_matching")
    engine, now = MatchingEngine(seed=1), datetime(2026, 1, 1)
    sides = {1: Side.BUY, -1: Side.SELL}

    def play(told: bool) -> list[Fill]:
        fills: list[Fill] = []
        for event in events:
            if isinstance(event, Cancel):
                engine.cancel_order(str(event.order))
                continue
            name = str(event.order)
            order = LimitOrder(
                side=sides[event.side],
                price=float(event.ticks),
                size=float(event.lots),
                timestamp=now,
                order_id=name,
                trader_id=name,
            )
            engine.place(orders=Orders([order]))
            trades = engine.match(timestamp=now).trades
            if told:
                fills += [(event.order, int(one.book_order_id), int(one.price), int(one.size)) for one in trades]
        return fills

    return play


OTHERS = {"lightmatchingengine": light, "order_matching": order_matching}


def installed() -> list[str]:
    """Which of the others are here."""
    return [name for name in OTHERS if importlib.util.find_spec(name) is not None]


# ---------------------------------------------------------------------- comparing


def same_fills(mix: Mix, blocks: int, seed: int = 1) -> int:
    """How many fills the stream has; raises AssertionError where a book fills otherwise than ours."""
    events = stream(mix, blocks, seed)
    mine = ours(events)(True)
    for name in installed():
        theirs = OTHERS[name](events)(True)
        assert theirs == mine, f"{name}: {len(theirs)} fills, ours {len(mine)}"
    return len(mine)


def seconds(book: Callable[[list[Event]], Callable[[bool], list[Fill]]], events: list[Event]) -> float:
    """One play, set-up apart."""
    play = book(events)
    gc.collect()
    begun = time.perf_counter()
    play(False)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer blocks and repeats")
    quick = parser.parse_args().quick
    blocks, repeats = (10, 2) if quick else (60, 5)
    table = Table(
        "stream", "events", "fills", "book", "us an event", "ratio to ours", title="order books, identical fills"
    )
    for mix in MIXES:
        fills, events = same_fills(mix, blocks), stream(mix, blocks)
        times: dict[str, list[float]] = {name: [] for name in ("ours", *installed())}
        for _ in range(repeats):
            for name, found in times.items():  # in turn, so that whatever else the machine does slows all
                found.append(seconds(ours if name == "ours" else OTHERS[name], events))
        for name, found in times.items():
            ratio = statistics.median(theirs / mine for theirs, mine in zip(found, times["ours"], strict=True))
            each = statistics.median(found) / len(events) * 1e6
            table.add_row(mix.name, str(len(events)), str(fills), name, f"{each:.1f}", f"{ratio:.2f}")
    Console(width=110).print(table)
    if missing := [name for name in OTHERS if name not in installed()]:
        Console().print(f"not installed, and so not compared: {', '.join(missing)}")


if __name__ == "__main__":
    main()
