"""Venus, 18 May 2021: two million of a thin coin, bought up and borrowed on, and keepers who sell it into nothing.

XVS was bought from 76 to 144 dollars within two and a half hours, two million of it were put up at 80 %, and some 200 million
dollars of bitcoin and ether borrowed. When the buying ended the price halved within as long again, and was 31 the next day;
keepers seized what they could sell, which was little, and nearly half of the loan was left.

The price outside is put in as it went: the keepers' own sales are in it, so here they move nothing. How fast they came on is
tuned, by their purses, to the 1.4 million coins that were left after three and a half hours. What they had repaid by the end is
left to reporters, keepers and the rule of seizure. Bitcoin and ether are one dollar coin, and a block of five minutes stands for
a hundred.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agents.nature.reference import ReferenceVenue
from agents.roles.loan_keeper import LoanKeeper
from agents.roles.reporter import Reporter
from experiments.incidents.base import HISTORY, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, lender_of
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import moving
from experiments.scenario import Scenario
from experiments.validation.base import Range
from protocol.appraisal import Collateral
from protocol.lending import LoanPool
from protocol.liquidations.seizure import Seizure
from protocol.rates.kinked import Kinked
from protocol.transactions import Transaction
from protocol.world import World

NEWS = "thedefiant.io and chaincatcher.com, Venus, May 2021"
HOUR = 3_600.0  # seconds
TOP, SEEN = 2.5 * HOUR, 6.0 * HOUR  # when it stood highest, and when what was left of the coins was counted
PATH = ((0.0, 76.0), (TOP, 144.0), (5.0 * HOUR, 72.0), (24.0 * HOUR, 31.5))  # seconds, dollars per XVS
COINS, OWED = 2e6, 200e6  # XVS put up, dollars borrowed
FACTOR, STRICT = 0.8, 0.6
PURSE = 0.21e6  # dollars, of each of three keepers


def attack(desk: Desk) -> Iterable[Transaction]:
    """At the top: all of it put up, and what was borrowed, or all that may be."""
    worth = desk.index("XVS-USD", "venus").value * COINS
    share = 1.0 - desk.state.exchange(desk.house("venus")).collateral[0].initial
    yield desk.all_of(
        desk.pledge("XVS", COINS - 1.0, exchange="venus"),
        desk.borrow("USD", min(OWED, 0.999 * share * worth), exchange="venus"),
    )


def scenario(factor: float = FACTOR) -> Scenario:
    """A lender, its reporters and keepers, and a thin market outside."""
    venus = replace(
        lender_of(
            "venus",
            "XVS",
            "USD",
            (Collateral("XVS", 1.0 - factor, 1.0 - factor),),
            {},
            seizure=Seizure(close_factor=0.5, spread=0.1),
        ),
        loans=(LoanPool("USD", Kinked(0.0, 0.0, 0.0), liquidity=1.1 * OWED),),
    )
    return Scenario(
        world=World(chains=(chain(300.0),), exchanges=(venus,)),
        cast=(
            Reporter(count=3),
            LoanKeeper(count=3, capital=PURSE),
            Script(capital=0.0, tokens={"XVS": COINS}, steps=(Step(TOP, "borrow", attack),)),
        ),
        nature=replace(moving(XVS=PATH), tick=10.0),
        references=(ReferenceVenue("XVS", depth=1e12, spread=0.0),),
        outside=QUIET,
        duration=26.0 * HOUR,
    )


def read(books: Books) -> dict[str, float]:
    """The index, what is owed, what is left to cover it, and what was given up."""
    return {
        "index": books.index("XVS-USD", "venus").value,
        "left": books.pledged("XVS", "attacker", "venus") / 1e6,
        "owed": books.debt("attacker", "USD", "venus") / 1e6,
        "cover": books.pledged("XVS", "attacker", "venus") * books.index("XVS-USD", "venus").value / 1e6,
        "lost": (1.1 * OWED - books.assets("USD", "venus")) / 1e6,
    }


def left_owing(all_: Courses) -> float:
    """What was given up of the loan, %."""
    return 100.0 * all_[HISTORY].last("lost") / (OWED / 1e6)


INCIDENT = Incident(
    title="Venus: two million of a thin coin",
    date="18 May 2021",
    source=NEWS,
    about="A thin coin is bought up, borrowed on at four fifths, and falls faster than keepers can sell it.",
    inputs=(
        Input("dollars per XVS", "76, 144 after 2.5 hours, 72 after 5, 31.5 the next day", NEWS),
        Input("put up, borrowed", "2 million XVS, about 200 million dollars", NEWS),
        Input(
            "collateral factor, close factor, bonus",
            "80 %, 50 %, 10 %",
            f"{NEWS}; the last two are Venus's own of that time",
        ),
        Input(
            "the keepers' purses",
            "three of 210,000 dollars, each turned over in ten minutes",
            NEWS,
            "1.4 million coins are left three and a half hours after the top",
        ),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B10a-bad",
            "bad debt, % of what was borrowed (reported: 48; 40 to 55 accepted)",
            Range(40.0, 55.0),
            0.0,
            left_owing,
            miss="the published 95 million are of all accounts and the 200 million of this one; of this one 83 million"
            " (41 %) were reported",
            expected=(36.0, 36.3),
        ),
    ),
    seeds=5,
    picture=Picture(
        "owed",
        "owed (million dollars)",
        "A third of the loan is given up",
        minutes=True,
    ),
    cures={"strict": Other("60 % may be borrowed", lambda: scenario(STRICT))},
)
