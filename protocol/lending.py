"""A loan pool: one asset that some supply and others borrow, with the suppliers' deposits at stake.

What suppliers hold are shares of (tokens in the pool + debts owed to it), as in Morpho Blue (`Morpho.sol`, 2023); what
borrowers owe is a claim row in *scaled* units, each worth one unit times an index that grows by the rate (Aave V2
whitepaper 2020, section 2). So no account need be touched for interest to accrue. All of it is integers, rounded against
the caller; the reserve factor is paid in fresh shares to the treasury. A debt that nobody will pay is written off, and every
share is worth less from then on: until then whoever leaves is paid in full out of the others' money, which is why suppliers run.
Attack surface: the index of what is pledged (borrow against a pushed price, and leave), and an empty pool's first shares
(virtual shares answer that, see `vault`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from protocol import vault
from protocol.fixed_point import down, half_up
from protocol.flash import out
from protocol.ledger import WORLD
from protocol.rates.base import Rate
from protocol.rates.growth import Continuous, Growth
from protocol.rates.kinked import Kinked
from protocol.state import Lender, State

RAY = 10**18  # an index of one
VIRTUAL_ASSETS = 1  # units
N = TypeVar("N", int, float)


@dataclass(frozen=True)
class LoanPool:
    """`asset` is the exchange's cash, the base of one of its markets, or its own vault's shares ("dex.share").

    `liquidity` coins of it are supplied from the start: of shares none, for they are not to be had for nothing.

    `reserve_factor` is the treasury's share of interest; `growth` says how the rate compounds between two touches.
    """

    asset: str = "USD"
    rate: Rate = field(default_factory=Kinked)
    reserve_factor: float = 0.1
    liquidity: float = 0.0
    growth: Growth = field(default_factory=Continuous)

    def __post_init__(self) -> None:
        """Refuse a pool of nothing, and a share that is none."""
        wrong = []
        shares = self.asset.count(".") == 1 and self.asset.endswith(".share")
        if not self.asset or ("." in self.asset and not shares):
            wrong.append(f"asset = {self.asset!r}: must be a word without dots, or a vault's shares")
        if not 0 <= self.reserve_factor < 1:
            wrong.append(f"reserve_factor = {self.reserve_factor}: allowed 0 to below 1, a share of interest")
        if not self.liquidity >= 0:
            wrong.append(f"liquidity = {self.liquidity}: must be 0 or more coins")
        if shares and self.liquidity > 0:
            wrong.append(f"liquidity = {self.liquidity}: must be 0 of {self.asset}, which is bought with cash")
        if wrong:
            raise ValueError("\n".join(wrong))


class Book(NamedTuple):
    """A loan pool's table."""

    index: int  # type: ignore[assignment]  # RAY: units owed for one scaled unit, as of `time`
    rate: float  # per year, in force since `time`
    time: float  # seconds
    lent: int  # units that suppliers have brought, less what they have taken
    earned: int  # units of interest so far
    lost: int  # units of debt written off so far


class Accrued(NamedTuple):
    """A loan pool as it stands now, interest since the last touch included. Units."""

    index: int  # type: ignore[assignment]  # RAY
    tokens: int  # in the pool
    out: int  # in flash loans, until the transaction ends
    debts: int  # owed to it, rounded down
    interest: int  # of that, since the last touch
    shares: int  # in all, `fresh` included
    fresh: int  # shares that the treasury is due

    @property
    def assets(self) -> int:
        """What stands behind all shares."""
        return self.tokens + self.out + self.debts

    @property
    def utilisation(self) -> float:
        """Share of the pool that is lent out."""
        return self.debts / self.assets if self.assets > 0 else 0.0


def book(state: State, lender: Lender) -> Book:
    """The table of a pool."""
    kept: Book = state.tables[lender.path]
    return kept


def accrued(state: State, lender: Lender) -> Accrued:
    """The pool now. A view: `exchange` writes it down when it touches the pool."""
    kept, balance = book(state, lender), state.ledger.balance
    rules = state.exchange(lender.house).loans[lender.index]
    grown = math.ceil(rules.growth.grown(kept.rate, state.time - kept.time) * RAY)
    index = kept.index + -(-kept.index * grown // RAY)
    scaled, tokens = int(balance[lender.debt, lender.account]), int(balance[lender.token, lender.account])
    away = out(state, lender.house, lender)
    debts = scaled * index // RAY
    interest = debts - scaled * kept.index // RAY
    shares = -int(balance[lender.share, WORLD])
    fresh = fee_shares(interest, rules.reserve_factor, 1.0, tokens + away + debts, shares, lender.virtual)
    return Accrued(index, tokens, away, debts, interest, shares + fresh, fresh)


def fee_shares(interest: int, part: N, one: N, assets: int, shares: int, virtual: int) -> int:
    """Shares that the treasury is due for `part` of `interest`, which `assets` include already. Morpho.sol `_accrueInterest`."""
    fee = math.floor(down(interest, part, one))
    return vault.shares_down(fee, assets - fee, shares, VIRTUAL_ASSETS, virtual) if fee > 0 else 0


def owed(state: State, lender: Lender, account: int) -> int:
    """Units that an account owes the pool now, rounded up."""
    scaled = -int(state.ledger.balance[lender.debt, account])
    return -(-scaled * accrued(state, lender).index // RAY)


def shares_for(units: int, pool: Accrued, lender: Lender) -> int:
    """Shares for `units` supplied, rounded down."""
    return vault.shares_down(units, pool.assets, pool.shares, VIRTUAL_ASSETS, lender.virtual)


def worth_of(shares: int, pool: Accrued, lender: Lender) -> int:
    """Units for `shares` redeemed, rounded down, whether or not the till holds them."""
    return vault.assets_down(shares, pool.assets, pool.shares, VIRTUAL_ASSETS, lender.virtual)


def earned(rate: N, use: N, kept: N, one: N, parts: N) -> N:
    """What suppliers earn of the borrowers' `rate` at a utilisation `use`, `kept` of `parts` being theirs. Aave V3, on ints."""
    return half_up(half_up(rate, use, one), kept, parts)


def supply_rate(state: State, lender: Lender) -> float:
    """What suppliers earn now, per year."""
    rules, pool = state.exchange(lender.house).loans[lender.index], accrued(state, lender)
    return earned(rules.rate.yearly(pool.utilisation), pool.utilisation, 1.0 - rules.reserve_factor, 1.0, 1.0)
