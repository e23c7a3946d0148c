"""The liquidation hunter: it reads public positions, pushes the mark to where they fall, and buys what must be sold.

On a virtual AMM that its own mid marks, a trade is push and position at once: short first, the longs' forced sales carry the
mid on, and the short is bought back below where it was sold. With nobody in between, a round trip costs fees alone; each
coin sold by force in between is a gain. Where a trade moves the index at once, push, liquidations and exit are one bundle;
else the push is held until a mean has followed. XPL, August 2025: 16 million through one book marked by an average of its
own trades, while the price elsewhere stood still, and 46 million for four accounts.
What stops it: an index that outside reporters make, a slow average, sales that do not go through the venue, a pause of
liquidations after a fast move; and whoever trades the mid back in between.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agents.attacks.clusters import cluster, sells_on_venue
from agents.attacks.pushing import followed
from agents.attacks.sizing import largest
from agents.attacks.staged import Staged
from agents.player import Action, Player
from agents.view import View
from protocol.gas import GAS
from protocol.ledger import Floats
from protocol.limits.liquidation_pause import LiquidationPause
from protocol.margins.base import Threshold
from protocol.oracles.base import Status
from protocol.oracles.ema import Ema
from protocol.oracles.spot import Spot
from protocol.oracles.twap import ArithmeticTwap
from protocol.oracles.twap_geometric import GeometricTwap
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Bundle, Deposit, Liquidate, Trade, Transaction, Withdraw
from protocol.venues.virtual_amm import VirtualAmm

if TYPE_CHECKING:
    from agents.game import Game

SIZES = np.geomspace(0.02, 0.95, 14)  # shares of what its margin carries
WATCHED = 30  # blocks over which it has seen how fast others trade a gap away
DEEPEST = 0.3  # share of the virtual reserves beyond which it does not trade
BLOCKS = np.array([1, 2, 3, 5, 8, 13, 21, 34])  # blocks held


class Plan(NamedTuple):
    """What it means to do, and what it expects. Cash and base in coins."""

    side: int  # of its own position; -1 hunts longs
    size: float  # base coins, not signed
    blocks: int  # held; 0: all in one bundle
    forced: float  # base coins that it expects to be sold by force
    victims: int
    target: float  # index it expects to reach
    money: float  # margin to put up
    gain: float
    cost: float

    @property
    def estimate(self) -> float:
        """Expected profit, cash coins."""
        return self.gain - self.cost


def owed(base: Floats | float, cash: Floats | float, size: Floats) -> Floats:
    """Cash coins that `size` coins owe a virtual AMM with reserves `base` and `cash`."""
    return np.asarray(cash * size / (base - size))


@dataclass(frozen=True)
class LiquidationHunter(Staged):
    """Weighs every size its capital carries, for at most `hold` seconds; rests `rest` seconds after an attack.

    `restored` is the least share of its push that it expects others to trade away in a block; it gives up beyond a loss of
    `stop` times what it hoped for, and wants what it has lost back from the next.
    """

    capital: float = 1_000_000.0
    latency: float = 0.05
    tip: float = 5e-9
    caution: float = 2.0
    hold: float = 120.0
    restored: float = 0.15
    stop: float = 0.5
    rest: float = 600.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return super().mistakes() + refusals(
            self,
            hold=(self.hold > 0, "above 0 seconds"),
            restored=(0 <= self.restored < 1, "0 to below 1"),
            stop=(self.stop > 0, "above 0, a multiple of the estimate"),
            rest=(self.rest >= 0, "0 or more seconds"),
        )

    def surface(self, state: State, listing: Listing) -> str:
        """Positions on a virtual AMM whose own mid marks them, and forced sales that go through it."""
        market = state.market(listing)
        if not isinstance(market.venue, VirtualAmm):
            return "no virtual AMM"
        if market.index or not isinstance(market.oracle, Spot | Ema | ArithmeticTwap | GeometricTwap):
            return "its own trades do not make its index"
        if "" not in market.oracle.sources():
            return "its own trades do not make its index"
        return (
            "" if sells_on_venue(state.exchange(listing.house).liquidation) else "nothing is sold by force on the venue"
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Nothing watched, nothing lost."""
        super().prepare(me, game)
        me.memory.update(seen=-1.0, gaps=[], lost=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Watch the mid, whatever else there is to do."""
        if view.state.time >= me.memory["until"]:
            self._watch(me, view)
        return super().act(me, view)

    def proceed(self, me: Player, view: View) -> Iterable[Action]:
        """Hunt on, or leave."""
        return self._hunt(me, view) if me.memory["stage"] == "hunting" else self._leave(me, view)

    # ------------------------------------------------------------------ watching

    @staticmethod
    def _watch(me: Player, view: View) -> None:
        """Remember how far the mid stood off the reference in the last blocks."""
        memory, listing = me.memory, me.memory["listing"]
        if view.state.time > memory["seen"]:
            memory["seen"] = view.state.time
            gap = math.log(view.mid(listing) / view.reference(view.state.market(listing).instrument.base))
            memory["gaps"] = [*memory["gaps"][1 - WATCHED :], gap]

    def _restored(self, me: Player) -> float:
        """Share of a displacement that others trade away in a block: one less the autocorrelation of the gap, or what it fears."""
        gaps = np.array(me.memory["gaps"])
        before, after = gaps[:-1], gaps[1:]
        moved = float(before @ before)
        kept = float(before @ after) / moved if moved > 0.0 else 0.0
        return min(0.99, max(self.restored, 1.0 - kept))

    # ------------------------------------------------------------------ idle

    def consider(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        """Push on the side where most is to be had, if that pays for what was lost before, too."""
        memory = me.memory
        if len(memory["gaps"]) < WATCHED and not view.state.market(listing).oracle.live:
            self.decline(me, view, "has not watched the mid for long enough")
            return ()
        plans = [plan for side in (-1, 1) if (plan := self.plan(me, view, listing, side)) is not None]
        if not plans:
            self.decline(me, view, "nobody it could reach")
            return ()
        plan = max(plans, key=lambda one: one.gain - self.caution * one.cost)
        bundle, gained = self._entry(me, view, listing, plan)
        if plan.blocks == 0:
            plan = plan._replace(gain=gained + plan.cost)  # what its own simulation says, rather than the formula
        numbers: dict[str, Any] = {**plan._asdict(), "estimate": plan.estimate}
        if bundle is None or plan.gain - self.caution * plan.cost < self.least_profit + memory["lost"]:
            self.decline(me, view, "cannot carry it" if bundle is None else "does not pay", **numbers)
            return ()
        memory.update(
            stage="hunting" if plan.blocks else "leaving",
            plan=plan,
            start=view.seal,
            until=view.seal,
            wealth=self._wealth(me, view, listing),
        )
        self.launch(me, view, stake=plan.money, **numbers)
        return (me.send(bundle),)

    def plan(self, me: Player, view: View, listing: Listing, side: int) -> Plan | None:
        """The best it can think of in one direction, whether or not it pays; None where there is nobody on the other side."""
        state, house = view.state, listing.house
        market, reading = state.market(listing), view.index(listing)
        if reading.status != Status.FRESH:
            return None
        index = reading.value
        prey = cluster(view, listing, side, index, me.account)
        money = 0.95 * view.balance(house.token, me.account) / house.cash_scale
        most = largest(view, listing, side, money, index)
        if len(prey.account) == 0 or most <= 0:
            return None
        base, cash = (float(number) for number in state.tables[listing.reserves_at])
        base, cash = base / listing.size_scale, cash / house.cash_scale
        interval = state.rules.chains[house.chain].blocks.interval
        blocks = np.array([0]) if market.oracle.live else BLOCKS[BLOCKS * interval <= max(self.hold, interval)]

        size = side * (most * SIZES)[:, None]
        size = np.clip(size, -DEEPEST * base, DEEPEST * base)
        first = owed(base, cash, size)
        left = (1.0 - self._restored(me)) ** blocks
        share = followed(market.oracle, blocks * interval) * np.sqrt(left)
        mid = cash / base
        carried = (
            index
            + share * (self._mid(base, cash, size) - mid)
            + followed(market.oracle, blocks * interval) * (mid - index)
        )
        reached = prey.within(carried, side)
        sold = np.concatenate([[0.0], np.cumsum(prey.size)])
        again = index + share * (self._mid(base, cash, size + side * sold[reached]) - index)  # what the sales add
        reached = np.where(blocks > 1, np.maximum(reached, prey.within(again, side)), reached)
        for limit in market.limits:
            if isinstance(limit, LiquidationPause):  # nobody falls before the pause is over
                held = (np.abs(carried / index - 1.0) <= limit.bound) | (blocks * interval > limit.pause)
                reached = np.where(held, reached, 0)
        forced = sold[reached]
        between = side * forced - size * (1.0 - left)  # sold by force, less what others have traded back
        last = owed(base - size - between, cash + first + owed(base - size, cash + first, between), -size)
        gain = -(first + last)
        gas = GAS["Deposit"] + 2 * GAS["Trade"] + GAS["Withdraw"] + GAS["Liquidate"] * reached
        cost = market.fee * (np.abs(first) + np.abs(last)) + (view.fee(listing) + self.tip) * gas
        rate, slope = state.exchange(house).margin.rate(state, listing, Threshold.INITIAL)
        coins = np.abs(size)
        stands = money + size * index - first - market.fee * np.abs(first) >= (rate + slope * coins) * coins * index
        score = np.where((reached > 0) & stands, gain - self.caution * cost, -np.inf)
        row, column = np.unravel_index(int(np.argmax(score)), score.shape)
        if score[row, column] == -np.inf:
            return None
        return Plan(
            side,
            float(abs(size[row, 0])),
            int(blocks[column]),
            float(forced[row, column]),
            int(reached[row, column]),
            float(carried[row, column]),
            money,
            float(gain[row, column]),
            float(cost[row, column]),
        )

    @staticmethod
    def _mid(base: float, cash: float, size: Floats) -> Floats:
        """The mid once `size` coins have been bought, cash coins."""
        return np.asarray(base * cash / (base - size) ** 2)

    def _entry(self, me: Player, view: View, listing: Listing, plan: Plan) -> tuple[Bundle | None, float]:
        """What it sends first, and what that earns at once by its own simulation; None if it would revert."""
        house = listing.house
        size = int(plan.side * plan.size * listing.size_scale)
        into: list[Transaction] = [
            Deposit(house, me.account, int(plan.money * house.cash_scale)),
            Trade(listing, me.account, size),
        ]
        if plan.blocks:
            bundle = Bundle(me.account, tuple(into))
            return (bundle if view.simulate(bundle)[1] is None else None), 0.0
        prey = cluster(view, listing, plan.side, view.index(listing).value, me.account)
        victims = plan.victims
        while victims > 0:
            hits = [Liquidate(listing, me.account, int(who)) for who in prey.account[:victims]]
            bundle = Bundle(me.account, (*into, *hits, Trade(listing, me.account, -size)))
            done, revert = view.simulate(bundle)
            if revert is None:
                paid = sum(one.reward for one in done[2:-1])
                gained = (paid - done[1].owed - done[-1].owed) / house.cash_scale
                fee = view.state.market(listing).fee * (abs(done[1].owed) + abs(done[-1].owed)) / house.cash_scale
                gas = bundle.gas * (view.fee(listing) + self.tip)
                return bundle, gained - fee - gas
            victims = victims * 3 // 4
        return None, 0.0

    # ------------------------------------------------------------------ hunting

    def _hunt(self, me: Player, view: View) -> Iterable[Action]:
        """Close whoever has fallen, until the plan's time is over, nobody is left to fall, or others have undone the push."""
        memory, listing, plan = me.memory, me.memory["listing"], me.memory["plan"]
        held = view.balance(listing.size, me.account)
        memory["until"] = view.seal
        if held == 0:
            self.over(me, view, realised=0.0, estimate=plan.estimate, why="the first bundle did not go through")
            memory.update(stage="idle", next=view.time + self.ponder)
            return ()
        interval = view.state.rules.chains[listing.house.chain].blocks.interval
        back = -float(view.cost(listing, np.array([-held]))[0]) / listing.house.cash_scale
        gained = back + view.balance(listing.quote, me.account) / listing.house.cash_scale
        late = view.seal - memory["start"] >= (plan.blocks + 1) * interval
        if late or gained < -self.stop * plan.gain:
            memory["stage"] = "leaving"
            return self._leave(me, view)
        return [me.send(hit, tip) for hit, tip in self._hits(me, view, listing)]

    def _hits(self, me: Player, view: View, listing: Listing) -> Iterable[tuple[Liquidate, float]]:
        """Liquidations that go through now."""
        rules, house = view.state.exchange(listing.house), listing.house
        below, _ = rules.margin.below(view.state, house, Threshold.MAINTENANCE)
        for account in below[:16].tolist():
            hit = Liquidate(listing, me.account, account)
            if account != me.account and view.simulate(hit)[1] is None:
                yield hit, self.tip

    # ------------------------------------------------------------------ leaving

    def _leave(self, me: Player, view: View) -> Iterable[Action]:
        """Buy back, take everything home, say what it came to."""
        memory, listing, plan = me.memory, me.memory["listing"], me.memory["plan"]
        memory["until"] = view.seal
        held, claim = view.balance(listing.size, me.account), view.balance(listing.house.cash, me.account)
        if held:
            return (me.send(Trade(listing, me.account, -held), 4.0 * self.tip),)
        if claim > 0:
            return (me.send(Withdraw(listing.house, me.account, claim)),)
        realised = self._wealth(me, view, listing) - memory["wealth"]
        self.finish(me, view, realised=realised, estimate=plan.estimate, rest=self.rest)
        memory["lost"] = max(0.0, memory["lost"] - realised)
        return ()

    @staticmethod
    def _wealth(me: Player, view: View, listing: Listing) -> float:
        """Cash coins, while flat."""
        house = listing.house
        return (view.balance(house.token, me.account) + view.balance(house.cash, me.account)) / house.cash_scale
