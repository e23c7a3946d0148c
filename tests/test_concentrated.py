"""Concentrated liquidity: the contract's own numbers, and what a pool owes to those who provide."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from typing import Any

import pytest
from conftest import SHARED

from protocol.venues.tick_math import (
    HIGHEST_TICK,
    LOWEST_TICK,
    Q96,
    price_at,
    tick_at,
)
from protocol.venues.tick_pool import EMPTY, TickPool

TRACE = SHARED / "reference" / "traces" / "uniswap_v3.json"
MOST = (1 << 128) - 1


# ---------------------------------------------------------------------- the contract's own numbers


@pytest.mark.parametrize("tick", [0, 1, -1, 60, -60, 10_000, -123_457, 500_001, HIGHEST_TICK, LOWEST_TICK])
def test_the_price_of_a_tick_is_a_power_of_its_base(tick: int) -> None:
    with localcontext() as context:
        context.prec = 80
        exact = (Decimal("1.0001") ** tick).sqrt() * Q96
        assert abs(price_at(tick) - exact) <= 1 + exact * Decimal(2) ** -60
    assert tick_at(price_at(tick)) == tick
    assert tick_at(price_at(tick) - 1) == tick - 1


class Recorded(TickPool):
    """The pool as deployed: it stops at every word of its bitmap, has ranges on a grid, and a cut for the protocol."""

    def __init__(self, params: dict[str, Any]) -> None:
        super().__init__(params["fee"], params["sqrtPriceX96_init"])
        self.spacing = params["tick_spacing"]
        self.cut = params["fee_protocol0"], params["fee_protocol1"]
        self.protocol = [0, 0]

    def stop(self, side: int) -> int:
        word = self.tick // self.spacing + (1 if side > 0 else 0)
        if side > 0:
            return min(super().stop(side), (word // 256 * 256 + 255) * self.spacing, HIGHEST_TICK)
        return max(super().stop(side), word // 256 * 256 * self.spacing, LOWEST_TICK)

    def earn(self, side: int, fee: int) -> None:
        row = 1 if side > 0 else 0
        if self.cut[row]:
            self.protocol[row] += fee // self.cut[row]
            fee -= fee // self.cut[row]
        super().earn(side, fee)


class Ledger:
    """One owner's positions, with what is owed and not yet collected, as the contract keeps them."""

    def __init__(self, pool: Recorded) -> None:
        self.pool, self.positions, self.owed = pool, {}, {}

    def row(self, low: int, high: int) -> list[int]:
        base, cash = self.owed.get((low, high), (0, 0))
        return [low, high, *self.positions.get((low, high), EMPTY), base, cash]

    def change(self, low: int, high: int, liquidity: int) -> None:
        was = self.positions.get((low, high), EMPTY)
        self.positions[low, high], base, cash = self.pool.change(was, low, high, liquidity)
        have = self.owed.get((low, high), (0, 0))
        self.owed[low, high] = have[0] + base, have[1] + cash

    def collect(self, low: int, high: int, most: tuple[int, int]) -> tuple[int, int]:
        have = self.owed.get((low, high), (0, 0))
        paid = min(have[0], most[0]), min(have[1], most[1])
        self.owed[low, high] = have[0] - paid[0], have[1] - paid[1]
        return paid


def scenarios() -> list[Any]:
    if not TRACE.exists():
        return [pytest.param(None, marks=pytest.mark.skip("../shared/reference is not here"))]
    return [pytest.param(one, id=one["name"]) for one in json.loads(TRACE.read_text())["scenarios"]]


@pytest.mark.parametrize("scenario", scenarios())
def test_every_recorded_call_leaves_the_numbers_of_the_contract(scenario: dict[str, Any]) -> None:
    pool = Recorded(scenario["params"])
    mine, done = Ledger(pool), dict.fromkeys(("mint", "burn", "collect", "swap"), 0)
    for number, values in enumerate(scenario["rows"]):
        row = dict(zip(scenario["columns"], values, strict=True))
        args, got = row["args"], (0, 0)
        if row["ok"]:
            done[row["action"]] += 1
            if row["action"] == "swap":
                got = pool.swap(-1 if args["zeroForOne"] else 1, args["amount"], args["limit"])
            elif row["action"] == "mint":
                got = pool.needs(args["lo"], args["hi"], args["L"])
                mine.change(args["lo"], args["hi"], args["L"])
            elif row["action"] == "burn":
                got = pool.yields(args["lo"], args["hi"], args["L"])
                mine.change(args["lo"], args["hi"], -args["L"])
                have = mine.owed[args["lo"], args["hi"]]
                mine.owed[args["lo"], args["hi"]] = have[0] + got[0], have[1] + got[1]
            else:
                got = mine.collect(args["lo"], args["hi"], (args["max0"], args["max1"]))
        state = (*got, pool.price, pool.tick, pool.liquidity, *pool.growth, *pool.protocol)
        told = ("amount0", "amount1", "sqrtPriceX96", "tick", "liquidity", "fg0", "fg1", "pf0", "pf1")
        assert state == tuple(row[name] for name in told), (number, row)
        if row["pos"]:
            assert mine.row(row["pos"][0], row["pos"][1]) == row["pos"], (number, row)
    assert min(done.values()) >= 8, done
