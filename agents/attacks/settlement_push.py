"""The settlement push: hold a dated contract, and push the pool that its index reads while it settles.

A future or an option settles at the mean index of its last seconds. The attacker takes a position from the vault, at the mark
of an index still honest, as late as it may and early enough to be through before it pushes; then pushes the pool in every
block until expiry, paying those who arbitrage it back each time, and is paid by settlement without having to close. Before
that it weighs displacement and blocks against depth, window, caps and its capital, on what it sees alone. Pushes of
settlement windows are old: of the fixing at 4 p.m. in London (2013), and of the last minutes before index futures expire (Kumar and
Seppi 1992, "Futures manipulation with cash settlement", Journal of Finance 47). Against it: a longer settlement window,
an index from a deeper or an outside source, and less open interest than moving the source costs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from agents.attacks.holdings import paid_in, pot, purse, spare, taken_out, wealth
from agents.attacks.pushing import PUSHES, judged, push_costs, renewal, settled_move
from agents.attacks.seats import reads, source
from agents.attacks.sizing import largest
from agents.attacks.staged import Staged
from agents.player import Action, Player, ReferenceTrade
from agents.view import View
from protocol.gas import GAS
from protocol.instruments.future import Future
from protocol.instruments.option import Option
from protocol.ledger import Floats
from protocol.oracles.base import Status
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Bundle, Trade
from protocol.venues.base import AT_ONCE


class Plan(NamedTuple):
    """What it means to do, and what it expects. Cash and base in coins."""

    side: int  # 1: push up, -1: push down
    push: float  # the mid is to stand at (1 + push)^side times the reference
    blocks: int  # pushed, the last of them before expiry
    size: float  # of the position, base coins, signed
    money: float  # margin to put up
    moved: float  # relative, of settlement
    gain: float
    cost: float


@dataclass(frozen=True)
class SettlementPush(Staged):
    """Puts all it has behind a plan that pays; `base` lets it push down too. Begins to think `early` seconds before it would push.

    `restored` is the share of each push that it expects arbitrageurs to undo within a block.
    """

    capital: float = 2_000_000.0
    latency: float = 0.05
    tip: float = 5e-9
    caution: float = 1.2
    most_blocks: int = 100
    restored: float = 1.0
    early: float = 60.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return super().mistakes() + refusals(
            self,
            most_blocks=(self.most_blocks >= 1, "1 or more"),
            restored=(0 <= self.restored <= 1, "0 to 1"),
            early=(self.early >= 0, "0 or more seconds"),
        )

    def surface(self, state: State, listing: Listing) -> str:
        """A dated contract, sold by a vault at once, whose index a pool moves."""
        market = state.market(listing)
        if not isinstance(market.instrument, Future | Option):
            return "nothing settles here"
        if market.venue.counterparty != "vault" or market.venue.settles != AT_ONCE:
            return "no vault sells this contract at its mark"
        if source(state, listing) is None:
            return "no pool moves this index"
        return "" if judged(state.market(reads(state, listing)).oracle) else "cannot judge this oracle"

    def proceed(self, me: Player, view: View) -> Iterable[Action]:
        """Push on, or go home."""
        return self._push(me, view) if me.memory["stage"] == "pushing" else self._home(me, view)

    # ------------------------------------------------------------------ idle

    def consider(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        """Wait for the time of the push, then open as late as it may, if that pays."""
        memory, pool = me.memory, source(view.state, listing)
        assert pool is not None  # `surface` has looked
        expiry, window = _dates(view.state, listing)
        interval = view.state.rules.chains[listing.house.chain].blocks.interval
        start = expiry - min(window, self.most_blocks * interval) - self.early
        if view.seal + interval >= expiry:
            memory["next"] = math.inf
            self.decline(me, view, "it has expired")
            return ()
        if view.time < start:
            memory["next"] = start
            return ()
        memory["next"] = view.time + interval
        plans = [plan for side in (1, -1) if (plan := self.plan(me, view, listing, pool, side)) is not None]
        if not plans:
            self.decline(me, view, "no usable index")
            return ()
        plan = max(plans, key=lambda one: one.gain - self.caution * one.cost)
        numbers: dict[str, Any] = {**plan._asdict(), "estimate": plan.gain - plan.cost}
        if not plan.gain - self.caution * plan.cost >= self.least_profit:
            self.decline(me, view, "does not pay", **numbers)
            return ()
        if view.seal < expiry - (plan.blocks + 1) * interval:
            return ()  # it is early yet, and what it would enter at may still be had later
        size = int(0.98 * plan.size * listing.size_scale)
        entry = Bundle(me.account, (*paid_in(me, listing.house, plan.money), Trade(listing, me.account, size)))
        _, revert = view.simulate(entry)
        if revert is not None:
            self.decline(me, view, str(revert), **numbers)
            return ()
        mid = view.reference(view.state.market(listing).instrument.base)
        memory.update(
            stage="pushing",
            plan=plan,
            pool=pool,
            until=view.seal,
            target=mid * (1.0 + plan.push) ** plan.side,
            wealth=wealth(me, view, listing, mid),
        )
        self.launch(me, view, stake=plan.money, **numbers)
        return (me.send(entry),)

    def plan(self, me: Player, view: View, listing: Listing, pool: Listing, side: int) -> Plan | None:
        """The best it can think of in one direction, whether or not it pays; None without an index."""
        state, house, market = view.state, listing.house, view.state.market(listing)
        reading = view.index(listing)
        if reading.status != Status.FRESH:
            return None
        expiry, window = _dates(state, listing)
        interval = state.rules.chains[house.chain].blocks.interval
        ahead = max(0.0, expiry - view.seal)
        most = int(min(self.most_blocks, ahead / interval))
        if most < 1:
            return None
        blocks = np.unique(np.geomspace(1, most, 12).astype(int))
        mid, cash = view.reference(market.instrument.base), 0.98 * purse(me, view, house)
        held = view.balance(pool.base, me.account) / pool.size_scale
        spend, base, lost, _ = push_costs(view, pool, side, mid)
        again = (0.5 + self.restored * blocks) * lost[:, None]  # nobody need undo the last before it is sold
        money = cash - np.maximum(spend, 0.0)[:, None] - 1.1 * again
        affordable = (money > 0.0) & (np.maximum(-base, 0.0)[:, None] <= held)
        move = (1.0 + PUSHES) ** side - 1.0
        oracle = state.market(reads(state, listing)).oracle
        moved = settled_move(oracle, move[:, None], blocks * interval, interval, window)
        worth = self._payoff(view, listing, reading.value, moved)
        mark = market.instrument.price(state, listing, reading.value)
        direction = np.where(worth >= 0.0, 1.0, -1.0)
        sizes = np.zeros(money.shape)
        cells = np.argwhere(affordable & (np.abs(worth) > 0.0))
        for cell in map(tuple, cells.tolist()):
            sizes[cell] = self._most(view, listing, int(direction[cell]), float(money[cell]), reading.value, mark)
        gain = np.minimum(sizes * np.abs(worth), 0.9 * pot(view, house))
        spread = float(getattr(market.venue, "spread", 0.0))
        trading = sizes * mark * (market.fee + 0.5 * spread)
        gas = (view.fee(listing) + self.tip) * (GAS["Deposit"] + GAS["Withdraw"] + GAS["Trade"] * (2.0 + blocks))
        cost = again + trading + gas
        score = np.where(affordable & (sizes > 0.0), gain - self.caution * cost, -math.inf)
        row, column = map(int, np.unravel_index(int(np.argmax(score)), score.shape))
        if score[row, column] == -math.inf:
            return None
        size = float(sizes[row, column] * direction[row, column])
        owed = float(view.cost(listing, np.array([int(size * listing.size_scale)]))[0]) / house.cash_scale
        extra = (
            owed - size * mark - float(sizes[row, column]) * mark * 0.5 * spread
        )  # impact, and an option's volatility
        total = float(cost[row, column]) + max(0.0, extra)
        return Plan(
            side,
            float(PUSHES[row]),
            int(blocks[column]),
            size,
            float(money[row, column]),
            float(moved[row, column]),
            float(gain[row, column]),
            total if math.isfinite(total) else math.inf,
        )

    @staticmethod
    def _payoff(view: View, listing: Listing, index: float, moved: Floats) -> Floats:
        """Cash coins that a coin of the contract settles above its mark of now, if settlement moves so. Shape of `moved`."""
        instrument = view.state.market(listing).instrument
        mark = instrument.price(view.state, listing, index)
        if isinstance(instrument, Option):
            forward = instrument.forward(view.state, listing, index) + index * moved
            return np.asarray(np.maximum(instrument.side * (forward - instrument.strike), 0.0) - mark)
        return np.asarray(index * moved)

    @staticmethod
    def _most(view: View, listing: Listing, way: int, money: float, index: float, mark: float) -> float:
        """Base coins of the contract that `money` carries, in one direction."""
        instrument = view.state.market(listing).instrument
        if isinstance(instrument, Option) and way > 0:  # paid for in full
            interest = view.state.tables[listing.interest_at]
            room = view.state.market(listing).open_interest_cap / index - float(interest[0]) / listing.size_scale
            return max(0.0, min(0.5 * money / max(mark, 1e-6), room))
        return largest(view, listing, way, money, index)

    # ------------------------------------------------------------------ pushing, and going home

    def _push(self, me: Player, view: View) -> Iterable[Action]:
        """Push again in every block until expiry."""
        memory = me.memory
        listing, pool, plan = memory["listing"], memory["pool"], memory["plan"]
        asset = view.state.market(listing).instrument.base
        expiry, _ = _dates(view.state, listing)
        mid = view.reference(asset)
        if view.balance(listing.size, me.account) == 0 or view.seal > expiry:
            memory["stage"] = "home"
            return self._home(me, view)
        memory["until"] = view.seal
        size, _, limit, undone = renewal(view, pool, plan.side, mid, memory["target"])
        left = spare(me, view, pool, self.base) - (0.0 if undone else size / pool.size_scale)
        actions: list[Action] = []
        if plan.side * left * mid > 1.0:
            actions.append(ReferenceTrade(me.account, asset, -left))
        if plan.side * size > 0:
            actions.append(me.send(Trade(pool, me.account, size, limit)))  # fails if nobody has undone the last
        return actions

    def _home(self, me: Player, view: View) -> Iterable[Action]:
        """Sell what the push left it with, and take out what settlement paid."""
        memory = me.memory
        listing, pool, plan = memory["listing"], memory["pool"], memory["plan"]
        asset, house = view.state.market(listing).instrument.base, listing.house
        left, mid = spare(me, view, pool, self.base), view.reference(asset)
        memory["until"] = view.seal
        if not memory.get("unwound"):
            memory["unwound"] = True
            units = -int(left * pool.size_scale)
            return (me.send(Trade(pool, me.account, units, mid), 4.0 * self.tip),) if units else ()
        if abs(left) * mid > 1.0:
            return (ReferenceTrade(me.account, asset, -left),)
        if view.balance(listing.size, me.account):
            return ()  # it settles at the end of the first block after expiry
        out = taken_out(me, view, house)
        if out is not None and not memory.get("home"):
            memory["home"] = True
            return (me.send(out),)
        realised = wealth(me, view, listing, mid) - memory["wealth"]
        self.finish(me, view, realised=realised, estimate=plan.gain - plan.cost, rest=math.inf)
        return ()


def _dates(state: State, listing: Listing) -> tuple[float, float]:
    """Expiry, and the window before it, seconds."""
    instrument = state.market(listing).instrument
    assert isinstance(instrument, Future | Option)
    return instrument.expiry, instrument.window
