"""The hedged provider: it invests in the vault, pledges the shares, and hedges with them as margin what the vault holds.

A share of the vault is a share of everybody's other side. It trades the perpetual so that its part of the vault's position and
its own cancel, and is left with fees, funding and the liquidations' proceeds. The hedge is a trade with the same vault, so it
adds to the position of those who do not hedge; and its margin falls in value together with the vault.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.view import View
from protocol.gas import GAS
from protocol.ledger import WORLD
from protocol.loan_transactions import Pledge
from protocol.settings import refusals
from protocol.state import Listing, Pledgeable
from protocol.transactions import Invest, Trade

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class HedgedProvider(Role):
    """Invests `share` of its cash; trades when it is off by more than `band` of what that is worth."""

    count: int = 2
    capital: float = 500_000.0
    latency: float = 0.5
    share: float = 0.95
    band: float = 0.01
    ponder: float = 60.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return refusals(
            self,
            share=(0 < self.share <= 1, "above 0 to 1"),
            band=(self.band > 0, "above 0, a share of what it has invested"),
            ponder=(self.ponder > 0, "above 0 seconds"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Look for where the shares are pledged."""
        listing = game.listing(self.market, self.exchange)
        seat = next((one for one in game.state.pledges[listing.house.index] if one.token == listing.house.share), None)
        if seat is None or listing.desk != listing.house.vault:
            raise ValueError(f"market = {listing.name!r}: needs a vault on the other side whose shares are collateral")
        me.memory.update(listing=listing, seat=seat, next=0.0, until=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Invest, pledge, hedge."""
        memory, listing = me.memory, me.memory["listing"]
        if view.time < memory["next"] or view.state.time < memory["until"]:
            return ()
        memory.update(next=view.time + self.ponder, until=view.seal)
        seat: Pledgeable = memory["seat"]
        wallet, pledged = view.balance(seat.token, me.account), view.balance(seat.claim, me.account)
        if wallet > 0:
            return (me.send(Pledge(seat, me.account, wallet)),)
        if pledged == 0:
            return (
                me.send(
                    Invest(listing.house, me.account, int(self.share * view.balance(listing.house.token, me.account)))
                ),
            )
        size = self._size(me, view, listing, pledged)
        if size == 0:
            return ()
        me.note(view, "hedge", size=size / listing.size_scale)
        limit = view.index(listing).value * (1.0 + math.copysign(0.002, size))
        return (me.send(Trade(listing, me.account, size, limit)),)

    def _size(self, me: Player, view: View, listing: Listing, pledged: int) -> int:
        """Units that even its own position and its part of the vault's out; 0 within the band."""
        part = pledged / max(1, -view.balance(listing.house.share, WORLD))
        off = view.balance(listing.size, me.account) + part * view.balance(listing.size, listing.desk)
        value = abs(off) / listing.size_scale * view.index(listing).value
        gas = GAS["Trade"] * (view.fee(listing) + self.tip)
        return -int(off) if value > self.band * self.capital + gas else 0
