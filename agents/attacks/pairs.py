"""What a pair of opposite legs is worth when one of them is broken, and what breaking it costs.

The reference venue is where reporters look; its depth, and what a push and its undoing cost, are measured from quotes alone.
What one leg loses beyond its margin, the other wins at the cost of whoever must stand behind the first.
"""

from __future__ import annotations

import math

import numpy as np

from agents.view import View
from protocol.ledger import Floats
from protocol.losses.deleverage import Deleverage
from protocol.margins.base import Threshold
from protocol.oracles.base import Oracle
from protocol.oracles.guarded import Guarded
from protocol.oracles.median import Median
from protocol.oracles.pull import Pull
from protocol.state import House, Listing, State


def reported(oracle: Oracle) -> bool:
    """Whether the index is what somebody says of the reference venue."""
    while isinstance(oracle, Guarded):
        oracle = oracle.inner
    return isinstance(oracle, Median | Pull)


def largest_step(oracle: Oracle) -> float:
    """Relative move of the index in a block beyond which guards pass nothing on."""
    step = math.inf
    while isinstance(oracle, Guarded):
        step, oracle = min(step, oracle.max_move), oracle.inner
    return step


def reference_depth(view: View, asset: str) -> float:
    """Cash coins that displace the log mid by 1: two quotes on a book of even density, which spread and mid drop out of."""
    mid = view.reference(asset)
    size = 1_000.0 / mid
    for _ in range(20):
        one, two = view.reference_cost(asset, size), view.reference_cost(asset, 2.0 * size)
        if not math.isfinite(two):
            return 0.0
        if two / one - 1.0 > 1.0001:
            return size * mid / math.log(two / one - 1.0)
        size *= 4.0
    return math.inf


def push_loss(depth: float, push: Floats, seconds: Floats, healing: float) -> Floats:
    """Cash coins lost on pushing a book, waiting, undoing what is left of the displacement at once and the rest in time.

    Buying costs depth * (e^x - 1); what heals meanwhile, x - x', is sold at fair, and the x' left on the way down.
    """
    left = push * np.exp2(-seconds / healing)
    return np.asarray(depth * (np.expm1(push) - np.expm1(left) - (push - left)))


def paid_for_winners(state: State, house: House) -> float:
    """Cash coins of deficit that others pay before those who win are closed out instead; endless where they never are."""
    ahead = 0.0
    for loss in state.exchange(house).losses:
        if isinstance(loss, Deleverage):
            return ahead
        ahead += loss.capacity(state, house) / house.cash_scale
    return math.inf


def carried_by_vault(state: State, listing: Listing) -> float:
    """Cash coins of notional that the vault could take over by its own margin."""
    house = listing.house
    rules = state.exchange(house)
    if house.vault < 0 or rules.vault is None:
        return 0.0
    worth, needs = rules.margin.standing(state, house, Threshold.INITIAL, house.vault)
    share, _ = rules.margin.rate(state, listing, Threshold.INITIAL)
    return max(0.0, worth - rules.vault.commitment * needs) / max(share * rules.vault.commitment, 1e-9)
