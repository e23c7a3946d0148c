"""UwU Lend, 10 June 2024, block 20,061,318: one's own debt made unpayable, and one's own collateral seized at a discount.

What stood in the pools of five of eleven sources of sUSDe's price was flash-borrowed and sold: the median fell to 0.99, a second
account of his own borrowed sUSDe to the brim, the pools were bought back to 1.03, and he liquidated that account for its
collateral at a tenth off. Beyond a loan-to-value of 1 / 1.1 that leaves debt behind, here with whoever had lent the sUSDe. There
the account was left its last grain, so that nothing was written off, and the lender's claims went on to borrow all that others
had lent: 19.3 million dollars are what there was to take, not what a round earns, and are not graded.

One dollar coin stands for his ether, bitcoin and dai; cash is sUSDe. UwU let collateral leave down to the liquidation threshold of
90 %, so that threshold is what one may borrow to here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agents.attacks.self_liquidator import SelfLiquidator
from experiments.incidents.base import HISTORY, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, lender_of, pool
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import still
from experiments.scenario import Scenario
from protocol.appraisal import Collateral
from protocol.flash import Flash
from protocol.liquidations.seizure import Seizure
from protocol.oracles.ema import Ema
from protocol.oracles.spot import Spot
from protocol.transactions import Transaction
from protocol.world import World

POC = "DeFiHackLabs, UwuLend_First_exp"
NOTE = "published-results B19"
LOW, HIGH = 0.99, 1.03  # dollars per sUSDe: pushed, and where it stood before and after
THRESHOLD, BONUS, CLOSE = 0.90, 0.10, 0.5
DEPTH = 86_500_000.0  # sUSDe on its side of the pools
LENT = 301_738_880.0  # sUSDe there to be borrowed
CALLS = 6  # seizures until nothing is left
FLASHED = 400_000_000.0  # dollars that could be had for a transaction


def attack(desk: Desk) -> Iterable[Transaction]:
    """Everything in one transaction: push, borrow, restore, seize."""
    buy = desk.coins_to("DAI-SUSDE", 1.0 / LOW, exchange="curve")
    coins = 1.00001 * LENT * LOW / THRESHOLD
    rounds: tuple[Transaction, ...] = (
        desk.trade("DAI-SUSDE", buy, exchange="curve"),
        desk.transfer("DAI", coins, "ruined"),
        desk.pledge("DAI", coins, "ruined", exchange="uwu"),
        desk.borrow("SUSDE", LENT, "ruined", exchange="uwu"),
        desk.transfer("SUSDE", LENT, "", "ruined"),
        desk.trade("DAI-SUSDE", -buy, exchange="curve"),
        *(desk.seize("ruined", "SUSDE", "DAI", exchange="uwu") for _ in range(CALLS)),
    )
    yield desk.flash("SUSDE", 10_000_000.0, desk.flash("DAI", coins, *rounds, exchange="maker"), exchange="maker")


def scenario(*, slow: bool = False, halt: bool = False) -> Scenario:
    """The pools, the lender, and whoever lends for a transaction."""
    seizure = Seizure(close_factor=CLOSE, spread=BONUS)
    exchanges = (
        pool("curve", "DAI", "SUSDE", DEPTH, fee=0.0001, oracle=Ema(half_life=600.0) if slow else Spot()),
        lender_of(
            "uwu",
            "DAI",
            "SUSDE",
            (Collateral("DAI", 1.0 - THRESHOLD, 1.0 - THRESHOLD),),
            {"SUSDE": LENT},
            index={"DAI": "curve.DAI-SUSDE"},
            seizure=replace(seizure, halt=seizure.frontier) if halt else seizure,
        ),
        replace(
            lender_of("maker", "DAI", "SUSDE", (), {"DAI": FLASHED, "SUSDE": FLASHED}),
            flash=Flash(fee=0.0),
        ),
    )
    script = Script(
        exchange="curve", capital=0.0, steps=(Step(60.0, "the transaction", attack),), purses={"ruined": {}}
    )
    return Scenario(
        world=World(chains=(chain(),), exchanges=exchanges),
        cast=(script,),
        nature=still(DAI=1.0 / HIGH),
        outside=QUIET,
        duration=120.0,
    )


def attacked() -> Scenario:
    """The project's own attacker in the script's place: no capital but gas, and the same who lend."""
    own = SelfLiquidator(name="attacker", exchange="uwu", capital=0.0, tip=0.0, least_profit=1.0)
    return replace(scenario(), cast=(own,))


def read(books: Books) -> dict[str, float]:
    """The index, what lenders of sUSDe are out, and what he has."""
    return {
        "price": 1.0 / books.index("DAI-SUSDE", "uwu").value,
        "missing": 100.0 * (1.0 - books.assets("SUSDE", "uwu") / LENT),
        "sUSDe": books.coins("SUSDE", "attacker"),
    }


def beyond(all_: Courses) -> float:
    """What he owed, for each coin that all his collateral repaid."""
    return 1.0 / (1.0 - 0.01 * all_[HISTORY].last("missing"))


INCIDENT = Incident(
    title="UwU Lend: one's own debt made unpayable",
    date="10 June 2024",
    source="DeFiHackLabs, UwuLend_First_exp; rekt.news, UwU Lend",
    about="A price that follows pools at once is pushed down to borrow and let go to seize: past 1 / 1.1 of collateral a tenth off"
    " is paid by the lenders. The project's own attacker finds this by itself and takes far more, for no median of other sources"
    " holds one pool's price to within 4 %.",
    inputs=(
        Input("dollars per sUSDe, pushed, and where it stood", "0.99, 1.03", NOTE),
        Input("liquidation threshold, bonus, close factor", "90 %, 10 %, 50 %", f"{POC}; the last is Aave V2's"),
        Input(
            "in the pools that were pushed",
            "173 million dollars",
            "QuillAudits; binds nothing but the cost of a push",
        ),
        Input(
            "sUSDe there to be borrowed",
            "301,738,880",
            f"{POC}: most of it his own, lent for the transaction; a scale only",
        ),
        Input("lent for one transaction", "as much", f"{POC}; without a fee here"),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade("B19-beyond", "owed per coin repaid when all collateral is seized", 1.030, 0.001, beyond),
        Grade(
            "B19-cure",
            "profit where the index is a moving average, sUSDe",
            0.0,
            0.0,
            lambda all_: all_["averaged"].gain(),
        ),
    ),
    picture=Picture(
        "missing", "lent and gone (%)", "Pushed by 4 % the lenders are 3 % short, pushed freely two thirds"
    ),
    cures={
        "averaged": Other("the index is an exponential average of the same pool", lambda: scenario(slow=True)),
        "halt": Other("nothing is seized beyond a loan-to-value of 1 / 1.1", lambda: scenario(halt=True)),
    },
    adversary=Other("the project's self-liquidator, with the same loans and no capital", attacked),
)
