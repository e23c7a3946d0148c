"""A perpetual: profit is `size * price + quote`, and funding is the growth of one index per market.

`quote` is what the position cost, with its sign turned; `funding` is the index at which each unit was entered, so that an
account owes `size * index - funding` and no account need be touched for funding to accrue. All three rows sum to zero.
Attack surface: whoever moves the price argument (the oracle) moves everybody's equity.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.instruments.base import Instrument


@dataclass(frozen=True)
class Perpetual(Instrument):
    """A linear perpetual in cash."""

    def claims(self) -> tuple[str, ...]:
        """Size, cost and funding at entry."""
        return ("size", "quote", "funding")
