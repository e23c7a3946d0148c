"""What a book does when an order meets one of its own sender: self-trade prevention, under the names that exchanges use.

Every exchange offers these three (CME self-match prevention; Coinbase `stp`: decrement and cancel, cancel oldest, cancel
newest). Attack surface: under `CancelTaker` a resting order shields its owner from takers it does not want to meet itself,
so forced trades never go by it; under `CancelMaker` a maker takes its own quotes off faster than by cancelling them.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar

OLDER, NEWER, BOTH = 0, 1, 2


@dataclass(frozen=True)
class SelfTradePrevention(ABC):
    """A rule for orders that meet their own sender's."""

    code: ClassVar[int]  # what the compiled loop knows it by


@dataclass(frozen=True)
class CancelMaker(SelfTradePrevention):
    """The resting order goes, the taker goes on (cancel oldest)."""

    code: ClassVar[int] = OLDER


@dataclass(frozen=True)
class CancelTaker(SelfTradePrevention):
    """The taker goes, whole, for nothing here is filled in part; what rests stays (cancel newest)."""

    code: ClassVar[int] = NEWER


@dataclass(frozen=True)
class DecrementBoth(SelfTradePrevention):
    """Both lose what they have in common, and nothing is traded of it (decrement and cancel)."""

    code: ClassVar[int] = BOTH
