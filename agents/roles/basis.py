"""The basis trader: it trades a perpetual on a virtual AMM towards the reference mid, and collects funding on the way.

With virtual reserves x and y a trade of x - sqrt(xy / p) brings the mid to p. It opens where the gap, with the funding it
would receive over `hold` seconds, exceeds fees, gas and `edge`, as far as its margin goes; it closes as the gap closes.
Its position is hedged on the reference venue where it has the means: short perpetual, long token. A long stands
unhedged beyond the tokens it came with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, ReferenceTrade, Role
from agents.view import View
from protocol import exchange
from protocol.gas import GAS
from protocol.margins.base import Threshold
from protocol.settings import refusals
from protocol.state import Listing
from protocol.transactions import Trade
from protocol.units import to_units_down
from protocol.venues.virtual_amm import VirtualAmm

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class BasisTrader(Role):
    """Half of its capital is margin, half buys the hedge; uses `usage` of what its margin could carry.

    `edge` is the least relative gain beyond costs; exposure below `ignore` cash coins is not hedged.
    """

    capital: float = 1_000_000.0
    base: float = 250.0
    usage: float = 0.5
    edge: float = 0.0005
    hold: float = 3_600.0
    least_profit: float = 1.0
    ignore: float = 100.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return refusals(
            self,
            usage=(0 < self.usage < 1, "above 0 to below 1"),
            edge=(self.edge >= 0, "0 or more"),
            hold=(self.hold >= 0, "0 or more seconds"),
            ignore=(self.ignore >= 0, "0 or more cash coins"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Half of its capital stands as margin."""
        listing = game.listing(self.market, self.exchange)
        if not isinstance(game.state.market(listing).venue, VirtualAmm):
            raise ValueError(f"market = {listing.name!r}: a BasisTrader needs a VirtualAmm")
        house = listing.house
        exchange.deposit(game.state, house, me.account, to_units_down(0.5 * self.capital, int(house.cash_scale)))
        me.memory.update(listing=listing, until=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Even the hedge out, then trade the perpetual towards the reference."""
        state, memory = view.state, me.memory
        if state.time < memory["until"]:
            return ()
        listing: Listing = memory["listing"]
        balance, scale = state.ledger.balance, listing.size_scale
        asset = state.market(listing).instrument.base
        mid = view.reference(asset)
        held = float(balance[listing.size, me.account]) / scale
        actions: list[Action] = []
        tokens = float(balance[listing.base, me.account]) / scale
        purse = 0.95 * float(balance[listing.house.token, me.account]) / listing.house.cash_scale
        hedge = max(-0.9999 * tokens, min(self.base - held - tokens, purse / mid))
        if abs(hedge) * mid > self.ignore:
            actions.append(ReferenceTrade(me.account, asset, hedge))
        size = self._size(me, view, listing, mid, held)
        if size:
            limit = mid * (1.0 + (1e-3 if size > 0 else -1e-3))
            actions.append(me.send(Trade(listing, me.account, int(size * scale), limit)))
        if actions:
            memory["until"] = view.seal
        return actions

    def _size(self, me: Player, view: View, listing: Listing, mid: float, held: float) -> float:
        """Base coins to trade, 0 for none."""
        state = view.state
        market = state.market(listing)
        base, cash = (float(number) for number in state.tables[listing.reserves_at])
        base, cash = base / listing.size_scale, cash / listing.house.cash_scale
        gap = math.log(mid * base / cash)  # above 0: the perpetual is cheap
        side = 1.0 if gap > 0 else -1.0
        closing = held * side < 0
        carry = -side * float(state.tables[listing.funding_at][1]) * self.hold
        band = 0.0 if closing else max(0.0, 2.0 * market.fee + self.edge - carry)  # entry has counted both fees
        if abs(gap) <= band:
            return 0.0
        target = mid * math.exp(-side * band)
        size = base - math.sqrt(base * cash / target)
        if closing:
            size = side * min(abs(size), abs(held))
        else:
            worth, needs = state.exchange(listing.house).margin.standing(
                state, listing.house, Threshold.INITIAL, me.account
            )
            share, slope = state.exchange(listing.house).margin.rate(state, listing, Threshold.INITIAL)
            room = max(0.0, self.usage * worth - needs) / ((share + 2.0 * slope * abs(held) + market.fee) * mid)
            size = side * min(abs(size), room)
        gain = abs(size) * mid * 0.5 * (abs(gap) - band) - GAS["Trade"] * (view.fee(listing) + self.tip)
        return size if gain > self.least_profit else 0.0
