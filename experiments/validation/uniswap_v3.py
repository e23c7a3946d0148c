"""Uniswap V3's pool, 880 recorded calls: swaps across ticks, liquidity in ranges, fee growth, the protocol's part.

Configured as `TickPool`, the books of `ConcentratedPool`, which carries its own state through a whole session, with the ring of
`RingTwap` (its ticks are put to the class as well) and the refusals of `exchange.ranges`.
What is the contract's own: it stops at every word of
its bitmap (which moves fees by their rounding), takes a cut for the protocol, keeps what is owed to a position until it is
collected, and writes into its ring when a tick or the liquidity in range changes, not at the end of a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from experiments.validation.base import Claim
from experiments.validation.replays import Step, agreement, scenarios, step
from experiments.validation.seated_rules import Observer
from protocol.oracles.observations import opened, seen, written
from protocol.venues.tick_math import HIGHEST_TICK, LOWEST_TICK
from protocol.venues.tick_pool import EMPTY, Position, TickPool, is_idle, is_range, overdraws

SUBJECT = "Uniswap V3, as deployed"
SOURCE = "@uniswap/v3-core 1.0.1, recorded bytecode"
TOLD = ("amount0", "amount1", "sqrtPriceX96", "tick", "liquidity", "fg0", "fg1", "pf0", "pf1")


class Refused(Exception):
    """The contract's reason."""


class Recorded(TickPool):
    """The pool as deployed: it stops at every word of its bitmap, has a cut for the protocol, and a ring."""

    def __init__(self, params: dict[str, Any]) -> None:
        """As a session configures it."""
        super().__init__(params["fee"], params["sqrtPriceX96_init"])
        self.spacing = params["tick_spacing"]
        self.cut = params["fee_protocol0"], params["fee_protocol1"]
        self.protocol = [0, 0]
        self.now = params["t_init"]
        self.ring = opened(self.now, params["obs_cardinality_next"])

    def stop(self, side: int) -> int:
        """The next tick of a range, or the end of the bitmap's word."""
        word = self.tick // self.spacing + (1 if side > 0 else 0)
        if side > 0:
            return int(min(super().stop(side), (word // 256 * 256 + 255) * self.spacing, HIGHEST_TICK))
        return int(max(super().stop(side), word // 256 * 256 * self.spacing, LOWEST_TICK))

    def swap(self, side: int, units: int, limit: int) -> tuple[int, int]:
        """Write into the ring what stood, if the tick has moved."""
        tick, liquidity = self.tick, self.liquidity
        got = super().swap(side, units, limit)
        if self.tick != tick:
            self.ring = written(self.ring, self.now, tick, liquidity)
        return got

    def change(self, position: Position, low: int, high: int, liquidity: int) -> tuple[Position, int, int]:
        """Refuse what there is not; write into the ring what stood, if liquidity in range changes."""
        if is_idle(position, liquidity):
            raise Refused("NP")
        if overdraws(position, liquidity):
            raise Refused("LS")
        if not is_range(low, high, self.spacing):
            raise Refused("(no data)")
        if liquidity and low <= self.tick < high:
            self.ring = written(self.ring, self.now, self.tick, self.liquidity)
        return super().change(position, low, high, liquidity)

    def seen(self, ago: int) -> list[int] | None:
        """Both sums so many seconds ago, as recorded; None: too old."""
        row = seen(self.ring, self.now, ago, self.tick, self.liquidity)
        return None if row is None else [ago, row.ticks, row.thin]

    def earn(self, side: int, fee: int) -> None:
        """The protocol's part first."""
        row = 1 if side > 0 else 0
        if self.cut[row]:
            self.protocol[row] += fee // self.cut[row]
            fee -= fee // self.cut[row]
        super().earn(side, fee)


class Ledger:
    """One owner's positions, with what is owed and not yet collected, as the contract keeps them."""

    def __init__(self, pool: Recorded) -> None:
        """Of a pool without any."""
        self.pool = pool
        self.positions: dict[tuple[int, int], Position] = {}
        self.owed: dict[tuple[int, int], tuple[int, int]] = {}

    def row(self, low: int, high: int) -> list[int]:
        """A position as recorded."""
        base, cash = self.owed.get((low, high), (0, 0))
        return [low, high, *self.positions.get((low, high), EMPTY), base, cash]

    def change(self, low: int, high: int, liquidity: int) -> None:
        """More or less liquidity; its fees become owed."""
        was = self.positions.get((low, high), EMPTY)
        self.positions[low, high], base, cash = self.pool.change(was, low, high, liquidity)
        self.owe(low, high, (base, cash))

    def owe(self, low: int, high: int, more: tuple[int, int]) -> None:
        """Add to what is not yet collected."""
        have = self.owed.get((low, high), (0, 0))
        self.owed[low, high] = have[0] + more[0], have[1] + more[1]

    def collect(self, low: int, high: int, most: tuple[int, int]) -> tuple[int, int]:
        """Pay out up to `most`."""
        have = self.owed.get((low, high), (0, 0))
        paid = min(have[0], most[0]), min(have[1], most[1])
        self.owed[low, high] = have[0] - paid[0], have[1] - paid[1]
        return paid


def replay() -> Iterator[Step]:
    """Predict each row from the state that this pool itself has come to."""
    for _, params, rows in scenarios("uniswap_v3.json"):
        pool = Recorded(params)
        mine = Ledger(pool)
        observer = Observer(pool.tick, pool.now, params["obs_cardinality_next"])
        for number, row in enumerate(rows):
            pool.now, revert, got = row["t"], "", (0, 0)
            stood = pool.ring, pool.tick
            try:
                got = act(pool, mine, row["action"], row["args"])
            except Refused as reason:
                revert = str(reason)
            state = (*got, pool.price, pool.tick, pool.liquidity, *pool.growth, *pool.protocol)
            told: dict[str, Any] = dict(zip(TOLD, state, strict=True))
            left: dict[str, Any] = {name: row[name] for name in TOLD}
            told |= {"ok": int(not revert), "revert": revert, "ring.at": pool.ring.at, "ring.rows": pool.ring.used}
            left |= {
                "ok": row["ok"],
                "revert": row["revert"],
                "ring.at": row["obs_index"],
                "ring.rows": row["obs_card"],
            }
            told |= observed(pool, row["observe"])
            left |= listed(row["observe"])
            if (pool.ring, pool.tick) != stood:
                observer.observe(row["tick"], row["t"])
            for ago, ticks in windows(row["observe"]):
                told[f"mean.{ago}"], left[f"mean.{ago}"] = whole(observer.mean(ago, row["t"])), ticks
            if row["pos"]:
                held = mine.row(row["pos"][0], row["pos"][1])
                told |= {f"position.{place}": value for place, value in enumerate(held)}
                left |= {f"position.{place}": value for place, value in enumerate(row["pos"])}
            yield step(number, row["action"], told, left)


def windows(asked: list[Any]) -> Iterator[tuple[int, int | None]]:
    """(seconds ago, the mean tick since, rounded down) of what is recorded; None: the longest ago was too old."""
    if asked[-1] == "OLD":
        yield max(asked[0]), None
        return
    last = asked[-1]
    for ago, ticks, _ in asked[:-1]:
        if ago > last[0] == 0:
            yield ago, (last[1] - ticks) // ago


def whole(tick: float | None) -> float | None:
    """The tick of a price, where that is one to within 1e-6 of a tick: `RingTwap` tells a price."""
    return tick if tick is None or abs(tick - round(tick)) > 1e-6 else round(tick)


def observed(pool: Recorded, asked: list[Any]) -> dict[str, Any]:
    """What `observe` says of the times that were asked for: all of them, or OLD."""
    old = asked[-1] == "OLD"
    found = [pool.seen(ago) for ago in (asked[0] if old else [one[0] for one in asked])]
    known = [one for one in found if one is not None]
    return listed(known if len(known) == len(found) else [asked[0], "OLD"] if old else ["OLD"])


def listed(asked: list[Any]) -> dict[str, Any]:
    """The recorded list as names and numbers."""
    if asked[-1] == "OLD":
        return {"observed": "OLD"}
    return {f"observed.{place}.{n}": v for place, one in enumerate(asked) for n, v in enumerate(one)}


def act(pool: Recorded, mine: Ledger, action: str, args: dict[str, Any]) -> tuple[int, int]:
    """Do it; both amounts, as the contract returns them."""
    if action == "swap":
        return pool.swap(-1 if args["zeroForOne"] else 1, args["amount"], args["limit"])
    low, high = args["lo"], args["hi"]
    if action == "collect":
        return mine.collect(low, high, (args["max0"], args["max1"]))
    if action == "mint":
        got = pool.needs(low, high, args["L"])
        mine.change(low, high, args["L"])
        return got
    got = pool.yields(low, high, args["L"])
    mine.change(low, high, -args["L"])
    mine.owe(low, high, got)
    return got


def claims() -> tuple[Claim, ...]:
    """All of it, exactly."""
    return (agreement("T-uniswap-v3", "Uniswap V3 pool", SOURCE, replay, exact=True),)
