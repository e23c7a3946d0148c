"""The saver: it buys into a strategy, waits, and leaves after its term, or sooner when it has lost more than it bears.

It has no view of the market; what it wants is what the strategy promises. Where closing its part would be refused (nobody
sells the option back), it asks again later, and holds until the option expires if need be.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.streams import uniform_at
from agents.view import View
from protocol.settings import refusals
from protocol.state import Mandate
from protocol.strategies.base import share_value
from protocol.strategy_transactions import Join, Leave

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Saver(Role):
    """Puts `share` of its cash into `strategy` for `term` seconds, less if it has lost `pain`; again after `calm` seconds.

    It comes at a moment of its own within `spread` seconds; takes up to `bearable` less than a share's worth when it leaves;
    looks every `ponder` seconds.
    """

    count: int = 5
    capital: float = 20_000.0
    latency: float = 1.0
    strategy: str = ""
    share: float = 0.9
    term: float = 7_200.0
    pain: float = 0.2
    bearable: float = 0.02
    calm: float = 86_400.0
    spread: float = 600.0
    ponder: float = 60.0

    def mistakes(self) -> list[str]:
        """Shares are shares, and times are times."""
        return refusals(
            self,
            share=(0 < self.share <= 1, "above 0 to 1"),
            term=(self.term > 0, "above 0 seconds"),
            pain=(0 < self.pain <= 1, "above 0 to 1, a share of what was put in"),
            bearable=(0 <= self.bearable <= 1, "0 to 1, a share of what it holds"),
            calm=(self.calm >= 0, "0 or more seconds"),
            spread=(self.spread >= 0, "0 or more seconds"),
            ponder=(self.ponder > 0, "above 0 seconds"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Look for the strategy; draw when to come."""
        house = game.house(self.exchange)
        found = {mandate.name: mandate for mandate in game.state.mandates[house.index]}
        if self.strategy not in found:
            raise ValueError(f"strategy = {self.strategy!r}: there are {', '.join(found) or 'none'} on {house.name}")
        key = game.streams.key(f"{me.label}.temper")
        me.memory.update(mandate=found[self.strategy], next=self.spread * uniform_at(key, 0, 0), entry=0.0, since=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """In, and out again when the time has come or it hurts."""
        memory = me.memory
        if view.time < memory["next"]:
            return ()
        memory["next"] = max(view.time + self.ponder, view.seal)
        mandate: Mandate = memory["mandate"]
        shares = view.balance(mandate.share, me.account)
        if shares == 0:
            return self._enter(me, view, mandate)
        worth = shares * share_value(view.state, mandate)
        if memory["entry"] == 0.0:
            memory.update(entry=worth, since=view.time)  # what the shares were worth when it first saw them
            return ()
        if view.time < memory["since"] + self.term and worth >= (1.0 - self.pain) * memory["entry"]:
            return ()
        leave = Leave(mandate, me.account, shares, int(worth * (1.0 - self.bearable)))
        units, revert = view.simulate(leave)
        if revert is not None:
            me.note(view, "cannot leave", strategy=mandate.name, why=type(revert).__name__)
            return ()
        scale = mandate.house.cash_scale
        me.note(view, "saver leaves", strategy=mandate.name, entry=memory["entry"] / scale, gets=units / scale)
        return (me.send(leave),)

    def _enter(self, me: Player, view: View, mandate: Mandate) -> Iterable[Action]:
        """Buy in; after having left, not before it is calm again."""
        memory = me.memory
        if memory["entry"]:
            memory.update(entry=0.0, next=view.time + self.calm)
            return ()
        join = Join(mandate, me.account, int(self.share * view.balance(mandate.house.token, me.account)))
        _, revert = view.simulate(join)
        if revert is not None:
            me.note(view, "kept out", strategy=mandate.name, why=type(revert).__name__)
            return ()
        me.note(view, "saver joins", strategy=mandate.name, cash=join.units / mandate.house.cash_scale)
        return (me.send(join),)
