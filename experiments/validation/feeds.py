"""Maker's Median (5 of 13) and Oracle Security Module, 420 recorded pokes; Chainlink's Median library, 150 lists.

Who may sign is not economics; that a bundle must be a quorum, in order, and newer than the last is predicted with the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from experiments.validation.base import Claim
from experiments.validation.replays import Step, agreement, scenarios
from protocol.oracles.median import middle
from protocol.oracles.security_module import Feed, hopped

SUBJECT = "Median and delayed oracles, as deployed"
STATE = ("median_val", "median_has", "median_age", "osm_cur", "osm_cur_has", "osm_next", "osm_next_has", "osm_zzz")
Value = tuple[int, int]  # value, and whether there is one


def maker() -> Iterator[Step]:
    """Predict each poke from the state that the last one left."""
    _, params, rows = next(scenarios("oracles.json"))
    state = dict.fromkeys(STATE, 0)
    for number, row in enumerate(rows):
        args, left = row["args"], {name: row[name] for name in ("ok", "revert", *STATE)}
        told: dict[str, Any] = {"ok": 1, "revert": "", **state}
        if row["action"] == "median_poke":
            told["revert"] = refused(args, state["median_age"], params["quorum"], params["oracles"])
            if not told["revert"]:
                told |= {"median_val": middle(args["vals"]), "median_has": 1, "median_age": row["t"]}
        else:
            now, later = (state["osm_cur"], state["osm_cur_has"]), (state["osm_next"], state["osm_next_has"])
            seen = state["median_val"], state["median_has"]
            feed = hopped(Feed(now, later, state["osm_zzz"]), seen, row["t"], params["hop"])
            if feed is None:
                told["revert"] = "OSM/not-passed"
            elif seen[1]:
                told |= dict(zip(STATE[3:], (*feed.now, *feed.later, int(feed.since)), strict=True))
        told["ok"] = int(not told["revert"])
        yield Step(number, row["action"], told, left)
        state = {name: row[name] for name in STATE}


def refused(args: dict[str, Any], age: int, quorum: int, oracles: int) -> str:
    """Why a bundle of signed values is not taken, in the order of the contract's checks; "" where it is."""
    if len(args["vals"]) != quorum:
        return "Median/bar-too-low"
    last, seen = 0, set()
    for place, (oracle, value, when) in enumerate(zip(args["oracles"], args["vals"], args["ages"], strict=True)):
        if oracle >= oracles or (place == 0 and args["rogue_first"]):
            return "Median/invalid-oracle"
        if when <= age:
            return "Median/stale-message"
        if value < last:
            return "Median/messages-not-in-order"
        if oracle in seen:
            return "Median/oracle-already-signed"
        last = value
        seen.add(oracle)
    return ""


def chainlink() -> Iterator[Step]:
    """The median of every recorded list."""
    *_, (_, _, rows) = scenarios("oracles.json")
    for number, row in enumerate(rows):
        yield Step(number, "median", {"median": middle(row["values"])}, {"median": row["median"]})


def claims() -> tuple[Claim, ...]:
    """Both, exactly."""
    return (
        agreement(
            "T-maker-median-osm",
            "Maker's median and delay",
            "makerdao/median, makerdao/osm, recorded bytecode",
            maker,
            exact=True,
        ),
        agreement(
            "T-chainlink-median",
            "Chainlink's median",
            "@chainlink/contracts 0.6.1, recorded bytecode",
            chainlink,
            exact=True,
        ),
    )
