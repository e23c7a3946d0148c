"""What a lot in a falling auction is worth to somebody who would carry it, now and later.

A taker values the lot at the reference mid less its own cost, and takes as soon as waiting for a lower price would, by its
own belief about rivals, bring less: profit now against profit n blocks on times the chance that nobody has come by then.
The belief is learned from what became of the lots it waited for.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from agents.player import Player
from agents.view import View
from protocol import exchange
from protocol.auction_transactions import Take
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.base import Liquidation
from protocol.liquidations.cases import case_of
from protocol.liquidations.dutch import Dutch
from protocol.liquidations.lots import Lot, lot_of
from protocol.liquidations.staged import Staged
from protocol.state import Listing

AHEAD = (1, 2, 4, 8, 16, 32, 64)  # blocks it looks ahead
PARTS = (1.0, 0.5, 0.25, 0.1)  # of what may be taken: the largest that it can carry is what it takes


class Taking(NamedTuple):
    """A lot that may be had. Cash coins; `now` and `later` for a base coin, at the next block and each of `AHEAD` after it."""

    listing: Listing
    account: int
    most: int  # units
    worth: float  # of a base coin, to the taker
    now: float
    later: tuple[float, ...]

    def profit(self, each: float, gas: float) -> float:
        """Of the whole, less gas."""
        return each * self.most / self.listing.size_scale - gas

    def waiting(self, keep: float, gas: float) -> float:
        """Of the best moment to come, if a lot is still there after a block with the chance `keep`."""
        return max(keep**blocks * self.profit(each, gas) for blocks, each in zip(AHEAD, self.later, strict=True))


def worth_to(view: View, lot: Lot, cost: float) -> float:
    """What a base coin of the lot is worth to somebody whose cost of carrying and unwinding is `cost`, a share of the mid."""
    mid = view.reference(view.state.market(lot.listing).instrument.base)
    return mid * (1.0 - lot.side * cost)


def falling(rule: Liquidation) -> Dutch | Staged | None:
    """The rule, or the one inside it, by which auctions fall, if it is one."""
    rule = rule.inner if isinstance(rule, Backstop) else rule
    return rule if isinstance(rule, Dutch | Staged) else None


def taking(view: View, me: Player, listing: Listing, account: int, cost: float) -> Taking | None:
    """What may be had of a running auction, if any."""
    state = view.state
    rule = falling(state.exchange(listing.house).liquidation)
    if rule is None or account == me.account:
        return None
    lot, case = lot_of(state, listing, account), case_of(state, listing, account)
    if lot is None or case is None:
        return None
    plan = rule.plan(state, listing, account)
    if plan is None or rule.stale(case, view.seal):
        return None
    worth = worth_to(view, lot, cost)
    interval = state.rules.chains[listing.house.chain].blocks.interval

    def gain(time: float) -> float:
        return -math.inf if rule.stale(case, time) else lot.side * (worth - rule.asks(state, lot, case, time))

    later = tuple(gain(view.seal + blocks * interval) for blocks in AHEAD)
    return Taking(listing, account, abs(plan.size), worth, gain(view.seal), later)


def carried(view: View, me: Player, lot: Taking) -> tuple[Take, float] | None:
    """The largest part that it can carry, by simulation, and the base coins of it. None: not even the smallest."""
    whole = abs(view.balance(lot.listing.size, lot.account))
    for part in PARTS:
        most = whole if part == 1.0 else max(1, int(lot.most * part))
        done, _ = view.simulate(Take(lot.listing, me.account, lot.account, most))
        if isinstance(done, exchange.Liquidated):
            return Take(lot.listing, me.account, lot.account, most, lot.worth), done.taken / lot.listing.size_scale
    return None


def affordable(view: View, me: Player, listing: Listing, gas: int, tip: float) -> float:
    """As much of `tip` as its wallet can pay for so much gas beside the base fee; below zero: it cannot even pay that."""
    purse = view.balance(listing.house.token, me.account) / listing.house.cash_scale
    return min(tip, purse / gas - view.fee(listing))


def rivalry(me: Player, prior: float) -> float:
    """The chance that a lot one waits for is gone by the next block: `prior` counts for two lots."""
    lost, kept = me.memory.get("lost", 0), me.memory.get("kept", 0)
    return float((lost + 2.0 * prior) / (lost + kept + 2.0))


def look_back(me: Player, view: View) -> None:
    """Count what became of the lots it waited for."""
    waited: dict[tuple[Listing, int], tuple[int, float]] = me.memory.pop("waited", {})
    for (listing, account), (size, opened) in waited.items():
        case, lot = case_of(view.state, listing, account), lot_of(view.state, listing, account)
        gone = case is None or lot is None or (case.opened == opened and abs(lot.size) < abs(size))
        what = "lost" if gone else "kept"
        me.memory[what] = me.memory.get(what, 0) + 1


def wait_for(me: Player, view: View, listing: Listing, account: int) -> bool:
    """Remember a lot that one leaves for later; whether it is the first time."""
    case = case_of(view.state, listing, account)
    if case is None:
        return False
    me.memory.setdefault("waited", {})[listing, account] = (view.balance(listing.size, account), case.opened)
    known: set[tuple[str, int, float]] = me.memory.setdefault("put off", set())
    key = (listing.path, account, case.started)
    first = key not in known
    known.add(key)
    return first
