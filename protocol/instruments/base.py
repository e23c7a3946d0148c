"""The instrument family: which claim rows a market opens, and what one unit of each is worth.

Equity of everybody is then one weighted sum over an exchange's rows, at any price, and sums to zero over all accounts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from protocol.state import Listing, State


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

    @abstractmethod
    def weights(self, state: State, listing: Listing, price: float) -> tuple[tuple[int, float], ...]:
        """(row, cash coins per unit) of each of its claim rows at `price` (cash coins per base coin)."""

    def price(self, state: State, listing: Listing, index: float) -> float:
        """What one base coin of the contract is worth at `index`, both in cash coins: the index, unless it derives from it."""
        return index

    def needs(self, state: State, listing: Listing, price: float, index: float, share: float) -> tuple[float, float]:
        """Margin in cash coins for one base coin long and for one short, where the margin rule asks `share` of notional."""
        return share * price, share * price
