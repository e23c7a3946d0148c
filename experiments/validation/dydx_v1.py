"""dYdX's Perpetual V1, 1,100 recorded actions: funding by a cumulative index, margin, liquidation and deleveraging at bankruptcy.

Put to `Collateralised(maintenance=...)`, which says who stands, with `InProportion` for liquidations, where
margin and position leave at the price of `lots.unwound_at`, and `Deleverage` at that of `lots.bankrupt_at`, both in exact
fractions, and each put to the verb as well (`seated`). The wait for a mark is never too short
in the record. Funding is settled as here, each account's own when it is
touched, rounded against it (`clearing.funding_due`). What is the contract's own and kept by the replay: bounds on a new funding
rate, how many units a liquidation may take, and who may trade while below the margin. That zero keeps the sign of what it came
from is bookkeeping, but decides who may be deleveraged: it is kept as there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

from experiments.validation import seated
from experiments.validation.base import Claim
from experiments.validation.replays import CLOSE, Step, agreement, scenarios, step, within
from protocol.clearing import funding_due
from protocol.fixed_point import down
from protocol.liquidations.backstop import is_late
from protocol.liquidations.lots import bankrupt_at, unwound_at
from protocol.margins.collateralised import share_of
from protocol.oracles.cumulative import integral

SUBJECT = "dYdX Perpetual V1, as deployed"
SOURCE = "dydxprotocol/perpetual PerpetualV1, recorded bytecode"
ONE = 10**18
MOST_RATE = ONE * 75 // 10_000 // 28_800  # per second: three quarters of a per cent in eight hours
MOST_CHANGE = MOST_RATE * 2 // 2_700  # per second since the rate was last set
TIMELOCK = 1_800  # seconds from a mark to a deleveraging by anybody


class Refused(Exception):
    """The contract's reason."""


class Signed(NamedTuple):
    """A number with a sign, which zero has too."""

    positive: int = 0
    size: int = 0

    @property
    def value(self) -> int:
        """As a whole number."""
        return self.size if self.positive else -self.size

    def plus(self, amount: int) -> Signed:
        """More; zero is reached from below as negative."""
        value = self.value + amount
        return Signed(int(value > 0 or bool(self.positive)), abs(value))

    def minus(self, amount: int) -> Signed:
        """Less; zero is negative."""
        value = self.value - amount
        return Signed(int(value > 0), abs(value))

    def above(self, other: Signed) -> bool:
        """Whether it is more; a positive zero is more than a negative one."""
        return (self.value, self.positive) > (other.value, other.positive)


class Index(NamedTuple):
    """Funding that has added up, as of a time."""

    time: int = 0
    positive: int = 0
    size: int = 0

    @property
    def value(self) -> int:
        """As a whole number."""
        return self.size if self.positive else -self.size


class Balance(NamedTuple):
    """What an account has."""

    margin: Signed = Signed()
    position: Signed = Signed()

    def worth(self, price: int) -> int:
        """Equity, in 36 decimals of a margin unit; signed."""
        return self.margin.value * ONE + self.position.value * price

    def sides(self, price: int) -> tuple[int, int]:
        """What counts for it and against it, in 36 decimals of a margin unit."""
        parts = ((self.margin, ONE), (self.position, price))
        return (
            sum(one.size * price for one, price in parts if one.positive),
            sum(one.size * price for one, price in parts if not one.positive),
        )


@dataclass(frozen=True)
class Market:
    """All that the contracts remember; a refused action leaves it as it was."""

    least: int  # collateralisation, in 18 decimals
    price: int
    index: Index
    balances: tuple[Balance, ...]
    indices: tuple[Index, ...]
    rate: Signed = Signed(1, 0)
    rate_time: int = 0
    tokens: int = 0
    marks: tuple[int, ...] = ()
    now: int = 0


def replay() -> Iterator[Step]:
    """Predict each row from the state that the last one left."""
    for _, params, rows in scenarios("dydx_perp_v1.json"):
        count, start = params["accounts"], params["t_init"]
        first = Index(start)
        least, price = params["min_collateral"], params["price0"]
        market = Market(least, price, first, (Balance(),) * count, (Index(),) * count, rate_time=start)
        market = replace(market, marks=(0,) * count)
        for number, row in enumerate(rows):
            market, revert = replace(market, now=row["t"]), ""
            result: dict[str, int] = {}
            before = market
            try:
                market, result = act(market, row)
            except Refused as reason:
                revert = str(reason)
            balances = [(*one.margin, *one.position) for one in market.balances]
            told: dict[str, Any] = columns(market.price, market.rate, market.index, balances, market.indices)
            left: dict[str, Any] = columns(row["price"], row["funding"], row["gindex"], row["bals"], row["lindex"])
            told |= {"ok": int(not revert), "revert": revert} | result
            left |= {"ok": row["ok"], "revert": row["revert"]} | row["res"]
            held = tuple(Balance(Signed(*one[:2]), Signed(*one[2:])) for one in row["bals"])
            if row["res"].get("pos"):
                told["played"] = within(played(before, row), row["res"]["margin"], rounding=1.0)
                left["played"] = row["res"]["margin"]
            for who, one in enumerate(held):
                told |= {f"class.{n}.{who}": v for n, v in weighed(market.least, row["price"], one).items()}
                left |= {f"class.{n}.{who}": "as recorded" for n in ("worth", "needs")}
            yield step(number, row["action"], told, left)
            market = replace(market, price=row["price"], rate=Signed(*row["funding"]), index=Index(*row["gindex"]))
            market = replace(market, balances=held, indices=tuple(Index(*one) for one in row["lindex"]))


def played(market: Market, row: dict[str, Any]) -> float:
    """The margin that the game moves with the position: by the plan of `InProportion`, or by `Deleverage`, carried out."""
    args, who = row["args"], row["actor"]
    market = settle(settle(accrue(market), who), args["maker"])
    held = market.balances[args["maker"]]
    verb = seated.in_proportion if row["action"] == "liquidate" else seated.deleveraged
    return verb(market.least / ONE, market.price / ONE, held.margin.value, held.position.value, row["res"]["pos"])


def weighed(least: int, price: int, held: Balance) -> dict[str, str]:
    """Whether `Collateralised` finds an account worth what is recorded, and in need of what the contract's inequality asks."""
    size = held.position.value
    notional = Fraction(abs(size) * price, ONE)
    above = notional * (least - ONE) / (least if size > 0 else ONE)
    worth, needs = seated.standing(least / ONE, price / ONE, held.margin.value, size)
    large = max(float(abs(held.margin.value)), float(notional), 1.0)
    off = {"worth": abs(worth - held.worth(price) / ONE) / large, "needs": abs(needs - float(above)) / large}
    return {name: "as recorded" if gap <= CLOSE else f"off by {gap:.3g}" for name, gap in off.items()}


def columns(price: int, rate: Any, index: Any, balances: Any, indices: Any) -> dict[str, int]:
    """The recorded columns as names and numbers."""
    told = {"price": price} | {f"rate.{i}": v for i, v in enumerate(rate)}
    told |= {f"index.{i}": v for i, v in enumerate(index)}
    for name, rows in (("balance", balances), ("settled", indices)):
        told |= {f"{name}.{who}.{i}": v for who, one in enumerate(rows) for i, v in enumerate(one)}
    return told


def act(market: Market, row: dict[str, Any]) -> tuple[Market, dict[str, int]]:
    """Do it; what the contract returns."""
    action, args, who = row["action"], row["args"], row["actor"]
    if action == "price":
        return replace(market, price=args["price"]), {}
    if action == "setrate":
        rate = bounded(market, Signed(args["pos"], args["value"]))
        return replace(market, rate=rate, rate_time=market.now), {}
    if action in ("mark", "unmark"):
        return mark(market, who, action), {}
    market = accrue(market)
    if action == "deposit":
        market = settle(market, who)
        held = market.balances[who]
        market = put(market, who, held._replace(margin=held.margin.plus(args["amt"])))
        return replace(market, tokens=market.tokens + args["amt"]), {}
    if action == "withdraw":
        return withdraw(settle(market, who), who, args["amt"]), {}
    maker = args["maker"]
    before = market = settle(settle(market, who), maker)
    result = {}
    if action == "trade":
        margin, position, buys = args["margin"], args["pos"], args["isBuy"]
    else:
        market, margin, position = (liquidated if action == "liquidate" else deleveraged)(market, who, args)
        buys, result = args["isBuy"], {"margin": margin, "pos": position}
    if who != maker:
        side = 1 if buys else -1
        market = put(market, who, exchanged(market.balances[who], side, margin, position))
        market = put(market, maker, exchanged(market.balances[maker], -side, margin, position))
    for account in sorted({who, maker}):
        need_standing(market, before.balances[account], market.balances[account])
    return market, result


def put(market: Market, who: int, balance: Balance) -> Market:
    """With one balance exchanged."""
    return replace(market, balances=(*market.balances[:who], balance, *market.balances[who + 1 :]))


def exchanged(held: Balance, side: int, margin: int, position: int) -> Balance:
    """After buying (1) or selling (-1)."""
    if side > 0:
        return Balance(held.margin.minus(margin), held.position.plus(position))
    return Balance(held.margin.plus(margin), held.position.minus(position))


# ---------------------------------------------------------------------- funding


def bounded(market: Market, new: Signed) -> Signed:
    """A new rate no further from the old than the time since allows, and within its bounds."""
    reach = MOST_CHANGE * (market.now - market.rate_time)
    if new.above(market.rate):
        bound = min_of(market.rate.plus(reach), Signed(1, MOST_RATE))
        return min_of(new, bound)
    bound = max_of(market.rate.minus(reach), Signed(0, MOST_RATE))
    return max_of(new, bound)


def min_of(a: Signed, b: Signed) -> Signed:
    """The lesser."""
    return a if b.above(a) else b


def max_of(a: Signed, b: Signed) -> Signed:
    """The greater."""
    return a if a.above(b) else b


def accrue(market: Market) -> Market:
    """The index up to now, at the price of now."""
    old, seconds = market.index, market.now - market.index.time
    if seconds <= 0:
        return market
    grown = down(integral(0, market.rate.size, seconds), market.price, ONE)
    sum_ = Signed(old.positive, old.size)
    sum_ = sum_.plus(grown) if market.rate.positive else sum_.minus(grown)
    return replace(market, index=Index(market.now, *sum_))


def settle(market: Market, who: int) -> Market:
    """Pay an account's funding since it was last touched, rounded against it."""
    new, old, held = market.index, market.indices[who], market.balances[who]
    if old.time == new.time:
        return market
    indices = (*market.indices[:who], new, *market.indices[who + 1 :])
    market = replace(market, indices=indices)
    if held.position.size == 0:
        return market
    start = Signed(new.positive, new.size)
    grown = start.minus(old.size) if old.positive else start.plus(old.size)
    size = held.position.value
    due = funding_due(size, new.value, size * old.value, ONE)
    gains = bool(grown.positive) != bool(held.position.positive)
    margin = held.margin.plus(-due) if gains else held.margin.minus(due)
    return put(market, who, held._replace(margin=margin))


# ---------------------------------------------------------------------- margin


def stands(market: Market, held: Balance) -> bool:
    """Whether equity is at least what the side needs: by `Collateralised`, but where floats cannot tell, exactly."""
    size = held.position.value
    worth, needs = seated.standing(market.least / ONE, market.price / ONE, held.margin.value, size)
    if abs(worth - needs) > CLOSE * max(abs(held.margin.value), needs):
        return worth >= needs
    above, below = share_of(1 if size > 0 else -1, market.least, ONE)
    return held.worth(market.price) * below >= abs(size) * market.price * above


def under_water(market: Market, held: Balance) -> bool:
    """Whether it owes more than it has."""
    return held.worth(market.price) < 0


def withdraw(market: Market, who: int, amount: int) -> Market:
    """Margin out, while the account stands and the tokens are there."""
    if amount > market.tokens:
        raise Refused("SafeERC20: low-level call failed")
    held = market.balances[who]
    held = held._replace(margin=held.margin.minus(amount))
    if not stands(market, held):
        raise Refused("account not collateralized")
    return replace(put(market, who, held), tokens=market.tokens - amount)


def need_standing(market: Market, was: Balance, now: Balance) -> None:
    """Below the margin, a trade may only make a position smaller, and not the account worse. Raises Refused."""
    if stands(market, now):
        return
    (good, bad), (good_was, bad_was) = now.sides(market.price), was.sides(market.price)
    text = "account is undercollateralized and "
    if good == 0:
        raise Refused(text + "has no positive value")
    if now.position.size > was.position.size:
        raise Refused(text + "absolute position size increased")
    if now.position.positive != was.position.positive:
        raise Refused(text + "position changed signs")
    if bad_was == 0:
        raise Refused(text + "was not previously")
    better = bad // ONE * good_was <= bad_was // ONE * good
    if not now.position.positive:
        better = good_was // ONE * bad <= good // ONE * bad_was
    if not better:
        raise Refused(text + "collateralization decreased")


def stake(market: Market, held: Balance) -> tuple[Fraction, Fraction, Fraction]:
    """(price, equity, position) of an account, exactly."""
    return Fraction(market.price, ONE), Fraction(held.worth(market.price), ONE), Fraction(held.position.value)


def rounded(margin: Fraction, *, up_: int) -> int:
    """Margin in units: up where the taker buys."""
    return math.ceil(abs(margin)) if up_ else math.floor(abs(margin))


def liquidated(market: Market, who: int, args: dict[str, Any]) -> tuple[Market, int, int]:
    """What a liquidator takes over of an account below the margin."""
    held = market.balances[args["maker"]]
    if stands(market, held):
        raise Refused("Cannot liquidate since maker is not undercollateralized")
    if args["allOrNothing"] and held.position.size < args["amt"]:
        raise Refused("allOrNothing is set and maker position is less than amount")
    if args["isBuy"] != held.position.positive:
        raise Refused("liquidation must not increase maker's position size")
    amount = min(args["amt"], held.position.size)
    owed = amount * unwound_at(*stake(market, held), Fraction(0)) if amount else Fraction(0)
    return market, rounded(owed, up_=args["isBuy"]), amount


def mark(market: Market, who: int, action: str) -> Market:
    """Begin, or end, the wait for a deleveraging of an account under water."""
    deep = under_water(market, market.balances[who])
    if action == "mark" and not deep:
        raise Refused("Cannot mark since account is not underwater")
    if action == "unmark" and deep:
        raise Refused("Cannot unmark since account is underwater")
    return replace(market, marks=noted(market, who, market.now if action == "mark" else 0))


def noted(market: Market, who: int, time: int) -> tuple[int, ...]:
    """The marks with one exchanged."""
    return (*market.marks[:who], time, *market.marks[who + 1 :])


def deleveraged(market: Market, who: int, args: dict[str, Any]) -> tuple[Market, int, int]:
    """What an account on the other side must take over of one under water."""
    maker = args["maker"]
    held, other = market.balances[maker], market.balances[who]
    if not args["by_operator"]:
        if market.marks[maker] == 0:
            raise Refused("Cannot deleverage since account is not marked")
        if not is_late(market.now, market.marks[maker], TIMELOCK):
            raise Refused("Cannot deleverage since account has not been marked for the timelock period")
    if not under_water(market, held):
        raise Refused("Cannot deleverage since maker is not underwater")
    if args["allOrNothing"] and held.position.size < args["amt"]:
        raise Refused("allOrNothing is set and maker position is less than amount")
    if other.position.positive == held.position.positive:
        raise Refused("Taker position has wrong sign to deleverage this maker")
    amount = min(args["amt"], held.position.size, other.position.size)
    if amount == held.position.size and market.marks[maker]:
        market = replace(market, marks=noted(market, maker, 0))
    owed = amount * bankrupt_at(*stake(market, held), Fraction(1)) if amount else Fraction(0)
    return market, rounded(owed, up_=args["isBuy"]), amount


def claims() -> tuple[Claim, ...]:
    """All of it, exactly."""
    return (agreement("T-dydx-v1", "dYdX Perpetual V1", SOURCE, replay, exact=True),)
