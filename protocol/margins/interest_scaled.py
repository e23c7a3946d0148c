"""Initial margin that grows with a market's open interest, around any other margin.

While no more than `lower` cash coins are open on a side, the inner rule's share is asked; from there it rises in a straight line,
to all of the notional at `upper`: dYdX's chain asks so since 2024, after its YFI market of November 2023. All accounts together
count, so that splitting a position over many asks for no less. What is open keeps its maintenance: nobody is liquidated by it.
Honest users pay where a market is crowded: new positions and withdrawals need more, whoever filled it.
Attack surface: open interest counts as of the last sealed block, so that a block's own orders do not see each other; and whoever
opens against himself makes others' margin dear, for a fee.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from protocol.ledger import Floats
from protocol.margins.base import INITIAL, Margin, Threshold
from protocol.margins.cross import Cross
from protocol.oracles.base import read_index
from protocol.solvency import examine_one
from protocol.state import House, Listing, State


def scaled(share: float, interest: float, lower: float, upper: float) -> float:
    """The share of notional asked with so much open. dYdX v4, `perpetuals` module: open-interest caps of a liquidity tier."""
    way = min(1.0, max(0.0, (interest - lower) / (upper - lower)))
    return share + way * max(0.0, 1.0 - share)


@dataclass(frozen=True)
class InterestScaled(Margin):
    """`lower` and `upper` in cash coins of the underlying, the greater of both sides."""

    inner: Margin = field(default_factory=Cross)
    lower: float = 20e6
    upper: float = 50e6

    def __post_init__(self) -> None:
        """Refuse bounds that do not rise."""
        if not 0 <= self.lower < self.upper:
            raise ValueError(f"lower = {self.lower}: must be 0 or more, and below upper = {self.upper} cash coins")

    def most(self) -> int:
        """As many as the inner margin allows."""
        return self.inner.most()

    def sources(self) -> tuple[str, ...]:
        """As the inner margin."""
        return self.inner.sources()

    def start(self, state: State, house: House) -> None:
        """[market]: cash coins open on the greater side, as of the last sealed block."""
        state.put(house.name + ".crowded", np.zeros(len(state.listings[house.index])))
        self.inner.start(state, house)

    def observe(self, state: State, house: House) -> None:
        """Count what is open."""
        self.inner.observe(state, house)
        for listing in state.claims[house.index]:
            units = float(max(state.tables[listing.interest_at]))
            coins = units / listing.size_scale * read_index(state, listing).value
            state.write(house.name + ".crowded", listing.index, coins)

    def rate(self, state: State, listing: Listing, which: Threshold) -> tuple[float, float]:
        """The inner rates; the initial share by what is open."""
        share, slope = self.inner.rate(state, listing, which)
        if which != INITIAL:
            return share, slope
        open_now = float(state.tables[listing.house.name + ".crowded"][listing.index])
        return scaled(share, open_now, self.lower, self.upper), slope

    def needs(
        self, state: State, listing: Listing, which: Threshold, price: float, index: float, factor: float = 1.0
    ) -> tuple[float, float]:
        """What the inner margin needs, as many times as the share has grown."""
        share, _ = self.inner.rate(state, listing, which)
        grown = self.rate(state, listing, which)[0] / share if share > 0 else 1.0
        return self.inner.needs(state, listing, which, price, index, factor * grown)

    def grid(self, state: State, house: House, which: Threshold) -> Floats:
        """The inner margin's scenarios."""
        return self.inner.grid(state, house, which)

    def inner_standing(self, state: State, house: House, which: Threshold, account: int) -> tuple[float, float]:
        """(equity, requirement) of one account by the inner rule, cash coins."""
        key = (house.index, "inner terms", which)
        terms = state.derived(key, lambda: self.inner._terms(state, house, which))
        return examine_one(state.ledger.bare, tuple(terms), account)
