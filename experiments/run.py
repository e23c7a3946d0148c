"""Run a scenario: a pure function from a frozen value to a record.

Nothing is read but the scenario (and the klines it names), nothing written, nothing kept between runs.
"""

from __future__ import annotations

from collections.abc import Callable

import mesa

from agents.game import Game, let_go
from experiments.capital import Capital
from experiments.codec import Mistakes
from experiments.metrics import metrics
from experiments.record import Record, digest, tables
from experiments.scenario import Scenario
from protocol.chain import Witness
from protocol.state import State


def build(scenario: Scenario, *, check: bool = False, witness: Witness | None = None) -> Game:
    """The game, seated and ready to play. `check` verifies the laws after every block; else a `witness` sees every deed."""
    return Game(
        scenario.world,
        scenario.cast,
        scenario.nature,
        scenario.references,
        seed=scenario.seed,
        duration=scenario.duration,
        outside=scenario.outside,
        patience=scenario.patience,
        check=check,
        witness=witness,
    )


def run(scenario: Scenario, *, check: bool = False, progress: Callable[[float], None] | None = None) -> Record:
    """Play a scenario to its end. `progress` is told the share done, now and then. Raises LawBroken if `check` finds cause."""
    return play(build(scenario, check=check), scenario, progress=progress)


def play(
    game: Game,
    scenario: Scenario,
    *,
    progress: Callable[[float], None] | None = None,
    watch: Callable[[State], None] | None = None,
) -> Record:
    """Play a scenario's game, built and not yet begun, to its end, and let it go. `watch` is shown the state after every block."""
    try:
        start, capital = game.state.save(), Capital(game)
        game.play(lambda share: _looked(capital, share, progress), watch)
        if game.recorder.blocks == 0:
            raise Mistakes([f"duration = {scenario.duration:g}: no block was sealed in so many seconds"])
        blocks, events, flows = tables(game)
        row = metrics(game, start, blocks, flows)
        row |= capital.metrics(start, row)
        return Record(scenario, blocks, events, flows, row, digest(game))
    finally:
        release(game)


def _looked(capital: Capital, share: float, progress: Callable[[float], None] | None) -> None:
    capital.look()
    if progress is not None:
        progress(share)


def release(model: mesa.Model) -> None:
    """Let a finished game go."""
    let_go(model)
