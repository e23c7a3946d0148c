"""Maintenance that scales with realised volatility, around any other margin.

Each market's requirement is the inner one times realised / reference volatility, within [1, most_factor]. Realised is an
exponentially weighted mean of squared log changes of the index per second. It protects, and it is procyclical: the same
move that costs an account its equity raises what it must have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from protocol.ledger import Floats
from protocol.margins.base import Margin, Threshold
from protocol.margins.cross import Cross
from protocol.oracles.base import read_index
from protocol.solvency import examine_one
from protocol.state import House, Listing, State
from protocol.units import SECONDS_PER_YEAR, Seconds


@dataclass(frozen=True)
class VolatilityScaled(Margin):
    """`reference` is a volatility per root year; `half_life` in seconds."""

    inner: Margin = field(default_factory=Cross)
    reference: float = 0.8
    half_life: Seconds = 3_600.0
    most_factor: float = 3.0

    def __post_init__(self) -> None:
        """Refuse settings that scale by nothing."""
        for name, allowed in (("reference", "above 0 per root year"), ("half_life", "above 0 seconds")):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} = {getattr(self, name)}: must be {allowed}")
        if self.most_factor < 1:
            raise ValueError(f"most_factor = {self.most_factor}: must be 1 or more")

    def most(self) -> int:
        """As many as the inner margin allows."""
        return self.inner.most()

    def sources(self) -> tuple[str, ...]:
        """As the inner margin."""
        return self.inner.sources()

    def start(self, state: State, house: House) -> None:
        """[market, 3]: last log index, variance per second, time."""
        table = np.zeros((len(state.listings[house.index]), 3))
        table[:, 0] = np.nan
        table[:, 1] = self.reference**2 / SECONDS_PER_YEAR
        state.put(house.name + ".volatility", table)
        self.inner.start(state, house)

    def observe(self, state: State, house: House) -> None:
        """Fold in the change of each index since the last block."""
        self.inner.observe(state, house)
        table = state.tables[house.name + ".volatility"]
        for listing in state.listings[house.index]:
            if listing.size < 0:
                continue
            last, variance, time = table[listing.index]
            now = math.log(read_index(state, listing).value)
            elapsed = state.time - time
            if elapsed <= 0:
                continue
            if not math.isnan(last):
                keep = 0.5 ** (elapsed / self.half_life)
                variance = keep * variance + (1.0 - keep) * (now - last) ** 2 / elapsed
            state.write(house.name + ".volatility", listing.index, (now, variance, state.time))

    def factor(self, state: State, listing: Listing) -> float:
        """What the inner requirement is multiplied by, now."""
        variance = state.tables[listing.house.name + ".volatility"][listing.index, 1]
        return float(min(self.most_factor, max(1.0, math.sqrt(variance * SECONDS_PER_YEAR) / self.reference)))

    def needs(
        self, state: State, listing: Listing, which: Threshold, price: float, index: float, factor: float = 1.0
    ) -> tuple[float, float]:
        """What the inner margin needs, scaled."""
        return self.inner.needs(state, listing, which, price, index, factor * self.factor(state, listing))

    def grid(self, state: State, house: House, which: Threshold) -> Floats:
        """The inner margin's losses, scaled: all contracts on one base by the largest of their factors, so that hedges hold."""
        grid = self.inner.grid(state, house, which).copy()
        factors: dict[str, float] = {}
        held = [listing for listing in state.listings[house.index] if listing.size >= 0 and len(grid)]
        for listing in held:
            base = state.market(listing).instrument.base
            factors[base] = max(factors.get(base, 1.0), self.factor(state, listing))
        for listing in held:
            grid[:, listing.size - house.first] *= factors[state.market(listing).instrument.base]
        return grid

    def inner_standing(self, state: State, house: House, which: Threshold, account: int) -> tuple[float, float]:
        """(equity, requirement) of one account before scaling, cash coins: who meets this is below by the scaling alone."""
        key = (house.index, "inner terms", which)
        terms = state.derived(
            key, lambda: self.inner._terms(state, house, which)
        )  # its `terms` would find the scaled ones
        return examine_one(state.ledger.bare, tuple(terms), account)

    def rate(self, state: State, listing: Listing, which: Threshold) -> tuple[float, float]:
        """The inner rates, scaled."""
        share, slope = self.inner.rate(state, listing, which)
        factor = self.factor(state, listing)
        return share * factor, slope * factor
