"""What a lot in a falling auction is worth to somebody who would carry it, now and later.

A taker values the lot at the reference mid less its own cost, and takes as soon as waiting for a lower price would, by its
own belief about rivals, bring less: profit now against profit at the next block times the chance that nobody else comes.
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
from protocol.liquidations.cases import case_of
from protocol.liquidations.dutch import Dutch
from protocol.liquidations.lots import Lot, lot_of
from protocol.liquidations.staged import Staged
from protocol.state import Listing
from protocol.transactions import GAS

PARTS = (1.0, 0.5, 0.25, 0.1)  # of what may be taken: the largest that it can carry is what it takes


class Taking(NamedTuple):
    """A take that is possible. Cash coins."""

    transaction: Take
    profit: float  # now, gas paid at the base fee
    later: float  # at the next block, were it still there


def worth_to(view: View, lot: Lot, cost: float) -> float:
    """What a base coin of the lot is worth to somebody whose cost of carrying and unwinding is `cost`, a share of the mid."""
    mid = view.reference(view.state.market(lot.listing).instrument.base)
    return mid * (1.0 - lot.side * cost)


def taking(view: View, me: Player, listing: Listing, account: int, cost: float) -> Taking | None:
    """The best that can be had of a running auction: none, if there is none or nothing of it can be carried."""
    state = view.state
    rule = state.exchange(listing.house).liquidation
    rule = rule.inner if isinstance(rule, Backstop) else rule
    lot, case = lot_of(state, listing, account), case_of(state, listing, account)
    if not isinstance(rule, Dutch | Staged) or lot is None or case is None or account == me.account:
        return None
    plan = rule.plan(state, listing, account)
    if plan is None or rule.stale(case, view.seal):
        return None
    worth = worth_to(view, lot, cost)
    interval = state.rules.chains[listing.house.chain].blocks.interval
    gas = GAS["Take"] * view.fee(listing)
    gain = lot.side * (worth - rule.asks(state, lot, case, view.seal))
    after = lot.side * (worth - rule.asks(state, lot, case, view.seal + interval))
    if rule.stale(case, view.seal + interval):
        after = -math.inf
    for part in PARTS:
        most = abs(lot.size) if part == 1.0 else max(1, int(abs(plan.size) * part))
        done, _ = view.simulate(Take(listing, me.account, account, most))
        if isinstance(done, exchange.Liquidated):
            coins = done.taken / listing.size_scale
            return Taking(Take(listing, me.account, account, most, worth), gain * coins - gas, after * coins - gas)
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


def wait_for(me: Player, view: View, listing: Listing, account: int) -> None:
    """Remember a lot that one leaves for later."""
    case = case_of(view.state, listing, account)
    size = view.balance(listing.size, account)
    if case is not None:
        me.memory.setdefault("waited", {})[listing, account] = (size, case.opened)
