"""Polter, 16 November 2024: one coin for everything, at the price of a pool that has just been emptied.

BOO was priced by what two pools of it held at that moment. Their BOO was taken out for the length of one transaction, and the one
coin that was put up counted as more than all that the protocol had to lend. The pools lent their own BOO, so the push cost its fee;
no pool of this project lends what prices it, and the BOO is bought instead with a loan as large as that takes. Both pools are one
here, and one dollar coin stands for all that was lent out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from experiments.incidents.base import HISTORY, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, lender_of, pool
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import still
from experiments.scenario import Scenario
from protocol.appraisal import Collateral
from protocol.flash import Flash
from protocol.oracles.base import Oracle
from protocol.oracles.ema import Ema
from protocol.oracles.guarded import Guarded
from protocol.oracles.spot import Spot
from protocol.transactions import Transaction
from protocol.world import World

REKT = "rekt.news, Polter Finance; DeFiHackLabs, Polter_exp"
CASH = 8.7e6  # dollars that it could lend
PRICE = 1.0  # dollars per BOO
COINS = 1_423_830.0  # BOO in both pools
FACTOR = 0.5  # of the collateral's worth that may be borrowed
PUSHED = 1.01 * CASH / FACTOR  # dollars per BOO, at which one of them is enough
LOAN = COINS * PRICE * ((PUSHED / PRICE) ** 0.5) * 1.01  # dollars, for one transaction


def attack(desk: Desk) -> Iterable[Transaction]:
    """Everything in one transaction: empty the pool, borrow on one coin, put it back."""
    size = desk.coins_to("BOO-USD", PUSHED, exchange="spooky")
    yield desk.flash(
        "USD",
        LOAN,
        desk.trade("BOO-USD", size, exchange="spooky"),
        desk.pledge("BOO", 1.0, exchange="polter"),
        desk.borrow("USD", CASH, exchange="polter"),
        desk.trade("BOO-USD", 1.0 - size, exchange="spooky"),
        exchange="lender",
    )


def scenario(oracle: Oracle | None = None) -> Scenario:
    """A pool, who lends at its price, and who lends for a transaction."""
    exchanges = (
        pool("spooky", "BOO", "USD", COINS * PRICE, fee=0.0, oracle=oracle or Spot()),
        lender_of(
            "polter",
            "BOO",
            "USD",
            (Collateral("BOO", 1.0 - FACTOR, 1.0 - FACTOR),),
            {"USD": CASH},
            index={"BOO": "spooky.BOO-USD"},
        ),
        replace(lender_of("lender", "BOO", "USD", (), {"USD": LOAN}), flash=Flash(fee=0.0)),
    )
    return Scenario(
        world=World(chains=(chain(1.0),), exchanges=exchanges),
        cast=(Script(exchange="spooky", capital=0.0, steps=(Step(10.0, "the transaction", attack),)),),
        nature=still(BOO=PRICE),
        outside=QUIET,
        duration=20.0,
    )


def read(books: Books) -> dict[str, float]:
    """What it has left to lend, what is put up, what he has."""
    return {
        "left": books.lendable("USD", "polter") / 1e6,
        "pledged": books.pledged("BOO", "attacker", "polter"),
        "dollars": books.coins("USD", "attacker"),
    }


def drained(all_: Courses) -> float:
    """Share of all that it could lend, gone against one coin, %."""
    return 100.0 * (1.0 - all_[HISTORY].last("left") * 1e6 / CASH)


INCIDENT = Incident(
    title="Polter: one coin for everything",
    date="16 November 2024",
    source=REKT,
    about="A price read off pools that are empty for the moment makes one coin worth all that there is to lend.",
    inputs=(
        Input("what it could lend", "8.7 million dollars, as one coin", REKT),
        Input("put up", "1 BOO", REKT),
        Input("in the pools", "1.42 million BOO", "DeFiHackLabs, Polter_exp; with as many dollars, which bind nothing"),
        Input(
            "lent for one transaction",
            f"{LOAN / 1e9:.1f} thousand million dollars",
            "stands for the pools' own loans of BOO",
        ),
        Input("collateral factor", "50 %", "not recorded; binds nothing, the pool can be emptied further"),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B20-drained",
            "gone of all that it could lend, %",
            100.0,
            0.01,
            drained,
            follows="one coin counts for more than all there is",
        ),
        Grade(
            "B20-cure",
            "gained where a jump of a tenth is not believed, dollars",
            0.0,
            0.0,
            lambda all_: all_["guard"].gain(),
        ),
    ),
    picture=Picture("left", "left to be lent (million dollars)", "One coin borrows 8.7 million"),
    cures={
        "guard": Other(
            "an index that jumps by a tenth is not believed", lambda: scenario(Guarded(Spot(), max_move=0.1))
        ),
        "average": Other("a moving average of the pool", lambda: scenario(Ema(half_life=600.0))),
    },
)
