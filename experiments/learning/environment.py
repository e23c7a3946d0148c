"""A game as a PettingZoo `ParallelEnv`: every seat of the scenario's cast is an agent, one step is one block.

An observation is what a seat reports from the view that its moves will be shown to, as old as its latency makes it. A reward is
by how much its wealth has changed: tokens and claims, at the reference mid that it sees, which nobody but trades moves away from
fair; an account below zero is worth nothing. An episode is as long as the scenario, and ends by truncation.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from pettingzoo import ParallelEnv

from agents.game import Game
from agents.player import Player
from experiments.codec import Mistakes
from experiments.learning.base import Seat
from experiments.record import digest
from experiments.run import build, release
from experiments.scenario import Scenario
from experiments.wealth import worth_at
from protocol.ledger import Floats

LARGEST = 100.0  # of a signal; beyond it is cut off


class Floor(ParallelEnv[str, Floats, Floats]):
    """The environment. `reset(seed)` plays that seed of the scenario; without one, the next after the last."""

    metadata = {"name": "undertow_v0", "render_modes": []}

    def __init__(self, scenario: Scenario) -> None:
        """Raises Mistakes where nobody's moves can come from outside."""
        roles = [role for role in scenario.cast if isinstance(role, Seat)]
        if not any(role.count for role in roles):
            raise Mistakes([f"cast: nobody in {scenario.name!r} has a seat for a learner"])
        self.scenario = scenario
        self.render_mode = None
        self.possible_agents = [f"{role.label}.{number}" for role in roles for number in range(role.count)]
        self.agents: list[str] = []
        self.game: Game | None = None
        self._seed = scenario.seed - 1
        self._worth: dict[str, float] = {}
        by_agent = {f"{role.label}.{n}": role for role in roles for n in range(role.count)}
        self.observation_spaces = {
            agent: Box(-LARGEST, LARGEST, (len(seat.signals),), np.float64) for agent, seat in by_agent.items()
        }
        bounds = {agent: np.array(list(seat.moves.values()), np.float64).T for agent, seat in by_agent.items()}
        self.action_spaces = {agent: Box(low, high, dtype=np.float64) for agent, (low, high) in bounds.items()}

    def observation_space(self, agent: str) -> Box:
        """Of an agent's signals, cut off at +-100."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Box:
        """Of an agent's moves."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Floats], dict[str, dict[str, Any]]]:
        """Begin an episode."""
        self.close()
        self._seed = self._seed + 1 if seed is None else seed
        self.game = build(dataclasses.replace(self.scenario, seed=self._seed))
        self.agents = list(self.possible_agents)
        seats = self._seats()
        self._worth = {agent: self._wealth(seats[agent]) for agent in self.agents}
        return self._observed(seats), self._informed()

    def step(
        self, actions: dict[str, Floats]
    ) -> tuple[dict[str, Floats], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Play a block."""
        assert self.game is not None, "reset first"
        seats = self._seats()
        for agent in self.agents:
            seat = seats[agent].role
            assert isinstance(seat, Seat)
            seat.told(seats[agent], np.asarray(actions[agent], np.float64))
        self.game.step()
        over = self.game.over()
        now = {agent: self._wealth(seats[agent]) for agent in self.agents}
        rewards = {agent: now[agent] - self._worth[agent] for agent in self.agents}
        self._worth = now
        observed, told = self._observed(seats), self._informed()
        ended, cut = dict.fromkeys(self.agents, False), dict.fromkeys(self.agents, over)
        if over:
            self.agents = []
        return observed, rewards, ended, cut, told

    def close(self) -> None:
        """Let the game go."""
        if self.game is not None:
            release(self.game)
        self.game, self.agents = None, []

    def digest(self) -> str:
        """Of the episode so far; equal to a run's of the same scenario and moves."""
        assert self.game is not None, "reset first"
        return digest(self.game)

    def _seats(self) -> dict[str, Player]:
        assert self.game is not None
        return {player.label: player for player in self.game.players if isinstance(player.role, Seat)}

    def _observed(self, seats: dict[str, Player]) -> dict[str, Floats]:
        assert self.game is not None
        found = {}
        for agent in self.agents:
            seat = seats[agent].role
            assert isinstance(seat, Seat)
            signals = np.array(list(seat.report(seats[agent], self.game.ahead(seats[agent]))), np.float64)
            found[agent] = np.clip(np.nan_to_num(signals), -LARGEST, LARGEST)
        return found

    def _informed(self) -> dict[str, dict[str, Any]]:
        return {agent: {"wealth": self._worth[agent]} for agent in self.agents}

    def _wealth(self, player: Player) -> float:
        """Cash coins, at the reference mids in its view."""
        assert self.game is not None
        state, view = self.game.state, self.game.ahead(player)
        total, counted = 0.0, set()
        for house in state.houses:
            total += max(0.0, float(worth_at(state, house, view.reference)[player.account]))
            rows = [(house.token, house.cash_scale, 1.0)]
            for listing in state.listings[house.index]:
                price = view.reference(state.market(listing).instrument.base)
                rows.append((listing.base, listing.size_scale, price))
                for account, base, cash in state.market(listing).venue.belongs(state, listing):
                    total += (base / listing.size_scale * price + cash / house.cash_scale) * (account == player.account)
            for row, scale, price in rows:
                if row not in counted:
                    counted.add(row)
                    total += float(state.ledger.balance[row, player.account]) / scale * price
        return total
