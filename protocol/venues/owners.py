"""Whether a book tells whose orders rest on it: everybody's, or each only its own.

Chains that keep the book in their state show every owner (dYdX v4: an order carries its subaccount), so that anybody can look up
what stands behind a quote; an exchange's order-by-order feed does not (CME MBO, Nasdaq ITCH). Attack surface: whoever sees
owners knows which depth its maker cannot carry, and whom a liquidation will come for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from protocol.ledger import Ints

NOBODY = -1


@dataclass(frozen=True)
class Owners(ABC):
    """A rule for what a viewer is told about whose an order is."""

    tell_all: ClassVar[bool] = False  # whether everybody is told everything

    @abstractmethod
    def seen_by(self, viewer: int, owners: Ints) -> Ints:
        """The accounts as `viewer` sees them, NOBODY where it is not told. Shapes [n]."""


@dataclass(frozen=True)
class Shown(Owners):
    """Everybody sees whose each order is."""

    tell_all: ClassVar[bool] = True

    def seen_by(self, viewer: int, owners: Ints) -> Ints:
        """As they are."""
        return owners.copy()


@dataclass(frozen=True)
class Hidden(Owners):
    """Everybody sees each order, and knows only its own."""

    def seen_by(self, viewer: int, owners: Ints) -> Ints:
        """NOBODY but for the viewer's own."""
        return np.where(owners == viewer, owners, NOBODY)
