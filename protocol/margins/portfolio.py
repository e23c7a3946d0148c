"""Portfolio margin: the worst that a grid of moves of spot and volatility does to everything an account holds (SPAN, PMRM).

Every base moves alike, so that positions on one hedge each other and those on several do not diversify. Options are revalued
in each scenario; volatility is shocked by (30 days / T) ** p, more for what expires sooner (`option_rules`, after Derive's
PMRMLib). Contingencies come on top of the worst scenario: a share of notional on what is linear, and on options sold. To open,
all of it is asked `initial` times. What PMRM adds for forwards, depegs and doubtful feeds is left out, as is its discount on
options held: the grid's largest fall stands for it.
Attack surface: what loses between or beyond the grid's points is margined as if it lost nothing there; the surface's keeper
moves requirements with the marks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol.instruments.base import NEVER
from protocol.instruments.option import Option
from protocol.ledger import Floats
from protocol.margins.base import Margin, Threshold
from protocol.option_rules import volatility_shocks
from protocol.oracles.base import read_index
from protocol.state import House, Listing, State


@dataclass(frozen=True)
class Portfolio(Margin):
    """`moves` of spot, relative, each with volatility shocked `up`, `down` and not at all; shocks at thirty days.

    `linear` and `sold` are contingencies: shares of the index per base coin held of what is linear, or sold of options.
    """

    moves: tuple[float, ...] = (-0.15, -0.10, -0.05, 0.0, 0.05, 0.10, 0.15)
    up: float = 0.45
    down: float = 0.30
    linear: float = 0.02
    sold: float = 0.01
    initial: float = 1.25

    def __post_init__(self) -> None:
        """Refuse a grid without scenarios, and one that nothing loses in."""
        wrong = []
        if not self.moves:
            wrong.append("moves = (): a margin grid needs at least one scenario")
        if any(not move > -1 for move in self.moves):
            wrong.append(f"moves = {self.moves}: must be above -1, shares of the index")
        if self.up < 0:
            wrong.append(f"up = {self.up}: must be 0 or more, a share of volatility")
        if not 0 <= self.down < 1:
            wrong.append(f"down = {self.down}: allowed 0 to below 1, a share of volatility")
        for name in ("linear", "sold"):
            if not 0 < getattr(self, name) <= 1:
                wrong.append(f"{name} = {getattr(self, name)}: allowed above 0 to 1, a share of the index")
        if self.initial < 1:
            wrong.append(f"initial = {self.initial}: must be 1 or more, a multiple of maintenance")
        if wrong:
            raise ValueError("\n".join(wrong))

    def _times(self, which: Threshold) -> float:
        return self.initial if which == Threshold.INITIAL else 1.0

    def rate(self, state: State, listing: Listing, which: Threshold) -> tuple[float, float]:
        """What a base coin of something linear needs: the contingency and the worst fall of the grid, for those who size by it."""
        return self._times(which) * (self.linear + max(map(abs, self.moves))), 0.0

    def needs(
        self, state: State, listing: Listing, which: Threshold, price: float, index: float, factor: float = 1.0
    ) -> tuple[float, float]:
        """The contingency alone: the grid sees the rest, hedges included."""
        times = self._times(which) * factor * index
        if isinstance(state.market(listing).instrument, Option):
            return 0.0, times * self.sold
        return times * self.linear, times * self.linear

    def grid(self, state: State, house: House, which: Threshold) -> Floats:
        """Gain of one unit of each size in each move, with volatility up, as it is, and down."""
        grid = np.zeros((3 * len(self.moves), house.last - house.first))
        moves = np.tile(np.array(self.moves), 3)
        for listing in state.listings[house.index]:
            if listing.size < 0:
                continue
            instrument, index = state.market(listing).instrument, read_index(state, listing).value
            seconds = instrument.expires() - state.time if instrument.expires() < NEVER else 0.0
            up, down = volatility_shocks(max(seconds, 0.0), self.up, self.down)
            volatility = np.repeat((float(up), 1.0, float(down)), len(self.moves))
            worth = instrument.revalue(state, listing, index, moves, volatility)
            grid[:, listing.size - house.first] = (
                self._times(which) * (worth - instrument.price(state, listing, index)) / listing.size_scale
            )
        return grid
