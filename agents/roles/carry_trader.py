"""The carry trader: it pledges the token it owns, and is short its perpetual while funding pays for that.

The token is the hedge and the margin at once, less a haircut: price moves cancel, and what is left is funding. Its cash claim,
though, falls as the price rises, and is owed against the token: a debt that keepers may seize the token for. It goes in and
out by parts, since its own trades move the funding it is after.

`CoinBull` pledges the same token and is long with it: what it owns, what it owes and what margins it all fall together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.view import View
from protocol.gas import GAS
from protocol.loan_transactions import Pledge
from protocol.settings import refusals
from protocol.state import Listing, Pledgeable
from protocol.transactions import Trade
from protocol.units import SECONDS_PER_YEAR

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class CarryTrader(Role):
    """Shorts up to `usage` of what it has pledged; enters where funding over `hold` seconds beats both fees and `edge`.

    `step` is the part of that it trades at once.
    """

    count: int = 5
    capital: float = 1_000.0
    base: float = 50.0
    latency: float = 0.5
    usage: float = 1.0
    hold: float = 86_400.0
    edge: float = 0.0005
    step: float = 0.2
    ponder: float = 60.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return refusals(
            self,
            usage=(self.usage > 0, "above 0, a multiple of what is pledged"),
            step=(0 < self.step <= 1, "above 0 to 1"),
            hold=(self.hold > 0, "above 0 seconds"),
            edge=(self.edge >= 0, "0 or more"),
            ponder=(self.ponder > 0, "above 0 seconds"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Look for where the token is pledged."""
        listing = game.listing(self.market, self.exchange)
        seat = next((one for one in game.state.pledges[listing.house.index] if one.token == listing.base), None)
        if seat is None or listing.size < 0:
            raise ValueError(
                f"market = {listing.name!r}: needs claims on a token that the exchange takes as collateral"
            )
        me.memory.update(listing=listing, seat=seat, next=0.0, until=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Pledge what is in the wallet; in and out of the short."""
        memory, listing = me.memory, me.memory["listing"]
        if view.time < memory["next"] or view.state.time < memory["until"]:
            return ()
        memory.update(next=view.time + self.ponder, until=view.seal)
        seat: Pledgeable = memory["seat"]
        wallet = view.balance(listing.base, me.account)
        if wallet > 0:
            return (me.send(Pledge(seat, me.account, wallet)),)
        size = self._size(me, view, listing, seat)
        if size == 0:
            return ()
        limit = view.index(listing).value * (1.0 + math.copysign(0.002, size))
        trade = Trade(listing, me.account, size, limit)
        if view.simulate(trade)[1] is not None:
            return ()
        me.note(view, self.label, size=size / listing.size_scale)
        return (me.send(trade),)

    def _size(self, me: Player, view: View, listing: Listing, seat: Pledgeable) -> int:
        """Units to trade, 0 for none."""
        held = view.balance(listing.size, me.account)
        gain = float(view.state.tables[listing.funding_at][1]) * self.hold
        most = int(self.usage * view.balance(seat.claim, me.account))
        part = max(1, int(self.step * most))
        cost = self._cost(view, listing, part)
        if held < 0 and gain < -cost:
            return min(part, -held)
        return -min(part, most + held) if gain > cost and held > -most else 0

    def _cost(self, view: View, listing: Listing, part: int) -> float:
        """Fees and gas of going in and out again, as a share of the value of `part` units."""
        gas = 2 * GAS["Trade"] * (view.fee(listing) + self.tip)
        value = part / listing.size_scale * view.index(listing).value
        return 2.0 * view.state.market(listing).fee + self.edge + gas / value


@dataclass(frozen=True)
class CoinBull(CarryTrader):
    """Long up to `usage` times what it has pledged, while `conviction` a year beats funding and fees."""

    count: int = 10
    base: float = 10.0
    usage: float = 4.0
    hold: float = 2_592_000.0
    conviction: float = 0.5

    def _size(self, me: Player, view: View, listing: Listing, seat: Pledgeable) -> int:
        """Units to trade, 0 for none."""
        held, pledged = view.balance(listing.size, me.account), view.balance(seat.claim, me.account)
        most = int(self.usage * pledged)
        part = min(max(1, int(self.step * most)), most - held)
        rate = float(view.state.tables[listing.funding_at][1])
        if part <= 0:
            return 0
        gain = (self.conviction / SECONDS_PER_YEAR - rate) * self.hold
        return part if gain > self._cost(view, listing, part) else 0
