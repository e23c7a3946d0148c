"""Hedging: the vault trades away exposure that its traders have put on it, on the markets it is allowed, and pays for it.

A rule only plans; anybody may have the plan carried out, and is paid `reward` for it, so that nobody has to be trusted with the
vault's account. Exposure is delta: base coins that all of the vault's claims on one asset behave like, each instrument's by its
own price at a bumped index. What an option adds beyond delta only another option takes away: `GammaBand` and `VegaBand` trade
listed options first, as much as is there within `premium_slippage`, and then the delta that is left.
Attack surface: bands are public, so whoever pushes the venue knows when the vault must trade and how much; `slippage` bounds what
that earns, and a vault that cannot trade within it stays exposed. Option books are thin, and the band says what will be bought.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from protocol.instruments.option import Option
from protocol.oracles.base import read_index
from protocol.settings import refusals
from protocol.state import House, Listing, State

BUMP = 1e-4  # relative: how far the index is moved to see what follows it
HALVINGS = 10  # how often an order in options is halved to fit what is there
POINT = 0.01  # a hundredth: of the index that gamma is told by, of volatility that vega is


class HedgeOrder(NamedTuple):
    """A trade for the vault."""

    listing: Listing
    size: int  # base units, signed
    slippage: float  # share of the mark it may cost


@dataclass(frozen=True)
class Hedging(ABC):
    """A rule of hedging. `markets`: where it may trade. `slippage`: share of the mark; `reward`: cash coins for doing it."""

    markets: tuple[str, ...] = ()
    slippage: float = 0.01
    reward: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what the family cannot do."""
        wrong = self.mistakes()
        if not 0 <= self.slippage < 1:
            wrong.append(f"slippage = {self.slippage}: allowed 0 to below 1")
        if not self.reward >= 0:
            wrong.append(f"reward = {self.reward}: must be 0 or more cash coins")
        if wrong:
            raise ValueError("\n".join(wrong))

    def mistakes(self) -> list[str]:
        """One line for each of the rule's own settings that makes no sense."""
        return []

    @abstractmethod
    def plan(self, state: State, house: House) -> tuple[HedgeOrder, ...]:
        """What the vault should trade now; nothing, where it may rest."""


def slope(state: State, listing: Listing) -> float:
    """Base coins that one base coin of a market's contract behaves like at the index: central difference."""
    instrument, index = state.market(listing).instrument, read_index(state, listing).value
    up, down = (instrument.price(state, listing, index * (1.0 + side * BUMP)) for side in (1, -1))
    return (up - down) / (2.0 * BUMP * index)


def delta(state: State, listing: Listing, account: int) -> float:
    """Base coins that an account's claims in one market behave like at the index."""
    size = int(state.ledger.balance[listing.size, account]) if listing.size >= 0 else 0
    return size / listing.size_scale * slope(state, listing) if size else 0.0


def exposure(state: State, house: House, account: int, base: int) -> float:
    """Base coins of one asset (its row) that all of an account's claims on an exchange behave like."""
    return sum(delta(state, m, account) for m in state.listings[house.index] if m.base == base)


@dataclass(frozen=True)
class DeltaBand(Hedging):
    """Lets exposure be within `band` base coins; beyond, brings it back to `rest` times the band, at most `most` coins at once.

    To the middle with `rest` 0; to the edge with 1, which costs least where costs are proportional (Whalley and Wilmott 1997).
    """

    band: float = 50.0
    rest: float = 0.5
    most: float = 1e9

    def mistakes(self) -> list[str]:
        """A band is not negative, and a rest lies in it."""
        return refusals(
            self,
            band=(self.band >= 0, "0 or more base coins"),
            rest=(0 <= self.rest <= 1, "0 to 1, a share of the band"),
            most=(self.most > 0, "above 0 base coins"),
        )

    def plan(self, state: State, house: House) -> tuple[HedgeOrder, ...]:
        """One order for each asset that is out of its band, on the first market that may be used for it."""
        return self.deltas(state, house, {})

    def deltas(self, state: State, house: House, coming: Mapping[int, float]) -> tuple[HedgeOrder, ...]:
        """Orders in what follows the index one for one. `coming`: base coins, by asset, that planned options will add."""
        orders, seen = [], set()
        for name in self.markets:
            listing = state.find(house, name)
            if listing.base in seen or isinstance(state.market(listing).instrument, Option):
                continue
            seen.add(listing.base)
            open_ = exposure(state, house, house.vault, listing.base) + coming.get(listing.base, 0.0)
            if abs(open_) <= self.band:
                continue
            coins = min(self.most, abs(open_) - self.rest * self.band)
            size = -int(math.copysign(coins, open_) * listing.size_scale)
            if size:
                orders.append(HedgeOrder(listing, size, self.slippage))
        return tuple(orders)


@dataclass(frozen=True)
class OptionBand(DeltaBand):
    """Lets a second sensitivity be within `width`; beyond, brings it back to `rest` times that by options, and then delta.

    It takes the first of its markets in options that has any depth within `premium_slippage`, a share of the option's mark,
    and trades at most `lots` base coins of it at once.
    """

    width: float = 10.0
    premium_slippage: float = 0.2
    lots: float = 1e9

    def mistakes(self) -> list[str]:
        """Those of a band of delta, and a second band."""
        return super().mistakes() + refusals(
            self,
            width=(self.width >= 0, "0 or more"),
            premium_slippage=(0 <= self.premium_slippage < 1, "0 to below 1"),
            lots=(self.lots > 0, "above 0 base coins"),
        )

    @abstractmethod
    def each(self, state: State, listing: Listing) -> float:
        """What one base coin of a market's contract has of the sensitivity; 0 for what is no live option."""

    def held(self, state: State, house: House, base: int) -> float:
        """What the vault has of it, over all of its options on one asset."""
        balance = state.ledger.balance
        return sum(
            int(balance[m.size, house.vault]) / m.size_scale * self.each(state, m)
            for m in state.claims[house.index]
            if m.base == base and balance[m.size, house.vault] != 0
        )

    def plan(self, state: State, house: House) -> tuple[HedgeOrder, ...]:
        """One order in options for each asset out of its second band, then those in delta, counting what the first will add."""
        orders: dict[int, HedgeOrder] = {}
        coming: dict[int, float] = {}
        for name in self.markets:
            listing = state.find(house, name)
            unit = self.each(state, listing)
            if listing.base in orders or unit <= 0.0:
                continue
            open_ = self.held(state, house, listing.base)
            if abs(open_) <= self.width:
                continue
            coins = min(self.lots, (abs(open_) - self.rest * self.width) / unit)
            size = within(state, listing, -math.copysign(coins, open_), self.premium_slippage)
            if size:
                orders[listing.base] = HedgeOrder(listing, size, self.premium_slippage)
                coming[listing.base] = size / listing.size_scale * slope(state, listing)
        return (*orders.values(), *self.deltas(state, house, coming))


@dataclass(frozen=True)
class GammaBand(OptionBand):
    """Delta and gamma. `width`: base coins by which delta may change when the index moves by one per cent."""

    def each(self, state: State, listing: Listing) -> float:
        """Gamma times a hundredth of the index."""
        instrument = _live_option(state, listing)
        if instrument is None:
            return 0.0
        index = read_index(state, listing).value
        return float(instrument.greeks(state, listing, index).gamma) * index * POINT


@dataclass(frozen=True)
class VegaBand(OptionBand):
    """Delta and vega. `width`: cash coins that volatility may cost or bring when it moves by 0.01 a root year."""

    width: float = 500.0

    def each(self, state: State, listing: Listing) -> float:
        """Vega of a hundredth."""
        instrument = _live_option(state, listing)
        if instrument is None:
            return 0.0
        return float(instrument.greeks(state, listing, read_index(state, listing).value).vega) * POINT


def _live_option(state: State, listing: Listing) -> Option | None:
    instrument = state.market(listing).instrument
    return instrument if isinstance(instrument, Option) and state.time < instrument.expires() else None


def within(state: State, listing: Listing, coins: float, slippage: float) -> int:
    """The whole of an order, or a half, a quarter, ... of it: the most that the venue fills within `slippage` of the mark.

    Judged by the last hundredth of the order, which on a book costs most. Base units, signed; 0: not even the smallest.
    """
    market = state.market(listing)
    mark = market.instrument.price(state, listing, read_index(state, listing).value)
    limit = mark * (1.0 + math.copysign(slippage, coins))
    for halving in range(HALVINGS):
        size = int(coins * 0.5**halving * listing.size_scale)
        last = int(math.copysign(max(1, abs(size) // 100), size))
        if abs(size) <= 1:
            break
        ahead, owed = market.venue.cost(state, listing, np.array([size - last, last])).tolist()
        price = owed / (last * listing.price_scale)
        if not math.isnan(ahead) and (price <= limit if size > 0 else price >= limit):
            return size
    return 0
