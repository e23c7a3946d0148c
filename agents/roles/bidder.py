"""The bidder in English auctions: it values a lot by the reference mid less its cost of unwinding, and bids up to that.

Its first bid is `opening` of that value (0: it asks for the lot for nothing), every further one the least that is taken. What a
bid locks must be there. With a fixed `tip` it is one of the bots of March 2020, who were not served while blocks were
full; with a `bid_share` it pays for its place. It puts up what it would bid for, settles what it has won, and trades out
of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.roles.taking import worth_to
from agents.roles.unwinding import unwind
from agents.view import View
from protocol import exchange
from protocol.auction_transactions import Bark, Bid, Deal, Lift
from protocol.gas import GAS
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.cases import Case, cases
from protocol.liquidations.english import English
from protocol.liquidations.lots import lot_of, mirrored
from protocol.margins.base import Threshold
from protocol.settings import refusals
from protocol.state import Listing
from protocol.units import to_units_down

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Bidder(Role):
    """`cost` a share of value; `opening` a share of what the lot is worth to it; `least_profit` cash coins.

    `bid_share` of the profit it expects goes into the priority fee; `pause` seconds before it says the same again.
    """

    capital: float = 1_000_000.0
    latency: float = 0.5
    cost: float = 0.01
    opening: float = 0.5
    bid_share: float = 0.0
    least_profit: float = 10.0
    pause: float = 60.0
    unwind: float = 0.2

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return refusals(
            self,
            cost=(0 <= self.cost < 1, "0 to below 1, a share of value"),
            opening=(0 <= self.opening <= 1, "0 to 1, a share of value"),
            bid_share=(0 <= self.bid_share <= 1, "0 to 1"),
            pause=(self.pause >= 0, "0 or more seconds"),
            unwind=(0 <= self.unwind <= 1, "0 to 1, a share of the position"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Nine tenths of its capital stand as margin, the rest pays gas."""
        house = game.house(self.exchange)
        exchange.deposit(game.state, house, me.account, to_units_down(0.9 * self.capital, int(house.cash_scale)))

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Settle what it has won, bid for what pays, trade out of what it holds."""
        house = view.house(self.exchange)
        rule = view.state.exchange(house).liquidation
        rule = rule.inner if isinstance(rule, Backstop) else rule
        if not isinstance(rule, English):
            return
        said: dict[tuple[str, int, int, float], float] = me.memory.setdefault("said", {})
        for listing in view.state.listings[house.index]:
            yield from self._put_up(me, view, rule, listing)
            for case in cases(view.state, listing).values():
                key = (listing.path, case.account, case.rounds, 0.0 if case.bidder < 0 else case.bid)
                if said.get(key, -self.pause) + self.pause > view.seal:
                    continue
                for action in self._answer(me, view, rule, listing, case):
                    said[key] = view.seal
                    yield action
            if self.unwind:
                yield from unwind(me, view, listing, self.unwind, self.cost)

    def _put_up(self, me: Player, view: View, rule: English, listing: Listing) -> Iterator[Action]:
        """Start the auctions in which its own first bid, were it the only one, would pay."""
        state = view.state
        below, _ = state.exchange(listing.house).margin.below(state, listing.house, Threshold.MAINTENANCE)
        told: dict[tuple[str, int], float] = me.memory.setdefault("told", {})
        for account in below.tolist():
            key = (listing.path, account)
            lot = lot_of(state, listing, account) if listing.size >= 0 else None
            if lot is None or account == me.account or told.get(key, -self.pause) + self.pause > view.seal:
                continue
            profit = (1.0 - self.opening) * lot.price * abs(lot.coins) - 3.0 * GAS["Bark"] * view.fee(listing)
            if profit > self.least_profit and rule.opens(state, listing, account) is not None:
                order = Bark(listing, me.account, account)
                if view.simulate(order)[1] is None:
                    told[key] = view.seal
                    yield me.send(order)

    def _answer(self, me: Player, view: View, rule: English, listing: Listing, case: Case) -> Iterator[Action]:
        if case.bidder == me.account:
            if rule.recovered(view.state, listing, case.account):
                yield me.send(Lift(listing, me.account, case.account))  # what it locked comes back
            elif rule.over(case, view.seal):
                yield me.send(Deal(listing, me.account, case.account), self._tip(me, self._won(view, listing, case)))
            return
        lot = lot_of(view.state, listing, case.account)
        if lot is None or case.account == me.account or rule.over(case, view.seal):
            return
        if rule.recovered(view.state, listing, case.account):
            return
        worth = mirrored(lot, case, worth_to(view, lot, self.cost))  # as the owner sees it
        least = rule.least(lot, case)
        offer = max(least, self.opening * worth if case.bidder < 0 else least * (1.0 + 1e-9) + 1e-6)
        profit = (worth - offer) * abs(lot.coins) - (GAS["Bid"] + GAS["Deal"]) * view.fee(listing)
        if profit <= self.least_profit:
            return
        order = Bid(listing, me.account, case.account, mirrored(lot, case, offer))
        revert = view.simulate(order)[1]
        if revert is not None:
            me.note(view, "bid not possible", account=case.account, why=type(revert).__name__)
            return
        me.note(view, "bid", account=case.account, price=order.price, profit=profit)
        yield me.send(order, self._tip(me, profit))

    def _won(self, view: View, listing: Listing, case: Case) -> float:
        """What the lot it has won is worth beyond its bid, cash coins."""
        lot = lot_of(view.state, listing, case.account)
        return 0.0 if lot is None else lot.coins * (worth_to(view, lot, self.cost) - case.bid)

    def _tip(self, me: Player, profit: float) -> float:
        return max(self.tip, self.bid_share * profit / GAS["Bid"])
