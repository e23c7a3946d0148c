"""The self-liquidator: it borrows with one account, makes it insolvent, and seizes its own collateral with another, at a discount.

One who seizes pays 1 / (1 + spread) of what the collateral is worth at the index. Taken from oneself that is a gift from one
pocket to the other, up to the frontier: where the debt is more than 1 / (1 + spread) of the collateral, the last of the
collateral is gone while debt is left, and the lenders write it off (Warmuz, Chaudhary, Pinna, "Toxic Liquidation Spirals",
arXiv:2212.07306; Aave's CRV market was left with 1.6 million of it, November 2022). From a loan-to-value of 1 - h a fall of the
index by x leads there if x > 1 - (1 - h)(1 + spread), and earns (1 - h) - (1 - x) / (1 + spread) of the collateral's worth.
Where a trade moves the index at once, one transaction does it all: pledge, borrow, sell the pool down, seize until nothing is
left, buy the pool back. The coins may be a flash loan; else it buys them off-chain first.

It simulates each candidate, and a check at the end makes what does not pay cost its gas alone. Stopped by a halt of seizures
at the frontier, by smaller spreads and larger haircuts (each asks for a deeper push), by an index that no trade moves at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.attacks.base import Attack
from agents.attacks.bundling import Kept, Offer, left_with, offers
from agents.attacks.pushing import PUSHES, push_costs
from agents.attacks.seats import pool_of, seats
from agents.player import Action, Player, ReferenceTrade
from agents.view import View
from protocol.appraisal import token_price
from protocol.loan_transactions import Borrow, Pledge, Seize, Transfer
from protocol.oracles.base import Status
from protocol.state import Lender, Listing, Pledgeable, State
from protocol.transactions import Bundle, Trade, Transaction

if TYPE_CHECKING:
    from agents.game import Game

CALLS = 14  # seizures in one bundle, at most
PARTS = (1.0, 0.4, 0.15)  # shares of the largest collateral that are weighed
TRIED = 6  # candidates simulated a thought, those that look best


class Candidate(NamedTuple):
    """A way to do it. Base in units, cash in coins."""

    expected: float  # roughly, before it is simulated
    fall: float  # of the index, relative
    collateral: int
    sold: int
    borrowed: int  # cash units
    calls: int  # seizures


@dataclass(frozen=True)
class SelfLiquidator(Attack):
    """Has `capital` for coins where nobody lends them; thinks every `ponder` seconds, and rests for `rest` after each round."""

    capital: float = 1_000_000.0
    latency: float = 0.05
    tip: float = 5e-9
    rest: float = 3_600.0

    def mistakes(self) -> list[str]:
        """Rest is a time."""
        return super().mistakes() + ([] if self.rest >= 0 else [f"rest = {self.rest}: must be 0 or more seconds"])

    def prepare(self, me: Player, game: Game) -> None:
        """A second account, to be ruined."""
        other = game.open(
            self.label, 0.0, 0.0, self.market, self.exchange, owner=int(game.state.ledger.owner[me.account])
        )
        listing = game.listing(self.market, self.exchange)
        own = int(game.state.ledger.balance[listing.base, me.account])
        me.memory.update(listing=listing, other=other, own=own, until=0.0, next=0.0, sent=None, stocked=False)

    def surface(self, state: State, listing: Listing) -> str:
        """Cash lent against coins whose index a trade moves within a transaction."""
        if pool_of(state, listing) is None:
            return "no trade moves this index within a transaction"
        return "" if seats(state, listing) is not None else "nothing is lent on this index"

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Think; stock up where need be; strike; sell what is left, and count."""
        memory, listing = me.memory, me.memory["listing"]
        if view.state.time < memory["until"] or view.time < memory["next"]:
            return ()
        if memory["sent"] is not None or (memory["stocked"] and self._stale(view, listing)):
            return self._finish(me, view, listing)
        lacks = self.surface(view.state, listing)
        where, pool = seats(view.state, listing), pool_of(view.state, listing)
        memory["next"] = view.time + self.ponder
        if lacks or where is None or pool is None:
            self.decline(me, view, lacks)
            return ()
        if self._stale(view, listing):
            self.decline(me, view, "no usable index")
            return ()
        return self._ponder(me, view, listing, pool, where)

    @staticmethod
    def _stale(view: View, listing: Listing) -> bool:
        return view.index(listing).status != Status.FRESH

    # ------------------------------------------------------------------ deciding

    def _ponder(
        self, me: Player, view: View, listing: Listing, pool: Listing, where: tuple[Pledgeable, Lender]
    ) -> Iterable[Action]:
        memory, house = me.memory, listing.house
        held = view.balance(listing.base, me.account)
        offer = max(offers(view.state, house.chain, listing.base), key=lambda one: one.units, default=None)
        purse = 0.95 * view.balance(house.token, me.account) / house.cash_scale
        mid = view.reference(view.state.market(listing).instrument.base)
        lent = offer.units if offer is not None else 0
        reach = max(lent, held + (0 if memory["stocked"] else int(purse / mid * listing.size_scale)))
        tried = sorted(self.candidates(view, pool, where, reach), key=lambda one: -one.expected)[:TRIED]
        best = max(tried, key=lambda one: one.expected, default=None)
        if best is None or best.expected < self.least_profit:
            self.decline(me, view, "does not pay", **({} if best is None else {"estimate": best.expected}))
            return self._finish(me, view, listing) if memory["stocked"] else ()
        if best.collateral + best.sold > max(lent, held):
            memory.update(stocked=True, until=view.seal, next=view.time)
            coins = (best.collateral + best.sold - held) / listing.size_scale
            return (ReferenceTrade(me.account, view.state.market(listing).instrument.base, 1.001 * coins),)
        return self._strike(me, view, listing, pool, where, tried, offer if lent > held else None)

    def candidates(self, view: View, pool: Listing, where: tuple[Pledgeable, Lender], reach: int) -> list[Candidate]:
        """Every fall and size that `reach` units of base allow, and what each would roughly bring."""
        (seat, lender), state, house = where, view.state, where[0].house
        rules, seizure = state.exchange(house).collateral[seat.index], state.exchange(house).seizure
        spread, close = seizure.spread_on(1.0 - rules.maintenance), seizure.close_factor
        price = token_price(state, house, seat.token).value
        till = view.balance(lender.token, lender.account)
        _, base, _, fees = push_costs(view, pool, -1, view.mid(pool))
        found = []
        for row in np.flatnonzero(base < 0).tolist():
            sold, fall = int(-base[row] * pool.size_scale), 1.0 - 1.0 / (1.0 + float(PUSHES[row]))
            room = min(reach - sold, int((rules.cap - 1e-6) * seat.scale))
            enough = till / house.cash_scale / (0.97 * (1.0 - rules.initial) * price) * seat.scale
            for part in PARTS:
                collateral = int(part * min(room, enough))
                if collateral <= 0:
                    continue
                worth = collateral / seat.scale * price
                debt = 0.97 * (1.0 - rules.initial) * worth
                ratio = debt / (worth * (1.0 - fall)) * (1.0 + spread)  # above 1: beyond the frontier
                left = ratio - 1.0
                calls = (
                    1 if close >= 1 else math.ceil(math.log(left / ratio) / math.log(1.0 - close)) if left > 0 else 0
                )
                if not 0 < calls <= CALLS:
                    continue
                gain = debt - worth * (1.0 - fall) / (1.0 + spread) - float(fees[row])
                found.append(Candidate(gain, fall, collateral, sold, int(debt * house.cash_scale), calls))
        return found

    def _strike(
        self,
        me: Player,
        view: View,
        listing: Listing,
        pool: Listing,
        where: tuple[Pledgeable, Lender],
        tried: list[Candidate],
        offer: Offer | None,
    ) -> Iterable[Action]:
        house, memory = listing.house, me.memory
        before, best, gain = view.balance(house.token, me.account), None, -math.inf
        for one in tried:
            for calls in {one.calls, one.calls + 1}:
                deed = self._deed(me, pool, where, one, calls, offer)
                left = left_with(view, deed, me.account, house.token)
                if left is not None and left - before > gain:
                    best, gain = (one, deed), float(left - before)
        if best is None:
            self.decline(me, view, "no round goes through")
            return self._finish(me, view, listing) if memory["stocked"] else ()
        (one, deed), gain = best, gain / house.cash_scale
        bundle = Bundle(me.account, (deed, Kept(me.account, house.token, before)))
        gas = bundle.gas * (view.fee(listing) + self.tip)
        estimate = gain - gas
        numbers = {"fall": one.fall, "pledged": one.collateral / listing.size_scale, "flash": float(offer is not None)}
        if estimate - (self.caution - 1.0) * gas < self.least_profit:
            self.decline(me, view, "does not pay", estimate=estimate, cost=gas, **numbers)
            return self._finish(me, view, listing) if memory["stocked"] else ()
        stake = gas if offer is not None else (one.collateral + one.sold) / listing.size_scale * view.mid(pool)
        memory.update(sent=(before, estimate), until=view.seal, next=view.time)
        self.launch(me, view, estimate=estimate, cost=gas, stake=stake, **numbers)
        return (me.send(bundle),)

    def _deed(
        self,
        me: Player,
        pool: Listing,
        where: tuple[Pledgeable, Lender],
        one: Candidate,
        calls: int,
        offer: Offer | None,
    ) -> Transaction:
        """All of it: inside a flash loan of the coins, or with coins of its own."""
        (seat, lender), house, other = where, where[0].house, me.memory["other"]
        need = one.collateral + one.sold
        fee = 0 if offer is None else offer.rules.charge(need)
        parts: tuple[Transaction, ...] = (
            Transfer(seat.token, me.account, other, one.collateral),
            Pledge(seat, other, one.collateral),
            Borrow(lender, other, one.borrowed),
            Transfer(house.token, other, me.account, one.borrowed),
            Trade(pool, me.account, -one.sold),
            *(Seize(house, me.account, other, house.token, seat.token) for _ in range(calls)),
            Trade(pool, me.account, one.sold + fee),
        )
        return Bundle(me.account, parts) if offer is None else offer.loan(me.account, need, parts)

    # ------------------------------------------------------------------ afterwards

    def _finish(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        """Sell what it had stocked up, then count."""
        memory, house = me.memory, listing.house
        spare = view.balance(listing.base, me.account) - memory["own"]
        if memory["sent"] is not None:
            before, estimate = memory["sent"]
            realised = (view.balance(house.token, me.account) - before) / house.cash_scale
            self.over(me, view, realised=realised, estimate=estimate)
        memory.update(sent=None, stocked=False, until=view.seal, next=view.time + self.rest)
        if spare > 0:
            asset = view.state.market(listing).instrument.base
            return (ReferenceTrade(me.account, asset, -spare / listing.size_scale),)
        return ()
