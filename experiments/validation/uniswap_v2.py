"""Uniswap V2's pair, 1,300 recorded actions: swaps, liquidity, the protocol's part of fees, cumulative prices.

Configured as `ConstantProduct(fee=0.003)`: 997 of 1,000 of an input count. What a pool here does not have, its founders being
there from the start, is the first deposit (root of the product, 1,000 shares locked) and tokens that lie with the pair and are
not yet counted (`sync`, `skim`): these are bookkeeping of the replay.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from typing import Any

from experiments.validation.base import Claim
from experiments.validation.replays import Step, agreement, rows_of
from protocol.oracles.cumulative import integral
from protocol.venues.constant_product import amount_out, cut_shares, keeps_product, part_of, shares_for

SUBJECT = "Uniswap V2, as deployed"
SOURCE = "@uniswap/v2-core 1.0.1, recorded bytecode"
KEPT, PARTS = 997, 1_000
LOCKED = 1_000  # shares that nobody owns after the first deposit
CUT = 6  # one part in six of what fees add goes to the protocol, where a taker is named
Q112, WORD, CLOCK = 1 << 112, 1 << 256, 1 << 32
STATE = ("r0", "r1", "ts32", "p0cum", "p1cum", "klast", "supply", "fee_lp")


def replay() -> Iterator[Step]:
    """Predict each row from the state that the last one left."""
    state: dict[str, int] = {}
    session = ""
    for number, row in enumerate(rows_of("uniswap_v2.csv")):
        if row["scenario"] != session:
            session, state = row["scenario"], dict.fromkeys(STATE, 0)
        told = act(state, row, CUT if "nofee" not in session and "wrap" not in session else 0)
        yield Step(number, row["action"], told, {name: row[name] for name in told})
        state = {name: row[name] for name in STATE}


def act(state: dict[str, int], row: dict[str, Any], cut: int) -> dict[str, Any]:
    """What a row's action gives and leaves, by the product's formulas."""
    reserves, in_ = (state["r0"], state["r1"]), (row["in0"], row["in1"])
    have = reserves[0] + in_[0], reserves[1] + in_[1]
    out, shares, revert = (0, 0), 0, ""
    supply, fee_shares, last = state["supply"], 0, state["klast"]
    if row["action"] in ("mint", "burn"):
        fee_shares = cut_shares(isqrt(last), isqrt(reserves[0] * reserves[1]), supply, cut)
    supply += fee_shares
    if row["action"] == "mint":
        if supply == 0:
            shares = isqrt(in_[0] * in_[1]) - LOCKED
        else:
            shares = shares_for(in_[0], in_[1], reserves[0], reserves[1], supply)
        revert = "" if shares > 0 else "UniswapV2: INSUFFICIENT_LIQUIDITY_MINTED"
        supply += shares + (LOCKED if state["supply"] == 0 else 0)
    elif row["action"] == "burn":
        out = part_of(row["lp_in"], have[0], supply), part_of(row["lp_in"], have[1], supply)
        revert = "" if min(out) > 0 else "UniswapV2: INSUFFICIENT_LIQUIDITY_BURNED"
        supply -= row["lp_in"]
    elif row["action"] in ("swap", "swap_exact_in", "over_swap"):
        out = row["want0"], row["want1"]
        if row["action"] == "swap_exact_in":
            bought = amount_out(max(in_), *(reserves if in_[0] else reserves[::-1]), KEPT, PARTS)
            out = (0, bought) if in_[0] else (bought, 0)
        revert = refused(reserves, have, out)
    after = have[0] - out[0], have[1] - out[1]
    if row["action"] == "skim":  # whatever lies there uncounted goes to whoever asks
        out, after = in_, reserves
    if revert:
        return {"ok": 0, "revert": revert, "out0": 0, "out1": 0, "lp_out": 0} | state
    touched = row["action"] != "skim"
    elapsed = (row["t"] - state["ts32"]) % CLOCK if touched else 0
    counts = elapsed > 0 and min(reserves) > 0
    return {
        "ok": 1,
        "revert": "",
        "out0": out[0],
        "out1": out[1],
        "lp_out": shares,
        "r0": after[0],
        "r1": after[1],
        "ts32": row["t"] % CLOCK if touched else state["ts32"],
        "p0cum": integral(state["p0cum"], reserves[1] * Q112 // reserves[0], elapsed) % WORD
        if counts
        else state["p0cum"],
        "p1cum": integral(state["p1cum"], reserves[0] * Q112 // reserves[1], elapsed) % WORD
        if counts
        else state["p1cum"],
        "klast": after[0] * after[1] if cut and row["action"] in ("mint", "burn") else last,
        "supply": supply,
        "fee_lp": state["fee_lp"] + fee_shares,
    }


def refused(reserves: tuple[int, int], have: tuple[int, int], out: tuple[int, int]) -> str:
    """Why a swap is not made; "" where it is."""
    if max(out) <= 0:
        return "UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT"
    if out[0] >= reserves[0] or out[1] >= reserves[1]:
        return "UniswapV2: INSUFFICIENT_LIQUIDITY"
    after = have[0] - out[0], have[1] - out[1]
    came = tuple(max(0, new - (old - gone)) for new, old, gone in zip(after, reserves, out, strict=True))
    if max(came) <= 0:
        return "UniswapV2: INSUFFICIENT_INPUT_AMOUNT"
    return "" if keeps_product(reserves, after, (came[0], came[1]), KEPT, PARTS) else "UniswapV2: K"


def claims() -> tuple[Claim, ...]:
    """All of it, exactly."""
    return (agreement("T-uniswap-v2", "Uniswap V2 pair", SOURCE, replay, exact=True),)
