"""Lots: an account's position as something to be sold, and how much of it must go.

Views shared by the rules: what the account would be worth and need after a forced trade, the price that leaves it with so
much, and the smallest part whose sale lets it stand again. Everything in cash coins and base coins but sizes, in units.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple, TypeVar

import numpy as np

from protocol.liquidations.cases import Case
from protocol.margins.base import Threshold
from protocol.oracles.base import read_index
from protocol.state import Listing, State

R = TypeVar("R", float, Fraction)
ROUNDING = 1e-5  # cash coins: what carrying a sale out may round off


class Lot(NamedTuple):
    """A position for sale, as it stands now."""

    account: int
    listing: Listing
    size: int  # units, signed
    price: float  # what one base coin of the contract is worth at the index
    span: float  # how far from there a price may go against its owner, cash coins per base coin
    worth: float  # equity of the account
    needs: float  # its maintenance requirement

    @property
    def side(self) -> int:
        """1 of a long, -1 of a short."""
        return 1 if self.size > 0 else -1

    @property
    def coins(self) -> float:
        """Base coins, signed."""
        return self.size / self.listing.size_scale


def lot_of(state: State, listing: Listing, account: int) -> Lot | None:
    """The account's position; None of a flat one, and of the protocol's own accounts."""
    size = int(state.ledger.balance[listing.size, account])
    if size == 0 or state.ledger.exchange[account] >= 0:
        return None
    margin, instrument = state.exchange(listing.house).margin, state.market(listing).instrument
    worth, needs = margin.standing(state, listing.house, Threshold.MAINTENANCE, account)
    index = read_index(state, listing).value
    price = instrument.price(state, listing, index)
    span = price if size > 0 else instrument.rise(price, index)
    return Lot(account, listing, size, price, span, worth, needs)


def first_round(state: State, listing: Listing, account: int) -> Case | None:
    """A round at the index of now; None of an account that stands, or whose position is worth nothing."""
    lot = lot_of(state, listing, account)
    if lot is None or lot.price <= 0 or lot.worth >= lot.needs:
        return None
    return Case(account, state.time, state.time, lot.price, lot.span, locked=True)


def next_round(case: Case, lot: Lot, time: float) -> Case:
    """Another round at the index of now."""
    return case._replace(started=time, start=lot.price, span=lot.span, rounds=case.rounds + 1)


def restored(state: State, listing: Listing, account: int, buffer: float) -> bool:
    """Whether maintenance and `buffer`, a share of it, are met, or nothing is left to sell."""
    lot = lot_of(state, listing, account)
    return lot is None or lot.worth >= (1.0 + buffer) * lot.needs


def mirrored(lot: Lot, case: Case, price: float) -> float:
    """A price as its owner sees it, so that higher is better: as it is of a long; of a short, how far below the highest."""
    return price if lot.size > 0 else case.start + case.span - price


def unwound_at(price: R, worth: R, coins: R, charges: R) -> R:
    """The price at which so many coins must go, signed, for their owner to lose `worth`, `charges` of the notional among it.

    Without charges, and of all the owner is worth, it is the bankruptcy price: cash leaves in proportion to the position, as from
    dYdX V1's P1Liquidation. Exact on fractions.
    """
    return (price - worth / coins) / (1 - (1 if coins > 0 else -1) * charges)


def bankrupt_at(price: R, worth: R, size: R, scale: R) -> R:
    """The price at which `size` units, signed, and an owner with `worth` are worth nothing together: deleveraging's."""
    return price - worth * scale / size


def price_leaving(lot: Lot, left: float, charges: float) -> float:
    """The price of the whole lot at which its owner is left with `left` cash coins, `charges` of the notional paid."""
    return unwound_at(lot.price, lot.worth - left, lot.coins, charges)


def needing(state: State, listing: Listing, account: int, which: Threshold) -> Callable[[int], float]:
    """What the account would need, cash coins, as a function of its position here, in units; all else as it is."""
    house, row = listing.house, listing.size - listing.house.first
    terms = state.exchange(house).margin.terms(state, house, which)
    sizes = state.ledger.balance[house.first : house.last, account].copy()
    sizes[row] = 0
    rate = np.where(sizes > 0, terms.long, terms.short)
    others = float(np.abs(sizes) @ (rate + terms.slope * np.abs(sizes)))
    long, short, slope = float(terms.long[row]), float(terms.short[row]), float(terms.slope[row])
    base, column = terms.grid @ sizes, terms.grid[:, row]

    def needs(held: int) -> float:
        units = abs(held)
        alone = others + units * ((long if held > 0 else short) + slope * units)
        return alone + float(np.max(-(base + column * held), initial=0.0)) if len(column) else alone

    return needs


def needs_with(state: State, listing: Listing, account: int, change: int, which: Threshold) -> float:
    """What an account would need with `change` units more of a position, cash coins. WORLD, who holds none: of it alone."""
    return needing(state, listing, account, which)(int(state.ledger.balance[listing.size, account]) + change)


def needs_without(state: State, lot: Lot, sold: int) -> float:
    """What the account would need for maintenance with `sold` units less of its position, cash coins."""
    return needs_with(state, lot.listing, lot.account, -lot.side * sold, Threshold.MAINTENANCE)


def part_to_restore(state: State, lot: Lot, price: float, charges: float, buffer: float) -> int:
    """The fewest units whose sale at `price` lets the account meet maintenance and `buffer` of it more.

    The whole lot where no part does. By bisection, which finds the fewest where what is needed falls with size: so it does under
    every margin but a portfolio's, where selling a hedge may ask for more, and what is found is a part that lets it stand.
    """
    needs = needing(state, lot.listing, lot.account, Threshold.MAINTENANCE)
    each = (lot.side * (lot.price - price) + charges * price) / lot.listing.size_scale  # what selling a unit costs

    def stands(sold: int) -> bool:
        return lot.worth - sold * each >= (1.0 + buffer) * needs(lot.size - lot.side * sold) + ROUNDING

    low, high = 0, abs(lot.size)
    if not stands(high - 1):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if stands(middle):
            high = middle
        else:
            low = middle
    return high


def slice_of(lot: float, tab: float, most: float, price: float, dust: float) -> tuple[float, float]:
    """(units sold, cash owed) to a taker of at most `most` units of a lot that is to raise `tab` of cash. Exact on ints.

    Less than `dust` of the tab may not be left to raise; (0, 0) where it must all be taken at once.
    Maker Liquidations 2.0, clip.sol `take`: dust there is `chost`.
    """
    part = min(lot, most)
    owed = part * price
    if owed > tab:
        owed = tab
        part = owed // price
    elif owed < tab and part < lot and tab - owed < dust:
        if tab <= dust:
            return 0, 0
        owed = tab - dust
        part = owed // price
    return part, owed


def carries(state: State, lot: Lot, taker: int, sold: int, price: float, share: float) -> bool:
    """Whether the taker would meet `share` of its initial margin with `sold` units of the lot, taken over at `price`."""
    margin, house = state.exchange(lot.listing.house).margin, lot.listing.house
    worth, _ = margin.standing(state, house, Threshold.INITIAL, taker)
    worth += sold / lot.listing.size_scale * lot.side * (lot.price - price)
    return worth >= share * needs_with(state, lot.listing, taker, lot.side * sold, Threshold.INITIAL)


def no_dust(lot: Lot, part: int, price: float, dust: float) -> int:
    """At least `part` units, such that neither what goes nor what stays is worth less than `dust` cash coins."""
    least = math.ceil(min(dust / price * lot.listing.size_scale, abs(lot.size))) if price > 0 else 0
    part = min(max(part, least), abs(lot.size))
    return abs(lot.size) if is_dust(lot, part, dust) else part


def is_dust(lot: Lot, sold: int, dust: float) -> bool:
    """Whether what would be left is too small to be left, `dust` in cash coins."""
    left = (abs(lot.size) - sold) / lot.listing.size_scale * lot.price
    return 0.0 < left < dust and math.isfinite(left)
