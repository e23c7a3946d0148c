"""Margin that grows with position against depth, around any other margin.

A position of q coins needs, beyond what the inner rule asks, the share of its value that selling it into the source venue would
cost: slippage * q / d, where d coins move that venue by `slippage`, on average over `window`. So two positions of one owner need
more than his neighbours' small ones, and a position that cannot be sold cannot be opened. It answers toxic dumps and
self-trades through the insurance fund (dYdX raised the initial margin of thin markets after November 2023). Honest users
with large positions pay with capital; small ones hardly notice.
Attack surface: accounts are counted apart, so that splitting a position over many asks for less, at a fee an account; and when
providers leave, requirements rise for positions that were open before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from protocol.ledger import Floats
from protocol.margins.base import Margin, Threshold
from protocol.margins.cross import Cross
from protocol.oracles.base import read_index
from protocol.oracles.cumulative import begin, extend, mean, require_window
from protocol.solvency import examine_one
from protocol.state import House, Listing, State
from protocol.units import Seconds

LEAST = 1.0  # cash coins of depth, where a venue shows none


@dataclass(frozen=True)
class DepthScaled(Margin):
    """`source` is a market of the exchange ('' is each market's own); `slippage` relative; `window` in seconds.

    `weight` multiplies what is added.
    """

    inner: Margin = field(default_factory=Cross)
    source: str = ""
    slippage: float = 0.02
    weight: float = 1.0
    window: Seconds = 3_600.0

    def __post_init__(self) -> None:
        """Refuse settings that add nothing."""
        wrong = []
        if not 0 < self.slippage < 1:
            wrong.append(f"slippage = {self.slippage}: must be above 0 to below 1, relative")
        if not self.weight > 0:
            wrong.append(f"weight = {self.weight}: must be above 0")
        if wrong:
            raise ValueError("\n".join(wrong))
        require_window(self.window)

    def sources(self) -> tuple[str, ...]:
        """The venue whose depth counts."""
        return (self.source, *self.inner.sources())

    def most(self) -> int:
        """As many as the inner margin allows."""
        return self.inner.most()

    def _depth(self, state: State, listing: Listing) -> float:
        """Cash coins, as of now."""
        source = state.find(listing.house, self.source) if self.source else listing
        return max(LEAST, state.market(source).venue.depth_within(state, source, self.slippage))

    def start(self, state: State, house: House) -> None:
        """The integral of each market's depth, from the present one on."""
        for listing in state.claims[house.index]:
            begin(state, listing.path + ".depth", self._depth(state, listing))
        self.inner.start(state, house)

    def observe(self, state: State, house: House) -> None:
        """Add the interval that ends now."""
        self.inner.observe(state, house)
        for listing in state.claims[house.index]:
            extend(state, listing.path + ".depth", self.window, self._depth(state, listing))

    def rate(self, state: State, listing: Listing, which: Threshold) -> tuple[float, float]:
        """The inner rates, and what depth adds per base coin."""
        share, slope = self.inner.rate(state, listing, which)
        depth, _ = mean(state, listing.path + ".depth", self.window)
        return share, slope + self.weight * self.slippage * read_index(state, listing).value / depth

    def needs(
        self, state: State, listing: Listing, which: Threshold, price: float, index: float, factor: float = 1.0
    ) -> tuple[float, float]:
        """What the inner margin needs for the first coin."""
        return self.inner.needs(state, listing, which, price, index, factor)

    def grid(self, state: State, house: House, which: Threshold) -> Floats:
        """The inner margin's scenarios."""
        return self.inner.grid(state, house, which)

    def inner_standing(self, state: State, house: House, which: Threshold, account: int) -> tuple[float, float]:
        """(equity, requirement) of one account by the inner rule, cash coins: who meets this is below by size alone."""
        key = (house.index, "inner terms", which)
        terms = state.derived(key, lambda: self.inner._terms(state, house, which))
        return examine_one(state.ledger.bare, tuple(terms), account)
