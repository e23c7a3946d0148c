"""Partial liquidation at a fixed spread: the keeper takes part of the position over at a discount to the mark (Aave, Compound).

`close_factor` bounds what may be taken at once; an account worth less than nothing, or a position below `dust`, goes whole.
No venue is touched: the keeper needs margin of its own, and chooses when to unwind. Attack surface: the discount is a prize,
and above a leverage of 1 / spread taking it leaves the account worse (toxic spirals, arXiv:2212.07306).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from protocol.liquidations.base import Liquidation, Plan, below_maintenance, check_rates
from protocol.oracles.base import read_mark
from protocol.state import Listing, State


@dataclass(frozen=True)
class Partial(Liquidation):
    """`spread` off the mark, `close_factor` of the position at most, positions below `dust` cash coins whole."""

    waits: ClassVar[bool] = False

    close_factor: float = 0.5
    spread: float = 0.01
    penalty: float = 0.0
    dust: float = 1_000.0

    def __post_init__(self) -> None:
        """Refuse factors that are none."""
        wrong = check_rates(self.spread, self.penalty)
        wrong = [line.replace("reward", "spread") for line in wrong]
        if not 0 < self.close_factor <= 1:
            wrong.append(f"close_factor = {self.close_factor}: allowed above 0 to 1")
        if self.dust < 0:
            wrong.append(f"dust = {self.dust}: must be 0 or more cash coins")
        if wrong:
            raise ValueError("\n".join(wrong))

    def plan(self, state: State, listing: Listing, account: int) -> Plan | None:
        """Hand over the close factor, at the mark less the spread for a long, plus it for a short."""
        found = below_maintenance(state, listing, account)
        if found is None:
            return None
        size, worth = found
        mark = read_mark(state, listing).value
        whole = worth <= 0 or abs(size) / listing.size_scale * mark <= self.dust
        part = abs(size) if whole else max(1, int(abs(size) * self.close_factor))
        side = 1 if size > 0 else -1
        return Plan(account, listing, -side * part, mark * (1 - side * self.spread), 0.0, self.penalty)
