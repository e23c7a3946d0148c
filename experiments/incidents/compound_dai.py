"""Compound, 26 November 2020, block 11333036: a dollar coin quoted dear on one exchange, and who had lent and borrowed it.

Qin, Zhou, Gamito, Jovanovic and Gervais, "An Empirical Study of DeFi Liquidations" (arXiv:2106.06389), section 5.2.2, Table 6.
The oracle took DAI from one exchange, where it was bid up while it stood at a dollar elsewhere (an anchor within a fifth of
Uniswap's mean let that pass). A farmer who had deposited and borrowed DAI owed more in dollars with each cent, and his dollar
collateral did not grow. Put in are his position, the rule and the oracle's two prices; the project's own keeper does the rest. What
the one of that day repaid (46.14 million) was his choice, and is not graded; nor is the total, for no other position is known.
"""

from __future__ import annotations

from collections.abc import Iterable

from agents.faults.scaled import Scaled
from agents.nature.reference import ReferenceVenue
from agents.roles.loan_keeper import LoanKeeper, TwoStepKeeper
from agents.roles.reporter import Reporter
from experiments.incidents.base import ADVERSARY, HISTORY, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, lender_of
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import still
from experiments.scenario import Scenario
from protocol.appraisal import Collateral
from protocol.liquidations.seizure import Seizure
from protocol.oracles.median import Median
from protocol.transactions import Transaction
from protocol.world import World

QIN = "Qin et al., arXiv:2106.06389, section 5.2.2"
DAI, USDC = 108.51e6, 17.88e6  # put up
OWED_DAI, OWED_USDC = 93.22e6, 506_640.0
BEFORE, AFTER, RISE = 1.08, 1.095299, 120.0  # dollars per DAI at the oracle; seconds until it rises
THRESHOLD, BONUS, CLOSE = 0.75, 0.08, 0.5
HAIRCUT = 1.0 - THRESHOLD
MILLION = 1e6


def farm(desk: Desk) -> Iterable[Transaction]:
    """The position as it stood: both coins put up, both borrowed."""
    yield desk.all_of(
        desk.supply_to("USD", USDC),
        desk.pledge("compound.USD.supply", USDC - 1.0),
        desk.pledge("DAI", DAI),
        desk.borrow("DAI", OWED_DAI),
        desk.borrow("USD", OWED_USDC),
    )


def scenario(*, feeds: int = 1, keeper: type[LoanKeeper] = LoanKeeper) -> Scenario:
    """`feeds` exchanges tell the oracle what DAI is worth, the first of them the one where it is dear."""
    dear = Reporter(
        name="dear",
        count=1,
        noise=0.0,
        faults=(Scaled(duration=RISE, factor=BEFORE), Scaled(onset=RISE, factor=AFTER)),
    )
    others = Reporter(name="others", count=feeds - 1, noise=0.0)
    rules = lender_of(
        "compound",
        "DAI",
        "USD",
        (Collateral("DAI", HAIRCUT, HAIRCUT), Collateral("compound.USD.supply", HAIRCUT, HAIRCUT)),
        {"DAI": 400e6, "USD": 40e6},
        oracles={"DAI": Median(reporters=feeds, quorum=(feeds + 1) // 2, deviation=1e-6, heartbeat=3_600.0)},
        seizure=Seizure(close_factor=CLOSE, spread=BONUS),
    )
    farmer = Script(name="farmer", steps=(Step(60.0, "the farm", farm),), tokens={"DAI": DAI, "USD": USDC})
    return Scenario(
        world=World(chains=(chain(),), exchanges=(rules,)),
        cast=(
            dear,
            *((others,) if feeds > 1 else ()),
            farmer,
            keeper(name="attacker", base=60e6, tip=0.0, bid_share=0.0),
        ),
        nature=still(DAI=1.0),
        references=(ReferenceVenue("DAI", depth=1e15, spread=0.0),),
        outside=QUIET,
        duration=150.0,
    )


def read(books: Books) -> dict[str, float]:
    """His collateral, debt and capacity, dollars; what is left of his coins, and who had how many."""
    price = books.index("DAI-USD").value
    dollars = books.pledged("compound.USD.supply", "farmer") * books.worth("compound.USD.supply")
    collateral = books.pledged("DAI", "farmer") * price + dollars
    return {
        "price": price,
        "collateral": collateral / MILLION,
        "owed": (books.debt("farmer", "DAI") * price + books.debt("farmer", "USD")) / MILLION,
        "capacity": THRESHOLD * collateral / MILLION,
        "debt": books.debt("farmer", "DAI") / MILLION,
        "pledged": books.pledged("DAI", "farmer") / MILLION,
    }


def first(all_: Courses, name: str) -> float:
    """A number as of the first block after the rise, before anybody could have answered."""
    track = all_[HISTORY].track
    return float(track[track["price"] > BEFORE + 1e-4][name].iloc[0])


def change(all_: Courses, course: str, name: str) -> float:
    """By how much a number fell from the rise to the end, million coins."""
    return all_[course].at(RISE, name) - all_[course].last(name)


INCIDENT = Incident(
    title="Compound: a dollar coin quoted dear on one exchange",
    date="26 November 2020",
    source=QIN,
    about="One exchange's price makes a farmer's debt outgrow his collateral; keepers may repay half of it at once.",
    inputs=(
        Input("put up", "108.51 million DAI, 17.88 million USDC", QIN),
        Input("owed", "93.22 million DAI, 506,640 USDC", QIN),
        Input("DAI at the oracle, before and after", "1.08, 1.095299 dollars", QIN),
        Input("liquidation threshold, bonus, close factor", "75 %, 8 %, 50 %", QIN),
        Input(
            "what Compound could lend, and the keeper's own DAI",
            "400 and 60 million DAI",
            "not recorded; binds nothing",
        ),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B5-collateral",
            "collateral at the oracle's price, million dollars",
            136.73,
            0.01,
            lambda a: first(a, "collateral"),
            follows="coins at prices",
        ),
        Grade("B5-owed", "owed, million dollars", 102.61, 0.01, lambda a: first(a, "owed"), follows="coins at prices"),
        Grade(
            "B5-capacity",
            "borrowing capacity, million dollars",
            102.55,
            0.01,
            lambda a: first(a, "capacity"),
            follows="the threshold of coins at prices",
        ),
        Grade(
            "B5-repaid", "repaid up to the close factor, million DAI", 46.61, 0.01, lambda a: change(a, HISTORY, "debt")
        ),
        Grade("B5-seized", "seized for it, million DAI", 50.34, 0.01, lambda a: change(a, HISTORY, "pledged")),
        Grade(
            "B5-profit",
            "profit of the keeper, million DAI at a dollar",
            3.73,
            0.01,
            lambda a: a[HISTORY].gain() / MILLION,
        ),
        Grade(
            "B5-two-steps",
            "repaid in the two steps that earn most, million DAI (296,610 and 46.46 million)",
            46.757,
            0.011,
            lambda a: change(a, ADVERSARY, "debt"),
        ),
        Grade(
            "B5-cure",
            "seized where the middle of three feeds counts, million DAI",
            0.0,
            0.0,
            lambda a: change(a, "three", "pledged"),
        ),
    ),
    picture=Picture(
        "pledged", "the farmer's DAI in custody (million)", "A cent and a half at one feed costs 50 million DAI"
    ),
    cures={"three": Other("the middle of three feeds counts", lambda: scenario(feeds=3))},
    adversary=Other("a keeper that seizes in the two steps which earn most", lambda: scenario(keeper=TwoStepKeeper)),
)
