"""dYdX, 17 November 2023: paper profit rolled into ever larger longs over many wallets, and a fall faster than anybody can sell.

dYdX's statements and the reports of the days. While YFI rises, wallets at five times open more on what they have gained, until
fifty million stand against a market that knew .8 million; then the price falls by 30 % within an hour, the book takes next to
nothing of what is to be sold, and the fund pays what the wallets cannot. Tuned is what share of the .8 million they begin with, and
how often they roll, for fifty million at the top. Graded is what the fund pays, and that it pays nothing where initial margin grows
with what is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from agents.nature.reference import ReferenceVenue
from agents.roles.keeper import Keeper
from agents.roles.maker import Maker
from agents.roles.reporter import Reporter
from experiments.incidents.base import HISTORY, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, perpetual
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import moving
from experiments.scenario import Scenario
from protocol.liquidations.graded import Graded
from protocol.liquidations.graded import Step as Stage
from protocol.liquidations.routes import ThroughVenue
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.margins.base import Margin, Threshold
from protocol.margins.cross import Cross
from protocol.margins.interest_scaled import InterestScaled
from protocol.transactions import Transaction
from protocol.venues.order_book import OrderBook
from protocol.world import Exchange, World

REPORTS = "dYdX, statements of November 2023; CoinInsights, RunFi, cryptonews.net"
PRICE, RISE, FALL = 5_000.0, 3.15, 0.30
OPEN, PART, FUND = 0.8e6, 0.82, 22.5e6  # open before, his share of it, the fund
CROSS = Cross(initial=0.2, maintenance=0.1)
WALLETS, ROLLS = 10, 5  # of more than a hundred
BLOCK = 120.0
PAUSE = 4 * BLOCK  # from one roll to the next: days, in history
FIRST = 2.0 * BLOCK
CRASH = FIRST + (ROLLS + 1) * PAUSE
NAMES = tuple(f"wallet {number + 1}" for number in range(WALLETS))
STAKE = PART * OPEN * CROSS.initial / WALLETS
SIDE, MOST = 200e6, 1e8  # of those who sell to him: cash, and what they offer at a time; more than is needed


def path() -> tuple[tuple[float, float], ...]:
    """Up by as much before each roll, a while of rest, and down within the hour."""
    points = [(0.0, PRICE)]
    for number in range(ROLLS):
        before, after = (PRICE * RISE ** ((number + late) / ROLLS) for late in (0, 1))
        start = FIRST + PAUSE * (number + 1)
        points += [(start - 2.0 * BLOCK, before), (start - 1.9 * BLOCK, after)]
    top = PRICE * RISE
    return (*points, (CRASH, top), (CRASH + 3_600.0, top * (1.0 - FALL)))


def roll(number: int) -> Step:
    """Each wallet opens as much as its equity carries."""

    def open_more(desk: Desk) -> Iterable[Transaction]:
        index = desk.index().value
        margin = desk.state.exchange(desk.house()).margin
        share = margin.rate(desk.state, desk.listing(), Threshold.INITIAL)[0]
        for name in NAMES:
            equity = desk.equity(f"attacker.{name}") if number else STAKE
            more = 0.99 * equity / share / index - desk.position("YFI-PERP", name)
            if more > 0.0:
                brings = () if number else (desk.deposit(STAKE, name),)
                yield desk.all_of(*brings, desk.trade("YFI-PERP", more, name), purse=name)

    return Step(FIRST + BLOCK + PAUSE * number, "roll", open_more)


def sellers() -> Script:
    """Who takes the other side of each roll: offers a little above the outside price, for two blocks."""

    def offer(desk: Desk) -> Iterable[Transaction]:
        outside = desk.view.reference("YFI")
        yield desk.post("YFI-PERP", -MOST / outside, 1.0005 * outside)

    def stop(desk: Desk) -> Iterable[Transaction]:
        yield desk.cancel_all("YFI-PERP")

    steps = [Step(0.0, "margin", lambda desk: [desk.deposit(SIDE)])]
    for number in range(ROLLS + 1):
        start = FIRST + PAUSE * number
        steps += [Step(start, "offer", offer), Step(start + 2.0 * BLOCK, "stop", stop)]
    return Script(name="sellers", exchange="dydx", capital=SIDE, steps=tuple(steps))


def scenario(margin: Margin = CROSS) -> Scenario:
    """A book with four makers, reporters of the outside price, a keeper, and a fund."""
    dydx = Exchange(
        "dydx",
        "l1",
        markets=(perpetual("YFI", OrderBook(tick=1.0)),),
        margin=margin,
        liquidation=Graded((Stage(1.0, 0.02),), (ThroughVenue(reward=0.001, penalty=0.0),), grace=0.0),
        losses=(Insurance(), Socialise()),
        insurance=FUND,
    )
    attacker = Script(
        exchange="dydx",
        purses={name: {"USD": STAKE} for name in NAMES},
        steps=tuple(roll(number) for number in range(ROLLS + 1)),
    )
    return Scenario(
        world=World(chains=(chain(BLOCK),), exchanges=(dydx,)),
        cast=(
            Reporter(count=3, exchange="dydx"),
            Keeper(exchange="dydx", capital=1e5),
            Maker(exchange="dydx", count=4, capital=1e6, lot=0.125 * OPEN),
            sellers(),
            attacker,
        ),
        nature=moving(YFI=path()),
        references=(ReferenceVenue("YFI", depth=1e9),),
        outside=QUIET,
        duration=CRASH + 3_600.0,
    )


def crowded() -> Scenario:
    """Initial margin grows from a fifth, with five million open, to all of it with fifteen."""
    return scenario(InterestScaled(CROSS, lower=5e6, upper=15e6))


def read(books: Books) -> dict[str, float]:
    """Index, and what the wallets have open, $M."""
    index = books.index().value
    return {"index": index, "open": books.held("attacker") * index / 1e6}


def paid(course: str) -> Callable[[Courses], float]:
    """What the fund was out in the end, $M."""
    return lambda all_: -all_[course].gain("insurance") / 1e6


INCIDENT = Incident(
    title="dYdX: paper profit rolled, and a fall nobody could sell into",
    date="17 November 2023",
    source=REPORTS,
    about="Unrealised profit opens more, over wallets enough; then the price falls faster than a thin book takes the positions.",
    inputs=(
        Input("open before", "800,000", REPORTS),
        Input("rise, then fall within an hour", "215 %, 30 %", REPORTS),
        Input("margin", "a fifth; half of it to stay", f"{REPORTS}: five times; the half is own"),
        Input("the fund", "22.5 million", REPORTS),
        Input("rolls, and his part of what was open", "five, .82", "not recorded", "fifty million at the top"),
        Input("wallets", "ten", "more than a hundred; alike, so that their number changes nothing"),
        Input(
            "the book", "four makers, together as much on each side as was open before", "own; depth is not recorded"
        ),
        Input(
            "liquidation", "2 % of a position a block of two minutes, through the book", "own; what the book can take"
        ),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B14-fund",
            "paid by the fund, $M",
            9.0,
            1.0,
            paid(HISTORY),
            miss="a fifth is margin at the last roll, so that 30 % leave a tenth of 50 million, less what the book takes in "
            "time; the 9 ask for 12 %: with the price 9 % below the last roll as the hour begins it pays 7.1 here",
            expected=(4.0, 4.6),
        ),
        Grade("B14-cure", "the same where initial margin grows with what is open, $M", 0.0, 0.01, paid("crowded")),
    ),
    picture=Picture(
        "open",
        "the wallets' longs ($M)",
        "Rolled to fifty million, and little of it sold while the price falls",
        minutes=True,
    ),
    cures={"crowded": Other("initial margin grows from a fifth to all, between 5 and 15 million open", crowded)},
    seeds=5,
    attacked=False,
)
