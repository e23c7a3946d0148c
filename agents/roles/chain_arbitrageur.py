"""The arbitrageur between chains: it holds a wrapped token to what it stands for, with coins on both sides and a bridge between.

Where the wrapped token is cheap it buys it and burns it for the coin at home; where it is dear it sells what it has there and
sends coins after. Each leg is hedged off-chain at once, so what it bears is the wait: its stock runs out while messages travel, and
while a chain is down nobody fills it up. A wrapped coin is a whole one to it as long as escrow would pay all that have asked for
theirs, and itself; after that it is its part of what is there (`bridge.backing`), and it sells what it has down to that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, ReferenceTrade
from agents.roles.across import Across, Ends, next_salt, on_the_way, settle_from_home
from agents.roles.arbitrageur import to_edge
from agents.view import View
from protocol.bridge import backing, waiting
from protocol.bridge_transactions import Dispatch
from protocol.gas import GAS
from protocol.settings import refusals
from protocol.transactions import Trade
from protocol.venues.constant_product import ConstantProduct

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class ChainArbitrageur(Across):
    """Starts with `base` coins on either side; trades where it gains `edge` beyond the pool's and the bridge's fees.

    Evens its stock out over the bridge when one side has fallen below `low` of what it began with; exposure below `ignore` cash
    coins is not hedged.
    """

    kind = "arbitrageur"

    capital: float = 1_000_000.0
    base: float = 250.0
    latency: float = 0.2
    bridge: str = ""
    edge: float = 0.0005
    low: float = 0.5
    least_profit: float = 1.0
    ignore: float = 100.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return refusals(
            self,
            edge=(self.edge >= 0, "0 or more"),
            low=(0 <= self.low < 1, "0 to below 1, a share of the stock"),
            ignore=(self.ignore >= 0, "0 or more cash coins"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """An account on the far side, with as much again."""
        ends = settle_from_home(game, me, self.bridge, self.capital, self.base)
        if not isinstance(game.state.market(ends.far).venue, ConstantProduct):
            raise ValueError(f"market = {ends.far.path!r}: a ChainArbitrageur needs a ConstantProduct")
        me.memory.update(ends=ends, until={}, moved=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Hedge, even the stock out, trade the far pool to the edge of what the bridge is worth."""
        ends: Ends = me.memory["ends"]
        until: dict[int, float] = me.memory["until"]
        if view.state.time < until.get(view.chain, 0.0):
            return
        span, asset = ends.span, view.state.market(ends.near).instrument.base
        mid = view.reference(asset)
        home, away = (
            view.balance(row, account) / span.scale
            for row, account in ((span.token, ends.home), (span.wrapped, ends.away))
        )
        way = on_the_way(view, ends)
        until[view.chain] = view.seal
        if view.chain == span.source:
            spare = home + away + way / span.scale - 2.0 * self.base
            if abs(spare) * mid > self.ignore and home > spare:
                yield ReferenceTrade(me.account, asset, -spare)
            elif away < self.low * self.base and home > self.base and not way:
                yield me.send(Dispatch(span, ends.home, ends.away, int((home - self.base) * span.scale), next_salt(me)))
            return
        if home < self.low * self.base and away > self.base and not way:
            yield me.send(Dispatch(span, ends.away, ends.home, int((away - self.base) * span.scale), next_salt(me)))
            return
        trade = self._trade(me, view, ends, mid, away)
        if trade is not None:
            yield trade

    def _trade(self, me: Player, view: View, ends: Ends, mid: float, held: float) -> Action | None:
        """What the far pool is worth trading, at a bid and an ask that leave room for the bridge's fee."""
        span, far, state = ends.span, ends.far, view.state
        venue = state.market(far).venue
        if not isinstance(venue, ConstantProduct):
            return None
        room = state.rules.bridges[span.index].fee + self.edge
        asked = sum(message.key.units for message in waiting(state, span, span.target))
        paid = (view.balance(span.token, span.escrow) - asked) / span.scale - held  # coins that it could still get
        worth = mid if paid >= 0 else mid * backing(state, span)
        base = view.balance(far.base, far.desk) / far.size_scale
        cash = view.balance(far.house.token, far.desk) / far.house.cash_scale
        size = to_edge(base, cash, venue.fee, worth * (1.0 - room), worth * (1.0 + room))
        purse = 0.95 * view.balance(far.house.token, ends.away) / far.house.cash_scale
        size = max(-held, min(size, base * purse / (cash + purse)))
        if size > 0:
            size = min(size, max(0.0, paid))
        if size == 0.0:
            return None
        kept = 1.0 - venue.fee
        owed = cash * size / ((base - size) * kept) if size > 0 else cash * kept * size / (base - kept * size)
        limit = worth * (1.0 - room if size > 0 else 1.0 + room)
        gain = size * limit - owed - GAS["Trade"] * (view.fee(far) + self.tip)
        if gain <= self.least_profit:
            return None
        return me.send(Trade(far, ends.away, int(size * far.size_scale), limit))
