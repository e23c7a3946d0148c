"""Aave, 22 November 2022: a short of 92 million CRV squeezed past the loan-to-value at which its liquidation makes it worse.

Llama and Gauntlet (Aave governance 10779), EigenPhi, Kaiko; Warmuz, Chaudhary and Pinna (arXiv:2212.07306) on the frontier. Who
owed CRV against dollars was liquidated in 385 calls within the hour, as fast as CRV could be had, while it rose to .71. Each call
takes 4.5 % more than it repays: beyond 1 / 1.045 of the collateral every one of them leaves less behind each coin still owed.
How fast CRV rose within that hour is tuned for the 2.64 million that were left, so neither they nor their worth are graded; graded
are where the frontier lies, as the calls show it, and what a halt beyond it would have left.
"""

from __future__ import annotations

from collections.abc import Iterable

from agents.nature.reference import ReferenceVenue
from agents.roles.reporter import Reporter
from experiments.incidents.base import HISTORY, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, lender_of
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import moving
from experiments.scenario import Scenario
from experiments.validation.base import Range
from protocol.appraisal import Collateral
from protocol.liquidations.seizure import NEVER, Seizure
from protocol.loan_transactions import Seize
from protocol.oracles.median import Median
from protocol.transactions import Transaction
from protocol.world import World

EIGENPHI = "EigenPhi, A Liquidation Strategy That Profited $1 Million"
LLAMA = "Llama and Gauntlet, Aave governance 10779"
BLOCKWORKS = "Blockworks, 23 November 2022"
COLLATERAL, OWED, LEFT = 63.596e6, 92e6, 2.64e6  # USDC, CRV; CRV left when nothing was left to take
THRESHOLD, BONUS, CLOSE = 0.89, 0.045, 0.5
LOW, AT, HIGH, AFTER = 0.43, THRESHOLD * COLLATERAL / OWED, 0.71, 0.606  # dollars per CRV
BEGIN, RISE, HOUR = 120.0, 2_145.0, 3_600.0  # seconds: of the calls, until the high, of all of them
CALLS = 72  # for 385
LENT = 100e6  # CRV there to be borrowed
MILLION = 1e6


def borrow(desk: Desk) -> Iterable[Transaction]:
    """The short as it stood, the CRV sold elsewhere."""
    yield desk.all_of(
        desk.supply_to("USD", COLLATERAL),
        desk.pledge("aave.USD.supply", COLLATERAL - 1.0),
        desk.borrow("CRV", OWED),
    )


def call(desk: Desk) -> Iterable[Transaction]:
    """One of them, where the rule lets it."""
    borrower = int(desk.state.ledger.of_group(["borrower"])[0])
    most = desk.units("CRV", OWED / CALLS)
    seizure = Seize(desk.house(), desk.who(), borrower, desk.row("CRV"), desk.row("aave.USD.supply"), most)
    if desk.view.simulate(seizure, desk.view.seal)[1] is None:
        yield seizure


def scenario(halt: float = NEVER) -> Scenario:
    """The lender, its borrower, and those who liquidate him at the pace of that hour."""
    rules = lender_of(
        "aave",
        "CRV",
        "USD",
        (Collateral("aave.USD.supply", 1.0 - THRESHOLD, 1.0 - THRESHOLD),),
        {"CRV": LENT, "USD": 1e6},
        oracles={"CRV": Median(reporters=1, quorum=1, deviation=1e-4, heartbeat=HOUR)},
        seizure=Seizure(close_factor=CLOSE, spread=BONUS, halt=halt),
    )
    borrower = Script(name="borrower", tokens={"USD": COLLATERAL}, steps=(Step(12.0, "the short", borrow),))
    pace = HOUR / CALLS
    liquidators = Script(
        name="attacker",
        tokens={"CRV": OWED},
        steps=tuple(Step(BEGIN + pace * number, f"call {number}", call) for number in range(1, CALLS + 1)),
    )
    line = (0.0, LOW), (BEGIN, AT), (BEGIN + RISE, HIGH), (BEGIN + HOUR, HIGH), (BEGIN + HOUR + 600.0, AFTER)
    return Scenario(
        world=World(chains=(chain(25.0),), exchanges=(rules,)),
        cast=(Reporter(count=1, noise=0.0), borrower, liquidators),
        nature=moving(CRV=line),
        references=(ReferenceVenue("CRV", depth=1e15, spread=0.0),),
        outside=QUIET,
        duration=BEGIN + HOUR + 650.0,
    )


def halted() -> Scenario:
    """Nothing is seized beyond the frontier."""
    return scenario(1.0 / (1.0 + BONUS))


def read(books: Books) -> dict[str, float]:
    """The index; collateral, $M, and debt, M CRV; what lenders would be short if all were settled now, $M."""
    price = books.index("CRV-USD").value
    collateral = books.pledged("aave.USD.supply", "borrower") * books.worth("aave.USD.supply")
    debt = books.debt("borrower", "CRV")
    gone = max(0.0, LENT - books.assets("CRV"))  # written off
    return {
        "price": price,
        "collateral": collateral / MILLION,
        "debt": debt / MILLION,
        "gone": gone / MILLION,
        "short": (gone * price + max(0.0, debt * price - collateral)) / MILLION,
    }


def frontier(all_: Courses) -> float:
    """Between the highest loan-to-value that a call lowered and the lowest that one raised, %."""
    track = all_[HISTORY].track
    earlier, now = track.shift(1), track
    acted = (now["debt"] < earlier["debt"] - 1e-9) & (now["collateral"] > 0.5) & (earlier["debt"] > 0.0)
    before = (earlier["debt"] * now["price"] / earlier["collateral"])[acted]
    after = (now["debt"] * now["price"] / now["collateral"])[acted]
    return 50.0 * float(before[after < before].max() + before[after > before].min())


def peak(all_: Courses, course: str) -> float:
    """What lenders would be short when the calls are over and CRV at its high, $M."""
    return all_[course].at(BEGIN + HOUR, "short")


INCIDENT = Incident(
    title="Aave: a short liquidated past the frontier",
    date="22 November 2022",
    source=f"{LLAMA}; {EIGENPHI}; arXiv:2212.07306",
    about="CRV rises faster than 92 million of it can be bought back: beyond a loan-to-value of 1 / 1.045 each call leaves less"
    " behind each coin still owed.",
    inputs=(
        Input("put up, and owed", "63.596 million USDC, 92 million CRV", EIGENPHI),
        Input("bonus", "4.5 %", "reference B17"),
        Input(
            "liquidation threshold, close factor",
            "89 %, 50 %",
            "Aave V2; not in the sources above. Sets when it begins",
        ),
        Input(
            "calls",
            "evenly over an hour, as fast as CRV could be had",
            f"{EIGENPHI}: 385 by 21 liquidators; Kaiko; 72 here",
        ),
        Input(
            "dollars per CRV", "up to .71; .606 the day after", f"{BLOCKWORKS}; {LLAMA}: 1.6 million for what was left"
        ),
        Input("how soon it was there", "36 minutes after the first call", "not recorded", "2.64 million CRV left"),
        Input("what lenders of CRV had lent or had to lend", "100 million", "not recorded; binds nothing"),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade("B17-frontier", "loan-to-value beyond which a call raises it, %", 95.7, 0.3, frontier),
        Grade(
            "B17-halt",
            "short with a halt there, CRV at its high, % of what was short without (halved or better)",
            Range(high=50.0),
            0.0,
            lambda a: 100.0 * peak(a, "halted") / peak(a, HISTORY),
        ),
    ),
    picture=Picture(
        "short",
        "lenders would be short ($M)",
        "Halted at the frontier, a quarter is short, and none of it in the end",
        minutes=True,
    ),
    cures={"halted": Other("nothing is seized beyond a loan-to-value of 1 / 1.045", halted)},
)
