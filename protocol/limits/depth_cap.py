"""Open interest that follows depth: no more on a side than a share of what the source venue takes within a given slippage.

It answers toxic dumps, self-trades through the insurance fund and pushed indices: what a push of the price can be worth is
bounded by what the push costs. Depth counts as it is now or as it was on average over `window`, whichever is less.
Honest users pay with room: in a thin market they are refused, most of all after providers have left.
Attack surface: whoever provides depth for the whole window lifts the cap, at the cost of providing it; whoever withdraws it
stops others from opening.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.limits.base import Limit
from protocol.oracles.cumulative import begin, extend, mean, require_window
from protocol.state import Listing, State
from protocol.units import Seconds


@dataclass(frozen=True)
class DepthCap(Limit):
    """`share` of the depth of market `source` ('' is its own) within `slippage`, relative; `window` in seconds."""

    source: str = ""
    slippage: float = 0.02
    share: float = 1.0
    window: Seconds = 3_600.0

    def __post_init__(self) -> None:
        """Refuse what leaves no room at all, or asks for depth within nothing."""
        wrong = []
        if not 0 < self.slippage < 1:
            wrong.append(f"slippage = {self.slippage}: must be above 0 to below 1, relative")
        if not self.share > 0:
            wrong.append(f"share = {self.share}: must be above 0, of the depth")
        if wrong:
            raise ValueError("\n".join(wrong))
        require_window(self.window)

    def _depth(self, state: State, listing: Listing) -> float:
        source = state.find(listing.house, self.source) if self.source else listing
        return state.market(source).venue.depth_within(state, source, self.slippage)

    def start(self, state: State, listing: Listing, at: str) -> None:
        """The integral of the depth, from the present one on."""
        begin(state, at, self._depth(state, listing))

    def observe(self, state: State, listing: Listing, at: str) -> None:
        """Add the interval that ends now."""
        extend(state, at, self.window, self._depth(state, listing))

    def most(self, state: State, listing: Listing, at: str) -> float:
        """The share of the lesser of both."""
        return self.share * min(self._depth(state, listing), mean(state, at, self.window)[0])

    def sources(self) -> tuple[str, ...]:
        """The venue whose depth counts."""
        return (self.source,)
