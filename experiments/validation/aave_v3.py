"""Aave V3 1.19.3, 780 recorded actions: rates, indices, supply, borrowing, repayment, withdrawal, liquidation calls.

By the formulas of two `LoanPool(rate=Kinked(...), growth=Binomial())` with `Seizure(deep=0.95)`. What is its own and kept by
the replay: deposits grow by an index of their own, linear in time (`growth.linear`; a pool here has shares, worth what debts have
grown to), the treasury's part waits outside of them, a share of the liquidation bonus is the treasury's, and the bonus is applied
after the price. Numbers of errors are Aave's; only variable rates are recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from experiments.validation.base import Claim
from experiments.validation.replays import Step, agreement, scenarios, step
from protocol.fixed_point import down, half_up
from protocol.lending import earned
from protocol.liquidations.seizure import closable, taken_for
from protocol.rates.growth import binomial, linear
from protocol.rates.kinked import two_lines

SUBJECT = "Aave V3, as deployed"
SOURCE = "@aave/core-v3 1.19.3, recorded bytecode"
RAY, WAD, PERCENT, YEAR = 10**27, 10**18, 10_000, 31_536_000
ALL = (1 << 256) - 1
HALF, DEEP = 5_000, 95 * 10**16  # close factor, and the health factor from which on all goes
LIQUIDATOR, TREASURY = 5, 6  # places among the users
USER = ("a0", "v0", "a1", "v1", "bits")
ACCOUNT = ("collateral", "debt", "available", "threshold", "ltv", "health")


class Refused(Exception):
    """The contract's number."""


class Reserve(NamedTuple):
    """One asset. `supplied` and `owed` are scaled by the indices; `held` are tokens."""

    income: int = RAY
    supply_rate: int = 0
    debt: int = RAY
    borrow_rate: int = 0
    time: int = 0
    treasury: int = 0
    held: int = 0
    supplied: int = 0
    owed: int = 0


class Worth(NamedTuple):
    """What an account has and owes, in the oracle's unit; ratios in percent of a percent, health in 10**18."""

    collateral: int
    debt: int
    available: int
    threshold: int
    ltv: int
    health: int


@dataclass(frozen=True)
class Pool:
    """Both reserves and all users: scaled deposits and debts of each asset, and which are collateral or borrowed."""

    params: dict[str, Any]
    prices: tuple[int, ...]
    reserves: tuple[Reserve, ...]
    users: tuple[tuple[int, ...], ...]
    now: int = 0


def replay() -> Iterator[Step]:
    """Predict each row from the state that the last one left."""
    for _, params, rows in scenarios("aave_v3.json"):
        pool = Pool(params, tuple(params["px"]), (Reserve(), Reserve()), ((0,) * 5,) * (params["users"] + 2))
        for number, row in enumerate(rows):
            pool, revert = replace(pool, now=row["t"]), ""
            result: dict[str, int] = {}
            try:
                pool, result = act(pool, row)
            except Refused as reason:
                revert = str(reason)
            told: dict[str, Any] = (
                {"ok": int(not revert), "revert": revert} | result | columns(pool.prices, pool.reserves, pool.users)
            )
            left = {"ok": row["ok"], "revert": row["revert"]} | row["res"]
            left |= columns(row["prices"], row["reserves"], row["users"])
            if row["account"]:
                told |= dict(zip(ACCOUNT, worth(pool, row["actor"]), strict=True))
                left |= dict(zip(ACCOUNT, row["account"], strict=True))
            yield step(number, row["action"], told, left)
            reserves = tuple(Reserve(*one) for one in row["reserves"])
            users = tuple(tuple(one) for one in row["users"])
            pool = replace(pool, prices=tuple(row["prices"]), reserves=reserves, users=users)


def columns(prices: Any, reserves: Any, users: Any) -> dict[str, int]:
    """The recorded columns as names and numbers."""
    told = {f"price.{asset}": price for asset, price in enumerate(prices)}
    for asset, reserve in enumerate(reserves):
        told |= {f"reserve.{asset}.{name}": value for name, value in zip(Reserve._fields, reserve, strict=True)}
    for who, user in enumerate(users):
        told |= {f"user.{who}.{name}": value for name, value in zip(USER, user, strict=True)}
    return told


def act(pool: Pool, row: dict[str, Any]) -> tuple[Pool, dict[str, int]]:
    """Do it; what the contract returns."""
    action, args, who = row["action"], row["args"], row["actor"]
    if action == "price":
        return replace(pool, prices=tuple(row["prices"])), {}
    if action == "liq":
        return liquidate(pool, who, args["coll"], args["debt"], args["amt"], LIQUIDATOR, args["receive_atoken"])
    asset, amount = args["asset"], args["amt"]
    verb = {"supply": supply, "withdraw": withdraw, "borrow": borrow, "repay": repay}[action]
    return verb(pool, who, asset, amount)


# ---------------------------------------------------------------------- state


def scaled(units: int, index: int) -> int:
    """Units in scaled ones."""
    return half_up(units, RAY, index)


def real(units: int, index: int) -> int:
    """Scaled units in real ones."""
    return half_up(units, index, RAY)


def income(reserve: Reserve, now: int) -> int:
    """The deposits' index now."""
    return half_up(RAY + linear(reserve.supply_rate, now - reserve.time, YEAR), reserve.income, RAY)


def debt_index(reserve: Reserve, now: int) -> int:
    """The debts' index now."""
    return half_up(RAY + binomial(reserve.borrow_rate, now - reserve.time, YEAR, RAY), reserve.debt, RAY)


def put(pool: Pool, asset: int, reserve: Reserve) -> Pool:
    """With one reserve exchanged."""
    return replace(pool, reserves=(*pool.reserves[:asset], reserve, *pool.reserves[asset + 1 :]))


def change(pool: Pool, who: int, column: int, by: int) -> Pool:
    """A user's scaled balance, and the reserve's sum of them."""
    user, asset = list(pool.users[who]), column // 2
    user[column] += by
    if user[column] < 0:
        raise Refused("Panic(0x11)")
    pool = replace(pool, users=(*pool.users[:who], tuple(user), *pool.users[who + 1 :]))
    reserve, name = pool.reserves[asset], "owed" if column % 2 else "supplied"
    return put(pool, asset, reserve._replace(**{name: getattr(reserve, name) + by}))


def mark(pool: Pool, who: int, bit: int) -> Pool:
    """Set a bit of a user's map: 2 n borrowed, 2 n + 1 collateral, of asset n."""
    *held, bits = pool.users[who]
    return replace(pool, users=(*pool.users[:who], (*held, bits | 1 << bit), *pool.users[who + 1 :]))


def unmark(pool: Pool, who: int, bit: int) -> Pool:
    """Clear it."""
    *held, bits = pool.users[who]
    return replace(pool, users=(*pool.users[:who], (*held, bits & ~(1 << bit)), *pool.users[who + 1 :]))


def accrue(pool: Pool, asset: int) -> Pool:
    """Bring both indices up to now, with the treasury's part of the interest."""
    old = pool.reserves[asset]
    if old.time == pool.now:
        return pool
    new = old._replace(time=pool.now)
    if old.supply_rate:
        new = new._replace(income=income(old, pool.now))
    if old.owed:
        new = new._replace(debt=debt_index(old, pool.now))
    interest = real(old.owed, new.debt) - real(old.owed, old.debt)
    part = half_up(interest, pool.params["rf"][asset], PERCENT)
    return put(pool, asset, new._replace(treasury=old.treasury + scaled(part, new.income)))


def reprice(pool: Pool, asset: int, added: int = 0, taken: int = 0) -> Pool:
    """Both rates at the utilisation that is to come."""
    reserve, params = pool.reserves[asset], pool.params
    owed, use = real(reserve.owed, reserve.debt), 0
    rate, earns = params["base"][asset], 0
    if owed:
        left = reserve.held + added - taken
        if left < 0:
            raise Refused("Panic(0x11)")
        use = half_up(owed, RAY, left + owed)
        kink = params["opt"][asset]
        rate = two_lines(use, params["base"][asset], params["s1"][asset], params["s2"][asset], kink, RAY)
        wide = owed * 10**9
        mean = half_up(half_up(wide, rate, RAY), RAY, wide)  # over debts of all kinds: of one kind, it rounds twice
        earns = earned(mean, use, PERCENT - params["rf"][asset], RAY, PERCENT)
    return put(pool, asset, reserve._replace(supply_rate=earns, borrow_rate=rate))


def pay(pool: Pool, asset: int, units: int) -> Pool:
    """Tokens into the reserve, or out of it."""
    reserve = pool.reserves[asset]
    return put(pool, asset, reserve._replace(held=reserve.held + units))


# ---------------------------------------------------------------------- accounts


def worth(pool: Pool, who: int) -> Worth:
    """An account at the oracle's prices."""
    user, params = pool.users[who], pool.params
    collateral = debt = limit = reach = 0
    for asset, reserve in enumerate(pool.reserves):
        price, unit = pool.prices[asset], 10 ** params["dec"][asset]
        if user[4] & 2 << 2 * asset:
            value = down(real(user[2 * asset], income(reserve, pool.now)), price, unit)
            collateral += value
            limit += value * params["ltv"][asset]
            reach += value * params["lt"][asset]
        if user[4] & 1 << 2 * asset:
            debt += down(real(user[2 * asset + 1], debt_index(reserve, pool.now)), price, unit)
    ltv, threshold = (limit // collateral, reach // collateral) if collateral else (0, 0)
    may = half_up(collateral, ltv, PERCENT)
    health = half_up(half_up(collateral, threshold, PERCENT), WAD, debt) if debt else ALL
    return Worth(collateral, debt, max(0, may - debt), threshold, ltv, health)


def need(condition: bool, number: int) -> None:
    """Refuse with Aave's number."""
    if not condition:
        raise Refused(str(number))


def supply(pool: Pool, who: int, asset: int, amount: int) -> tuple[Pool, dict[str, int]]:
    """Tokens in; a first deposit counts as collateral."""
    need(amount != 0, 26)
    pool = reprice(accrue(pool, asset), asset, added=amount)
    units = scaled(amount, pool.reserves[asset].income)
    need(units != 0, 24)
    first = pool.users[who][2 * asset] == 0
    pool = change(pay(pool, asset, amount), who, 2 * asset, units)
    return (mark(pool, who, 2 * asset + 1) if first else pool), {}


def withdraw(pool: Pool, who: int, asset: int, amount: int) -> tuple[Pool, dict[str, int]]:
    """Tokens out, while the account stays healthy."""
    pool = accrue(pool, asset)
    index, place = pool.reserves[asset].income, 2 * asset
    balance = real(pool.users[who][place], index)
    amount = balance if amount == ALL else amount
    need(amount != 0, 26)
    need(amount <= balance, 32)
    pool = reprice(pool, asset, taken=amount)
    counts = pool.users[who][4] & 2 << place
    if counts and amount == balance:
        pool = unmark(pool, who, place + 1)
    units = scaled(amount, index)
    need(units != 0, 25)
    pool = pay(change(pool, who, place, -units), asset, -amount)
    if counts and pool.users[who][4] & 0b0101:
        need(worth(pool, who).health >= WAD, 35)
    return pool, {"amt": amount}


def borrow(pool: Pool, who: int, asset: int, amount: int) -> tuple[Pool, dict[str, int]]:
    """Tokens out against a debt, up to the loan-to-value of the collateral."""
    pool = accrue(pool, asset)
    need(amount != 0, 26)
    stands = worth(pool, who)
    need(stands.collateral != 0, 34)
    need(stands.ltv != 0, 57)
    need(stands.health > WAD, 35)
    more = down(pool.prices[asset], amount, 10 ** pool.params["dec"][asset])
    need(half_up(stands.debt + more, PERCENT, stands.ltv) <= stands.collateral, 36)
    units = scaled(amount, pool.reserves[asset].debt)
    need(units != 0, 24)
    first = pool.users[who][2 * asset + 1] == 0
    pool = change(pool, who, 2 * asset + 1, units)
    pool = mark(pool, who, 2 * asset) if first else pool
    return pay(reprice(pool, asset, taken=amount), asset, -amount), {}


def repay(pool: Pool, who: int, asset: int, amount: int) -> tuple[Pool, dict[str, int]]:
    """Tokens in against a debt, as far as it goes."""
    pool = accrue(pool, asset)
    index = pool.reserves[asset].debt
    owed = real(pool.users[who][2 * asset + 1], index)
    need(amount != 0, 26)
    need(owed != 0, 39)
    paid = min(amount, owed)
    pool = change(pool, who, 2 * asset + 1, -scaled(paid, index))
    pool = pay(reprice(pool, asset, added=paid), asset, paid)
    return (unmark(pool, who, 2 * asset) if paid == owed else pool), {"amt": paid}


def liquidate(
    pool: Pool, who: int, taken: int, debt: int, most: int, liquidator: int, in_kind: int
) -> tuple[Pool, dict[str, int]]:
    """Repay part of a debt, or all of a deep one, for collateral with a bonus, a part of which is the treasury's."""
    params, pool = pool.params, accrue(pool, debt)
    health = worth(pool, who).health
    owed = real(pool.users[who][2 * debt + 1], pool.reserves[debt].debt)
    repaid = min(most, half_up(owed, closable(health, HALF, DEEP, PERCENT), PERCENT))
    need(health < WAD, 45)
    need(bool(pool.users[who][4] & 2 << 2 * taken), 46)
    need(owed != 0, 47)

    index, place = income(pool.reserves[taken], pool.now), 2 * taken
    balance, bonus = real(pool.users[who][place], index), params["lb"][taken]
    debt_price = pool.prices[debt] * 10 ** params["dec"][taken]
    lien_price = pool.prices[taken] * 10 ** params["dec"][debt]
    seized = half_up(taken_for(repaid, 1, 1, debt_price, lien_price), bonus, PERCENT)
    if seized > balance:
        seized = balance
        repaid = half_up(taken_for(seized, 1, 1, lien_price, debt_price), PERCENT, bonus)
    fee = half_up(seized - half_up(seized, PERCENT, bonus), params["lpf"][taken], PERCENT)
    seized -= fee

    if repaid == owed:
        pool = unmark(pool, who, 2 * debt)
    if seized + fee == balance:
        pool = unmark(pool, who, place + 1)
    pool = change(pool, who, 2 * debt + 1, -scaled(repaid, pool.reserves[debt].debt))
    pool = reprice(pool, debt, added=repaid)
    if in_kind:
        first = pool.users[liquidator][place] == 0
        pool = move(pool, who, liquidator, taken, scaled(seized, index))
        pool = mark(pool, liquidator, place + 1) if first else pool
    else:
        pool = reprice(accrue(pool, taken), taken, taken=seized)
        pool = pay(change(pool, who, place, -scaled(seized, index)), taken, -seized)
    fee = min(scaled(fee, index), pool.users[who][place])
    pool = move(pool, who, TREASURY, taken, fee)
    return pay(pool, debt, repaid), {"debt_covered": repaid, "coll_seized": seized}


def move(pool: Pool, who: int, to: int, asset: int, units: int) -> Pool:
    """Scaled deposits from one user to another."""
    return change(change(pool, who, 2 * asset, -units), to, 2 * asset, units)


def claims() -> tuple[Claim, ...]:
    """All of it, exactly."""
    return (agreement("T-aave-v3", "Aave V3 pool", SOURCE, replay, exact=True),)
