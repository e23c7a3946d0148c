"""Positions of GMX V1's vault, for `gmx_v1`: gains, fees, when one may stand, and what is left of it when it may not.

Fees for reserves are `borrowing.owed`, the fee of a trade `clearing.fee_on`. A position is kept in dollars at
entry, so that its gain is a share of that, and its collateral in dollars of when it came.
"""

from __future__ import annotations

from dataclasses import replace

from experiments.validation.gmx_v1_vault import (
    COINS,
    DOLLARS,
    MILLIONTHS,
    NOTHING,
    PARTS,
    Position,
    Vault,
    accrue,
    at_least,
    at_most,
    change,
    from_pool,
    into_pool,
    less,
    need,
    worth,
)
from protocol.clearing import fee_on
from protocol.fixed_point import down
from protocol.funding.borrowing import owed

STANDS, GONE, TOO_LEVERED = 0, 1, 2
WORDS = (
    "Vault: losses exceed collateral",
    "Vault: fees exceed collateral",
    "Vault: liquidation fees exceed collateral",
)


def token_of(side: int) -> int:
    """What a side brings as collateral and has reserved."""
    return COINS if side > 0 else DOLLARS


def move(entry: int, price: int, size: int) -> int:
    """What a position of `size` gains by a rise from `entry` to `price`, rounded towards zero."""
    part = down(size, abs(price - entry), entry)
    return part if price > entry else -part


def gain(vault: Vault, held: Position, side: int) -> tuple[bool, int]:
    """(whether it gains, by how much): small gains of young positions do not count."""
    coins, params = vault.tokens[COINS], vault.params
    by = side * move(held.price, coins.low if side > 0 else coins.high, held.size)
    young = vault.now <= held.time + params["minprofit"]
    if by > 0 and young and by * PARTS <= held.size * params["minbps"]:
        return True, 0
    return by > 0, abs(by)


def fee_of(vault: Vault, size: int) -> int:
    """What trading a size costs, rounded up."""
    part: int = vault.params["margin"]
    return fee_on(size, part, PARTS)


def fees(vault: Vault, held: Position, side: int, size: int) -> int:
    """The fee of a trade, and what the position owes for its reserve."""
    grown = vault.tokens[token_of(side)].charged - held.charged
    return fee_of(vault, size) + owed(held.size, grown, MILLIONTHS)


def collect(vault: Vault, asset: int, dollars: int) -> Vault:
    """Set a fee apart."""
    return change(vault, asset, fees=at_least(vault, asset, dollars))


def put(vault: Vault, place: int, held: Position) -> Vault:
    """With one position exchanged."""
    return replace(vault, positions=(*vault.positions[:place], held, *vault.positions[place + 1 :]))


def judged(vault: Vault, held: Position, side: int) -> tuple[int, int, str]:
    """(whether it stands, fees it can pay, why not)."""
    gains, by = gain(vault, held, side)
    due = fees(vault, held, side, held.size)
    if not gains and held.collateral < by:
        return GONE, due, WORDS[0]
    left = held.collateral - (0 if gains else by)
    if left < due:
        return GONE, left, WORDS[1]
    if left < due + vault.params["liqfee"]:
        return GONE, due, WORDS[2]
    if left * vault.params["maxlev"] < held.size * PARTS:
        return TOO_LEVERED, due, "Vault: maxLeverage exceeded"
    return STANDS, due, ""


def need_standing(vault: Vault, held: Position, side: int) -> None:
    """Refuse a position that is none, or may be liquidated at once."""
    need(held.size >= held.collateral, 40)
    state, _, why = judged(vault, held, side)
    need(state == STANDS, why)


# ---------------------------------------------------------------------- actions


def increase(vault: Vault, place: int, side: int, units: int, size: int) -> Vault:
    """Open, or add: a position's size, its collateral, and what is reserved for it."""
    asset = token_of(side)
    vault = accrue(change(vault, asset, held=units), asset)
    coins, held = vault.tokens[COINS], vault.positions[place]
    price = coins.high if side > 0 else coins.low
    entry = held.price
    if held.size == 0:
        entry = price
    elif size:
        gains, by = gain(vault, held, side)
        entry = down(price, held.size + size, held.size + size + side * (by if gains else -by))
    fee = fees(vault, held, side, size)
    vault = collect(vault, asset, fee)
    brought = worth(vault, asset, units)
    collateral = less(held.collateral + brought, fee, 29)
    held = Position(
        held.size + size, collateral, entry, vault.tokens[asset].charged, held.reserved, held.realised, vault.now
    )
    need(held.size > 0, 30)
    need_standing(vault, held, side)

    reserve = at_most(vault, asset, size)
    vault = put(vault, place, held._replace(reserved=held.reserved + reserve))
    vault = change(vault, asset, reserved=reserve)
    need(vault.tokens[asset].reserved <= vault.tokens[asset].pool, 52)
    if side > 0:
        vault = change(change(vault, asset, guaranteed=size + fee), asset, guaranteed=-brought)
        return from_pool(into_pool(vault, asset, units), asset, at_least(vault, asset, fee))
    total, mean = vault.shorts + size, price
    if vault.shorts:
        mean = down(price, total, total + move(vault.entry, price, vault.shorts))
    return replace(vault, shorts=total, entry=mean)


def decrease(vault: Vault, place: int, side: int, collateral: int, size: int) -> tuple[Vault, int]:
    """Close a part, or all, and take out collateral. Returns the units paid."""
    asset = token_of(side)
    vault = accrue(vault, asset)
    held = vault.positions[place]
    need(held.size > 0, 31)
    need(held.size >= size, 32)
    need(held.collateral >= collateral, 33)
    freed = down(held.reserved, size, held.size)
    vault = change(vault, asset, reserved=-freed)
    vault, left, gross, net = reduced(vault, held._replace(reserved=held.reserved - freed), side, collateral, size)

    if size != held.size:
        left = left._replace(charged=vault.tokens[asset].charged, size=held.size - size)
        need_standing(vault, left, side)
    rest = left.collateral if size != held.size else 0
    if side > 0:
        vault = change(vault, asset, guaranteed=less(held.collateral, rest))
        vault = change(vault, asset, guaranteed=-size)
    else:
        vault = replace(vault, shorts=max(0, vault.shorts - size))
    vault = put(vault, place, left if size != held.size else NOTHING)
    if gross == 0:
        return vault, 0
    if side > 0:
        vault = from_pool(vault, asset, at_least(vault, asset, gross))
    paid = at_least(vault, asset, net)
    return change(vault, asset, held=-paid), paid


def reduced(vault: Vault, held: Position, side: int, collateral: int, size: int) -> tuple[Vault, Position, int, int]:
    """Realise a part of the gain and take collateral out. Returns the position then, and dollars out before and after fees."""
    asset, short = token_of(side), side < 0
    fee = fees(vault, held, side, size)
    vault = collect(vault, asset, fee)
    gains, by = gain(vault, held, side)
    part, out = down(size, by, held.size), 0
    if gains and part:
        out = part
        held = held._replace(realised=held.realised + part)
        vault = from_pool(vault, asset, at_least(vault, asset, part)) if short else vault
    elif part:
        held = held._replace(collateral=less(held.collateral, part), realised=held.realised - part)
        vault = into_pool(vault, asset, at_least(vault, asset, part)) if short else vault
    out, held = out + collateral, held._replace(collateral=less(held.collateral, collateral))
    if size == held.size:
        out, held = out + held.collateral, held._replace(collateral=0)
    if out > fee:
        return vault, held, out, out - fee
    held = held._replace(collateral=less(held.collateral, fee))
    vault = vault if short else from_pool(vault, asset, at_least(vault, asset, fee))
    return vault, held, out, out


def liquidate(vault: Vault, place: int, side: int) -> tuple[Vault, dict[str, int]]:
    """Close who is too levered, at the price; who cannot pay the fees loses all, and the pool pays the keeper."""
    asset = token_of(side)
    vault = accrue(vault, asset)
    held = vault.positions[place]
    need(held.size > 0, 35)
    state, due, _ = judged(vault, held, side)
    need(state != STANDS, 36)
    if state == TOO_LEVERED:
        return decrease(vault, place, side, 0, held.size)[0], {"state": state}
    vault = collect(vault, asset, due)
    vault = change(vault, asset, reserved=-held.reserved)
    if side > 0:
        vault = change(vault, asset, guaranteed=-less(held.size, held.collateral))
        vault = from_pool(vault, asset, at_least(vault, asset, due))
    else:
        if due < held.collateral:
            vault = into_pool(vault, asset, at_least(vault, asset, held.collateral - due))
        vault = replace(vault, shorts=max(0, vault.shorts - held.size))
    vault = put(vault, place, NOTHING)
    tip = at_least(vault, asset, vault.params["liqfee"])
    return change(from_pool(vault, asset, tip), asset, held=-tip), {"state": state}
