"""bZx, 15 February 2020, block 9484688: a leveraged short that pays for its own price, in one transaction.

Qin, Zhou, Livshits and Gervais, "Attacking the DeFi Ecosystem with Flash Loans for Fun and Profit" (arXiv:2003.03810), section 4.1.
Ether lent for one transaction is put up at Compound for 112 WBTC; a fivefold short at bZx has bZx's lenders pay for a swap that
trebles the price of a thin pool; the 112 WBTC are sold into it. bZx's check that a position is solvent was skipped. Here that check
is made at the pool's own price, which the swap has just moved, and is as good as none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agents.nature.reference import ReferenceVenue
from agents.roles.reporter import Reporter
from experiments.incidents.base import HISTORY, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, lender_of, pool
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import moving
from experiments.scenario import Scenario
from protocol.appraisal import Collateral
from protocol.flash import Flash
from protocol.transactions import Transaction
from protocol.world import World

QIN = "Qin et al., arXiv:2003.03810, section 4.1"
CASH, COINS = 2_817.77, 77.09  # ETH and WBTC in the pool
PRICE, LATER = CASH / COINS, 4_377.72 / 112.0  # ETH per WBTC; when he bought them back
FLASH, SUPPLIED, BORROWED = 10_000.0, 5_500.0, 112.0
OWN, SHORT = 1_300.0, 5_637.62  # ETH of his own in the short, and all of it that was swapped
PURSE = 4_400.0  # ETH of his own, to buy the coins back with before Compound pays out
GRAIN = 0.001  # coins, for what is rounded and for interest


def attack(desk: Desk) -> Iterable[Transaction]:
    """Everything in one transaction. The short is opened first, so that its whole swap is made at once."""
    bought = desk.coins_for("WBTC-ETH", SHORT, exchange="uniswap")
    yield desk.flash(
        "ETH",
        FLASH,
        desk.trade("WBTC-ETH", bought, exchange="uniswap"),
        desk.pledge("WBTC", bought, exchange="bzx"),
        desk.borrow("ETH", SHORT - OWN, exchange="bzx"),
        desk.supply_to("ETH", SUPPLIED, exchange="compound"),
        desk.pledge("compound.ETH.supply", SUPPLIED - GRAIN, exchange="compound"),
        desk.borrow("WBTC", BORROWED, exchange="compound"),
        desk.trade("WBTC-ETH", -BORROWED, exchange="uniswap"),
        exchange="dydx",
    )


def close(desk: Desk) -> Iterable[Transaction]:
    """The coins paid back to Compound, and the ether fetched."""
    yield desk.all_of(
        desk.repay("WBTC", BORROWED + GRAIN, exchange="compound"),
        desk.release("compound.ETH.supply", SUPPLIED - GRAIN, exchange="compound"),
        desk.redeem("ETH", SUPPLIED - GRAIN, exchange="compound"),
    )


def scenario() -> Scenario:
    """Four protocols on one chain, ether the cash of all."""
    steps = (
        Step(60.0, "the transaction", attack),
        Step(600.0, "buy the coins back", lambda desk: [desk.outside("WBTC", BORROWED + GRAIN)]),
        Step(620.0, "repay Compound", close),
    )
    cether = Collateral("compound.ETH.supply", 0.25, 0.25)
    exchanges = (
        lender_of("compound", "WBTC", "ETH", (cether,), {"WBTC": 150.0, "ETH": 1.0}),
        pool("uniswap", "WBTC", "ETH", CASH),
        lender_of(
            "bzx", "WBTC", "ETH", (Collateral("WBTC", 0.0, 0.0),), {"ETH": 5_000.0}, index={"WBTC": "uniswap.WBTC-ETH"}
        ),
        replace(lender_of("dydx", "WBTC", "ETH", (), {"ETH": FLASH}), flash=Flash(fee=0.0)),
    )
    return Scenario(
        world=World(chains=(chain(),), exchanges=exchanges),
        cast=(Reporter(count=3, exchange="compound"), Script(exchange="uniswap", capital=PURSE, steps=steps)),
        nature=moving(WBTC=((0.0, PRICE), (500.0, PRICE), (560.0, LATER))),
        references=(ReferenceVenue("WBTC", depth=1e9, spread=0.0),),
        outside=QUIET,
        duration=700.0,
    )


def solvent() -> Scenario:
    """BZx asks what a position is worth elsewhere."""
    told = scenario()
    careful = lender_of(
        "bzx", "WBTC", "ETH", (Collateral("WBTC", 0.0, 0.0),), {"ETH": 5_000.0}, index={"WBTC": "compound.WBTC-ETH"}
    )
    exchanges = tuple(careful if one.name == "bzx" else one for one in told.world.exchanges)
    return replace(told, world=replace(told.world, exchanges=exchanges))


def read(books: Books) -> dict[str, float]:
    """The pool, what he has, what bZx's lenders are out."""
    held = books.pledged("WBTC", "attacker", "bzx")
    return {
        "mid": books.mid(exchange="uniswap"),
        "pool": books.reserve("uniswap"),
        "ether": books.coins("ETH", "attacker"),
        "short": held,
        "missing": books.debt("attacker", "ETH", "bzx") - held * LATER,
    }


INCIDENT = Incident(
    title="bZx: a short that moves its own price",
    date="15 February 2020",
    source=QIN,
    about="A flash loan, a pool of 2,818 ether that prices a fivefold short, and no check that the short is solvent.",
    inputs=(
        Input("Uniswap's pool", "2,817.77 ETH, 77.09 WBTC", QIN),
        Input("lent for one transaction", "10,000 ETH", QIN),
        Input("put up at Compound, and borrowed on it", "5,500 ETH, 112 WBTC, at three quarters", QIN),
        Input("swapped by the short, of it own", "5,637.62 ETH, 1,300 ETH", QIN),
        Input(
            "his own ether",
            "4,400",
            "not recorded; enough to buy back before Compound pays out, and binds nothing else",
        ),
        Input("paid later for the 112 WBTC", "4,377.72 ETH", QIN),
        Input(
            "what Compound and bZx could lend",
            "150 WBTC, 5,000 ETH",
            "not recorded; more than was borrowed, so it binds nothing",
        ),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade("B1-short", "WBTC that the short's swap bought", 51.35, 0.1, lambda all_: all_[HISTORY].last("short")),
        Grade(
            "B1-left",
            "ETH left when the flash loan was paid back",
            71.41,
            0.2,
            lambda all_: all_[HISTORY].at(590.0, "ether") - PURSE,
        ),
        Grade("B1-profit", "profit, ETH", 1_193.69, 0.1, lambda all_: all_[HISTORY].gain()),
        Grade("B1-lenders", "lost by bZx's lenders, ETH", 2_330.86, 5.0, lambda all_: all_[HISTORY].last("missing")),
        Grade("B1-pool", "the pool afterwards, ETH per WBTC", 11.50, 0.02, lambda all_: all_[HISTORY].last("mid")),
        Grade(
            "B1-cure",
            "profit where a position must be solvent at the price elsewhere, ETH",
            0.0,
            0.0,
            lambda all_: all_["solvent"].gain(),
        ),
    ),
    picture=Picture("mid", "Uniswap's mid (ETH per WBTC)", "One transaction sends the pool from 36.6 over 328 to 11.5"),
    cures={"solvent": Other("a position must be solvent at the price elsewhere", solvent)},
)
