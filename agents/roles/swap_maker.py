"""The maker of swaps over two chains: it answers a half that was locked for it with its own, and claims with the secret once told.

Its half lapses sooner than the other's, so that it has time to claim. That time is all that protects it: if the chain on which
it has to claim is down until the other half lapses, it has paid and is not paid, secret or no secret. What it gives away
otherwise is the option that `swapper` describes; `spread` is what it asks for both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.player import Action, Player
from agents.roles.across import Across, Ends, settle_from_home
from agents.view import View
from protocol.bridge import deals
from protocol.bridge_transactions import Abort, Commit, Prepare
from protocol.settings import refusals

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class SwapMaker(Across):
    """Pays the reference mid less `spread` for coins at its home; its half stands for `share` of the time the other has left."""

    capital: float = 500_000.0
    latency: float = 0.2
    bridge: str = ""
    spread: float = 0.002
    share: float = 0.5

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return refusals(
            self,
            spread=(0 <= self.spread < 1, "0 to below 1"),
            share=(0 < self.share < 1, "above 0 to below 1, of the other half's time"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Cash abroad, where it pays."""
        ends = settle_from_home(game, me, self.bridge, self.capital, 0.0)
        me.memory.update(ends=ends, answered={}, sent={})

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Answer and take back abroad; claim at home."""
        ends: Ends = me.memory["ends"]
        span, sent = ends.span, me.memory["sent"]
        theirs, mine = deals(view.state, span, span.source), deals(view.state, span, span.target)
        here, home = view.chain, ends.home
        for lock, deal in theirs.items():
            if deal.to != home or deal.over or sent.get((here, lock), -1.0) > view.state.time:
                continue
            answer = mine.get(lock)
            step: Action | None = None
            if here == span.source and answer is not None and answer.secret:
                step = me.send(Commit(span, home, lock, answer.secret))
            elif here == span.target and answer is None and lock not in me.memory["answered"]:
                step = self._answer(me, view, ends, lock, deal.units, deal.until, deal.account)
            if step is not None:
                sent[here, lock] = view.seal
                yield step
        if here == span.target:
            for lock, deal in mine.items():
                late = deal.account == ends.away and not deal.over and view.seal >= deal.until
                if late and sent.get((here, lock), -1.0) <= view.state.time:
                    sent[here, lock] = view.seal
                    yield me.send(Abort(span, ends.away, lock))

    def _answer(
        self, me: Player, view: View, ends: Ends, lock: bytes, units: int, until: float, account: int
    ) -> Action | None:
        """Its half, for the asker's account abroad."""
        ledger, span = view.state.ledger, ends.span
        there = np.flatnonzero((ledger.owner == ledger.owner[account]) & (ledger.chain == span.target))
        mid = view.reference(view.state.market(ends.near).instrument.base)
        cash = int(units / span.scale * mid * (1.0 - self.spread) * ends.far.house.cash_scale)
        lapses = view.seal + self.share * (until - view.seal)
        token = ends.far.house.token
        if len(there) == 0 or lapses <= view.seal or cash > view.balance(token, ends.away):
            return None
        me.memory["answered"][lock] = view.time
        return me.send(Prepare(span, ends.away, int(there[0]), token, cash, lock, lapses))
