"""POPCAT, 12 November 2025: longs held up by a wall of bids, the wall pulled, and the vault left with what nobody buys.

Reports of the day (CryptoTale, The Coin Academy). Nineteen wallets with three million in all are long 26.28 million dollars at .21
on a book where twenty million of bids rest there too; the bids are cancelled, the mark falls from one thin level to the next, and
the vault takes over each wallet's longs at the price at which nothing is left of it. The wallets lose all, the vault the rest.
Graded is how far the price must fall for the vault's 4.9 million. That the wallets lose all they came with is put in; how far the
price fell is not graded (reports say .12; there the vault is down eight million).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from agents.roles.keeper import Keeper
from experiments.incidents.base import HISTORY, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, perpetual
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import moving
from experiments.scenario import Scenario
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.full import Full
from protocol.liquidations.routes import ToBackstop
from protocol.losses.backstop import VaultBackstop
from protocol.losses.base import Loss
from protocol.losses.deleverage import Deleverage
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.margins.cross import Cross
from protocol.oracles.spot import Spot
from protocol.transactions import Transaction
from protocol.vault import Vault
from protocol.venues.order_book import OrderBook
from protocol.world import Exchange, World

REPORTS = "CryptoTale and The Coin Academy, November 2025"
PRICE, WALLETS, STAKE, NOTIONAL, WALL = 0.21, 19, 3e6, 26.28e6, 20e6
COINS = NOTIONAL / PRICE
LOST = 4.9  # by the vault, as reported, $M
TICK, LAST = 0.001, 0.12  # of the levels below the wall, and where they end, cash coins
THIN = 2_000.0  # coins that rest at each
START, EVERY = 60.0, 5.0  # seconds: of the first sale after the wall, and of a block
VAULT, LIQUIDATOR = 500e6, 3e6  # cash of the vault; of the account apart, in the cure
NAMES = tuple(f"wallet {number + 1}" for number in range(WALLETS))


def levels() -> list[float]:
    """Prices at which somebody bids below the wall, the highest first."""
    return [PRICE - TICK * number for number in range(1, round((PRICE - LAST) / TICK) + 1)]


def buy(desk: Desk) -> Iterable[Transaction]:
    """Each wallet its part of the longs, with its part of the money."""
    for name in NAMES:
        yield desk.all_of(
            desk.deposit(STAKE / WALLETS, name), desk.trade("POPCAT-PERP", COINS / WALLETS, name), purse=name
        )


def quote(desk: Desk) -> Iterable[Transaction]:
    """What the others show: all that he buys, and little at each level below."""
    bids = [desk.post("POPCAT-PERP", THIN, price, "bids") for price in levels()]
    yield desk.all_of(
        desk.deposit(VAULT), desk.deposit(1e6, "bids"), *bids, desk.post("POPCAT-PERP", -1.001 * COINS, PRICE)
    )


def raise_wall(desk: Desk) -> Iterable[Transaction]:
    """Bids that nobody is to reach."""
    yield desk.all_of(desk.deposit(0.11 * WALL), desk.post("POPCAT-PERP", WALL / PRICE, PRICE))


def sale(number: int) -> Step:
    """What one level bids for."""
    return Step(START + EVERY * number, "sell", lambda desk: [desk.trade("POPCAT-PERP", -THIN)])


ATTACKER = Script(
    exchange="hyper",
    capital=0.11 * WALL,
    purses={name: {"USD": 1.001 * STAKE / WALLETS} for name in NAMES},
    steps=(
        Step(20.0, "the longs", buy),
        Step(35.0, "the wall", raise_wall),
        Step(50.0, "the wall pulled", lambda desk: [desk.cancel_all("POPCAT-PERP")]),
    ),
)
OTHERS = Script(
    name="others",
    exchange="hyper",
    capital=VAULT,
    purses={"bids": {"USD": 1e6}},
    steps=(
        Step(0.0, "quotes", quote),
        Step(25.0, "no more for sale", lambda desk: [desk.cancel_all("POPCAT-PERP")]),
        *(sale(number) for number in range(len(levels()) - 1)),
    ),
)


def exchange(losses: tuple[Loss, ...], route: ToBackstop, liquidator: float = 0.0) -> Exchange:
    """A book that is its own index, ten times, and a takeover below two thirds of maintenance."""
    return Exchange(
        "hyper",
        "l1",
        markets=(perpetual("POPCAT", OrderBook(tick=TICK), oracle=Spot()),),
        margin=Cross(initial=0.1, maintenance=0.05),
        liquidation=Backstop(Full(0.0005, 0.0), route=route),
        losses=losses,
        vault=Vault(liquidity=VAULT),
        insurance=0.0,
        liquidator=liquidator,
    )


def scenario(built: Exchange | None = None) -> Scenario:
    """The book, its wallets, a keeper."""
    until = START + EVERY * len(levels())
    return Scenario(
        world=World(
            chains=(chain(EVERY),),
            exchanges=(built or exchange((Insurance(), VaultBackstop(), Socialise()), ToBackstop()),),
        ),
        cast=(Keeper(exchange="hyper", capital=1e5), OTHERS, ATTACKER),
        nature=moving(POPCAT=((0.0, PRICE), (START, PRICE), (until, LAST))),
        outside=QUIET,
        duration=until,
    )


def apart() -> Scenario:
    """What is taken over goes to an account apart, and winners are closed out when that is spent."""
    return scenario(exchange((Insurance(), Deleverage(), Socialise()), ToBackstop(account="liquidator"), LIQUIDATOR))


def read(books: Books) -> dict[str, float]:
    """The index, how far it has fallen, what the vault is down ($M), and the longs that the wallets still have."""
    index = books.index().value
    return {
        "index": index,
        "fall": 1.0 - index / PRICE,
        "lost": (VAULT - books.vault()) / 1e6,
        "longs": books.held("attacker"),
    }


def fall_at_loss(all_: Courses) -> float:
    """Per cent that the index had fallen when the vault had lost what it lost, between two blocks by a straight line."""
    past = all_[HISTORY].track.loc[START:]
    return 100.0 * float(np.interp(LOST, past["lost"].cummax(), past["fall"]))


INCIDENT = Incident(
    title="POPCAT: a wall of bids, pulled",
    date="12 November 2025",
    source=REPORTS,
    about="Longs that a wall of bids holds up, and a vault that must take them over when it is gone.",
    inputs=(
        Input("wallets and their money", "19, three million in all", REPORTS),
        Input("their longs", "26.28 million at .21", f"{REPORTS}; others say 20 to 30 million"),
        Input("the wall", "20 million of bids at .21", REPORTS),
        Input(
            "margin and takeover",
            "10 % and 5 %; below two thirds",
            "leverage is told as 5 and as 20 to 30; 8.8 was used",
        ),
        Input(
            "levels below the wall",
            "2,000 coins each .001, down to .12",
            "not recorded; too little for anybody to get out",
        ),
        Input("the vault", "500 million", "not recorded; more than it needs, so it binds nothing"),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B15b-fall",
            "fall of the price when the vault is down 4.9 million, %",
            30.1,
            0.3,
            fall_at_loss,
        ),
        Grade(
            "B15b-cure",
            "lost by the vault with an account apart, $M",
            0.0,
            0.0,
            lambda all_: all_["apart"].most("lost"),
        ),
    ),
    picture=Picture("lost", "the vault has lost ($M)", "The wall gone, the vault inherits longs that nobody buys"),
    cures={
        "apart": Other(
            "an account of three million apart takes over, and winners are closed out when it is spent", apart
        )
    },
    attacked=False,
)
