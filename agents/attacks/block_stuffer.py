"""The block stuffer: it bids next to nothing for what is up for auction, and fills blocks until nobody can have bid more.

An auction that is won by the last bid standing is won by whoever keeps the others out: with its own bid in place it buys all
the space that is left in each block with transactions that do nothing, at a fee just above what rivals offer, until its bid has
won. On 12 March 2020 congestion did this by itself, and lots of Maker went for nothing (36 % of them); the winner of Fomo3D
did it on purpose in August 2018. The bill is capacity times fee for each block of an auction's `ttl`; under a base fee that
rises with use it grows exponentially. It adds up lots and bill, looks again in every block, and leaves off once the rest
costs more than it brings. Longer auctions, a least bid, larger blocks, a base fee and rivals who bid for their place stop it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from agents.attacks.base import Attack
from agents.attacks.surrounding import HAIR, before, funded, money, sells_place
from agents.player import Action, Player
from agents.roles.bidding_keeper import aims
from agents.roles.taking import worth_to
from agents.roles.unwinding import unwind
from agents.view import View
from protocol.auction_transactions import Bark, Bid, Deal
from protocol.gas import GAS
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.cases import Case, case_of, cases
from protocol.liquidations.english import English
from protocol.liquidations.lots import lot_of, mirrored
from protocol.margins.base import Threshold
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Bundle, Spin, Transaction, Withdraw

if TYPE_CHECKING:
    from agents.game import Game

SMALLEST = 30_000  # gas of the last piece of stuffing: what is left free is too little for anybody


class Lure(NamedTuple):
    """A lot that may be had."""

    account: int
    listing: Listing
    order: Transaction  # the bid, with the bark before it where nobody has barked
    profit: float  # cash coins, if the bid wins


def english(state: State, listing: Listing) -> English | None:
    """The rule by which positions here are sold to the highest bid, if they are."""
    rule = state.exchange(listing.house).liquidation
    rule = rule.inner if isinstance(rule, Backstop) else rule
    return rule if isinstance(rule, English) and listing.size >= 0 else None


@dataclass(frozen=True)
class BlockStuffer(Attack):
    """Goes for the `most` most valuable lots; `cost` of carrying and unwinding, a share of value; trades out `unwind` a block.

    `purse` is the share of its capital that pays for blocks, the rest backs bids.
    """

    capital: float = 1_000_000.0
    latency: float = 0.1
    caution: float = 1.2
    most: int = 8
    cost: float = 0.02
    purse: float = 0.3
    unwind: float = 0.2

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return super().mistakes() + refusals(
            self,
            most=(self.most >= 1, "1 or more"),
            cost=(0 <= self.cost < 1, "0 to below 1, a share of value"),
            purse=(0 < self.purse < 1, "above 0 to below 1"),
            unwind=(0 < self.unwind <= 1, "above 0 to 1, a share of the position"),
        )

    def looks(self) -> int:
        """Once, as late as it can."""
        return 1

    def surface(self, state: State, listing: Listing) -> str:
        """Auctions won by the last bid standing, on a chain that sells its space."""
        if english(state, listing) is None:
            return "no auction here is won by bidding alone"
        ordering = state.rules.chains[listing.house.chain].ordering
        return "" if sells_place(ordering) else "no fee buys the place before another"

    def prepare(self, me: Player, game: Game) -> None:
        """Nothing is put up yet."""
        listing = game.listing(self.market, self.exchange)
        me.memory.update(listing=listing, on=False, rival=0.0, sent=-math.inf)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Take what it has won; bid and stuff while that pays; trade out of what it holds."""
        memory = me.memory
        listing: Listing = memory["listing"]
        rule = english(view.state, listing)
        if rule is None or self.surface(view.state, listing):
            self.decline(me, view, self.surface(view.state, listing))
            return
        rivals = [item.tip for item in view.mempool().singles if self._rival(me, listing, aims(item), item)]
        memory["rival"] = max([memory["rival"], *rivals])
        tip = max(self.tip, before(memory["rival"]))
        mine = [case for case in cases(view.state, listing).values() if case.bidder == me.account]
        for case in mine:
            if rule.over(case, view.seal):
                yield me.send(Deal(listing, me.account, case.account), tip * 1.001, ("deal", case.account))
        standing = [case for case in mine if not rule.over(case, view.seal)]
        lures = self._chosen(me, view, list(self._lures(me, view, rule, listing)))
        yield from self._stuff(me, view, rule, standing, lures, tip)
        if not memory["on"]:
            yield from unwind(me, view, listing, self.unwind, self.cost)
            yield from self._home(me, view, listing)

    @staticmethod
    def _rival(me: Player, listing: Listing, aimed: set[tuple[str, int]], item: object) -> bool:
        sender = item.transaction.account  # type: ignore[attr-defined]
        return sender != me.account and any(path == listing.path for path, _ in aimed)

    # ------------------------------------------------------------------ what there is to win

    def _lures(self, me: Player, view: View, rule: English, listing: Listing) -> Iterator[Lure]:
        """Every lot whose next bid would pay if it won."""
        state = view.state
        known = cases(state, listing)
        for case in known.values():
            if case.bidder != me.account and not rule.over(case, view.seal):
                yield from self._lure(me, view, rule, listing, case)
        below, _ = state.exchange(listing.house).margin.below(state, listing.house, Threshold.MAINTENANCE)
        for account in below.tolist():
            fresh = rule.opens(state, listing, account) if account not in known else None
            if fresh is not None:
                yield from self._lure(me, view, rule, listing, fresh)

    def _lure(self, me: Player, view: View, rule: English, listing: Listing, case: Case) -> Iterator[Lure]:
        lot = lot_of(view.state, listing, case.account)
        if lot is None or case.account == me.account or rule.recovered(view.state, listing, case.account):
            return
        offer = rule.least(lot, case) * (1.0 + 1e-9) + (0.0 if case.bidder < 0 else 1e-6)
        profit = (mirrored(lot, case, worth_to(view, lot, self.cost)) - offer) * abs(lot.coins)
        bid: Transaction = Bid(listing, me.account, case.account, mirrored(lot, case, offer))
        if case_of(view.state, listing, case.account) is None:
            bid = Bundle(me.account, (Bark(listing, me.account, case.account), bid))
        if profit > 0.0:
            yield Lure(case.account, listing, bid, profit)

    def _chosen(self, me: Player, view: View, lures: list[Lure]) -> list[Lure]:
        """As many of the best as its margin can back together."""
        chosen: list[Lure] = []
        for lure in sorted(lures, key=lambda one: -one.profit)[: self.most]:
            bids = tuple(one.order for one in (*chosen, lure))
            first = funded(me, view, lure.listing, 1.0 - self.purse, bids[0])
            if view.simulate(Bundle(me.account, (first, *bids[1:])))[1] is None:
                chosen.append(lure)
        return chosen

    def _home(self, me: Player, view: View, listing: Listing) -> Iterator[Action]:
        """Take out of the till what is left there."""
        units = view.balance(listing.house.cash, me.account)
        if units > 0 and view.balance(listing.size, me.account) == 0 and view.state.time >= me.memory.get("left", 0.0):
            me.memory["left"] = view.seal
            yield me.send(Withdraw(listing.house, me.account, units))

    # ------------------------------------------------------------------ what it costs

    def _bill(self, view: View, listing: Listing, until: float, tip: float) -> float:
        """Cash coins for all the space of every block up to `until`, seconds, if the base fee rises as it does in full blocks."""
        chain = view.state.rules.chains[listing.house.chain]
        blocks = max(0, math.ceil((until - view.seal) / chain.blocks.interval)) + 1
        rise = 1.0 + chain.fee_change * min(1.0, (1.0 - chain.target) / chain.target)
        fees = blocks if rise == 1.0 else (rise**blocks - 1.0) / (rise - 1.0)
        return chain.capacity * (view.fee(listing) * fees + tip * blocks)

    def _stuff(
        self, me: Player, view: View, rule: English, standing: list[Case], lures: list[Lure], tip: float
    ) -> Iterator[Action]:
        """Bid for what pays, and buy the rest of the block while its bids stand and that pays."""
        memory, listing = me.memory, me.memory["listing"]
        old = max((case.ends for case in standing), default=view.seal)
        kept = sum(self._held(view, listing, case) for case in standing)
        going = self._bill(view, listing, old, tip) if standing else 0.0
        more = self._bill(view, listing, view.seal + rule.ttl, tip) - going if lures else 0.0
        gain = sum(lure.profit for lure in lures)
        gas = (GAS["Bark"] + GAS["Bid"] + GAS["Deal"]) * (view.fee(listing) + tip) * len(lures)
        purse = view.balance(listing.house.token, me.account) / listing.house.cash_scale
        bids = bool(lures) and gain - self.caution * (more + gas) > self.least_profit and more + going <= purse
        if not bids and lures and not standing:
            self.decline(me, view, "does not pay", estimate=gain - more - gas, cost=more + gas, lots=len(lures))
        if memory["on"] and not bids and not standing and view.state.time >= memory["sent"]:
            self._end(me, view)
        if bids and not memory["on"]:
            memory.update(on=True, wealth=self._wealth(me, view), estimate=0.0)
        if bids:
            memory["estimate"] += gain - more - gas
            memory["sent"] = view.seal
            self.launch(me, view, estimate=gain - more - gas, cost=more + gas, stake=more + going, lots=len(lures))
            for number, lure in enumerate(lures):
                order = lure.order if number else funded(me, view, listing, 1.0 - self.purse, lure.order)
                yield me.send(order, tip * 1.001, ("bid", lure.account))
        if bids or (standing and kept > going):
            yield from self._fill(me, view, listing, tip)

    def _fill(self, me: Player, view: View, listing: Listing, tip: float) -> Iterator[Action]:
        """All the space of a block in pieces, each half as large as the one before, so that what is left is filled as well.

        Larger pieces pay a hair more, and so are packed first.
        """
        piece = int(view.state.rules.chains[listing.house.chain].capacity) // 2
        number = 0
        while piece >= SMALLEST:
            yield me.send(Spin(me.account, piece), tip * (1.0 + HAIR * piece / SMALLEST), ("stuffing", number))
            piece, number = piece // 2, number + 1

    def _held(self, view: View, listing: Listing, case: Case) -> float:
        """What a lot that its bid would win is worth beyond the bid, cash coins."""
        lot = lot_of(view.state, listing, case.account)
        return 0.0 if lot is None else max(0.0, lot.coins * (worth_to(view, lot, self.cost) - case.bid))

    def _end(self, me: Player, view: View) -> None:
        me.memory.update(on=False, rival=0.0)
        self.over(me, view, realised=self._wealth(me, view) - me.memory["wealth"], estimate=me.memory["estimate"])

    @staticmethod
    def _wealth(me: Player, view: View) -> float:
        """Cash coins: wallet, till, and the position at the reference mid."""
        listing: Listing = me.memory["listing"]
        mid = view.reference(view.state.market(listing).instrument.base)
        size = view.balance(listing.size, me.account) / listing.size_scale
        return (
            money(view, me, listing) + size * mid + view.balance(listing.quote, me.account) / listing.house.cash_scale
        )
