"""Rules that remember, seated as a recorded row left a contract: a vault's borrowing fee, an issue of debts, a ring of ticks.

As `seated`, of rules whose table says since when they count: it is put to what is recorded, and the product's own method answers.
"""

from __future__ import annotations

import math
from functools import cache

from experiments.validation.bench import Told, exchange_for, market_for, open_world, tell
from experiments.validation.seated import FINE, FLAT, Table
from protocol import issuing
from protocol.funding.borrowing import Borrowing
from protocol.genesis import genesis
from protocol.instruments.synthetic import Synthetic
from protocol.issuing import IssueBook
from protocol.ledger import Reason
from protocol.lending import RAY
from protocol.oracles.base import Status
from protocol.oracles.observations import opened
from protocol.oracles.ring import DEEP, Kept, RingTwap
from protocol.state import State
from protocol.units import SECONDS_PER_YEAR
from protocol.vault import Vault
from protocol.venues.constant_product import ConstantProduct
from protocol.world import Exchange, World

NEAR = 1e-9  # relative: where floats cannot tell
THEIRS = 10**27  # a recorded index of one; here it is RAY


@cache
def lent(factor: float, interval: float) -> Table:
    """A market whose positions pay its vault for what it keeps in reserve."""
    market = market_for(FLAT, name="m0", funding=Borrowing(factor=factor, interval=interval))
    return Table(*open_world(exchange_for(FLAT, markets=(market,), vault=Vault()), traders=1, stake=0))


def charged(factor: float, interval: float, reserved: int, pool: int, since: float, now: float) -> tuple[float, float]:
    """(what `Borrowing.charges` asks of one dollar of a position, when its last interval ended), of so much reserved of a pool."""
    table = lent(factor, interval)
    state, house, listing = table.state, table.house, table.listing
    mark, time, trader = state.mark(), state.time, table.traders[0]
    try:
        state.time = now
        tell(state, 1.0, listing)
        notional = max(1, round(FINE * reserved / pool))
        at = listing.path + ".funding.charged"
        state.put(at, since)
        state.ledger.move(listing.size, listing.desk, trader, 1, Reason.GENESIS)
        state.ledger.move(listing.quote, trader, listing.desk, notional, Reason.GENESIS)
        table.endow(round(FINE))
        asked = state.market(listing).funding.charges(state, listing)
        assert house.vault == listing.desk
        return float(asked.units.sum()) / notional, float(state.tables[at])
    finally:
        state.rewind(mark)
        state.time = time


@cache
def issued(fee: float) -> tuple[State, int]:
    """An issue backed by ether, in debts that grow by `fee` a year, and somebody who may mint."""
    gold = Synthetic("XAU", collateral="ETH", stability_fee=fee)
    ether = market_for(ConstantProduct(), name="ETH-USD")
    rules = Exchange(markets=(ether, market_for(ConstantProduct(), name="sXAU-USD", instrument=gold)))
    state = genesis(World(exchanges=(rules,)), {"ETH": 2_000.0, "XAU": 1.0})
    account = state.ledger.open("traders", 1)
    state.finalise()
    return state, account


def ours(rate: int) -> int:
    """A recorded index, as it is kept here."""
    return rate // (THEIRS // RAY)


def backed(ratio: float, price: float, locked: int, scaled: int, rate: int) -> bool | None:
    """What `issuing.stands` says of a vault with so much locked and owed, at a rate in rays; None where floats cannot tell."""
    owed = scaled * rate // THEIRS
    worth, asked = locked * price, owed * ratio
    if abs(worth - asked) <= NEAR * max(worth, asked):
        return None
    state, account = issued(0.0)
    issue, mark, each = state.issues[0][0], state.mark(), (FINE / max(locked, 1), FINE / max(scaled, 1))
    try:
        for listing, told in zip(state.listings[0], (price * each[1] / each[0], 1.0), strict=True):
            tell(state, told, listing)
        state.put(issue.path, IssueBook(ours(rate), state.time, 0))
        custody = issue.listing.house.custody
        state.ledger.move(issue.locked, custody, account, round(locked * each[0]), Reason.GENESIS)
        state.ledger.move(issue.debt, account, custody, round(scaled * each[1]), Reason.GENESIS)
        return issuing.stands(state, issue, account, ratio)
    finally:
        state.rewind(mark)


def grown(duty: int, rate: int, seconds: int) -> int:
    """The rate that `issuing.index_now` has come to after so many seconds of a fee by the second, both in rays."""
    state, _ = issued(math.log1p((duty - THEIRS) / THEIRS) * SECONDS_PER_YEAR)
    issue, mark = state.issues[0][0], state.mark()
    try:
        state.put(issue.path, IssueBook(ours(rate), state.time - seconds, 0))
        return issuing.index_now(state, issue) * (THEIRS // RAY)
    finally:
        state.rewind(mark)


class Observer:
    """A `RingTwap` that looks at a pool's ticks through a whole session, at a market whose mid stands at each."""

    START = 1e40  # price at tick 0: far enough above the least price that a mid may be

    def __init__(self, tick: int, time: int, room: int) -> None:
        """With a ring that begins at the first tick."""
        watched = market_for(FLAT, name="m1", oracle=Told())
        mine = market_for(FLAT, name="m0")
        rules = exchange_for(FLAT, markets=(mine, watched), vault=Vault())
        self.state, _ = open_world(rules, traders=1, stake=0)
        self.listing, self.watched = self.state.listings[0]
        self.state.put("ring", Kept(opened(time, room), tick, DEEP, float(time), self.START))

    def observe(self, tick: int, time: int) -> None:
        """What stood until now goes into the ring; `tick` stands from now on."""
        self.state.time = float(time)
        tell(self.state, self.START * 1.0001**tick, self.watched)
        RingTwap(source="m1").observe(self.state, self.listing, "ring")
        self.state.finalise()

    def mean(self, ago: int, time: int) -> float | None:
        """The mean tick of the last seconds, as the index tells it; None: the ring does not reach back."""
        self.state.time = float(time)
        reading = RingTwap(source="m1", window=ago).read(self.state, self.listing, "ring")
        return None if reading.status == Status.MISSING else math.log(reading.value / self.START) / math.log(1.0001)
