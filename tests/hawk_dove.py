"""Hawk-Dove, played in the simulator: contestants meet in pairs on chain, and a bank pays what the game says.

A prize V = 2 is shared by two doves and taken by a hawk from a dove; of two hawks one wins it and the other loses C = 5. The
only equilibrium share of hawks is V / C = 0.4 (Maynard Smith and Price 1973; published-results A11).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from agents.player import Role
from agents.streams import uniform_at
from protocol.ledger import Reason
from protocol.orderings.shuffled import Shuffled
from protocol.world import Chain, Exchange, World

V, C = 2, 5
ARENA = "arena"  # table: (who waits, whether as a hawk), or ()


class Contest(NamedTuple):
    """Meets whoever waits in the arena, or waits. Paid by the bank, in whole coins."""

    account: int
    bank: int
    hawk: bool
    token: int
    scale: int

    @property
    def gas(self) -> int:
        return 1_000

    def apply(self, state) -> None:
        waiting = state.tables.get(ARENA, ())
        if not waiting or waiting[0] == self.account:
            state.put(ARENA, (self.account, self.hawk))
            return
        other, fierce = waiting
        state.put(ARENA, ())
        if self.hawk and fierce:
            mine, theirs = (V, -C) if (state.height * 2_654_435_761 >> 7) & 1 else (-C, V)
        elif self.hawk != fierce:
            mine, theirs = (V, 0) if self.hawk else (0, V)
        else:
            mine = theirs = V / 2
        for account, coins in ((self.account, mine), (other, theirs)):
            units = int(abs(coins) * self.scale)
            src, dst = (self.bank, account) if coins > 0 else (account, self.bank)
            if units:
                state.ledger.move(self.token, src, dst, units, Reason.TRADE)


@dataclass(frozen=True)
class Bank(Role):
    """Pays, and is paid."""

    capital: float = 10_000_000.0

    def act(self, me, view):
        return ()


@dataclass(frozen=True)
class Contestant(Role):
    """Plays hawk with probability `hawk`. With `imitation` above 0 it starts as one or the other and copies who did better."""

    hawk: float = 0.5
    capital: float = 10_000.0
    imitation: float = 0.0

    def prepare(self, me, game):
        me.memory.update(
            bank=game.state.ledger.groups.index("bank"),
            hawk=uniform_at(me.dice, 10**9, 7) < self.hawk,
            played=False,
            earned=-99.0,
            players=game.players,
        )

    def act(self, me, view):
        house = view.house()
        wealth, memory = view.balance(house.token, me.account) / house.cash_scale, me.memory
        memory["earned"] = wealth - memory.get("wealth", wealth)  # by what it played in the last block
        memory.update(wealth=wealth, played=memory["hawk"])
        if "peers" not in memory:  # everybody has taken a seat by now
            memory["peers"] = [player for player in memory["players"] if player.role is self]
        peers = memory["peers"]
        at = view.state.height
        if self.imitation and uniform_at(me.dice, at, 1) < self.imitation:
            other = peers[int(uniform_at(me.dice, at, 2) * len(peers))].memory
            if uniform_at(me.dice, at, 3) * (V + C) < other["earned"] - memory["earned"]:
                memory["hawk"] = other["played"]
        fierce = memory["hawk"] if self.imitation else uniform_at(me.dice, at, 0) < self.hawk
        bank = int((view.state.ledger.group == memory["bank"]).argmax())
        yield me.send(Contest(me.account, bank, bool(fierce), house.token, int(house.cash_scale)))


WORLD = World(
    chains=(Chain(ordering=Shuffled(), capacity=1e9, base_fee=1e-12, fee_floor=0.0),), exchanges=(Exchange(),)
)
