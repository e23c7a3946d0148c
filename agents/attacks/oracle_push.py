"""The oracle push: move the pool that an oracle reads, trade at the index it makes, and unwind both.

A position is opened against the vault at the honest index and the pool pushed in one bundle; the push is held for as many
blocks as the oracle's window makes worth while, arbitrageurs being paid anew in each; then the position is closed at the
pushed index and the pool sold back. Where a trade moves the index at once, all of it is one bundle (bZx, February 2020).
The plan weighs displacement, blocks and size against depth, window, caps, fees and its own capital, on what it sees
alone, and it acts only where `caution` times the cost still leaves `least_profit`. The cost of holding a push against
arbitrage is that of Mackinga, Nadahalli and Wattenhofer (2022, "TWAP oracle attacks: easier done than said?").
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from agents.attacks.holdings import pot, purse, spare, wealth
from agents.attacks.pushing import PUSHES, judged, push_costs, reach, renewal, units_to
from agents.attacks.seats import reads, source
from agents.attacks.sizing import largest, round_trip
from agents.attacks.staged import Staged
from agents.player import Action, Player, ReferenceTrade
from agents.view import View
from protocol.gas import GAS
from protocol.ledger import Ints
from protocol.oracles.base import Status
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Bundle, Deposit, Trade, Transaction, Withdraw
from protocol.venues.oracle_pool import OraclePool

BLOCKS = np.array([1, 2, 3, 5, 8, 13, 21, 34, 55, 89])  # blocks held


class Plan(NamedTuple):
    """What it means to do, and what it expects. Cash and base in coins."""

    side: int  # 1: push up, -1: push down
    push: float  # the mid is to stand at (1 + push)^side times the reference
    blocks: int  # 0: all in one bundle
    size: float  # of the position, base coins, not signed
    money: float  # margin to put up
    lost: float  # cash a push costs that arbitrageurs undo
    gain: float
    cost: float

    @property
    def estimate(self) -> float:
        """Expected profit, cash coins."""
        return self.gain - self.cost


@dataclass(frozen=True)
class OraclePush(Staged):
    """Puts all it has behind a plan that pays; `base` lets it push down too. Ponders every `ponder` seconds, rests `rest`.

    `restored` is the share of each push that it expects arbitrageurs to undo within a block, `priority` its chance to be
    ahead of them when it unwinds, `bid_share` what it bids for that, of the push at stake.
    """

    capital: float = 2_000_000.0
    latency: float = 0.05
    tip: float = 5e-9
    caution: float = 1.2
    most_blocks: int = 89
    restored: float = 1.0
    priority: float = 0.5
    bid_share: float = 0.25
    rest: float = 3_600.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return super().mistakes() + refusals(
            self,
            most_blocks=(self.most_blocks >= 1, "1 or more"),
            restored=(0 <= self.restored <= 1, "0 to 1"),
            priority=(0 <= self.priority <= 1, "0 to 1"),
            bid_share=(0 <= self.bid_share < 1, "0 to below 1"),
            rest=(self.rest >= 0, "0 or more seconds"),
        )

    def proceed(self, me: Player, view: View) -> Iterable[Action]:
        """Hold the push, or get out."""
        return self._hold(me, view) if me.memory["stage"] == "pushing" else self._close(me, view)

    # ------------------------------------------------------------------ idle

    def surface(self, state: State, listing: Listing) -> str:
        """Trades honoured at an index that a pool moves."""
        if source(state, listing) is None:
            return "no pool moves this index"
        if not isinstance(state.market(listing).venue, OraclePool):
            return "nobody here must honour an index"
        return "" if judged(state.market(reads(state, listing)).oracle) else "cannot judge this oracle"

    def consider(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        """Push for as long, as far and as large as pays best, if it does."""
        memory, pool = me.memory, source(view.state, listing)
        assert pool is not None  # `surface` has looked
        plans = [plan for side in (1, -1) if (plan := self.plan(me, view, listing, pool, side)) is not None]
        if not plans:
            self.decline(me, view, "no usable index")
            return ()
        plan = max(plans, key=lambda one: one.gain - self.caution * one.cost)
        numbers: dict[str, Any] = {**plan._asdict(), "estimate": plan.estimate}
        if plan.gain - self.caution * plan.cost < self.least_profit:
            self.decline(me, view, "does not pay", **numbers)
            return ()
        bundle = self._entry(me, view, listing, pool, plan)
        _, revert = view.simulate(bundle)
        if revert is not None:
            self.decline(me, view, str(revert), **numbers)
            return ()
        mid = view.reference(view.state.market(listing).instrument.base)
        memory.update(
            stage="pushing" if plan.blocks else "closing",
            plan=plan,
            pool=pool,
            target=mid * (1.0 + plan.push) ** plan.side,
            until=view.seal,
            start=view.seal,
            wealth=wealth(me, view, listing, mid),
        )
        self.launch(me, view, stake=plan.money, **numbers)
        return (me.send(bundle),)

    def weighed(self, me: Player) -> Ints:
        """For how many blocks it might hold a push."""
        return BLOCKS[self.most_blocks >= BLOCKS]

    def plan(self, me: Player, view: View, listing: Listing, pool: Listing, side: int) -> Plan | None:
        """The best it can think of in one direction, whether or not it pays; None without an index."""
        state = view.state
        reading = view.index(listing)
        if reading.status != Status.FRESH:
            return None
        market, house, oracle = state.market(listing), listing.house, state.market(reads(state, listing)).oracle
        interval = state.rules.chains[house.chain].blocks.interval
        index, mid = reading.value, view.reference(market.instrument.base)
        cash = 0.98 * purse(me, view, house)
        held = view.balance(pool.base, me.account) / pool.size_scale
        blocks = np.array([0]) if oracle.live else self.weighed(me)

        spend, base, lost, fees = push_costs(view, pool, side, mid)
        turns = np.where(blocks > 1, 2.0, 1.0)  # pushes it must be able to pay before the first is sold
        again = self.restored * np.maximum(blocks - 1, 0) * lost[:, None]
        money = cash - turns * np.maximum(spend, 0.0)[:, None] - 1.1 * again
        affordable = (money > 0.0) & (turns * np.maximum(-base, 0.0)[:, None] <= held)
        sizes = np.array(
            [[largest(view, listing, side, float(m), index) if m > 0 else 0.0 for m in row] for row in money]
        )
        move = (1.0 + PUSHES) ** side - 1.0
        moved = side * reach(oracle, move[:, None], np.asarray(blocks * interval, np.float64), interval)
        gain = np.minimum(sizes * index * moved, 0.9 * pot(view, house))
        last = self.priority * fees + (1.0 - self.priority + self.bid_share) * lost if not oracle.live else fees
        gas = (view.fee(listing) + self.tip) * (GAS["Deposit"] + GAS["Withdraw"] + GAS["Trade"] * (4.0 + blocks))
        spread = market.venue.spread if isinstance(market.venue, OraclePool) else 0.0
        trading = sizes * index * (2.0 * market.fee + spread) * (1.0 + np.maximum(moved, 0.0))
        cost = trading + last[:, None] + again + gas
        score = np.where(affordable, gain - self.caution * cost, -math.inf)
        row, column = np.unravel_index(int(np.argmax(score)), score.shape)
        if score[row, column] == -math.inf:
            return None
        size = float(sizes[row, column])
        trip = (
            round_trip(view, listing, int(side * size * listing.size_scale)) if size * listing.size_scale >= 1 else 0.0
        )
        final = float(cost[row, column]) + max(0.0, trip - spread * size * index)
        return Plan(
            side,
            float(PUSHES[row]),
            int(blocks[column]),
            size,
            float(money[row, column]),
            float(lost[row]),
            float(gain[row, column]),
            final if math.isfinite(final) else math.inf,
        )

    def _entry(self, me: Player, view: View, listing: Listing, pool: Listing, plan: Plan) -> Bundle:
        house = listing.house
        size = int(plan.side * plan.size * 0.98 * listing.size_scale)
        mid = view.reference(view.state.market(listing).instrument.base)
        push = units_to(view, pool, view.mid(pool), mid * (1.0 + plan.push) ** plan.side)
        parts: list[Transaction] = [
            Deposit(house, me.account, int(plan.money * house.cash_scale)),
            Trade(listing, me.account, size),
            Trade(pool, me.account, push),
        ]
        if plan.blocks == 0:
            parts += [Trade(listing, me.account, -size), Trade(pool, me.account, -push)]
        return Bundle(me.account, tuple(parts))

    # ------------------------------------------------------------------ pushing

    def _hold(self, me: Player, view: View) -> Iterable[Action]:
        """Push again in every block, until the plan's blocks are over."""
        memory = me.memory
        listing, pool, plan = memory["listing"], memory["pool"], memory["plan"]
        if view.balance(listing.size, me.account) == 0:
            me.note(view, "attack failed", why="the first bundle did not go through")
            memory["stage"] = "closing"
            return self._close(me, view)
        mid, target = view.reference(view.state.market(listing).instrument.base), memory["target"]
        size, _, limit, undone = renewal(view, pool, plan.side, mid, target)
        interval = view.state.rules.chains[listing.house.chain].blocks.interval
        broke = size * limit * pool.price_scale > view.balance(listing.house.token, me.account)
        if broke or view.seal - memory["start"] >= (plan.blocks - 0.5) * interval:
            memory["stage"] = "closing"
            return self._close(me, view)
        memory["until"] = view.seal
        actions: list[Action] = []
        left = spare(me, view, pool, self.base) - (0.0 if undone else size / pool.size_scale)
        if plan.side * left * mid > 1.0:
            actions.append(ReferenceTrade(me.account, view.state.market(listing).instrument.base, -left))
        if plan.side * size > 0:
            actions.append(me.send(Trade(pool, me.account, size, limit)))  # fails if nobody has undone the last
        return actions

    # ------------------------------------------------------------------ closing

    def _close(self, me: Player, view: View) -> Iterable[Action]:
        """Close the position, unwind the pool, take everything home."""
        memory = me.memory
        listing, pool, plan = memory["listing"], memory["pool"], memory["plan"]
        asset = view.state.market(listing).instrument.base
        size, mid = view.balance(listing.size, me.account), view.reference(asset)
        left = spare(me, view, pool, self.base)
        memory["until"] = view.seal
        if size:
            actions: list[Action] = [me.send(Trade(listing, me.account, -size), 4.0 * self.tip)]
            units = -int(left * pool.size_scale)
            if units:
                tip = self.bid_share * plan.lost / GAS["Trade"]
                actions.append(me.send(Trade(pool, me.account, units, mid), max(self.tip, tip)))
            return actions
        if abs(left) * mid > 1.0:
            return (ReferenceTrade(me.account, asset, -left),)
        claim = view.balance(listing.house.cash, me.account)
        if claim > 0 and not memory.get("home"):
            memory["home"] = True
            return (me.send(Withdraw(listing.house, me.account, claim)),)
        realised = wealth(me, view, listing, mid) - memory["wealth"]
        self.finish(me, view, realised=realised, estimate=plan.estimate, rest=self.rest)
        memory["home"] = False
        return ()
