"""Where a search takes place: a state, accounts of one's own in it, and prices outside that stand still.

What counts as profit is tokens in one's own wallets at the end, less those at the start, at the outside price; claims, shares and
synthetics count for nothing until somebody has paid for them. A token gained is counted at the lowest price that anybody named
for it at the start (fair, index, every mid), a token lost at the highest, so that a pool which stood off fair is no profit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.roles.reporter import innermost
from protocol import exchange
from protocol.errors import Revert
from protocol.ledger import WORLD, Floats, Ints, Reason
from protocol.oracles.base import Report, Status, read_index
from protocol.oracles.median import ACCOUNT, Median
from protocol.oracles.pull import Pull, sign
from protocol.state import State
from protocol.transactions import Transaction
from protocol.venues.base import AT_THE_CLOSE

NEAR = 1e-4  # relative distance from the outside price that is not worth a trade
STEPS = 24  # halvings
YEAR = 365 * 86_400.0  # seconds


class Seal(NamedTuple):
    """Some blocks pass at an unchanged outside price."""

    blocks: int


Deed = Transaction | Seal


class Stage:
    """A state to search on, left as it was found by every probe.

    `own`: the accounts of the searcher. `others`: accounts that its deeds may name. `prices`: outside, cash coins per base coin.
    `interval`: seconds a block. `newcomer`: a stranger, who brings `brings` cash coins to each vault and loan pool with every
    block, and trades pools back to the outside price before it closes; -1: nobody comes.
    """

    def __init__(
        self,
        state: State,
        own: Sequence[int],
        others: Sequence[int],
        prices: Mapping[str, float],
        interval: float = 12.0,
        newcomer: int = -1,
        brings: float = 10_000.0,
    ) -> None:
        self.state, self.own, self.others = state, tuple(own), tuple(others)
        self.prices, self.interval = dict(prices), interval
        self.newcomer, self.brings = newcomer, brings
        self.wallets = np.array(self.own)
        self.settle()

    def settle(self) -> None:
        """Let what has been done so far stand: this is what every probe starts from."""
        state = self.state
        self.low, self.high = bounds(state, self.prices)
        self.tokens = np.flatnonzero(self.high > 0.0)
        self._where = np.ix_(self.tokens, self.wallets)
        self._tills = tuple((house, int(np.flatnonzero(self.tokens == house.token)[0])) for house in state.houses)
        self._then = state.ledger.balance[:, self.wallets].copy()
        self.start = self._held()
        self.time, self.height = state.time, state.height
        self.mark = state.mark()

    def _held(self) -> Ints:
        """Tokens in all wallets; and margin as it lay there at the start, of accounts with which nothing was done."""
        balance = self.state.ledger.balance
        held: Ints = balance[self._where].sum(axis=1)
        idle = self.idle()
        if idle.any():
            for house, place in self._tills:
                left = int(self._then[house.cash, idle].sum())
                held[place] += min(left, int(balance[house.token, house.custody]))
        return held

    def idle(self) -> NDArray[np.bool_]:
        """Which of the own accounts stand as they did at the start. Shape [own]."""
        same: NDArray[np.bool_] = (self.state.ledger.balance[:, self.wallets] == self._then).all(axis=0)
        return same

    def held(self, row: int, account: int) -> int:
        """What one of the own accounts held of a token at the start, units."""
        return int(self._then[row, self.own.index(account)])

    @property
    def capital(self) -> float:
        """What the own accounts have at the start, wallets and margin, cash coins at the outside price."""
        return float(self.start @ outside(self.state, self.prices)[self.tokens])

    def profit(self) -> float:
        """What the own wallets hold beyond the start, cash coins."""
        more = self._held() - self.start
        return float(np.where(more >= 0, more * self.low[self.tokens], more * self.high[self.tokens]).sum())

    def reset(self) -> None:
        """Take back everything since the start."""
        self.state.rewind(self.mark)
        self.state.time, self.state.height = self.time, self.height

    def do(self, deed: Deed) -> Revert | None:
        """Do a deed; one that reverts leaves no trace, and its reason is returned."""
        if isinstance(deed, Seal):
            for _ in range(deed.blocks):
                self.seal()
            return None
        mark = self.state.mark()
        try:
            deed.apply(self.state)
        except Revert as revert:
            self.state.rewind(mark)
            return revert
        return None

    def seal(self) -> None:
        """One block at an unchanged outside price: strangers come, reporters report, and the exchanges close the block."""
        state = self.state
        state.time += self.interval
        state.height += 1
        if self.newcomer >= 0:
            self._welcome()
            self._arbitrage()
        report_unmoved(state, self.prices)
        exchange.close_block(state)

    def _welcome(self) -> None:
        for house in self.state.houses:
            units = int(self.brings * house.cash_scale)
            if house.vault >= 0:
                attempt(self.state, exchange.invest, house, self.newcomer, units)
            for lender in self.state.lenders[house.index]:
                if lender.token == house.token:
                    attempt(self.state, exchange.supply, lender, self.newcomer, units)

    def _arbitrage(self) -> None:
        """Trade every pool of tokens that somebody has moved back towards the outside price, by halving the size that does it.

        Never at a loss: who pays a pool's fee to move it by less than the fee gives money to whoever provides the range.
        """
        state, worth = self.state, outside(self.state, self.prices)[self.tokens]
        for listing in state.markets:
            venue, price = state.market(listing).venue, self.prices[state.market(listing).instrument.base]
            if listing.size >= 0 or venue.counterparty != "venue" or venue.settles == AT_THE_CLOSE:
                continue
            off = venue.mid(state, listing) / price - 1.0
            if abs(off) < NEAR:
                continue
            size = int(state.ledger.balance[listing.base, listing.desk]) // 2
            for _ in range(STEPS):
                before, mark = venue.mid(state, listing), state.mark()
                owned = worth @ state.ledger.balance[self.tokens, self.newcomer]
                side = 1 if before < price else -1
                if not attempt(state, exchange.trade, listing, self.newcomer, side * size):
                    size //= 2
                elif (
                    (venue.mid(state, listing) - price) * side > 0.0  # too far
                    or worth @ state.ledger.balance[self.tokens, self.newcomer] < owned
                ):
                    state.rewind(mark)
                    size //= 2
                if size == 0:
                    break


def attempt(state: State, verb: object, *arguments: object) -> bool:
    """Call a verb; whether it went through. One that reverts leaves no trace."""
    mark = state.mark()
    try:
        verb(state, *arguments)  # type: ignore[operator]
    except Revert:
        state.rewind(mark)
        return False
    return True


def enter(state: State, count: int, capital: float, prices: Mapping[str, float], group: str) -> tuple[int, ...]:
    """Open accounts with `capital` cash coins each, and as much again in every token that nobody has to mint."""
    ledger, first = state.ledger, state.ledger.open(group, count)
    priced = outside(state, prices)
    for account in range(first, first + count):
        for row in np.flatnonzero(priced).tolist():
            ledger.move(row, WORLD, account, int(capital / priced[row]), Reason.GENESIS)
    return tuple(range(first, first + count))


def outside(state: State, prices: Mapping[str, float]) -> Floats:
    """Cash coins per unit of each row at the outside price; 0 of claims, shares, and tokens that are minted. Shape [rows]."""
    found = np.zeros(len(state.ledger.assets))
    minted = {issue.listing.base for issues in state.issues for issue in issues}
    for house in state.houses:
        found[house.token] = 1.0 / house.cash_scale
    for listing in state.markets:
        if listing.base not in minted:
            found[listing.base] = prices[state.market(listing).instrument.base] / listing.size_scale
    return found


def bounds(state: State, prices: Mapping[str, float]) -> tuple[Floats, Floats]:
    """Lowest and highest cash coins per unit of each row that anybody names now; 0: not counted. Shapes [rows]."""
    low, high = outside(state, prices), outside(state, prices)
    for listing in state.markets:
        if high[listing.base] == 0.0:
            continue
        named = []
        reading = read_index(state, listing)
        if reading.status == Status.FRESH:
            named.append(reading.value)
        if listing.size < 0:
            named.append(state.market(listing).venue.mid(state, listing))
        for price in named:
            if np.isfinite(price) and price > 0.0:
                low[listing.base] = min(low[listing.base], price / listing.size_scale)
                high[listing.base] = max(high[listing.base], price / listing.size_scale)
    return low, high


def report_unmoved(state: State, prices: Mapping[str, float]) -> None:
    """Whoever reports an index reports the price outside."""
    for listing in state.markets:
        market = state.market(listing)
        if market.index:
            continue
        oracle, at = innermost(state, listing)
        value = prices[market.instrument.base]
        if isinstance(oracle, Median):
            for account in state.tables[at][:, ACCOUNT].astype(int).tolist():
                if account >= 0:
                    attempt(state, exchange.report, listing, Report(account, value, state.time))
        elif isinstance(oracle, Pull):
            sealed = sign(oracle.key, listing.name, value, state.time, 0.0)
            attempt(state, exchange.report, listing, Report(WORLD, value, state.time, 0.0, sealed))
