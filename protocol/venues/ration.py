"""Who is served at the marginal price of an auction, where more is offered than can be traded.

Attack surface: pro rata invites orders larger than anybody wants (each is cut down in proportion); time priority brings
back the race that a batch is there to end (Budish, Cramton and Shim 2015, section VII, ration pro rata).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from protocol.ledger import Ints


@dataclass(frozen=True)
class Ration(ABC):
    """A rule for dividing what there is among those who want more."""

    @abstractmethod
    def share(self, wanted: Ints, units: int) -> Ints:
        """What each gets of `units` <= the sum of `wanted` (units, in order of arrival). Shapes [n]; sums to `units`."""


@dataclass(frozen=True)
class ProRata(Ration):
    """In proportion to what is wanted, rounded down; what rounding leaves, a unit each in order of arrival."""

    def share(self, wanted: Ints, units: int) -> Ints:
        """Whole units, computed in integers of any length."""
        total = sum(wanted.tolist())
        parts = np.array([want * units // total for want in wanted.tolist()], np.int64)
        short = np.flatnonzero(parts < wanted)[: units - int(parts.sum())]
        parts[short] += 1
        return parts


@dataclass(frozen=True)
class TimePriority(Ration):
    """First come, first served."""

    def share(self, wanted: Ints, units: int) -> Ints:
        """Each all it wants, until there is no more."""
        before = np.cumsum(wanted) - wanted
        parts: Ints = np.minimum(wanted, np.maximum(units - before, 0))
        return parts
