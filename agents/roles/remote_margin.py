"""The trader whose reserve lies on another chain: long where the market is, with more collateral at home to send when it is called.

Sent over a bridge, margin takes as long as that takes: until the message is final on a chain that may be down, until somebody
carries it, until it is pledged. What arrives after the liquidation is what "stuck" means; it notes when it was called, when it
sent, when that arrived, and whether it still had a position then; and once it is closed out, what it had elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player
from agents.roles.across import Across, Ends, next_salt, on_the_way, settle_on_both
from agents.view import View
from protocol.bridge_transactions import Dispatch
from protocol.ledger import WORLD, Reason
from protocol.loan_transactions import Pledge
from protocol.margins.base import Threshold
from protocol.settings import refusals
from protocol.state import Pledgeable
from protocol.transactions import Trade

if TYPE_CHECKING:
    from agents.game import Game


RETRY = 150.0  # seconds until it sends again what nobody has served: longer than a transaction waits, lest both be


@dataclass(frozen=True)
class RemoteMargin(Across):
    """Long `leverage` times the coins that it has `pledged`, with `reserve` coins at home. Its market is the one it is long in.

    Sends what brings its equity back to `target` times maintenance whenever it has fallen below `call` times that.
    """

    count: int = 10
    capital: float = 2_000.0
    latency: float = 1.0
    bridge: str = ""
    pledged: float = 10.0
    reserve: float = 10.0
    leverage: float = 5.0
    call: float = 1.5
    target: float = 2.5

    def mistakes(self) -> list[str]:
        """It is called before it is liquidated, and sends enough not to be called again at once."""
        return refusals(
            self,
            pledged=(self.pledged > 0, "above 0 base coins"),
            reserve=(self.reserve >= 0, "0 or more base coins"),
            leverage=(self.leverage > 0, "above 0"),
            call=(self.call >= 1, "1 or more, times maintenance"),
            target=(self.target >= self.call, f"call = {self.call} or more, times maintenance"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """A reserve at home, and wrapped coins to pledge."""
        ends = settle_on_both(game, me, self.bridge, self.capital, self.reserve)
        listing = game.listing(self.market, self.exchange)
        seats = game.state.pledges[listing.house.index]
        seat = next((seat for seat in seats if seat.token == ends.span.wrapped), None)
        if seat is None or listing.size < 0:
            raise ValueError(f"market = {listing.name!r}: needs claims where {ends.span.name}'s token is collateral")
        units = int(self.pledged * ends.span.scale)
        game.state.ledger.move(ends.span.wrapped, WORLD, ends.away, units, Reason.GENESIS)
        me.memory.update(ends=ends, listing=listing, seat=seat, until={}, called=None, retry=0.0, opened=False)
        me.memory.update(stood=None, over=False, again=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Pledge what has come, open once; send for more when called."""
        memory, ends = me.memory, me.memory["ends"]
        if view.state.time < memory["until"].get(view.chain, 0.0):
            return ()
        memory["until"][view.chain] = view.seal
        self._look(me, view, ends)
        found = [] if view.chain == ends.span.source else self._there(me, view, ends)
        return found or self._answer(me, view, ends)

    def _look(self, me: Player, view: View, ends: Ends) -> None:
        """How its position stands, and what it has elsewhere; noted once it is closed out, as it was seen last. Cash coins."""
        memory, listing, house = me.memory, me.memory["listing"], me.memory["listing"].house
        if view.balance(listing.size, ends.away):
            worth, needs = view.state.exchange(house).margin.standing(
                view.state, house, Threshold.MAINTENANCE, ends.away
            )
            units = view.balance(ends.span.token, ends.home) + view.balance(ends.span.wrapped, ends.away)
            spare = (units + on_the_way(view, ends)) / ends.span.scale * view.index(listing).value
            memory["stood"] = {"equity": worth, "needs": needs, "spare": spare}
        elif memory["stood"] is not None and not memory["over"]:
            memory["over"] = True
            since = math.nan if memory["called"] is None else view.time - memory["called"]
            me.note(view, "closed out", since=since, **memory["stood"])

    def _there(self, me: Player, view: View, ends: Ends) -> list[Action]:
        """Where the market is: margin into custody, and the position into the market."""
        memory, listing = me.memory, me.memory["listing"]
        seat: Pledgeable = memory["seat"]
        wallet, held = view.balance(ends.span.wrapped, me.account), view.balance(listing.size, me.account)
        memory["opened"] = memory["opened"] or held != 0
        if wallet > 0:
            if memory["called"] is not None:
                since = view.time - memory["called"]
                me.note(view, "margin arrived", coins=wallet / seat.scale, late=held == 0, since=since)
                memory["called"] = None
            if held != 0 or not memory["opened"]:
                return [me.send(Pledge(seat, me.account, wallet))]
        pledged = view.balance(seat.claim, me.account)
        if memory["opened"] or pledged == 0 or view.time < memory["again"]:
            return []
        size = int(self.leverage * pledged * listing.size_scale / seat.scale)
        trade = Trade(listing, me.account, size, 1.005 * view.index(listing).value)
        if view.simulate(trade)[1] is not None:
            return []
        memory["again"] = view.seal + RETRY
        return [me.send(trade)]

    def _answer(self, me: Player, view: View, ends: Ends) -> list[Action]:
        """What it sends when it is called; again if that has expired unseen, as while its chain is down."""
        memory, listing, house = me.memory, me.memory["listing"], me.memory["listing"].house
        if view.balance(listing.size, me.account) == 0 or view.time < memory["retry"] or on_the_way(view, ends):
            return []
        margin = view.state.exchange(house).margin
        worth, needs = margin.standing(view.state, house, Threshold.MAINTENANCE, me.account)
        if worth >= self.call * needs and memory["called"] is None:
            return []
        short = (self.target * needs - worth) / view.index(listing).value
        units = min(int(short * ends.span.scale), view.balance(ends.span.token, ends.home))
        if units <= 0:
            return []
        memory["retry"] = view.seal + RETRY
        if memory["called"] is None:
            memory["called"] = view.time
            me.note(view, "margin called", coins=units / ends.span.scale, equity=worth, needs=needs)
        return [me.send(Dispatch(ends.span, ends.home, ends.away, units, next_salt(me)))]
