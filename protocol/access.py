"""Access: who may take a position in a market, or put money behind it.

Everybody, unless a market says otherwise. A credentialed one admits holders of a token that an authority has given them: a row
of the ledger like any other, so that being admitted moves nobody's money and changes nobody's custody. Leaving is always
open: what was opened with a credential can be closed without, and keepers may close it.
Attack surface: a gate keeps arbitrageurs out as well, so its mid may wander; and the authority may take back what it gave.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.ledger import Ints
from protocol.state import State


@dataclass(frozen=True)
class Access(ABC):
    """A rule of admission."""

    @abstractmethod
    def admits(self, state: State, accounts: Ints) -> NDArray[np.bool_]:
        """Which of the accounts may come in. Shapes [n]."""

    def credentials(self) -> tuple[str, ...]:
        """Names of the tokens it looks at."""
        return ()


@dataclass(frozen=True)
class Permissionless(Access):
    """Admits everybody."""

    def admits(self, state: State, accounts: Ints) -> NDArray[np.bool_]:
        """All of them."""
        return np.ones(len(accounts), np.bool_)


@dataclass(frozen=True)
class Credentialed(Access):
    """Admits whoever holds a `credential`, the name of a token."""

    credential: str = "PASS"

    def __post_init__(self) -> None:
        """Refuse a credential without a name."""
        if not self.credential or "." in self.credential:
            raise ValueError(f"credential = {self.credential!r}: must be a word without dots")

    def admits(self, state: State, accounts: Ints) -> NDArray[np.bool_]:
        """Holders."""
        held: NDArray[np.bool_] = state.ledger.balance[state.ledger.row[self.credential], accounts] > 0
        return held

    def credentials(self) -> tuple[str, ...]:
        """The one it asks for."""
        return (self.credential,)
