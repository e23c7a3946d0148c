"""Players see what their latency lets them see, and the chain serves them when they can have arrived."""

from __future__ import annotations

import dataclasses

import mesa
import numpy as np
import pytest

from agents.crowds.base import Member
from agents.nature.gbm import GeometricBrownian
from agents.player import Player, ReferenceTrade, Role
from agents.view import View
from experiments.run import build, release
from experiments.scenario import Scenario, find
from protocol.blocks.fixed import Fixed
from protocol.transactions import Trade
from protocol.world import Chain, World
from tests.test_determinism import scenario

SEEN: list[tuple[float, float, float, float, float]] = []


@dataclasses.dataclass(frozen=True)
class Watcher(Role):
    """Writes down what it sees."""

    def act(self, me: Player, view: View) -> tuple[()]:
        """Look."""
        SEEN.append((view.time, view.arrival, view.seal, view.state.time, view.reference("ETH")))
        return ()


def watch(latency: float, interval: float = 12.0) -> tuple[list[tuple[float, float, float, float, float]], np.ndarray]:
    SEEN.clear()
    world = World(chains=(Chain(blocks=Fixed(interval=interval)),))
    game = build(
        Scenario(world=world, cast=(Watcher(latency=latency),), nature=GeometricBrownian(tick=1.0), duration=240.0)
    )
    game.play()
    return list(SEEN), game.fair[:, 0]


@pytest.mark.parametrize("latency", [0.0, 0.5, 3.0, 12.0, 30.0])
def test_nobody_sees_the_future_or_arrives_before_having_seen(latency: float) -> None:
    seen, fair = watch(latency)
    assert len(seen) == 20
    for time, arrival, seal, sealed, reference in seen:
        assert time == pytest.approx(max(0.0, seal - latency))
        assert sealed <= seal - latency + 1e-9 or sealed == 0.0
        assert reference == fair[int(time + 1e-9)]
        assert arrival <= seal + 1e-9
        assert arrival >= min(seal, int(time + 1e-9) + latency) - 1e-9


VIEWS: list[tuple[int, View]] = []


@dataclasses.dataclass(frozen=True)
class Keepsake(Role):
    """Keeps what it was shown."""

    def act(self, me: Player, view: View) -> tuple[()]:
        """Keep it."""
        VIEWS.append((me.account, view))
        return ()


@pytest.mark.parametrize(
    ("name", "jitter", "shared"), [("", 0.0, True), ("", 0.3, False), ("batch-auction", 0.0, False)]
)
def test_who_is_equally_quick_is_shown_one_view_unless_something_is_for_one_alone(
    name: str, jitter: float, shared: bool
) -> None:
    VIEWS.clear()
    cast = (Keepsake(name="a", latency=0.2, jitter=jitter), Keepsake(name="b", latency=0.2), Keepsake(name="c"))
    game = build(dataclasses.replace(find(name) if name else scenario(), cast=cast, duration=60.0))
    game.step()
    by = {game.state.ledger.groups[game.state.ledger.group[account]]: view for account, view in VIEWS}
    assert sorted(by) == ["a", "b", "c"] and by["c"] is not by["b"]
    assert (by["a"] is by["b"]) is shared
    assert by["a"].time == by["b"].time < by["c"].time
    assert by["a"].arrival >= by["b"].arrival and (by["a"].arrival > by["b"].arrival) is (jitter > 0.0)
    release(game)


def test_the_quicker_of_two_arrives_first() -> None:
    fast, slow = watch(0.05, 1.0)[0], watch(0.4, 1.0)[0]
    assert all(a[1] < b[1] for a, b in zip(fast, slow, strict=True))


def test_no_view_tells_fair() -> None:
    names = {name for name in dir(View) if not name.startswith("_")}
    assert not {name for name in names if "fair" in name}


def test_what_a_player_simulates_leaves_no_trace() -> None:
    game = build(scenario())
    game.step()
    view = View(game, game.state, game.state.time, 0, game.state.time, game.state.time + 12.0)
    digest = game.state.digest()
    trader = int(game.state.ledger.of_group(["leveraged"])[0])
    done, revert = view.simulate(Trade(game.listing(), trader, 10**8))
    assert revert is None
    assert done.size == 10**8
    assert game.state.digest() == digest


def test_members_of_a_crowd_are_mesa_agents_that_read_columns() -> None:
    game = build(scenario())
    members = game.agents_by_type[Member]
    assert len(members) == 60
    heavy = members.select(lambda member: member.leverage > 6.0)
    assert 0 < len(heavy) < 60
    assert members.agg("cash", sum) == pytest.approx(sum(members.get("cash")))
    first = next(iter(members))
    assert isinstance(first, mesa.Agent)
    assert first.size == 0.0


def test_a_reference_trade_costs_and_its_impact_decays() -> None:
    @dataclasses.dataclass(frozen=True)
    class Mover(Role):
        """Buys once."""

        def act(self, me: Player, view: View) -> list[ReferenceTrade]:
            """Once."""
            if me.memory.setdefault("done", False):
                return []
            me.memory["done"] = True
            return [ReferenceTrade(me.account, "ETH", 100.0)]

    nature = GeometricBrownian(tick=1.0)
    game = build(Scenario(cast=(Mover(capital=1e6),), nature=nature, duration=600.0))
    game.play()
    gap = np.log(game.mids[:, 0] / game.fair[:, 0])
    assert gap.max() == pytest.approx(0.04, rel=0.1)  # 200,000 coins at a depth of 5,000,000 a unit of log
    assert 0 < gap[-10] < 1e-4
    wallet = game.state.ledger.balance[game.house().token, game.players[0].account] / 1e6
    assert 1e6 - wallet > 100.0 * game.fair[0, 0]


def test_a_released_game_is_forgotten_by_mesa() -> None:
    game = build(scenario())
    release(game)
    assert game not in getattr(mesa.Agent, "_ids", {})
    assert len(game.agents) == 0


def test_an_old_view_prices_a_reference_order_as_of_then() -> None:
    game = build(scenario())
    game.step()
    view = View(game, game.state, 1.0, 1, 1.0, 24.0)
    before = view.reference_cost("ETH", 10.0)
    game.references[0].trade(float(game.fair[12, 0]), 5_000.0)
    assert view.reference_cost("ETH", 10.0) == before
    assert before > 10.0 * view.reference("ETH")
