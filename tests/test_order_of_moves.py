"""In which order an attack moves is a setting that can be searched, and is found where it matters."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

import pytest

from agents.attacks.oracle_push import OraclePush, Plan
from agents.view import View
from experiments.arsenal.seating import benign
from experiments.audit.bench import bench
from experiments.audit.hunting import Hunt, hunted, of
from experiments.axes.base import Bound, placed
from experiments.optimising import maximise
from experiments.scenario import find
from experiments.search import space
from protocol.state import Listing
from protocol.transactions import Bundle

ORDERS = tuple(permutations(("open", "push", "close")))  # and the pool is sold back last
USUAL, LATE = ORDERS.index(("open", "push", "close")), ORDERS.index(("open", "close", "push"))


@dataclass(frozen=True)
class AnyOrder(OraclePush):
    """A push of an index that moves at once, whose three moves are made in any `order`."""

    order: int = field(default=LATE, metadata={"search": (0, len(ORDERS) - 1, "choice")})

    def _entry(self, me: object, view: View, listing: Listing, pool: Listing, plan: Plan) -> Bundle:
        bundle = super()._entry(me, view, listing, pool, plan)  # type: ignore[arg-type]
        deposit, opened, pushed, closed, sold = bundle.transactions
        moves = {"open": opened, "push": pushed, "close": closed}
        return bundle._replace(transactions=(deposit, *(moves[one] for one in ORDERS[self.order]), sold))


def test_the_order_that_pays_is_found_by_one_whose_own_loses(tmp_path: Path) -> None:
    plain = dataclasses.replace(benign(find("live-index")), duration=36.0)
    attack = AnyOrder(name="attacker", market="ETH-PERP", capital=10_000_000.0)
    bounds = {one.name: one for one in space(dataclasses.replace(plain, cast=(*plain.cast, attack)), attack, ())}
    assert bounds["order"].scale == "choice"
    with bench(tmp_path, 200) as runs:
        found = hunted(runs, "x", Hunt(plain, attack), 2)
        own, turned = (
            runs.play("x", [of(one, plain, 1)])[0] for one in (attack, dataclasses.replace(attack, order=USUAL))
        )
    assert own is not None and own.attacked and own.gains["attacker"] < 0.0
    assert turned is not None and turned.attacked and turned.gains["attacker"] > 1_000.0
    assert isinstance(found.best, AnyOrder) and found.best.order == USUAL and found.worth > 1_000.0


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_a_choice_has_no_neighbours_and_every_one_of_them_can_be_drawn(sampler: str) -> None:
    bounds = [Bound("x", 0.0, 6.0, "choice"), Bound("y", 0.0, 1.0)]
    trials = maximise(
        bounds,
        lambda _, asked: [float(one["x"] == 3.0) + one["y"] for one in asked],
        generations=8,
        first=[{"x": 0.0, "y": 0.5}],
        sampler=sampler,  # type: ignore[arg-type]
    )
    assert {one.parameters["x"] for one in trials} == set(map(float, range(7)))
    assert max(trials, key=lambda one: one.worth).parameters["x"] == 3.0
    assert [level.changes["x"] for level in placed(bounds[:1], [[0.0], [0.5], [0.999], [1.0]])] == [0, 3, 6, 6]


def test_a_choice_between_fractions_is_refused() -> None:
    with pytest.raises(ValueError, match="whole numbers on a choice scale"):
        Bound("x", 0.0, 1.5, "choice")
