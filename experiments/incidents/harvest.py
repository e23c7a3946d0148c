"""Harvest, 26 October 2020: in while the pool makes the vault look poor, out when it does not.

The vault's dollars (USDC) stood in a pool of four dollar coins, and its shares were priced by what the pool would give for them
now. A swap of 17.2 million into the pool makes that nine thousandths less; whoever buys shares then, swaps back and redeems them
takes a part of what the others' shares had only seemed to lose. It was done time and again within seven minutes, with money
lent for each transaction; a guard that stops at 3 % saw nothing.

Here the vault has dollars in cash and is as long another dollar coin as it is worth, which is the same to its shares: what it
holds is priced at the mid of a pool. The pool's depth is tuned so that the swap moves a share from .980007 to .971261, as
recorded; what a round then earns is left to the vault's rule. The .8 % that is told of a round is that of the other vault (USDT, a
share from 60.6 to 61.1 cents); on this one 17 rounds took 13 million, 1.5 % of a deposit each.
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
from protocol.flash import Flash
from protocol.funding.unfunded import Unfunded
from protocol.instruments.perpetual import Perpetual
from protocol.oracles.base import Oracle
from protocol.oracles.ema import Ema
from protocol.oracles.guarded import Guarded
from protocol.oracles.spot import Spot
from protocol.transactions import Transaction
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, Market, World

POST = "Harvest Finance, post-mortem of 26 October 2020"
SWAP, DEPOSIT = 17_222_012.0, 49_977_468.56  # USDT, USDC
FALL = 1.0 - 0.97126080216 / 0.980007  # of a share's worth, by the swap
LOST, DROP = 33.8e6, 0.138  # dollars lost by both vaults, and by how much a share of each fell
VAULT = LOST / DROP / 2.0  # USDC in one of the two
DEPTH = SWAP / ((1.0 - FALL) ** -0.5 - 1.0)  # USDC in the pool: its mid falls by the square of what comes in
FEE = 0.0004  # of Curve's pool
ROUNDS, EVERY = 17, 12.0  # on this vault, within four minutes
TAKEN = 13e6  # USDC, from this vault
GUARD, TIGHT = 0.03, 0.005  # largest deviation of the vault's own check
SPARE = 1e6  # USDC more, for the pool's fee
FOUR = (
    "a round earned 1.5 % there, and .6 here: a pool of four coins pays out one coin at a better rate when it has too much of it,"
    " and a vault that is marked at a mid does not"
)


def enter(desk: Desk) -> Iterable[Transaction]:
    """The vault's money goes into the pool: somebody else is short what it is long."""
    yield desk.all_of(desk.deposit(VAULT, exchange="harvest"), desk.trade("USDT-PERP", -VAULT, exchange="harvest"))


def round_trip(desk: Desk) -> Iterable[Transaction]:
    """One round in one transaction: down, in, up, out."""
    within = (
        desk.trade("USDT-USDC", -SWAP, exchange="curve"),
        desk.invest(DEPOSIT, exchange="harvest"),
        desk.trade("USDT-USDC", SWAP, exchange="curve"),
        desk.divest_all(exchange="harvest"),
    )
    yield desk.flash("USDC", DEPOSIT + SPARE, desk.flash("USDT", SWAP, *within, exchange="uniswap"), exchange="uniswap")


def _in_millionths(one: Exchange) -> Exchange:
    """The same with six decimals, as both dollar coins had."""
    six = (replace(market, instrument=replace(market.instrument, decimals=6)) for market in one.markets)
    return replace(one, markets=tuple(six))


def scenario(oracle: Oracle | None = None) -> Scenario:
    """A vault that is long what a pool prices, the pool, and who lends for a transaction."""
    position = Market(
        "USDT-PERP",
        Perpetual(base="USDT"),
        venue=OraclePool(spread=0.0, skew_scale=1e15),
        funding=Unfunded(),
        fee=0.0,
        index="curve.USDT-USDC",
    )
    exchanges = (
        Exchange("harvest", "l1", "USDC", (position,), vault=Vault(liquidity=VAULT, commitment=0.0), insurance=0.0),
        pool("curve", "USDT", "USDC", DEPTH, fee=FEE, oracle=oracle or Guarded(Spot(), max_move=GUARD)),
        replace(
            lender_of("uniswap", "USDT", "USDC", (), {"USDC": DEPOSIT + SPARE, "USDT": SWAP}), flash=Flash(fee=0.0)
        ),
    )
    steps = tuple(Step(36.0 + EVERY * n, f"round {n + 1}", round_trip) for n in range(ROUNDS))
    return Scenario(
        world=World(chains=(chain(EVERY),), exchanges=tuple(map(_in_millionths, exchanges))),
        cast=(
            Script(name="placement", exchange="harvest", capital=VAULT, steps=(Step(12.0, "placed", enter),)),
            Script(exchange="harvest", capital=0.0, steps=steps),
        ),
        nature=still(USDT=1.0),
        outside=QUIET,
        duration=24.0 + EVERY * (ROUNDS + 2),
    )


def read(books: Books) -> dict[str, float]:
    """A share's worth, and what he has."""
    return {"share": books.worth("harvest.share", "harvest"), "taken": books.coins("USDC", "attacker")}


def first(all_: Courses) -> float:
    """What the first round earned, % of what was deposited."""
    return 100.0 * all_[HISTORY].at(36.0 + 0.5 * EVERY, "taken") / DEPOSIT


INCIDENT = Incident(
    title="Harvest: in at a price that one's own swap has made",
    date="26 October 2020",
    source=f"{POST}; DeFiHackLabs, HarvestFinance_exp; rekt.news, Harvest",
    about="A vault's shares are priced by what a pool would give for its holdings now: swap, deposit, swap back, withdraw.",
    inputs=(
        Input("swapped, deposited", "17,222,012 USDT, 49,977,468.56 USDC", POST),
        Input("rounds on this vault", "17 within four minutes", POST),
        Input("in the vault", "122 million USDC", f"{POST}: 33.8 million lost by two vaults, 13.8 % of each share"),
        Input("the vault's own guard", "3 %", POST),
        Input("the pool's fee", "4 hundredths of a per cent", "Curve's"),
        Input(
            "the pool's depth",
            f"{DEPTH / 1e9:.2f} thousand million USDC",
            POST,
            "the swap lowers a share from .980007 to .971261",
        ),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B7-round",
            "earned by a round, % of the deposit (13 million / 17 / 49.98 million)",
            100.0 * TAKEN / ROUNDS / DEPOSIT,
            0.2,
            first,
            miss=FOUR,
            expected=(0.6, 0.62),
        ),
        Grade("B7-cure", "gained under a guard of half a per cent, USDC", 0.0, 0.0, lambda all_: all_["guard"].gain()),
    ),
    picture=Picture("share", "worth of a share (USDC)", "Each round takes a quarter per cent of a share", minutes=True),
    cures={
        "guard": Other("the vault's guard stops at half a per cent", lambda: scenario(Guarded(Spot(), max_move=TIGHT))),
        "average": Other("holdings count at a moving average of the pool", lambda: scenario(Ema(half_life=600.0))),
    },
)
