"""A guard around any oracle: staleness, a largest move a block, and a second opinion.

After each sealed block the inner value is accepted as good. A reading further than `max_move` from the value last
accepted is not passed on: the last good one is held, uncertain, until the inner oracle is back within `max_move` of it,
or has been out for `patience` seconds: then the value at the end of that block is accepted, for nobody is left to say
that the old one is right. Held, and not clamped to the edge, because a clamped index would mark every account at a
price that nobody quotes. A reading that differs by more than `max_gap` from the second oracle is passed on, uncertain;
a second oracle that is itself not fresh has no say. What the inner oracle says of its own status goes first. The shape
is that of Liquity's `PriceFeed` (2021): last good price, largest move since the round before, comparison with a second.
Attack surface: uncertainty stops verbs, so pushing the inner oracle out of bounds stops liquidations too; moves just
below `max_move` a block pass; and whoever sets the mid when `patience` runs out sets the index.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from protocol.oracles.around import INNER, Around
from protocol.oracles.base import Oracle, Reading, Status
from protocol.oracles.spot import Spot
from protocol.state import Listing, State
from protocol.units import Seconds


class Good(NamedTuple):
    """The reading last accepted."""

    value: float  # cash coins per base coin
    time: float  # seconds, when it was true
    confidence: float  # cash coins, half-width
    out: float  # seconds, the block since whose end the inner oracle has been out of bounds; inf: it is within


@dataclass(frozen=True)
class Guarded(Around):
    """Guards `inner`. `max_age` and `patience` in seconds; `max_move` and `max_gap` relative; inf: never."""

    inner: Oracle = field(default_factory=Spot)
    second: Oracle | None = None
    max_age: float = 3_600.0
    max_move: float = 0.1
    max_gap: float = 0.05
    patience: Seconds = 600.0

    def __post_init__(self) -> None:
        """Refuse bounds that nothing keeps."""
        wrong = [
            f"{name} = {getattr(self, name)}: must be {allowed}"
            for name, allowed in (
                ("max_age", "0 or more seconds"),
                ("max_move", "0 or more, a share of the last good value"),
                ("max_gap", "0 or more, a share of the second value"),
                ("patience", "0 or more seconds"),
            )
            if not getattr(self, name) >= 0
        ]
        if wrong:
            raise ValueError("\n".join(wrong))

    @property
    def live(self) -> bool:
        """Where either oracle is."""
        return self.inner.live or (self.second is not None and self.second.live)

    def start(self, state: State, listing: Listing, at: str, price: float) -> None:
        """`price` is good; the oracles live at longer paths."""
        state.put(at, Good(price, state.time, 0.0, math.inf))
        self.inner.start(state, listing, at + INNER, price)
        if self.second is not None:
            self.second.start(state, listing, at + ".second", price)

    def read(self, state: State, listing: Listing, at: str) -> Reading:
        """The inner reading if nothing speaks against it, the last good one while it is out of bounds."""
        good: Good = state.tables[at]
        reading = self.inner.read(state, listing, at + INNER)
        within = self._within(reading, good)
        if not within:
            reading = Reading(good.value, good.time, good.confidence, reading.status)
        if reading.status != Status.FRESH:
            return reading
        if state.time - reading.time > self.max_age:
            return reading._replace(status=Status.STALE)
        if not within or self._disputed(state, listing, at, reading):
            return reading._replace(status=Status.UNCERTAIN)
        return reading

    def _within(self, reading: Reading, good: Good) -> bool:
        return abs(reading.value - good.value) <= self.max_move * good.value

    def _disputed(self, state: State, listing: Listing, at: str, reading: Reading) -> bool:
        if self.second is None:
            return False
        other = self.second.read(state, listing, at + ".second")
        return other.status == Status.FRESH and not abs(reading.value - other.value) <= self.max_gap * other.value

    def observe(self, state: State, listing: Listing, at: str) -> None:
        """Let both oracles look, then accept the inner value, or count how long it has been out of bounds."""
        self.inner.observe(state, listing, at + INNER)
        if self.second is not None:
            self.second.observe(state, listing, at + ".second")

        good: Good = state.tables[at]
        reading = self.inner.read(state, listing, at + INNER)
        if reading.status != Status.FRESH:
            return
        if self._within(reading, good):
            state.put(at, Good(reading.value, reading.time, reading.confidence, math.inf))
            return
        out = min(good.out, state.time)
        if state.time - out >= self.patience:
            state.put(at, Good(reading.value, reading.time, reading.confidence, math.inf))
        elif out != good.out:
            state.put(at, good._replace(out=out))

    def remembers(self) -> float:
        """As the inner oracle."""
        return self.inner.remembers()

    def sources(self) -> tuple[str, ...]:
        """Those of both oracles."""
        other = self.second.sources() if self.second is not None else ()
        return tuple(dict.fromkeys(self.inner.sources() + other))

    def misfits(self, interval: float) -> list[str]:
        """Those of both oracles."""
        other = self.second.misfits(interval) if self.second is not None else []
        return super().misfits(interval) + [f"second.{line}" for line in other]
