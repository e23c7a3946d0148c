"""The flash push: borrow, move the pool that an oracle reads, take what the index honours, pay back: one transaction.

Two things may honour a pushed index. A vault that trades at it: open a position, push the pool, close the position, sell the
push back (bZx, February 2020; Harvest, October 2020, was the same with shares for positions). Or a loan pool that lends on it:
buy the pool up, pledge what was bought at the index this made, borrow more cash than it had cost, and never come back (bZx, 18
February 2020: 1,099,841 sUSD bought up to 2.5 times their worth, 6,799 ETH borrowed on them, 2,381 ETH earned; Cheese Bank,
Inverse). A pool of reserve y bought up by a factor r costs y (sqrt(r) - 1), and what it gives is worth y sqrt(r) (sqrt(r) - 1)
at its own mid: lent against with haircut h, that pays from r = 1 / (1 - h)^2.

It needs no capital but gas: principal and fee come out of the loot. It simulates each candidate, so estimate and outcome
differ only by what comes between; a check at the end of the bundle makes what does not pay cost its gas alone. Stopped by an
index that no trade of the same transaction moves (a window), by a guard on the largest move, and by nobody lending so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.attacks.base import Attack
from agents.attacks.bundling import Kept, Offer, WithdrawMost, left_with, offers
from agents.attacks.pushing import PUSHES, push_costs, units_to
from agents.attacks.seats import pool_of, seats
from agents.attacks.sizing import largest
from agents.player import Action, Player
from agents.view import View
from protocol.appraisal import token_price
from protocol.loan_transactions import Borrow, FlashLoan, Pledge
from protocol.oracles.base import Status
from protocol.state import Lender, Listing, Pledgeable, State
from protocol.transactions import Bundle, Deposit, Trade, Transaction

if TYPE_CHECKING:
    from agents.game import Game

TRIED = 6  # candidates simulated a thought, those that look best


class Candidate(NamedTuple):
    """A way to do it. Cash in coins."""

    expected: float  # roughly, before it is simulated
    push: float  # the mid is to stand at 1 + push times its own
    units: int  # of cash to borrow
    parts: tuple[Transaction, ...]
    offer: Offer


@dataclass(frozen=True)
class FlashPush(Attack):
    """Takes all it can get, with nothing of its own but gas; thinks every `ponder` seconds, and rests for `rest` after a push."""

    capital: float = 1_000.0
    latency: float = 0.05
    tip: float = 5e-9
    ponder: float = 60.0
    rest: float = 3_600.0

    def mistakes(self) -> list[str]:
        """Rest is a time."""
        return super().mistakes() + ([] if self.rest >= 0 else [f"rest = {self.rest}: must be 0 or more seconds"])

    def prepare(self, me: Player, game: Game) -> None:
        """The first thought comes at once."""
        me.memory.update(listing=game.listing(self.market, self.exchange), until=0.0, next=0.0, sent=None)

    def surface(self, state: State, listing: Listing) -> str:
        """Capital for one transaction, an index that a trade moves within it, and somebody who honours that index."""
        house = listing.house
        if pool_of(state, listing) is None:
            return "no trade moves this index within a transaction"
        if state.market(listing).venue.counterparty != "vault" and seats(state, listing) is None:
            return "nobody trades or lends at this index"
        return "" if offers(state, house.chain, house.token) else "nobody lends for one transaction"

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Look at what came of the last, or think of another."""
        memory, listing = me.memory, me.memory["listing"]
        if view.state.time < memory["until"] or view.time < memory["next"]:
            return ()
        if memory["sent"] is not None:
            before, estimate = memory["sent"]
            realised = (view.balance(listing.house.token, me.account) - before) / listing.house.cash_scale
            self.over(me, view, realised=realised, estimate=estimate)
            memory.update(sent=None, next=view.time + self.rest)
            return ()
        memory["next"] = view.time + self.ponder
        if lacks := self.surface(view.state, listing):
            self.decline(me, view, lacks)
            return ()
        return self._ponder(me, view, listing)

    def _ponder(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        pool, house = pool_of(view.state, listing), listing.house
        if pool is None or view.index(listing).status != Status.FRESH:
            self.decline(me, view, "no usable index")
            return ()
        before = view.balance(house.token, me.account)
        best, gain = None, -math.inf
        for one in sorted(self.candidates(me, view, listing, pool), key=lambda one: -one.expected)[:TRIED]:
            loan = one.offer.loan(me.account, one.units, one.parts)
            left = left_with(view, loan, me.account, house.token)
            if left is not None and left - before > gain:
                best, gain = (one, loan), float(left - before)
        if best is None:
            self.decline(me, view, "no push goes through")
            return ()
        return self._send(me, view, listing, *best, gain / house.cash_scale)

    def _send(
        self, me: Player, view: View, listing: Listing, one: Candidate, loan: FlashLoan, gain: float
    ) -> Iterable[Action]:
        house, before = listing.house, view.balance(listing.house.token, me.account)
        fee = one.offer.rules.charge(one.units) / house.cash_scale
        least = before + int(self.least_profit * house.cash_scale)
        bundle = Bundle(me.account, (loan, Kept(me.account, house.token, least)))
        gas = bundle.gas * (view.fee(listing) + self.tip)
        numbers = {"push": one.push, "borrowed": one.units / house.cash_scale, "fee": fee}
        estimate, cost = gain - gas, gas + fee
        if estimate - (self.caution - 1.0) * cost < self.least_profit:
            self.decline(me, view, "does not pay", estimate=estimate, cost=cost, **numbers)
            return ()
        me.memory.update(sent=(before, estimate), until=view.seal)
        self.launch(me, view, estimate=estimate, cost=cost, stake=gas, **numbers)
        return (me.send(bundle),)

    # ------------------------------------------------------------------ what could be done

    def candidates(self, me: Player, view: View, listing: Listing, pool: Listing) -> list[Candidate]:
        """Every push that somebody's capital reaches, and what it would roughly bring."""
        spend, base, _, fees = push_costs(view, pool, 1, view.mid(pool))
        found = []
        for offer in offers(view.state, listing.house.chain, listing.house.token):
            has = offer.units / listing.house.cash_scale
            for row in np.flatnonzero((spend > 0) & (spend < has)).tolist():
                push = Push(pool, float(PUSHES[row]), float(spend[row]), float(base[row]), float(fees[row]))
                if view.state.market(listing).venue.counterparty == "vault":
                    found += self._position(me, view, listing, offer, push, has)
                if (where := seats(view.state, listing)) is not None:
                    found += self._loan(me, view, where, offer, push)
        return found

    def _position(
        self, me: Player, view: View, listing: Listing, offer: Offer, push: Push, has: float
    ) -> list[Candidate]:
        """A long of the vault's, opened before the push and closed after it."""
        house, market, index = listing.house, view.state.market(listing), view.index(listing).value
        till = view.balance(house.token, house.custody) / house.cash_scale
        units = units_to(view, push.pool, view.mid(push.pool), view.mid(push.pool) * (1.0 + push.move))
        found = []
        for money in (0.95 * (has - push.spend), 0.2 * (has - push.spend), 0.04 * (has - push.spend)):
            size = 0.97 * largest(view, listing, 1, money, index)
            fee = offer.rules.fee * (money + push.spend)
            left = till - (money + push.spend if offer.lender is None and offer.house == house else 0.0)
            gain = min(size * index * push.move, left) - size * index * 2.0 * market.fee * (1.0 + push.move)
            lot = int(size * listing.size_scale)
            parts = (
                Deposit(house, me.account, int(money * house.cash_scale)),
                Trade(listing, me.account, lot),
                Trade(push.pool, me.account, units),
                Trade(listing, me.account, -lot),
                Trade(push.pool, me.account, -units),
                WithdrawMost(house, me.account),
            )
            borrowed = int((money + 1.01 * push.spend) * house.cash_scale)
            if lot > 0 and units > 0 and borrowed <= offer.units:
                found.append(Candidate(gain - push.fees - fee, push.move, borrowed, parts, offer))
        return found

    def _loan(
        self, me: Player, view: View, where: tuple[Pledgeable, Lender], offer: Offer, push: Push
    ) -> list[Candidate]:
        """What was bought up pledged at the pushed index, and cash borrowed against it for good."""
        (seat, lender), state, house = where, view.state, where[0].house
        units = units_to(view, push.pool, view.mid(push.pool), view.mid(push.pool) * (1.0 + push.move))
        rules = state.exchange(house).collateral[seat.index]
        index = token_price(state, house, seat.token).value * (1.0 + push.move)
        borrowed = min(int(1.01 * push.spend * house.cash_scale), offer.units)
        tokens = view.balance(lender.token, lender.account) - (borrowed if offer.lender == lender else 0)
        worth = 0.98 * (1.0 - rules.initial) * index * units / seat.scale * house.cash_scale
        taken = min(int(worth), tokens)
        if units <= 0 or taken <= 0 or units > rules.cap * seat.scale:
            return []
        parts = (
            Trade(push.pool, me.account, units),
            Pledge(seat, me.account, units),
            Borrow(lender, me.account, taken),
        )
        gain = taken / house.cash_scale - push.spend - offer.rules.fee * borrowed / house.cash_scale
        return [Candidate(gain, push.move, borrowed, parts, offer)]


class Push(NamedTuple):
    """A pool bought up by `move`, relative; cash and base in coins. `fees`: of the pool, there and back."""

    pool: Listing
    move: float
    spend: float
    base: float
    fees: float
