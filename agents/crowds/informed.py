"""Informed traders: each has a private signal of where the price is going, and trades until the mid is there.

Their orders are how news gets into a price: whoever quotes pays them (Glosten and Milgrom 1985, "Bid, ask and transaction
prices", Journal of Financial Economics 14), the price learns from it (Kyle 1985), and what share of the flow they are is what
Easley, Kiefer, O'Hara and Paperman 1996 call PIN. They believe what they hear: one whose signal is nothing but error trades at
random, as Black's noise trader does (1986, "Noise", Journal of Finance 41(3)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.crowds.base import Crowd, CrowdPlayer, spread_out
from agents.crowds.decision import BareSight, Columns
from agents.player import Player
from agents.streams import Streams
from agents.view import Outlook, View
from protocol.ledger import Floats, Ints
from protocol.settings import refusals

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class InformedCrowd(Crowd):
    """A member knows the price `ahead` seconds from now with a relative error of `noise`, and acts on a gap of `threshold`.

    These are means: each member's own lie between half as much and one and a half times as much. `leverage` is the largest used.
    It pays no more than its signal says the asset is worth, or `slippage` beyond the mid.
    """

    leverage: float = 2.0
    ahead: float = 30.0
    noise: float = 0.001
    threshold: float = 0.004

    def mistakes(self) -> list[str]:
        """Nobody is informed of the past, or less than wrong."""
        return super().mistakes() + refusals(
            self,
            ahead=(self.ahead >= 0, "0 or more seconds"),
            noise=(self.noise >= 0, "0 or more, relative to the price"),
            threshold=(self.threshold >= 0, "0 or more, relative to the price"),
        )

    def columns(self, streams: Streams, stake: Ints) -> Columns:
        """All that moves it is the gap between its signal and the mid, which is written down before each decision."""
        n, name = len(stake), self.label
        return Columns(
            stake,
            self.activity / 86_400.0 * spread_out(streams, f"{name}.activity", 0.67, 1.33, n),
            spread_out(streams, f"{name}.leverage", 0.25 * self.leverage, self.leverage, n),
            self.threshold * spread_out(streams, f"{name}.threshold", 0.5, 1.5, n),
            np.zeros(n),
            np.zeros(n),
            np.zeros(n),
            np.full(n, self.slippage),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """How far ahead each knows, in nature's ticks, and how wrong it is."""
        name, n = self.label, self.count
        me.memory["ahead"] = self.ahead / game.tick * spread_out(game.streams, f"{name}.ahead", 0.5, 1.5, n)
        me.memory["noise"] = self.noise * spread_out(game.streams, f"{name}.noise", 0.5, 1.5, n)

    def look(self, me: CrowdPlayer, view: View, outlook: Outlook, own: Floats | float) -> BareSight:
        """Write down how far each one's signal lies from the mid as it sees it: where to, and no further."""
        asset = view.state.market(me.listing).instrument.base
        me.columns.gap[:] = view.signals(asset, me.keys[1], me.memory["ahead"], me.memory["noise"]) - own
        np.minimum(np.abs(me.columns.gap), self.slippage, out=me.columns.patience)
        return super().look(me, view, outlook._replace(gap=1.0), own)
