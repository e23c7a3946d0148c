"""Venus, 15 March 2026: a cap that counts deposits, and coins that come by themselves.

Venus let no more than 14.5 million THE be supplied. One account had supplied 12.2 million over nine months; then 36 million more
were sent to the pool without supplying them, so that each share stood for 3.8 times as much, and what was sent on later made 53.2
million of it. It borrowed, bought THE with that in a market of little depth, and borrowed again once a feed that a second one had
to agree with had followed, to some 14.9 million dollars. When the price gave way keepers had 53 million coins to sell: 2.15
million of debt were left.

The price outside is put in up to the .51 dollars that the feed came to accept after 37 minutes, and back to where it had been
once the buying ended. Depth is tuned to the low of .22 to which keepers' sales carried it. How much debt that leaves hangs on the
keepers' purses and on how long a block is, and nobody recorded the first: the same low goes with 0.1 million (a million dollars
each, blocks of six seconds) and with 2.9 (0.3 million, twelve seconds). So it is not graded. All that was borrowed is one dollar
coin, and what the attacker bought with it is not told: he has the coins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agents.nature.reference import ReferenceVenue
from agents.roles.reporter import Reporter
from agents.roles.share_keeper import ShareKeeper
from experiments.incidents.base import HISTORY, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, lender_of
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import moving
from experiments.scenario import Scenario
from protocol.appraisal import UNBOUNDED, Collateral
from protocol.lending import LoanPool
from protocol.liquidations.seizure import Seizure
from protocol.rates.kinked import Kinked
from protocol.transactions import Transaction
from protocol.world import World

REKT = "rekt.news, Venus 4; DeFiHackLabs, Venus_THE"
CAP, OWN, GIFT, ALL = 14.5e6, 12.2e6, 36.1e6, 53.2e6  # THE: the cap, supplied, sent at once, in the end
MORE = ALL - OWN - GIFT  # THE sent later
OWED = 14.9e6  # dollars, at the peak
BEFORE, PUSHED, LOW = 0.265, 0.51, 0.22  # dollars per THE
FACTOR = 0.555  # of its worth that may be borrowed
MINUTE = 60.0  # seconds
SENT, FOLLOWED, FALL = 5 * MINUTE, 42 * MINUTE, 52 * MINUTE  # seconds: the gift; the feed has followed; the buying ends
DEPTH = 64e6  # dollars at fair of the order that moves the price outside by a factor e
PURSE = 0.3e6  # dollars, of each keeper
SHARES = "venus.THE.supply"


def send(desk: Desk) -> Iterable[Transaction]:
    """36 million coins to the pool, and what may then be borrowed."""
    yield desk.all_of(
        desk.supply_to("THE", OWN),
        desk.pledge(SHARES, OWN - 1.0),
        desk.give_to("THE", GIFT),
        desk.borrow("USD", 0.98 * FACTOR * desk.index().value * (OWN + GIFT)),
    )


def again(desk: Desk) -> Iterable[Transaction]:
    """The rest of the coins, and the rest of the loan."""
    yield desk.all_of(desk.give_to("THE", MORE), desk.borrow("USD", max(1.0, OWED - desk.debt("attacker", "USD"))))


def scenario(growth: float = UNBOUNDED) -> Scenario:
    """A lender with a cap, its feed and keepers, and a thin market outside."""
    free = Kinked(0.0, 0.0, 0.0)
    venus = replace(
        lender_of("venus", "THE", "USD", (), {}, seizure=Seizure(close_factor=0.5, spread=0.1)),
        collateral=(Collateral(SHARES, 1.0 - FACTOR, 1.0 - FACTOR, cap=CAP, growth=growth),),
        loans=(LoanPool("USD", free, liquidity=1.1 * OWED), LoanPool("THE", free)),
    )
    line = ((0.0, BEFORE), (FOLLOWED - MINUTE, BEFORE), (FOLLOWED, PUSHED), (FALL, PUSHED), (FALL + MINUTE, BEFORE))
    return Scenario(
        world=World(chains=(chain(12.0),), exchanges=(venus,)),
        cast=(
            Reporter(count=3),
            ShareKeeper(count=3, capital=PURSE),
            Script(
                capital=0.0,
                tokens={"THE": OWN + GIFT + MORE},
                steps=(Step(SENT, "send", send), Step(FOLLOWED + MINUTE, "again", again)),
            ),
        ),
        nature=moving(THE=line),
        references=(ReferenceVenue("THE", depth=DEPTH, half_life=600.0, spread=0.0),),
        outside=QUIET,
        duration=90 * MINUTE,
    )


def read(books: Books) -> dict[str, float]:
    """The index, what a share stands for, what is owed and what was given up."""
    return {
        "index": books.index().value,
        "rate": books.worth(SHARES) / books.index().value,
        "owed": books.debt("attacker", "USD") / 1e6,
        "lost": (1.1 * OWED - books.assets("USD")) / 1e6,
    }


def after_gift(all_: Courses, name: str) -> float:
    """A number of the track once the first coins have been sent."""
    return all_[HISTORY].at(SENT + MINUTE, name)


INCIDENT = Incident(
    title="Venus: a cap that counts deposits",
    date="15 March 2026",
    source=REKT,
    about="Coins sent to a loan pool without being supplied make each of its shares worth more, and no cap on deposits sees them.",
    inputs=(
        Input("cap, supplied under it, sent, in the end", "14.5, 12.2, 36.1, 53.2 million THE", REKT),
        Input("owed at the peak", "14.9 million dollars", REKT),
        Input(
            "dollars per THE",
            "0.265, 0.51 after 37 minutes of the bounds' resistance, 0.265 once the buying ended",
            REKT,
        ),
        Input("collateral factor", "55.5 %", "not recorded; the least that lets the recorded loan through"),
        Input("depth outside", "64 million dollars", REKT, "keepers' sales carry the price to .22"),
        Input(
            "the keepers' purses",
            "three of 300,000 dollars",
            "not recorded; the bad debt hangs on them, and is not graded",
        ),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B10c-rate",
            "what a share stands for after the first coins were sent, THE",
            3.81,
            0.05,
            lambda all_: after_gift(all_, "rate"),
            miss="others had supplied a little as well: 3.81 is 12.85 million in all",
            expected=(3.955, 3.963),
        ),
        Grade(
            "B10c-collateral",
            "worth of the capped shares then, million dollars",
            12.0,
            1.0,
            lambda all_: after_gift(all_, "rate") * after_gift(all_, "index") * OWN / 1e6,
        ),
        Grade(
            "B10c-cure",
            "gained where a share's growth is capped, dollars",
            0.0,
            0.0,
            lambda all_: all_["capped"].gain(),
        ),
    ),
    seeds=5,
    picture=Picture("owed", "owed (million dollars)", "Coins sent past the cap borrow 14.9 million", minutes=True),
    cures={"capped": Other("a share counts as no more than a tenth a year above par", lambda: scenario(growth=0.1))},
)
