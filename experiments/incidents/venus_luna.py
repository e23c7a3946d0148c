"""Venus and Blizz, 12 May 2022: a feed that does not go below ten cents.

Chainlink's aggregator for LUNA carried a least answer of 0.10 dollars, and the price outside fell through it to fractions of a
cent. Whoever bought LUNA there could put it up at ten cents: Blizz lost all it had, 8.3 million dollars, and Venus some 13.5
million before it was paused. Here an account buys and borrows again and again as the price falls, to find from where on that
pays, and does the same at the end with all that Blizz has. From where on it pays is not put in: it comes of what is bought, put
up and borrowed. How much Venus lost hangs on when it was paused, and is not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from agents.faults.floored import Floored
from agents.nature.reference import ReferenceVenue
from agents.player import ReferenceTrade
from agents.roles.reporter import Reporter
from experiments.incidents.base import HISTORY, Course, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import OUTSIDE, QUIET, chain, lender_of
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import moving
from experiments.scenario import Scenario
from protocol.appraisal import Collateral
from protocol.transactions import Transaction
from protocol.world import World

REKT = "rekt.news, Venus and Blizz"
FLOOR, FACTOR = 0.10, 0.55  # dollars per LUNA, of its worth that Venus lends
HIGH, LOW, LATE = 0.07, 0.04, 0.0005  # dollars per LUNA: at the first round, at the last, and when Blizz is drained
BLIZZ = 8.3e6  # dollars, all that it had
STAKE = 10_000.0  # dollars a round at Venus
FIRST, EVERY, ROUNDS = 60.0, 60.0, 40  # seconds, rounds
FALL, LAST = FIRST + EVERY * ROUNDS, FIRST + EVERY * (ROUNDS + 4)  # seconds
DEPTH = 1e9  # dollars: he moves nothing outside


def buy(cash: float) -> Callable[[Desk], Iterable[ReferenceTrade]]:
    """So many dollars of LUNA, outside."""
    return lambda desk: [desk.outside("LUNA", cash / desk.view.reference("LUNA"))]


def borrow(lender: str, most: float = np.inf) -> Callable[[Desk], Iterable[Transaction]]:
    """All LUNA that he has put up, and all that may be had on it."""

    def do(desk: Desk) -> Iterable[Transaction]:
        held = desk.has("LUNA") - 1e-6
        worth = desk.index("LUNA-USD", lender).value * held * FACTOR
        lent = min(0.997 * worth, most, desk.lendable("USD", lender))
        yield desk.all_of(desk.pledge("LUNA", held, exchange=lender), desk.borrow("USD", lent, exchange=lender))

    return do


def scenario(faults: tuple[Floored, ...] = (Floored(floor=FLOOR),)) -> Scenario:
    """Two lenders on one feed, and a price that falls through its floor."""
    half = (Collateral("LUNA", 1.0 - FACTOR, 1.0 - FACTOR),)
    exchanges = (
        lender_of("venus", "LUNA", "USD", half, {"USD": 20e6}, oracles={"LUNA": OUTSIDE}),
        lender_of("blizz", "LUNA", "USD", half, {"USD": BLIZZ}, index={"LUNA": "venus.LUNA-USD"}),
    )
    steps: list[Step] = []
    for number in range(ROUNDS):
        when = FIRST + EVERY * number
        steps += [
            Step(when, f"buy, round {number + 1}", buy(STAKE)),
            Step(when + 6.0, f"borrow, round {number + 1}", borrow("venus")),
        ]
    needs = 1.01 * BLIZZ / FACTOR / FLOOR * LATE  # dollars
    steps += [Step(LAST, "buy", buy(needs)), Step(LAST + 6.0, "drain Blizz", borrow("blizz", BLIZZ))]
    return Scenario(
        world=World(chains=(chain(6.0),), exchanges=exchanges),
        cast=(
            Reporter(count=3, faults=faults, exchange="venus"),
            Script(exchange="venus", capital=STAKE * ROUNDS + needs, steps=tuple(steps)),
        ),
        nature=moving(LUNA=((0.0, HIGH), (FALL, LOW), (FALL + EVERY, LATE))),
        references=(ReferenceVenue("LUNA", depth=DEPTH, spread=0.0),),
        outside=QUIET,
        duration=LAST + 3 * EVERY,
    )


def read(books: Books) -> dict[str, float]:
    """The index, what he has, what is owed, and what Blizz has left."""
    return {
        "index": books.index("LUNA-USD", "venus").value,
        "dollars": books.coins("USD", "attacker"),
        "left": books.lendable("USD", "blizz") / 1e6,
    }


def pays_from(course: Course) -> float:
    """The price at which a round first brought more than it cost, dollars per LUNA, between two rounds."""
    ends = [FIRST + EVERY * number - 1.0 for number in range(ROUNDS + 1)]
    gains = np.diff([course.at(max(end, 6.0), "dollars") for end in ends])
    at = FIRST + EVERY * np.arange(ROUNDS)
    prices = np.exp(np.log(HIGH) + at / FALL * np.log(LOW / HIGH))
    after = int(np.argmax(gains > 0))
    low, high = gains[after - 1], gains[after]
    return float(np.interp(0.0, [low, high], [prices[after - 1], prices[after]]))


def drained(all_: Courses) -> float:
    """Share of what Blizz had that is gone, %."""
    return 100.0 * (1.0 - all_[HISTORY].last("left") * 1e6 / BLIZZ)


INCIDENT = Incident(
    title="Venus and Blizz: a feed with a floor",
    date="12 May 2022",
    source=REKT,
    about="A feed says ten cents of a coin that is to be had for less: below the collateral factor of that, whoever buys and"
    " borrows has more than he paid.",
    inputs=(
        Input("least answer of the feed", "0.10 dollars per LUNA", REKT),
        Input("what Blizz had", "8.3 million dollars", REKT),
        Input("collateral factor", "55 % (Blizz: the same)", "Venus's of that time; at Blizz it binds nothing"),
        Input(
            "dollars per LUNA",
            "0.07 falling to 0.04, then 0.0005",
            "not recorded by the minute; a slow pass through the range",
        ),
        Input("spent at Venus each round", "10,000 dollars", "not history's: a probe"),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B10b-from",
            "price from which on borrowing pays, dollars per LUNA",
            FACTOR * FLOOR,
            0.001,
            lambda all_: pays_from(all_[HISTORY]),
            follows="collateral factor x the least answer",
        ),
        Grade(
            "B10b-drained",
            "gone of what Blizz had, %",
            100.0,
            0.01,
            drained,
            follows="coins at a floor two hundred times their price",
        ),
    ),
    picture=Picture(
        "left", "left in Blizz (million dollars)", "At a twentieth of a cent a coin counts ten, and buys all"
    ),
    cures={"honest": Other("a feed without a floor", lambda: scenario(()))},
)
