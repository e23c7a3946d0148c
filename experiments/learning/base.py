"""A seat for a learner: a role that reports numbers from its view, and turns other numbers into transactions.

What it reports is worked out from the view that its `act` will be shown, and from nothing else: there is no fair in it. Left to
itself it plays its `usual` moves, so that a scenario with seats is a scenario like any other.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from agents.player import Action, Player, Role
from agents.view import View
from protocol.ledger import Floats


@dataclass(frozen=True)
class Seat(Role):
    """`signals`: what it reports, about 1 in size; `moves`: what it can choose, by name with lowest and highest value."""

    signals: ClassVar[tuple[str, ...]] = ()
    moves: ClassVar[dict[str, tuple[float, float]]] = {}

    @property
    @abstractmethod
    def usual(self) -> tuple[float, ...]:
        """Moves in the order of `moves`, for who has been told none."""

    @abstractmethod
    def report(self, me: Player, view: View) -> Iterable[float]:
        """The signals, in order. Leaves no trace in the game."""

    @abstractmethod
    def play(self, me: Player, view: View, moves: tuple[float, ...]) -> Iterable[Action]:
        """What to send, given the moves."""

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Play what it has been told, or as usual."""
        return self.play(me, view, me.memory.get("moves", self.usual))

    def told(self, me: Player, values: Floats) -> None:
        """Take moves from outside for the next block; what is out of bounds is brought to them, and nan to the lowest."""
        low, high = np.array(list(self.moves.values())).T
        me.memory["moves"] = tuple(np.clip(np.nan_to_num(values, nan=-np.inf), low, high).tolist())
