"""Synthetix, 25 June 2019: one of three feeds of the Korean won dead, another a thousand times too high, and their mean believed.

Synthetix, "Response to Oracle Incident" (blog.synthetix.io, June 2019). With three feeds the middle one would have stood; with two
the rule took their mean, which is 500.5 times the truth, not the thousand of the headlines. A bot that traded at the index against
everybody's debt took it in and out. Here the vault is that debt; how much the bot had is put in, so what it took is not graded.
"""

from __future__ import annotations

from collections.abc import Iterable

from agents.faults.offline import Offline
from agents.faults.scaled import Scaled
from agents.roles.reporter import Reporter
from experiments.incidents.base import HISTORY, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, perpetual
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import still
from experiments.scenario import Scenario
from protocol.losses.backstop import VaultBackstop
from protocol.margins.cross import Cross
from protocol.oracles.median import Median
from protocol.transactions import Transaction
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, World

SYNTHETIX = "Synthetix, Response to Oracle Incident, 2019"
WON = 1.0 / 1_157.0  # dollars
FACTOR, WRONG = 1_000.0, 120.0  # of the bad feed; seconds until it goes wrong
STAKE = 1e6  # dollars


def enter(desk: Desk) -> Iterable[Transaction]:
    """Won for all it has, at the index."""
    yield desk.all_of(desk.deposit(STAKE), desk.trade("KRW-PERP", 0.99 * STAKE / WON))


def leave(desk: Desk) -> Iterable[Transaction]:
    """Out again at the index, and away with the money."""
    yield desk.trade("KRW-PERP", -desk.position("KRW-PERP"))


def collect(desk: Desk) -> Iterable[Transaction]:
    """What the till lets out."""
    yield desk.withdraw_most()


def scenario(*, dead: bool = True, quorum: int = 2) -> Scenario:
    """The vault honours what two or three feeds say; `quorum` of them must speak."""
    oracle = Median(reporters=3, quorum=quorum, deviation=0.001, heartbeat=60.0, max_age=90.0)
    house = Exchange(
        "synthetix",
        "l1",
        "USD",
        (perpetual("KRW", OraclePool(spread=0.0, skew_scale=1e18), oracle=oracle),),
        margin=Cross(initial=1.0, maintenance=0.5),
        losses=(VaultBackstop(),),
        vault=Vault(liquidity=1e9),
        insurance=0.0,
    )
    feeds = (
        Reporter(name="dead", count=1, noise=0.0, faults=(Offline(onset=30.0),) if dead else ()),
        Reporter(name="bad", count=1, noise=0.0, faults=(Scaled(onset=WRONG, factor=FACTOR),)),
        Reporter(name="good", count=1, noise=0.0),
    )
    steps = (
        Step(60.0, "in", enter),
        Step(200.0, "out", leave),
        Step(220.0, "collect", collect),
    )
    return Scenario(
        world=World(chains=(chain(),), exchanges=(house,)),
        cast=(*feeds, Script(capital=STAKE, steps=steps)),
        nature=still(KRW=WON),
        outside=QUIET,
        duration=260.0,
    )


def read(books: Books) -> dict[str, float]:
    """The index in multiples of the truth, and whether it may be used."""
    reading = books.index("KRW-PERP")
    return {"factor": reading.value / WON, "status": float(reading.status)}


INCIDENT = Incident(
    title="Synthetix: the mean of one right feed and one wrong",
    date="25 June 2019",
    source=SYNTHETIX,
    about="One feed of the won is dead, one a thousand times too high; a bot trades at the mean of the living against all.",
    inputs=(
        Input("feeds", "three: one dead, one right, one a thousand times too high", SYNTHETIX),
        Input("rule", "the middle one of three; of two, their mean", SYNTHETIX),
        Input(
            "the bot's stake, and what stood behind",
            "1 million, 1 billion dollars",
            "not recorded; nothing graded depends on it",
        ),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B6-mean",
            "the index, in multiples of the truth",
            500.5,
            1e-6,
            lambda a: a[HISTORY].most("factor"),
            follows="the mean of 1 and 1,000",
        ),
        Grade("B6-median", "the same with the dead feed alive", 1.0, 1e-9, lambda a: a["three"].most("factor")),
        Grade(
            "B6-quorum",
            "gain of the bot where three feeds must speak, dollars",
            0.0,
            0.01,
            lambda a: a["quorum"].gain(),
        ),
    ),
    picture=Picture(
        "factor", "index (multiples of the truth)", "With a feed dead the index is 500 times too high", scale="log"
    ),
    cures={
        "three": Other("the dead feed is alive", lambda: scenario(dead=False)),
        "quorum": Other("an index of fewer than three feeds is not used", lambda: scenario(quorum=3)),
    },
)
