"""The keeper in a priority gas auction: it reads the mempool, and outbids whoever goes after the same account.

It opens with `bid_share` of the prize as any keeper does; where a rival's transaction for the same target waits with as high a
fee, it replaces its own by one that pays `step` more, up to `most_share` of the prize, as often as it `rounds` between two
blocks. Whoever is outbid stays where it is, fails, and pays the gas of that at its last bid: the loser's payment of Daian et
al. (2020, "Flash Boys 2.0", section 5 and appendix D), in which most bots raised by an eighth. Where nothing can be read it
bids once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from agents.player import Action, Player
from agents.roles.keeper import Keeper
from agents.roles.taking import affordable, look_back
from agents.roles.unwinding import unwind
from agents.view import View
from protocol.mempool import RAISE, Pending
from protocol.settings import refusals


def aims(item: Pending) -> set[tuple[str, int]]:
    """Whom a waiting transaction goes after: market and account, of each part of a bundle."""
    parts = getattr(item.transaction, "transactions", (item.transaction,))
    return {(part.listing.path, part.target) for part in parts if hasattr(part, "target") and hasattr(part, "listing")}


@dataclass(frozen=True)
class BiddingKeeper(Keeper):
    """Raises by `step` over the best rival, `rounds` times a block at most, to no more than `most_share` of the prize."""

    bid_share: float = 0.05
    rounds: int = 24
    step: float = RAISE
    most_share: float = 0.95

    def mistakes(self) -> list[str]:
        """A raise must be one that the mempool takes."""
        return super().mistakes() + refusals(
            self,
            rounds=(self.rounds >= 1, "1 or more"),
            step=(RAISE <= self.step < math.inf, f"{RAISE} or more, a share of the rival's fee"),
            most_share=(0 <= self.most_share <= 1, "0 to 1, a share of the prize"),
        )

    def looks(self) -> int:
        """Once a round."""
        return self.rounds

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Bid for what pays; in later rounds, raise where that is what it takes."""
        house, memory = view.house(self.exchange), me.memory
        if memory.get("height") != view.state.height:
            look_back(me, view)
            memory.update(height=view.state.height, worth=list(self.worthwhile(me, view, house)))
            for listing in view.state.listings[house.index] if self.unwind else ():
                yield from unwind(me, view, listing, self.unwind, self.cost)
        if not memory["worth"]:
            return
        waiting = view.mempool().singles
        for listing, transaction, profit in memory["worth"]:
            aim = (listing.path, transaction.target)
            for tip in self._raised(me, aim, profit / transaction.gas, waiting):
                if affordable(view, me, listing, transaction.gas, tip) >= tip:
                    yield me.send(transaction, tip, aim)

    def _raised(self, me: Player, aim: tuple[str, int], worth: float, waiting: list[Pending]) -> Iterable[float]:
        """The fee to bid now, if any; `worth`: of the prize, cash coins per gas."""
        rivals = [item.tip for item in waiting if item.transaction.account != me.account and aim in aims(item)]
        own = max(
            (item.tip for item in waiting if item.transaction.account == me.account and item.slot == aim), default=0.0
        )
        best, most = max(rivals, default=0.0), self.most_share * worth
        if own > best or (own and not rivals):
            return ()
        bid = max(self.tip, self.bid_share * worth, (1.0 + self.step) * max(best, own))
        return (bid,) if bid <= max(most, self.tip) else ()
