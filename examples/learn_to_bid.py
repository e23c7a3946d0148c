"""A keeper learns what to bid: a linear policy, evolved on the CPU. `python -m examples.learn_to_bid [--generations N]`.

The seat's moves are the share of each prize that it bids, against a keeper who bids 0.3. The policy is a logistic of three
signals and a constant; weights are searched for by a cross-entropy method (Rubinstein 1999) on training seeds that are drawn
anew in each generation, and judged on seeds that it has never seen, against the usual bid and one at random.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from experiments.learning.environment import Floor
from experiments.learning.floors import bidding
from experiments.statistics import Estimate, estimate

Policy = Callable[[Any], float]

POPULATION, ELITE, SEEDS = 12, 4, 4
HELD_OUT = range(10_001, 10_025)


def linear(weights: Any) -> Policy:
    """Bid a logistic of weights times (targets, prize, purse, 1)."""
    return lambda seen: float(1.0 / (1.0 + np.exp(-np.clip(weights @ np.append(seen, 1.0), -30.0, 30.0))))


def earned(floor: Floor, policy: Policy, seed: int) -> float:
    """What the seat gains in an episode, cash coins."""
    seen, _ = floor.reset(seed=seed)
    total = 0.0
    while floor.agents:
        seen, rewards, *_ = floor.step({"bidder.0": np.array([policy(seen["bidder.0"])])})
        total += rewards["bidder.0"]
    return total


def learned(floor: Floor, generations: int, say: Callable[[str], None] = print) -> Any:
    """Weights after so many generations."""
    dice = np.random.default_rng(1)
    mean, spread = np.array([0.0, 0.0, 0.0, -1.0]), np.array([0.5, 0.5, 0.5, 1.5])
    for generation in range(generations):
        seeds = range(1 + generation * SEEDS, 1 + (generation + 1) * SEEDS)
        tried = mean + spread * dice.normal(size=(POPULATION, len(mean)))
        scores = [np.mean([earned(floor, linear(weights), seed) for seed in seeds]) for weights in tried]
        best = tried[np.argsort(scores)[-ELITE:]]
        mean, spread = best.mean(axis=0), best.std(axis=0) + 0.3 * 0.7**generation
        say(f"generation {generation + 1}: best of {POPULATION} earned {max(scores):,.0f} on {SEEDS} seeds")
    return mean


def compared(floor: Floor, weights: Any, seeds: Sequence[int]) -> dict[str, Estimate]:
    """On seeds: what the learned policy earns, and by how much more than others, paired."""
    dice = np.random.default_rng(2)
    rivals: dict[str, Policy] = {"usual bid of 0.2": lambda _: 0.2, "random bid": lambda _: float(dice.uniform())}
    mine = np.array([earned(floor, linear(weights), seed) for seed in seeds])
    found = {"earned": estimate(mine.tolist())}
    for name, policy in rivals.items():
        theirs = np.array([earned(floor, policy, seed) for seed in seeds])
        found[f"more than with a {name}"] = estimate((mine - theirs).tolist())
    return found


def main() -> None:
    """Learn, and say what it came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=5)
    floor = Floor(bidding())
    weights = learned(floor, parser.parse_args().generations)
    print("weights of targets, prize, purse, 1: " + ", ".join(f"{weight:.2f}" for weight in weights))
    for what, (mean, low, high, seeds) in compared(floor, weights, HELD_OUT).items():
        print(f"{what}: {mean:,.0f} [{low:,.0f}, {high:,.0f}] cash coins an episode, {seeds} held-out seeds")


if __name__ == "__main__":
    main()
