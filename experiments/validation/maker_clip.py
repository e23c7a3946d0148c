"""Maker's vaults and Liquidations 2.0 (Vat, Jug, Dog, Clipper), 910 recorded actions: debts, fees, auctions, prices, incentives.

By the formulas of `Dutch`, not by the class: price, staleness and slice are `liquidations.curves` and `lots.slice_of`. Who stands
and what a fee grows to are put to a `Synthetic` issue (`seated_rules`), with a loan's `BySecond` growth for the vaults
(`maker_vat`). What is the contract's own and kept by the replay: how much of a vault may be auctioned under a cap on debts at
auction, the list of auctions (the last takes the place of one that ends), and the books of the Vat. Its debt ceiling is not
among the recorded numbers, and was never reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from experiments.validation import maker_vat, seated_rules
from experiments.validation.base import Claim
from experiments.validation.maker_vat import KEEPERS, RAY, WAD, Refused, Vat
from experiments.validation.replays import Step, agreement, scenarios, step, within
from protocol.fixed_point import down
from protocol.liquidations.curves import exponential, is_stale, linear, stairstep
from protocol.liquidations.lots import slice_of

SUBJECT = "Maker's vaults and auctions, as deployed"
SOURCE = "makerdao/dss Vat, Jug, Dog and Clipper, recorded bytecode"


class Sale(NamedTuple):
    """One auction: its top price in rays, when its round began, units in wads, what it is to raise in rads, and whose it is."""

    number: int
    top: int
    start: int
    lot: int
    tab: int
    owner: int


@dataclass(frozen=True)
class House:
    """What the auctions know. `debts`: at auction, in rads."""

    params: dict[str, Any]
    vat: Vat
    sales: tuple[Sale, ...] = ()
    debts: int = 0
    kicks: int = 0

    @property
    def now(self) -> int:
        """Seconds."""
        return self.vat.now

    @property
    def least(self) -> int:
        """What is too little to be left to raise, or to be rewarded for, in rads."""
        dust, penalty = int(self.params["dust"]), int(self.params["chop"])
        return down(dust, penalty, WAD)


def replay() -> Iterator[Step]:
    """Predict each row from the state that the last one left."""
    for _, params, rows in scenarios("maker_clip.json"):
        house = House(params, maker_vat.opened(params))
        for number, row in enumerate(rows):
            house, revert = replace(house, vat=replace(house.vat, now=row["t"])), ""
            before, result = house.vat, dict[str, int]()
            try:
                house, result = act(house, row)
            except Refused as reason:
                revert = str(reason)
            told: dict[str, Any] = {"Dirt": house.debts, "dirt": house.debts} | shown(house)
            told |= {f"event.{name}": value for name, value in result.items()}
            told |= {"ok": int(not revert), "revert": revert, "chost": house.least}
            told |= maker_vat.view(house.vat, row["actor"])
            left: dict[str, Any] = {name: row[name] for name in told if name in row} | listed(row["active"])
            left |= {f"event.{name}": value for name, value in row["res"].items() if name != "usr"}
            if row["action"] == "drip":
                grown = seated_rules.grown(int(params["duty"]), before.rate, row["t"] - before.dripped)
                told["index"], left["index"] = within(grown, row["rate"]), row["rate"]
            yield step(number, row["action"], told, left)
            house = replace(house, debts=row["Dirt"], vat=maker_vat.adopt(house.vat, row))


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


def act(house: House, row: dict[str, Any]) -> tuple[House, dict[str, int]]:
    """Do it; what the contract emits."""
    action, args, who, vat = row["action"], row["args"], row["actor"], house.vat
    if action == "bark":
        return bark(house, who, KEEPERS + args["kpr"])
    if action in ("take", "redo"):
        sale = next((one for one in house.sales if one.number == args["id"]), None)
        if sale is None:
            raise Refused("Clipper/not-running-auction")
        return redo(house, sale, who) if action == "redo" else take(house, sale, who, args["amt"], args["max"])
    if action == "price":
        return replace(house, vat=maker_vat.poke(vat, args["val"])), {}
    if action == "frob":
        return replace(house, vat=maker_vat.frob(vat, who, args["dink"], args["dart"])), {}
    if action == "heal":
        return replace(house, vat=maker_vat.heal(vat, args["rad"])), {}
    vat = maker_vat.drip(vat)
    return replace(house, vat=vat), {"rate": vat.rate}


def bark(house: House, who: int, keeper: int) -> tuple[House, dict[str, int]]:
    """Auction a vault that its collateral does not cover, as much of it as the caps let."""
    params, vat = house.params, house.vat
    collateral, art, rate = vat.locked[who], vat.owed[who], vat.rate
    if maker_vat.backs(vat, collateral, art):
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
    sale = Sale(number, top, house.now, lot, tab, who)
    told = {"id": number, "ink": lot, "art": part, "due": due, "top": top, "tab": tab, "lot": lot}
    coin = incentive(house, tab)
    vat = maker_vat.reward(maker_vat.grab(vat, who, lot, part), keeper, coin)
    house = replace(house, vat=vat, sales=(*house.sales, sale), debts=house.debts + tab, kicks=number)
    return house, told | {"coin": coin}


def top_of(house: House) -> int:
    """Where a round begins, in rays."""
    return int(down(house.vat.feed * 10**9, house.params["buf"], RAY))


def incentive(house: House, tab: int) -> int:
    """For whoever starts a round, in rads."""
    return int(house.params["tip"] + down(tab, house.params["chip"], WAD))


def redo(house: House, sale: Sale, keeper: int) -> tuple[House, dict[str, int]]:
    """Begin another round."""
    if not stale(house, sale):
        raise Refused("Clipper/cannot-reset")
    new = sale._replace(top=top_of(house), start=house.now)
    worth = sale.tab >= house.least and sale.lot * house.vat.feed * 10**9 >= house.least
    coin = incentive(house, sale.tab) if worth else 0
    told = {"top": new.top, "tab": sale.tab, "lot": sale.lot, "coin": coin}
    sales = tuple(new if one == sale else one for one in house.sales)
    return replace(house, vat=maker_vat.reward(house.vat, keeper, coin), sales=sales), told


def take(house: House, sale: Sale, keeper: int, most: int, limit: int) -> tuple[House, dict[str, int]]:
    """Sell up to `most` at the price of now."""
    if stale(house, sale):
        raise Refused("Clipper/needs-reset")
    asked = price(house, sale)
    if limit < asked:
        raise Refused("Clipper/too-expensive")
    part, owed = slice_of(sale.lot, sale.tab, most, asked, house.least)
    if (part, owed) == (0, 0):
        raise Refused("Clipper/no-partial-purchase")
    left = sale._replace(lot=sale.lot - int(part), tab=sale.tab - int(owed))
    told = {"price": asked, "owe": int(owed), "tab": left.tab, "lot": left.lot}
    vat = maker_vat.sold(house.vat, keeper, int(part), int(owed))
    if left.tab == 0:  # what is left of the lot goes back
        vat = replace(vat, tokens=maker_vat.put(vat.tokens, sale.owner, left.lot))
    house = replace(house, vat=vat)
    if left.lot and left.tab:
        sales = tuple(left if one == sale else one for one in house.sales)
        return replace(house, sales=sales, debts=house.debts - int(owed)), told
    *rest, last = house.sales
    sales = tuple(last if one == sale else one for one in rest)
    freed = sale.tab if left.lot == 0 else int(owed)
    return replace(house, sales=sales, debts=house.debts - freed), told


def claims() -> tuple[Claim, ...]:
    """All of it, exactly."""
    return (agreement("T-maker-clip", "Maker's vaults and auctions", SOURCE, replay, exact=True),)
