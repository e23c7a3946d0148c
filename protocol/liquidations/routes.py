"""Routes: where a position that must be closed goes, as objects. A rule names those it allows; keepers choose among them.

Through the market's own venue (its book, its virtual AMM, or the pool behind it), to the keeper at the oracle's price less a
spread, or to the backstop. Attack surface: the venue's price can be pushed within the block, the oracle's is late, and the
backstop's is nobody's choice but the rule's: each route is gamed by whoever knows which of them is wrong.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from protocol.liquidations.base import Plan, check_numbers
from protocol.liquidations.lots import Lot, carries, price_leaving
from protocol.state import State


@dataclass(frozen=True)
class Route(ABC):
    """A way out of a position."""

    @property
    def needs_vault(self) -> bool:
        """Whether it leads to the exchange's vault."""
        return False

    @abstractmethod
    def plan(self, state: State, lot: Lot, part: int) -> Plan | None:
        """How `part` units of the lot would go; None where the way is closed now."""


@dataclass(frozen=True)
class ThroughVenue(Route):
    """Sold on the market's venue at whatever it gives; `reward` and `penalty` are shares of notional."""

    reward: float = 0.002
    penalty: float = 0.005

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        check_numbers(*_shares(("reward", self.reward), ("penalty", self.penalty)))

    def plan(self, state: State, lot: Lot, part: int) -> Plan | None:
        """See `Full`."""
        return Plan(lot.account, lot.listing, -lot.side * part, math.nan, self.reward, self.penalty)


@dataclass(frozen=True)
class AtOracle(Route):
    """Taken over by the keeper, at the index less `spread` for a long, plus it for a short."""

    spread: float = 0.01
    penalty: float = 0.0

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        check_numbers(*_shares(("spread", self.spread), ("penalty", self.penalty)))

    def plan(self, state: State, lot: Lot, part: int) -> Plan | None:
        """See `Partial`."""
        price = lot.price * (1.0 - lot.side * self.spread)
        return Plan(lot.account, lot.listing, -lot.side * part, price, 0.0, self.penalty)


@dataclass(frozen=True)
class InProportion(Route):
    """Taken over by the keeper with as much of the owner's equity as goes with the part: at the bankruptcy price (dYdX V1).

    The rest of the position keeps its ratio of margin. Nobody is helped by it who has less than nothing, and no keeper comes.
    """

    penalty: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        check_numbers(*_shares(("penalty", self.penalty)))

    def plan(self, state: State, lot: Lot, part: int) -> Plan | None:
        """At the price of the whole lot that leaves its owner nothing."""
        price = price_leaving(lot, 0.0, self.penalty)
        return Plan(lot.account, lot.listing, -lot.side * part, price, 0.0, self.penalty) if price > 0 else None


@dataclass(frozen=True)
class ToBackstop(Route):
    """Taken over by the vault, or by the first account of the group `account`, if that can carry it.

    The owner keeps `keep` of its equity: none of it at the bankruptcy price. Of an insolvent account the position goes at the
    index, and the debt down the waterfall: the backstop takes risk, not losses already made.
    """

    keep: float = 0.0
    account: str = ""
    reward: float = 0.0005
    penalty: float = 0.0

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        check_numbers(
            ("keep", self.keep, 0 <= self.keep <= 1, "0 to 1, a share of equity"),
            *_shares(("reward", self.reward), ("penalty", self.penalty)),
        )

    @property
    def needs_vault(self) -> bool:
        """Unless another account is named."""
        return not self.account

    def taker(self, state: State, lot: Lot) -> int:
        """The account that takes over; -1: there is none."""
        if not self.account:
            return lot.listing.house.vault
        found = [state.ledger.of_group([prefix + self.account]) for prefix in (lot.listing.house.prefix, "")]
        return next((int(accounts[0]) for accounts in found if len(accounts)), -1)

    def plan(self, state: State, lot: Lot, part: int) -> Plan | None:
        """At the price that leaves the owner its share, charges paid."""
        taker, exchange = self.taker(state, lot), state.exchange(lot.listing.house)
        if taker in (-1, lot.account):
            return None
        price = price_leaving(lot, self.keep * lot.worth, self.reward + self.penalty) if lot.worth > 0 else lot.price
        share = exchange.vault.commitment if exchange.vault is not None and not self.account else 1.0
        if not carries(state, lot, taker, part, price, share):
            return None
        return Plan(lot.account, lot.listing, -lot.side * part, price, self.reward, self.penalty, taker)


def _shares(*named: tuple[str, float]) -> list[tuple[str, float, bool, str]]:
    return [(name, value, 0 <= value < 1, "0 to below 1, a share of notional") for name, value in named]
