"""KiloEx, 14 April 2025: whoever signs sets the price.

A forwarder took anybody's word for the keeper's, so a caller set the price of ether to 100 dollars, opened a long, set it to
10,000 and closed. That is no market at all but a broken door: what it shows is that the loss is what the vault holds, whatever the
profit on paper. Ten such legs on four chains took 7,491,500 dollars; here they are one vault with as much in it, and one leg.
"""

from __future__ import annotations

from collections.abc import Iterable

from experiments.incidents.base import HISTORY, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import still
from experiments.scenario import Scenario
from protocol.funding.unfunded import Unfunded
from protocol.instruments.perpetual import Perpetual
from protocol.oracles.base import Oracle
from protocol.oracles.guarded import Guarded
from protocol.oracles.pull import Pull
from protocol.transactions import Transaction
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, Market, World

REKT = "rekt.news, KiloEx"
CASH = 7_491_500.0  # dollars in the vault: what ten legs took
LOW, HIGH, PRICE = 100.0, 10_000.0, 1_600.0  # dollars per ETH: as told, and as it was
MARGIN, SIZE = 100_000.0, 1_000.0  # dollars, ETH
KEY = "undertow"  # anybody could sign


def attack(desk: Desk) -> Iterable[Transaction]:
    """Everything in one transaction: down, in, up, out."""
    yield desk.all_of(
        desk.deposit(MARGIN),
        desk.tell("ETH-PERP", LOW, KEY, ago=2.0),
        desk.trade("ETH-PERP", SIZE),
        desk.tell("ETH-PERP", HIGH, KEY, ago=1.0),
        desk.trade("ETH-PERP", -SIZE),
        desk.withdraw_most(),
    )


def scenario(oracle: Oracle | None = None) -> Scenario:
    """A vault that trades at whatever it is told."""
    market = Market(
        "ETH-PERP",
        Perpetual(),
        oracle or Pull(max_age=60.0, key=KEY),
        OraclePool(spread=0.0, skew_scale=1e12),
        Unfunded(),
        fee=0.0,
    )
    kiloex = Exchange("kiloex", "l1", "USD", (market,), vault=Vault(liquidity=CASH, commitment=0.0), insurance=0.0)
    return Scenario(
        world=World(chains=(chain(3.0),), exchanges=(kiloex,)),
        cast=(Script(capital=MARGIN, steps=(Step(30.0, "the transaction", attack),)),),
        nature=still(ETH=PRICE),
        outside=QUIET,
        duration=60.0,
    )


def read(books: Books) -> dict[str, float]:
    """What is in the till, and what he has."""
    return {"till": books.till() / 1e6, "dollars": books.coins("USD", "attacker")}


def drained(all_: Courses) -> float:
    """Share of the vault that is gone, %."""
    return 100.0 * (1.0 - all_[HISTORY].last("till") * 1e6 / CASH)


INCIDENT = Incident(
    title="KiloEx: whoever signs sets the price",
    date="14 April 2025",
    source=REKT,
    about="A long opened at 100 and closed at 10,000 within one transaction is worth what the vault has.",
    inputs=(
        Input("in the vault", "7,491,500 dollars", f"{REKT}: the sum of ten legs on four chains, as one"),
        Input("told", "100, then 10,000 dollars per ETH", REKT),
        Input(
            "margin, position",
            "100,000 dollars, 1,000 ETH",
            "not recorded; the profit on paper is more than the vault has",
        ),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B18-drained",
            "gone of the vault, %",
            100.0,
            0.01,
            drained,
            follows="9.9 million on paper, 7.5 in the vault",
        ),
        Grade(
            "B18-cure", "gained where a signature is asked for, dollars", 0.0, 0.0, lambda all_: all_["signed"].gain()
        ),
    ),
    picture=Picture("till", "left in the till (million dollars)", "9.9 million on paper, 7.5 million in the till"),
    cures={
        "signed": Other("only the keeper's signature counts", lambda: scenario(Pull(max_age=60.0, key="not his"))),
        "guard": Other(
            "a jump of a tenth is not believed", lambda: scenario(Guarded(Pull(max_age=60.0, key=KEY), max_move=0.1))
        ),
    },
)
