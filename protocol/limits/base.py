"""The limit family: what a market refuses, whatever margin is brought: more open interest, or anything new for a while.

A limit looks at sealed blocks and remembers under `at`; verbs ask all limits of a market at once. None of them keeps anybody
in: what shrinks a position is never refused.
"""

from __future__ import annotations

import math
from abc import ABC
from dataclasses import dataclass

from protocol.state import Listing, State


@dataclass(frozen=True)
class Limit(ABC):  # noqa: B024 - every hook has a sound default
    """A rule of refusal."""

    def start(self, state: State, listing: Listing, at: str) -> None:
        """Open its table at genesis. Some limits remember nothing."""
        return

    def observe(self, state: State, listing: Listing, at: str) -> None:
        """Look at a block that has just been sealed, oracles included."""
        return

    def most(self, state: State, listing: Listing, at: str) -> float:
        """Most open interest on each side, cash coins of the underlying."""
        return math.inf

    def halts(self, state: State, listing: Listing, at: str) -> bool:
        """Whether nothing may be opened now."""
        return False

    def spares(self, state: State, listing: Listing, at: str, account: int) -> bool:
        """Whether this account may not be liquidated now."""
        return False

    def sources(self) -> tuple[str, ...]:
        """Names of the markets of the same exchange that it looks at; '' is its own."""
        return ()


def path_of(listing: Listing, number: int) -> str:
    """Where a market's limit of that number remembers."""
    return f"{listing.path}.limits.{number}"


def start_limits(state: State, listing: Listing) -> None:
    """Open the tables of all limits of a market."""
    for number, limit in enumerate(state.market(listing).limits):
        limit.start(state, listing, path_of(listing, number))


def observe_limits(state: State, listing: Listing) -> None:
    """Let all limits of a market look."""
    for number, limit in enumerate(state.market(listing).limits):
        limit.observe(state, listing, path_of(listing, number))


def interest_cap(state: State, listing: Listing) -> float:
    """Most open interest on each side, cash coins of the underlying: the least that anything in force allows."""
    market = state.market(listing)
    if not market.limits:
        return market.open_interest_cap
    caps = [limit.most(state, listing, path_of(listing, number)) for number, limit in enumerate(market.limits)]
    return min([market.open_interest_cap, *caps])


def is_halted(state: State, listing: Listing) -> bool:
    """Whether some limit lets nothing be opened now."""
    limits = state.market(listing).limits
    return any(limit.halts(state, listing, path_of(listing, number)) for number, limit in enumerate(limits))


def is_spared(state: State, listing: Listing, account: int) -> bool:
    """Whether some limit does not let the account be liquidated now."""
    limits = state.market(listing).limits
    return any(limit.spares(state, listing, path_of(listing, number), account) for number, limit in enumerate(limits))
