"""The peg trader: it mints a synthetic where its pool pays more than the index, and redeems it where the pool asks less.

Above the index it locks collateral at a ratio of its own, mints, and sells into the pool; what it owes it means to buy back at
the index. Below, it buys from the pool: to burn its own debt first, then to convert into collateral, which it sells. Each
trade goes to the edge of the band that fees leave, so between those edges nobody holds the peg. As collateral falls it burns to
stay above its ratio, as long as the pool sells: whoever holds the peg is the one who stands to be bitten.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.player import Action, Player, Role
from agents.roles.arbitrageur import to_edge
from agents.view import View
from protocol import issuing
from protocol.loan_transactions import Burn, Convert, Lock, Mint, Unlock
from protocol.settings import refusals
from protocol.state import Issue, Listing, State
from protocol.transactions import Bundle, Trade, Transaction
from protocol.venues.constant_product import ConstantProduct

if TYPE_CHECKING:
    from agents.game import Game


def issue_of(state: State, listing: Listing) -> Issue:
    """The issue behind a synthetic's market. Raises ValueError without one, or without a pool."""
    found = next((one for one in state.issues[listing.house.index] if one.listing == listing), None)
    if found is None or not isinstance(state.market(listing).venue, ConstantProduct):
        raise ValueError(f"market = {listing.name!r}: needs a Synthetic in a ConstantProduct pool")
    return found


def outlet(state: State, issue: Issue) -> Listing | None:
    """The pool in which an issue's collateral is traded for cash; None where it is cash."""
    house = issue.listing.house
    return next((one for one in state.listings[house.index] if one.base == issue.token and one.size < 0), None)


@dataclass(frozen=True)
class PegTrader(Role):
    """Mints at `ratio` of collateral over debt; sells only beyond `premium`, the price of standing by; wants `least_profit`.

    Trades within its cash, and no more than `share` of it at once; burns where its ratio falls below `guard`.
    """

    capital: float = 1_000_000.0
    latency: float = 0.5
    ratio: float = 1.7
    guard: float = 1.45
    premium: float = 0.002
    share: float = 0.3
    least_profit: float = 1.0

    def mistakes(self) -> list[str]:
        """Ratios and shares."""
        return refusals(
            self,
            guard=(self.guard >= 1, "1 or more"),
            ratio=(self.ratio >= self.guard, f"guard = {self.guard} or more"),
            premium=(self.premium >= 0, "0 or more"),
            share=(0 < self.share <= 1, "above 0 to 1"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Look for the issue and for where its collateral is traded."""
        listing = game.listing(self.market, self.exchange)
        issue = issue_of(game.state, listing)
        me.memory.update(issue=issue, outlet=outlet(game.state, issue), until=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """One bundle a block: into the peg, or out of danger."""
        if view.state.time < me.memory["until"]:
            return ()
        issue: Issue = me.memory["issue"]
        for parts, kind in (self._save(me, view, issue), self._hold(me, view, issue), self._tidy(me, view, issue)):
            if not parts:
                continue
            bundle = Bundle(me.account, parts)
            if view.simulate(bundle)[1] is None:
                me.memory["until"] = view.seal
                me.note(view, kind, gap=math.log(view.mid(issue.listing) / view.index(issue.listing).value))
                return (me.send(bundle),)
        return ()

    def _hold(self, me: Player, view: View, issue: Issue) -> tuple[tuple[Transaction, ...], str]:
        """Trade the pool to the edge of the band around the index."""
        listing, state = issue.listing, view.state
        index = view.index(listing).value
        fee: float = state.market(listing).venue.fee  # type: ignore[attr-defined]  # `issue_of` has looked
        base, cash = (
            view.balance(listing.base, listing.desk) / listing.size_scale,
            view.balance(listing.house.token, listing.desk) / listing.house.cash_scale,
        )
        redeemed = index * (1.0 - issuing.rules(state, issue).redemption_fee) * (1.0 - self._friction(me, view))
        coins = to_edge(base, cash, fee, redeemed, index * (1.0 + self.premium))
        purse = self.share * view.balance(listing.house.token, me.account) / listing.house.cash_scale
        if coins == 0.0:
            return (), ""
        most = purse / index if coins > 0 else purse / (index * self.ratio)
        size = int(math.copysign(min(abs(coins), most), coins) * listing.size_scale)
        if size == 0:
            return (), ""
        owed = float(view.cost(listing, np.array([size]))[0]) / listing.house.cash_scale
        gain = (redeemed if size > 0 else index) * size / listing.size_scale - owed
        gas = 1_000_000 * (view.fee(listing) + self.tip)
        if not gain - gas > self.least_profit:
            return (), ""
        return (
            (self._redeem(me, view, issue, size), "peg below")
            if size > 0
            else (self._mint(me, view, issue, -size), "peg above")
        )

    def _mint(self, me: Player, view: View, issue: Issue, units: int) -> tuple[Transaction, ...]:
        """Buy the collateral, lock it, mint, sell."""
        need = -self._excess(me, view, issue, issuing.debt_of(view.state, issue, me.account) + units)
        pool: Listing | None = me.memory["outlet"]
        parts: list[Transaction] = []
        if need > 0:
            parts += [] if pool is None else [Trade(pool, me.account, need)]
            parts.append(Lock(issue, me.account, need))
        limit = view.index(issue.listing).value * (1.0 + 0.5 * self.premium)
        parts += [Mint(issue, me.account, units), Trade(issue.listing, me.account, -units, limit)]
        return tuple(parts)

    def _redeem(self, me: Player, view: View, issue: Issue, units: int) -> tuple[Transaction, ...]:
        """Buy, burn what it owes itself, convert the rest."""
        owed = issuing.debt_of(view.state, issue, me.account)
        burnt = min(units, owed)
        parts: list[Transaction] = [Trade(issue.listing, me.account, units, view.index(issue.listing).value)]
        if burnt:
            parts.append(Burn(issue, me.account, burnt))
            spare, pool = self._excess(me, view, issue, owed - burnt), me.memory["outlet"]
            if spare > 0:
                parts.append(Unlock(issue, me.account, spare))
                parts += [] if pool is None else [Trade(pool, me.account, -spare)]
        if units > burnt:
            parts.append(Convert(issue, me.account, units - burnt))
        return tuple(parts)

    def _excess(self, me: Player, view: View, issue: Issue, debt: int) -> int:
        """Units locked beyond what `debt` units need at its ratio; below zero where they are wanting."""
        needed = math.ceil(debt * issuing.exchange_rate(view.state, issue) * self.ratio)
        return view.balance(issue.locked, me.account) - needed

    def _save(self, me: Player, view: View, issue: Issue) -> tuple[tuple[Transaction, ...], str]:
        """Buy and burn enough to stand at its ratio again."""
        ratio, owed = issuing.ratio(view.state, issue, me.account), issuing.debt_of(view.state, issue, me.account)
        if ratio >= self.guard:
            return (), ""
        units = math.ceil(owed * (1.0 - ratio / self.ratio))
        return (Trade(issue.listing, me.account, units), Burn(issue, me.account, units)), "position saved"

    def _tidy(self, me: Player, view: View, issue: Issue) -> tuple[tuple[Transaction, ...], str]:
        """Sell collateral that conversions have left in the wallet."""
        pool: Listing | None = me.memory["outlet"]
        spare = 0 if pool is None else view.balance(issue.token, me.account)
        if pool is None or spare * view.mid(pool) / issue.scale < 100.0:
            return (), ""
        return (Trade(pool, me.account, -spare),), "collateral sold"

    @staticmethod
    def _friction(me: Player, view: View) -> float:
        """What selling collateral costs: the fee of its pool."""
        pool: Listing | None = me.memory["outlet"]
        return 0.0 if pool is None else float(view.state.market(pool).venue.fee)  # type: ignore[attr-defined]
