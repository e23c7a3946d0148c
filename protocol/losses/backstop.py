"""The vault as backstop: liquidity providers bear what insurance could not.

Named for what it does, since `vault.py` holds the vault itself. Attack surface: providers who see it coming leave first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from protocol.ledger import Ints, Reason
from protocol.losses.base import NOBODY, Charges, Loss
from protocol.margins.base import Threshold
from protocol.state import House, State


@dataclass(frozen=True)
class VaultBackstop(Loss):
    """Pays up to `most` of the vault's equity."""

    most: float = 1.0

    reason: ClassVar[Reason] = Reason.LOSS_VAULT

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 < self.most <= 1:
            raise ValueError(f"most = {self.most}: allowed above 0 to 1, a share of the vault's equity")

    def capacity(self, state: State, house: House) -> int:
        """Its equity at the index."""
        if house.vault < 0:
            return 0
        worth, _ = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, house.vault)
        return max(0, int(worth * self.most * house.cash_scale))

    def payers(self, state: State, house: House) -> Ints:
        """The vault, where there is one."""
        return np.array([house.vault] if house.vault >= 0 else [], np.int64)

    def charge(self, state: State, house: House, debtor: int, deficit: int) -> Charges:
        """The vault."""
        units = min(deficit, self.capacity(state, house))
        return Charges(np.array([house.vault]), np.array([units])) if units else NOBODY
