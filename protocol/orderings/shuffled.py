"""Shuffled: chance decides, from entropy that the block carries.

Neither speed nor fees help within a block; sending many copies does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol.ledger import Floats, Ints
from protocol.orderings.base import Ordering, Outside


def scramble(entropy: int, lane: Ints) -> Floats:
    """A number in [0, 1) for each lane, from the block's entropy (splitmix64's finaliser; Steele, Lea, Flood 2014)."""
    mask = np.uint64(0xFFFFFFFFFFFFFFFF)
    word = (lane.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(entropy & int(mask))
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word = word ^ (word >> np.uint64(31))
    return (word >> np.uint64(11)).astype(np.float64) * 2.0**-53


@dataclass(frozen=True)
class Shuffled(Ordering):
    """By chance."""

    def rank(self, arrival: Floats, tip: Floats, entropy: int) -> Ints:
        """A permutation that depends on the entropy alone."""
        return np.argsort(scramble(entropy, np.arange(len(arrival))), kind="stable").astype(np.int64)

    def ahead(self, outside: Outside, base_fee: float, share: Floats, tip: Floats) -> Floats:
        """Half of those outside who pay the base fee."""
        return outside.above(np.full(len(share), base_fee)) * 0.5
