"""The instrument family: which claim rows a market opens, what one unit of each is worth, and what holding it needs.

Equity of everybody is then one weighted sum over an exchange's rows, at any price, and sums to zero over all accounts.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from protocol.ledger import Floats
from protocol.state import Listing, State

NEVER = math.inf  # seconds: when what has no expiry expires


class Threshold(IntEnum):
    """Which requirement."""

    INITIAL = 0
    MAINTENANCE = 1


INITIAL, MAINTENANCE = Threshold.INITIAL, Threshold.MAINTENANCE


class Asked(NamedTuple):
    """What a margin rule asks of an instrument's own."""

    which: Threshold
    share: float  # of notional
    factor: float = 1.0  # what published requirements are multiplied by


@dataclass(frozen=True)
class Instrument(ABC):
    """A contract that a market trades in."""

    base: str = "ETH"
    decimals: int = 8

    def __post_init__(self) -> None:
        """Refuse scales that overflow `int64` cash arithmetic."""
        if not 0 <= self.decimals <= 9:
            raise ValueError(f"decimals = {self.decimals}: allowed 0 to 9")

    @property
    def token(self) -> str:
        """The row of the token it trades: its base, unless it stands for that."""
        return self.base

    @abstractmethod
    def claims(self) -> tuple[str, ...]:
        """Names of the claim rows it needs: a subset of `size`, `quote`, `funding`."""

    def weight(self, state: State, listing: Listing, price: float) -> float:
        """Cash coins that a unit of size counts for at `price` (cash coins per base coin): that, less the funding index.

        The other rows of a claim are cash already: profit is `size * price + quote`, and what funding was settled at entry.
        """
        index: float = state.tables[listing.funding_at].item(0)
        return (price - index) / listing.size_scale

    def weights(self, state: State, listing: Listing, price: float) -> tuple[tuple[int, float], ...]:
        """(row, cash coins per unit) of each of its claim rows at `price`; nothing of what has none."""
        if listing.size < 0:
            return ()
        cash = 1.0 / listing.house.cash_scale
        return (
            (listing.size, self.weight(state, listing, price)),
            (listing.quote, cash),
            (listing.funding, cash),
        )

    def price(self, state: State, listing: Listing, index: float) -> float:
        """What one base coin of the contract is worth at `index`, both in cash coins: the index, unless it derives from it."""
        return index

    def revalue(self, state: State, listing: Listing, index: float, moves: Floats, volatility: Floats) -> Floats:
        """`price` in scenarios: the index moved by shares `moves`, volatility `volatility` times. Shapes [scenarios]."""
        return np.array([self.price(state, listing, index * (1.0 + move)) for move in moves.tolist()])

    def needs(self, state: State, listing: Listing, price: float, index: float, asked: Asked) -> tuple[float, float]:
        """Margin in cash coins for one base coin long and for one short."""
        return asked.share * price, asked.share * price

    def rise(self, price: float, index: float) -> float:
        """Cash coins by which the price in an auction of a short may rise above `price`: as much again."""
        return price

    # ------------------------------------------------------------------ what ends

    def expires(self) -> float:
        """Seconds at which it is settled for cash and trades no more."""
        return NEVER

    def start(self, state: State, listing: Listing, index: float) -> None:
        """Open its table at genesis. Most instruments remember nothing."""
        return

    def observe(self, state: State, listing: Listing, index: float) -> None:
        """Look at the index of a block that has just been sealed. Asked only of what expires, until it has settled."""
        return
