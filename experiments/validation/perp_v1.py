"""Perpetual Protocol V1, 840 recorded actions: virtual swaps, fees, funding, margin ratios, liquidation, the insurance fund.

Configured as `VirtualAmm`, whose `owed_for`, which its compiled `take` calls and to which each trade is put as well, prices every
swap by quote and by base, now and on each reserve of the last fifteen minutes (`oracles.cumulative.integral` weights them). What
is the contract's own accounting, kept by the replay: funding as an amount, the gap of two means for its part of a day
(`funding.twap_gap` has it as a share of the price, and bounds it), margins in a vault that prepays bad debt, one snapshot of the
reserves a block, caps, and that tokens have six decimals. Who acts twice in a block after a liquidation is out of scope: it does
not occur.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from experiments.validation.base import Claim
from experiments.validation.perp_v1_market import (
    DAY,
    HOUR,
    ONE,
    SPREAD,
    TOKEN,
    Market,
    Position,
    Refused,
    Snapshot,
    count,
    for_size,
    from_fund,
    left_of,
    mean,
    notional,
    pay,
    put,
    ratio_at,
    ratio_of,
    swap,
    swap_quote,
    to_fund,
)
from experiments.validation.replays import Step, agreement, in_the_game, scenarios, step, within
from protocol.fixed_point import down, to_zero
from protocol.venues.virtual_amm import VirtualAmm

SUBJECT = "Perpetual Protocol V1, as deployed"
SOURCE = "@perp/contract 2.2.0, recorded bytecode"
STATE = (
    "q_reserve",
    "b_reserve",
    "total_size",
    "spot",
    "twap3600",
    "cum_premium",
    "funding_rate",
    "next_funding",
    "open_interest",
    "ch_bal",
    "if_bal",
    "toll_bal",
    "liq_bal",
)


class Done(NamedTuple):
    """What became of a trade."""

    position: Position
    quote: int
    size: int
    to_vault: int = 0
    realised: int = 0
    unrealised: int = 0
    bad: int = 0
    funding: int = 0


def replay() -> Iterator[Step]:
    """Predict each row from the state that the last one left."""
    for _, params, rows in scenarios("perp_v1_vamm.json"):
        first = Snapshot(params["q"], params["b"], params["t_created"], params["block_init"])
        opens = (params["t_created"] + params["funding_period"]) // HOUR * HOUR
        nobody = (Position(),) * params["traders"]
        market = Market(params, params["q"], params["b"], (first,), nobody, opens, params["if_bal0"])
        for number, row in enumerate(rows):
            market = replace(
                market, time=row["t"], block=row["block"], oracle=row["oracle"], oracle_mean=row["oracle_twap"]
            )
            revert, result, before = "", dict[str, int](), market
            try:
                market, result = act(market, row)
            except Refused as reason:
                revert = str(reason)
            told: dict[str, Any] = {"ok": int(not revert), "revert": revert} | result | view(market)
            left = {"ok": row["ok"], "revert": row["revert"]} | row["res"] | {name: row[name] for name in STATE}
            for who, (held, ratio) in enumerate(zip(row["positions"], row["margin_ratios"], strict=True)):
                left |= {f"{who}.{name}": value for name, value in zip(Position._fields, held, strict=True)}
                left[f"{who}.ratio"] = ratio
            if row["res"].get("exch_size"):
                unit = (
                    1.0 + before.quote / before.base
                )  # what a unit of size is worth, which is as far as a size is known
                told["compiled"] = within(played(before, row["res"]), row["res"]["exch_quote"], unit)
                left["compiled"] = row["res"]["exch_quote"]
            yield step(number, row["action"], told, left)
            market = adopt(market, row)


def played(market: Market, done: dict[str, int]) -> float:
    """What the game's own pool asks for the size that was exchanged: `virtual_amm.take`, compiled."""

    def pool(unit: float, cash: float) -> list[float]:
        return [market.base / unit, market.quote / cash]

    return abs(in_the_game(VirtualAmm(), pool, done["exch_size"], done["exch_quote"]))


def view(market: Market) -> dict[str, Any]:
    """The recorded columns."""
    values = (
        market.quote,
        market.base,
        market.size,
        down(market.quote, ONE, market.base),
        mean(market, HOUR, lambda one: down(one.quote, ONE, one.base)),
        market.premium,
        market.rate,
        market.next_funding,
        market.interest,
        market.vault,
        market.insurance,
        market.toll,
        market.liquidator,
    )
    told: dict[str, Any] = dict(zip(STATE, values, strict=True))
    for who, position in enumerate(market.positions):
        told |= {f"{who}.{name}": value for name, value in position._asdict().items()}
        told[f"{who}.ratio"] = ratio_of(market, position) if position.size else None
    return told


def adopt(market: Market, row: dict[str, Any]) -> Market:
    """The state that the contract left, with what it does not show (snapshots, prepaid bad debt) as predicted."""
    held = tuple(Position(*one) for one in row["positions"])
    market = replace(market, quote=row["q_reserve"], base=row["b_reserve"], size=row["total_size"], positions=held)
    market = replace(market, premium=row["cum_premium"], rate=row["funding_rate"], next_funding=row["next_funding"])
    market = replace(market, interest=row["open_interest"], vault=row["ch_bal"], insurance=row["if_bal"])
    return replace(market, toll=row["toll_bal"], liquidator=row["liq_bal"])


# ---------------------------------------------------------------------- actions


def act(market: Market, row: dict[str, Any]) -> tuple[Market, dict[str, int]]:
    """Do it; what the contract emits beside."""
    action, args, who = row["action"], row["args"], row["actor"]
    if action == "oracle":
        return market, {}
    if action == "fund":
        return fund(market), {}
    if action == "addm":
        return add_margin(market, who, args["amt"]), {}
    if action == "remm":
        return remove_margin(market, who, args["amt"]), {}
    if action == "liq":
        return liquidate(market, who)
    if action == "close":
        return close_all(market, who)
    return open_position(market, who, 1 - 2 * args["side"], args["quote"], args["lev"], args["base_limit"])


def add_margin(market: Market, who: int, units: int) -> Market:
    """Tokens into the vault."""
    held = market.positions[who]
    return put(replace(market, vault=market.vault + units // TOKEN), who, held._replace(margin=held.margin + units))


def remove_margin(market: Market, who: int, units: int) -> Market:
    """Tokens out of it, while the initial ratio is kept."""
    held = market.positions[who]
    left, _ = left_of(market, held, -units)
    if left < 0:
        raise Refused("margin is not enough")
    market = put(market, who, held._replace(margin=left, premium=market.premium))
    need_position(market.positions[who])
    need_ratio(ratio_of(market, market.positions[who]), market.params["imr"])
    return pay(market, units)[0]


def need_position(position: Position) -> None:
    """Refuse one that is none."""
    if position.size == 0:
        raise Refused("positionSize is 0")


def need_ratio(ratio: int, least: int) -> None:
    """Refuse a ratio below the least."""
    if ratio < least:
        raise Refused("Margin ratio not meet criteria")


def fund(market: Market) -> Market:
    """Move the premium by the gap of two means for its part of a day; the fund stands for the skew."""
    params = market.params
    if market.time < market.next_funding:
        raise Refused("settle funding too early")
    spot = mean(market, HOUR, lambda one: down(one.quote, ONE, one.base))
    fraction = to_zero(spot - market.oracle_mean, params["funding_period"], DAY)
    hour = (market.next_funding + params["funding_period"]) // HOUR * HOUR
    market = replace(
        market,
        premium=market.premium + fraction,
        rate=to_zero(fraction, ONE, market.oracle_mean),
        next_funding=max(hour, market.time + params["funding_period"] // 2),
    )
    gained = to_zero(fraction, market.size, ONE)
    return from_fund(market, -gained) if gained < 0 else to_fund(market, gained)


def increase(market: Market, who: int, side: int, quote: int, limit: int, leverage: int) -> tuple[Market, Done]:
    """Open, or add."""
    old = market.positions[who]
    market, size = swap_quote(market, side, quote, limit, free=False)
    market = count(market, quote)
    most = market.params["max_hold"]
    if most and abs(old.size + size) > most:
        raise Refused("hit position size upper bound")
    margin = down(quote, ONE, leverage)
    left, owed = left_of(market, old, margin)
    gain = notional(old, market)[1]
    held = Position(old.size + size, max(left, 0), old.notional + quote, market.premium)
    return market, Done(held, quote, size, margin, 0, gain, 0, owed)


def reduce(
    market: Market, who: int, side: int, quote: int, leverage: int, limit: int, free: bool
) -> tuple[Market, Done]:
    """Against a position: part of it, or all and more."""
    old = market.positions[who]
    sum_ = down(quote, leverage, ONE)
    worth, gain = notional(old, market)
    if worth <= sum_:
        return turn(market, who, side, sum_, leverage, limit)
    market = count(market, -sum_)
    market, size = swap_quote(market, side, sum_, limit, free)
    realised = to_zero(to_zero(gain, abs(size), ONE), ONE, abs(old.size))
    left, owed = left_of(market, old, realised)
    rest = worth - sum_ - (gain - realised) if old.size > 0 else gain - realised + worth - sum_
    if rest <= 0:
        raise Refused("value of openNotional <= 0")
    held = Position(old.size + size, max(left, 0), rest, market.premium)
    return market, Done(held, sum_, size, 0, realised, gain - realised, max(-left, 0), owed)


def turn(market: Market, who: int, side: int, quote: int, leverage: int, limit: int) -> tuple[Market, Done]:
    """Close, and open the other way with what is left of the quote."""
    market, closed = close(market, who)
    if closed.bad:
        raise Refused("reduce an underwater position")
    rest = quote - closed.quote
    if down(rest, ONE, leverage) == 0:
        return market, closed
    more = max(0, limit - abs(closed.size))
    market, opened = increase(market, who, side, rest, more, leverage)
    return market, Done(
        opened.position,
        closed.quote + opened.quote,
        closed.size + opened.size,
        closed.to_vault + opened.to_vault,
        closed.realised,
        0,
        0,
        closed.funding + opened.funding,
    )


def close(market: Market, who: int) -> tuple[Market, Done]:
    """All of a position, by base."""
    old = market.positions[who]
    need_position(old)
    if old.size < 0 and -old.size > down(market.base, market.params["trade_limit"], ONE):
        raise Refused("over trading limit")
    _, gain = notional(old, market)
    left, owed = left_of(market, old, gain)
    quote = for_size(market, -old.size)
    market = swap(market, quote, -old.size, free=True)
    market = count(market, -(gain + max(-left, 0) + old.notional))
    market = put(market, who, Position())
    return market, Done(Position(), abs(quote), -old.size, -max(left, 0), gain, 0, max(-left, 0), owed)


def open_position(
    market: Market, who: int, side: int, quote: int, leverage: int, limit: int
) -> tuple[Market, dict[str, int]]:
    """A trader's order by quote."""
    if quote == 0 or leverage == 0:
        raise Refused("input is 0")
    need_ratio(down(ONE, ONE, leverage), market.params["imr"])
    old = market.positions[who].size
    if old * side >= 0:
        market, done = increase(market, who, side, down(quote, leverage, ONE), limit, leverage)
    else:
        market, done = reduce(market, who, side, quote, leverage, limit, free=False)
    market = put(market, who, done.position)
    if old and done.position.size:
        need_ratio(ratio_of(market, done.position), market.params["mmr"])
    if done.bad:
        raise Refused("bad debt")
    if done.to_vault < 0:
        market, _ = pay(market, -done.to_vault)
    else:
        market = replace(market, vault=market.vault + done.to_vault // TOKEN)
    return charged(market, done)


def close_all(market: Market, who: int) -> tuple[Market, dict[str, int]]:
    """A trader's own close."""
    need_position(market.positions[who])
    market, done = close(market, who)
    if done.bad:
        raise Refused("bad debt")
    market, _ = pay(market, abs(done.to_vault))
    return charged(market, done)


def charged(market: Market, done: Done) -> tuple[Market, dict[str, int]]:
    """Both fees on what was exchanged, from the trader's wallet: to the toll pool and to the fund."""
    toll, spread = (down(done.quote, market.params[name], ONE) for name in ("toll", "spread"))
    market = replace(market, toll=market.toll + toll // TOKEN, insurance=market.insurance + spread // TOKEN)
    return market, emitted(done, done.position.margin, toll + spread, 0)


def emitted(done: Done, margin: int, fee: int, penalty: int) -> dict[str, int]:
    """The event's numbers."""
    return {
        "margin": margin,
        "exch_quote": done.quote,
        "exch_size": done.size,
        "fee_paid": fee,
        "size_after": done.position.size,
        "rpnl": done.realised,
        "upnl": done.unrealised,
        "bad_debt": done.bad,
        "penalty": penalty,
        "funding": done.funding,
    }


def liquidate(market: Market, who: int) -> tuple[Market, dict[str, int]]:
    """Part of a position below the maintenance ratio, while it can pay for it; else all of it."""
    params, held = market.params, market.positions[who]
    need_position(held)
    spot = down(market.quote, ONE, market.base)
    apart = abs(to_zero(spot - market.oracle, ONE, market.oracle))
    ratios = [ratio_of(market, held)] + [ratio_at(market, held, market.oracle)] * (apart >= SPREAD)
    if max(ratios) >= params["mmr"]:
        raise Refused("Margin ratio not meet criteria")
    worth, gain = notional(held, market)
    short = 0
    if to_zero(left_of(market, held, gain)[0], ONE, worth) > params["lfr"] and params["plr"] < ONE:
        part = abs(for_size(market, -to_zero(held.size, params["plr"], ONE)))
        market, done = reduce(market, who, -1 if held.size > 0 else 1, part, ONE, 0, free=True)
        penalty = down(done.quote, params["lfr"], ONE)
        fee = penalty // 2
        rest = penalty - fee
        held = done.position._replace(margin=done.position.margin - penalty)
        market = put(market, who, held)
    else:
        penalty = held.margin
        market, done = close(market, who)
        held, rest = done.position, -done.to_vault
        fee = down(done.quote, params["lfr"], ONE) // 2
        short, rest = max(0, fee - rest), rest - fee if fee <= rest else rest
        if done.bad + short:
            market = bear(market, done.bad + short)
    if rest:
        market = to_fund(market, rest)
    market, units = pay(market, fee)
    market = replace(market, liquidator=market.liquidator + units)
    told = emitted(done, held.margin, 0, penalty)
    return market, told | {"notional": done.quote, "size": abs(done.size), "fee": fee, "bad": short}


def bear(market: Market, bad: int) -> Market:
    """The fund pays bad debt, as far as it has not done so already."""
    if market.prepaid > bad:
        return replace(market, prepaid=market.prepaid - bad)
    return replace(from_fund(market, bad - market.prepaid), prepaid=0)


def claims() -> tuple[Claim, ...]:
    """All of it, exactly."""
    return (agreement("T-perp-v1", "Perpetual Protocol V1", SOURCE, replay, exact=True),)
