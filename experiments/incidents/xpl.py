"""XPL, 26 August 2025: a book that is its own index, swept threefold, while the coin is worth .55 everywhere else.

Reports of the day (ForkLog, The Defiant). Before the coin exists the contract's mark is an average of its own book; sixteen million
dollars buy what the book offers from .60 to 1.80 within two minutes; the mark follows; shorts at up to three times are closed by
force, against an empty book and so against the winners. How large the shorts were and who had offered what is not recorded, so
that what anybody won is not graded: only that the shorts fail, and that they stand where the mark also asks elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from agents.roles.keeper import Keeper
from agents.roles.reporter import Reporter
from experiments.incidents.base import HISTORY, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import OUTSIDE, QUIET, chain, perpetual
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import still
from experiments.scenario import Scenario
from protocol.liquidations.full import Full
from protocol.losses.deleverage import Deleverage
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.margins.isolated import Isolated
from protocol.oracles.base import Oracle
from protocol.oracles.ema import Ema
from protocol.oracles.median_of import MedianOf
from protocol.oracles.spot import Spot
from protocol.transactions import Transaction
from protocol.venues.order_book import OrderBook
from protocol.world import Exchange, World

REPORTS = "ForkLog and The Defiant, August 2025"
ELSEWHERE, START, END = 0.55, 0.60, 1.80
MONEY, SWEPT = 16e6, 15.2e6  # dollars over four wallets; coins bought in two minutes
WALLETS, SHORTS = 4, 6
SHORT = 8e6  # coins of each short; half of them at three times, half fully paid
LEVELS = 60  # prices at which SWEPT coins are offered
SWEEPS = 12  # blocks of ten seconds
NAMES = tuple(f"wallet {number + 1}" for number in range(WALLETS))
OWN = Ema(half_life=10.0)  # the book's own price


def shorts(name: str, margin: float) -> Script:
    """Who offers coins at .60, with so much margin as a share of what they bring."""
    names = tuple(f"{name} {number + 1}" for number in range(SHORTS // 2))
    money = 1.02 * margin * SHORT * START

    def offer(desk: Desk) -> Iterable[Transaction]:
        for one in names:
            yield desk.all_of(desk.deposit(money, one), desk.post("XPL-PERP", -SHORT, START, one), purse=one)

    purses = {one: {"USD": money} for one in names}
    return Script(name=name, exchange="hyper", purses=purses, steps=(Step(0.0, "offer", offer),))


def book(desk: Desk) -> Iterable[Transaction]:
    """What others show: little to buy from at .59, and all that is for sale up to 1.80."""
    step = (END - START) / LEVELS
    asks = [desk.post("XPL-PERP", -SWEPT / LEVELS, START + step * (number + 1)) for number in range(LEVELS)]
    yield desk.all_of(desk.deposit(100e6), desk.post("XPL-PERP", 1e5, 0.59), *asks)


def enter(desk: Desk) -> Iterable[Transaction]:
    """The wallets take what the shorts offer."""
    each = SHORT * SHORTS / WALLETS
    for name in NAMES:
        yield desk.all_of(desk.deposit(MONEY / WALLETS, name), desk.trade("XPL-PERP", each, name), purse=name)


def sweep(number: int) -> Step:
    """A twelfth of what is for sale, each wallet in turn, and a bid where the book now stands."""
    name, stands = NAMES[number % WALLETS], START + (END - START) * (number + 1) / SWEEPS

    def buy(desk: Desk) -> Iterable[Transaction]:
        bid = desk.post("XPL-PERP", 1e3, stands - 0.01, name)
        yield desk.all_of(desk.trade("XPL-PERP", 0.9999 * SWEPT / SWEEPS, name), bid, purse=name)

    return Step(60.0 + 10.0 * number, "sweep", buy)


ATTACKER = Script(
    exchange="hyper",
    purses={name: {"USD": MONEY / WALLETS} for name in NAMES},
    steps=(
        Step(20.0, "longs from the shorts", enter),
        *(sweep(number) for number in range(SWEEPS)),
    ),
)
MAKERS = Script(name="makers", exchange="hyper", capital=100e6, steps=(Step(30.0, "the book", book),))


def scenario(oracle: Oracle = OWN, reporters: tuple[Reporter, ...] = ()) -> Scenario:
    """A book at its own average, three times, each position apart, and a keeper."""
    hyper = Exchange(
        "hyper",
        "l1",
        markets=(perpetual("XPL", OrderBook(tick=0.001), oracle=oracle),),
        margin=Isolated(initial=1.0 / 3.0, maintenance=1.0 / 6.0),
        liquidation=Full(0.001, 0.0),
        losses=(Insurance(), Deleverage(), Socialise()),
        insurance=0.0,
    )
    return Scenario(
        world=World(chains=(chain(5.0),), exchanges=(hyper,)),
        cast=(
            *reporters,
            Keeper(exchange="hyper", capital=1e5),
            shorts("shorts", 1.0 / 3.0),
            shorts("hedgers", 1.0),
            MAKERS,
            ATTACKER,
        ),
        nature=still(XPL=ELSEWHERE),
        outside=QUIET,
        duration=260.0,
    )


def blended() -> Scenario:
    """The middle of what is quoted elsewhere, of an average of eight hours, and of the book."""
    oracle = MedianOf((OUTSIDE, Ema(half_life=20_000.0), Spot()))
    return scenario(oracle, (Reporter(count=3, exchange="hyper", noise=0.0),))


def read(books: Books) -> dict[str, float]:
    """The mark, and coins that the shorts still have, millions."""
    return {
        "mark": books.index().value,
        "shorts": -books.held("shorts") / 1e6,
        "hedgers": -books.held("hedgers") / 1e6,
    }


def failed(course: str, who: str) -> Callable[[Courses], float]:
    """Per cent of their coins that shorts had lost in the end."""
    return lambda all_: 100.0 * (1.0 - all_[course].last(who) / all_[course].most(who))


INCIDENT = Incident(
    title="XPL: a book that is its own index, swept",
    date="26 August 2025",
    source=REPORTS,
    about="A contract on a coin that does not exist yet is marked by an average of its own book.",
    inputs=(
        Input("deposited by four wallets", "16 million", REPORTS),
        Input("bought within two minutes, and from where to where", "15.2 million XPL, .60 to 1.80", REPORTS),
        Input("elsewhere", ".55", REPORTS),
        Input("margin", "three times, isolated; half of it to stay", REPORTS),
        Input("what the book offered", "15.2 million coins, evenly to 1.80", "not recorded", "the threefold price"),
        Input(
            "shorts",
            "24 million coins at three times, 24 million fully paid",
            "not recorded",
            "illustration; no gain is graded",
        ),
        Input(
            "the mark", "an average of the book, half-life ten seconds", "own: any that follows within the two minutes"
        ),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B15a-shorts",
            "of the shorts at three times, % closed by force",
            100.0,
            0.0,
            failed(HISTORY, "shorts"),
            follows="a price of three times and a margin of a third",
        ),
        Grade(
            "B15a-cure",
            "of the same, % closed where the mark also asks elsewhere",
            0.0,
            0.0,
            failed("blended", "shorts"),
        ),
    ),
    picture=Picture("mark", "the mark ($)", "The book swept, its own average follows; a vote of three does not"),
    cures={"blended": Other("the mark is the middle of elsewhere, an average of eight hours, and the book", blended)},
)
