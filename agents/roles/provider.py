"""The liquidity provider: it puts money into the vault, or into a pool, and leaves when that hurts.

It compares what its shares are worth with what it put in; a loss beyond `pain` sends it out, and it is back after `calm`
seconds. Vault capital is thus not a constant: the losses of some traders to others end in an exit of those who stand behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.roles.ranges import provide_around
from agents.view import View
from protocol.exchange import leaving
from protocol.ledger import WORLD
from protocol.margins.base import Threshold
from protocol.settings import refusals
from protocol.state import Listing
from protocol.transactions import Divest, Invest, Provide, Remove
from protocol.venues.concentrated import ConcentratedPool

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Provider(Role):
    """Commits `share` of its cash: to the pool where `market` is a spot market, else to the exchange's vault.

    In a pool with ranges, to one from the `width`-th part of the mid to `width` times it.
    Looks every `ponder` seconds; tries again after as long where it may not leave.
    """

    kind = "provider"

    capital: float = 500_000.0
    latency: float = 1.0
    share: float = 0.95
    pain: float = 0.05
    calm: float = 86_400.0
    ponder: float = 60.0
    width: float = 1.05

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return refusals(
            self,
            share=(0 < self.share <= 1, "above 0 to 1"),
            pain=(0 < self.pain <= 1, "above 0 to 1, a share of what was put in"),
            calm=(self.calm >= 0, "0 or more seconds"),
            width=(self.width > 1, "above 1, a multiple of the mid"),
            ponder=(self.ponder > 0, "above 0 seconds"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Look for where the money is to go."""
        listing = game.listing(self.market, self.exchange)
        if listing.size >= 0 and listing.house.vault < 0:
            raise ValueError(f"exchange = {listing.house.name!r}: has no vault to invest in")
        me.memory.update(listing=listing, next=0.0, until=0.0, back=0.0, entry=0.0, out=False)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """In when calm, out when it hurts."""
        memory = me.memory
        if view.time < memory["next"] or view.state.time < memory["until"]:
            return ()
        memory["next"], memory["until"] = view.time + self.ponder, view.seal
        listing: Listing = memory["listing"]
        venue = view.state.market(listing).venue
        if isinstance(venue, ConcentratedPool):
            return provide_around(self, me, view, listing, venue)
        spot = listing.size < 0
        row = listing.share if spot else listing.house.share
        shares = view.balance(row, me.account)
        if shares == 0:
            memory["entry"] = 0.0
            if memory["out"]:
                memory.update(out=False, back=view.time + self.calm)
            return self._enter(me, view, listing) if view.time >= memory["back"] else ()
        worth = self._worth(view, listing, spot) * shares / max(1, -view.balance(row, WORLD))
        if memory["entry"] == 0.0:
            memory["entry"] = worth  # what the shares were worth when it first saw them
            return ()
        if worth >= (1.0 - self.pain) * memory["entry"]:
            return ()
        if not memory["out"]:
            memory["out"] = True
            me.note(view, "provider leaves", entry=memory["entry"], worth=worth)
        if not spot and leaving(view.state, listing.house, me.account):
            return ()  # it has asked already
        leave = Remove(listing, me.account, shares) if spot else Divest(listing.house, me.account, shares)
        return (me.send(leave),)

    def _enter(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        """Put the money in, unless that would be refused."""
        house, enter = listing.house, self._stake(me, view, listing)
        if enter is None:
            return ()
        _, revert = view.simulate(enter)
        if revert is not None:
            me.note(view, "kept out", where=house.name, why=type(revert).__name__)
            return ()
        return (me.send(enter),)

    def _stake(self, me: Player, view: View, listing: Listing) -> Invest | Provide | None:
        house = listing.house
        units = int(self.share * view.balance(house.token, me.account))
        if listing.size >= 0:
            return Invest(house, me.account, units) if units > 0 else None
        base = view.balance(listing.base, me.account)
        reserves = view.balance(listing.base, listing.desk), view.balance(house.token, listing.desk)
        units = min(units, int(self.share * base * reserves[1] / reserves[0]))
        return Provide(listing, me.account, units) if units > 0 else None

    @staticmethod
    def _worth(view: View, listing: Listing, spot: bool) -> float:
        """Cash coins behind all shares: the vault's equity at the index, or the pool's two tokens at the reference mid."""
        state, house = view.state, listing.house
        if not spot:
            worth, _ = state.exchange(house).margin.standing(state, house, Threshold.INITIAL, house.vault)
            return worth
        base = view.balance(listing.base, listing.desk) / listing.size_scale
        cash = view.balance(house.token, listing.desk) / house.cash_scale
        return base * view.reference(state.market(listing).instrument.base) + cash
