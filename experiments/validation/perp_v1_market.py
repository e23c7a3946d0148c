"""The state of Perpetual Protocol V1's contracts, for `perp_v1`: reserves, means over them, margin ratios, and who pays whom.

Every price is `virtual_amm.owed_for`, by quote and by base, on the reserves of now or on those that blocks have left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from protocol.fixed_point import down, to_zero
from protocol.oracles.cumulative import integral
from protocol.venues.virtual_amm import owed_for

ONE, TOKEN, DAY, HOUR = 10**18, 10**12, 86_400, 3_600
RATIO_WINDOW = 900  # seconds, of the mean that a margin ratio may rest on
SPREAD = ONE // 10  # of the spot from the oracle, from which on the oracle may save a position


class Refused(Exception):
    """The contract's reason."""


class Position(NamedTuple):
    """Size is signed; `premium` is the cumulative premium when it was last touched."""

    size: int = 0
    margin: int = 0
    notional: int = 0
    premium: int = 0


class Snapshot(NamedTuple):
    """Reserves as a block left them."""

    quote: int
    base: int
    time: int
    block: int


@dataclass(frozen=True)
class Market:
    """All that the contracts remember; a refused action leaves it as it was."""

    params: dict[str, int]
    quote: int
    base: int
    snapshots: tuple[Snapshot, ...]
    positions: tuple[Position, ...]
    next_funding: int
    insurance: int
    time: int = 0
    block: int = 0
    oracle: int = 0
    oracle_mean: int = 0
    size: int = 0
    premium: int = 0
    rate: int = 0
    interest: int = 0
    vault: int = 0
    toll: int = 0
    liquidator: int = 0
    prepaid: int = 0


def put(market: Market, who: int, position: Position) -> Market:
    """With one position exchanged."""
    return replace(market, positions=(*market.positions[:who], position, *market.positions[who + 1 :]))


# ---------------------------------------------------------------------- prices


def for_size(reserves: Snapshot | Market, size: int) -> int:
    """Quote owed for `size` base out of the reserves; negative: received."""
    return owed_for(size, reserves.base, reserves.quote, reserves.base * reserves.quote % ONE)


def for_quote(reserves: Snapshot | Market, quote: int) -> int:
    """Base bought for `quote`; negative: sold."""
    return -owed_for(-quote, reserves.quote, reserves.base, reserves.base * reserves.quote % ONE)


def mean(market: Market, window: int, value: Callable[[Snapshot], int]) -> int:
    """Of a value of the reserves, over the window or as long as there are reserves."""
    start, last, total = market.time - window, market.time, 0
    newest = market.snapshots[-1]
    if len(market.snapshots) == 1 or newest.time <= start:
        return value(newest)
    for one in reversed(market.snapshots):
        total = integral(total, value(one), last - max(one.time, start))
        last = one.time
        if last <= start:
            return total // window
    return total // (market.time - last)


def notional(position: Position, reserves: Snapshot | Market) -> tuple[int, int]:
    """What closing a position would move, and its gain."""
    worth = abs(for_size(reserves, -position.size)) if position.size else 0
    gain = worth - position.notional if position.size > 0 else position.notional - worth
    return worth, gain if position.size else 0


def ratio_of(market: Market, position: Position) -> int:
    """(margin - funding + gain) / notional, at the spot or at the mean, whichever gains more. Signed."""
    worth, gain = notional(position, market)
    middle = mean(market, RATIO_WINDOW, lambda one: notional(position, one)[0])
    calm = middle - position.notional if position.size > 0 else position.notional - middle
    if calm >= gain:
        worth, gain = middle, calm
    return to_zero(left_of(market, position, gain)[0], ONE, worth)


def ratio_at(market: Market, position: Position, price: int) -> int:
    """The same at a price."""
    worth = down(abs(position.size), price, ONE)
    gain = worth - position.notional if position.size > 0 else position.notional - worth
    return to_zero(left_of(market, position, gain)[0], ONE, worth)


def left_of(market: Market, position: Position, change: int) -> tuple[int, int]:
    """Margin after a change and the funding owed, below zero as bad debt; and that funding."""
    owed = to_zero(market.premium - position.premium, position.size, ONE)
    return position.margin + change - owed, owed


# ---------------------------------------------------------------------- tokens and reserves


def from_fund(market: Market, amount: int) -> Market:
    """The insurance fund pays the vault."""
    units = amount // TOKEN
    return replace(market, insurance=market.insurance - units, vault=market.vault + units)


def to_fund(market: Market, amount: int) -> Market:
    """The vault pays the insurance fund, what it has at most."""
    units = min(market.vault, amount // TOKEN)
    return replace(market, insurance=market.insurance + units, vault=market.vault - units)


def pay(market: Market, amount: int) -> tuple[Market, int]:
    """The vault pays somebody; what it lacks the fund prepays, to be set against bad debt."""
    lacks = amount - market.vault * TOKEN
    if lacks > 0:
        market = from_fund(replace(market, prepaid=market.prepaid + lacks), lacks)
    return replace(market, vault=market.vault - amount // TOKEN), amount // TOKEN


def swap(market: Market, quote: int, size: int, free: bool) -> Market:
    """Move the reserves and keep the block's last. `free`: may leave the band around the last block's price."""
    after = replace(market, quote=market.quote + quote, base=market.base - size, size=market.size + size)
    band = market.params["fluct"]
    if band:
        last = market.snapshots[-1]
        if last.block == market.block and len(market.snapshots) > 1:
            last = market.snapshots[-2]
        price = down(last.quote, ONE, last.base)
        limits = down(price, ONE - band, ONE), down(price, ONE + band, ONE)
        if not free and not limits[0] <= down(after.quote, ONE, after.base) <= limits[1]:
            raise Refused("price is over fluctuation limit")
    new = Snapshot(after.quote, after.base, market.time, market.block)
    kept = market.snapshots
    if kept[-1].block == market.block:
        kept, new = kept[:-1], new._replace(time=kept[-1].time)
    return replace(after, snapshots=(*kept, new))


def swap_quote(market: Market, side: int, quote: int, limit: int, free: bool) -> tuple[Market, int]:
    """Exact quote; the signed size it buys."""
    if quote == 0:
        return market, 0
    if side < 0 and quote > down(market.quote, market.params["trade_limit"], ONE):
        raise Refused("over trading limit")
    size = for_quote(market, side * quote)
    if limit and side > 0 and size < limit:
        raise Refused("Less than minimal base token")
    if limit and side < 0 and -size > limit:
        raise Refused("More than maximal base token")
    return swap(market, side * quote, size, free), size


def count(market: Market, amount: int) -> Market:
    """Open interest, while there is a cap on it."""
    cap = market.params["oi_cap"]
    if cap == 0:
        return market
    interest = max(0, market.interest + amount)
    if amount > 0 and interest > cap:
        raise Refused("over limit")
    return replace(market, interest=interest)
