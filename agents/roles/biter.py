"""The biter: the keeper of synthetics. It buys units in the pool, burns them for a risky position, and sells the collateral.

All in one bundle, so it holds nothing in between and pays for it in slippage: a thin pool makes a bite not worth it, and a
position that nobody bites becomes a synthetic that nothing stands behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.player import Action, Player, Role
from agents.roles.peg_trader import issue_of, outlet
from agents.view import View
from protocol import issuing
from protocol.loan_transactions import Bite
from protocol.state import Issue, Listing
from protocol.transactions import Bundle, Trade, Transaction

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Biter(Role):
    """Tries whole positions, then halves down to a thirty-second; bids `bid_share` of its profit; wants `least_profit`."""

    capital: float = 500_000.0
    latency: float = 0.2
    bid_share: float = 0.2
    least_profit: float = 1.0

    def mistakes(self) -> list[str]:
        """A bid is a share of the prize."""
        return [] if 0 <= self.bid_share <= 1 else [f"bid_share = {self.bid_share}: allowed 0 to 1"]

    def prepare(self, me: Player, game: Game) -> None:
        """Look for the issue and for where its collateral is traded."""
        issue = issue_of(game.state, game.listing(self.market, self.exchange))
        me.memory.update(issue=issue, outlet=outlet(game.state, issue), until=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Bite the riskiest position that may be, as much of it as pays best."""
        issue: Issue = me.memory["issue"]
        if view.state.time < me.memory["until"]:
            return ()
        who, ratios = issuing.riskiest(view.state, issue)
        for account in who[ratios < issuing.rules(view.state, issue).least].tolist():
            if account == me.account:
                continue
            best, gain = max((self._try(me, view, issue, account, part) for part in range(6)), key=lambda one: one[1])
            if best is None:
                continue
            cost = best.gas * view.fee(issue.listing)
            if gain - cost <= self.least_profit:
                me.note(view, "bite declined", account=account, gain=gain, gas=cost)
                continue
            me.memory["until"] = view.seal
            return (me.send(best, max(self.tip, self.bid_share * (gain - cost) / best.gas)),)
        return ()

    @staticmethod
    def _try(me: Player, view: View, issue: Issue, account: int, part: int) -> tuple[Bundle | None, float]:
        """The bundle that bites a 2**-part of the position, and its gain in cash coins; None where it fails."""
        plan = issuing.plan_bite(view.state, issue, account)
        if plan is None or plan.burnt >> part <= 0:
            return None, 0.0
        most = plan.burnt >> part
        taken = plan.taken if part == 0 else int(most * issuing.exchange_rate(view.state, issue))
        pool: Listing | None = me.memory["outlet"]
        parts: list[Transaction] = [Trade(issue.listing, me.account, most), Bite(issue, me.account, account, most)]
        if pool is not None:
            parts.append(Trade(pool, me.account, -taken))
        bundle = Bundle(me.account, tuple(parts))
        done, revert = view.simulate(bundle)
        if revert is not None:
            return None, 0.0
        scale = issue.listing.house.cash_scale
        got = -done[2].owed if pool is not None else done[1].taken
        left = 0.0 if pool is None else (done[1].taken - taken) / issue.scale * view.mid(pool)
        return bundle, (got - done[0].owed) / scale + float(np.maximum(left, 0.0))
