"""Two accounts of one owner with opposite legs, and a push of the reference venue that is to break one of them.

The legs are opened in one bundle, so that neither the venue's skew nor a cap on it stands in the way. What one leg loses
beyond its margin, the other wins at the cost of whoever must stand behind the first.
"""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.attacks.pairs import largest_step, paid_for_winners, push_loss, reference_depth, reported
from agents.attacks.sizing import largest
from agents.attacks.staged import Staged
from agents.player import Action, Player, ReferenceTrade
from agents.view import View
from protocol.gas import GAS
from protocol.ledger import Reason
from protocol.margins.base import Threshold
from protocol.oracles.base import Status
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Bundle, Deposit, Liquidate, Trade, Transaction, Withdraw

if TYPE_CHECKING:
    from agents.game import Game

PUSHES = np.linspace(0.02, 0.6, 30)  # displacements weighed, of the log mid
SIZES = np.array([1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05, 0.02])  # shares of what both legs can carry
SLICE = 0.005  # displacement by which what is left over is sold, a block
PARTS = 8  # turns in which the legs are opened
TRIES = 12  # blocks until it gives up


class Plan(NamedTuple):
    """What it means to do, and what it expects. Cash and base in coins, pushes as displacements of the log mid."""

    size: float  # of each leg, base coins
    money: float  # margin that the short leg puts up, and loses
    first: float  # push
    second: float  # further push, once the short leg is gone; 0: none
    rise: float  # of the index, relative, when the long leg is closed
    depth: float  # cash coins that displace the reference mid by 1
    gain: float
    cost: float

    @property
    def estimate(self) -> float:
        """Expected profit, cash coins."""
        return self.gain - self.cost


@dataclass(frozen=True)
class TwoLegs(Staged, ABC):
    """Keeps `apart` of its capital for the leg that is to win; expects a push to halve in `healing` seconds; rests for `rest`."""

    capital: float = 2_000_000.0
    latency: float = 0.05
    tip: float = 5e-9
    caution: float = 1.5
    apart: float = 0.35
    healing: float = 60.0
    rest: float = 3_600.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return super().mistakes() + refusals(
            self,
            apart=(0 < self.apart < 1, "above 0 to below 1"),
            healing=(self.healing > 0, "above 0 seconds"),
            rest=(self.rest >= 0, "0 or more seconds"),
        )

    def surface(self, state: State, listing: Listing) -> str:
        """Legs against a vault, at an index that reporters take from outside."""
        market = state.market(listing)
        if market.venue.counterparty != "vault" or listing.size < 0:
            return "no vault on the other side of both legs"
        if market.index or not reported(market.oracle):
            return "nobody reports this index from outside"
        return "" if market.venue.settlement() == 0.0 else "fills are settled later"

    def first(self, view: View, listing: Listing) -> float:
        """The push of a first stage, as displacement of the log mid; 0: there is one push alone."""
        return 0.0

    def carried(self, view: View, listing: Listing) -> float:
        """Most notional that is of use, cash coins."""
        return math.inf

    def prepare(self, me: Player, game: Game) -> None:
        """A second account of its own, with a share of its money."""
        super().prepare(me, game)
        ledger, token = game.state.ledger, me.memory["listing"].house.token
        second = ledger.open(self.label, owner=int(ledger.owner[me.account]), chain=int(ledger.chain[me.account]))
        ledger.move(token, me.account, second, int(self.apart * ledger.balance[token, me.account]), Reason.GENESIS)
        me.memory["second"] = second

    def consider(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        """Open both legs, if breaking one pays."""
        memory, plan = me.memory, self.plan(me, view, listing)
        if plan is None:
            self.decline(me, view, "no push it can pay breaks a leg")
            return ()
        bundle = self._opening(me, listing, plan)
        _, revert = view.simulate(bundle)
        numbers = {**plan._asdict(), "estimate": plan.estimate}
        if revert is not None or plan.gain - self.caution * plan.cost < self.least_profit:
            self.decline(me, view, "does not pay" if revert is None else str(revert), **numbers)
            return ()
        memory.update(stage="opening", plan=plan, until=view.seal, start=view.seal, pushed=0.0, when=0.0)
        memory.update(wealth=self._wealth(me, view, listing), index=view.index(listing).value)
        self.launch(me, view, stake=2.0 * plan.money, **numbers)
        return (me.send(bundle),)

    def proceed(self, me: Player, view: View) -> Iterable[Action]:
        """The next step, and once all is undone, what it came to."""
        memory = me.memory
        actions = list(self._step(me, view))
        if memory["stage"] == "over":
            realised = self._wealth(me, view, memory["listing"]) - memory["wealth"]
            self.finish(me, view, realised=realised, estimate=memory["plan"].estimate, rest=self.rest)
        return actions

    def plan(self, me: Player, view: View, listing: Listing) -> Plan | None:
        """The best pair it can think of, whether or not it pays; None where it cannot look.

        With X the rise of the index, q coins at I and M the margin of the short leg, the pair is left with X q I - M.
        """
        state, house, healing, second = view.state, listing.house, self.healing, me.memory["second"]
        first, carried = self.first(view, listing), self.carried(view, listing)
        market, reading = state.market(listing), view.index(listing)
        if reading.status != Status.FRESH:
            return None
        index = reading.value
        interval = state.rules.chains[house.chain].blocks.interval
        asset = market.instrument.base
        depth = reference_depth(view, asset)
        purse, other = (0.95 * view.balance(house.token, who) / house.cash_scale for who in (me.account, second))
        spread = getattr(market.venue, "spread", 0.0)
        share, slope = state.exchange(house).margin.rate(state, listing, Threshold.INITIAL)
        legs = largest(view, listing, 1, other, index), largest(view, listing, -1, purse, index)
        most = min(*legs, carried / index)
        if not 0.0 < depth < math.inf or most <= 0.0:
            return None
        size, push = (most * SIZES)[:, None], PUSHES[first < PUSHES][None, :]
        waits = 2.0 * interval * (2.0 if first else 1.0)
        spend = depth * np.expm1(push) * 1.001
        value = size * index
        drag = market.fee + 0.5 * spread
        units = np.maximum(1, size[:, 0] / PARTS * listing.size_scale).astype(np.int64)
        sold = np.array([float(view.cost(listing, np.array([-one]))[0]) for one in units])
        lean = np.maximum(0.0, 1.0 + sold / (units * listing.price_scale * index))[:, None]  # of a turn's own skew
        money = value * (1.02 * (share + slope * size) + 1.5 * drag + lean)
        rise = np.expm1(push * np.exp2(-1.5 * interval / healing))
        till = max(0.0, view.balance(house.token, house.custody) / house.cash_scale)
        gain = np.minimum(value * rise, 0.9 * till) - money
        gas = (view.fee(listing) + self.tip) * (
            2 * GAS["Deposit"] + 2 * (PARTS + 1) * GAS["Trade"] + GAS["Liquidate"] + 2 * GAS["Withdraw"]
        )
        cost = value * drag * (2.0 + rise) + push_loss(depth, push, np.asarray(waits), healing) + gas
        deficit = value * rise - money
        step = np.expm1(np.maximum(push - first, first))
        able = (
            (deficit <= 0.9 * paid_for_winners(state, house))
            & (step < largest_step(market.oracle))
            & (spend + money <= purse)
            & (money <= other)
            & (deficit > 0.0)
        )
        score = np.where(able, gain - self.caution * cost, -math.inf)
        row, column = np.unravel_index(int(np.argmax(score)), score.shape)
        if score[row, column] == -math.inf:
            return None
        pushed = float(push[0, column])
        return Plan(
            float(size[row, 0]),
            float(money[row, 0]),
            first or pushed,
            pushed - first if first else 0.0,
            float(rise[0, column]),
            depth,
            float(gain[row, column]),
            float(cost[row, column]),
        )

    @staticmethod
    def _opening(me: Player, listing: Listing, plan: Plan) -> Bundle:
        """Both legs at once, in turns, so that neither pays for a skew of its own: `me` short, `second` long."""
        second, house, units = me.memory["second"], listing.house, int(plan.size * listing.size_scale)
        money = int(plan.money * house.cash_scale)
        parts: list[Transaction] = [Deposit(house, me.account, money), Deposit(house, second, money)]
        for part in [units // PARTS] * (PARTS - 1) + [units - units // PARTS * (PARTS - 1)]:
            parts += [Trade(listing, me.account, -part), Trade(listing, second, part)]
        return Bundle(me.account, tuple(parts))

    @staticmethod
    def _wealth(me: Player, view: View, listing: Listing) -> float:
        """Cash coins of both accounts, while flat; base at the reference mid."""
        house, total = listing.house, 0.0
        mid = view.reference(view.state.market(listing).instrument.base)
        for account in (me.account, me.memory["second"]):
            total += (view.balance(house.token, account) + view.balance(house.cash, account)) / house.cash_scale
            total += view.balance(listing.base, account) / listing.size_scale * mid
        return total

    def _step(self, me: Player, view: View) -> Iterator[Action]:
        """Break the short leg, be paid on the long one, undo; its stage is "over" once all is undone."""
        memory, listing, plan = me.memory, me.memory["listing"], me.memory["plan"]
        second = memory["second"]
        memory["until"] = view.seal
        interval = view.state.rules.chains[listing.house.chain].blocks.interval
        short, long = (view.balance(listing.size, account) for account in (me.account, second))
        late = view.seal - memory["start"] > TRIES * interval
        if memory["stage"] == "opening":
            memory["stage"] = "pushed" if short and long else "over"
            if short and long:
                yield self._push(me, view, listing, plan.first)
            return
        if memory["stage"] == "pushed":
            if short and not late:
                hit = Liquidate(listing, second, me.account)
                if view.simulate(hit)[1] is None:
                    yield me.send(hit, 4.0 * self.tip)
                return
            if plan.second and not late:
                memory["stage"], memory["start"] = "pushed again", view.seal
                yield self._push(me, view, listing, plan.second)
                return
            memory["stage"] = "closing"
        if memory["stage"] == "pushed again":
            risen = view.index(listing).value / memory["index"] - 1.0
            if risen < 0.95 * plan.rise and view.seal - memory["start"] <= 3 * interval:
                return
            memory["stage"] = "closing"
        if short or long:
            for account, held in ((second, long), (me.account, short)):
                if held:
                    yield me.send(Trade(listing, account, -held), 4.0 * self.tip)
            return
        yield from self._undo(me, view, listing, plan)

    @staticmethod
    def _push(me: Player, view: View, listing: Listing, size: float) -> ReferenceTrade:
        """Buy on the reference venue what displaces its log mid by `size`."""
        asset = view.state.market(listing).instrument.base
        memory, mid = me.memory, view.reference(asset)
        memory["pushed"], memory["when"] = memory["pushed"] + size, view.time
        return ReferenceTrade(me.account, asset, size * memory["plan"].depth / mid)

    def _undo(self, me: Player, view: View, listing: Listing, plan: Plan) -> Iterator[Action]:
        """Sell what the push has bought: at once what still displaces the mid, the rest in slices; then take all money home."""
        memory, asset, house = me.memory, view.state.market(listing).instrument.base, listing.house
        mid = view.reference(asset)
        held = view.balance(listing.base, me.account) / listing.size_scale - self.base
        if held * mid > 10.0:
            left = memory["pushed"] * 2.0 ** (-(view.time - memory["when"]) / self.healing)
            memory["pushed"] = 0.0
            yield ReferenceTrade(me.account, asset, -min(held, max(left, SLICE) * plan.depth / mid))
            return
        home = [
            Withdraw(house, account, claim)
            for account in (me.account, memory["second"])
            if (claim := view.balance(house.cash, account)) > 0
        ]
        yield from (me.send(one) for one in home)
        if not home:
            memory["stage"] = "over"
