"""Judging: what a found attack is worth on seeds that nothing was chosen by, and whether that pays, does not, or is not known.

Twelve seeds first; where they leave it open, as many more as the budget has left, once. Each of the two looks is held to half of
the level (Bonferroni), so looking twice does not make a false finding likelier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from experiments.arsenal.trials import Result
from experiments.arsenal.verdict import cell, classes
from experiments.audit.bench import Bench
from experiments.audit.findings import Audit
from experiments.audit.hunting import SEEDS, Hunt, honest, of, profit
from experiments.statistics import estimate, holm, sign_flip

LEVEL = 0.025  # of each of two looks
LEAST_MORE, MOST_MORE = 6, 60  # further seeds of an attack that the first leave undecided


def judge(bench: Bench, found: Audit, twins: Mapping[str, list[Result]]) -> None:
    """What each hunt's best is worth on held-out seeds, whether that pays among so many, and on the other paths."""
    order = sorted(
        (n for n, line in enumerate(found.lines) if line.hunt and line.hunt.best and line.state != "stays home"),
        key=lambda n: -_worth(found, n),
    )
    for n in order:
        if bench.left < len(SEEDS):
            found.short.append(f"{found.lines[n].attack}: not judged on held-out seeds")
            continue
        if not _looked(bench, found, n, twins, SEEDS):
            found.lines[n] = found.lines[n]._replace(why="runs on held-out seeds went wrong")
    _decide(found)
    open_ = [n for n in order if found.lines[n].undecided]
    for k, n in enumerate(open_):
        more = min(MOST_MORE, bench.left // (len(open_) - k) // 2)  # half of it for nobody's runs, to compare with
        if more >= LEAST_MORE:
            seeds = range(SEEDS[0], SEEDS[-1] + 1 + more)
            if not _looked(bench, found, n, twins, seeds):
                found.short.append(f"{found.lines[n].attack}: runs on more held-out seeds went wrong")
    if open_:
        _decide(found)
    _elsewhere(bench, found, twins)


def _worth(found: Audit, n: int) -> float:
    hunt = found.lines[n].hunt
    return float("-inf") if hunt is None else hunt.worth


def _looked(bench: Bench, found: Audit, n: int, twins: Mapping[str, list[Result]], seeds: Sequence[int]) -> bool:
    """Put down what an attack is worth on these seeds, which begin with the reported ones; False where a run went wrong."""
    line = found.lines[n]
    assert line.hunt is not None and line.hunt.best is not None, "found"
    same = list(twins[line.path])
    beyond = [honest(line.hunt.scenario, seed) for seed in seeds[len(same) :]]
    same += [one for one in bench.play("more held-out seeds", beyond) if one is not None] if beyond else []
    runs = _held_out(bench, line.hunt, twins[line.path], seeds)
    if runs is None or len(same) < len(seeds):
        return False
    bare = cell(line.hunt.best, "", runs, same, classes(found.scenario))
    first = runs[: len(SEEDS)]
    middle = sorted(first, key=lambda run: profit(run))[len(first) // 2]
    p = chance_of([profit(run) for run in runs], found.bound)
    found.lines[n] = line._replace(state="judged", bare=bare, replay=middle, raw=p)
    return True


def chance_of(profits: Sequence[float], bound: float) -> float:
    """P of profits as good as what is worth an attack, not of none at all: a mean a little above the bound is no finding."""
    return sign_flip([one - bound for one in profits])


def _decide(found: Audit) -> None:
    """Hold all that were judged to Holm's level. What was once found to pay stays found."""
    judged = [n for n, line in enumerate(found.lines) if line.bare is not None]
    for n, p in zip(judged, holm([found.lines[n].raw for n in judged]), strict=True):
        line = found.lines[n]
        assert line.bare is not None, "judged"
        pays = line.pays or (line.bare.profit.low > found.bound and p <= LEVEL)
        found.lines[n] = line._replace(p=p, pays=pays, undecided=not pays and line.bare.profit.high > found.bound)


def _elsewhere(bench: Bench, found: Audit, twins: Mapping[str, list[Result]]) -> None:
    """What those that pay earn on the other paths, where that is afforded."""
    for n, line in enumerate(found.lines):
        others = [path for path in found.paths if path.name != line.path]
        if line.pays and line.hunt is not None and bench.left >= len(SEEDS) * len(others):
            elsewhere = {}
            for path in others:
                there = line.hunt._replace(scenario=path.of(found.scenario))
                runs = _held_out(bench, there, twins[path.name], SEEDS)
                if runs is not None:
                    elsewhere[path.name] = estimate([profit(run) for run in runs])
            found.lines[n] = line._replace(elsewhere=elsewhere)


def _held_out(bench: Bench, hunt: Hunt, twins: Sequence[Result], seeds: Sequence[int]) -> list[Result] | None:
    """The found attack on held-out seeds, told when anybody could have noticed; None where a run went wrong."""
    assert hunt.best is not None, "found"
    alarms = tuple(np.max([one.signals for one in twins], axis=0).tolist())
    trials = [of(hunt.best, hunt.scenario, seed, alarms=alarms) for seed in seeds]
    what = "held-out seeds" if len(seeds) == len(SEEDS) else "more held-out seeds"
    played = bench.play(what, trials)
    return None if None in played else [one for one in played if one is not None]
