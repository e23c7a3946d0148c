"""What a player may know, and when: the chain as of the last block it has seen, its mempool, and the reference venues' mids.

There is no fair in it. A view is as old as its player's latency; `simulate` plays a transaction on the state it shows and
takes it back. It must never be written to. What venues seal or hide is not in `state` (`agents.glimpse`); a simulation runs on
the whole of it, as a node of the chain would run it, but only for one's own accounts: its outcome tells whether one's own order
would be taken, and at what price where that is not sealed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agents.builders import builder
from agents.glimpse import Glimpse
from agents.nature import private
from agents.publishing import published
from protocol import exchange
from protocol.errors import NotAllowed, Revert
from protocol.ledger import WORLD, Floats, Ints
from protocol.mempool import ORDER, Mempool, Rows, Waiting
from protocol.oracles.base import Reading, Report, read_index
from protocol.residence import need_here
from protocol.state import House, Listing, State
from protocol.transactions import Transaction

if TYPE_CHECKING:
    from agents.game import Game


class Outlook(NamedTuple):
    """A market at one glance."""

    mid: float  # the venue's, cash coins per base coin
    log_mid: float
    gap: float  # log of the reference's mid over it


class View:
    """The world as somebody sees it at `time` seconds; `seal` is when the next block is due."""

    __slots__ = ("_account", "_chain", "_game", "_outlooks", "_tick", "_whole", "arrival", "seal", "state", "time")

    def __init__(
        self,
        game: Game,
        state: State,
        time: float,
        tick: int,
        arrival: float,
        seal: float,
        chain: int = 0,
        account: int = WORLD,
    ) -> None:
        self._game = game
        self._chain = chain
        self._tick = tick
        self._whole = state
        self._account = account
        self._outlooks: dict[int, Outlook] = {}
        masks = game.masks(state)
        self.state = Glimpse(state, masks, account) if masks else state
        self.time = time
        self.arrival = arrival
        self.seal = seal

    @property
    def chain(self) -> int:
        """Number of the chain that is about to seal."""
        return self._chain

    # ------------------------------------------------------------------ markets

    def listing(self, market: str = "", exchange: str = "") -> Listing:
        """A market by name; '' is the first market, or exchange."""
        return self._game.listing(market, exchange)

    def house(self, exchange: str = "") -> House:
        """An exchange by name; '' is the first."""
        return self._game.house(exchange)

    def index(self, listing: Listing) -> Reading:
        """The oracle's reading."""
        return read_index(self.state, listing)

    def mid(self, listing: Listing) -> float:
        """The venue's mid, cash coins per base coin."""
        return self.state.market(listing).venue.mid(self.state, listing)

    def cost(self, listing: Listing, sizes: Ints) -> Floats:
        """What each order in turn would owe, cash units; nan where the venue cannot fill it."""
        return self.state.market(listing).venue.cost(self.state, listing, sizes)

    def balance(self, row: int, account: int) -> int:
        """A balance, smallest units."""
        return int(self.state.ledger.balance[row, account])

    def fee(self, listing: Listing) -> float:
        """The base fee of the market's chain, cash coins per gas."""
        chain = self.state.rules.chains[listing.house.chain]
        fee: float = self.state.tables[f"chain.{chain.name}.fee"]
        return fee

    def prospects(self, positions: Sequence[tuple[Listing, int]]) -> list[list[float]]:
        """What each way of `Liquidate` would bring, by position (market and account) and number: see `exchange.prospects`."""
        return exchange.prospects(self.state, positions)

    # ------------------------------------------------------------------ what waits

    def mempool(self) -> Waiting:
        """What waits for the next block and had arrived by `time`; nothing where the ordering seals it.

        A role that wants to see what others send for this very block says how often it `looks`: it is then asked after
        them. What has been served since `time` is not shown any more: nobody could answer it.
        """
        if not self._game.state.rules.chains[self._chain].ordering.public:
            return Waiting([], np.empty(0, ORDER))
        return self._game.mempools[self._chain].seen(self.time)

    def schedule(self, blocks: int) -> list[int]:
        """Accounts of the players who build the next so many blocks; -1: built honestly, by fee."""
        found = [
            builder(self._game, self._chain, self._game.heights[self._chain] + 1 + ahead) for ahead in range(blocks)
        ]
        return [-1 if player is None else player.account for player in found]

    def room(self, listing: Listing, count: int) -> tuple[Mempool, Rows, int]:
        """Where orders in a market may be written before they are sent as `Placed`: a mempool, its rows, and from where on."""
        mempool = self._game.mempools[listing.house.chain]
        rows, at = mempool.room(count)
        return mempool, rows, at

    # ------------------------------------------------------------------ the world outside

    def reference(self, asset: str) -> float:
        """The off-chain reference venue's mid, cash coins per base coin."""
        return self._game.mids.item(self._tick, self._game.column[asset])

    def outlook(self, listing: Listing, asset: str) -> Outlook:
        """A market, and the reference venue of its base, at one glance; worked out once, for many ask."""
        found = self._outlooks.get(listing.number)
        if found is None:
            mid = self.mid(listing)
            log_mid = math.log(mid)
            found = Outlook(mid, log_mid, math.log(self.reference(asset)) - log_mid)
            self._outlooks[listing.number] = found
        return found

    def past(self, asset: str, seconds: float) -> Floats:
        """Reference mids over the last `seconds`, oldest first, on nature's grid."""
        first = max(0, self._tick - round(seconds / self._game.tick))
        mids: Floats = self._game.mids[first : self._tick + 1, self._game.column[asset]]
        return mids

    def volatility(self, asset: str, seconds: float = 3_600.0) -> float:
        """Realised volatility of the reference mid, per root second. 0 while there is too little to go by."""
        mids = self.past(asset, seconds)
        if len(mids) < 8:
            return 0.0
        return float(np.std(np.diff(np.log(mids))) / np.sqrt(self._game.tick))

    def signals(self, asset: str, key: np.uint64, ahead: Floats, noise: Floats) -> Floats:
        """Private signals of those who are let know: log of what the price will be, each with an error of its own. Shapes [n].

        The one door in a view behind which nature's price is read; see `agents.nature.private`. `key`: whose dice the errors are.
        """
        path = self._game.fair[:, self._game.column[asset]]
        return private.signals(key, round(self.seal * 1_000.0), path, self.time / self._game.tick, ahead, noise)

    def reference_cost(self, asset: str, size: float) -> float:
        """What a market order of `size` base coins would pay there, cash coins (negative: receive)."""
        return self._game.reference_cost(asset, self._tick, size)

    def published(self, listing: Listing) -> Report | None:
        """The newest signed report of a publisher for this market, for anybody to carry on chain; None if it has none."""
        return published(self._game, listing, self._tick)

    def reports(self, listing: Listing, seconds: float) -> list[Report]:
        """Those signed within the last `seconds`, the oldest first: what was once signed stays so."""
        first = max(0, self._tick - round(seconds / self._game.tick))
        signed = (published(self._game, listing, tick) for tick in range(first, self._tick + 1))
        return [report for report in signed if report is not None]

    def asks(self, account: int) -> float:
        """Cash coins for which whoever sits at an account lets it be known that it would take a bribe; infinite: never."""
        seat = self._game.seat(account)
        return math.inf if seat is None else seat.role.asks(self.time)

    # ------------------------------------------------------------------ what if

    def simulate(self, transaction: Transaction, time: float = -math.inf) -> tuple[Any, Revert | None]:
        """Outcome of a transaction on the state in view, with the Revert if it failed. Leaves no trace.

        On its clock, or on one set forward to `time`: the seal to come knows reports that the last one did not. Where anything is
        sealed or hidden, NotAllowed for what would act for an account of somebody else's: that would tell what it has waiting.
        """
        if self._game.masks(self._whole):
            owner = self._whole.ledger.owner
            for account in senders(transaction):
                if owner[account] != owner[self._account]:
                    return None, NotAllowed(account=self._account, acts_for=account)
        state = self._whole
        mark, now = state.mark(), state.time
        state.time = max(now, time)
        try:
            if len(state.rules.chains) > 1:
                need_here(state, int(state.ledger.chain[transaction.account]), transaction)
            return transaction.apply(state), None
        except Revert as revert:
            return None, revert
        finally:
            state.rewind(mark)
            state.time = now


def senders(transaction: Transaction) -> Iterator[int]:
    """Accounts that a transaction acts for: its own, and those of its parts."""
    yield transaction.account
    for part in getattr(transaction, "transactions", ()):
        yield from senders(part)
