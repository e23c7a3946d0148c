"""The keeper of loans: it repays what accounts below maintenance owe, takes their collateral, and sells it off-chain.

It counts what it takes at what the reference venue would pay for it, not at the index, so a stale index makes it decline: that is
how bad debt is made. `LoanKeeper` repays what the close factor allows; `TwoStepKeeper` first repays what just does not cure,
then the close factor of the rest (Qin et al. 2021, Algorithm 2), in one bundle.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.player import Action, Player, ReferenceTrade, Role
from agents.view import View
from protocol import exchange
from protocol.instruments.synthetic import Synthetic
from protocol.liquidations.seizure import Debt, Lien, debts, liens, two_step
from protocol.loan_transactions import Seize
from protocol.margins.base import Threshold
from protocol.state import House, Listing
from protocol.transactions import Bundle

if TYPE_CHECKING:
    from agents.game import Game

ALL = 1 << 62
KEPT = 0.95  # of the wallet goes into repayments: gas and tips come out of it, too
GRAIN = 1e-5  # of a repayment: how far short of curing the first step stays, since what is taken is rounded down


@dataclass(frozen=True)
class LoanKeeper(Role):
    """Bids `bid_share` of its expected profit as tip; goes after at most `most` accounts a block; wants `least_profit`."""

    kind = "keeper"

    capital: float = 1_000_000.0
    latency: float = 0.2
    bid_share: float = 0.2
    most: int = 16
    least_profit: float = 1.0

    def mistakes(self) -> list[str]:
        """A bid is a share of the prize."""
        return [] if 0 <= self.bid_share <= 1 else [f"bid_share = {self.bid_share}: allowed 0 to 1"]

    def prepare(self, me: Player, game: Game) -> None:
        """Remember what it came with."""
        listing = game.listing(self.market, self.exchange)
        if isinstance(game.state.market(listing).instrument, Synthetic):
            raise ValueError(f"market = {listing.name!r}: what is taken in a synthetic cannot be sold off-chain")
        me.memory.update(listing=listing, until=0.0, own=int(game.state.ledger.balance[listing.base, me.account]))

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Sell what was taken, then seize where that pays."""
        listing, state = me.memory["listing"], view.state
        if state.time < me.memory["until"]:
            return
        spare = view.balance(listing.base, me.account) - me.memory["own"]
        if spare > 0:
            me.memory["until"] = view.seal
            yield self.sale(me, view, listing, spare)
        yield from self.seizures(me, view, listing)

    def seizures(self, me: Player, view: View, listing: Listing) -> Iterator[Action]:
        """Seize on a market's exchange, from the largest down, as far as the purse goes."""
        state, house = view.state, listing.house
        margin = state.exchange(house).margin
        below, _ = margin.below(state, house, Threshold.MAINTENANCE)
        below = below[below != me.account]
        found = [(account, *self._pick(view, house, account)) for account in below.tolist()]
        ready = [(account, debt, lien) for account, debt, lien in found if debt is not None and lien is not None]
        ready.sort(key=lambda one: -min(one[1].value, one[2].value))
        purse = int(KEPT * view.balance(house.token, me.account))
        for account, debt, lien in ready[: self.most]:
            transaction, gain, paid = self._deed(me, view, listing, account, debt, lien, purse)
            if transaction is None:
                continue
            gas = transaction.gas
            cost = gas * view.fee(listing)
            if gain - cost <= self.least_profit:
                me.note(view, "seizure declined", account=account, gain=gain, gas=cost)
                continue
            purse -= paid
            me.memory["until"] = view.seal
            yield me.send(transaction, max(self.tip, self.bid_share * (gain - cost) / gas))

    def sale(self, me: Player, view: View, listing: Listing, units: int) -> Action:
        """How it turns what it has taken into cash."""
        return ReferenceTrade(me.account, view.state.market(listing).instrument.base, -units / listing.size_scale)

    def fetches(self, view: View, listing: Listing, units: int) -> float:
        """What that would bring, cash coins."""
        return -view.reference_cost(view.state.market(listing).instrument.base, -units / listing.size_scale)

    def amounts(self, view: View, house: House, account: int, debt: Debt, lien: Lien) -> tuple[int, ...]:
        """How much to repay, call by call, units of the debt's token."""
        return (ALL,)

    @staticmethod
    def _pick(view: View, house: House, account: int) -> tuple[Debt | None, Lien | None]:
        """The largest debt and the most valuable collateral."""
        due, held = debts(view.state, house, account), liens(view.state, house, account)
        return max(due, key=lambda one: one.value, default=None), max(held, key=lambda one: one.value, default=None)

    def _deed(
        self, me: Player, view: View, listing: Listing, account: int, debt: Debt, lien: Lien, purse: int
    ) -> tuple[Bundle | None, float, int]:
        """The bundle, what it should earn in cash coins, and the cash units it needs; None where it fails or would lose."""
        house = listing.house
        limit = purse if debt.token == house.token else ALL
        amounts = self.amounts(view, house, account, debt, lien)
        parts = tuple(
            Seize(house, me.account, account, debt.token, lien.token, min(a, limit)) for a in amounts if a > 0
        )
        bundle = Bundle(me.account, parts)
        done, revert = view.simulate(bundle)
        if revert is not None:
            return None, 0.0, 0
        gain, paid = 0.0, 0
        for one in done:
            gain += self._profit(view, listing, one, debt, lien)
            paid += one.repaid if debt.token == house.token else 0
        return bundle, gain, paid

    def _profit(self, view: View, listing: Listing, done: exchange.Seized, debt: Debt, lien: Lien) -> float:
        """Cash coins: what the collateral would fetch, less what was repaid; at the index where it is not sold there."""
        asset = view.state.market(listing).instrument.base
        taken, repaid = done.taken * lien.price, done.repaid * debt.price
        if lien.token == listing.base:
            taken = self.fetches(view, listing, done.taken)
        if debt.token == listing.base:
            repaid = done.repaid / listing.size_scale * view.reference(asset)
        return taken - repaid


@dataclass(frozen=True)
class TwoStepKeeper(LoanKeeper):
    """As a LoanKeeper, in the two steps that earn most."""

    def amounts(self, view: View, house: House, account: int, debt: Debt, lien: Lien) -> tuple[int, ...]:
        """What just does not cure, then all that is allowed."""
        rules = view.state.exchange(house)
        threshold, seizure = lien.threshold, rules.seizure
        worth, needs = rules.margin.standing(view.state, house, Threshold.MAINTENANCE, account)
        collateral = (debt.value - (needs - worth)) / threshold if threshold > 0 else 0.0
        first, _ = two_step(collateral, debt.value, threshold, seizure.spread_on(threshold), seizure.close_factor)
        first = math.floor((first * (1.0 - GRAIN) - 2.0 * lien.price) / debt.price)
        return (first, ALL) if first > 0 and np.isfinite(first) else (ALL,)
