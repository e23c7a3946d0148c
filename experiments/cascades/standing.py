"""How accounts stand above what they need, where they can be closed by force: on an exchange's margin, or in a synthetic's issue.

Both say who is below, how somebody stands just before a deed, how everybody stands when a block ends, and how a change of excess
between the two splits by cause. Excess is equity less requirement, cash coins. What is left over is the account's own trades.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from experiments.cascades.causes import FEES, FUNDING, INTEREST, OWN, PARAMETERS, SHARED
from experiments.cascades.prices import Page, Prices, shares_of
from protocol.appraisal import token_price
from protocol.issuing import index_now, rules
from protocol.ledger import Floats, Ints
from protocol.lending import RAY
from protocol.margins.base import Threshold
from protocol.oracles.base import read_index, read_mark
from protocol.state import House, Issue, Lender, Listing, Pledgeable, State

KINDS = (FEES, SHARED)  # causes that are counted as cash moves
Split = defaultdict[Hashable, float]


class Base(NamedTuple):
    """What accounts are compared with later: how they stood when a block ended. Shapes [accounts], `cash` [kind, accounts]."""

    block: Any  # place in the history
    excess: Floats
    cash: Floats  # running sums by kind, cash coins
    rate: Floats  # requirement per coin of notional, or of debt


class Moment(NamedTuple):
    """How an account stood just before a deed. Coins; debts are scaled ones."""

    excess: float
    rate: float
    held: dict[Listing, float]
    pledged: dict[Pledgeable, float]
    debts: dict[Lender, float]
    locked: float
    owed: float
    cash: Floats  # [kind]


class Place(ABC):
    """Where an account can be closed by force. `prices` are those of its game."""

    key: str  # no two are called the same
    prices: Prices
    house: House

    @abstractmethod
    def below(self, state: State) -> list[int]:
        """Accounts that may be closed now."""

    @abstractmethod
    def moment(self, state: State, account: int, cash: Floats) -> Moment:
        """How one stands now."""

    @abstractmethod
    def base(self, state: State, block: int, cash: Floats) -> Base:
        """How all of them stand now; `cash` [kind, accounts]."""

    @abstractmethod
    def signs(self, state: State) -> Ints:
        """Which way each of an account's positions and debts goes: -1, 0 or 1. Shape [rows, accounts]."""

    @abstractmethod
    def _change(self, state: State, base: Base, then: Moment, old: Page, now: Page) -> Split:
        """What prices, interest, funding and parameters did."""

    def split(self, state: State, base: Base, then: Moment, old: Page, now: Page) -> dict[Hashable, float]:
        """What each cause has changed since `base`, one account's row of it, cash coins; together all of it."""
        found = self._change(state, base, then, old, now)
        for place, kind in enumerate(KINDS):
            found[kind] += float(then.cash[place] - base.cash[place])
        found[OWN] = then.excess - float(base.excess) - math.fsum(found.values())
        return {cause: cash for cause, cash in found.items() if cash}


class Margined(Place):
    """An exchange's margin: positions, collateral, loans."""

    def __init__(self, prices: Prices, house: House, state: State) -> None:
        self.key, self.prices, self.house = house.name, prices, house
        self.claims, self.pledges = state.claims[house.index], state.pledges[house.index]
        self.lenders = state.lenders[house.index]

    def below(self, state: State) -> list[int]:
        """Those below maintenance."""
        found, _ = state.exchange(self.house).margin.below(state, self.house, Threshold.MAINTENANCE)
        accounts: list[int] = found.tolist()
        return accounts

    def moment(self, state: State, account: int, cash: Floats) -> Moment:
        worth, needs = state.exchange(self.house).margin.standing(state, self.house, Threshold.MAINTENANCE, account)
        balance = state.ledger.balance
        held = {m: float(balance[m.size, account]) / m.size_scale for m in self.claims}
        notional = math.fsum(abs(coins) * read_mark(state, m).value for m, coins in held.items())
        pledged = {one: float(balance[one.claim, account]) / one.scale for one in self.pledges}
        debts = {one: float(balance[one.debt, account]) / one.scale for one in self.lenders}
        rate = needs / notional if notional > 0 else 0.0
        return Moment(worth - needs, rate, held, pledged, debts, 0.0, 0.0, cash)

    def base(self, state: State, block: int, cash: Floats) -> Base:
        worth, needs = state.exchange(self.house).margin.standings(state, self.house, Threshold.MAINTENANCE)
        notional = np.zeros(state.ledger.accounts)
        for one in self.claims:
            notional += np.abs(state.ledger.balance[one.size]) * (read_mark(state, one).value / one.size_scale)
        rate = np.divide(needs, notional, out=np.zeros(len(notional)), where=notional > 0)
        return Base(np.full(len(notional), block), worth - needs, cash, rate)

    def signs(self, state: State) -> Ints:
        rows = [*(one.size for one in self.claims), *(one.debt for one in self.lenders)]
        return np.sign(state.ledger.balance[rows])

    def _change(self, state: State, base: Base, then: Moment, old: Page, now: Page) -> Split:
        found: Split = defaultdict(float)
        rate, notional = float(base.rate), 0.0
        for listing, coins in then.held.items():
            if coins:
                before, after = old.quotes[listing], now.quotes[listing]
                notional += abs(coins) * after.price
                _move(
                    found,
                    (coins - rate * abs(coins)) * (after.price - before.price),
                    shares_of(before.parts, after.parts),
                )
                found[FUNDING] -= coins * (after.funding - before.funding)
        found[PARAMETERS] -= (then.rate - rate) * notional
        for pledge, coins in then.pledged.items():
            if coins:
                (price, counted), (price_now, counted_now) = old.pledged[pledge], now.pledged[pledge]
                causes = self.prices.causes(self.house, pledge.token, old, now)
                _move(found, coins * counted_now * (price_now - price), causes)
                found[PARAMETERS] += coins * (counted_now - counted) * price
        for lender, scaled in then.debts.items():
            if scaled:
                key = (self.house.index, lender.token)
                price, grown = old.tokens[key], now.grown[lender.path]
                causes = self.prices.causes(self.house, lender.token, old, now)
                _move(found, scaled * grown * (now.tokens[key] - price), causes)
                found[INTEREST] += scaled * (grown - old.grown[lender.path]) * price
        return found


class Minted(Place):
    """A synthetic's issue: what is locked, less the least ratio times what is owed, by the two indices."""

    def __init__(self, prices: Prices, issue: Issue) -> None:
        self.key, self.prices, self.issue = issue.path, prices, issue
        self.house = issue.listing.house

    def below(self, state: State) -> list[int]:
        """Those below the least ratio."""
        owed = state.ledger.balance[self.issue.debt] < 0
        return [int(one) for one in np.flatnonzero(owed & (self._excess(state) < 0))]

    def moment(self, state: State, account: int, cash: Floats) -> Moment:
        locked, owed = self._coins(state, account)
        excess, least = float(self._excess(state)[account]), float(rules(state, self.issue).least)
        return Moment(excess, least, {}, {}, {}, float(locked), float(owed), np.zeros_like(cash))

    def base(self, state: State, block: int, cash: Floats) -> Base:
        excess = self._excess(state)
        least = np.full(len(excess), float(rules(state, self.issue).least))
        return Base(np.full(len(excess), block), excess, np.zeros_like(cash), least)

    def signs(self, state: State) -> Ints:
        return np.sign(state.ledger.balance[[self.issue.debt]])

    def _coins(self, state: State, who: Any = slice(None)) -> tuple[Any, Any]:
        """Coins locked, and scaled coins owed."""
        balance, issue = state.ledger.balance, self.issue
        return balance[issue.locked, who] / issue.scale, -balance[issue.debt, who] / issue.listing.size_scale

    def _excess(self, state: State) -> Floats:
        locked, owed = self._coins(state)
        grown, least = index_now(state, self.issue) / RAY, rules(state, self.issue).least
        coin = token_price(state, self.house, self.issue.token).value
        found: Floats = locked * coin - least * owed * grown * read_index(state, self.issue.listing).value
        return found

    def _change(self, state: State, base: Base, then: Moment, old: Page, now: Page) -> Split:
        found: Split = defaultdict(float)
        issue, least = self.issue, float(base.rate)
        of_coin, of_unit = (self.house.index, issue.token), (self.house.index, issue.listing.base)
        grown, unit = now.grown[issue.path], now.tokens[of_unit]
        _move(
            found,
            then.locked * (now.tokens[of_coin] - old.tokens[of_coin]),
            self.prices.causes(self.house, issue.token, old, now),
        )
        _move(
            found,
            -least * then.owed * grown * (unit - old.tokens[of_unit]),
            self.prices.causes(self.house, issue.listing.base, old, now),
        )
        found[INTEREST] -= least * then.owed * (grown - old.grown[issue.path]) * old.tokens[of_unit]
        found[PARAMETERS] -= (then.rate - least) * then.owed * grown * unit
        return found


def _move(found: Split, cash: float, causes: dict[Hashable, float]) -> None:
    """Give each cause its share of a change."""
    if cash:
        for cause, share in causes.items():
            found[cause] += cash * share


class Book:
    """A place, and how its accounts stood when they were last healthy and when they entered."""

    def __init__(self, place: Place, now: Base, signs: Ints) -> None:
        self.place, self.signs = place, signs
        self.healthy, self.entry = now, Base(*(part.copy() for part in now))

    def close(self, now: Base, signs: Ints) -> None:
        """A block has ended: whoever is healthy, holds nothing, has just begun or turned, is compared with it from here on."""
        self.healthy, self.entry = (_grown(one, now) for one in (self.healthy, self.entry))
        old = np.pad(self.signs, ((0, 0), (0, signs.shape[1] - self.signs.shape[1])))
        _renew(self.healthy, now, now.excess >= 0.0)
        _renew(self.entry, now, ~signs.any(axis=0) | ~old.any(axis=0) | (signs * old < 0).any(axis=0))
        self.signs = signs


def row_of(base: Base, account: int) -> Base:
    """One account's row of a base."""
    return Base(base.block[account], base.excess[account], base.cash[:, account], base.rate[account])


def _grown(old: Base, now: Base) -> Base:
    """A base with rows for accounts that have been opened since: as they stand now."""
    count = len(old.excess)
    if len(now.excess) == count:
        return old
    return Base(*(np.concatenate((a, b[..., count:]), axis=-1) for a, b in zip(old, now, strict=True)))


def _renew(old: Base, now: Base, which: Any) -> None:
    """Compare the accounts of `which` with now from here on."""
    for a, b in zip(old, now, strict=True):
        a[..., which] = b[..., which]
