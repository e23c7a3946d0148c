"""What a player may know, and when: the chain as of the last block it has seen, and the reference venues' mids.

There is no fair in it. A view is as old as its player's latency; `simulate` plays a transaction on the state it shows and
takes it back. It must never be written to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from protocol import exchange
from protocol.errors import Revert
from protocol.ledger import Floats, Ints
from protocol.liquidations.base import Plan
from protocol.oracles.base import Reading, Report, read_index
from protocol.state import House, Listing, State
from protocol.transactions import Transaction

if TYPE_CHECKING:
    from agents.game import Game


class View:
    """The world as somebody sees it at `time` seconds; `seal` is when the next block is due."""

    __slots__ = ("_game", "_tick", "arrival", "seal", "state", "time")

    def __init__(self, game: Game, state: State, time: float, tick: int, arrival: float, seal: float) -> None:
        self._game = game
        self._tick = tick
        self.state = state
        self.time = time
        self.arrival = arrival
        self.seal = seal

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

    def ways(self, listing: Listing, account: int) -> tuple[Plan, ...]:
        """What `Liquidate` may do to an account, by number; nothing where it would revert."""
        try:
            return exchange.ways(self.state, listing, account)
        except Revert:
            return ()

    # ------------------------------------------------------------------ the world outside

    def reference(self, asset: str) -> float:
        """The off-chain reference venue's mid, cash coins per base coin."""
        return self._game.mids.item(self._tick, self._game.column[asset])

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

    def reference_cost(self, asset: str, size: float) -> float:
        """What a market order of `size` base coins would pay there, cash coins (negative: receive)."""
        return self._game.reference_cost(asset, self._tick, size)

    def published(self, listing: Listing) -> Report | None:
        """The newest signed report of a publisher for this market, for anybody to carry on chain; None if it has none."""
        return self._game.published(listing, self._tick)

    # ------------------------------------------------------------------ what if

    def simulate(self, transaction: Transaction) -> tuple[Any, Revert | None]:
        """Outcome of a transaction on the state in view, with the Revert if it failed. Leaves no trace."""
        mark = self.state.mark()
        try:
            return transaction.apply(self.state), None
        except Revert as revert:
            return None, revert
        finally:
            self.state.rewind(mark)
