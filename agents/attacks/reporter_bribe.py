"""The reporter bribe: buy more than half of the reporters of a median, and trade at the index that they then report.

A median moves only with more than half of the fresh seats; below that it stops at the edge of what honest reporters say, which
is not worth a bribe. The attacker takes a position at the honest index, pays each of the cheapest majority what it asks, in cash
and out of its own wallet, waits until the index stands where it was paid for, and closes. What it asks itself is whether the
position earns more than the seats cost. A seat that it owns asks for nothing (`agents/faults/bribed.py`). It paces its reports
so that a guard on the largest move takes no offence, and stays within the gap that a second source allows. Synthetix's Korean
won (June 2019) and KiloEx (April 2025, 7.5 million) are what a captured index pays. Against it: more seats, dearer ones, a
second source that nobody can bribe, and less open interest than the seats cost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from agents.attacks.holdings import paid_in, pot, purse, taken_out, wealth
from agents.attacks.seats import reads, unhonoured
from agents.attacks.sizing import largest, round_trip
from agents.attacks.staged import Staged
from agents.player import Action, Bribe, Player
from agents.roles.reporter import innermost
from agents.view import View
from protocol.gas import GAS
from protocol.oracles.base import Oracle, Status
from protocol.oracles.guarded import Guarded
from protocol.oracles.median import ACCOUNT, TIME, Median
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Bundle, Trade


class Deal(NamedTuple):
    """What it means to do, and what it expects. Cash and base in coins."""

    side: int  # 1: push up, -1: push down
    push: float  # relative, of the dearer of index before and after
    ramp: float  # seconds that the index takes to get there
    size: float  # of the position, base coins, not signed
    money: float  # margin to put up
    bribes: float
    gain: float
    cost: float


def bounds(oracle: Oracle, interval: float) -> tuple[float, float]:
    """Largest displacement that guards pass for fresh, and the seconds each whole unit of it must be spread over."""
    most, slow = math.inf, 0.0
    while isinstance(oracle, Guarded):
        if oracle.second is not None:
            most = min(most, 0.9 * oracle.max_gap)
        if 0 < oracle.max_move < math.inf:
            slow = max(slow, 2.0 * interval / oracle.max_move)
        oracle = oracle.inner
    return most, slow


@dataclass(frozen=True)
class ReporterBribe(Staged):
    """Pushes by `most_push` at most, for beyond that no reporter dares; pays for `hold` seconds; rests `rest` after an attack."""

    capital: float = 1_000_000.0
    latency: float = 0.05
    tip: float = 5e-9
    caution: float = 1.2
    most_push: float = 0.05
    hold: float = 600.0
    rest: float = 3_600.0

    def mistakes(self) -> list[str]:
        """Pushes and times are positive."""
        return super().mistakes() + refusals(
            self,
            most_push=(0 < self.most_push <= 10, "above 0 to 10, a share of the index"),
            hold=(self.hold > 0, "above 0 seconds"),
            rest=(self.rest >= 0, "0 or more seconds"),
        )

    def surface(self, state: State, listing: Listing) -> str:
        """A vault that must honour at once what a median of reporters says."""
        if lacks := unhonoured(state, listing):
            return lacks
        oracle, _ = innermost(state, reads(state, listing))
        return "" if isinstance(oracle, Median) else "no reporters make this index"

    def proceed(self, me: Player, view: View) -> Iterable[Action]:
        """Pay, wait, and get out."""
        if me.memory["stage"] == "paying":
            return self._pay(me, view)
        return self._wait(me, view) if me.memory["stage"] == "waiting" else self._close(me, view)

    # ------------------------------------------------------------------ idle

    def consider(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        """Open a position and buy the cheapest majority, if that pays."""
        memory = me.memory
        if view.index(listing).status != Status.FRESH:
            self.decline(me, view, "no usable index")
            return ()
        seats = self.majority(view, listing)
        if not seats or not all(math.isfinite(price) for _, price in seats):
            self.decline(me, view, "no majority of reporters is for sale")
            return ()
        deal = max(
            (self.plan(me, view, listing, side, sum(price for _, price in seats)) for side in (1, -1)),
            key=lambda one: one.gain - self.caution * one.cost,
        )
        estimate = deal.gain - deal.cost
        numbers: dict[str, Any] = {**deal._asdict(), "seats": len(seats), "estimate": estimate}
        if not deal.gain - self.caution * deal.cost >= self.least_profit:
            self.decline(me, view, "does not pay", **numbers)
            return ()
        size = int(deal.side * 0.98 * deal.size * listing.size_scale)
        entry = Bundle(me.account, (*paid_in(me, listing.house, deal.money), Trade(listing, me.account, size)))
        _, revert = view.simulate(entry)
        if revert is not None:
            self.decline(me, view, str(revert), **numbers)
            return ()
        mid = view.reference(view.state.market(listing).instrument.base)
        memory.update(
            stage="paying",
            until=view.seal,
            seats=seats,
            deal=deal,
            wealth=wealth(me, view, listing, mid),
        )
        self.launch(me, view, stake=deal.money + deal.bribes, **numbers)
        return (me.send(entry),)

    def majority(self, view: View, listing: Listing) -> list[tuple[int, float]]:
        """(account, cash coins it asks) of the cheapest reporters that make a median together; none without reporters."""
        oracle, at = innermost(view.state, reads(view.state, listing))
        assert isinstance(oracle, Median)  # `surface` has looked
        table = view.state.tables[at]
        fresh = table[(table[:, TIME] >= view.state.time - oracle.max_age) & (table[:, ACCOUNT] >= 0)]
        asked = sorted((view.asks(account), account) for account in fresh[:, ACCOUNT].astype(int).tolist())
        return [(account, price) for price, account in asked[: len(asked) // 2 + 1]] if asked else []

    def plan(self, me: Player, view: View, listing: Listing, side: int, bribes: float) -> Deal:
        """The most it can do in one direction, whether or not it pays."""
        market, house = view.state.market(listing), listing.house
        interval = view.state.rules.chains[house.chain].blocks.interval
        most, slow = bounds(view.state.market(reads(view.state, listing)).oracle, interval)
        push = min(self.most_push, most)
        ramp = push * slow
        index = view.index(listing).value
        money = 0.98 * purse(me, view, house) - bribes
        size = largest(view, listing, side, money, index) if money > 0 and ramp < 0.8 * self.hold else 0.0
        moved = side * ((1.0 + push) ** side - 1.0)
        gain = min(size * index * moved, 0.9 * pot(view, house))
        trip, units = 0.0, int(side * size * listing.size_scale)
        if units:
            trip = round_trip(view, listing, units)
        gas = (view.fee(listing) + 4.0 * self.tip) * (GAS["Deposit"] + GAS["Withdraw"] + 2.0 * GAS["Trade"])
        cost = bribes + gas + max(0.0, trip) + 2.0 * market.fee * size * index * (1.0 + moved)
        return Deal(side, push, ramp, size, max(money, 0.0), bribes, gain, cost if math.isfinite(cost) else math.inf)

    # ------------------------------------------------------------------ paying, waiting, closing

    def _pay(self, me: Player, view: View) -> Iterable[Action]:
        """Pay the majority, now that the position stands."""
        memory = me.memory
        listing, deal = memory["listing"], memory["deal"]
        if view.balance(listing.size, me.account) == 0:
            me.note(view, "attack failed", why="the first bundle did not go through")
            memory["stage"] = "closing"
            return self._close(me, view)
        memory.update(stage="waiting", start=view.time)
        factor, until = (1.0 + deal.push) ** deal.side, view.time + self.hold
        return [
            Bribe(me.account, account, price, factor, view.time, deal.ramp, until) for account, price in memory["seats"]
        ]

    def _wait(self, me: Player, view: View) -> Iterable[Action]:
        """Until the index stands where it was paid for, or the deals run out."""
        memory = me.memory
        listing, deal = memory["listing"], memory["deal"]
        reading = view.index(listing)
        mid = view.reference(view.state.market(listing).instrument.base)
        there = deal.side * float(np.log(reading.value / mid)) >= 0.9 * math.log1p(deal.push)
        late = view.time >= memory["start"] + 0.9 * self.hold
        if reading.status != Status.FRESH or not (there or late):
            return ()
        memory["stage"] = "closing"
        return self._close(me, view)

    def _close(self, me: Player, view: View) -> Iterable[Action]:
        """Close the position and take everything home."""
        memory = me.memory
        listing: Listing = memory["listing"]
        size = view.balance(listing.size, me.account)
        memory["until"] = view.seal
        if size:
            return (me.send(Trade(listing, me.account, -size), 4.0 * self.tip),)
        home = taken_out(me, view, listing.house)
        if home is not None and not memory.get("home"):
            memory["home"] = True
            return (me.send(home),)
        mid = view.reference(view.state.market(listing).instrument.base)
        deal: Deal = memory["deal"]
        realised = wealth(me, view, listing, mid) - memory["wealth"]
        self.finish(me, view, realised=realised, estimate=deal.gain - deal.cost, rest=self.rest)
        memory["home"] = False
        return ()
