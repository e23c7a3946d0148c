"""JELLY, 26 March 2025: a short that the liquidity vault must take over, and the price of a thin coin lifted afterwards.

Hyperliquid's statement of 27 March 2025 and Arkham's account. One owner's accounts trade four million dollars of JELLY with each
other at .0095; the short keeps no more margin than it must, the price is moved, and the vault inherits 398 million coins short, too
many to buy back; then the price is lifted fourfold, and the longs win what the vault loses. Hyperliquid ended it by settling all at
.0095; here nobody does. How deep the outside market was is not known and says only what the push costs.
"""

from __future__ import annotations

from collections.abc import Iterable

from agents.attacks.toxic_dump import ToxicDump
from agents.nature.reference import ReferenceVenue
from agents.player import ReferenceTrade, Role
from agents.roles.keeper import Keeper
from agents.roles.reporter import Reporter
from experiments.incidents.base import HISTORY, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.incidents.places import QUIET, chain, perpetual
from experiments.incidents.script import Desk, Script, Step
from experiments.incidents.waypoints import still
from experiments.scenario import Scenario
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.full import Full
from protocol.liquidations.routes import ToBackstop
from protocol.losses.backstop import VaultBackstop
from protocol.losses.deleverage import Deleverage
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.margins.cross import Cross
from protocol.transactions import Transaction
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.order_book import OrderBook
from protocol.world import Exchange, Market, World

STATEMENT = "Hyperliquid, statement of 27 March 2025"
ARKHAM = "Arkham, 26 March 2025 (Cointelegraph)"
PRICE, COINS, SETTLED, EARLIER = 0.0095, 398e6, 0.037555, 0.0362
VAULT, DEPOSITED, CAP = 230e6, 7.17e6, 4.2e6  # the last: of open interest, a side, at the index
SHARE = 0.1  # of notional that must stay when margin is taken out
SHORT = 1.001 * SHARE * COINS * PRICE
LONG = 0.5 * (DEPOSITED - SHORT)
DEPTH = 1e6  # cash that displaces the log of the outside mid by one
LIQUIDATOR = 2e6  # cash of the account apart, in the cure
SPOT = 6e6  # cash for the spot purchases


def open_both(desk: Desk) -> Iterable[Transaction]:
    """Longs offer, the short takes: with no more margin than must stay."""
    yield desk.all_of(
        desk.deposit(LONG),
        desk.deposit(LONG, "second"),
        desk.deposit(SHORT, "short"),
        desk.post("JELLY-PERP", 0.53 * COINS, PRICE),
        desk.post("JELLY-PERP", 0.47 * COINS, PRICE, "second"),
        desk.trade("JELLY-PERP", -COINS, "short"),
    )


def push(when: float, to: float) -> Step:
    """Buy spot."""

    def buy(desk: Desk) -> Iterable[ReferenceTrade]:
        yield desk.push("JELLY", to)

    return Step(when, f"push to {to:g}", buy)


ATTACKER = Script(
    exchange="hyper",
    capital=SPOT + LONG,
    purses={"second": {"USD": LONG}, "short": {"USD": SHORT}},
    steps=(
        Step(30.0, "three accounts", open_both),
        push(120.0, PRICE * 1.07),
        push(240.0, 0.018),
        push(300.0, 0.026),
        push(360.0, EARLIER),
        push(420.0, SETTLED),
        Step(480.0, "take out the gains", lambda desk: [desk.withdraw_most(), desk.withdraw_most("second")]),
    ),
)
KEEPER = Keeper(exchange="hyper", capital=1e5)


def exchange(market: Market, liquidation: Backstop, liquidator: float = 0.0) -> Exchange:
    """A vault that takes over what is two thirds of maintenance or less, and winners who are closed out last."""
    return Exchange(
        "hyper",
        "l1",
        markets=(market,),
        margin=Cross(initial=SHARE, maintenance=0.5 * SHARE),
        liquidation=liquidation,
        losses=(Insurance(), Deleverage(), Socialise()) if liquidator else (Insurance(), VaultBackstop(), Socialise()),
        vault=Vault(liquidity=VAULT),
        insurance=0.0,
        liquidator=liquidator,
    )


def scenario(built: Exchange | None = None, cast: tuple[Role, ...] = (ATTACKER,), depth: float = DEPTH) -> Scenario:
    """A book, reporters of the outside price, and a keeper."""
    return Scenario(
        world=World(
            chains=(chain(10.0),),
            exchanges=(
                built or exchange(perpetual("JELLY", OrderBook(tick=1e-5), cap=CAP), Backstop(Full(0.0005, 0.0))),
            ),
        ),
        cast=(Reporter(count=3, exchange="hyper", noise=0.0), KEEPER, *cast),
        nature=still(JELLY=PRICE),
        references=(ReferenceVenue("JELLY", depth=depth, half_life=1e5, spread=0.0),),
        outside=QUIET,
        duration=600.0,
    )


def apart() -> Scenario:
    """What is taken over goes to an account apart, which is closed and deleveraged like anybody's."""
    rule = Backstop(Full(0.0005, 0.0), route=ToBackstop(account="liquidator"))
    return scenario(exchange(perpetual("JELLY", OrderBook(tick=1e-5), cap=CAP), rule, LIQUIDATOR))


def adversary() -> Scenario:
    """The toxic dump trades with a vault at the index alone: a pool in the place of the book, all else alike."""
    pool = OraclePool(spread=0.0, skew_scale=1e15)
    dump = ToxicDump(name="attacker", exchange="hyper", capital=SPOT + DEPOSITED, healing=1e5)
    return scenario(exchange(perpetual("JELLY", pool, cap=CAP), Backstop(Full(0.0005, 0.0))), (dump,))


def read(books: Books) -> dict[str, float]:
    """Index, and what stands behind liquidations: coins taken over, and what the vault is down, $M."""
    holder = "liquidator" if books.state.ledger.of_group(["liquidator"]).size else "vault"
    return {
        "index": books.index().value,
        "inherited": -books.held(holder),
        "lost": (VAULT - books.vault()) / 1e6,
    }


INCIDENT = Incident(
    title="JELLY: a short handed to the vault, and the price lifted",
    date="26 March 2025",
    source=f"{STATEMENT}; {ARKHAM}",
    about="The vault behind liquidations inherits 398 million coins short of a coin whose outside market is thin.",
    inputs=(
        Input(
            "traded with oneself",
            "at .0095, the 398 million coins that the vault was left with",
            STATEMENT,
        ),
        Input("deposited over three accounts", "7.17 million", ARKHAM),
        Input("the vault", "230 million", "HLP then, as the reference has it"),
        Input(
            "margin",
            "a tenth to open or to take out, half of it to stay",
            "Hyperliquid's documentation asks a tenth of who takes out",
        ),
        Input(
            "open-interest cap",
            "4.2 million",
            f"{STATEMENT}: four million fell within it, and no more",
        ),
        Input("takeover", "below two thirds of maintenance", "Hyperliquid's documentation"),
        Input("price lifted to", ".0362, then .037555", f"{STATEMENT}: more than four times; refunds at .037555"),
        Input(
            "depth of the outside market",
            "1,000,000 a log",
            "not public; sets what the push costs alone",
            "a push of 3 million",
        ),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B13-earlier",
            "the vault's loss with the index at .0362, $M (the margin that came with the short counts for it)",
            10.63,
            0.4,
            lambda all_: all_[HISTORY].at(410.0, "lost"),
        ),
        Grade(
            "B13-loss",
            "the same at .037555, $M",
            11.17,
            0.4,
            lambda all_: all_[HISTORY].at(470.0, "lost"),
        ),
        Grade(
            "B13-cure",
            "the vault's loss where liquidations have an account apart, $M",
            0.0,
            0.0,
            lambda all_: all_["apart"].last("lost"),
        ),
    ),
    picture=Picture("lost", "the vault has lost ($M)", "The vault inherits the short, and the price is lifted"),
    cures={
        "apart": Other("an account of two million apart takes over, and winners are closed out when it is spent", apart)
    },
    adversary=Other("the project's toxic dump, against a pool in the place of the book", adversary),
)
