"""The exposure trader: it wants the ups of something off-chain and buys a synthetic to have them; what moves the peg.

It keeps part of its money in it, and follows the trend of the reference over its own horizon: it holds more the further the
reference stands above its mean, and less the further below. It pays up to `patience` over the index, and asks no less than
that under it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.roles.peg_trader import issue_of
from agents.streams import uniform_at
from agents.view import View
from protocol.state import Listing
from protocol.transactions import Trade

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class ExposureTrader(Role):
    """Holds `usual` of its wealth, and `appetite` more for each standard deviation of trend; `horizon` in seconds.

    Looks every `ponder` seconds, from a moment of its own.
    """

    count: int = 20
    capital: float = 50_000.0
    latency: float = 1.0
    usual: float = 0.5
    appetite: float = 0.25
    horizon: float = 1_800.0
    patience: float = 0.02
    ponder: float = 120.0

    def mistakes(self) -> list[str]:
        """Formulas need positive numbers."""
        return [
            f"{name} = {getattr(self, name)}: must be above 0"
            for name in ("usual", "appetite", "horizon", "patience", "ponder")
            if not getattr(self, name) > 0
        ]

    def prepare(self, me: Player, game: Game) -> None:
        """Look for the pool; draw a horizon of 0.5 to 1.5 times the usual."""
        listing = game.listing(self.market, self.exchange)
        issue_of(game.state, listing)
        key = game.streams.key(f"{me.label}.temper")
        me.memory.update(listing=listing, horizon=self.horizon * (0.5 + uniform_at(key, 0, 0)))
        me.memory["next"] = self.ponder * uniform_at(key, 0, 1)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Trade towards what the trend makes it want."""
        if view.time < me.memory["next"]:
            return ()
        me.memory["next"] = view.time + self.ponder
        listing: Listing = me.memory["listing"]
        asset = view.state.market(listing).instrument.base
        past = view.past(asset, me.memory["horizon"])
        volatility = view.volatility(asset, me.memory["horizon"])
        if volatility == 0.0:
            return ()
        trend = math.log(view.reference(asset) / float(past.mean())) / (volatility * math.sqrt(me.memory["horizon"]))
        mid, index = view.mid(listing), view.index(listing).value
        purse = view.balance(listing.house.token, me.account) / listing.house.cash_scale - 1_000.0
        held = view.balance(listing.base, me.account) / listing.size_scale
        wanted = min(1.0, max(0.0, self.usual + self.appetite * trend)) * max(0.0, purse + held * mid) / mid
        size = max(-held, min(wanted - held, 0.97 * max(0.0, purse) / mid))
        if abs(size) * mid < 0.02 * self.capital:
            return ()
        limit = index * (1.0 + math.copysign(self.patience, size))
        return (me.send(Trade(listing, me.account, int(size * listing.size_scale), limit)),)
