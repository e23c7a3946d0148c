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
from agents.roles.taking import carried, falling, look_back, rivalry, taking, wait_for
from agents.roles.unwinding import unwind
from agents.view import View
from protocol import exchange
from protocol.auction_transactions import Bark, Redo
from protocol.gas import GAS
from protocol.hooks import fills
from protocol.liquidations.base import Liquidation
from protocol.liquidations.cases import case_of, cases
from protocol.margins.base import MAINTENANCE
from protocol.oracles.base import read_mark
from protocol.settings import refusals
from protocol.state import House, Listing, State
from protocol.transactions import Liquidate
from protocol.units import to_units_down

if TYPE_CHECKING:
    from agents.game import Game


Choice = tuple[Any, float]  # a transaction that it could send, and what that brings before gas, cash coins


class _Steps(NamedTuple):
    """What there is to do beside closing an account at once, under the rules in force."""

    remembered: bool  # whether accounts are put up, or warned
    falling: bool  # whether positions are taken from auctions


def _steps(state: State, number: int) -> _Steps:
    rule = state.exchange(state.houses[number]).liquidation
    return _Steps(fills(rule, Liquidation, "opens"), falling(rule) is not None)


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
        return self.serve(me, view, view.house(self.exchange))

    def serve(self, me: Player, view: View, house: House) -> list[Action]:
        """The same on one exchange; and trade out of what it was left with there."""
        sent: list[Action] = []
        worth = self.worthwhile(me, view, house)
        if worth:
            purse, fee = view.balance(house.token, me.account) / house.cash_scale, view.fee(worth[0][0])
            for _, transaction, profit in worth:
                gas = transaction.gas
                tip = min(max(self.tip, self.bid_share * profit / gas), purse / gas - fee)
                if tip >= self.tip:
                    sent.append(me.send(transaction, tip))
        if self.unwind:
            for listing in view.state.listings[house.index]:
                sent += unwind(me, view, listing, self.unwind, self.cost)
        return sent

    def worthwhile(self, me: Player, view: View, house: House) -> list[tuple[Listing, Any, float]]:
        """What pays, and how much before priority fees, cash coins."""
        steps = view.state.settled(_steps, house.index)
        below = self._below(view, house, steps)
        if not below:
            return []
        fee, found = view.fee(below[0][0]), []
        for (listing, account), brings in zip(below, view.prospects(below), strict=True):
            best, profit = None, -math.inf
            for choice in self._choices(me, view, listing, account, brings, steps):
                net = choice[1] - choice[0].gas * fee
                if net > profit:
                    best, profit = choice, net
            if best is None:
                continue
            transaction, prize = best
            if profit <= self.least_profit:
                me.note(view, "liquidation declined", account=account, prize=prize, gas=transaction.gas * fee)
                continue
            found.append((listing, transaction, profit))
        return found

    def _below(self, view: View, house: House, steps: _Steps) -> list[tuple[Listing, int]]:
        """Positions of the largest accounts below, and of those that are up for auction."""
        state = view.state
        below, needs = state.exchange(house).margin.below(state, house, MAINTENANCE)
        found, accounts = [], []
        if len(below):
            held, markets = state.ledger.balance.item, state.claims[house.index]
            accounts = below[np.argsort(-needs, kind="stable")][: self.most].tolist()
            found = [(one, account) for account in accounts for one in markets if held(one.size, account) != 0]
        if steps.remembered:
            seen = set(accounts)
            for listing in state.listings[house.index]:
                found += [(listing, account) for account in cases(state, listing) if account not in seen]
        return found

    def _choices(
        self, me: Player, view: View, listing: Listing, account: int, brings: list[float], steps: _Steps
    ) -> list[Choice]:
        """All that could be done, as far as it can see or, where it cannot, as its simulation says."""
        choices = []
        for way, reward in enumerate(brings):
            closing = Liquidate(listing, me.account, account, way)
            if not math.isnan(reward):
                choices.append((closing, reward / listing.house.cash_scale))
                continue
            done, _ = view.simulate(closing)
            if isinstance(done, exchange.Liquidated):
                choices.append((closing, self._prize(view, done)))
        if steps.remembered:
            choices += self._told(me, view, listing, account)
        if steps.falling:
            choices += self._taken(me, view, listing, account)
        return choices

    def _told(self, me: Player, view: View, listing: Listing, account: int) -> Iterator[Choice]:
        """To say that the account is below, or that its round is over."""
        rule, case = view.state.exchange(listing.house).liquidation, case_of(view.state, listing, account)
        fresh = rule.opens(view.state, listing, account) if case is None else rule.reopens(view.state, listing, case)
        if fresh is not None:
            telling = Bark(listing, me.account, account) if case is None else Redo(listing, me.account, account)
            done, _ = view.simulate(telling)
            if isinstance(done, exchange.Started):
                yield telling, done.reward / listing.house.cash_scale

    def _taken(self, me: Player, view: View, listing: Listing, account: int) -> Iterator[Choice]:
        """To take from a running auction now, where waiting would not bring more."""
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
            yield part[0], lot.now * part[1]

    def _prize(self, view: View, done: exchange.Liquidated) -> float:
        """Cash coins: the reward, and the discount of what it takes over at the mark, less its cost."""
        scale = done.listing.house.cash_scale
        if done.taker != done.keeper:
            return done.reward / scale
        value = done.taken * read_mark(view.state, done.listing).value * done.listing.price_scale
        return (done.reward + abs(value - done.notional) - self.cost * value) / scale
