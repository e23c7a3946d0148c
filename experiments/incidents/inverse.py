"""Inverse Finance, 2 April 2022: a mean over so short a time that one block is all of it.

Of 500 ether, 300 bought up a pool so thin that the price of INV rose some fifty times, and stood so at the end of the block, which
the attacker's own transactions filled; with the next block the time-weighted mean said the same, and 1,700 INV at that price
borrowed 15.6 million dollars of four coins. The pool's reserves are not recorded: they are those at which 300 ether buy 374 INV
from the price that INV had elsewhere. How far that moves the price is then the pool's own rule.
"""

from __future__ import annotations

from collections.abc import Iterable

from agents.nature.reference import ReferenceVenue
from experiments.incidents.base import HISTORY, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, lender_of, pool
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import still
from experiments.scenario import Scenario
from protocol.appraisal import Collateral
from protocol.oracles.twap import ArithmeticTwap
from protocol.transactions import Transaction
from protocol.world import World

REKT = "rekt.news, Inverse Finance; DeFiHackLabs, InverseFinance_exp"
FAIR = 0.1098  # ETH per INV
PUSH, BOUGHT = 300.0, 374.0  # ETH into the pool, INV out
COINS = BOUGHT * PUSH * 0.997 / (PUSH * 0.997 - BOUGHT * FAIR)  # INV in the pool: 374 of them cost 300 ETH from FAIR on
CAPITAL, POSTED = 500.0, 1_700.0  # ETH, INV
ELSEWHERE = POSTED - BOUGHT  # INV, for the other 200 ETH
DEPTH = 242.0  # ETH of the order that moves the price elsewhere by a factor e
TAKEN = {"ETH": 1_588.0, "WBTC": 94.0, "DOLA": 4e6, "YFI": 39.3}  # coins
PRICES = {"INV": FAIR, "WBTC": 13.4, "DOLA": 1.0 / 3_450.0, "YFI": 6.75}  # ETH per coin
BLOCK, LONG, START = 12.0, 1_800.0, 1_824.0  # seconds


def push(desk: Desk) -> Iterable[Transaction]:
    """Bought up, and left standing at the end of the block."""
    yield desk.trade("INV-ETH", desk.coins_for("INV-ETH", PUSH, exchange="sushi"), exchange="sushi")


def borrow(desk: Desk) -> Iterable[Transaction]:
    """All of it in one transaction, first thing in the next block."""
    yield desk.all_of(
        desk.pledge("INV", POSTED - 1.0, exchange="inverse"),
        *(desk.borrow(asset, coins, exchange="inverse") for asset, coins in TAKEN.items()),
    )


def scenario(window: float = BLOCK) -> Scenario:
    """A thin pool, and a lender that reads its mean."""
    exchanges = (
        pool("sushi", "INV", "ETH", COINS * FAIR, oracle=ArithmeticTwap(window=window)),
        lender_of(
            "inverse",
            tuple(PRICES),
            "ETH",
            (Collateral("INV", 0.4, 0.4),),
            TAKEN,
            index={"INV": "sushi.INV-ETH"},
        ),
    )
    steps = (
        Step(START, "buy elsewhere", lambda desk: [desk.outside("INV", ELSEWHERE)]),
        Step(START + BLOCK, "push", push),
        Step(START + 2 * BLOCK, "borrow", borrow),
    )
    return Scenario(
        world=World(chains=(chain(BLOCK),), exchanges=exchanges),
        cast=(Script(exchange="sushi", capital=CAPITAL, steps=steps),),
        nature=still(**PRICES),
        references=(ReferenceVenue("INV", depth=DEPTH, spread=0.0),),
        outside=QUIET,
        duration=START + 8 * BLOCK,
    )


def read(books: Books) -> dict[str, float]:
    """What the lender counts an INV as, and what is owed to it."""
    owed = sum(books.debt("attacker", asset, "inverse") * PRICES.get(asset, 1.0) for asset in TAKEN)
    return {
        "multiple": books.index("INV-ETH", "inverse").value / FAIR,
        "owed": owed,
        "cover": books.pledged("INV", "attacker", "inverse") * FAIR,
        "ether": books.coins("ETH", "attacker"),
    }


INCIDENT = Incident(
    title="Inverse: a mean of one block",
    date="2 April 2022",
    source=REKT,
    about="A thin pool is bought up fifty times and read one block later by a mean too short to know better.",
    inputs=(
        Input("his own ether, paid into the pool, and what came out", "500, 300, 374 INV", REKT),
        Input("ETH per INV before", "0.1098", "published-results B9a"),
        Input("in the pool", f"{COINS * FAIR:.1f} ETH, {COINS:.0f} INV", "from the three above"),
        Input("put up, and borrowed", "1,700 INV; 1,588 ETH, 94 WBTC, 4 million DOLA, 39.3 YFI", REKT),
        Input("depth elsewhere", "242 ETH", REKT, "the other 200 ETH buy the other 1,326 INV"),
        Input("collateral factor", "60 %", "not recorded; binds nothing, he could have borrowed more"),
        Input("window of the mean", "one block", REKT, "one block is enough, as it was"),
        Input(
            "ether of the four coins",
            "1, 13.4, 1/3,450, 6.75",
            "market prices of the day; only for what is owed in all",
        ),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B9a-multiple",
            "price of INV after the push, times",
            50.0,
            5.0,
            lambda all_: all_[HISTORY].most("multiple"),
            follows="300 ETH into reserves that come of three recorded numbers, squared",
        ),
        Grade("B9a-cure", "owed under a mean of half an hour, ETH", 0.0, 0.0, lambda all_: all_["window"].last("owed")),
    ),
    picture=Picture(
        "multiple",
        "index of INV (times its price)",
        "One block at fifty times the price borrows 4,300 ether",
        "log",
        True,
    ),
    cures={"window": Other("a mean of half an hour", lambda: scenario(LONG))},
)
