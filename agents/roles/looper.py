"""The looper: a long with borrowed money, made of loans. It buys, pledges, borrows against that, and buys again.

It expects `conviction` a year of the asset over the time it means to hold, and borrows while that beats the rate by more than
trading costs; at loan-to-value l the loop ends at a leverage of 1 / (1 - l). It unwinds, as far as margin lets it, where the
rate is beyond its conviction by as much, or its cushion is gone: then it sells into the pool whose price the next one is
judged by. Members differ in conviction and boldness, by their own dice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.streams import uniform_at
from agents.view import View
from protocol.gas import GAS
from protocol.lending import book, owed
from protocol.loan_transactions import Borrow, Pledge, Release, Repay
from protocol.margins.base import Threshold
from protocol.settings import refusals
from protocol.state import Lender, Listing, Pledgeable, State
from protocol.transactions import Bundle, Trade, Transaction
from protocol.units import SECONDS_PER_YEAR
from protocol.venues.constant_product import ConstantProduct

if TYPE_CHECKING:
    from agents.game import Game


def seats(state: State, listing: Listing) -> tuple[Pledgeable, Lender]:
    """Where the base of a spot market is pledged, and where its exchange lends cash. Raises ValueError without either."""
    house = listing.house
    pledge = next((p for p in state.pledges[house.index] if p.token == listing.base), None)
    lender = next((p for p in state.lenders[house.index] if p.token == house.token), None)
    if pledge is None or lender is None or not isinstance(state.market(listing).venue, ConstantProduct):
        raise ValueError(
            f"market = {listing.name!r}: needs a ConstantProduct pool whose base is collateral, and loans of cash"
        )
    return pledge, lender


@dataclass(frozen=True)
class Looper(Role):
    """Uses `usage` of what it may borrow, members 0.8 to 1 times that; expects `conviction` a year, 0.5 to 1.5 times that.

    Means to hold for `hold` seconds. Unwinds where its maintenance cushion is below `cushion` of its collateral. Looks every
    `ponder` seconds, from a moment of its own. Rounds below `least` cash coins are not worth it.
    """

    count: int = 10
    capital: float = 50_000.0
    latency: float = 1.0
    usage: float = 0.95
    conviction: float = 0.3
    cushion: float = 0.0
    least: float = 500.0
    slippage: float = 0.01
    hold: float = 2_592_000.0
    ponder: float = 120.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return refusals(
            self,
            usage=(0 < self.usage < 1, "above 0 to below 1, a share of what may be borrowed"),
            conviction=(self.conviction > 0, "above 0 per year"),
            cushion=(0 <= self.cushion < 1, "0 to below 1, a share of collateral"),
            least=(self.least > 0, "above 0 cash coins"),
            hold=(self.hold > 0, "above 0 seconds"),
            ponder=(self.ponder > 0, "above 0 seconds"),
            slippage=(0 < self.slippage < 1, "above 0 to below 1"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Look for where to buy, pledge and borrow; draw what makes it different."""
        listing = game.listing(self.market, self.exchange)
        pledge, lender = seats(game.state, listing)
        key = game.streams.key(f"{me.label}.temper")
        me.memory.update(listing=listing, pledge=pledge, lender=lender, until=0.0)
        me.memory["next"] = self.ponder * uniform_at(game.streams.key(f"{me.label}.temper"), 0, 2)
        me.memory["conviction"] = self.conviction * (0.5 + uniform_at(key, 0, 0))
        me.memory["usage"] = self.usage * (0.8 + 0.2 * uniform_at(key, 0, 1))

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """One round of the loop, forwards or backwards."""
        memory, state = me.memory, view.state
        if state.time < memory["until"] or view.time < memory["next"]:
            return ()
        memory["next"] = view.time + self.ponder
        listing: Listing = memory["listing"]
        fee: float = state.market(listing).venue.fee  # type: ignore[attr-defined]  # `seats` has looked
        gain = memory["conviction"] - book(state, memory["lender"]).rate
        cost = (fee + self.slippage) * SECONDS_PER_YEAR / self.hold  # of trading, spread over the time it means to hold
        worth, needs = state.exchange(listing.house).margin.standing(
            state, listing.house, Threshold.MAINTENANCE, me.account
        )
        pledged = view.balance(memory["pledge"].claim, me.account) / listing.size_scale * view.index(listing).value
        debt = owed(state, memory["lender"], me.account)
        if debt and (gain < -cost or worth - needs < self.cushion * pledged):
            bundle = self._unwind(me, view, listing, debt)
        else:
            bundle = self._wind(me, view, listing, fee) if gain > cost else ()
        if not bundle:
            return ()
        transaction = Bundle(me.account, tuple(bundle))
        _, revert = view.simulate(transaction)
        if revert is not None:
            return ()
        memory["until"] = view.seal
        return (me.send(transaction),)

    def _wind(self, me: Player, view: View, listing: Listing, fee: float) -> Iterable[Transaction]:
        """Buy with what is in the wallet, pledge it, borrow what that allows."""
        house, memory = listing.house, me.memory
        gas = 20 * GAS["Borrow"] * (view.fee(listing) + self.tip)
        purse = view.balance(house.token, me.account) / house.cash_scale - gas
        mid = view.mid(listing)
        if purse < self.least:
            return ()
        size = int(purse / mid / (1.0 + fee + self.slippage) * listing.size_scale)
        rules = view.state.exchange(house).collateral[memory["pledge"].index]
        worth, needs = view.state.exchange(house).margin.standing(view.state, house, Threshold.INITIAL, me.account)
        new = size / listing.size_scale * view.index(listing).value * (1.0 - rules.initial)
        room = int(memory["usage"] * (worth - needs + new) * house.cash_scale)
        tokens = view.balance(memory["lender"].token, memory["lender"].account)
        parts: list[Transaction] = [
            Trade(listing, me.account, size, mid * (1.0 + fee + self.slippage)),
            Pledge(memory["pledge"], me.account, size),
        ]
        if min(room, tokens) >= self.least * house.cash_scale:
            parts.append(Borrow(memory["lender"], me.account, min(room, tokens)))
        return parts

    def _unwind(self, me: Player, view: View, listing: Listing, debt: int) -> Iterable[Transaction]:
        """Take out what margin lets go, sell it, repay."""
        house, memory = listing.house, me.memory
        rules = view.state.exchange(house).collateral[memory["pledge"].index]
        worth, needs = view.state.exchange(house).margin.standing(view.state, house, Threshold.INITIAL, me.account)
        price, mid = view.index(listing).value, view.mid(listing)
        room = 0.99 * max(0.0, worth - needs) / (price * max(1e-9, 1.0 - rules.initial)) * listing.size_scale
        wanted = 1.02 * debt / house.cash_scale / mid * listing.size_scale
        size = int(min(room, view.balance(memory["pledge"].claim, me.account), wanted))
        purse = view.balance(house.token, me.account)
        if size / listing.size_scale * mid < self.least:
            return (
                (Repay(memory["lender"], me.account, purse // 2),) if purse > 2 * self.least * house.cash_scale else ()
            )
        owed_back = -float(view.cost(listing, [-size])[0])  # type: ignore[arg-type]
        return (
            Release(memory["pledge"], me.account, size),
            Trade(listing, me.account, -size),
            Repay(memory["lender"], me.account, min(debt, int(0.99 * owed_back))),
        )
