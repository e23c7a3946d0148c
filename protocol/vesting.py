"""Profit that vests: what an account has gained on an exchange may not leave it before the gain is old enough.

A rule against pumps. Unrealised profit backs new positions, as everywhere, but neither a withdrawal, nor a loan, nor the release of
collateral; realised profit does so bit by bit: of what has not vested, each block lets the share vest that it is of `period`.
What an account has brought in may leave whenever margin allows. Mango (October 2022) lent on unrealised profit at a pumped
index, and the till was emptied within half an hour: under this rule the pump would have to be held for days. The cost: honest
winners wait for their money, and lose it with the exchange if it fails meanwhile. Attack surface: what the profit is earned
by is not asked, so a pump that lasts is paid; and collateral whose own price was pumped is no profit (a cap is for that).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from protocol.appraisal import values
from protocol.ledger import Ints
from protocol.state import House, State
from protocol.units import Seconds


@dataclass(frozen=True)
class Vesting:
    """`period` in seconds: the time in which all but 1/e of a profit vests."""

    period: Seconds = 86_400.0

    def __post_init__(self) -> None:
        """Refuse a period that is none."""
        if not self.period > 0:
            raise ValueError(f"period = {self.period}: must be above 0 seconds")


def _path(house: House) -> str:
    return house.name + ".vested"


def vested(state: State, house: House) -> Ints:
    """Cash units that each account has brought in or that have vested, less what has left. Shape [accounts]. A copy."""
    _, known = state.tables.get(_path(house), (0.0, np.zeros(0, np.int64)))
    return np.pad(known, (0, state.ledger.accounts - len(known)))


def note(state: State, house: House, account: int, units: int) -> None:
    """Count cash that an account brings in (below 0: takes out), where profit vests."""
    if state.exchange(house).vesting is not None:
        now = vested(state, house)
        now[account] += units
        state.put(_path(house), (state.tables.get(_path(house), (state.time,))[0], now))


def unvested(state: State, house: House, account: int) -> float:
    """Cash coins of profit that may not leave yet: unrealised, market by market, and realised but young. 0 without a rule."""
    if state.exchange(house).vesting is None:
        return 0.0
    held = state.ledger.balance[house.first : house.last, account]
    worth = values(state, house) * held
    gains = 0.0
    for listing in state.claims[house.index]:
        rows = [row - house.first for row in (listing.size, listing.quote, listing.funding)]
        gains += max(0.0, float(worth[rows].sum()))
    young = int(held[house.cash - house.first]) - int(vested(state, house)[account])
    return gains + max(0, young) / house.cash_scale


def ripen(state: State, house: House) -> None:
    """Let a block's share of the profit vest; whoever has lost what he had brought in has that little."""
    rules = state.exchange(house).vesting
    if rules is None:
        return
    since, _ = state.tables.get(_path(house), (state.time, None))
    now, cash = vested(state, house), state.ledger.balance[house.cash]
    share = -math.expm1(-(state.time - since) / rules.period)
    now += np.floor(np.maximum(cash - now, 0) * share).astype(np.int64)
    state.put(_path(house), (state.time, np.minimum(now, cash)))
