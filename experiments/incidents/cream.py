"""Cream, 27 October 2021: a share lent out three times over, then doubled by a gift.

One account puts up what lenders of one transaction gave in dollars, as shares of a vault; a second puts up their ether and borrows
those shares, which the first puts up again, until it has three shares in Cream for each one that there is. The last are redeemed
at the vault until eight million are left, and a gift of eight million doubles what each is worth: the first account's claims are
now worth twice the debts behind them, and borrow all that Cream has. What is put in is what was lent, redeemed and given; that
the price doubles follows from the vault's rule, that nothing is left from Cream's. One coin stands for all that Cream could lend
beside ether, and the vault stands on Cream's own exchange, so that it is read within the transaction, as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from experiments.incidents.base import HISTORY, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, lender_of
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import still
from experiments.scenario import Scenario
from protocol.appraisal import UNBOUNDED, Collateral
from protocol.flash import Flash
from protocol.lending import LoanPool
from protocol.rates.kinked import Kinked
from protocol.transactions import Transaction
from protocol.vault import Vault
from protocol.world import World

REKT = "rekt.news, Cream 2; DeFiHackLabs, Cream_2_exp"
DOLLARS, ETHER = 500e6, 524_102.0  # lent for the transaction
OTHERS = 8e6  # dollars in the vault that are not his
GIFT = 8e6  # dollars
LENDABLE = 130e6  # dollars: what Cream's lenders had in it
PRICE = 4_000.0  # dollars per ETH
SHARES, CLAIMS = "cream.share", "cream.cream.share.supply"
GRAIN = 0.01  # coins, for what is rounded


def attack(desk: Desk) -> Iterable[Transaction]:
    """Everything in one transaction, by two accounts: `long` has the shares, `short` owes them."""
    again: list[Transaction] = []
    for _ in range(2):
        again += [
            desk.borrow(SHARES, DOLLARS - GRAIN, "short"),
            desk.transfer(SHARES, DOLLARS - GRAIN, "long", "short"),
            desk.supply_to(SHARES, DOLLARS - GRAIN, "long"),
            desk.pledge(CLAIMS, DOLLARS - 2 * GRAIN, "long"),
        ]
    within: tuple[Transaction, ...] = (
        desk.invest(DOLLARS),
        desk.transfer(SHARES, DOLLARS - GRAIN, "long"),
        desk.supply_to(SHARES, DOLLARS - GRAIN, "long"),
        desk.pledge(CLAIMS, DOLLARS - 2 * GRAIN, "long"),
        desk.transfer("ETH", ETHER, "short"),
        desk.supply_to("ETH", ETHER, "short"),
        desk.pledge("cream.ETH.supply", ETHER - GRAIN, "short"),
        *again,
        desk.borrow(SHARES, DOLLARS - 2 * GRAIN, "short"),
        desk.transfer(SHARES, DOLLARS - 2 * GRAIN, "", "short"),
        desk.divest(DOLLARS - 2 * GRAIN),
        desk.donate(GIFT),
        desk.borrow("ETH", ETHER, "long"),
        desk.borrow("USD", LENDABLE, "long"),
        desk.transfer("ETH", ETHER, "", "long"),
        desk.transfer("USD", LENDABLE, "", "long"),
    )
    yield desk.flash("USD", DOLLARS, desk.flash("ETH", ETHER, *within, exchange="aave"), exchange="maker")


def scenario(growth: float = UNBOUNDED) -> Scenario:
    """Cream with the vault it lends on, and those who lend for a transaction."""
    collateral = (Collateral("cream.ETH.supply", 0.25, 0.25), Collateral(CLAIMS, 0.25, 0.25, growth=growth))
    free = Kinked(0.0, 0.0, 0.0)
    loans = (LoanPool("USD", free, liquidity=LENDABLE), LoanPool("ETH", free), LoanPool(SHARES, free))
    cream = replace(
        lender_of("cream", "ETH", "USD", (), {}), vault=Vault(liquidity=OTHERS), loans=loans, collateral=collateral
    )
    lenders = tuple(
        replace(lender_of(name, "ETH", "USD", (), {asset: coins}), flash=Flash(fee=0.0))
        for name, asset, coins in (("maker", "USD", DOLLARS), ("aave", "ETH", ETHER))
    )
    script = Script(
        exchange="cream",
        capital=0.0,
        steps=(Step(60.0, "the transaction", attack),),
        purses={"long": {}, "short": {}},
    )
    return Scenario(
        world=World(chains=(chain(),), exchanges=(cream, *lenders)),
        cast=(script,),
        nature=still(ETH=PRICE),
        outside=QUIET,
        duration=96.0,
    )


def read(books: Books) -> dict[str, float]:
    """A share's worth, what Cream has left to lend, what he has."""
    return {
        "share": books.worth(SHARES),
        "left": (books.lendable("USD") + books.lendable("ETH") * PRICE) / 1e6,
        "dollars": books.coins("USD", "attacker"),
        "claims": books.pledged(CLAIMS, "attacker"),
    }


def drained(all_: Courses) -> float:
    """Share of what Cream could lend that is gone, %."""
    return 100.0 * (1.0 - all_[HISTORY].last("left") * 1e6 / LENDABLE)


INCIDENT = Incident(
    title="Cream: a share doubled by a gift",
    date="27 October 2021",
    source=REKT,
    about="Shares of a vault are lent and put up again until two accounts of one owner hold three for each that there is; a gift"
    " doubles what a share is worth, and one of the two borrows all there is.",
    inputs=(
        Input("lent for the transaction", "500 million dollars, 524,102 ETH", REKT),
        Input("dollars in the vault when the gift comes, and the gift", "8 million, 8 million", REKT),
        Input("put up by one account", "shares for 1.5 billion dollars", REKT),
        Input("what Cream could lend beside", "130 million dollars, as one coin", REKT),
        Input(
            "dollars per ETH",
            "4,000",
            "not recorded; he must be able to borrow 1.5 billion on it, and binds nothing else",
        ),
        Input("collateral factors", "75 %", "not recorded; the loop must go through, and binds nothing else"),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B8-share",
            "what a share is worth after the gift, dollars",
            2.0,
            1e-6,
            lambda all_: all_[HISTORY].last("share"),
            follows="8 million given to 8 million",
        ),
        Grade(
            "B8-drained",
            "gone of what Cream could lend, %",
            100.0,
            0.01,
            drained,
            follows="two accounts, three shares for each one, and each doubled",
        ),
        Grade(
            "B8-cure", "gained where a share's growth is capped, dollars", 0.0, 0.0, lambda all_: all_["capped"].gain()
        ),
    ),
    picture=Picture("left", "left in Cream to be lent (million dollars)", "A gift of 8 million takes 130 million"),
    cures={"capped": Other("a share counts as no more than a tenth a year above par", lambda: scenario(growth=0.1))},
)
