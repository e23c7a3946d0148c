"""Hawk-Dove, played in the simulator: contestants meet in pairs on chain, and a bank pays what the game says.

A prize V = 2 is shared by two doves and taken by a hawk from a dove; of two hawks one wins it and the other loses C = 5. The
only equilibrium share of hawks is V / C = 0.4 (Maynard Smith and Price 1973; published-results A11). The payoffs are estimated from
runs of two contestants; and 300 that copy whoever does better come to that share by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.demand import OutsideDemand
from agents.nature.gbm import GeometricBrownian
from agents.player import Action, Player, Role
from agents.streams import uniform_at
from agents.view import View
from experiments.equilibrium.games import Gain, Game, Part, Strategy
from experiments.equilibrium.games import estimate as play
from experiments.run import build, release
from experiments.scenario import Scenario
from experiments.statistics import estimate
from experiments.validation.base import Claim, Effort, Measured
from protocol.ledger import Reason
from protocol.orderings.shuffled import Shuffled
from protocol.state import State
from protocol.world import Chain, Exchange, World

if TYPE_CHECKING:
    from agents.game import Game as Play

SUBJECT = "Hawks and doves"
SOURCE = "Maynard Smith and Price 1973"
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
        """Gas units."""
        return 1_000

    def apply(self, state: State) -> None:
        """Settle with whoever waits."""
        waiting = state.tables.get(ARENA, ())
        if not waiting or waiting[0] == self.account:
            state.put(ARENA, (self.account, self.hawk))
            return
        other, fierce = waiting
        mine: float
        theirs: float
        state.put(ARENA, ())
        if self.hawk and fierce:
            mine, theirs = (V, -C) if (state.height * 2_654_435_761 >> 7) & 1 else (-C, V)
        elif self.hawk != fierce:
            mine, theirs = (V, 0) if self.hawk else (0, V)
        else:
            mine = theirs = 0.5 * V
        pay(state, self.token, self.bank, {self.account: mine * self.scale, other: theirs * self.scale})


def pay(state: State, token: int, bank: int, due: Mapping[int, float]) -> None:
    """Settle a contest: what is due to each account, in units, from the bank; to the bank where it is negative."""
    for account, units in due.items():
        src, dst = (bank, account) if units > 0 else (account, bank)
        if round(units):
            state.ledger.move(token, src, dst, round(abs(units)), Reason.TRADE)


@dataclass(frozen=True)
class Bank(Role):
    """Pays, and is paid."""

    capital: float = 10_000_000.0

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Nothing."""
        return ()


@dataclass(frozen=True)
class Contestant(Role):
    """Plays hawk with probability `hawk`. With `imitation` above 0 it starts as one or the other and copies who did better."""

    hawk: float = 0.5
    capital: float = 10_000.0
    imitation: float = 0.0

    def prepare(self, me: Player, game: Play) -> None:
        """Be one or the other."""
        me.memory.update(
            bank=game.state.ledger.groups.index("bank"),
            hawk=uniform_at(me.dice, 10**9, 7) < self.hawk,
            played=False,
            earned=-99.0,
            players=game.players,
        )

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """See what the last contest brought, think about it, and enter another."""
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

DUEL = Scenario(
    world=WORLD,
    cast=(Bank(), Contestant(name="row"), Contestant(name="column")),
    nature=GeometricBrownian(tick=12.0),
    outside=OutsideDemand(load=0.0),
    duration=600.0,
)
BLOCK = WORLD.chains[0].blocks.interval
BURN_IN = 266  # blocks
EFFORTS = {Effort.QUICK: (1, 4), Effort.FULL: (8, 400)}  # populations; seeds a payoff


def part(name: str) -> Part:
    """A contestant who is always the one, or always the other."""
    moves = (("hawk", 1.0), ("dove", 0.0))
    return Part(name, tuple(Strategy(move, {f"cast.{name}.hawk": value}) for move, value in moves), Gain((name,)))


@cache
def played(seeds: int) -> Game:
    """Both contestants in all four pairs."""
    return play(DUEL, (part("row"), part("column")), range(1, seeds + 1), workers=1)


def payoff(mine: int, theirs: int, effort: Effort) -> Measured:
    """What a hawk (0) or a dove (1) earns of another a contest, cash coins."""
    seeds, meetings = EFFORTS[effort][1], DUEL.duration / BLOCK
    found = estimate((played(seeds).payoffs[0, mine, theirs] / meetings).tolist())
    return Measured(found.mean, found.low, found.high, seeds)


def shares(seed: int, count: int = 300, blocks: int = 800) -> list[float]:
    """Share of hawks among those who copy whoever does better, block by block, from .8 on."""
    crowd = Contestant(name="crowd", count=count, hawk=0.8, imitation=0.5)
    game = build(
        Scenario(
            world=WORLD,
            cast=(Bank(), crowd),
            nature=DUEL.nature,
            outside=DUEL.outside,
            duration=blocks * BLOCK,
            seed=seed,
        )
    )
    members = [player for player in game.players if player.role is crowd]
    found: list[float] = []
    try:
        game.play(watch=lambda _: found.append(float(np.mean([one.memory["hawk"] for one in members]))))
    finally:
        release(game)
    return found


def settled(effort: Effort) -> Measured:
    """The share of hawks, once they have come to rest."""
    seeds, blocks = EFFORTS[effort][0], 500 if effort is Effort.QUICK else 800
    runs = [shares(seed, blocks=blocks) for seed in range(3, 3 + seeds)]
    found = estimate([float(np.mean(run[BURN_IN:])) for run in runs])
    return Measured(found.mean, found.low, found.high, seeds)


def claims() -> tuple[Claim, ...]:
    """The share within .02; payoffs within gas, where chance is in one within four standard errors of so many seeds."""
    names, matrix = ("hawk", "dove"), ((0.5 * (V - C), V), (0.0, 0.5 * V))
    pays = tuple(
        Claim(
            f"A11-payoff-{names[mine]}-{names[theirs]}",
            f"what a {names[mine]} earns of a {names[theirs]} a contest, cash coins",
            SOURCE,
            matrix[mine][theirs],
            0.1 if mine == theirs == 0 else 1e-4,
            lambda effort, mine=mine, theirs=theirs: payoff(mine, theirs, effort),  # type: ignore[misc]
            0.6 if mine == theirs == 0 else 1e-4,
            runs="A11-payoffs",
        )
        for mine in (0, 1)
        for theirs in (0, 1)
    )
    return (Claim("A11-share", "share of hawks among imitators", SOURCE, V / C, 0.02, settled, 0.03), *pays)
