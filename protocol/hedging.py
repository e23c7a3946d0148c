"""Hedging: the vault trades away exposure that its traders have put on it, on the markets it is allowed, and pays for it.

A rule only plans; anybody may have the plan carried out, and is paid `reward` for it, so that nobody has to be trusted with the
vault's account. Exposure is delta: base coins that all of the vault's claims on one asset behave like, each instrument's by its
own price at a bumped index.
Attack surface: bands are public, so whoever pushes the venue knows when the vault must trade and how much; `slippage` bounds what
that earns, and a vault that cannot trade within it stays exposed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

from protocol.oracles.base import read_index
from protocol.state import House, Listing, State

BUMP = 1e-4  # relative: how far the index is moved to see what follows it


class HedgeOrder(NamedTuple):
    """A trade for the vault."""

    listing: Listing
    size: int  # base units, signed


@dataclass(frozen=True)
class Hedging(ABC):
    """A rule of hedging. `markets`: where it may trade. `slippage`: share of the index; `reward`: cash coins for doing it."""

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


def delta(state: State, listing: Listing, account: int) -> float:
    """Base coins that an account's claims in one market behave like at the index: central difference."""
    size = int(state.ledger.balance[listing.size, account]) if listing.size >= 0 else 0
    if size == 0:
        return 0.0
    instrument, index = state.market(listing).instrument, read_index(state, listing).value
    up, down = (instrument.price(state, listing, index * (1.0 + side * BUMP)) for side in (1, -1))
    return size / listing.size_scale * (up - down) / (2.0 * BUMP * index)


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
        return [
            f"{name} = {value}: must be {allowed}"
            for name, value, good, allowed in (
                ("band", self.band, self.band >= 0, "0 or more base coins"),
                ("rest", self.rest, 0 <= self.rest <= 1, "0 to 1, a share of the band"),
                ("most", self.most, self.most > 0, "above 0 base coins"),
            )
            if not good
        ]

    def plan(self, state: State, house: House) -> tuple[HedgeOrder, ...]:
        """One order for each asset that is out of its band, on the first market that may be used for it."""
        orders, seen = [], set()
        for name in self.markets:
            listing = state.find(house, name)
            if listing.base in seen:
                continue
            seen.add(listing.base)
            open_ = exposure(state, house, house.vault, listing.base)
            if abs(open_) <= self.band:
                continue
            coins = min(self.most, abs(open_) - self.rest * self.band)
            size = -int(math.copysign(coins, open_) * listing.size_scale)
            if size:
                orders.append(HedgeOrder(listing, size))
        return tuple(orders)
