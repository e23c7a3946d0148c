"""Everybody else's demand for block space: what a chain's users outside the game would put into its blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agents.streams import uniform_at
from protocol.compiled import compiled
from protocol.ledger import Floats, Ints
from protocol.orderings.base import Outside

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

    def ahead(
        self, fair: Floats, known: Ints, span: int, tick: float, dice: tuple[np.uint64, Ints, int]
    ) -> tuple[list[float], list[float]]:
        """For several blocks, the mean share of their capacity that is asked for, and how much of that is asked for in each.

        It is more when fair has been moving. `fair`: of the first asset, tick by tick of `tick` seconds, of which `known` are the
        newest at each block; it looks `span` of them back. `dice`: the key, ticks and lane of their draws.
        """
        pull, eager = np.empty(len(known)), np.empty(len(known))
        _ahead(
            fair,
            known,
            span,
            float(tick),
            float(self.load),
            float(self.swing),
            float(self.reference),
            *dice,
            pull,
            eager,
        )
        return pull.tolist(), eager.tolist()

    def now(self, pull: float, eager: float, capacity: float) -> Outside:
        """Demand for one block, gas: of `ahead`'s two numbers for it."""
        return Outside(pull * capacity * eager, self.value)


@compiled
def _ahead(
    fair: Floats,
    known: Ints,
    span: int,
    tick: float,
    load: float,
    swing: float,
    reference: float,
    key: np.uint64,
    moment: Ints,
    lane: int,
    pull: Floats,
    eager: Floats,
) -> None:
    for block in range(len(known)):
        ticks = min(known[block], span)
        moves = math.log(fair[known[block]] / fair[known[block] - ticks])
        realised = abs(moves) / math.sqrt(max(ticks, 1) * tick) * _ROOT_YEAR
        excess = realised / reference - 1.0 if realised > reference else 0.0
        pull[block] = load * (1.0 + swing * excess)
        eager[block] = 0.5 - 0.5 * math.log(uniform_at(key, moment[block], lane))
