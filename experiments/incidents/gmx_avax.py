"""GMX, 18 September 2022: trades at the price of exchanges that are shallower than the pool which honours it.

Mycelium's account of 19 September 2022, and the reports of the day. Who opens a long at the index, buys on the exchanges that the
index follows, closes, opens a short, sells what he bought and closes again, has paid no impact where he was large and little where
he was not: five times over. The size of his positions and how far he moved the price are not recorded; they are chosen here so that
five rounds come to what was reported, and what they come to is therefore not graded. Graded is the rule by which it pays: a leg
brings size * (move - twice the fee) and costs what the push costs, at any size; and the caps that GMX put in force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from agents.nature.reference import ReferenceVenue
from agents.player import ReferenceTrade
from agents.roles.reporter import Reporter
from experiments.incidents.base import HISTORY, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, perpetual
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import still
from experiments.scenario import Scenario
from protocol.losses.backstop import VaultBackstop
from protocol.losses.insurance import Insurance
from protocol.margins.cross import Cross
from protocol.oracles.median import Median
from protocol.transactions import Transaction
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool
from protocol.world import UNCAPPED, Exchange, World

MYCELIUM = "Mycelium, response to the GMX exploit, 19 September 2022"
REPORTS = "PeckShield, GMX and others on the day"
PRICE, FEE, CYCLES = 17.5, 0.001, 5
SIZE, MOVE = 5e6, 0.02  # cash coins a position; of the mid, relative
DEPTH, SPREAD = 7e8, 0.003  # cash that displaces the log of the outside mid by one; twice the outside fee
POOL, MARGIN, PURSE = 67e6, 1e6, 20e6
CAPS = 2e6, 1e6  # long and short, as GMX put them in force
START, ROUND = 60.0, 240.0  # seconds: of the first cycle, and a cycle's length
LEGS = 0.0, 36.0, 48.0, 84.0  # seconds into it: long, out, short, out
SEEN = Median(reporters=3, quorum=2, deviation=0.0, heartbeat=3_600.0)  # three exchanges, and the one in the middle


def coins(desk: Desk, side: int, most: float) -> float:
    """What he wants, or what the cap lets him have."""
    return side * 0.999 * min(SIZE, most) / desk.index().value


def cycle(number: int, caps: tuple[float, float]) -> tuple[Step, ...]:
    """Long, up, out; short, down, out."""
    start = START + ROUND * number

    def enter(side: int) -> Callable[[Desk], Iterable[Transaction]]:
        return lambda desk: [desk.trade("AVAX-PERP", coins(desk, side, caps[side < 0]))]

    def leave(desk: Desk) -> Iterable[Transaction]:
        yield desk.trade("AVAX-PERP", -desk.position("AVAX-PERP"))

    def push(to: float) -> Callable[[Desk], Iterable[ReferenceTrade]]:
        return lambda desk: [desk.push("AVAX", to)]

    return (
        Step(start + LEGS[0], "long", enter(1)),
        Step(start + LEGS[0] + 12.0, "buy outside", push(PRICE * (1.0 + MOVE))),
        Step(start + LEGS[1], "close the long", leave),
        Step(start + LEGS[2], "short", enter(-1)),
        Step(start + LEGS[2] + 12.0, "sell outside", push(PRICE)),
        Step(start + LEGS[3], "close the short", leave),
    )


def scenario(caps: tuple[float, float] = (UNCAPPED, UNCAPPED)) -> Scenario:
    """A pool that honours its index, reporters who look outside, and five rounds. He takes no more than `caps`, long and short."""
    rounds = tuple(step for number in range(CYCLES) for step in cycle(number, caps))
    market = perpetual("AVAX", OraclePool(spread=0.0, skew_scale=1e15), oracle=SEEN, fee=FEE, cap=max(caps))
    gmx = Exchange(
        "gmx",
        "l1",
        markets=(market,),
        margin=Cross(initial=1.0 / 30.0, maintenance=0.01),
        losses=(Insurance(), VaultBackstop()),
        vault=Vault(liquidity=POOL),
        insurance=0.0,
    )
    steps = (Step(12.0, "margin", lambda desk: [desk.deposit(MARGIN)]), *rounds)
    return Scenario(
        world=World(chains=(chain(12.0),), exchanges=(gmx,)),
        cast=(
            Reporter(count=3, exchange="gmx", noise=0.0),
            Script(exchange="gmx", capital=MARGIN + PURSE, steps=steps),
        ),
        nature=still(AVAX=PRICE),
        references=(ReferenceVenue("AVAX", depth=DEPTH, half_life=600.0, spread=SPREAD),),
        outside=QUIET,
        duration=START + ROUND * CYCLES,
    )


def capped() -> Scenario:
    """He does the same within the caps."""
    return scenario(CAPS)


def read(books: Books) -> dict[str, float]:
    """Index, his position, and the pool, $M."""
    return {"index": books.index().value, "position": books.held("attacker"), "pool": books.vault() / 1e6}


def brought(all_: Courses) -> float:
    """What more position brings, the pushes being alike, over (size times (move of the index while it is held - twice the fee))."""
    told = all_[HISTORY]
    ruled = 0.0
    for number in range(CYCLES):
        first, second, third, last = (told.at(START + ROUND * number + late, "index") for late in LEGS)
        ruled += (SIZE - CAPS[0]) * (second / first - 1.0 - 2.0 * FEE)
        ruled += (SIZE - CAPS[1]) * (1.0 - last / third - 2.0 * FEE)
    return (told.gain() - all_["capped"].gain()) / (0.999 * ruled)


INCIDENT = Incident(
    title="GMX: a pool deeper than the exchanges it follows",
    date="18 September 2022",
    source=f"{MYCELIUM}; {REPORTS}",
    about="No impact however large the trade, at the middle price of three exchanges that are shallower than the pool.",
    inputs=(
        Input("fee", "10 basis points of what is opened and of what is closed", "GMX's documentation"),
        Input("index", "the middle of what three exchanges say", MYCELIUM),
        Input("rounds", "five, long and then short", f"{MYCELIUM}: about five times"),
        Input("the pool", "67 million", REPORTS),
        Input("position, and move of the price", "5 million, 2 %", "not recorded", "565,000 in five rounds"),
        Input("depth and fee of the outside market", "700 million a log, 15 basis points", "not recorded", "the same"),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B11-rule",
            "a dollar of position brings, times (move - twice the fee)",
            1.0,
            0.01,
            brought,
            follows="an identity of any trade without impact",
        ),
        Grade("B11-caps", "gain within the caps, $ (0: none)", 0.0, 0.0, lambda all_: max(0.0, all_["capped"].gain())),
    ),
    picture=Picture(
        "pool", "in the pool ($M)", "What five rounds take: within the caps, less than the pushes cost", minutes=True
    ),
    cures={"capped": Other("two million long and one million short, as GMX capped it", capped)},
)
