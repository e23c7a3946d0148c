"""How fast a whole exchange is margined in scenarios: `python -m benchmarks.margin [accounts] [rounds]`.

Ten thousand accounts hold forty instruments on one base, and each stands in 21 scenarios of spot and volatility, as at the end
of a block. What it moves is what there is to read: every claim of every account, once. A plain numpy copy of the same
bytes is timed beside it, in turn. The grid (forty revaluations in 21 scenarios) is timed apart: it does not depend on how
many accounts there are.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from protocol.funding.unfunded import Unfunded
from protocol.genesis import genesis
from protocol.instruments.base import Threshold
from protocol.instruments.future import Future
from protocol.instruments.option import Option
from protocol.ledger import Reason
from protocol.margins.portfolio import Portfolio
from protocol.oracles.ema import Ema
from protocol.solvency import examine, examine_one
from protocol.state import State
from protocol.surface import Surface
from protocol.units import SECONDS_PER_DAY
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market, World

PRICE = 2_000.0
TENORS = (1.0, 7.0, 30.0)  # days
STRIKES = (1_700.0, 1_800.0, 1_900.0, 2_000.0, 2_100.0, 2_200.0)


class Found(NamedTuple):
    """Medians, seconds; and what there was to read."""

    accounts: int
    instruments: int
    scenarios: int
    bytes: int
    examined: float
    copied: float
    grid: float

    @property
    def rate(self) -> float:
        """Bytes of claims margined a second."""
        return self.bytes / self.examined

    @property
    def copy_rate(self) -> float:
        """Bytes a second that a plain copy reads (it writes as many)."""
        return self.bytes / self.copied


def market(name: str, instrument: Option | Future) -> Market:
    """A dated contract on the perpetual's index."""
    return Market(name=name, instrument=instrument, venue=OraclePool(), funding=Unfunded(), index="PERP")


def opened(accounts: int) -> State:
    """A perpetual, three futures and 36 options, and accounts that hold all of them."""
    markets = [Market(name="PERP", oracle=Ema(), venue=VirtualAmm())]
    for days in TENORS:
        expiry = days * SECONDS_PER_DAY
        markets.append(market(f"FUT-{days:.0f}", Future(expiry=expiry)))
        for strike in STRIKES:
            for right in ("call", "put"):
                name = f"{right[0]}{strike:.0f}-{days:.0f}"
                markets.append(market(name, Option(right=right, strike=strike, expiry=expiry)))  # type: ignore[arg-type]
    rules = Exchange(markets=tuple(markets), margin=Portfolio(), vault=Vault(), surfaces=(Surface(),))
    state = genesis(World(exchanges=(rules,)), {"ETH": PRICE})
    house, rng = state.houses[0], np.random.Generator(np.random.Philox(1))
    first = state.ledger.open("holders", accounts)
    who, desk = np.arange(first, first + accounts), np.full(accounts, 0)
    for listing in state.listings[0]:
        desk[:] = listing.desk
        size = rng.integers(0, 10**9, accounts)
        buys = rng.random(accounts) < 0.5
        src, dst = np.where(buys, desk, who), np.where(buys, who, desk)
        state.ledger.move_many(listing.size, src, dst, size, Reason.TRADE)
        state.ledger.move_many(listing.quote, dst, src, size // 10, Reason.TRADE)
        state.finalise()
    state.ledger.move_many(house.cash, np.full(accounts, house.custody), who, np.full(accounts, 10**11), Reason.DEPOSIT)
    state.finalise()
    return state


def timed(work: Callable[[], object]) -> float:
    """Seconds it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(accounts: int = 10_000, rounds: int = 200) -> Found:
    """Margin everybody and copy the claims, in turn, `rounds` times."""
    state = opened(accounts)
    house, margin = state.houses[0], state.exchange(state.houses[0]).margin
    claims = state.ledger.balance[house.first : house.last]
    terms = margin.terms(state, house, Threshold.INITIAL)
    room, worth, needs = np.empty_like(claims), np.empty(state.ledger.accounts), np.empty(state.ledger.accounts)
    examine(state.ledger.bare, tuple(terms), worth, needs)  # compiled by now
    for account in (house.vault, state.ledger.accounts - 1):  # and what it says is what one account is told
        assert examine_one(state.ledger.bare, tuple(terms), account) == (worth[account], needs[account])
    examined, copied = [], []
    for _ in range(rounds):
        examined.append(timed(lambda: examine(state.ledger.bare, tuple(terms), worth, needs)))
        copied.append(timed(lambda: np.copyto(room, claims)))
    grids = [timed(lambda: margin.grid(state, house, Threshold.INITIAL)) for _ in range(10)]
    middle = statistics.median
    return Found(
        accounts,
        len(state.listings[0]),
        len(terms.grid),
        claims.nbytes,
        middle(examined),
        middle(copied),
        middle(grids),
    )


def main() -> None:
    """Measure and print."""
    found = measure(*(int(word) for word in sys.argv[1:3]))
    print(f"{found.accounts:,} accounts x {found.instruments} instruments x {found.scenarios} scenarios")
    print(f"claims to read        {found.bytes / 1e6:10.1f} MB")
    print(f"margined in           {found.examined * 1e3:10.2f} ms   {found.rate / 1e9:8.2f} GB/s")
    print(f"plain numpy copy      {found.copied * 1e3:10.2f} ms   {found.copy_rate / 1e9:8.2f} GB/s")
    print(f"ratio                 {found.copied / found.examined:10.2f}")
    print(f"grid of scenarios     {found.grid * 1e3:10.2f} ms, once a block")


if __name__ == "__main__":
    main()
