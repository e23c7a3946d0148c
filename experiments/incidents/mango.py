"""Mango, 11 October 2022: a perpetual against oneself, the price pumped where the oracle looks, and the profit borrowed against.

CFTC v. Eisenberg (2023), and the reports of the day (rekt, CertiK, Genesis). Two accounts with five million each take opposite
sides of 488 million MNGO-PERP at .0382; MNGO is bought where the oracle looks until it stands thirteen times higher; what the long
has gained on paper is margin, and all that others had deposited is borrowed on it. Nothing is tuned that is graded: thirteen times
is what was done, and how deep the outside market was says only what that cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from agents.attacks.till_emptier import TillEmptier
from agents.nature.reference import ReferenceVenue
from agents.player import ReferenceTrade, Role
from agents.roles.reporter import Reporter
from experiments.incidents.base import HISTORY, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import OUTSIDE, QUIET, chain, perpetual, spot
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import still
from experiments.scenario import Scenario
from experiments.validation.base import Range
from protocol.margins.cross import Cross
from protocol.oracles.base import Oracle
from protocol.oracles.ema import Ema
from protocol.oracles.smoothed import Smoothed
from protocol.transactions import Transaction
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.order_book import OrderBook
from protocol.vesting import Vesting
from protocol.world import Exchange, Market, World

CFTC = "CFTC v. Eisenberg, release of 9 January 2023"
REPORTS = "reports of the day: rekt, CertiK Skynet, J. Lim of Genesis"
PRICE, COINS, TIMES = 0.0382, 488.3e6, 13.0
MARGIN, TILL = 5e6, 115e6  # USDC of each account; of everybody else
OUTLAY, DEPTH = 7e6, 4e5  # cash for the spot purchases; what displaces the log of the outside mid by one
DAY = 86_400.0
PUSHES = 6  # turns in which spot is bought, two minutes apart


def open_both(desk: Desk) -> Iterable[Transaction]:
    """Short offers, long takes."""
    yield desk.all_of(
        desk.deposit(MARGIN),
        desk.deposit(MARGIN, "short"),
        desk.post("MNGO-PERP", -COINS, PRICE, "short"),
        desk.trade("MNGO-PERP", COINS),
    )


def push(part: float) -> Step:
    """Buy spot until so much of the way is gone, in logs."""

    def buy(desk: Desk) -> Iterable[ReferenceTrade]:
        yield desk.push("MNGO", PRICE * TIMES**part)

    return Step(420.0 + 120.0 * PUSHES * part, f"push {part:.0%} of the way", buy)


ATTACKER = Script(
    exchange="mango",
    capital=MARGIN + OUTLAY,
    purses={"short": {"USD": MARGIN}},
    steps=(
        Step(60.0, "both sides", open_both),
        *(push((number + 1) / PUSHES) for number in range(PUSHES)),
        Step(1_260.0, "borrow all there is", lambda desk: [desk.withdraw_most()]),
    ),
)
REPORTERS = Reporter(count=3, exchange="mango", noise=0.0)
OTHERS = Script(
    name="depositors",
    exchange="mango",
    capital=TILL,
    steps=(Step(0.0, "deposit", lambda desk: [desk.deposit(TILL)]),),
)


def world(oracle: Oracle = OUTSIDE, vesting: Vesting | None = None, more: tuple[Market, ...] = ()) -> Exchange:
    """Five times, cross margin, and a till that pays whoever has margin to spare."""
    return Exchange(
        "mango",
        "l1",
        markets=(perpetual("MNGO", OrderBook(tick=0.0001), oracle=oracle), *more),
        margin=Cross(initial=0.2, maintenance=0.1),
        insurance=0.0,
        vesting=vesting,
    )


def scenario(exchange: Exchange | None = None, cast: tuple[Role, ...] = (REPORTERS, ATTACKER)) -> Scenario:
    """The exchange, three reporters of the outside price, and everybody else's deposits."""
    return Scenario(
        world=World(chains=(chain(30.0),), exchanges=(exchange or world(),)),
        cast=(OTHERS, *cast),
        nature=still(MNGO=PRICE),
        references=(ReferenceVenue("MNGO", depth=DEPTH, half_life=1e5, spread=0.0),),
        outside=QUIET,
        duration=1_500.0,
    )


def averaged() -> Scenario:
    """The same oracle behind an average of a day."""
    return scenario(world(Smoothed(OUTSIDE, half_life=DAY)))


def vested() -> Scenario:
    """Profit leaves as it vests, in a day."""
    return scenario(world(vesting=Vesting(DAY)))


def adversary() -> Scenario:
    """The till emptier knows pools alone: the index follows one, within minutes, that costs as much to push thirteenfold."""
    pool = spot("MNGO", "USD", ConstantProduct(DEPTH * (TIMES - 1.0) / (TIMES**0.5 - 1.0)))
    token = replace(pool, instrument=replace(pool.instrument, decimals=6))
    capital = 2.0 * MARGIN + OUTLAY
    return scenario(
        world(Ema("MNGO-USD", half_life=120.0), more=(token,)),
        (TillEmptier(name="attacker", exchange="mango", capital=capital, onset=60.0, restored=0.0),),
    )


def read(books: Books) -> dict[str, float]:
    """Index, the winner's paper profit, and the till, $M."""
    return {
        "index": books.index("MNGO-PERP").value,
        "paper": books.profit("attacker") / 1e6,
        "till": books.till() / 1e6,
    }


def taken(all_: Courses, course: str) -> float:
    """Cash taken out of the till beyond what its own accounts had put in, $M."""
    return all_[course].most("till") - all_[course].last("till")


def saved(cure: str) -> Callable[[Courses], float]:
    """Per cent of what the depositors lost that a cure leaves them."""
    return lambda all_: 100.0 * (1.0 - all_[cure].gain("depositors") / all_[HISTORY].gain("depositors"))


INCIDENT = Incident(
    title="Mango: the till borrowed against one's own pump",
    date="11 October 2022",
    source=f"{CFTC}; {REPORTS}",
    about="Unrealised profit at an index that three exchanges' spot prices make counts as margin at once, and lends out the till.",
    inputs=(
        Input("deposited by each of the two accounts", "5,000,000 USDC", REPORTS),
        Input("position of each", "488.3 million MNGO-PERP at .0382", "as the reference has it; reports: 483 million"),
        Input("margin", "five times, cross: 20 % and 10 %", "reports: up to five times; half of it to stay"),
        Input("pushed to", "13 times, within 30 minutes", CFTC),
        Input("what could be borrowed", "115,000,000", "rekt: the whole of it went; other counts 110 to 116 million"),
        Input(
            "depth of the outside market",
            "400,000 a log",
            "not public; sets what the pump costs alone",
            "a pump of 5 million",
        ),
        Input(
            "the oracle",
            "three reporters, each posts a move of .1 %",
            "own; Pyth and Switchboard updated within seconds",
        ),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B3-paper",
            "unrealised profit, $M",
            223.8,
            1.0,
            lambda all_: all_[HISTORY].most("paper"),
            follows="position x 12 times the price",
        ),
        Grade(
            "B3-drained",
            "of the till, % taken",
            100.0,
            0.1,
            lambda all_: 100.0 * taken(all_, HISTORY) / all_[HISTORY].most("till"),
            follows="at a margin of a fifth he may borrow more than all there is",
        ),
        Grade(
            "B3-fraction",
            "of the unrealised profit, % taken beyond his own deposits",
            50.0,
            5.0,
            lambda all_: 100.0 * (taken(all_, HISTORY) - 2e-6 * MARGIN) / all_[HISTORY].most("paper"),
            follows="what could be borrowed over position x 12 times the price",
        ),
        Grade(
            "B3-averaged",
            "of the depositors' loss, % that an average of a day saves",
            Range(low=90.0),
            0.0,
            saved("averaged"),
        ),
        Grade(
            "B3-vested",
            "of the depositors' loss, % that vesting over a day saves",
            Range(low=90.0),
            0.0,
            saved("vested"),
        ),
    ),
    picture=Picture(
        "till", "in the till ($M)", "A thirteenfold index lends out all that others had deposited", minutes=True
    ),
    cures={
        "averaged": Other("the index is an average of a day", averaged),
        "vested": Other("profit may leave as it vests, over a day", vested),
    },
    adversary=Other(
        "the project's till emptier, where the index follows a pool: it knows no way to what reporters see", adversary
    ),
)
