"""The large trader: it works big orders in slices, each with a limit a little worse than what it was quoted.

A parent order of `notional` goes one way in `slices`, one every `pause`; which way is chance (`buys`), as far as its money goes. It
quotes the venue as it stands in view and accepts `slippage` beyond that, which is what whoever reads its order has to play
with (Daian et al. 2020; Qin, Zhou and Gervais 2022, "Quantifying blockchain extractable value"). What it got, it notes beside
what it was quoted. A slice that fails is not sent again: the next one comes in its turn.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.player import Action, Player, Role
from agents.streams import uniform_at
from agents.view import View
from protocol import exchange
from protocol.settings import refusals
from protocol.state import Listing
from protocol.transactions import Trade
from protocol.units import to_units_down
from protocol.venues.base import AT_THE_CLOSE

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class LargeTrader(Role):
    """`notional` cash coins a parent order; `pause` seconds between slices, `rest` between parents; `slippage` relative.

    Each pause is drawn anew, up to `scatter` of it longer or shorter. The first slice comes within a `pause` from `onset` on.
    """

    capital: float = 2_000_000.0
    base: float = 500.0
    latency: float = 0.5
    notional: float = 400_000.0
    slices: int = 8
    pause: float = 60.0
    rest: float = 300.0
    slippage: float = 0.01
    scatter: float = 0.0
    onset: float = 0.0
    buys: float = 0.5

    def mistakes(self) -> list[str]:
        """Amounts and times are above 0."""
        return [
            f"{name} = {getattr(self, name)}: must be above 0"
            for name in ("notional", "pause")
            if not getattr(self, name) > 0
        ] + refusals(
            self,
            slices=(self.slices >= 1, "1 or more"),
            rest=(self.rest >= 0, "0 or more seconds"),
            onset=(self.onset >= 0, "0 or more seconds"),
            scatter=(0 <= self.scatter <= 1, "0 to 1, a share of the pause"),
            slippage=(0 <= self.slippage < 1, "0 to below 1"),
            buys=(0 <= self.buys <= 1, "0 to 1, the chance that a parent is a purchase"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Put up margin where that is needed; draw the first moment."""
        listing, key = game.listing(self.market, self.exchange), game.streams.key(f"{me.label}.parents")
        if listing.size >= 0:
            units = to_units_down(0.9 * self.capital, int(listing.house.cash_scale))
            exchange.deposit(game.state, listing.house, me.account, units)
        first = self.onset + self.pause * uniform_at(key, 0, 1)
        me.memory.update(listing=listing, key=key, next=first, left=0, parent=0, open=None)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Look what became of the last slice; send the next when it is due."""
        memory = me.memory
        listing: Listing = memory["listing"]
        if memory["open"] is not None and view.state.time >= memory["until"]:
            self._settled(me, view, listing)
        if view.time < memory["next"] or memory["open"] is not None:
            return ()
        mid = view.mid(listing)
        if memory["left"] == 0:
            memory["parent"] += 1
            memory.update(
                left=self.slices, side=1 if uniform_at(memory["key"], memory["parent"], 0) < self.buys else -1
            )
            if not self._can(me, view, listing, memory["side"], mid):
                memory["side"] = -memory["side"]
            me.note(view, "parent order", side=memory["side"], notional=self.notional)
        memory["left"] -= 1
        pause = self.pause if memory["left"] else self.rest
        if self.scatter:
            pause *= 1.0 + self.scatter * (2.0 * uniform_at(memory["key"], memory["parent"], 2 + memory["left"]) - 1.0)
        memory["next"] = view.time + pause
        size = int(memory["side"] * self.notional / self.slices / mid * listing.size_scale)
        quote = self._quote(view, listing, size, mid)
        if not math.isfinite(quote):
            me.note(view, "slice not possible", side=memory["side"])
            return ()
        limit = quote * (1.0 + memory["side"] * self.slippage)
        memory.update(open=(size, quote, *self._holdings(me, view, listing)), until=view.seal)
        return (me.send(Trade(listing, me.account, size, limit)),)

    @staticmethod
    def _quote(view: View, listing: Listing, size: int, mid: float) -> float:
        """Average price of the slice as the venue stands, cash coins per base coin; the mid where nothing is quoted ahead."""
        if view.state.market(listing).venue.settles == AT_THE_CLOSE:
            return mid
        return float(view.cost(listing, np.array([size]))[0]) / (size * listing.price_scale)

    def _can(self, me: Player, view: View, listing: Listing, side: int, mid: float) -> bool:
        """Whether a whole parent is within its means; of claims it holds no more than one either way."""
        if listing.size >= 0:
            return side * view.balance(listing.size, me.account) / listing.size_scale * mid < 0.5 * self.notional
        row, scale, price = (
            (listing.house.token, listing.house.cash_scale, 1.0)
            if side > 0
            else (listing.base, listing.size_scale, mid)
        )
        return view.balance(row, me.account) / scale * price > 1.1 * self.notional

    @staticmethod
    def _holdings(me: Player, view: View, listing: Listing) -> tuple[int, int]:
        """(base units, cash units) that a fill moves."""
        if listing.size >= 0:
            return view.balance(listing.size, me.account), view.balance(listing.quote, me.account)
        return view.balance(listing.base, me.account), view.balance(listing.house.token, me.account)

    def _settled(self, me: Player, view: View, listing: Listing) -> None:
        size, quote, base, cash = me.memory["open"]
        me.memory["open"] = None
        now_base, now_cash = self._holdings(me, view, listing)
        got = now_base - base
        if got == 0:
            me.note(view, "slice failed", size=size / listing.size_scale, quoted=quote)
            return
        price = (cash - now_cash) / (got * listing.price_scale)
        me.note(view, "slice", size=got / listing.size_scale, quoted=quote, price=price)
