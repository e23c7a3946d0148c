"""What moved a price: log mid and log index of a market, kept by cause.

The mid is fair plus a displacement, log(mid / fair), and each trade's part of that is kept under whoever traded. Arbitrage takes
displacement away from all causes pro rata; what it does beyond that is its own. Fair's moves, and what of them the mid has not
followed yet, are nature's. The index follows the mid that stood at the end of the last block, through its oracle: whenever it
goes a share of its way there, its parts go the same share of theirs. An oracle that weighs all mids of a window alike has the mean
of their parts, so that a push stays whoever pushed's for as long as it counts. What it does otherwise is the oracle catching up.
An oracle that reads no venue moves by nature alone. So the parts sum to the price at every moment, exactly.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Mapping

NATURE, ORACLE = "nature", "oracle catching up"
FAINT = 1e-9  # log price: less of a cause is given to nature
Parts = dict[Hashable, float]  # log price by cause


class Stood:
    """Log mids by cause as they stood at the ends of blocks, and their mean over the last `window` seconds."""

    def __init__(self, window: float, time: float, parts: Parts) -> None:
        self.window = window
        self._rows: deque[tuple[float, Parts]] = deque([(time, dict(parts))])  # from when on
        self._from = self._until = time  # seconds, what `_sum` is over
        self._sum: Parts = {}

    def stand(self, time: float, parts: Parts) -> None:
        """These stand from `time` on."""
        self._reach(time)
        self._rows.append((time, dict(parts)))

    def mean(self, time: float) -> Parts:
        """Over the window that ends at `time`, or over what there is where that is less."""
        self._reach(time)
        length = self._until - self._from
        return {one: part / length for one, part in self._sum.items()} if length > 0 else dict(self._rows[-1][1])

    def _reach(self, time: float) -> None:
        self._add(self._rows[-1][1], time - self._until)
        self._until, start = time, time - self.window
        while self._from < start:
            ends = self._rows[1][0] if len(self._rows) > 1 else math.inf
            until = min(start, ends)
            self._add(self._rows[0][1], self._from - until)
            self._from = until
            if until == ends:
                self._rows.popleft()
        for faint in [one for one, part in self._sum.items() if abs(part) < FAINT * self.window]:
            del self._sum[faint]

    def _add(self, parts: Parts, seconds: float) -> None:
        for one, part in parts.items():
            self._sum[one] = self._sum.get(one, 0.0) + part * seconds


class Mark:
    """One market's mid and index by cause. `follows`: whether the oracle reads a venue whose mid this is.

    `window`: seconds over which it weighs all mids alike; 0: it does not. `time` in seconds.
    """

    def __init__(
        self, fair: float, mid: float, index: float, *, follows: bool, window: float = 0.0, time: float = 0.0
    ) -> None:
        self.follows = follows
        self.fair, self.mid, self.index = (math.log(value) for value in (fair, mid, index))
        self.of_mid: Parts = {NATURE: self.mid}
        self.of_index: Parts = {NATURE: self.index}
        self._standing: Parts = dict(self.of_mid)
        self._stood = Stood(window, time, self.of_mid) if window > 0.0 else None

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

    def stand(self, time: float) -> None:
        """The block is closed: what the mid is now stands from `time` on, for the oracle to follow."""
        self._standing = dict(self.of_mid)
        if self._stood is not None:
            self._stood.stand(time, self.of_mid)

    def observe(self, index: float, time: float, *, live: bool = False) -> None:
        """The oracle is read at `time`: its index is another. `live`: it follows the mid of the moment, not the one that stood."""
        towards = self.of_mid if live else self._standing
        moved, way = math.log(index) - self.index, math.fsum(towards.values()) - self.index
        self.index += moved
        if not self.follows:
            self.of_index[NATURE] += moved
            return
        if self._stood is not None:
            self.of_index = self._stood.mean(time)
            moved = self.index - math.fsum(self.of_index.values())
            self.of_index[ORACLE] = self.of_index.get(ORACLE, 0.0) + moved
        elif 0.0 < (share := moved / way if way else 0.0) <= 1.0:
            for one in {**towards, **self.of_index}:
                mine = self.of_index.get(one, 0.0)
                self.of_index[one] = mine + share * (towards.get(one, 0.0) - mine)
        elif moved:
            self.of_index[ORACLE] = self.of_index.get(ORACLE, 0.0) + moved
        self._drop_faint(self.of_index)

    @staticmethod
    def _drop_faint(parts: Parts) -> None:
        """Give what has become too faint to tell to nature, so that the sum stays."""
        for one in [one for one, part in parts.items() if abs(part) < FAINT and one not in (NATURE, ORACLE)]:
            parts[NATURE] += parts.pop(one)
