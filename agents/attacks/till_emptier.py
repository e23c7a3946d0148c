"""The till emptier: a long and a short of one's own, the index pumped, and the till emptied against the winner's paper profit.

Two accounts of one owner open against each other, so that nobody else need take the other side. The pool that the index reads is
bought up, in one block or for as many as the oracle's window asks for; the long's profit is on paper alone, but whoever counts
it as equity lets it leave in cash, up to what the till holds. The short is abandoned, and so is the long once the index is back.
(Mango, 11 October 2022: 488 million MNGO-PERP against himself, the oracle up 13 times within half an hour, $110 million out;
CFTC v. Eisenberg.) What it costs is the margin of the two, and the pump.

It weighs push, blocks and margin by what the rules say and simulates the opening. Stopped by profit that vests before it may
leave, by an index that is too dear to hold up for its window, by margin that grows with a position against depth, and by caps
on open interest; a till that holds little is not worth it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.attacks.bundling import Kept, WithdrawMost, most
from agents.attacks.holdings import pot, purse, spare
from agents.attacks.pushing import PUSHES, judged, push_costs, reach, renewal, units_to
from agents.attacks.seats import reads, source
from agents.attacks.sizing import largest
from agents.attacks.staged import Staged
from agents.player import Action, Player, ReferenceTrade
from agents.view import View
from protocol.gas import GAS
from protocol.loan_transactions import Transfer
from protocol.margins.base import Threshold
from protocol.oracles.base import Status
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Bundle, Deposit, Post, Trade, Transaction
from protocol.venues.base import AT_THE_CLOSE
from protocol.venues.order_book import OrderBook

if TYPE_CHECKING:
    from agents.game import Game

BLOCKS = np.array([1, 2, 3, 5, 8, 13, 21, 34])  # blocks held
STAKES = (1.0, 0.4, 0.15, 0.05)  # shares of what is not needed for the pump that are put up as margin
SHRINKS = 8  # times that a position which does not go through is tried smaller


class Plan(NamedTuple):
    """What it means to do, and what it expects. Cash and base in coins."""

    push: float  # the mid is to stand at 1 + push times the reference
    blocks: int  # 0: all in one bundle
    size: float  # of either position
    money: float  # margin of both together
    take: float  # cash to be taken out
    lost: float  # cash that one push costs where it is undone
    gain: float
    cost: float


@dataclass(frozen=True)
class TillEmptier(Staged):
    """Puts up what pays best of its `capital`; opens in `slices`, so that the two positions move the venue little.

    `restored` is the share of each push that it expects arbitrageurs to undo within a block; it rests for `rest` seconds.
    """

    capital: float = 2_000_000.0
    latency: float = 0.05
    tip: float = 5e-9
    caution: float = 1.2
    most_blocks: int = 34
    restored: float = 1.0
    slices: int = 6
    rest: float = 86_400.0

    def mistakes(self) -> list[str]:
        """Shares are shares, and a position has a slice."""
        return super().mistakes() + refusals(
            self,
            most_blocks=(self.most_blocks >= 1, "1 or more"),
            restored=(0 <= self.restored <= 1, "0 to 1"),
            slices=(1 <= self.slices <= 50, "1 to 50"),
            rest=(self.rest >= 0, "0 or more seconds"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """A second account, for the side that is to lose."""
        other = game.open(
            self.label, 0.0, 0.0, self.market, self.exchange, owner=int(game.state.ledger.owner[me.account])
        )
        super().prepare(me, game)
        me.memory.update(other=other, tries=0)

    def surface(self, state: State, listing: Listing) -> str:
        """A position whose index a pool moves, filled at once."""
        market = state.market(listing)
        if listing.size < 0:
            return "nothing here is worth more on paper than it was paid for"
        if source(state, listing) is None:
            return "no pool moves this index"
        read = reads(state, listing)
        if not judged(state.market(read).oracle):
            return "cannot judge this oracle"
        waits = market.venue.settles == AT_THE_CLOSE or market.venue.settlement() > 0.0
        return "fills are settled later" if waits else ""

    def proceed(self, me: Player, view: View) -> Iterable[Action]:
        """Hold the pump, or leave."""
        return self._hold(me, view) if me.memory["stage"] == "pumping" else self._leave(me, view)

    # ------------------------------------------------------------------ idle

    def consider(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        """Open both positions and pump, if the till pays for it."""
        memory, pool = me.memory, source(view.state, listing)
        assert pool is not None  # `surface` has looked
        if view.index(listing).status != Status.FRESH:
            self.decline(me, view, "no usable index")
            return ()
        plan = self.plan(me, view, listing, pool)
        if plan is None:
            self.decline(me, view, "cannot pay for a pump")
            return ()
        numbers = {**plan._asdict(), "estimate": plan.gain - plan.cost}
        if plan.gain - self.caution * plan.cost < self.least_profit:
            self.decline(me, view, "does not pay", **numbers)
            return ()
        bundle, why = self._entry(me, view, listing, pool, plan)
        if bundle is None:
            self.decline(me, view, why, **numbers)
            return ()
        memory.update(
            stage="pumping" if plan.blocks else "leaving",
            plan=plan,
            pool=pool,
            target=view.reference(view.state.market(pool).instrument.base) * (1.0 + plan.push),
            until=view.seal,
            start=view.seal,
            wealth=self._wealth(me, view, listing),
        )
        self.launch(me, view, stake=plan.money + plan.lost, **numbers)
        return (me.send(bundle),)

    def plan(self, me: Player, view: View, listing: Listing, pool: Listing) -> Plan | None:
        """The best it can think of, whether or not it pays; None where it could not even pump."""
        state, house, market = view.state, listing.house, view.state.market(listing)
        read = reads(state, listing)
        oracle, index = state.market(read).oracle, view.index(listing).value
        interval = state.rules.chains[house.chain].blocks.interval
        mid = view.reference(state.market(pool).instrument.base)
        cash, till = 0.98 * purse(me, view, house), pot(view, house)
        blocks = np.array([0]) if oracle.live else BLOCKS[self.most_blocks >= BLOCKS]
        spend, _, lost, fees = push_costs(view, pool, 1, mid)
        again = self.restored * np.maximum(blocks - 1, 0) * lost[:, None]
        money_left = cash - np.where(blocks > 1, 2.0, 1.0) * np.maximum(spend, 0.0)[:, None] - 1.1 * again
        moved = reach(oracle, PUSHES[:, None], blocks * interval, interval)
        share, slope = state.exchange(house).margin.rate(state, listing, Threshold.INITIAL)
        rows = np.argwhere((money_left > 0.0) & (moved > 0.0))
        best = None
        for row, column in rows.tolist():
            for part in STAKES:
                money, rise = part * float(money_left[row, column]), float(moved[row, column])
                size = 0.9 * largest(view, listing, 1, 0.5 * money, index)
                value = size * index
                needs = value * (1.0 + rise) * (share + slope * size)
                profit = value * rise if state.exchange(house).vesting is None else 0.0
                take = max(0.0, min(0.98 * (0.5 * money + profit - needs), till + money))
                pump = float(again[row, column]) + float(fees[row] if oracle.live else lost[row])
                gas = view.fee(listing) * GAS["Trade"] * (2 * self.slices + blocks[column] + 6)
                cost = float(2.0 * market.fee * value + pump + gas)
                if best is None or take - money - self.caution * cost > best.gain - self.caution * best.cost:
                    best = Plan(
                        float(PUSHES[row]),
                        int(blocks[column]),
                        size,
                        money,
                        take,
                        float(lost[row]),
                        take - money,
                        cost,
                    )
        return best

    def _entry(self, me: Player, view: View, listing: Listing, pool: Listing, plan: Plan) -> tuple[Bundle | None, str]:
        """Both positions and the first push; with the loot as well where a trade moves the index at once."""
        house, other = listing.house, me.memory["other"]
        half = int(0.5 * plan.money * house.cash_scale)
        mid = view.reference(view.state.market(pool).instrument.base)
        push = units_to(view, pool, view.mid(pool), mid * (1.0 + plan.push))
        before = view.balance(house.token, me.account)
        why = ""
        for shrink in range(SHRINKS):
            lot = int(plan.size * 0.75**shrink / self.slices * listing.size_scale)
            parts: list[Transaction] = [
                Transfer(house.token, me.account, other, half),
                Deposit(house, me.account, half),
                Deposit(house, other, half),
                *self._pairs(me, view, listing, lot),
                Trade(pool, me.account, push),
            ]
            if plan.blocks == 0:
                least = before + int(self.least_profit * house.cash_scale)
                parts += [WithdrawMost(house, me.account), Trade(pool, me.account, -push)]
                parts.append(Kept(me.account, house.token, least))
            bundle = Bundle(me.account, tuple(parts))
            _, revert = view.simulate(bundle)
            if revert is None:
                return bundle, ""
            why = str(revert)
        return None, why

    def _pairs(self, me: Player, view: View, listing: Listing, lot: int) -> list[Transaction]:
        """Long and short in turn, slice by slice; on a book the one rests what the other takes."""
        other = me.memory["other"]
        found: list[Transaction] = []
        for _ in range(self.slices):
            if isinstance(view.state.market(listing).venue, OrderBook):
                found.append(Post(listing, other, -lot, view.mid(listing)))
            found.append(Trade(listing, me.account, lot))
            if not isinstance(view.state.market(listing).venue, OrderBook):
                found.append(Trade(listing, other, -lot))
        return found

    # ------------------------------------------------------------------ pumping

    def _hold(self, me: Player, view: View) -> Iterable[Action]:
        """Push again in every block, until what may be taken is what was planned, or the plan's blocks are over."""
        memory, listing, pool, plan = me.memory, me.memory["listing"], me.memory["pool"], me.memory["plan"]
        house = listing.house
        if view.balance(listing.size, me.account) == 0:
            me.note(view, "attack failed", why="the first bundle did not go through")
            memory["stage"] = "leaving"
            return self._leave(me, view)
        memory["until"] = view.seal
        ready = most(view.state, house, me.account) / house.cash_scale
        interval = view.state.rules.chains[house.chain].blocks.interval
        late = view.seal - memory["start"] >= (plan.blocks - 0.5) * interval
        if late or ready >= plan.take:
            memory["stage"] = "leaving"
            return (me.send(WithdrawMost(house, me.account), 4.0 * self.tip), *self._push(me, view, pool))
        return tuple(self._push(me, view, pool))

    def _push(self, me: Player, view: View, pool: Listing) -> Iterable[Action]:
        """Bring the pool back to the target from where arbitrageurs will have brought it, and sell what was bought."""
        asset = view.state.market(pool).instrument.base
        mid = view.reference(asset)
        size, _, limit, undone = renewal(view, pool, 1, mid, me.memory["target"])
        left = spare(me, view, pool, self.base) - (0.0 if undone else size / pool.size_scale)
        if left * mid > 1.0:
            yield ReferenceTrade(me.account, asset, -left)
        if size > 0 and size * limit * pool.price_scale < view.balance(pool.house.token, me.account):
            yield me.send(Trade(pool, me.account, size, limit))  # fails if nobody has undone the last

    # ------------------------------------------------------------------ leaving

    def _leave(self, me: Player, view: View) -> Iterable[Action]:
        """Sell what the pump bought, save of both positions what can be saved, and count."""
        memory, listing = me.memory, me.memory["listing"]
        pool = memory["pool"]
        asset = view.state.market(pool).instrument.base
        memory["until"] = view.seal
        left = spare(me, view, pool, self.base)
        if left * view.reference(asset) > 1.0:
            return (ReferenceTrade(me.account, asset, -left),)
        memory["tries"] += 1
        if memory["tries"] <= 5:
            saved = [self._save(view, listing, account) for account in (memory["other"], me.account)]
            return [me.send(one) for one in saved if one is not None]
        realised = self._wealth(me, view, listing) - memory["wealth"]
        plan = memory["plan"]
        self.finish(me, view, realised=realised, estimate=plan.gain - plan.cost, rest=self.rest)
        memory["tries"] = 0
        return ()

    @staticmethod
    def _save(view: View, listing: Listing, account: int) -> Bundle | None:
        """A position closed and what remains taken out, where that goes through and leaves something."""
        held = view.balance(listing.size, account)
        close = (Trade(listing, account, -held),) if held else ()
        bundle = Bundle(account, (*close, WithdrawMost(listing.house, account)))
        done, revert = view.simulate(bundle)
        return bundle if revert is None and done[-1] > 0 else None

    def _wealth(self, me: Player, view: View, listing: Listing) -> float:
        """Cash coins in both wallets, and what the pump has bought at the reference mid."""
        pool, house = source(view.state, listing) or listing, listing.house
        mid = view.reference(view.state.market(pool).instrument.base)
        cash = sum(view.balance(house.token, account) for account in (me.account, me.memory["other"]))
        return cash / house.cash_scale + spare(me, view, pool, self.base) * mid
