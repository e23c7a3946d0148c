"""Maker's Liquidations 2.0 (Dog, Clipper, abaci), 910 recorded actions: what is auctioned, prices, slices, resets, incentives.

Configured as `Dutch` with each of the three curves: price, staleness and slice are `liquidations.curves` and `lots.slice_of`. What
is the contract's own and kept by the replay: how much of a vault may be auctioned under a cap on debts at auction, and the list
of auctions (the last takes the place of one that ends). The vaults themselves (`frob`, `drip`, `heal`) are taken as recorded, as
far as auctions read them: what is predicted of such a row is every running auction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from experiments.validation.base import Claim
from experiments.validation.replays import Step, agreement, scenarios, step
from protocol.fixed_point import down
from protocol.liquidations.curves import exponential, is_stale, linear, stairstep
from protocol.liquidations.lots import slice_of

SUBJECT = "Maker's auctions, as deployed"
SOURCE = "makerdao/dss Dog and Clipper, recorded bytecode"
RAY, WAD = 10**27, 10**18
AUCTIONS = ("bark", "take", "redo")


class Refused(Exception):
    """The contract's reason."""


class Sale(NamedTuple):
    """One auction: its top price in rays, when its round began, units in wads, and what it is to raise in rads."""

    number: int
    top: int
    start: int
    lot: int
    tab: int


@dataclass(frozen=True)
class House:
    """What the auctions know. `debts`: at auction, in rads."""

    params: dict[str, Any]
    feed: int
    sales: tuple[Sale, ...] = ()
    debts: int = 0
    kicks: int = 0
    now: int = 0


def replay() -> Iterator[Step]:
    """Predict each row from the auctions that the last one left."""
    for _, params, rows in scenarios("maker_clip.json"):
        house = House(params, params["px0"])
        vaults: dict[int, tuple[int, int]] = {}
        for number, row in enumerate(rows):
            house, revert = replace(house, now=row["t"], feed=row["price_feed_wad"]), ""
            result: dict[str, int] = {}
            if row["action"] in AUCTIONS:
                try:
                    house, result = act(house, row, vaults.get(row["actor"], (0, 0)))
                except Refused as reason:
                    revert = str(reason)
            told: dict[str, Any] = {"Dirt": house.debts, "dirt": house.debts} | shown(house) | result
            left: dict[str, Any] = {"Dirt": row["Dirt"], "dirt": row["dirt"]} | listed(row["active"])
            if row["action"] in AUCTIONS:
                told |= {"ok": int(not revert), "revert": revert}
                left |= {"ok": row["ok"], "revert": row["revert"]}
                left |= {name: value for name, value in row["res"].items() if name != "usr"}
            yield step(number, row["action"], told, left)
            vaults[row["actor"]] = row["ink"], row["art"]
            house = replace(house, debts=row["Dirt"])


def shown(house: House) -> dict[str, int]:
    """Every auction as `list` shows it."""
    return listed([[one.number, int(stale(house, one)), price(house, one), one.lot, one.tab] for one in house.sales])


def listed(active: list[list[int]]) -> dict[str, int]:
    """The recorded list as names and numbers."""
    names = ("number", "stale", "price", "lot", "tab")
    told = {f"{place}.{name}": v for place, one in enumerate(active) for name, v in zip(names, one, strict=True)}
    return told | {"running": len(active)}


def price(house: House, sale: Sale) -> int:
    """What is asked now, in rays."""
    numbers: dict[str, int] = house.params["calcp"]
    elapsed = house.now - sale.start
    if house.params["calc"] == "LinearDecrease":
        return linear(sale.top, elapsed, numbers["tau"], RAY)
    if house.params["calc"] == "StairstepExponentialDecrease":
        return stairstep(sale.top, elapsed, numbers["cut"], numbers["step"], RAY)
    return exponential(sale.top, elapsed, numbers["cut"], RAY)


def stale(house: House, sale: Sale) -> bool:
    """Whether a round is over."""
    params = house.params
    return is_stale(price(house, sale), sale.top, house.now - sale.start, params["tail"], params["cusp"], RAY)


def act(house: House, row: dict[str, Any], vault: tuple[int, int]) -> tuple[House, dict[str, int]]:
    """Start, take or restart; what the contract emits."""
    args = row["args"]
    if row["action"] == "bark":
        return bark(house, *vault, row["rate"], row["spot"])
    sale = next((one for one in house.sales if one.number == args["id"]), None)
    if sale is None:
        raise Refused("Clipper/not-running-auction")
    if row["action"] == "redo":
        return redo(house, sale, row["chost"])
    return take(house, sale, args["amt"], args["max"], row["chost"])


def bark(house: House, collateral: int, art: int, rate: int, spot: int) -> tuple[House, dict[str, int]]:
    """Auction a vault that its collateral does not cover, as much of it as the caps let."""
    params = house.params
    if collateral * spot >= art * rate:
        raise Refused("Dog/not-unsafe")
    room = min(params["Hole"], params["hole"]) - house.debts
    if room <= 0:
        raise Refused("Dog/liquidation-limit-hit")
    part = min(art, room * WAD // rate // params["chop"])
    if art > part and (art - part) * rate < params["dust"]:
        part = art
    elif art > part and part * rate < params["dust"]:
        raise Refused("Dog/dusty-auction-from-partial-liquidation")
    lot = collateral * part // art
    if lot <= 0:
        raise Refused("Dog/null-auction")
    due = part * rate
    tab = down(due, params["chop"], WAD)
    top = top_of(house)
    number = house.kicks + 1
    sale = Sale(number, top, house.now, lot, tab)
    told = {"id": number, "ink": lot, "art": part, "due": due, "top": top, "tab": tab, "lot": lot}
    house = replace(house, sales=(*house.sales, sale), debts=house.debts + tab, kicks=number)
    return house, told | {"coin": incentive(house, tab)}


def top_of(house: House) -> int:
    """Where a round begins, in rays."""
    return int(down(house.feed * 10**9, house.params["buf"], RAY))


def incentive(house: House, tab: int) -> int:
    """For whoever starts a round, in rads."""
    return int(house.params["tip"] + down(tab, house.params["chip"], WAD))


def redo(house: House, sale: Sale, dust: int) -> tuple[House, dict[str, int]]:
    """Begin another round."""
    if not stale(house, sale):
        raise Refused("Clipper/cannot-reset")
    new = sale._replace(top=top_of(house), start=house.now)
    worth = sale.tab >= dust and sale.lot * house.feed * 10**9 >= dust
    told = {"top": new.top, "tab": sale.tab, "lot": sale.lot, "coin": incentive(house, sale.tab) if worth else 0}
    return replace(house, sales=tuple(new if one == sale else one for one in house.sales)), told


def take(house: House, sale: Sale, most: int, limit: int, dust: int) -> tuple[House, dict[str, int]]:
    """Sell up to `most` at the price of now."""
    if stale(house, sale):
        raise Refused("Clipper/needs-reset")
    asked = price(house, sale)
    if limit < asked:
        raise Refused("Clipper/too-expensive")
    part, owed = slice_of(sale.lot, sale.tab, most, asked, dust)
    if (part, owed) == (0, 0):
        raise Refused("Clipper/no-partial-purchase")
    left = sale._replace(lot=sale.lot - int(part), tab=sale.tab - int(owed))
    told = {"price": asked, "owe": int(owed), "tab": left.tab, "lot": left.lot}
    if left.lot and left.tab:
        sales = tuple(left if one == sale else one for one in house.sales)
        return replace(house, sales=sales, debts=house.debts - int(owed)), told
    *rest, last = house.sales
    sales = tuple(last if one == sale else one for one in rest)
    freed = sale.tab if left.lot == 0 else int(owed)
    return replace(house, sales=sales, debts=house.debts - freed), told


def claims() -> tuple[Claim, ...]:
    """All of it, exactly."""
    return (agreement("T-maker-clip", "Maker's auctions", SOURCE, replay, exact=True),)
