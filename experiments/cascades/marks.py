"""What moved a price: log mid and log index of a market, kept by cause.

The mid is fair plus a displacement, log(mid / fair), and each trade's part of that is kept under whoever traded. Arbitrage takes
displacement away from all causes pro rata; what it does beyond that is its own. Fair's moves, and what of them the mid has not
followed yet, are nature's. The index follows the mid through its oracle: whenever it goes a share of its way to the mid, its
parts go the same share of theirs; where it moves otherwise (a window lets an old price go), that is the oracle catching up. An
oracle that reads no venue moves by nature alone. So the parts sum to the price at every moment, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping

NATURE, ORACLE = "nature", "oracle catching up"
FAINT = 1e-9  # log price: less of a cause is given to nature
Parts = dict[Hashable, float]  # log price by cause


class Mark:
    """One market's mid and index by cause. `follows`: whether the oracle reads a venue whose mid this is."""

    def __init__(self, fair: float, mid: float, index: float, *, follows: bool) -> None:
        self.follows = follows
        self.fair, self.mid, self.index = (math.log(value) for value in (fair, mid, index))
        self.of_mid: Parts = {NATURE: self.mid}
        self.of_index: Parts = {NATURE: self.index}

    @property
    def displacement(self) -> float:
        """log(mid / fair)."""
        return self.mid - self.fair

    def nature(self, fair: float) -> None:
        """Fair has moved. The mid has not; its displacement is measured anew."""
        self.fair = math.log(fair)

    def trade(self, mid: float, cause: Hashable) -> None:
        """Somebody's deed has moved the mid."""
        moved = math.log(mid) - self.mid
        if moved:
            self.of_mid[cause] = self.of_mid.get(cause, 0.0) + moved
            self.mid += moved

    def split(self, mid: float, weights: Mapping[Hashable, float]) -> None:
        """One deed that several causes share, in proportion to weights of 0 or more; equally where all are 0."""
        start, log_mid = self.mid, math.log(mid)
        total, done = math.fsum(weights.values()), 0.0
        for place, (cause, weight) in enumerate(weights.items(), 1):
            done += weight / total if total > 0 else 1.0 / len(weights)
            self.trade(mid if place == len(weights) else math.exp(start + done * (log_mid - start)), cause)

    def arbitrage(self, mid: float, cause: Hashable) -> None:
        """A deed that takes displacement away: pro rata of all causes, nature's lag among them; the rest is its own."""
        moved = math.log(mid) - self.mid
        gap = self.displacement
        if not moved:
            return
        taken = max(0.0, min(1.0, -moved / gap)) if gap else 0.0
        others = {one: part for one, part in self.of_mid.items() if one != NATURE}
        lag = gap - sum(others.values())  # what of the displacement is fair's own moves, not followed yet
        for one, part in others.items():
            self.of_mid[one] = part * (1.0 - taken)
        self.of_mid[NATURE] -= lag * taken
        self.mid -= gap * taken
        self.trade(mid, cause)
        self._drop_faint(self.of_mid)

    def observe(self, index: float) -> None:
        """The oracle has looked: its index is another."""
        moved, way = math.log(index) - self.index, self.mid - self.index
        self.index += moved
        if not self.follows:
            self.of_index[NATURE] += moved
            return
        share = moved / way if way else 0.0
        if 0.0 < share <= 1.0:
            for one in {**self.of_mid, **self.of_index}:
                mine = self.of_index.get(one, 0.0)
                self.of_index[one] = mine + share * (self.of_mid.get(one, 0.0) - mine)
        elif moved:
            self.of_index[ORACLE] = self.of_index.get(ORACLE, 0.0) + moved
        self._drop_faint(self.of_index)

    @staticmethod
    def _drop_faint(parts: Parts) -> None:
        """Give what has become too faint to tell to nature, so that the sum stays."""
        for one in [one for one, part in parts.items() if abs(part) < FAINT and one not in (NATURE, ORACLE)]:
            parts[NATURE] += parts.pop(one)
