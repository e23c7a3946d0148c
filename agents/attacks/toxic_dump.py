"""The toxic dump: hand the vault a position that cannot be unwound at the price at which it takes it, and move the price.

Two own accounts hold opposite legs. A small push of the reference brings the one with as little margin as may be below
maintenance, and the vault, which stands behind liquidations, takes it over; then the push goes on, and the other leg wins
what the vault loses. JELLY on Hyperliquid, March 2025: 398 million coins short inherited at .0095, 7 million of margin
withdrawn or put up, and 11 million of loss before the listing was settled by decree; the whale's ETH two weeks before
and POPCAT in November 2025 went the same way.
What stops it: open-interest caps that follow the depth of the coin's own market, and margin that grows with position against
it. A liquidator's vault apart from the providers' bounds what is inherited, but not what a pool owes the other leg.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from agents.attacks.pairs import carried_by_vault
from agents.attacks.two_legs import TwoLegs
from agents.view import View
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.base import Liquidation
from protocol.liquidations.routes import ToBackstop
from protocol.margins.base import Threshold
from protocol.state import Listing, State


def handed_over(rule: Liquidation) -> Backstop | None:
    """The rule by which the providers' own vault takes positions over, if there is one."""
    if isinstance(rule, Backstop) and isinstance(rule.route, ToBackstop) and not rule.route.account:
        return rule
    return None


@dataclass(frozen=True)
class ToxicDump(TwoLegs):
    """The first push goes `margin` further than it must to hand the position over; a second one is for the other leg."""

    margin: float = 0.3

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        wrong = [] if self.margin >= 0 else [f"margin = {self.margin}: must be 0 or more, a share of the first push"]
        return super().mistakes() + wrong

    def surface(self, state: State, listing: Listing) -> str:
        """A vault that takes positions over and honours the other leg, at an index that reporters take from outside."""
        if lacks := super().surface(state, listing):
            return lacks
        rule = handed_over(state.exchange(listing.house).liquidation)
        return "" if rule is not None else "the vault takes no positions over"

    def first(self, view: View, listing: Listing) -> float:
        """With share i put up, maintenance m and health h: worth i - X is below h m (1 + X) from X = (i - h m) / (1 + h m)."""
        rule = handed_over(view.state.exchange(listing.house).liquidation)
        assert rule is not None  # `surface` has looked
        margin = view.state.exchange(listing.house).margin
        put_up = 1.02 * margin.rate(view.state, listing, Threshold.INITIAL)[0] + view.state.market(listing).fee
        kept = rule.health * margin.rate(view.state, listing, Threshold.MAINTENANCE)[0]
        interval = view.state.rules.chains[listing.house.chain].blocks.interval
        rise = max(0.0, (put_up - kept) / (1.0 + kept))
        return float(math.log1p(rise * (1.0 + self.margin)) * 2.0 ** (2.0 * interval / self.healing))

    def carried(self, view: View, listing: Listing) -> float:
        """What the vault could take over."""
        return carried_by_vault(view.state, listing)
