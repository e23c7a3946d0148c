"""The short seller: it borrows the token and sells it, with its own money lent out meanwhile as collateral.

It supplies cash to the exchange's loan pool and pledges the shares, so its margin earns what loopers pay. Where the reference
stands below its mean by `threshold` standard deviations it borrows the token against that and sells it into the pool; back above
the mean, it buys what it owes and repays. A run on the cash pool is its trouble too: its shares are what it pledged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.roles.looper import seats
from agents.view import View
from protocol.lending import owed
from protocol.loan_transactions import Borrow, Pledge, Repay, Supply
from protocol.margins.base import Threshold
from protocol.settings import refusals
from protocol.state import Lender, Listing, Pledgeable
from protocol.transactions import Bundle, Trade

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class ShortSeller(Role):
    """Borrows up to `usage` of what it may; its mean is over `horizon` seconds. Looks every `ponder` seconds."""

    count: int = 3
    capital: float = 50_000.0
    latency: float = 1.0
    usage: float = 0.5
    horizon: float = 1_800.0
    threshold: float = 0.5
    ponder: float = 120.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return refusals(
            self,
            usage=(0 < self.usage < 1, "above 0 to below 1, a share of what may be borrowed"),
            horizon=(self.horizon > 0, "above 0 seconds"),
            threshold=(self.threshold > 0, "above 0 standard deviations"),
            ponder=(self.ponder > 0, "above 0 seconds"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Look for where cash is lent, its shares are pledged, and the token is borrowed."""
        listing = game.listing(self.market, self.exchange)
        _, cash = seats(game.state, listing)
        house = listing.house.index
        token = next((one for one in game.state.lenders[house] if one.token == listing.base), None)
        seat = next((one for one in game.state.pledges[house] if one.token == cash.share), None)
        if token is None or seat is None:
            raise ValueError(
                f"market = {listing.name!r}: needs loans of its base, and shares in loans of cash as collateral"
            )
        me.memory.update(listing=listing, cash=cash, token=token, seat=seat, next=0.0, until=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Lend and pledge first; then short the falls and cover the rises."""
        memory, listing = me.memory, me.memory["listing"]
        if view.time < memory["next"] or view.state.time < memory["until"]:
            return ()
        memory.update(next=view.time + self.ponder, until=view.seal)
        cash: Lender = memory["cash"]
        seat: Pledgeable = memory["seat"]
        wallet = view.balance(seat.token, me.account)
        if wallet > 0:
            return (me.send(Pledge(seat, me.account, wallet)),)
        if view.balance(seat.claim, me.account) == 0:
            return (me.send(Supply(cash, me.account, int(0.9 * view.balance(cash.token, me.account)))),)
        bundle = self._trade(me, view, listing)
        if bundle is None or view.simulate(bundle)[1] is not None:
            return ()
        me.note(
            view, "short" if len(bundle.transactions) > 1 and isinstance(bundle.transactions[0], Borrow) else "covered"
        )
        return (me.send(bundle),)

    def _trade(self, me: Player, view: View, listing: Listing) -> Bundle | None:
        asset, lender = view.state.market(listing).instrument.base, me.memory["token"]
        past, volatility = view.past(asset, self.horizon), view.volatility(asset, self.horizon)
        if volatility == 0.0:
            return None
        trend = math.log(view.reference(asset) / float(past.mean())) / (volatility * math.sqrt(self.horizon))
        debt = owed(view.state, lender, me.account)
        if debt and trend > 0:
            spare = debt + 1 + debt // 100_000  # interest until it is repaid
            return Bundle(me.account, (Trade(listing, me.account, spare), Repay(lender, me.account, spare)))
        if debt or trend > -self.threshold:
            return None
        house = listing.house
        worth, needs = view.state.exchange(house).margin.standing(view.state, house, Threshold.INITIAL, me.account)
        units = int(self.usage * (worth - needs) / view.index(listing).value * listing.size_scale)
        units = min(units, view.balance(lender.token, lender.account))
        if units <= 0:
            return None
        return Bundle(me.account, (Borrow(lender, me.account, units), Trade(listing, me.account, -units)))
