"""Morpho Blue 1.0.0, 1,150 recorded actions: supply, borrowing, interest, seizure, bad debt.

By the formulas of `LoanPool(growth=Taylor())` and `Seizure(close_factor=1.0, spread=0.15, cursor=0.3)`. What pools here do not have
is debts in shares (it has scaled units and an index): the replay keeps them with the vault's own formulas. The rate of the record
is a mock, utilisation per year. That exactly one of assets and shares is named is bookkeeping.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from experiments.validation.base import Claim
from experiments.validation.replays import Step, agreement, scenarios, step
from protocol.fixed_point import down
from protocol.lending import fee_shares
from protocol.liquidations.seizure import capacity, incentive, repaid_for, taken_for
from protocol.rates.growth import taylor
from protocol.vault import assets_down, assets_up, shares_down, shares_up

SUBJECT = "Morpho Blue, as deployed"
SOURCE = "@morpho-org/morpho-blue 1.0.0, recorded bytecode"
WAD, PRICE, YEAR = 10**18, 10**36, 31_536_000
VIRTUAL = 1, 10**6  # assets, shares
MOST, CURSOR = 115 * 10**16, 3 * 10**17
TREASURY = 5  # position of the fee's receiver


class Refused(Exception):
    """The contract's reason."""


class Market(NamedTuple):
    """What a market remembers."""

    assets: int
    shares: int
    owed: int
    owed_shares: int
    time: int
    fee: int


def replay() -> Iterator[Step]:
    """Predict each row from the state that the last one left."""
    for _, params, rows in scenarios("morpho_blue.json"):
        market, positions = [0, 0, 0, 0, params["t_init"], params["fee"]], [[0, 0, 0] for _ in range(6)]
        cash, collateral, price = 0, 0, params["px0"]
        for number, row in enumerate(rows):
            book = Book(Market(*market), [list(one) for one in positions], cash, collateral, price, params["lltv"])
            told = predict(book, row)
            left = {name: row[name] for name in ("ok", "revert", "morpho_loan_bal", "morpho_coll_bal")}
            yield step(number, row["action"], told, left | flat(row["market"], row["positions"], row["res"]))
            market, positions = row["market"], row["positions"]
            cash, collateral, price = row["morpho_loan_bal"], row["morpho_coll_bal"], row["price"]


def flat(market: Any, positions: Any, result: dict[str, int]) -> dict[str, int]:
    """A state as names and numbers."""
    told = dict(zip(Market._fields, market, strict=True)) | result
    return told | {f"{who}.{i}": value for who, one in enumerate(positions) for i, value in enumerate(one)}


def predict(book: Book, row: dict[str, Any]) -> dict[str, Any]:
    """What a row's action gives and leaves; where it is refused, nothing changes."""
    market, positions = book.market, [list(one) for one in book.positions]
    cash, collateral, result, revert = book.cash, book.collateral, {}, ""
    try:
        result = act(book, row)
        market, positions, cash, collateral = book.market, book.positions, book.cash, book.collateral
    except Refused as reason:
        revert = str(reason)
    told = {"ok": int(not revert), "revert": revert, "morpho_loan_bal": cash, "morpho_coll_bal": collateral}
    return told | flat(market, positions, result)


def act(book: Book, row: dict[str, Any]) -> dict[str, int]:
    """Do it, and say what the contract returns."""
    action, args, who = row["action"], row["args"], row["actor"]
    assets, shares = args.get("assets", 0), args.get("shares", 0)
    if action in ("supply", "withdraw", "borrow", "repay") and bool(assets) == bool(shares):
        raise Refused("inconsistent input")
    if action == "liq" and bool(args["seized"]) == bool(shares):
        raise Refused("inconsistent input")
    if action in ("supplyc", "withdrawc") and not assets:
        raise Refused("zero assets")
    if action == "price":
        book.price = args["px"]
        return {}
    if action == "supplyc":
        book.pledge(who, assets)
        return {}
    book.accrue(row["t"])
    if action == "withdrawc":
        book.pledge(who, -assets)
        book.need_healthy(who)
        return {}
    if action == "accrue":
        return {}
    if action == "liq":
        return book.seize(who, args["seized"], shares)
    return book.exchange(action, who, assets, shares)


class Book:
    """A market with its positions: [shares, shares owed, collateral] of each account."""

    def __init__(
        self, market: Market, positions: list[list[int]], cash: int, collateral: int, price: int, lltv: int
    ) -> None:
        """As the last row left it. `price`: loan units for a collateral unit, in 36 decimals."""
        self.market, self.positions, self.cash, self.collateral = market, positions, cash, collateral
        self.price, self.lltv = price, lltv

    def change(self, who: int, column: int, by: int) -> None:
        """Add to a position what it can bear. Raises Refused."""
        self.positions[who][column] += by
        if self.positions[who][column] < 0:
            raise Refused("Panic(0x11)")

    def pledge(self, who: int, units: int) -> None:
        """Collateral in, or out."""
        self.change(who, 2, units)
        self.collateral += units

    def accrue(self, now: int) -> None:
        """Interest since the last touch, with the treasury's part."""
        old = self.market
        if now == old.time:
            return
        rate = down(old.owed, WAD, old.assets) // YEAR if old.assets else 0
        interest = down(old.owed, taylor(rate, now - old.time, WAD), WAD)
        assets = old.assets + interest
        fresh = fee_shares(interest, old.fee, WAD, assets, old.shares, VIRTUAL[1])
        self.positions[TREASURY][0] += fresh
        self.market = old._replace(assets=assets, owed=old.owed + interest, shares=old.shares + fresh, time=now)

    def need_healthy(self, who: int) -> None:
        """Refuse who owes more than its collateral bears."""
        if not self.healthy(who):
            raise Refused("insufficient collateral")

    def healthy(self, who: int) -> bool:
        """Whether collateral at the price and the threshold is at least what is owed."""
        _, owed_shares, collateral = self.positions[who]
        owed = assets_up(owed_shares, self.market.owed, self.market.owed_shares, *VIRTUAL)
        return capacity(down(collateral, self.price, PRICE), self.lltv, WAD) >= owed

    def exchange(self, action: str, who: int, assets: int, shares: int) -> dict[str, int]:
        """Supply, withdraw, borrow or repay: against whoever does it, in shares of what is supplied or of what is owed."""
        supplied, comes = action in ("supply", "withdraw"), action in ("supply", "repay")
        total = self.market[:2] if supplied else self.market[2:4]
        down_shares = action in ("supply", "repay")
        if assets:
            shares = (shares_down if down_shares else shares_up)(assets, *total, *VIRTUAL)
        else:
            assets = (assets_up if down_shares else assets_down)(shares, *total, *VIRTUAL)
        more = 1 if action in ("supply", "borrow") else -1
        self.change(who, 0 if supplied else 1, more * shares)
        self.cash += assets if comes else -assets
        whole, all_shares = max(0, total[0] + more * assets), total[1] + more * shares
        if supplied:
            self.market = self.market._replace(assets=whole, shares=all_shares)
        else:
            self.market = self.market._replace(owed=whole, owed_shares=all_shares)
        if action == "borrow":
            self.need_healthy(who)
        if not comes and self.market.owed > self.market.assets:
            raise Refused("insufficient liquidity")
        return {"assets": assets, "shares": shares}

    def seize(self, who: int, taken: int, shares: int) -> dict[str, int]:
        """Repay for `taken` collateral, or `shares` of what is owed, and write off what nothing is left for."""
        if self.healthy(who):
            raise Refused("position is healthy")
        bonus = incentive(self.lltv, CURSOR, MOST, WAD)
        total = self.market.owed, self.market.owed_shares
        if taken:
            shares = shares_up(repaid_for(taken, bonus, WAD, PRICE, self.price), *total, *VIRTUAL)
        else:
            taken = taken_for(assets_down(shares, *total, *VIRTUAL), bonus, WAD, PRICE, self.price)
        repaid = assets_up(shares, *total, *VIRTUAL)
        self.change(who, 1, -shares)
        self.pledge(who, -taken)
        self.cash += repaid
        owed, owed_shares = max(0, total[0] - repaid), total[1] - shares
        lost = lost_shares = 0
        if self.positions[who][2] == 0:
            lost_shares = self.positions[who][1]
            lost = min(owed, assets_up(lost_shares, owed, owed_shares, *VIRTUAL))
            self.positions[who][1] = 0
        self.market = self.market._replace(
            owed=owed - lost, owed_shares=owed_shares - lost_shares, assets=self.market.assets - lost
        )
        return {
            "seized": taken,
            "repaid": repaid,
            "repaid_shares": shares,
            "bad_assets": lost,
            "bad_shares": lost_shares,
        }


def claims() -> tuple[Claim, ...]:
    """All of it, exactly."""
    return (agreement("T-morpho-blue", "Morpho Blue market", SOURCE, replay, exact=True),)
