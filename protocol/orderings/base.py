"""The ordering family: who is served first in a block, and how much outside demand is served before.

`rank` sorts what players sent; `ahead` says how much of the outside gas comes before each. Neither knows who sent what.
`public` says whether anybody may read what waits, and `lead` how long before the seal an order must have come.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from protocol.ledger import Floats, Ints


class Outside(NamedTuple):
    """Demand for block space from outside the model: `gas` units, with willingness to pay exponential of mean `value`."""

    gas: float
    value: float  # cash coins per gas

    def paying(self, price: float) -> float:
        """Gas of those who would pay more than `price`."""
        return self.gas * math.exp(-max(price, 0.0) / self.value)

    def above(self, price: Floats) -> Floats:
        """Gas of those who would pay more than `price`."""
        result: Floats = self.gas * np.exp(-np.maximum(price, 0.0) / self.value)
        return result


@dataclass(frozen=True)
class Ordering(ABC):
    """A rule of service."""

    public: ClassVar[bool] = True  # whether the mempool can be read
    chance: ClassVar[bool] = True  # whether entropy decides anything

    def lead(self) -> float:
        """Seconds before the seal by which an order must have arrived; what comes later waits for the next block."""
        return 0.0

    @abstractmethod
    def rank(self, arrival: Floats, tip: Floats, entropy: int) -> Ints:
        """Order in which to serve: a permutation. Shapes [n]; arrival in seconds, tip in cash coins per gas."""

    @abstractmethod
    def ahead(self, outside: Outside, base_fee: float, share: Floats, tip: Floats) -> Floats:
        """Outside gas served before each, at most that of those who pay the base fee. Shapes [n].

        `share` is the part of the block's time gone when each arrived.
        """
