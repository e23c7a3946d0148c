"""The liquidation keeper: it scans public accounts, and sends what its own simulation says will pay.

For each account below it weighs every way there is: to close it at once by any route the rule allows, to put it up or start
its auction anew for the incentive, to take from a running auction now, or to wait for a lower price while rivals may
come. It needs a margin account, pays gas for every attempt, and bids a share of the prize in priority fees. Too slow, too
poor or too dear a chain, and accounts below maintenance stay open: that is how bad debt is made.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agents.player import Action, Player, Role
from agents.roles.taking import affordable, carried, look_back, rivalry, taking, wait_for
from agents.roles.unwinding import unwind
from agents.view import View
from protocol import exchange
from protocol.auction_transactions import Bark, Redo
from protocol.gas import GAS
from protocol.ledger import Ints
from protocol.liquidations.cases import case_of, cases
from protocol.margins.base import MAINTENANCE
from protocol.oracles.base import read_mark
from protocol.settings import refusals
from protocol.state import House, Listing
from protocol.transactions import Liquidate, Transaction
from protocol.units import to_units_down

if TYPE_CHECKING:
    from agents.game import Game


class Choice(NamedTuple):
    """Something it could do, and what that brings before gas, cash coins."""

    transaction: Transaction
    prize: float


@dataclass(frozen=True)
class Keeper(Role):
    """Bids `bid_share` of the reward as tip; goes after at most `most` accounts a block; wants `least_profit` cash coins.

    `cost`: what carrying and unwinding a position costs it, a share of its value. `rivals`: the chance that a lot it waits
    for is taken by somebody else within a block, as believed at first. `unwind`: share of its position it trades out a block.
    """

    kind = "keeper"

    capital: float = 1_000_000.0
    latency: float = 0.2
    bid_share: float = 0.2
    most: int = 32
    least_profit: float = 0.0
    cost: float = 0.0
    rivals: float = 0.5
    unwind: float = 0.0

    def mistakes(self) -> list[str]:
        """Shares and chances are such."""
        return super().mistakes() + refusals(
            self,
            bid_share=(0 <= self.bid_share <= 1, "0 to 1"),
            cost=(0 <= self.cost < 1, "0 to below 1, a share of value"),
            rivals=(0 <= self.rivals <= 1, "0 to 1, a chance"),
            unwind=(0 <= self.unwind <= 1, "0 to 1, a share of the position"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Nine tenths of its capital stand as margin, the rest pays gas."""
        house = game.house(self.exchange)
        exchange.deposit(game.state, house, me.account, to_units_down(0.9 * self.capital, int(house.cash_scale)))

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Do for the largest accounts below maintenance whatever pays best, if anything does."""
        look_back(me, view)
        yield from self.serve(me, view, view.house(self.exchange))

    def serve(self, me: Player, view: View, house: House) -> Iterator[Action]:
        """The same on one exchange; and trade out of what it was left with there."""
        for listing, transaction, profit in self.worthwhile(me, view, house):
            tip = max(self.tip, self.bid_share * profit / transaction.gas)
            tip = affordable(view, me, listing, transaction.gas, tip)
            if tip >= self.tip:
                yield me.send(transaction, tip)
        for listing in view.state.listings[house.index] if self.unwind else ():
            yield from unwind(me, view, listing, self.unwind, self.cost)

    def worthwhile(self, me: Player, view: View, house: House) -> Iterator[tuple[Listing, Any, float]]:
        """What pays, and how much before priority fees, cash coins."""
        for listing, account in self._below(view, house):
            fee, best, most = view.fee(listing), None, -math.inf
            for choice in self._choices(me, view, listing, account):
                if (net := choice.prize - choice.transaction.gas * fee) > most:
                    best, most = choice, net
            if best is None:
                continue
            transaction, prize = best
            cost = transaction.gas * fee
            if prize - cost <= self.least_profit:
                me.note(view, "liquidation declined", account=account, prize=prize, gas=cost)
                continue
            yield listing, transaction, prize - cost

    def _below(self, view: View, house: House) -> Iterator[tuple[Listing, int]]:
        """Positions of the largest accounts below, and of those that are up for auction."""
        state = view.state
        below, needs = state.exchange(house).margin.below(state, house, MAINTENANCE)
        seen: set[int] = set()
        if len(below):
            accounts: Ints = below[np.argsort(-needs, kind="stable")][: self.most]
            seen = set(accounts.tolist())
            for account in accounts.tolist():
                for listing in state.claims[house.index]:
                    if view.balance(listing.size, account) != 0:
                        yield listing, account
        for listing in state.listings[house.index]:
            for account in cases(state, listing):
                if account not in seen:
                    yield listing, account

    def _choices(self, me: Player, view: View, listing: Listing, account: int) -> Iterator[Choice]:
        """All that could be done, as far as it can see or, where it cannot, as its simulation says."""
        rule, case = view.state.exchange(listing.house).liquidation, case_of(view.state, listing, account)
        for way, plan in enumerate(view.ways(listing, account)):
            closing = Liquidate(listing, me.account, account, way)
            reward = exchange.foreseen(view.state, plan)
            if not math.isnan(reward):
                yield Choice(closing, reward / listing.house.cash_scale)
                continue
            done, _ = view.simulate(closing)
            if isinstance(done, exchange.Liquidated):
                yield Choice(closing, self._prize(view, done))
        fresh = rule.opens(view.state, listing, account) if case is None else rule.reopens(view.state, listing, case)
        if fresh is not None:
            telling = Bark(listing, me.account, account) if case is None else Redo(listing, me.account, account)
            done, _ = view.simulate(telling)
            if isinstance(done, exchange.Started):
                yield Choice(telling, done.reward / listing.house.cash_scale)
        lot = taking(view, me, listing, account, self.cost)
        if lot is None:
            return
        gas = GAS["Take"] * view.fee(listing)
        now = lot.profit(lot.now, gas)
        if now <= self.least_profit:
            return
        later = lot.waiting(1.0 - rivalry(me, self.rivals), gas)
        if now < later:
            if wait_for(me, view, listing, account):
                me.note(view, "take put off", account=account, now=now, later=later)
        elif (part := carried(view, me, lot)) is not None:
            yield Choice(part[0], lot.now * part[1])

    def _prize(self, view: View, done: exchange.Liquidated) -> float:
        """Cash coins: the reward, and the discount of what it takes over at the mark, less its cost."""
        scale = done.listing.house.cash_scale
        if done.taker != done.keeper:
            return done.reward / scale
        value = done.taken * read_mark(view.state, done.listing).value * done.listing.price_scale
        return (done.reward + abs(value - done.notional) - self.cost * value) / scale
