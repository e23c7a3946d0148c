"""GMX's first vault, 820 recorded actions: its pool's tokens, positions, borrowing fees, liquidations, and the fees of its basket.

By the formulas of `OraclePool(spread=...)` and `Borrowing`; each price and each charge is put to the class as well
(`seated`). Of the fee of a trade `clearing.fee_on` alone. What is the contract's own and kept by the replay: in `gmx_v1_vault`
the lowest and highest of the last answers, and a pool, a reserve and a charge for each of two tokens; in `gmx_v1_positions`
positions in dollars at entry, who is closed and who is forfeited, and collateral that is the pool's from then on; in
`gmx_v1_basket` shares of several tokens at once, and fees that lead back to a mix of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from experiments.validation import seated, seated_rules
from experiments.validation.base import Claim
from experiments.validation.gmx_v1_basket import buy, sell, swap
from experiments.validation.gmx_v1_positions import decrease, increase, liquidate
from experiments.validation.gmx_v1_vault import (
    ANSWER,
    COINS,
    DOLLAR,
    DOLLARS,
    MILLIONTHS,
    NOTHING,
    PARTS,
    Position,
    Refused,
    Token,
    Vault,
    quoted,
)
from experiments.validation.replays import Step, agreement, scenarios, step, within

SUBJECT = "GMX V1, as deployed"
SOURCE = "gmx-io/gmx-contracts Vault, recorded bytecode"


def replay() -> Iterator[Step]:
    """Predict each row from the state that the last one left."""
    for _, params, rows in scenarios("gmx_v1.json"):
        answers = tuple((price,) for price in params["px0"])
        vault = quoted(Vault(params, answers, (Token(), Token()), (NOTHING,) * (2 * params["accounts"])))
        for number, row in enumerate(rows):
            vault, revert = replace(vault, now=row["t"]), ""
            before = vault
            result: dict[str, int] = {}
            try:
                vault, result = act(vault, row)
            except Refused as reason:
                revert = str(reason)
            told: dict[str, Any] = {"ok": int(not revert), "revert": revert} | result | view(vault)
            left = {"ok": row["ok"], "revert": row["revert"]} | row["res"]
            left |= columns(row["tokens"], row["positions"])
            left |= {"supply": row["usdg_supply"], "shorts": row["gshort_size"], "entry": row["gshort_avg"]}
            if row["action"] in ("price", "price1"):
                offered = traded_at(vault, row)
                told |= {name: within(mine, theirs) for name, (mine, theirs) in offered.items()}
                left |= {name: theirs for name, (_, theirs) in offered.items()}
            for name, mine, theirs in accrued(before, row):
                told[name], left[name] = within(mine, theirs, rounding=1.0), theirs
            yield step(number, row["action"], told, left)
            vault = adopt(vault, row)


def traded_at(vault: Vault, row: dict[str, Any]) -> dict[str, tuple[float, int]]:
    """Both prices of each token, as `OraclePool` with its spread trades there, and as recorded.

    Of a stable token under `strict` the price is the contract's own: there is no such spread.
    """
    found = {}
    for asset, answers in enumerate(vault.answers):
        if asset == DOLLARS and vault.params["strict"]:
            continue
        spread = 2 * vault.params["spread"][asset] / PARTS
        kept = Token(*row["tokens"][asset])
        for side, answer, recorded in ((-1, min(answers), kept.low), (1, max(answers), kept.high)):
            mine = seated.quoted(spread, answer * ANSWER / DOLLAR, side) * DOLLAR
            found[f"traded.{asset}.{side}"] = mine, recorded
    return found


def accrued(vault: Vault, row: dict[str, Any]) -> Iterator[tuple[str, float, int]]:
    """What `Borrowing` charges where a row has charged, in millionths of a position, and when its last interval ended.

    The contract rounds a charge down to a millionth.
    """
    for asset, was in enumerate(vault.tokens):
        now = Token(*row["tokens"][asset])
        if was.time in (0, now.time) or 0 in (was.pool, was.reserved):
            continue
        factor = vault.params["sff" if asset == DOLLARS else "ff"] / MILLIONTHS
        interval = float(vault.params["fint"])
        share, ended = seated_rules.charged(factor, interval, was.reserved, was.pool, float(was.time), float(row["t"]))
        yield f"charged.{asset}", share * MILLIONTHS, now.charged - was.charged
        yield f"until.{asset}", ended, now.time


def view(vault: Vault) -> dict[str, Any]:
    """The recorded columns."""
    told = columns(vault.tokens, [one if one.size else 0 for one in vault.positions])
    return told | {"supply": vault.supply, "shorts": vault.shorts, "entry": vault.entry}


def columns(tokens: Any, positions: Any) -> dict[str, int]:
    """What the vault and accounts have, as names and numbers."""
    told = {f"{who}.{n}": v for who, one in enumerate(tokens) for n, v in zip(Token._fields, one, strict=True)}
    for place, one in enumerate(positions):
        told |= {f"at {place}.{n}": v for n, v in zip(Position._fields, one or NOTHING, strict=True)}
    return told


def adopt(vault: Vault, row: dict[str, Any]) -> Vault:
    """The state that the contract left."""
    held = tuple(Position(*one) if one else NOTHING for one in row["positions"])
    vault = replace(vault, tokens=tuple(Token(*one) for one in row["tokens"]), positions=held)
    return replace(vault, supply=row["usdg_supply"], shorts=row["gshort_size"], entry=row["gshort_avg"])


def act(vault: Vault, row: dict[str, Any]) -> tuple[Vault, dict[str, int]]:
    """Do it; what the contract returns."""
    action, args, who = row["action"], row["args"], row["actor"]
    if action in ("price", "price1"):
        asset = COINS if action == "price" else DOLLARS
        answers = list(vault.answers)
        answers[asset] = (*answers[asset], args["px"])[-vault.params["sample"] :]
        return quoted(replace(vault, answers=tuple(answers))), {}
    if action == "buy":
        return buy(vault, args["asset"], args["amt"])
    if action == "sell":
        return sell(vault, args["asset"], args["usdg"])
    if action == "swap":
        return swap(vault, args["asset_in"], args["amt"])
    place, side = 2 * who + (0 if args["isLong"] else 1), 1 if args["isLong"] else -1
    if action == "inc":
        return increase(vault, place, side, args["coll"], args["size"]), {}
    if action == "dec":
        vault, out = decrease(vault, place, side, args["coll"], args["size"])
        return vault, {"out": out}
    return liquidate(vault, place, side)


def claims() -> tuple[Claim, ...]:
    """All of it, exactly."""
    return (agreement("T-gmx-v1", "GMX V1 vault", SOURCE, replay, exact=True),)
