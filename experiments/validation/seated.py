"""A state of the game seated as a recorded row left a contract, so that the product's own classes and verbs answer for it.

Claims are moved to where the record has them, a verb or a method is called, and all is taken back. Sizes are in so many units of
the game for one recorded that the largest takes fifty bits; cash is counted in recorded units. What no row says anything about
(who else trades, what the venue has) is ample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

import numpy as np

from experiments.validation.bench import exchange_for, only, open_world, tell
from protocol.appraisal import account_total
from protocol.exchange.forced import carry_out
from protocol.ledger import Reason
from protocol.liquidations.base import Plan
from protocol.liquidations.lots import lot_of
from protocol.liquidations.routes import InProportion
from protocol.losses.backstop import VaultBackstop
from protocol.losses.deleverage import Deleverage
from protocol.margins.base import MAINTENANCE
from protocol.margins.collateralised import Collateralised
from protocol.state import State
from protocol.venues.oracle_pool import OraclePool

AMPLE = 10**17  # cash units, and few enough for a float to tell one from the next but sixteen
FINE = 2.0**50  # units of the largest size
KEEPER, OWNER = 0, 1  # places among the traders
FLAT = OraclePool(spread=0.0, skew_scale=1e30)


class Table:
    """One market at a told index against a vault that has ample cash, and traders that hold what they are given."""

    def __init__(self, state: State, traders: list[int]) -> None:
        """As of genesis."""
        self.state, self.traders = state, traders
        self.house, self.listing = only(state)
        self._give(self.house.cash, self.house.vault, AMPLE)

    def _give(self, row: int, account: int, units: int) -> None:
        source = self.listing.desk if row == self.listing.size else self.house.custody
        pair = (source, account) if units > 0 else (account, source)
        self.state.ledger.move(row, *pair, abs(units), Reason.GENESIS)

    @contextmanager
    def seated(self, price: float, held: Mapping[int, tuple[int, int]]) -> Iterator[float]:
        """Traders, by place, with (cash units, recorded size) each, at `price` cash units for a recorded unit; then taken back.

        Gives the units of the game for one recorded.
        """
        mark = self.state.mark()
        zoom = FINE / max(1, *(abs(size) for _, size in held.values()))
        try:
            tell(self.state, price / (zoom * self.listing.price_scale), self.listing)
            for place, (cash, size) in held.items():
                self._give(self.house.cash, self.traders[place], cash)
                self._give(self.listing.size, self.traders[place], round(size * zoom))
            yield zoom
        finally:
            self.state.rewind(mark)

    def endow(self, worth: int) -> None:
        """Let the vault be worth so many cash units, whatever stands against it."""
        vault = self.house.vault
        self._give(self.house.cash, vault, worth - account_total(self.state, self.house, vault))

    def cash(self, place: int) -> int:
        """What a trader has in cash units, what its position cost among it."""
        account = self.traders[place]
        return int(self.state.ledger.balance[[self.house.cash, self.listing.quote], account].sum())


@cache
def margined(ratio: float) -> Table:
    """A market under `Collateralised`, where losses go to whoever is on the other side before they go to the vault."""
    margin = Collateralised(initial=ratio, maintenance=ratio)
    losses = (Deleverage(least_profit=-math.inf), VaultBackstop())
    return Table(*open_world(exchange_for(FLAT, margin=margin, losses=losses), traders=2, stake=0))


def standing(ratio: float, price: float, cash: int, size: int) -> tuple[float, float]:
    """(equity, requirement) of an account by `Collateralised`, cash units."""
    table = margined(ratio)
    with table.seated(price, {OWNER: (cash, size)}):
        margin = table.state.exchange(table.house).margin
        worth, needs = margin.standing(table.state, table.house, MAINTENANCE, table.traders[OWNER])
    return worth * table.house.cash_scale, needs * table.house.cash_scale


def in_proportion(ratio: float, price: float, cash: int, size: int, part: int) -> float:
    """Cash units that go with `part` of a position, by the plan of `InProportion` and the verb that carries it out."""
    table = margined(ratio)
    with table.seated(price, {OWNER: (cash, size), KEEPER: (AMPLE // 100, 0)}) as zoom:
        lot = lot_of(table.state, table.listing, table.traders[OWNER])
        plan = None if lot is None else InProportion().plan(table.state, lot, round(part * zoom))
        if plan is None:
            return math.nan
        before = table.cash(OWNER)
        carry_out(table.state, plan, table.traders[KEEPER])
        moved = table.cash(OWNER) - before
    return abs(moved)


def deleveraged(ratio: float, price: float, cash: int, size: int, part: int) -> float:
    """Cash units at which `part` of a position under water is closed against another's, by the verb: `Deleverage`."""
    table = margined(ratio)
    other = -part if size > 0 else part
    with table.seated(price, {OWNER: (cash, size), KEEPER: (AMPLE // 100, other)}):
        owner, keeper = table.traders[OWNER], table.traders[KEEPER]
        held = int(table.state.ledger.balance[table.listing.size, owner])
        before = table.cash(KEEPER)
        carry_out(table.state, Plan(owner, table.listing, -held, math.nan, 0.0, 0.0), keeper)
        moved = table.cash(KEEPER) - before
    return abs(moved)


@cache
def quoting(spread: float) -> Table:
    """A market that trades at the index, a spread off it, whatever its skew."""
    return Table(*open_world(exchange_for(OraclePool(spread=spread, skew_scale=1e30)), traders=1, stake=0))


def quoted(spread: float, price: float, side: int) -> float:
    """What `OraclePool` asks (side 1) or gives (-1) for a coin at an index, by its pool and its compiled `take`."""
    table = quoting(spread)
    tell(table.state, price, table.listing)
    size = side * 2**40
    venue = table.state.market(table.listing).venue
    owed = float(venue.cost(table.state, table.listing, np.array([size]))[0])
    return owed / size / table.listing.price_scale
