"""The minter: it is long collateral with the proceeds of a synthetic, and so short what that follows.

It expects its collateral to outrun what it owes by `conviction` a year over the time it means to hold, and mints while that beats
the stability fee and what it loses by selling into the pool below the index. It locks, mints, sells, and buys collateral with
that, round after round, at a ratio of its own (members differ): whoever is boldest is converted from first, and bitten first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.roles.peg_trader import issue_of, outlet
from agents.streams import uniform_at
from agents.view import View
from protocol import issuing
from protocol.gas import GAS
from protocol.loan_transactions import Lock, Mint
from protocol.settings import refusals
from protocol.state import Issue, Listing
from protocol.transactions import Bundle, Trade, Transaction
from protocol.units import SECONDS_PER_YEAR

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Minter(Role):
    """Stands at a ratio `boldest` to `boldest` + `spread` of collateral over debt; means to hold for `hold` seconds.

    `reserve` of its capital stays in cash, to lock more where it falls below the least ratio and `margin`. Sells
    no more than `slice` of the pool at once.
    """

    count: int = 10
    capital: float = 50_000.0
    latency: float = 1.0
    boldest: float = 1.55
    spread: float = 0.5
    conviction: float = 0.3
    hold: float = 2_592_000.0
    reserve: float = 0.05
    margin: float = 0.02
    slice: float = 0.005
    least: float = 500.0
    ponder: float = 120.0

    def mistakes(self) -> list[str]:
        """Formulas need positive numbers."""
        return refusals(
            self,
            boldest=(self.boldest >= 1, "1 or more"),
            spread=(self.spread >= 0, "0 or more"),
            conviction=(self.conviction > 0, "above 0 per year"),
            hold=(self.hold > 0, "above 0 seconds"),
            reserve=(0 <= self.reserve < 1, "0 to below 1, a share of capital"),
            margin=(self.margin >= 0, "0 or more"),
            slice=(0 < self.slice < 0.5, "above 0 to below 0.5, a share of the pool"),
            least=(self.least > 0, "above 0 cash coins"),
            ponder=(self.ponder > 0, "above 0 seconds"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Look for the issue; draw what makes it different."""
        issue = issue_of(game.state, game.listing(self.market, self.exchange))
        pool = outlet(game.state, issue)
        if pool is None:
            raise ValueError(f"market = {issue.listing.name!r}: a Minter needs collateral that is not cash")
        key = game.streams.key(f"{me.label}.temper")
        me.memory.update(issue=issue, outlet=pool, until=0.0, next=self.ponder * uniform_at(key, 0, 0))
        me.memory["ratio"] = self.boldest + self.spread * uniform_at(key, 0, 1)
        me.memory["conviction"] = self.conviction * (0.5 + uniform_at(key, 0, 2))

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Lock more where it must, mint more where it pays."""
        memory = me.memory
        if view.state.time < memory["until"] or view.time < memory["next"]:
            return ()
        memory["next"] = view.time + self.ponder
        issue: Issue = memory["issue"]
        rules = issuing.rules(view.state, issue)
        near = issuing.ratio(view.state, issue, me.account) < rules.least + self.margin
        parts = self._buy(me, view, issue, 0.0) if near else self._wind(me, view, issue)
        if not parts:
            return ()
        bundle = Bundle(me.account, tuple(parts))
        if view.simulate(bundle)[1] is not None:
            return ()
        memory["until"] = view.seal
        me.note(view, "position defended" if near else "minted", ratio=issuing.ratio(view.state, issue, me.account))
        return (me.send(bundle),)

    def _buy(self, me: Player, view: View, issue: Issue, reserve: float) -> list[Transaction]:
        """Collateral for the cash beyond `reserve` cash coins, locked."""
        pool: Listing = me.memory["outlet"]
        gas = 10 * (GAS["Mint"] + GAS["Lock"]) * (view.fee(pool) + self.tip)
        purse = view.balance(pool.house.token, me.account) / pool.house.cash_scale - gas - reserve
        if purse < self.least:
            return []
        size = int(0.99 * purse / view.mid(pool) * pool.size_scale)
        return [Trade(pool, me.account, size), Lock(issue, me.account, size)]

    def _wind(self, me: Player, view: View, issue: Issue) -> list[Transaction]:
        """One round: buy and lock, mint to its ratio, sell that."""
        listing, rules = issue.listing, issuing.rules(view.state, issue)
        fee: float = view.state.market(listing).venue.fee  # type: ignore[attr-defined]  # `issue_of` has looked
        discount = math.log(view.index(listing).value / view.mid(listing)) + fee
        years = self.hold / SECONDS_PER_YEAR
        if (me.memory["conviction"] - rules.stability_fee) * years <= max(0.0, discount):
            return []
        parts = self._buy(me, view, issue, self.reserve * self.capital)
        locked = view.balance(issue.locked, me.account) + (parts[1].units if parts else 0)  # type: ignore[attr-defined]
        most = locked / (issuing.exchange_rate(view.state, issue) * me.memory["ratio"])
        units = int(most - issuing.debt_of(view.state, issue, me.account))
        units = min(units, int(self.slice * view.balance(listing.base, listing.desk)))
        if units / listing.size_scale * view.index(listing).value < self.least:
            return parts
        worst = view.mid(listing) * (1.0 - fee - 2.0 * self.slice)
        return [*parts, Mint(issue, me.account, units), Trade(listing, me.account, -units, worst)]
