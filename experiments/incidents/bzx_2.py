"""bZx, 18 February 2020, block 9504627: collateral bought up in the pool that prices it, in one transaction.

Qin, Zhou, Livshits and Gervais, "Attacking the DeFi Ecosystem with Flash Loans for Fun and Profit" (arXiv:2003.03810), section 4.2.
Of 7,500 ether lent for one transaction, 900 bid up the dollar coin sUSD, 3,517.86 buy more of it at its old price, and 6,799.27
are borrowed against all of it at the new one; nobody comes back for the collateral. What was paid and what was borrowed is
recorded, so the profit of 2,381.41 ether follows and is not graded. Two of the three places where he bought are offers at the
recorded prices here: Kyber's own reserve is no venue of this project. Of the third, the pool that is the index, nothing is put in
but its reserves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agents.attacks.flash_push import FlashPush
from agents.nature.reference import ReferenceVenue
from agents.roles.reporter import Reporter
from experiments.incidents.base import HISTORY, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, lender_of, pool, spot
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import still
from experiments.scenario import Scenario
from protocol.appraisal import Collateral
from protocol.flash import Flash
from protocol.oracles.twap import ArithmeticTwap
from protocol.transactions import Transaction
from protocol.venues.order_book import OrderBook
from protocol.world import Exchange, World

QIN = "Qin et al., arXiv:2003.03810, section 4.2"
CASH, COINS = 879.757, 243_441.12  # ETH and sUSD in the pool
PRICE, FAIR = CASH / COINS, 1.0 / 268.30  # ETH per sUSD: the pool's, and at the depot
FLASH, BORROWED, LENDABLE = 7_500.0, 6_799.27, 11_086.0  # ETH
PUSH = 540.0  # ETH into the pool
AT_KYBER, FROM_KYBER = 360.0, 63_584.09  # ETH in, sUSD out
AT_DEPOT = 3_517.86  # ETH
HAIRCUT = 1.0 / 3.0  # collateral of 1.5 times the loan


def offer(desk: Desk) -> Iterable[Transaction]:
    """What the depot and Kyber's reserve have to sell."""
    yield desk.post("SUSD-ETH", -AT_DEPOT / FAIR, FAIR, exchange="offers")
    yield desk.post("SUSD-ETH", -FROM_KYBER, AT_KYBER / FROM_KYBER, exchange="offers")


def attack(desk: Desk) -> Iterable[Transaction]:
    """Everything in one transaction: the push, the purchases, the loan."""
    pushed, bought = desk.coins_for("SUSD-ETH", PUSH, exchange="uniswap"), AT_DEPOT / FAIR + FROM_KYBER
    yield desk.flash(
        "ETH",
        FLASH,
        desk.trade("SUSD-ETH", pushed, exchange="uniswap"),
        desk.trade("SUSD-ETH", bought, exchange="offers"),
        desk.pledge("SUSD", pushed + bought - 1e-3, exchange="bzx"),
        desk.borrow("ETH", BORROWED, exchange="bzx"),
        exchange="flash",
    )


def bzx(index: str = "uniswap.SUSD-ETH") -> Exchange:
    """What it lends on, priced by another's market."""
    return lender_of(
        "bzx", "SUSD", "ETH", (Collateral("SUSD", HAIRCUT, HAIRCUT),), {"ETH": LENDABLE}, index={"SUSD": index}
    )


def scenario() -> Scenario:
    """A lender, its pool, those who sell, and an index of the price elsewhere that nobody reads yet."""
    book = spot("SUSD", "ETH", OrderBook(tick=1e-9), index="uniswap.SUSD-ETH")
    exchanges = (
        lender_of("feed", "SUSD", "ETH", (), {}),
        pool("uniswap", "SUSD", "ETH", CASH),
        Exchange("offers", "l1", "ETH", (book,), insurance=0.0),
        bzx(),
        replace(lender_of("flash", "SUSD", "ETH", (), {"ETH": FLASH}), flash=Flash(fee=0.0)),
    )
    sellers = Script(
        name="sellers",
        exchange="offers",
        tokens={"SUSD": AT_DEPOT / FAIR + FROM_KYBER},
        steps=(Step(12.0, "offer", offer),),
    )
    return Scenario(
        world=World(chains=(chain(),), exchanges=exchanges),
        cast=(
            Reporter(count=3, exchange="feed"),
            sellers,
            Script(exchange="uniswap", capital=0.0, steps=(Step(60.0, "the transaction", attack),)),
        ),
        nature=still(SUSD=PRICE),
        references=(ReferenceVenue("SUSD", depth=1e9, spread=0.0),),
        outside=QUIET,
        duration=120.0,
    )


def elsewhere() -> Scenario:
    """BZx asks what its collateral is worth elsewhere."""
    told = scenario()
    exchanges = tuple(bzx("feed.SUSD-ETH") if one.name == "bzx" else one for one in told.world.exchanges)
    return replace(told, world=replace(told.world, exchanges=exchanges))


def averaged() -> Scenario:
    """BZx reads the mean of the last ten minutes of the same pool."""
    told = scenario()
    mean = pool("uniswap", "SUSD", "ETH", CASH, oracle=ArithmeticTwap(window=600.0))
    exchanges = tuple(mean if one.name == "uniswap" else one for one in told.world.exchanges)
    return replace(told, world=replace(told.world, exchanges=exchanges))


def attacked() -> Scenario:
    """The project's own attacker in the script's place: no capital but gas, and the same flash loan."""
    told = scenario()
    cast = tuple(role for role in told.cast if role.label != "attacker")
    own = FlashPush(name="attacker", exchange="bzx", capital=0.0, tip=0.0, least_profit=1.0)
    return replace(told, cast=(*cast, own))


def read(books: Books) -> dict[str, float]:
    """The pool, what he got, what bZx's lenders are out."""
    held = books.pledged("SUSD", "attacker", "bzx")
    return {
        "price": 1.0 / books.mid(exchange="uniswap"),
        "pledged": held,
        "missing": books.debt("attacker", "ETH", "bzx") - held * FAIR,
        "ether": books.coins("ETH", "attacker"),
    }


INCIDENT = Incident(
    title="bZx: collateral bought up in the pool that prices it",
    date="18 February 2020",
    source=QIN,
    about="A flash loan buys a dollar coin up to 2.6 times its price in the pool that bZx reads, and borrows ether against it. The"
    " project's own attacker finds this by itself, in the pool alone: it knows of no depot that sells at the old price.",
    inputs=(
        Input("Uniswap's pool", "879.757 ETH, 243,441.12 sUSD", QIN),
        Input("lent for one transaction", "7,500 ETH", QIN),
        Input("paid into the pool", "540 ETH", QIN),
        Input("paid to Kyber's reserve, and got there", "360 ETH, 63,584.09 sUSD", QIN),
        Input("paid to the depot, at", "3,517.86 ETH, 268.30 sUSD per ETH", QIN),
        Input("collateral that bZx asks, and what it could lend", "1.5 times the loan, 11,086 ETH", QIN),
        Input("borrowed", "6,799.27 ETH", QIN),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B2-collateral",
            "sUSD that he ended up with",
            1_099_841.39,
            100.0,
            lambda all_: all_[HISTORY].last("pledged"),
        ),
        Grade("B2-price", "the pool afterwards, sUSD per ETH", 106.05, 0.35, lambda all_: all_[HISTORY].last("price")),
        Grade("B2-lenders", "lost by bZx's lenders, ETH", 2_699.97, 0.5, lambda all_: all_[HISTORY].last("missing")),
        Grade(
            "B2-cure", "profit where the price elsewhere counts, ETH", 0.0, 0.0, lambda all_: all_["elsewhere"].gain()
        ),
    ),
    picture=Picture("missing", "owed and not covered (ETH)", "bZx lends 6,799 ether on dollars that are worth 4,099"),
    cures={
        "elsewhere": Other("collateral counts at the price elsewhere", elsewhere),
        "averaged": Other("collateral counts at the pool's mean of ten minutes", averaged),
    },
    adversary=Other("the project's flash push, with the same loan and no capital", attacked),
)
