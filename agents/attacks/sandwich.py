"""The sandwich: it reads a large order that waits, trades ahead of it, and trades back after it.

The victim's order moves the price from where the attacker bought to where it sells; the victim's limit says how far ahead of
it one may go, and the venue's fee how large it must be to pay (Daian et al. 2020; Qin, Zhou and Gervais 2022; Eskandari,
Moosavi and Clark 2019). A fee just above the victim's buys the place before it and one just below the place after; as a
builder of `share` of the blocks it simply takes both. It prices the three trades on the state in view and simulates them, and
goes only where what is left beats gas. A limit without slack, orders that nobody can read, a queue that cannot be jumped and
a batch with one price for all keep it at home.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.attacks.base import Attack
from agents.attacks.sizing import largest
from agents.attacks.surrounding import after, before, closed, fees, funded, money, position, trades
from agents.player import Action, Player
from agents.roles.reporter import innermost
from agents.view import View
from protocol.chain import Built, Offer
from protocol.gas import GAS
from protocol.mempool import Pending, Waiting
from protocol.oracles.base import Status
from protocol.oracles.pull import Pull
from protocol.orderings.builders_choice import BuildersChoice
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Bundle, Trade, Transaction
from protocol.venues.base import AT_THE_CLOSE

if TYPE_CHECKING:
    from agents.game import Game

PARTS = np.geomspace(1e-3, 1.0, 24)  # of the most it could trade: sizes it weighs
TRIES = 6  # halvings where margin, caps or a limit on every part forbid the size that pays most


class Plan(NamedTuple):
    """One sandwich. `size` in units, signed as the victim's; `gain` and `cost` in cash coins."""

    victim: Trade
    tip: float
    size: int
    gain: float
    cost: float


@dataclass(frozen=True)
class Sandwich(Attack):
    """Weighs the `most` largest orders it sees; `usage` of its money is the most it trades; builds `share` of the blocks."""

    capital: float = 1_000_000.0
    base: float = 0.0
    latency: float = 0.1
    least_profit: float = 1.0
    ponder: float = 600.0
    usage: float = 0.9
    most: int = 3
    share: float = 0.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return super().mistakes() + refusals(
            self,
            usage=(0 < self.usage <= 1, "above 0 to 1"),
            most=(self.most >= 1, "1 or more"),
            share=(0 <= self.share <= 1, "0 to 1, a share of the blocks"),
        )

    def looks(self) -> int:
        """Once, as late as it can."""
        return 1

    def builds(self) -> float:
        """Its share."""
        return self.share

    def surface(self, state: State, listing: Listing) -> str:
        """Orders that can be read and overtaken, at prices that they move, by somebody who can get out again."""
        if state.market(listing).venue.settles == AT_THE_CLOSE:
            return "orders clear together at one price"
        if listing.size >= 0 and isinstance(innermost(state, listing)[0], Pull):
            return "who trades here brings a report, and may find none to get out"
        if self.share and isinstance(state.rules.chains[listing.house.chain].ordering, BuildersChoice):
            return ""
        return closed(state, listing)

    def prepare(self, me: Player, game: Game) -> None:
        """Nothing is put up yet."""
        me.memory.update(listing=game.listing(self.market, self.exchange), until=0.0, plan=None)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Trade back what is left of the last one; then go round the best order that waits."""
        listing: Listing = me.memory["listing"]
        if view.state.time < me.memory["until"]:
            return ()
        if rest := self._look_back(me, view, listing):
            return rest
        if lacks := self.surface(view.state, listing):
            self.decline(me, view, lacks)
            return ()
        if self.share and view.schedule(1)[0] == me.account:
            return ()  # the block is its own: it decides at the seal
        plan = self._best(me, view, listing, view.mempool())
        if plan is None:
            return ()
        self._go(me, view, listing, plan)
        front, back = self._both(me, view, listing, plan.size)
        return (me.send(front, before(plan.tip)), me.send(back, after(plan.tip)))

    def _both(self, me: Player, view: View, listing: Listing, size: int) -> tuple[Transaction, Transaction]:
        """There, with the margin that it takes, and back."""
        front, back = Trade(listing, me.account, size), Trade(listing, me.account, -size)
        return funded(me, view, listing, self.usage, front), back

    def build(self, me: Player, view: View, offer: Offer) -> Built | None:
        """Its own block: the victim between its two trades, the rest by fee; nobody needs to be outbid."""
        listing: Listing = me.memory["listing"]
        if view.state.time < me.memory["until"] or position(view, me, listing, self.base):
            return None
        plan = self._best(me, view, listing, Waiting(offer.pending, offer.rows))
        if plan is None:
            return None
        count, singles = len(offer.order), len(offer.pending)
        place = next((k for k, item in enumerate(offer.pending) if item.transaction == plan.victim), -1)
        if place < 0:
            rows = offer.rows
            same = (rows["account"] == plan.victim.account) & (rows["size"] == plan.victim.size)
            place = singles + int(np.flatnonzero(same & (rows["market"] == listing.number))[0])
        at = int(np.flatnonzero(offer.order == place)[0])
        order = np.concatenate([offer.order[:at], [count, place, count + 1], offer.order[at + 1 :]])
        self._go(me, view, listing, plan)
        both = self._both(me, view, listing, plan.size)
        own = tuple(Pending(one, 0.0, view.seal, view.seal) for one in both)
        return Built(own, order)

    # ------------------------------------------------------------------ deciding

    def _best(self, me: Player, view: View, listing: Listing, waiting: Waiting) -> Plan | None:
        """The best plan that pays; None, and a note, where there is none."""
        plans = [
            self._plan(me, view, listing, order, tip)
            for order, tip in trades(waiting, listing, me.account)[: self.most]
        ]
        best = max(
            (plan for plan in plans if plan is not None), key=lambda p: p.gain - self.caution * p.cost, default=None
        )
        if best is None:
            if plans:
                self.decline(me, view, "no order leaves room", estimate=0.0)
            return None
        if best.gain - self.caution * best.cost < self.least_profit:
            self.decline(me, view, "does not pay", estimate=best.gain - best.cost, cost=best.cost)
            return None
        return best

    def _plan(self, me: Player, view: View, listing: Listing, victim: Trade, tip: float) -> Plan | None:
        """The most profitable sandwich of one order; None where it has no room."""
        side = 1 if victim.size > 0 else -1
        cap = self._cap(me, view, listing, side)
        sizes = np.unique((cap * PARTS).astype(np.int64))
        gains = [self._gain(view, listing, victim, side * int(size)) for size in sizes if size > 0]
        if not gains or max(gains) <= 0.0:
            return None
        size = side * int(sizes[sizes > 0][int(np.argmax(gains))])
        cost = 2.0 * GAS["Trade"] * (view.fee(listing) + before(tip))
        for _ in range(TRIES):
            front, back = self._both(me, view, listing, size)
            done, revert = view.simulate(Bundle(me.account, (front, victim, back)))
            if revert is None:
                there = done[0][-1] if isinstance(front, Bundle) else done[0]
                scale = listing.house.cash_scale
                gain = -(there.owed + done[2].owed) / scale - 2.0 * fees(view, listing, abs(there.owed) / scale)
                return Plan(victim, tip, size, gain, cost)
            size = int(size / 2)
            if size == 0:
                return None
        return None

    def _gain(self, view: View, listing: Listing, victim: Trade, size: int) -> float:
        """Cash coins from going round `victim` with `size`, by the venue's prices alone; below 0 where its limit forbids it."""
        costs = view.cost(listing, np.array([size, victim.size, -size]))
        if not np.isfinite(costs).all():
            return -math.inf
        price, side = costs[1] / (victim.size * listing.price_scale), 1 if size > 0 else -1
        if side * price > side * victim.limit:  # false of nan: no limit
            return -math.inf
        scale = listing.house.cash_scale
        return float(-(costs[0] + costs[2]) / scale - 2.0 * fees(view, listing, abs(costs[0]) / scale))

    def _cap(self, me: Player, view: View, listing: Listing, side: int) -> float:
        """The most it can trade one way, units."""
        purse, mid = self.usage * money(view, me, listing), view.mid(listing)
        if listing.size >= 0:
            reading = view.index(listing)
            index = reading.value if reading.status == Status.FRESH else mid
            return largest(view, listing, side, purse, index) * listing.size_scale
        if side < 0:
            return self.usage * view.balance(listing.base, me.account)
        return purse / mid * listing.size_scale

    # ------------------------------------------------------------------ doing

    def _go(self, me: Player, view: View, listing: Listing, plan: Plan) -> None:
        stake = abs(plan.size) / listing.size_scale * view.mid(listing)
        numbers = {"size": plan.size / listing.size_scale, "victim": plan.victim.size / listing.size_scale}
        self.launch(me, view, estimate=plan.gain - plan.cost, cost=plan.cost, stake=stake, **numbers)
        me.memory.update(until=view.seal, plan=plan, money=money(view, me, listing))

    def _look_back(self, me: Player, view: View, listing: Listing) -> tuple[Action, ...]:
        """What is still to be traded back; note what the last one came to once nothing is."""
        plan: Plan | None = me.memory["plan"]
        if plan is None:
            return ()
        held = position(view, me, listing, self.base)
        if held:
            me.memory["until"] = view.seal
            return (me.send(Trade(listing, me.account, -held), max(self.tip, before(plan.tip))),)
        me.memory["plan"] = None
        self.over(me, view, realised=money(view, me, listing) - me.memory["money"], estimate=plan.gain - plan.cost)
        return ()
