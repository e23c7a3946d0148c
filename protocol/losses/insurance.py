"""The insurance fund: filled by liquidation penalties, emptied first.

Attack surface: it pays whoever stands opposite a bankrupt account, also when both accounts are one owner's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from protocol.ledger import Ints, Reason
from protocol.losses.base import NOBODY, Charges, Loss
from protocol.state import House, State


@dataclass(frozen=True)
class Insurance(Loss):
    """Pays until it is empty, or up to `most` of what it holds for one debtor."""

    most: float = 1.0

    reason: ClassVar[Reason] = Reason.INSURANCE

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 < self.most <= 1:
            raise ValueError(f"most = {self.most}: allowed above 0 to 1, a share of the fund")

    def capacity(self, state: State, house: House) -> int:
        """Its cash claim."""
        return max(0, int(int(state.ledger.balance[house.cash, house.insurance]) * self.most))

    def payers(self, state: State, house: House) -> Ints:
        """The fund."""
        return np.array([house.insurance])

    def charge(self, state: State, house: House, debtor: int, deficit: int) -> Charges:
        """The fund."""
        units = min(deficit, self.capacity(state, house))
        return Charges(np.array([house.insurance]), np.array([units])) if units else NOBODY
