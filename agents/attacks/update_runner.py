"""The update runner: it reads oracle updates that wait, trades at the old index before them, and trades back after them.

Whoever sees a report in the mempool knows the next index before it is in force: the position is opened just before the first
of the reports that wait and closed just after the last, so it is at risk for no time at all. The pool that must honour both
prices pays (the soft front-running that Synthetix met with fee reclamation, SIP-37, and its gas-price cap, SIP-12; Eskandari
et al. 2021, "SoK: oracles from the ground truth to market manipulation"). It simulates the reports between its two trades,
and goes only where what is left beats spread, fees and gas. A spread or fee above the usual step of the index keeps it at
home, and so do sealed orders, a queue that cannot be jumped, and fills that are settled at a later index.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.attacks.base import Attack
from agents.attacks.sizing import largest
from agents.attacks.surrounding import after, before, closed, fees, funded, money
from agents.player import Action, Player
from agents.view import View
from protocol.gas import GAS
from protocol.oracles.base import Status
from protocol.oracles.guarded import Guarded
from protocol.oracles.median import Median
from protocol.oracles.pull import Pull
from protocol.state import Listing, State
from protocol.transactions import Bundle, Publish, Trade

if TYPE_CHECKING:
    from agents.game import Game

FUNDS = 0.9  # of the wallet: what it puts up as margin; the rest pays gas


class Plan(NamedTuple):
    """A round trip about some reports. `size` in units, signed; fees and money in cash coins."""

    size: int
    limit: float
    first: float  # fee of its opening
    last: float  # fee of its closing
    gain: float
    cost: float


@dataclass(frozen=True)
class UpdateRunner(Attack):
    """Uses `usage` of what its margin could carry; asks for at least `least_profit` cash coins an update."""

    capital: float = 500_000.0
    latency: float = 0.1
    least_profit: float = 5.0
    ponder: float = 600.0
    usage: float = 0.8

    def mistakes(self) -> list[str]:
        """A share is a share."""
        wrong = [] if 0 < self.usage <= 1 else [f"usage = {self.usage}: must be above 0 to 1"]
        return super().mistakes() + wrong

    def looks(self) -> int:
        """Once, as late as it can."""
        return 1

    def surface(self, state: State, listing: Listing) -> str:
        """An index that is posted in the open and must be honoured at once."""
        market = state.market(listing)
        oracle = (state.market(state.find(listing.house, market.index)) if market.index else market).oracle
        while isinstance(oracle, Guarded):
            oracle = oracle.inner
        if market.venue.counterparty != "vault":
            return "nobody here must honour an index"
        if not isinstance(oracle, Median | Pull):
            return "nobody posts this index"
        if market.venue.settlement() > 0.0:
            return "fills are settled at a later index"
        return closed(state, listing)

    def prepare(self, me: Player, game: Game) -> None:
        """Nothing is put up yet."""
        me.memory.update(listing=game.listing(self.market, self.exchange), until=0.0, plan=None)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Close what is left of the last round trip; then go round the updates that wait."""
        memory = me.memory
        listing: Listing = memory["listing"]
        if view.state.time < memory["until"]:
            return ()
        if lacks := self.surface(view.state, listing):
            self.decline(me, view, lacks)
            return ()
        if memory["plan"] is not None:
            held = view.balance(listing.size, me.account)
            if held:
                memory["until"] = view.seal
                return (me.send(Trade(listing, me.account, -held), memory["plan"].first),)
            realised = money(view, me, listing) - memory["money"]
            self.over(me, view, realised=realised, estimate=memory["plan"].gain - memory["plan"].cost)
            memory["plan"] = None
        return self._ponder(me, view, listing)

    def _ponder(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        market = view.state.market(listing)
        source = view.state.find(listing.house, market.index) if market.index else listing
        updates = [
            (item.transaction, item.tip)
            for item in view.mempool().singles
            if isinstance(item.transaction, Publish) and item.transaction.listing == source
        ]
        if not updates or view.index(listing).status != Status.FRESH:
            return ()
        plans = [plan for side in (1, -1) if (plan := self._plan(me, view, listing, updates, side)) is not None]
        best = max(plans, key=lambda plan: plan.gain - self.caution * plan.cost, default=None)
        if best is None or best.gain - self.caution * best.cost < self.least_profit:
            numbers = {} if best is None else {"estimate": best.gain - best.cost, "cost": best.cost}
            self.decline(me, view, "does not pay" if plans else "no room for a position", **numbers)
            return ()
        stake = money(view, me, listing)
        me.memory.update(until=view.seal, plan=best, money=stake)
        coins = best.size / listing.size_scale
        self.launch(
            me, view, estimate=best.gain - best.cost, cost=best.cost, stake=stake, size=coins, updates=len(updates)
        )
        return (
            me.send(funded(me, view, listing, FUNDS, Trade(listing, me.account, best.size, best.limit)), best.first),
            me.send(Trade(listing, me.account, -best.size), best.last),
        )

    def _plan(
        self, me: Player, view: View, listing: Listing, updates: list[tuple[Publish, float]], side: int
    ) -> Plan | None:
        """The round trip one way; None where there is no room for it, or a report is refused, or fills come later."""
        index, purse = view.index(listing).value, self.usage * money(view, me, listing)
        size = int(side * largest(view, listing, side, purse, index) * listing.size_scale)
        if size == 0:
            return None
        posts = tuple(one._replace(report=one.report._replace(time=view.state.time)) for one, _ in updates)
        opening, closing = Trade(listing, me.account, size), Trade(listing, me.account, -size)
        parts = (funded(me, view, listing, FUNDS, opening), *posts, closing)
        done, revert = view.simulate(Bundle(me.account, parts))
        if revert is not None:
            return None
        there = done[0][-1] if isinstance(parts[0], Bundle) else done[0]
        scale = listing.house.cash_scale
        notional = abs(there.owed) / scale
        if notional == 0.0:
            return None  # it is a request, filled later and at a price that nobody knows yet
        gain = -(there.owed + done[-1].owed) / scale - 2.0 * fees(view, listing, notional)
        first, last = before(max(tip for _, tip in updates)), after(min(tip for _, tip in updates))
        cost = GAS["Trade"] * (2.0 * view.fee(listing) + first + last)
        price = float(view.cost(listing, np.array([size]))[0]) / (size * listing.price_scale)
        limit = price * (1.0 + side * max(0.0, 0.5 * gain / notional))  # beyond it the index has moved already
        return Plan(size, limit, first, last, gain, cost)
