"""The supplier: it lends to a loan pool for interest, and leaves while it can when it grows nervous.

It comes where the supply rate is worth it. It leaves when more of the pool is lent out than its nerves bear (members differ), or
when the debts it can see are not covered by what is pledged for them: whoever is first out is paid in full. A till that holds
less than its shares are worth is emptied as far as it goes, and it waits in line for the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.player import Action, Player, Role
from agents.streams import uniform_at
from agents.view import View
from protocol.lending import accrued, shares_for, supply_rate, worth_of
from protocol.liquidations.seizure import debts, liens
from protocol.loan_transactions import Redeem, Supply
from protocol.settings import refusals
from protocol.state import Lender

if TYPE_CHECKING:
    from agents.game import Game

GRAIN = 1e-6  # of the till: left in it, for a share is worth a little more by the time it is redeemed


@dataclass(frozen=True)
class Supplier(Role):
    """Supplies `share` of its cash where that earns `least_rate` a year; leaves above utilisation `nervous`, give or take 0.1.

    Also leaves where more than `doubt` of the pool's debts is not covered. Looks every `ponder` seconds; back after `calm`.
    """

    kind = "provider"

    count: int = 5
    capital: float = 200_000.0
    latency: float = 1.0
    share: float = 0.95
    least_rate: float = 0.0
    nervous: float = 0.95
    doubt: float = 0.01
    ponder: float = 60.0
    calm: float = 86_400.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return refusals(
            self,
            share=(0 < self.share <= 1, "above 0 to 1"),
            nervous=(self.nervous > 0, "above 0, a share of the pool lent out"),
            doubt=(self.doubt >= 0, "0 or more, a share of debts"),
            ponder=(self.ponder > 0, "above 0 seconds"),
            calm=(self.calm >= 0, "0 or more seconds"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Look for the pool that lends cash."""
        house = game.house(self.exchange)
        lender = next((one for one in game.state.lenders[house.index] if one.token == house.token), None)
        if lender is None:
            raise ValueError(f"exchange = {house.name!r}: lends no cash")
        nerves = self.nervous + 0.2 * (uniform_at(game.streams.key(f"{me.label}.temper"), 0, 0) - 0.5)
        me.memory.update(lender=lender, nerves=nerves, next=0.0, until=0.0, back=0.0, waiting=False)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """In for the rate, out for fear."""
        memory = me.memory
        if view.time < memory["next"] or view.state.time < memory["until"]:
            return ()
        lender: Lender = memory["lender"]
        pool, shares = accrued(view.state, lender), view.balance(lender.share, me.account)
        hole = self.uncovered(view, lender)
        afraid = pool.utilisation > memory["nerves"] or hole > self.doubt * pool.debts / lender.scale
        memory.update(next=view.time + self.ponder, until=view.seal)
        if shares and (afraid or memory["waiting"]):
            return self._leave(me, view, lender, shares, hole)
        memory["waiting"] = False
        units = int(self.share * view.balance(lender.token, me.account))
        wanted = supply_rate(view.state, lender) >= self.least_rate and view.time >= memory["back"]
        if shares or afraid or not wanted or units <= 0:
            return ()
        return (me.send(Supply(lender, me.account, units)),)

    def _leave(self, me: Player, view: View, lender: Lender, shares: int, hole: float) -> Iterable[Action]:
        """Redeem all, or what the till holds; then wait for the rest."""
        memory, pool = me.memory, accrued(view.state, lender)
        worth = worth_of(shares, pool, lender)
        if not memory["waiting"]:
            me.note(view, "supplier leaves", worth=worth / lender.scale, utilisation=pool.utilisation, uncovered=hole)
        memory.update(waiting=True, back=view.time + self.calm)
        if worth <= pool.tokens:
            return (me.send(Redeem(lender, me.account, shares)),)
        part = min(shares, shares_for(int(pool.tokens * (1.0 - GRAIN)), pool, lender))
        if part <= 0 or pool.tokens < lender.scale:
            me.note(view, "till empty", waits_for=worth / lender.scale)
            return ()
        return (me.send(Redeem(lender, me.account, part)),)

    @staticmethod
    def uncovered(view: View, lender: Lender) -> float:
        """Cash coins owed to the exchange's loan pools that nothing pledged covers, at the index."""
        state, house = view.state, lender.house
        total = 0.0
        for account in np.flatnonzero(state.ledger.balance[lender.debt] < 0).tolist():
            due = sum(debt.value for debt in debts(state, house, account))
            total += max(0.0, due - sum(lien.value for lien in liens(state, house, account)))
        return total
