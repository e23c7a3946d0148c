"""A maker's seat: it quotes a book as any maker does, and the learner says how far it stands back."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agents.player import Action, Player
from agents.roles.maker import Maker
from agents.view import View
from experiments.learning.base import Seat

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class MakerSeat(Seat):
    """`maker` says how it quotes; the learner sets its `caution`: standard deviations of the mid until a quote is replaced."""

    capital: float = 1_000_000.0
    latency: float = 0.1
    maker: Maker = field(default_factory=Maker)

    signals = ("inventory", "volatility", "gap")
    moves = {"caution": (0.0, 6.0)}

    @property
    def usual(self) -> tuple[float, ...]:
        """Its maker's caution."""
        return (self.maker.caution,)

    def prepare(self, me: Player, game: Game) -> None:
        """As its maker."""
        self._maker(self.maker.caution).prepare(me, game)

    def report(self, me: Player, view: View) -> Iterable[float]:
        """Position as a share of capital, what the mid does in a block (0.1 %), and how far the book is from it (0.1 %)."""
        listing = view.listing(self.market, self.exchange)
        asset = view.state.market(listing).instrument.base
        reference, mid = view.reference(asset), view.mid(listing)
        size = view.balance(listing.size, me.account) / listing.size_scale
        interval = view.state.rules.chains[listing.house.chain].blocks.interval
        gap = math.log(mid / reference) if mid > 0 else 0.0
        return (
            size * reference / max(self.capital, 1.0),
            1e3 * view.volatility(asset, 600.0) * math.sqrt(interval),
            1e3 * gap,
        )

    def play(self, me: Player, view: View, moves: tuple[float, ...]) -> Iterable[Action]:
        """Quote."""
        return self._maker(moves[0]).act(me, view)

    def _maker(self, caution: float) -> Maker:
        return dataclasses.replace(
            self.maker,
            caution=caution,
            capital=self.capital,
            latency=self.latency,
            market=self.market,
            exchange=self.exchange,
        )
