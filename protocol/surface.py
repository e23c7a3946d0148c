"""The volatility surface: what volatility an exchange marks its options on one base at, by moneyness and time to expiry.

A table of volatilities per root year [tenor, log(strike / forward)]: linear in moneyness and flat beyond its ends; between
tenors total variance is linear in time, and volatility is flat beyond them. It moves in two ways: its keeper posts it whole
(`exchange.post_surface`), and trades with the vault shift it by the vega they buy or sell (`OraclePool.volatility_impact`),
most at the tenor traded. Both are bounded by `least` and `most`, and what trades move in a day by `daily`, counted from what the
keeper last posted or from the first trade of that day. The bound answers those who push volatility in one option to be paid
on another; it costs honest traders who move it themselves, for they pay for the move whether or not it is let through.
Attack surface: whoever keeps the surface marks everybody's options, within its bounds and as often as he likes; and a trade
small in premium but large in vega moves the marks of all others.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from protocol.errors import NotAllowed, VolatilityRefused
from protocol.ledger import Floats
from protocol.state import House, State
from protocol.units import SECONDS_PER_DAY, SECONDS_PER_YEAR

NOBODY = -1


class Keeper(NamedTuple):
    """Who may post a surface."""

    account: int


@dataclass(frozen=True)
class Surface:
    """The surface of one base at genesis. `tenors` in days; `moneyness` is log(strike / forward); volatilities per root year.

    Trades move it by at most `daily` a day, either way.
    """

    base: str = "ETH"
    tenors: tuple[float, ...] = (1.0, 7.0, 30.0)
    moneyness: tuple[float, ...] = (-0.3, -0.1, 0.0, 0.1, 0.3)
    volatilities: tuple[tuple[float, ...], ...] = (
        (1.0, 0.85, 0.8, 0.83, 0.95),
        (0.9, 0.8, 0.75, 0.78, 0.86),
        (0.8, 0.74, 0.7, 0.72, 0.78),
    )
    least: float = 0.05
    most: float = 5.0
    daily: float = 10.0

    def __post_init__(self) -> None:
        """Refuse tables that are none."""
        wrong = []
        if not 0 < self.least < self.most < math.inf:
            wrong.append(f"least = {self.least}, most = {self.most}: must be above 0 per root year, in rising order")
        if not self.daily > 0:
            wrong.append(f"daily = {self.daily}: must be above 0 per root year")
        for name, grid in (("tenors", self.tenors), ("moneyness", self.moneyness)):
            if not grid or any(b <= a for a, b in zip(grid, grid[1:], strict=False)):
                wrong.append(f"{name} = {grid}: must be one number or more, in rising order")
        if self.tenors and self.tenors[0] <= 0:
            wrong.append(f"tenors = {self.tenors}: must be above 0 days")
        if [len(row) for row in self.volatilities] != [len(self.moneyness)] * len(self.tenors):
            wrong.append(
                f"volatilities: must be {len(self.tenors)} rows (tenors) of {len(self.moneyness)} (moneyness) each"
            )
        wrong += [
            f"volatilities = {value}: allowed {self.least} to {self.most} per root year"
            for row in self.volatilities
            for value in row
            if not self.least <= value <= self.most
        ]
        if wrong:
            raise ValueError("\n".join(wrong))

    @property
    def bounded(self) -> bool:
        """Whether `daily` is less than the whole range."""
        return self.daily < self.most - self.least

    def seconds(self) -> Floats:
        """The tenors, seconds. Shape [tenors]."""
        return np.array(self.tenors) * SECONDS_PER_DAY


def path(house: House, base: str) -> str:
    """Where the table of a base lies."""
    return f"{house.name}.surface.{base}"


def start(state: State, house: House, surface: Surface) -> None:
    """Open the table [tenor, moneyness] at genesis; nobody keeps it yet."""
    state.put(path(house, surface.base), np.array(surface.volatilities))
    state.put(path(house, surface.base) + ".keeper", Keeper(NOBODY))


def rules(state: State, house: House, base: str) -> Surface:
    """The surface of a base. Raises KeyError, which a validated Exchange rules out."""
    for surface in state.exchange(house).surfaces:
        if surface.base == base:
            return surface
    raise KeyError(base)


def volatility(state: State, house: House, base: str, moneyness: float, seconds: float) -> float:
    """Per root year, at log(strike / forward) and so many seconds before expiry."""
    return interpolate(rules(state, house, base), state.tables[path(house, base)], moneyness, seconds)


def interpolate(surface: Surface, table: Floats, moneyness: float, seconds: float) -> float:
    """`volatility`, of a given table."""
    years = [days * SECONDS_PER_DAY / SECONDS_PER_YEAR for days in surface.tenors]
    time = min(max(seconds / SECONDS_PER_YEAR, years[0]), years[-1])
    after = next(row for row, tenor in enumerate(years) if time <= tenor)
    before = max(after - 1, 0)
    late = _along(surface.moneyness, table[after], moneyness)
    if before == after:
        return late
    early = _along(surface.moneyness, table[before], moneyness)
    weight = (time - years[before]) / (years[after] - years[before])
    total = (1.0 - weight) * early**2 * years[before] + weight * late**2 * years[after]
    return math.sqrt(total / time)


def _along(grid: tuple[float, ...], values: Floats, at: float) -> float:
    """`np.interp` of one number, which is asked too often for it to make arrays of what is a tuple."""
    after = bisect_right(grid, at)
    if after == 0 or after == len(grid):
        return float(values[min(after, len(grid) - 1)])
    low, high = float(values[after - 1]), float(values[after])
    return low + (high - low) * (at - grid[after - 1]) / (grid[after] - grid[after - 1])


def keeper(state: State, house: House, base: str) -> int:
    """The account that may post the surface; -1: nobody."""
    kept: Keeper = state.tables[path(house, base) + ".keeper"]
    return kept.account


def appoint(state: State, house: House, base: str, account: int) -> None:
    """Let an account keep the surface. Raises NotAllowed where another does."""
    if keeper(state, house, base) not in (NOBODY, account):
        raise NotAllowed(account=account, surface=base)
    state.put(path(house, base) + ".keeper", Keeper(account))


def put(state: State, house: House, base: str, table: Floats) -> None:
    """Replace the table. Raises VolatilityRefused for another shape, or for anything out of bounds, such as one below 0."""
    surface = rules(state, house, base)
    if table.shape != (len(surface.tenors), len(surface.moneyness)):
        raise VolatilityRefused(surface=base, rows=len(table), tenors=len(surface.tenors))
    bad = table[~((table >= surface.least) & (table <= surface.most))]
    if bad.size:
        raise VolatilityRefused(surface=base, volatility=float(bad[0]), least=surface.least, most=surface.most)

    state.put(path(house, base), np.array(table, np.float64))
    if surface.bounded:
        _anchor(state, path(house, base))


def _anchor(state: State, at: str) -> None:
    """Count a new day from the table as it stands."""
    state.put(at + ".anchor", state.tables[at].copy())
    state.put(at + ".anchored", state.time)


def shift(state: State, house: House, base: str, seconds: float, change: float) -> None:
    """Move volatility at one time to expiry by `change`, other tenors by less (min(T/t, t/T) of it); bounds clip it."""
    surface, at = rules(state, house, base), path(house, base)
    tenors = surface.seconds()
    time = min(max(seconds, tenors[0]), tenors[-1])
    weight = np.minimum(tenors / time, time / tenors)
    least, most = surface.least, surface.most
    if surface.bounded:
        if state.time - state.tables.get(at + ".anchored", -SECONDS_PER_DAY) >= SECONDS_PER_DAY:
            _anchor(state, at)
        anchor = state.tables[at + ".anchor"]
        least, most = np.maximum(least, anchor - surface.daily), np.minimum(most, anchor + surface.daily)
    state.put(at, np.clip(state.tables[at] + change * weight[:, None], least, most))
