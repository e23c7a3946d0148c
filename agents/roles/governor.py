"""The governor: it tightens margin when bad debt or volatility rises, and loosens it again when both are over.

It can only propose: its exchange's delay lies between the decision and the effect, so that it may come too late, and a
proposal whose reason is gone is taken back. Accounts that were sound under the old margin may not be under the new one:
tightening in a fall makes liquidations of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agents.player import Action, Player, Role
from agents.view import View
from protocol import exchange
from protocol.margins.base import Margin
from protocol.motions import Execute, Propose, Retract
from protocol.settings import refusals
from protocol.units import SECONDS_PER_YEAR

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Governor(Role):
    """Asks `factor` times the margin while in alarm, and until `calm` seconds after.

    Looks every `ponder` seconds, which is longer than a transaction waits. Alarm: realised volatility over the last hour above
    `volatility` per root year, or insurance below `worn` of its highest.
    """

    capital: float = 10_000.0
    latency: float = 12.0
    factor: float = 1.5
    volatility: float = 1.5
    worn: float = 0.9
    calm: float = 3_600.0
    tip: float = 2e-8
    ponder: float = 150.0

    def mistakes(self) -> list[str]:
        """Tightening is by more than one."""
        return refusals(
            self,
            factor=(self.factor > 1, "above 1"),
            volatility=(self.volatility > 0, "above 0 per root year"),
            worn=(0 <= self.worn <= 1, "0 to 1, a share of the fund at its highest"),
            calm=(self.calm >= 0, "0 or more seconds"),
            ponder=(self.ponder > 0, "above 0 seconds"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Take office."""
        house = game.house(self.exchange)
        rules = game.state.exchange(house)
        if rules.governance is None:
            raise ValueError(f"exchange = {house.name!r}: has no governance")
        exchange.appoint(game.state, house, me.account)
        me.memory.update(usual=rules.margin, next=0.0, until=0.0, highest=0, alarm=-math.inf, sent=None)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Carry out what is ripe, take back what is moot, propose what is wanted."""
        memory = me.memory
        if view.time < memory["next"] or view.state.time < memory["until"]:
            return ()
        memory["next"], memory["until"] = view.time + self.ponder, view.seal
        house = view.house(self.exchange)
        reason = self._alarm(me, view)
        if reason:
            memory["alarm"] = view.time
        tight = view.time - memory["alarm"] <= self.calm
        wanted = tightened(memory["usual"], self.factor) if tight else memory["usual"]
        waiting = exchange.proposals(view.state, house)
        moot = [proposal for proposal in waiting if proposal.value != wanted]
        if moot:
            me.note(view, "retracts", proposal=moot[0].number)
            return (me.send(Retract(house, me.account, moot[0].number)),)
        ripe = [proposal for proposal in waiting if proposal.ready <= view.seal <= proposal.expires]
        if ripe:
            me.note(view, "carries out", proposal=ripe[0].number)
            return (me.send(Execute(house, me.account, ripe[0].number)),)
        if waiting or view.state.exchange(house).margin == wanted:
            return ()
        me.note(view, "proposes", reason=reason or ("still in alarm" if tight else "calm"))
        return (me.send(Propose(house, me.account, "margin", wanted)),)

    def _alarm(self, me: Player, view: View) -> str:
        """Why to be alarmed; nothing if there is no reason."""
        house, memory = view.house(self.exchange), me.memory
        fund = view.balance(house.cash, house.insurance)
        worn = fund < self.worn * memory["highest"]
        memory["highest"] = fund if worn else max(fund, memory["highest"])  # each loss alarms once
        if worn:
            return "bad debt"
        assets = {view.state.market(m).instrument.base for m in view.state.listings[house.index] if m.size >= 0}
        realised = max(view.volatility(asset) for asset in assets) * math.sqrt(SECONDS_PER_YEAR)
        return "volatility" if realised > self.volatility else ""


def tightened(margin: Margin, factor: float) -> Margin:
    """The margin rule with every share of notional `factor` times as high, at most 1, under whatever wraps it."""
    inner = getattr(margin, "inner", None)
    if inner is not None:
        return replace(margin, inner=tightened(inner, factor))  # type: ignore[call-arg]
    shares: dict[str, Any] = {
        name: min(1.0, factor * getattr(margin, name)) for name in ("initial", "maintenance") if hasattr(margin, name)
    }
    return replace(margin, **shares)
