"""The report picker: where users bring signed reports themselves, it brings the ones that suit it.

Every report younger than the oracle's `max_age`, and newer than the one that stands, is as good as the newest. The picker looks
through those of the last minute for the lowest and a later, higher one (or the other way round), and sends one bundle:
the first report, a position, the second report, the way out. It takes no risk and needs no view of where the price goes; if
the bundle would not pay in the state of the block, its limits revert it, and only gas is lost. It decides on what the bundle
comes to when simulated. This is the free option that Pyth's and Chainlink's pull feeds give away; publishers' documents ask
protocols for a short age and for the confidence interval. Against it: a short `max_age`, trading at the edge of the confidence
band, a spread that follows the age of the report, and execution at a report newer than the order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.attacks.base import Attack
from agents.attacks.holdings import pot
from agents.attacks.seats import unhonoured
from agents.attacks.sizing import largest
from agents.player import Action, Player
from agents.roles.reporter import innermost
from agents.view import View
from protocol import exchange
from protocol.gas import GAS
from protocol.ledger import Floats
from protocol.oracles.base import Report
from protocol.oracles.pull import Pull
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Bundle, Publish, Trade
from protocol.units import to_units_down

if TYPE_CHECKING:
    from agents.game import Game

GAS_USED = 2 * GAS["Publish"] + 2 * GAS["Trade"]


class Pick(NamedTuple):
    """Two reports, and which way to trade between them."""

    first: Report
    second: Report
    side: int  # 1: the second is the higher
    gap: float  # relative


def widest(mids: Floats) -> tuple[int, int]:
    """Positions (i, j), i < j, of the two mids that are furthest apart in logarithm. Shape [n]; (0, 0) of fewer than two."""
    logs = np.log(mids)
    up, down = logs - np.minimum.accumulate(logs), np.maximum.accumulate(logs) - logs
    best = up if up.max() >= down.max() else down
    last = int(best.argmax())
    first = int(logs[: last + 1].argmin() if best is up else logs[: last + 1].argmax())
    return first, last


@dataclass(frozen=True)
class ReportPicker(Attack):
    """Uses `usage` of what its margin could carry; wants `least_profit` cash coins a bundle; bids `bid_share` of the gain as tip.

    `slack` seconds are left for a block that comes late: reports that may be too old by then are left alone.
    """

    capital: float = 500_000.0
    latency: float = 0.05
    usage: float = 0.95
    least_profit: float = 20.0
    bid_share: float = 0.1
    slack: float = 1.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return super().mistakes() + refusals(
            self,
            usage=(0 < self.usage <= 1, "above 0 to 1"),
            bid_share=(0 <= self.bid_share < 1, "0 to below 1"),
            slack=(self.slack >= 0, "0 or more seconds"),
        )

    def surface(self, state: State, listing: Listing) -> str:
        """A vault that honours at once what a user's report says."""
        if lacks := unhonoured(state, listing):
            return lacks
        oracle, _ = innermost(state, listing)
        return "" if isinstance(oracle, Pull) and not state.market(listing).index else "users bring no reports here"

    def prepare(self, me: Player, game: Game) -> None:
        """Nine tenths of its capital stand as margin, the rest pays gas."""
        house = game.house(self.exchange)
        exchange.deposit(game.state, house, me.account, to_units_down(0.9 * self.capital, int(house.cash_scale)))
        me.memory.update(listing=game.listing(self.market, self.exchange), until=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Look for a pair, play it through, send it."""
        memory = me.memory
        if view.state.time < memory["until"]:
            return ()
        listing: Listing = memory["listing"]
        if "sent" in memory:
            self._account(me, view, listing)
        if lacks := self.surface(view.state, listing):
            self.decline(me, view, lacks)
            return ()
        pick = self.pick(view, listing)
        if pick is None:
            return ()
        return self._weigh(me, view, listing, pick)

    def pick(self, view: View, listing: Listing) -> Pick | None:
        """The best pair of reports that the oracle would still take in the next block; None where there are not two."""
        oracle, at = innermost(view.state, listing)
        assert isinstance(oracle, Pull)  # `surface` has looked
        oldest, stands = view.seal + self.slack - oracle.max_age, oracle.read(view.state, listing, at).time
        valid = [r for r in view.reports(listing, oracle.max_age) if oldest <= r.time and r.time > stands]
        if len(valid) < 2:
            return None
        one, other = (valid[at] for at in widest(np.array([report.value for report in valid])))
        gap = other.value / one.value - 1.0
        return Pick(one, other, 1 if gap > 0 else -1, abs(gap)) if gap else None

    def _weigh(self, me: Player, view: View, listing: Listing, pick: Pick) -> Iterable[Action]:
        """Play the bundle through at the time of the next seal, and send it if it pays."""
        house, market = listing.house, view.state.market(listing)
        money = view.balance(house.cash, me.account) / house.cash_scale
        carried = largest(view, listing, pick.side, money, pick.first.value)
        most = 0.9 * pot(view, house) / (pick.gap * pick.first.value)
        size = int(pick.side * min(self.usage * carried, most) * listing.size_scale)
        if size == 0 or pick.gap <= 2.0 * market.fee:
            self.decline(me, view, "does not pay", gap=pick.gap)
            return ()
        bundle = Bundle(
            me.account,
            (
                Publish(listing, me.account, pick.first),
                Trade(listing, me.account, size),
                Publish(listing, me.account, pick.second),
                Trade(listing, me.account, -size),
            ),
        )
        done, revert = view.simulate(bundle, view.seal)
        if revert is not None:
            self.decline(me, view, str(revert), gap=pick.gap)
            return ()
        there, back = done[1].owed / house.cash_scale, done[3].owed / house.cash_scale
        gas = GAS_USED * (view.fee(listing) + self.tip)
        cost, gain = market.fee * (abs(there) + abs(back)) + gas, -there - back
        bid = self.bid_share * max(0.0, gain - cost)
        cost += bid
        numbers = {"gap": pick.gap, "size": size / listing.size_scale, "cost": cost, "estimate": gain - cost}
        if not gain - self.caution * cost >= self.least_profit:
            self.decline(me, view, "does not pay", **numbers)
            return ()
        me.memory.update(until=view.seal, sent=self._has(me, view, listing), estimate=gain - cost)
        self.launch(me, view, stake=gas, **numbers)
        return (me.send(bundle, max(self.tip, bid / GAS_USED)),)

    @staticmethod
    def _has(me: Player, view: View, listing: Listing) -> int:
        """Cash units, while flat."""
        house = listing.house
        return view.balance(house.cash, me.account) + view.balance(house.token, me.account)

    def _account(self, me: Player, view: View, listing: Listing) -> None:
        """What the last bundle came to."""
        realised = (self._has(me, view, listing) - me.memory.pop("sent")) / listing.house.cash_scale
        self.over(me, view, realised=realised, estimate=me.memory["estimate"])
