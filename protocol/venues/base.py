"""The venue family: how a market prices the next trade. Venues propose; the exchange settles.

`take(pool, size)` is the whole rule: what `size` units of base owe in whole cash units, rounded against the taker, with
`pool` (the venue's numbers, in units) brought forward; nan where the venue cannot fill it. Each venue file compiles it into
the one filling loop of `clearing`. `counterparty` says who is on the other side, and so who holds a deficit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from protocol.clearing import MOVES_PER_FILL, Batch, Fills
from protocol.ledger import Floats, Ints
from protocol.state import Listing, State


class Due(NamedTuple):
    """What accounts owe the venue's side for fills of the past that are settled now. Shapes [n]."""

    account: Ints
    units: Ints  # cash units; negative: they receive


NOTHING_DUE = Due(np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True)
class Venue(ABC):
    """A rule of execution."""

    trades: ClassVar[str] = "claims"  # or "tokens", or "both"
    counterparty: ClassVar[str] = "venue"  # whose account is the other side: "venue", "vault" or "makers"

    @abstractmethod
    def start(self, state: State, listing: Listing, price: float) -> None:
        """Open its table at genesis, around `price` (cash coins per base coin)."""

    @abstractmethod
    def mid(self, state: State, listing: Listing) -> float:
        """The price of an infinitely small trade, cash coins per base coin, without spread and fee."""

    def moves(self, state: State, listing: Listing, orders: int) -> int:
        """The most journal entries that filling so many orders now can need."""
        return MOVES_PER_FILL * orders

    @abstractmethod
    def pool(self, state: State, listing: Listing) -> Any:
        """A fresh copy of the numbers `take` works on, in units. Raises StalePrice where it needs an index it lacks."""

    def keep(self, state: State, listing: Listing, pool: Any) -> None:
        """Remember `pool` after fills. Nothing to do where the ledger is the memory."""
        return

    def note(self, state: State, listing: Listing, batch: Batch, fills: Fills) -> None:
        """Remember who filled what. Most venues need not know."""
        return

    def observe(self, state: State, listing: Listing) -> Due:
        """Look at a block that has just been sealed, and say what is due. Most fills are final, and owe nothing later."""
        return NOTHING_DUE

    def settlement(self) -> float:
        """Seconds after which a fill is settled at the index of then; 0: a fill is final."""
        return 0.0

    def is_pending(self, state: State, listing: Listing, account: int) -> bool:
        """Whether a fill of the account is still to be settled."""
        return False

    @abstractmethod
    def fill(self, pool: Any, desk: Any, terms: Any, batch: Batch, fills: Fills) -> None:
        """Run the filling loop of `clearing` with this venue's `take`."""

    @abstractmethod
    def price(self, pool: Any, sizes: Ints, owed: Floats) -> None:
        """Run `clearing.price_each` with this venue's `take`."""

    def cost(self, state: State, listing: Listing, sizes: Ints) -> Floats:
        """What each order in turn would owe, cash units (nan: cannot be filled). A view. Shapes [n]."""
        owed = np.empty(len(sizes))
        self.price(self.pool(state, listing), np.asarray(sizes, np.int64), owed)
        return owed
