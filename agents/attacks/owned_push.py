"""The push through owned blocks: a builder pushes a pool in the first block of a run of its own, and undoes it in the last.

What makes a push dear is that arbitrageurs undo it and it must be paid for again in every block; whoever builds the blocks in
between leaves them out, and pays the pool's fees twice and nothing else (multi-block MEV: Mackinga, Nadahalli and Wattenhofer
2022, "TWAP oracle attacks: easier done than said?", section 5). Who builds is known ahead, so it waits for a run that is long
enough, holds as long as that lasts, and closes before anybody else is served. It plans as the push without blocks of its own
does. Windows much longer than any run it may get keep it at home, and so do orderings that no builder chooses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.attacks.holdings import spare
from agents.attacks.oracle_push import OraclePush
from agents.attacks.seats import reads
from agents.player import Action, Player, Send
from agents.view import View
from protocol.chain import Built, Offer
from protocol.ledger import Ints
from protocol.mempool import Pending
from protocol.orderings.builders_choice import BuildersChoice
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Bundle, Trade, Transaction

AHEAD = 32  # blocks: how far ahead it looks for its own, an epoch of Ethereum


def touches(transaction: Any, listing: Listing) -> bool:
    """Whether a transaction, or a part of it, is about a market."""
    parts = transaction.transactions if isinstance(transaction, Bundle) else (transaction,)
    return any(getattr(part, "listing", None) == listing for part in parts)


@dataclass(frozen=True)
class OwnedPush(OraclePush):
    """Builds `share` of the blocks, and pushes through runs of them of at least `shortest`."""

    caution: float = 1.1
    restored: float = 0.0
    priority: float = 1.0
    bid_share: float = 0.0
    ponder: float = 600.0
    share: float = 0.3
    shortest: int = 2

    def mistakes(self) -> list[str]:
        """A share is a share, and a run has a beginning and an end."""
        return super().mistakes() + refusals(
            self,
            share=(0 < self.share <= 1, "above 0 to 1, a share of the blocks"),
            shortest=(self.shortest >= 2, "2 or more blocks"),
        )

    def builds(self) -> float:
        """Its share."""
        return self.share

    def surface(self, state: State, listing: Listing) -> str:
        """An index that a pool moves from block to block, on a chain whose blocks builders make."""
        if lacks := super().surface(state, listing):
            return lacks
        if state.market(reads(state, listing)).oracle.live:
            return "no block need be owned: the index moves at once"
        if not isinstance(state.rules.chains[listing.house.chain].ordering, BuildersChoice):
            return "no builder chooses what goes into a block"
        return ""

    def weighed(self, me: Player) -> Ints:
        """As many intervals as lie within the run of its own that begins now."""
        return np.array([me.memory["run"] - 1])

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Between its blocks: take home what the last run brought, or get out if it did not end as planned."""
        memory = me.memory
        if view.state.time < memory["until"]:
            return ()
        if memory["stage"] == "idle":
            if lacks := self.surface(view.state, memory["listing"]):
                self.decline(me, view, lacks)
            return ()
        if view.schedule(1)[0] == me.account and memory["stage"] == "pushing":
            return ()
        memory["stage"] = "closing"
        return self._close(me, view)

    def build(self, me: Player, view: View, offer: Offer) -> Built | None:
        """Begin where a run of its own begins, keep everybody from the pool, end where the run does."""
        memory = me.memory
        mine = [account == me.account for account in view.schedule(AHEAD)]
        run = mine.index(False) if False in mine else len(mine)
        if memory["stage"] == "pushing":
            own = self._undone(me, view) if run == 1 else ()
            return self._kept(view, offer, memory["pool"], own)
        waits = view.time < memory["next"] or self.surface(view.state, memory["listing"])
        if memory["stage"] != "idle" or run < self.shortest or waits:
            return None
        memory["run"], then = run, memory["next"]
        sent = [action.transaction for action in self.think(me, view) if isinstance(action, Send)]
        memory["next"] = then
        return self._kept(view, offer, memory["pool"], tuple(sent)) if sent else None

    def _undone(self, me: Player, view: View) -> tuple[Transaction, ...]:
        """Close the position at the index of now, then sell what the push bought, or buy back what it sold."""
        memory = me.memory
        listing, pool = memory["listing"], memory["pool"]
        size, left = view.balance(listing.size, me.account), spare(me, view, pool, self.base)
        memory.update(stage="closing", until=view.seal)
        units = -int(left * pool.size_scale)
        back = (Trade(pool, me.account, units),) if units else ()
        return (Trade(listing, me.account, -size), *back) if size else back

    @staticmethod
    def _kept(view: View, offer: Offer, pool: Listing, own: tuple[Transaction, ...]) -> Built:
        """Its own first, and nobody else who would trade in the pool."""
        count, singles = len(offer.order), len(offer.pending)
        barred = [place for place, item in enumerate(offer.pending) if touches(item.transaction, pool)]
        rows = singles + np.flatnonzero(offer.rows["market"] == pool.number)
        rest = offer.order[~np.isin(offer.order, [*barred, *rows.tolist()])]
        first = np.arange(count, count + len(own))
        return Built(tuple(Pending(one, 0.0, view.seal, view.seal) for one in own), np.concatenate([first, rest]))
