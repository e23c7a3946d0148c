"""Synthetix PerpsV2 2.102.1, 870 recorded actions: prices by skew, funding with velocity, fees, flags and liquidation.

Configured as `OraclePool(spread=0.0)`: `fill_price` is made of the functions that its compiled `take` is made of, and each trade
is put to `take` as well. With `Velocity` funding. What is the contract's own and kept by the replay: fees by who adds to the skew
and who takes from it (a pool here charges both alike), the margin that a liquidation needs, and the sum from which the stakers'
debt follows. Who may force a position closed is bookkeeping.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from experiments.validation.base import Claim
from experiments.validation.replays import Step, agreement, in_the_game, scenarios, step, within
from protocol.fixed_point import down, to_zero
from protocol.funding.velocity import mean_of, velocity_rate
from protocol.venues.oracle_pool import OraclePool, fill_price

SUBJECT = "Synthetix PerpsV2, as deployed"
SOURCE = "synthetix 2.102.1 PerpsV2Market, recorded bytecode"
ONE, DAY, MILLI = 10**18, 86_400, 10**15
FLAGGER, KEEPER = 5, 6  # places of their balances
STATE = {
    "market_size": "size",
    "market_skew": "skew",
    "funding_last": "time",
    "funding_rate": "rate",
    "fees": "fees",
    "debt_correction": "correction",
}


class Refused(Exception):
    """The contract's reason."""


class Position(NamedTuple):
    """`index` of the funding sequence, and the price, when it was last touched. Size is signed."""

    index: int = 0  # type: ignore[assignment]
    margin: int = 0
    price: int = 0
    size: int = 0


@dataclass(frozen=True)
class Market:
    """All that the contracts remember; a refused action leaves it as it was."""

    params: dict[str, int]
    price: int
    time: int
    balances: tuple[int, ...]
    positions: tuple[Position, ...]
    flags: tuple[int, ...]
    sequence: tuple[int, ...] = (0,)
    rate: int = 0
    size: int = 0
    skew: int = 0
    fees: int = 0
    correction: int = 0


def replay() -> Iterator[Step]:
    """Predict each row from the state that the last one left."""
    for _, params, rows in scenarios("synthetix_perps_v2.json"):
        count = params["accounts"]
        balances = (params["bal0"],) * count + (0, 0)
        market = Market(params, params["price0"], params["t_init"], balances, (Position(),) * count, (0,) * count)
        for number, row in enumerate(rows):
            revert, result, before = "", dict[str, int](), market
            try:
                market, result = act(market, row)
            except Refused as reason:
                revert = str(reason)
            told: dict[str, Any] = {"ok": int(not revert), "revert": revert} | result | view(market)
            left = {
                name: row[name] for name in ("ok", "revert", "price", *STATE, "funding_seq_len", "funding_seq_last")
            }
            left |= row["res"] | columns(row["balances"], row["flags"], row["positions"])
            if row["res"].get("trade_size"):
                told["compiled"] = within(played(before, row["res"]["trade_size"]), row["res"]["fill_price"])
                left["compiled"] = row["res"]["fill_price"]
            yield step(number, row["action"], told, left)
            market = adopt(market, row)


def played(market: Market, size: int) -> float:
    """The price that the game's own pool fills at: `oracle_pool.take`, compiled."""

    def pool(unit: float, cash: float) -> list[float]:
        return [
            market.price / ONE * unit / cash,
            market.skew / unit,
            market.params["skewScale"] / unit,
            *[0.0] * 5,
            1.0,
        ]

    notional = size * market.price / ONE
    return in_the_game(OraclePool(spread=0.0), pool, size, notional) / size * ONE


def view(market: Market) -> dict[str, Any]:
    """The recorded columns."""
    told = {name: getattr(market, mine) for name, mine in STATE.items()}
    told |= {"price": market.price, "funding_seq_len": len(market.sequence), "funding_seq_last": market.sequence[-1]}
    return told | columns(market.balances, market.flags, market.positions)


def columns(balances: Any, flags: Any, positions: Any) -> dict[str, int]:
    """What accounts have, as names and numbers."""
    told = {f"balance.{who}": units for who, units in enumerate(balances)}
    told |= {f"flag.{who}": flag for who, flag in enumerate(flags)}
    for who, position in enumerate(positions):
        told |= {f"{who}.{name}": value for name, value in zip(Position._fields, position, strict=True)}
    return told


def adopt(market: Market, row: dict[str, Any]) -> Market:
    """The state that the contract left."""
    kept = {mine: row[name] for name, mine in STATE.items()}
    sequence = market.sequence
    if row["funding_seq_len"] > len(sequence):
        sequence = (*sequence, row["funding_seq_last"])
    sequence = (*sequence[: row["funding_seq_len"] - 1], row["funding_seq_last"])
    held = tuple(Position(*one) for one in row["positions"])
    market = replace(market, balances=tuple(row["balances"]), flags=tuple(row["flags"]), positions=held)
    return replace(market, price=row["price"], sequence=sequence, **kept)


def act(market: Market, row: dict[str, Any]) -> tuple[Market, dict[str, int]]:
    """Do it; what the contract emits beside."""
    action, args, who = row["action"], row["args"], row["actor"]
    if action == "price":
        return replace(market, price=args["price"]), {}
    flagged = bool(market.flags[who])
    if action in ("liquidate", "force") and not flagged:
        raise Refused("Position not flagged")
    if action not in ("liquidate", "force") and flagged:
        raise Refused("Position flagged")
    held = market.positions[who]
    if action == "close" and held.size == 0:
        raise Refused("No position open")
    market = recompute(market, row["t"])
    if action == "force":
        raise Refused("address not endorsed")
    if action == "margin":
        return transfer(market, who, args["delta"])
    if action == "withdrawall":
        return transfer(market, who, -accessible(market, held))
    if action == "flag":
        if not can_liquidate(market, held):
            raise Refused("Position cannot be liquidated")
        return replace(market, flags=put(market.flags, who, 1)), {}
    if action == "liquidate":
        return liquidate(market, who)
    return trade(market, who, -held.size if action == "close" else args["size_delta"], args["desired_fill"])


def put(row: tuple[Any, ...], place: int, value: Any) -> tuple[Any, ...]:
    """With one entry exchanged."""
    return (*row[:place], value, *row[place + 1 :])


def times(a: int, b: int) -> int:
    """Fixed-point product, towards zero."""
    return to_zero(a, b, ONE)


def recompute(market: Market, now: int) -> Market:
    """Funding up to now: the rate moved by the skew, and its mean owed on a unit at the price."""
    days = down(now - market.time, ONE, DAY)
    params = market.params
    rate = velocity_rate(market.rate, market.skew, params["skewScale"], params["maxFundingVelocity"], days, ONE)
    owed = times(mean_of(market.rate, rate, days, ONE), market.price)
    return replace(market, rate=rate, time=now, sequence=(*market.sequence, market.sequence[-1] - owed))


# ---------------------------------------------------------------------- what a position is worth and needs


def worth(market: Market, held: Position, price: int) -> int:
    """Margin with gain and funding, signed."""
    funding = times(held.size, market.sequence[-1] - market.sequence[held.index]) if held.index else 0
    return held.margin + times(held.size, price - held.price) + funding


def flagger_fee(market: Market, size: int, price: int) -> int:
    """A share of the notional, within bounds."""
    params = market.params
    share = times(times(abs(size), price), params["perpsV2LiquidationFeeRatio"])
    return max(params["perpsV2MinKeeperFee"], min(params["perpsV2MaxKeeperFee"], share))


def needed(market: Market, size: int, price: int) -> int:
    """The margin at which a liquidation happens: a buffer and both fees."""
    buffer = times(times(abs(size), price), market.params["liquidationBufferRatio"])
    return buffer + flagger_fee(market, size, price) + market.params["keeperLiquidationFee"]


def premium(market: Market, size: int) -> int:
    """What unwinding a size into a market without skew costs, times the multiplier."""
    share = down(abs(size), ONE, market.params["skewScale"])
    return times(times(share, abs(times(size, market.price))), market.params["liquidationPremiumMultiplier"])


def can_liquidate(market: Market, held: Position) -> bool:
    """Whether what is left after the premium is no more than what a liquidation needs."""
    left = max(0, worth(market, held, market.price) - premium(market, held.size))
    return held.size != 0 and left <= needed(market, held.size, market.price)


def accessible(market: Market, held: Position) -> int:
    """What may be taken out."""
    stays = abs(to_zero(times(held.size, market.price), ONE, market.params["maxLeverage"] - MILLI))
    if stays:
        stays = max(stays, market.params["perpsV2MinInitialMargin"]) + MILLI
    return max(0, max(0, worth(market, held, market.price)) - stays)


def margin_after(market: Market, held: Position, price: int, change: int) -> int:
    """Margin settled at a price and changed. Raises Refused."""
    margin = worth(market, held, price) + change
    if margin < 0:
        raise Refused("Insufficient margin")
    if held.size and margin <= needed(market, held.size, price):
        raise Refused("Position can be liquidated")
    return margin


def corrected(market: Market, new: Position, old: Position) -> int:
    """The sum over positions of margin less size times the price and the funding at which it was entered."""
    mine, was = (p.margin - times(p.size, p.price + market.sequence[p.index]) for p in (new, old))
    return market.correction + mine - was


# ---------------------------------------------------------------------- actions


def transfer(market: Market, who: int, change: int) -> tuple[Market, dict[str, int]]:
    """Margin in or out."""
    if change == 0:
        return market, {}
    old, params, price, last = market.positions[who], market.params, market.price, len(market.sequence) - 1
    margin = margin_after(market, old, price, change)
    new = Position(last, margin, price, old.size)
    if old.size and change < 0:
        if margin <= needed(market, old.size, price) + premium(market, old.size):
            raise Refused("Insufficient margin")
        if margin < params["perpsV2MinInitialMargin"]:
            raise Refused("Insufficient margin")
        if abs(to_zero(times(old.size, price), ONE, margin)) > params["maxLeverage"]:
            raise Refused("Max leverage exceeded")
    balances = put(market.balances, who, market.balances[who] - change)
    market = replace(market, balances=balances, correction=corrected(market, new, old))
    kept = new if old.size else old._replace(margin=margin)
    return replace(market, positions=put(market.positions, who, kept)), modified(market, new, 0, price, 0)


def modified(market: Market, held: Position, traded: int, price: int, fee: int) -> dict[str, int]:
    """The event's numbers."""
    index = len(market.sequence) - 1
    return {
        "margin": held.margin,
        "size": held.size,
        "trade_size": traded,
        "fill_price": price,
        "fee": fee,
        "funding_index": index,
    }


def same_side(a: int, b: int) -> bool:
    """Whether two sizes do not oppose each other."""
    return a == 0 or b == 0 or (a > 0) == (b > 0)


def order_fee(market: Market, size: int, price: int) -> int:
    """Less for what takes from the skew than for what adds to it; of an order that turns it, each for its part."""
    params, value = market.params, times(size, price)
    base = times(abs(value), params["dyn"])
    if same_side(market.skew + size, market.skew):
        adds = same_side(value, market.skew)
        return base + abs(times(value, params["takerFee" if adds else "makerFee"]))
    adding = abs(to_zero(market.skew + size, ONE, size))
    taker = times(times(abs(value), adding), params["takerFee"])
    return base + taker + times(times(abs(value), ONE - adding), params["makerFee"])


def trade(market: Market, who: int, size: int, limit: int) -> tuple[Market, dict[str, int]]:
    """Fill at the mean of the prices before and after. Raises Refused."""
    old, params = market.positions[who], market.params
    price = fill_price(market.price, market.skew, size, params["skewScale"], ONE)
    if size == 0:
        raise Refused("Cannot submit empty order")
    if can_liquidate(market, old):
        raise Refused("Position can be liquidated")
    fee = order_fee(market, size, price)
    margin = margin_after(market, old, price, -fee)
    new = Position(len(market.sequence) - 1, margin, price, old.size + size)
    less = same_side(old.size, new.size) and abs(new.size) < abs(old.size)
    if not less and margin + fee < params["perpsV2MinInitialMargin"]:
        raise Refused("Insufficient margin")
    if margin <= needed(market, new.size, market.price) + premium(market, new.size):
        raise Refused("Position can be liquidated")
    if abs(to_zero(times(new.size, price), ONE, margin + fee)) > params["maxLeverage"] + ONE // 100:
        raise Refused("Max leverage exceeded")
    skew, total = market.skew + size, market.size + abs(new.size) - abs(old.size)
    grows = not same_side(old.size, new.size) or abs(new.size) > abs(old.size)
    side = total + skew if new.size > 0 else total - skew
    if grows and abs(to_zero(side, 1, 2)) > params["maxMarketValue"]:
        raise Refused("Max market size exceeded")
    if price > limit if size > 0 else price < limit:
        raise Refused("Price impact exceeded")
    kept = new if new.size else Position(margin=margin)
    market = replace(market, skew=skew, size=total, fees=market.fees + fee, correction=corrected(market, new, old))
    return replace(market, positions=put(market.positions, who, kept)), modified(market, new, size, price, fee)


def liquidate(market: Market, who: int) -> tuple[Market, dict[str, int]]:
    """Close a flagged position at the index; what both fees leave of it is the stakers'."""
    held, params = market.positions[who], market.params
    if down(abs(held.size), ONE, params["skewScale"]) >= params["maxLiquidationDelta"]:
        raise Refused("price impact of liquidation exceeded")
    if down(abs(market.skew), ONE, params["skewScale"]) >= params["maxPD"]:
        raise Refused("instantaneous P/D exceeded")
    fees = flagger_fee(market, held.size, market.price), params["keeperLiquidationFee"]
    rest = max(0, max(0, worth(market, held, market.price)) - sum(fees))
    gone = Position(len(market.sequence) - 1, 0, market.price, 0)
    balances = put(market.balances, FLAGGER, market.balances[FLAGGER] + fees[0])
    balances = put(balances, KEEPER, balances[KEEPER] + fees[1])
    market = replace(market, correction=corrected(market, gone, held), balances=balances, fees=market.fees + rest)
    market = replace(market, skew=market.skew - held.size, size=market.size - abs(held.size))
    market = replace(market, positions=put(market.positions, who, Position()), flags=put(market.flags, who, 0))
    paid = {"flagger_fee": fees[0], "liquidator_fee": fees[1], "stakers_fee": rest}
    return market, modified(market, gone, 0, market.price, 0) | paid


def claims() -> tuple[Claim, ...]:
    """All of it, exactly."""
    return (agreement("T-synthetix-perps-v2", "Synthetix PerpsV2 market", SOURCE, replay, exact=True),)
