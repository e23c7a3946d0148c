"""Screening: one run of an attack on each path, by what it does and by what it itself expects."""

from __future__ import annotations

import math
from collections.abc import Sequence

from agents.attacks.base import Attack
from experiments.arsenal.trials import Result
from experiments.audit.bench import Bench
from experiments.audit.findings import Line
from experiments.audit.hunting import Hunt, of, profit
from experiments.audit.paths import PricePath
from experiments.scenario import Scenario


def screened(bench: Bench, plain: Scenario, attack: Attack, paths: Sequence[PricePath]) -> Line:
    """One run on each path: does it attack, or come to expect anything? Its path is that where it earns, or hopes for, the most."""
    name = type(attack).__name__
    if bench.left < len(paths) * bench.price(plain):
        return Line(name, "not screened")
    runs = bench.play("screening", [of(attack, path.of(plain), 1) for path in paths])
    seen = [(path, run) for path, run in zip(paths, runs, strict=True) if run is not None]
    if not seen:
        return Line(name, "not screened", "its runs went wrong")
    path, best = max(
        seen, key=lambda pair: (pair[1].attacked > 0, profit(pair[1]) if pair[1].attacked else _hope(pair[1]))
    )
    hunt = Hunt(path.of(plain), attack)
    if not best.attacked and not _hope(best) > 0:
        return Line(name, "stays home", best.declined or "saw no chance", best.hoped, hunt, path.name)
    worth = profit(best) if best.attacked else 0.0
    return Line(name, "not searched", "", best.hoped, hunt._replace(worth=worth), path.name)


def _hope(found: Result) -> float:
    return found.hoped if math.isfinite(found.hoped) else -math.inf
