"""What it takes to move a pool, and how far an oracle follows: shared by attacks that push one.

Closed forms of a constant product, and of each oracle that reads a mid; a guard that would hold the reading back counts as a
push that fails. The cost of holding a push against arbitrage is that of Mackinga, Nadahalli and Wattenhofer (2022).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from agents.view import View
from protocol.ledger import Floats
from protocol.oracles.base import Oracle
from protocol.oracles.ema import Ema
from protocol.oracles.guarded import Guarded
from protocol.oracles.security_module import SecurityModule
from protocol.oracles.spot import Spot
from protocol.oracles.twap import ArithmeticTwap
from protocol.oracles.twap_geometric import GeometricTwap
from protocol.state import Listing

PUSHES = np.geomspace(0.005, 4.0, 28)  # displacements weighed: relative, of the dearer of mid before and after


def followed(oracle: Oracle, held: Floats) -> Floats:
    """Share of a displacement (of its log, for a geometric mean) that an index follows once it has been held so many seconds."""
    if isinstance(oracle, Ema):
        return np.asarray(1.0 - np.exp2(-held / oracle.half_life))
    if isinstance(oracle, ArithmeticTwap | GeometricTwap):
        return np.asarray(np.minimum(1.0, held / oracle.window))
    return np.ones_like(held)


def reach(oracle: Oracle, move: Floats, held: Floats, interval: float) -> Floats:
    """Relative move of the index when its source stands off by `move` for `held` seconds. Zero where it cannot be moved."""
    if isinstance(oracle, GeometricTwap):
        return np.asarray((1.0 + move) ** followed(oracle, held) - 1.0)
    if isinstance(oracle, Spot | ArithmeticTwap | Ema):
        return np.asarray(move * followed(oracle, held))
    if isinstance(oracle, SecurityModule):  # a push that stands through two hops, however they fall, counts
        return np.where(held >= 2.0 * oracle.hop, reach(oracle.inner, move, held, interval), 0.0)
    if isinstance(oracle, Guarded):
        total = reach(oracle.inner, move, held, interval)
        pace = np.abs(reach(oracle.inner, move, np.minimum(held, interval), interval))
        most = oracle.max_gap if oracle.second is not None else math.inf
        return np.where((pace < oracle.max_move) & (np.abs(total) < most), total, 0.0)
    return 0.0 * move * held


def judged(oracle: Oracle) -> bool:
    """Whether `reach` knows how this oracle follows its source."""
    if isinstance(oracle, (Guarded, SecurityModule)):
        return judged(oracle.inner)
    return isinstance(oracle, (Spot, ArithmeticTwap, GeometricTwap, Ema))


def settled_move(oracle: Oracle, move: Floats, held: Floats, interval: float, window: float) -> Floats:
    """Relative move of the mean index of the last `window` seconds when its source stands off for the last `held` of them."""
    steps = np.linspace(0.0, 1.0, 17)[1:] - 1.0 / 32.0  # middles of sixteen parts of the time it is held
    total = sum(reach(oracle, move, step * held, interval) for step in steps)
    return np.asarray(total / len(steps) * np.minimum(1.0, held / window))


def push_costs(view: View, pool: Listing, side: int, mid: float) -> tuple[Floats, Floats, Floats, Floats]:
    """For each push: cash paid, base bought (both signed), what is lost if it is undone, and if it is unwound at once."""
    market = view.state.market(pool)
    kept = 1.0 - market.venue.fee  # type: ignore[attr-defined]  # `source` has looked
    x = view.balance(pool.base, pool.desk) / pool.size_scale
    y = view.balance(pool.house.token, pool.desk) / pool.house.cash_scale
    after = np.sqrt(x * y / (mid * (1.0 + PUSHES) ** side))
    base = x - after
    cash = x * y / after - y
    fee = (1.0 / kept - 1.0) * np.abs(np.where(side > 0, cash, base * mid))
    spend = cash + fee if side > 0 else cash
    base = base if side > 0 else base - fee / mid
    one = view.reference_cost(market.instrument.base, -side) / (-side * mid) - 1.0  # slippage of a coin
    slip = np.minimum(1.0, np.abs(one) * np.maximum(1.0, 0.02 * np.abs(base)))
    lost = np.maximum(0.0, spend - base * mid) + slip * np.abs(base) * mid
    return spend, base, lost, 2.0 * fee


def units_to(view: View, pool: Listing, start: float, target: float) -> int:
    """Base units that take the pool's mid from `start` to `target`."""
    x = view.balance(pool.base, pool.desk) / pool.size_scale
    y = view.balance(pool.house.token, pool.desk) / pool.house.cash_scale
    return int((math.sqrt(x * y / start) - math.sqrt(x * y / target)) * pool.size_scale)


class Renewal(NamedTuple):
    """A push that stands to be made again."""

    size: int  # base units, signed
    start: float  # the mid it begins at, cash coins per base coin
    limit: float  # worst average price: it fails where nobody has undone the last push
    undone: bool  # whether that has been seen


def renewal(view: View, pool: Listing, side: int, mid: float, target: float) -> Renewal:
    """What takes the pool back to `target` after arbitrageurs have been there; before they are seen there, after they will."""
    fee: float = view.state.market(pool).venue.fee  # type: ignore[attr-defined]  # whoever pushes it has looked
    stands = view.mid(pool)
    undone = abs(math.log(stands / target)) > 0.25 * abs(math.log(target / mid))
    start = stands if undone else mid * (1.0 + side * fee)  # where arbitrageurs will have brought it
    limit = math.sqrt(start * target) * (1.0 + side * (fee + 0.05))
    return Renewal(units_to(view, pool, start, target), start, limit, undone)
