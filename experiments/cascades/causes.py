"""What a forced closure can be put down to, and one of them explained.

Forced closures are liquidations of positions, and seizures: of what is pledged for loans and cash debts, and bites of synthetics.
Numbers run over all of them, so that any may be a parent of any that comes after it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

FUNDING, INTEREST, FEES, SHARED = "funding", "interest", "fees", "shared losses"
PARAMETERS, OWN = "parameters changed", "own trades"
LIQUIDATION, SEIZURE = "liquidation", "seizure"  # kinds, called as in the table of events


class Forced(NamedTuple):
    """A forced closure as a cause: its number among those of the run."""

    number: int


class Traded(NamedTuple):
    """Trades of a group as a cause; of an attacker's."""

    group: str
    attacker: bool = False


class Revalued(NamedTuple):
    """What a token is worth, as a cause, where nothing else is known of it: a share whose vault earned or lost by trading, say."""

    token: str


@dataclass(frozen=True)
class Why:
    """One forced closure explained. Cash in coins, times in seconds.

    `since_healthy` and `since_entry`: how much each cause changed equity less requirement, negative where it took away. They sum to
    `fall`, the whole change since the account was last healthy; and to the change since entry.
    """

    number: int
    time: float
    account: int
    group: str
    market: str  # EXCHANGE.MARKET; of a seizure EXCHANGE.TOKEN, what was taken
    size: float  # coins traded for the account, or taken from it, signed
    notional: float  # of a seizure what was taken, at the index
    deficit: float  # what it could not pay, debts written off among it
    healthy: float  # seconds, when it was last healthy
    entry: float  # seconds, when the position was opened
    fall: float
    since_healthy: dict[Hashable, float] = field(default_factory=dict)
    since_entry: dict[Hashable, float] = field(default_factory=dict)
    kind: str = LIQUIDATION

    def parents(self) -> dict[int, float]:
        """Shares of the fall that closures before it brought about: by their numbers, each 0 to 1, together at most 1."""
        down = {cause: -cash for cause, cash in self.since_healthy.items() if cash < 0}
        total = math.fsum(down.values())
        return (
            {cause.number: cash / total for cause, cash in down.items() if isinstance(cause, Forced)}
            if total > 0
            else {}
        )
