"""10 October 2025, collateral marked by its own book: USDe sold to .65 on one exchange, while it stood at par everywhere else.

Binance's terms of compensation (12 October 2025): accounts with USDe, wBETH or BNSOL as collateral, 21:36 to 22:16 UTC; 283 million
paid; from then on indices weigh what the tokens redeem for. The market's low had been at 21:20. Two kinds of borrowers stand here:
on bitcoin, whose price is that of the market, and on USDe, whose price is that of the exchange's own book. When USDe was sold there
and how deep (.65) is put in, and when it was bought back; so when its borrowers fall is an echo of that (minutes after the market's
low, and within the window), is drawn and is not graded. Who owed how much, the haircut and in how many parts it was sold are not
recorded and decide which minute it is: amounts are not graded either. What is graded is the cure.
"""

from __future__ import annotations

from collections.abc import Iterable

from agents.roles.pool_keeper import PoolKeeper
from agents.roles.reporter import Reporter
from experiments.incidents.base import Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import OUTSIDE, QUIET, chain, spot
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import moving
from experiments.scenario import Scenario
from protocol.appraisal import Collateral
from protocol.lending import LoanPool
from protocol.liquidations.seizure import Seizure
from protocol.losses.socialise import Socialise
from protocol.oracles.spot import Spot
from protocol.transactions import Transaction
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.order_book import OrderBook
from protocol.world import Exchange, World

BINANCE = "Binance, terms of compensation, 12 October 2025"
BARS = "Binance spot bars of fifteen minutes"
MINUTE = 60.0  # seconds; the clock starts at 21:00 UTC
LOW, FROM, UNTIL = 20.5 * MINUTE, 36.0 * MINUTE, 76.0 * MINUTE
BITCOIN = (
    (0.0, 114_267.0),
    (15.0 * MINUTE, 112_209.0),
    (LOW, 102_000.0),
    (30.0 * MINUTE, 108_432.0),
    (45.0 * MINUTE, 110_809.0),
)
DEPEGGED, SALE = 0.65, 4.0 * MINUTE
BOOK = 20e6  # dollars on its side of the book
HAIRCUT = 0.1
OWED = tuple(0.60 + 0.03 * number for number in range(10))  # of what each has put up, of either kind
STAKE = 1e6  # dollars that each has put up
NOBODY, TUNED = "not recorded", "seizures within the window; not graded"


def borrow(desk: Desk) -> Iterable[Transaction]:
    """Ten on USDe, ten on bitcoin."""
    for number, share in enumerate(OWED):
        for token, coins in (("USDE", STAKE), ("BTC", STAKE / BITCOIN[0][1])):
            who = f"{token}{number}"
            yield desk.all_of(
                desk.pledge(token, 0.9999 * coins, who), desk.borrow("USD", share * STAKE, who), purse=who
            )


def move(when: float, to: float) -> Step:
    """Sell USDe or buy it back, in the exchange's own book."""
    return Step(when, f"USDe to {to:.2f}", lambda desk: [desk.trade("USDE-USD", desk.coins_to("USDE-USD", to))])


def scenario(at: float | None = None) -> Scenario:
    """`at`: dollars that a USDe counts for as collateral; None: what the book says."""
    house = Exchange(
        "exchange",
        "l1",
        markets=(
            spot("USDE", "USD", ConstantProduct(BOOK, 0.001), oracle=Spot()),
            spot("BTC", "USD", OrderBook(), oracle=OUTSIDE),
        ),
        losses=(Socialise(),),
        insurance=0.0,
        collateral=(Collateral("USDE", HAIRCUT, HAIRCUT, at=at), Collateral("BTC", HAIRCUT, HAIRCUT)),
        loans=(LoanPool("USD", liquidity=50e6),),
        seizure=Seizure(close_factor=0.5, spread=0.05),
    )
    purses = {
        f"{token}{number}": {token: coins}
        for number in range(len(OWED))
        for token, coins in (("USDE", STAKE), ("BTC", STAKE / BITCOIN[0][1]))
    }
    down = tuple(move(FROM + SALE * part / 4.0, DEPEGGED ** (part / 4.0)) for part in range(1, 5))
    back = tuple(move(UNTIL - 6.0 * MINUTE * (4 - part), DEPEGGED ** (1.0 - part / 4.0)) for part in range(1, 5))
    return Scenario(
        world=World(chains=(chain(20.0),), exchanges=(house,)),
        cast=(
            Reporter(count=3, market="BTC-USD", noise=0.0),
            Script(name="borrowers", purses=purses, steps=(Step(20.0, "the loans", borrow),)),
            Script(name="traders", tokens={"USDE": 2.0 * BOOK, "USD": 2.0 * BOOK}, steps=(*down, *back)),
            PoolKeeper(name="keeper", market="USDE-USD", capital=20e6),
        ),
        nature=moving(USDE=((0.0, 1.0),), BTC=BITCOIN),
        outside=QUIET,
        duration=UNTIL + 5.0 * MINUTE,
    )


def redemption() -> Scenario:
    """A USDe counts for what it redeems for."""
    return scenario(at=1.0)


def read(books: Books) -> dict[str, float]:
    """Prices, and what has been seized of each kind of collateral, % of what was put up."""
    coins = {"USDE": STAKE, "BTC": STAKE / BITCOIN[0][1]}
    left = {token: books.pledged(token, "borrowers") / (0.9999 * len(OWED) * put) for token, put in coins.items()}
    return {
        "mid": books.mid("USDE-USD"),
        "usde": 100.0 * (1.0 - left["USDE"]),
        "bitcoin": 100.0 * (1.0 - left["BTC"]),
    }


INCIDENT = Incident(
    title="10 October 2025: collateral marked by its own book",
    date="10 October 2025",
    source=BINANCE,
    about="USDe is sold to .65 in one exchange's book, which is also what says how much its borrowers have put up.",
    inputs=(
        Input("USDe in the exchange's own book", ".65, from 21:36 on", "reference B16b; CoinDesk, 12 October 2025"),
        Input("bought back by", "22:16 UTC", BINANCE),
        Input("bitcoin", "114,267 at 21:00; 102,000 at its low, 21:20:30; 110,809 at 21:45", BARS),
        Input("depth of the book", "20 million dollars a side", "not recorded; sets how far sold collateral pushes it"),
        Input("borrowers", "ten on USDe, ten on bitcoin, owing 60 to 87 % of what they put up", NOBODY, TUNED),
        Input("rules", "a haircut of 10 %, half of a debt a call, 5 % for who calls", NOBODY, TUNED),
        Input("sold and bought back", "in four parts each, within four minutes and twenty-four", NOBODY, TUNED),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B16b-cure",
            "USDe seized where it counts for what it redeems for, %",
            0.0,
            0.0,
            lambda a: a["redemption"].most("usde"),
        ),
    ),
    picture=Picture(
        "usde",
        "USDe seized (% of what was put up)",
        "Its own book takes all of it, after the market's low",
        minutes=True,
    ),
    cures={"redemption": Other("a USDe counts for what it redeems for", redemption)},
    attacked=False,
)
