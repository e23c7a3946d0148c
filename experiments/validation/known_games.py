"""Games whose dynamics are known, built in the simulator and solved by the project's own equilibrium code (A11).

Two meet on chain in every block, and a bank pays each by the move of both. Payoffs are estimated from paired runs of every profile
(`experiments/equilibrium/games.py`), as a user's would be; what is judged is what `symmetric`, `profiles` and `regrets` make of
them. In rock, paper, scissors the product of the shares stands still along replicator dynamics, and so do the centre and every
vertex; what dominates spreads along the logistic curve; hawks come to rest at V / C. Regret, in the true game, of an equilibrium
that is found from noisy payoffs falls as the root of the samples: there every contest moves a stake by chance as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.player import Action, Player, Role
from agents.view import View
from experiments.equilibrium.games import Gain, Part, Strategy
from experiments.equilibrium.games import estimate as play
from experiments.equilibrium.solving import profiles, regrets, symmetric
from experiments.run import build, release
from experiments.statistics import estimate
from experiments.validation.base import Claim, Effort, Measured, exactly, own_seeds
from experiments.validation.hawk_dove import BLOCK, DUEL, Bank, C, V, pay, payoff
from protocol.ledger import Floats
from protocol.state import State

if TYPE_CHECKING:
    from agents.game import Game as Play

SUBJECT = "Known games, solved from payoffs that were played"
TAYLOR = "Taylor and Jonker 1978; google-deepmind/open_spiel, egt/dynamics_test.py, S43"
REGRET = "a central limit: errors of payoffs fall as the root of the samples"
Table = tuple[tuple[float, ...], ...]  # [mine, other's], cash coins a contest
ROCK_PAPER_SCISSORS: Table = ((0.0, -1.0, 1.0), (1.0, 0.0, -1.0), (-1.0, 1.0, 0.0))
ADVANTAGE = 0.7
DOMINANCE: Table = ((ADVANTAGE, ADVANTAGE), (0.0, 0.0))
TRUTH: Table = ((3.0, 0.0), (0.0, 1.0))  # to who plays the row; who plays the column gets 1 less it
STAKE = 0.1  # cash coins that chance moves from one to the other in a contest of the noisy game
SAMPLES, TIMES = 4, 100  # contests a payoff is estimated from, and how many times as many
COPIES = 10  # of each profile, side by side
EFFORTS = {Effort.QUICK: (2, 16), Effort.FULL: (24, 80)}  # seeds; estimates of TIMES the samples a seed
HORIZON = 50.0  # of replicator dynamics, with payoffs scaled to a range of 1


class Bout(NamedTuple):
    """Meets whoever waits in the arena, or waits. Each is paid by the bank by its own table, in cash coins."""

    account: int
    bank: int
    arena: str
    move: int
    table: Table
    stake: float
    token: int
    scale: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return 1_000

    def apply(self, state: State) -> None:
        """Settle with whoever waits; who of the two came first is chance, and decides about the stake."""
        waiting = state.tables.get(self.arena, ())
        if not waiting or waiting[0] == self.account:
            state.put(self.arena, (self.account, self.move, self.table))
            return
        other, move, table = waiting
        state.put(self.arena, ())
        mine = self.table[self.move][move] + self.stake
        theirs = table[move][self.move] - self.stake
        pay(state, self.token, self.bank, {self.account: mine * self.scale, other: theirs * self.scale})


@dataclass(frozen=True)
class Fighter(Role):
    """Makes the same move in every block."""

    capital: float = 100_000.0
    move: int = 0
    table: Table = ROCK_PAPER_SCISSORS
    stake: float = 0.0
    arena: str = "arena"

    def prepare(self, me: Player, game: Play) -> None:
        """Look for the bank."""
        me.memory["group"] = game.state.ledger.groups.index("bank")

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Another contest."""
        memory = me.memory
        if "bout" not in memory:
            house = view.house()
            bank = int((view.state.ledger.group == memory["group"]).argmax())
            scale = int(house.cash_scale)
            memory["bout"] = Bout(me.account, bank, self.arena, self.move, self.table, self.stake, house.token, scale)
        yield me.send(memory["bout"])


@cache
def payoffs(table: Table) -> Floats:
    """What each move earns of each, cash coins a contest; [mine, other's]."""
    cast = (Bank(), *(Fighter(name=name, table=table) for name in ("row", "column")))
    parts = [
        Part(name, tuple(Strategy(str(move), {f"cast.{name}.move": move}) for move in range(len(table))), Gain((name,)))
        for name in ("row", "column")
    ]
    found = play(replace(DUEL, cast=cast), parts, (1, 2), workers=1)
    return np.asarray(found.mean[0] / (DUEL.duration / BLOCK))


def kept_product() -> float:
    """By how much the product of the three shares changes at most along the path from (.5, .3, .2), relative."""
    product = symmetric(payoffs(ROCK_PAPER_SCISSORS), np.array([0.5, 0.3, 0.2]), HORIZON).prod(axis=1)
    return float(np.abs(product / product[0] - 1.0).max())


def roamed() -> float:
    """How far the first share goes along that path, from its least to its most."""
    return float(np.ptp(symmetric(payoffs(ROCK_PAPER_SCISSORS), np.array([0.5, 0.3, 0.2]), HORIZON)[:, 0]))


def moved(start: Floats) -> float:
    """How far any share goes from such a start."""
    return float(np.abs(symmetric(payoffs(ROCK_PAPER_SCISSORS), start, HORIZON) - start).max())


def solved() -> float:
    """What the equilibrium that is found plays most."""
    table = payoffs(ROCK_PAPER_SCISSORS)
    return float(max(mix.max() for pair in profiles(np.stack([table, table.T])) for mix in pair))


def off_logistic() -> float:
    """How far what dominates lies from the logistic curve at most, from a tenth on."""
    table = payoffs(DOMINANCE)
    path = symmetric(table, np.array([0.1, 0.9]), 10.0)[:, 0]
    times = np.linspace(0.0, 10.0, len(path)) / np.ptp(table)  # the rate is the advantage, in cash coins a contest
    return float(np.abs(path - 1.0 / (1.0 + 9.0 * np.exp(-ADVANTAGE * times))).max())


def resting(effort: Effort) -> Measured:
    """Where hawks come to rest from nine in ten, by payoffs that were played."""
    found = [[payoff(mine, theirs, effort) for theirs in (0, 1)] for mine in (0, 1)]

    def rest(noisy: float) -> float:
        table = np.array([[one.value for one in row] for row in found])
        table[0, 0] = noisy
        return float(symmetric(table, np.array([0.9, 0.1]), 200.0)[-1, 0])

    one = found[0][0]  # the only payoff that chance is in
    return Measured(rest(one.value), rest(one.low), rest(one.high), one.seeds)


@cache
def contests(seed: int, blocks: int) -> Floats:
    """What the row and the column earned in every contest of every profile of the noisy game. Shape [2, 2, 2, contests]."""
    other: Table = tuple(tuple(1.0 - TRUTH[row][column] for row in (0, 1)) for column in (0, 1))
    cast: list[Role] = [Bank(capital=1e9)]
    for row in (0, 1):
        for column in (0, 1):
            for copy in range(COPIES):
                arena = f"{row}{column}.{copy}"
                sides = ((row, TRUTH), (column, other))
                cast += [
                    Fighter(name=f"{arena}.{side}", arena=arena, move=move, table=table, stake=STAKE)
                    for side, (move, table) in enumerate(sides)
                ]
    game = build(replace(DUEL, cast=tuple(cast), duration=(blocks + 1) * BLOCK, seed=seed))
    accounts = [player.account for player in game.players if isinstance(player.role, Fighter)]
    token, scale, rows = game.state.houses[0].token, game.state.houses[0].cash_scale, list[Floats]()
    try:
        game.play(watch=lambda state: rows.append(state.ledger.balance[token, accounts] / scale))
    finally:
        release(game)
    earned = np.diff(np.array(rows), axis=0)[-blocks:]  # [blocks, profiles x copies x sides]
    return np.asarray(earned.reshape(blocks, 2, 2, COPIES, 2).transpose(4, 1, 2, 3, 0).reshape(2, 2, 2, -1))


def mean_regret(earned: Floats, samples: int) -> float:
    """The mean, over estimates from so many contests a payoff, of the true game's regret of the equilibrium that is found."""
    truth = np.stack([np.array(TRUTH), 1.0 - np.array(TRUTH)])
    count = earned.shape[-1] // samples
    means = earned[..., : count * samples].reshape(2, 2, 2, count, samples).mean(axis=-1)
    return float(np.mean([regrets(truth, profiles(means[..., one])[0]).max() for one in range(count)]))


def regret_ratio(effort: Effort) -> Measured:
    """Mean regret with SAMPLES over that with TIMES as many."""
    seeds, groups = EFFORTS[effort]
    values = []
    for seed in own_seeds("A11-regret", seeds):
        earned = contests(seed, groups * SAMPLES * TIMES // COPIES)
        few = earned[..., : 25 * groups * SAMPLES]  # of so many estimates the mean is known well enough
        values.append(mean_regret(few, SAMPLES) / mean_regret(earned, SAMPLES * TIMES))
    found = estimate(values)
    return Measured(found.mean, found.low, found.high, seeds)


def still(name: str, what: str, start: tuple[float, ...]) -> Claim:
    """The claim about one fixed point."""
    return Claim(f"A11-rps-{name}", what, TAYLOR, 0.0, 1e-4, lambda _: exactly(moved(np.array(start))))


def claims() -> tuple[Claim, ...]:
    """To what the solver of the equations is good for; the share of hawks as in the game; regret as near as the reference's own."""
    third = 1.0 / 3.0
    return (
        Claim(
            "A11-rps-cycle",
            "rock, paper, scissors: most that the product of the shares changes along a path of replicator dynamics, relative",
            TAYLOR,
            0.0,
            1e-3,
            lambda _: exactly(kept_product(), f"the first share goes over {roamed():.2f} on it"),
        ),
        still("centre", "the same: most that a share moves from the centre", (third, third, third)),
        *(
            still(f"vertex-{move}", f"the same: most that a share moves where all play {name}", tuple(np.eye(3)[move]))
            for move, name in enumerate(("rock", "paper", "scissors"))
        ),
        Claim(
            "A11-rps-equilibrium",
            "the same: what its only equilibrium plays most",
            TAYLOR,
            third,
            1e-4,
            lambda _: exactly(solved()),
        ),
        Claim(
            "A11-logistic",
            "most that the share of what dominates is off the logistic curve",
            TAYLOR,
            0.0,
            1e-4,
            lambda _: exactly(off_logistic()),
        ),
        Claim(
            "A11-hawks-resting",
            "share of hawks at which replicator dynamics rest, by payoffs that were played",
            "Maynard Smith and Price 1973; Taylor and Jonker 1978",
            V / C,
            0.02,
            resting,
            0.05,
            runs="A11-payoffs",
        ),
        Claim(
            "A11-regret",
            "regret of the equilibrium of payoffs that were played, over that with a hundred times the samples",
            REGRET,
            10.0,
            0.8,
            regret_ratio,
            5.0,
        ),
    )
