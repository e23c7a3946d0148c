"""The maker of legs: it stands on both chains, and takes the other side of a leg where that pays at the mid it sees.

Until the secret is told, or the leg's time is over, it is short an option on the agreed price, and its margin lies idle; `edge` is
what it asks for both. It does not hedge: whoever takes both legs of a pair of it leaves it flat.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player
from agents.roles.across import Across, Ends, settle_from_home
from agents.view import View
from protocol.bridge import Leg, legs
from protocol.bridge_transactions import AcceptLeg, DropLeg
from protocol.margins.base import Threshold
from protocol.settings import refusals

if TYPE_CHECKING:
    from agents.game import Game

RETRY = 150.0  # seconds until it answers again what has not been served: longer than a transaction waits
LATE = 60.0  # seconds for which it leaves it to the other side to take a lapsed leg back
TOKEN = 1.0  # cash coins put up where a leg only shrinks what is held


@dataclass(frozen=True)
class PairMaker(Across):
    """Accepts what is `edge` better than the reference mid; puts up `cushion` times the initial margin of a leg."""

    capital: float = 5_000_000.0
    latency: float = 0.2
    bridge: str = ""
    edge: float = 0.0002
    cushion: float = 2.0

    def mistakes(self) -> list[str]:
        """Shares are shares; a leg has to carry itself."""
        return refusals(
            self,
            edge=(0 <= self.edge < 1, "0 to below 1"),
            cushion=(self.cushion >= 1, "1 or more, times initial margin"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """As much cash abroad as at home."""
        me.memory.update(ends=settle_from_home(game, me, self.bridge, self.capital, 0.0), sent={})

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Accept what pays, take back what has lapsed."""
        ends: Ends = me.memory["ends"]
        account, sent = (ends.home if view.chain == ends.span.source else ends.away), me.memory["sent"]
        for lock, leg in legs(view.state, ends.span, view.chain).items():
            late = view.seal >= leg.until + LATE
            deed = view.chain, lock, leg.until, late
            if leg.to != account or leg.over or sent.get(deed, -1.0) > view.time:
                continue
            step = DropLeg(ends.span, account, lock) if late else self._accept(view, ends, account, lock, leg)
            if step is not None and view.simulate(step, view.seal)[1] is None:
                sent[deed] = view.seal + RETRY
                yield me.send(step)

    def _accept(self, view: View, ends: Ends, account: int, lock: bytes, leg: Leg) -> AcceptLeg | None:
        """Its word for a leg, if the price is good enough now; None: not this one, or it has its word."""
        listing = view.state.markets[leg.market]
        mid = view.reference(view.state.market(listing).instrument.base)
        side = 1.0 if leg.size > 0 else -1.0
        if leg.prepared or view.seal >= leg.until or side * (leg.price / mid - 1.0) < self.edge:
            return None
        held = view.balance(listing.size, account)
        if abs(held - leg.size) < abs(held):
            return AcceptLeg(ends.span, account, lock, int(TOKEN * listing.house.cash_scale))
        share, _ = view.state.exchange(listing.house).margin.rate(view.state, listing, Threshold.INITIAL)
        margin = self.cushion * share * abs(leg.size) * mid * listing.price_scale
        return AcceptLeg(ends.span, account, lock, int(margin))
