"""Everybody else's demand for block space: what a chain's users outside the game would put into its blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from protocol.orderings.base import Outside

if TYPE_CHECKING:
    from protocol.ledger import Floats

RECENT = 600.0  # seconds over which it looks at how far prices have moved
_ROOT_YEAR = math.sqrt(365 * 86_400.0)


def recent(tick: float) -> int:
    """Ticks of nature, each so many seconds, over which demand looks back."""
    return max(8, round(RECENT / tick))


@dataclass(frozen=True)
class OutsideDemand:
    """Everybody else's demand for block space: gas per block as a share of capacity, more of it when prices move.

    `load` is the share at reference volatility; `swing` says how much a net move over the last ten minutes multiplies it,
    as a rate beyond `reference` per root year; `value` is the mean willingness to pay in cash coins per gas.
    """

    load: float = 0.5
    swing: float = 1.0
    reference: float = 0.8
    value: float = 2e-8

    def __post_init__(self) -> None:
        """Refuse demand that is none."""
        for name in ("load", "swing", "reference", "value"):
            if not getattr(self, name) > 0 and not (name in ("load", "swing") and getattr(self, name) == 0):
                raise ValueError(f"{name} = {getattr(self, name)}: must be above 0 (load and swing: 0 or more)")

    def now(self, fair: Floats, known: int, span: int, tick: float, capacity: float, die: float) -> Outside:
        """Demand for one block, gas: higher when fair has been moving.

        `fair`: of the first asset, tick by tick of `tick` seconds, of which `known` is the newest; it looks `span` of them back.
        `capacity` in gas; `die` between 0 and 1.
        """
        if self.load <= 0:
            return Outside(0.0, self.value)
        ticks = known if known < span else span
        moves = math.log(fair.item(known) / fair.item(known - ticks))
        realised = abs(moves) / math.sqrt((ticks or 1) * tick) * _ROOT_YEAR
        excess = realised / self.reference - 1.0 if realised > self.reference else 0.0
        load = self.load * (1.0 + self.swing * excess)
        return Outside(load * capacity * (0.5 - 0.5 * math.log(die)), self.value)
