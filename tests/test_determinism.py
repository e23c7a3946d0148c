"""The same scenario and seed give the same run: in another process, with more workers, beside another player."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import pytest

from agents.crowds.fundamental import FundamentalCrowd
from agents.crowds.leveraged import LeveragedCrowd
from agents.crowds.noise import NoiseCrowd
from agents.game import Game
from agents.player import Player, Role
from agents.roles.keeper import Keeper
from agents.view import View
from experiments.parallel import spread
from experiments.run import build, run
from experiments.scenario import Scenario
from protocol.chain import Block, seal
from protocol.mempool import Mempool
from protocol.oracles.ema import Ema
from protocol.state import State
from protocol.world import Exchange, Market, World


def scenario(seed: int = 3) -> Scenario:
    return Scenario(
        world=World(exchanges=(Exchange(markets=(Market(oracle=Ema(half_life=60.0)),)),)),
        cast=(
            LeveragedCrowd(name="leveraged", count=40, activity=2_000.0),
            FundamentalCrowd(name="fundamental", count=20, activity=2_000.0),
            Keeper(capital=1e6),
        ),
        duration=1_200.0,
        seed=seed,
    )


def digest_of(seed: int) -> str:
    return run(scenario(seed)).digest


def test_two_processes_agree() -> None:
    code = "from tests.test_determinism import digest_of; print(digest_of(3))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert other == digest_of(3) + "\n"


def test_one_worker_and_two_agree() -> None:
    assert spread(digest_of, [1, 2, 3, 4], workers=1) == spread(digest_of, [1, 2, 3, 4], workers=2)


def test_another_seed_is_another_run() -> None:
    assert digest_of(3) != digest_of(4)


@dataclasses.dataclass(frozen=True)
class Idler(Role):
    """An adversary that has come, seen, and not yet acted."""

    def act(self, me: Player, view: View) -> tuple[()]:
        """Look only."""
        assert view.mid(view.listing()) > 0
        return ()


def test_an_adversary_who_does_nothing_changes_nobody_elses_run() -> None:
    base = scenario()
    beside = dataclasses.replace(base, cast=(Idler(name="adversary", count=2), *base.cast))
    one, two = run(base), run(beside)
    assert (one.blocks.fillna(-1) == two.blocks.fillna(-1)).all().all()
    assert one.flows["cash"].tolist() == two.flows["cash"].tolist()


def test_an_adversary_who_acts_leaves_everybody_elses_dice_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    base = dataclasses.replace(scenario(), cast=(NoiseCrowd(name="noise", count=50, activity=5_000.0),))
    adversary = LeveragedCrowd(name="adversary", count=30, activity=20_000.0)
    louder = dataclasses.replace(base, cast=(adversary, *base.cast))
    quiet, loud = build(base), build(louder)
    quiet.play()
    loud.play()
    assert (quiet.fair == loud.fair).all()
    members = [game.agents.select(lambda agent: getattr(agent, "crowd", None) is not None) for game in (quiet, loud)]
    noise = [[m for m in group if m.crowd.label == "noise"] for group in members]
    assert [m.leverage for m in noise[0]] == [m.leverage for m in noise[1]]
    assert [m.stake for m in noise[0]] == [m.stake for m in noise[1]]
    sent = [_orders_of_noise(game, monkeypatch) for game in (build(base), build(louder))]
    assert sent[0] == sent[1] != []


def _orders_of_noise(game: Game, monkeypatch: pytest.MonkeyPatch, of: str = "noise") -> list[tuple[int, int, float]]:
    """(member, size, arrival) of what a crowd of fifty sends in the first block, before anything is executed."""
    seen: list[tuple[int, int, float]] = []

    def watch(state: State, number: int, mempool: Mempool, *rest: Any) -> Block:
        seen.extend((int(o["account"]), int(o["size"]), float(o["arrival"])) for o in mempool.rows)
        return seal(state, number, mempool, *rest)

    monkeypatch.setattr("agents.game.seal", watch)
    game.step()
    first = int(game.state.ledger.of_group([of])[0])
    return [(account - first, size, arrival) for account, size, arrival in seen if account in range(first, first + 50)]


@dataclasses.dataclass(frozen=True)
class PeekingCrowd(NoiseCrowd):
    """Reads the mempool before it sends."""

    def looks(self) -> int:
        """Once."""
        return 1


def test_crowds_that_look_at_the_same_moment_do_not_write_over_one_anothers_orders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = (PeekingCrowd(name=name, count=50, activity=20_000.0) for name in ("one", "other"))
    base = dataclasses.replace(scenario(), cast=(one,))

    alone, first = (build(dataclasses.replace(base, cast=cast)) for cast in ((one,), (one, other)))
    second = build(dataclasses.replace(base, cast=(other, one)))

    sent = _orders_of_noise(alone, monkeypatch, "one")
    assert _orders_of_noise(first, monkeypatch, "one") == _orders_of_noise(second, monkeypatch, "one") == sent != []
