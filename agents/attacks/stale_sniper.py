"""The stale sniper: it trades at an index that lags the reference mid, against whoever must honour that index.

No rule is broken: it knows where the index is going and the vault does not. It opens when the gap exceeds spread, fees
and gas for the round trip, once for each round of the oracle, and closes when the index has caught up. A spread or a fee
above the usual gap keeps it at home, and so does an oracle that is never far behind, or a fill that is settled later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.attacks.base import Attack
from agents.attacks.sizing import largest, round_trip
from agents.player import Action, Player
from agents.view import View
from protocol import exchange
from protocol.gas import GAS
from protocol.oracles.base import Status
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Trade
from protocol.units import to_units_down

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class StaleSniper(Attack):
    """Uses `usage` of what its margin could carry; wants `least_profit` cash coins; bids `bid_share` of the gain as tip.

    Closes when less than `rest` of the gap at entry is left, or after `hold` seconds.
    """

    capital: float = 200_000.0
    latency: float = 0.05
    usage: float = 0.5
    least_profit: float = 10.0
    bid_share: float = 0.1
    rest: float = 0.2
    hold: float = 7_200.0
    ponder: float = 600.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return super().mistakes() + refusals(
            self,
            usage=(0 < self.usage <= 1, "above 0 to 1"),
            bid_share=(0 <= self.bid_share < 1, "0 to below 1"),
            rest=(0 <= self.rest < 1, "0 to below 1"),
            hold=(self.hold > 0, "above 0 seconds"),
        )

    def surface(self, state: State, listing: Listing) -> str:
        """A vault that must honour an index."""
        return "" if state.market(listing).venue.counterparty == "vault" else "nobody here must honour an index"

    def prepare(self, me: Player, game: Game) -> None:
        """Nine tenths of its capital stand as margin, the rest pays gas."""
        house = game.house(self.exchange)
        exchange.deposit(game.state, house, me.account, to_units_down(0.9 * self.capital, int(house.cash_scale)))
        me.memory.update(listing=game.listing(self.market, self.exchange), until=0.0, round=-1.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Open on a gap, close when it is gone."""
        memory = me.memory
        if view.state.time < memory["until"]:
            return ()
        listing: Listing = memory["listing"]
        if lacks := self.surface(view.state, listing):
            self.decline(me, view, lacks)
            return ()
        reading = view.index(listing)
        if reading.status != Status.FRESH:
            return ()
        gap = view.reference(view.state.market(listing).instrument.base) / reading.value - 1.0
        held = int(view.state.ledger.balance[listing.size, me.account])
        if held:
            side = 1 if held > 0 else -1
            if side * gap > self.rest * memory["gap"] and view.time - memory["entered"] < self.hold:
                return ()
            memory["until"] = view.seal
            return (me.send(Trade(listing, me.account, -held)),)
        if reading.time <= memory["round"]:
            return ()
        return self._open(me, view, listing, reading.value, reading.time, gap)

    def _open(
        self, me: Player, view: View, listing: Listing, index: float, time: float, gap: float
    ) -> Iterable[Action]:
        state = view.state
        fee = state.market(listing).fee
        if abs(gap) <= 2.0 * fee:
            return ()
        side = 1 if gap > 0 else -1
        money = float(state.ledger.balance[listing.house.cash, me.account]) / listing.house.cash_scale
        size = int(side * self.usage * largest(view, listing, side, money, index) * listing.size_scale)
        if size == 0:
            return ()
        notional = abs(size) / listing.size_scale * index
        gas = 2 * GAS["Trade"]
        cost = round_trip(view, listing, size) + 2.0 * fee * notional + gas * (view.fee(listing) + self.tip)
        lasting = 0.0 if state.market(listing).venue.settlement() > 0.0 else abs(gap)  # settled later, the gap is gone
        gain = notional * lasting - cost
        if not gain > self.least_profit:
            self.decline(me, view, "does not pay", estimate=gain, cost=cost, gap=gap)
            return ()
        me.memory.update(until=view.seal, round=time, gap=abs(gap), entered=view.time)
        self.launch(me, view, estimate=gain, cost=cost, stake=money, gap=gap, size=size / listing.size_scale)
        price = float(view.cost(listing, np.array([size]))[0]) / (size * listing.price_scale)
        limit = price * (1.0 + side * (gain - self.least_profit) / notional)
        return (me.send(Trade(listing, me.account, size, limit), max(self.tip, self.bid_share * gain / gas)),)
