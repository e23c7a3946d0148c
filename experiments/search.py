"""The worst that an attacker can do: a search over its own parameters for the most profit, and what that is worth on fresh seeds.

Inside, every candidate is played on the same few seeds, so that candidates differ by their parameters and not by luck. The best
of many on a few seeds flatters itself (the winner's curse). So the finalists, and the attacker as the scenario has it, are played
on seeds of their own to choose among them, and what is reported is the chosen one's profit on seeds that nothing was chosen by.
Profit is the gain of the attacker's group; in the twin without it, that is nothing.

Candidates come in generations, each a sweep in a folder of its own. The search draws them anew, in order, from what finished
generations gave; so it goes on where it was stopped, comes to the same result on any workers, and goes further with more budget.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from agents.player import Role
from experiments.axes.base import Bound
from experiments.axes.table import Table
from experiments.axes.written import bound_of, mistaken
from experiments.codec import Mistakes, dumps, unknown, variants
from experiments.optimising import GENERATION, Sampler, Trial, allowed, maximise, typed
from experiments.overrides import varied
from experiments.results import load
from experiments.scenario import Scenario
from experiments.shapes import fields_with_types
from experiments.statistics import Difference, Estimate, difference, estimate
from experiments.sweeps.spec import Design, Sweep, design

CHOOSING = 500_001  # first of the seeds that finalists are chosen by
HELD_OUT = 1_000_001  # first of the seeds that nothing is chosen by
FINALISTS = 7
REACH = 10.0  # where nobody says otherwise, a parameter goes from a tenth to ten times what it is
SHARED = {f.name for f in dataclasses.fields(Role)}

Playing = Callable[[Design, Path], object]


class Found(NamedTuple):
    """What a search came to, in cash coins. On held-out seeds: `held`, the chosen one; `plain`, as the scenario has it."""

    trials: list[Trial]
    best: Trial
    held: Estimate
    plain: Estimate
    better: Difference
    scenario: Scenario
    digests: tuple[str, ...]  # of all runs, in order


def attacker(scenario: Scenario, name: str, plugins: Collection[type] = ()) -> tuple[Scenario, Role]:
    """The role of that name in the cast, or one of that kind, which then joins the cast. Raises Mistakes."""
    role = next((role for role in scenario.cast if role.label == name), None)
    if role is not None:
        return scenario, role
    kinds: dict[str, type] = variants(Role) | {p.__name__: p for p in plugins if issubclass(p, Role)}
    if name not in kinds:
        names = [role.label for role in scenario.cast] + [k for k, c in kinds.items() if ".attacks." in c.__module__]
        raise Mistakes([unknown(f"--attack {name}: nobody of that name in the cast, and no such kind", name, names)])
    joined: Role = kinds[name]()
    try:
        return dataclasses.replace(scenario, cast=(*scenario.cast, joined)), joined
    except ValueError as error:
        raise Mistakes([f"--attack {name}: {line}" for line in str(error).splitlines()]) from None


def space(scenario: Scenario, role: Role, over: Sequence[str]) -> tuple[Bound, ...]:
    """What is searched: FIELD=LOW:HIGH[:log|whole] as given, or else all that the role has of its own. Raises Mistakes.

    That is what its fields declare (`metadata={"search": (low, high, scale)}`) and, of those that declare nothing, each number
    above zero, from a tenth to ten times its value, as far as the role itself allows. A setting that names one thing out of
    several, as in which order moves are made, is a whole number that declares the scale "choice".
    """
    wrong: list[str] = []
    bounds = [bound for text in over if (bound := _given(role, text, wrong)) is not None]
    if not over:
        bounds = [b for f in dataclasses.fields(role) if f.init and (b := _declared(role, f)) is not None]
        if not bounds:
            wrong.append(
                f"--attack {role.label}: has no numbers of its own to search; name some with --over FIELD=LOW:HIGH"
            )
    if over:
        wrong += mistaken(bounds, lambda bound, value: varied(scenario, {bound.path: value}))
    if wrong:
        raise Mistakes(list(dict.fromkeys(wrong)))
    return tuple(bounds)


def search(
    scenario: Scenario,
    role: Role,
    bounds: Sequence[Bound],
    play: Playing,
    home: Path,
    *,
    budget: int,
    seeds: int = 8,
    held_out: int = 32,
    sampler: Sampler = "cmaes",
    seed: int = 0,
    seconds: float | None = None,
    plugins: Collection[type] = (),
) -> Found:
    """Search with `budget` runs, rounded up to whole generations; `play` plays a sweep into a folder. Raises Mistakes."""
    column = f"gain.{role.label}"
    own = {bound.name: float(getattr(role, bound.name)) for bound in bounds}
    paths = tuple(bound.path for bound in bounds)
    names = tuple(bound.name for bound in bounds)
    digests: list[str] = []

    def profits(name: str, rows: Sequence[Mapping[str, float]], first_seed: int, count: int) -> pd.DataFrame:
        values = tuple(tuple(typed(b, row[b.name]) for b in bounds) for row in rows)
        sweep = Sweep(
            name=name,
            base=scenario,
            axes=(Table(paths, values, names),),
            replicates=count,
            first_seed=first_seed,
            record=(column, "events.attack*"),
            seconds=seconds,
        )
        play(design(sweep, plugins=plugins), home / name)
        frame = load(home / name)
        digests.extend(frame["digest"])
        return frame if column in frame else frame.assign(**{column: math.nan})

    def inside(number: int, asked: Sequence[Mapping[str, float]]) -> list[float]:
        """Mean profit of each candidate on the seeds of the search."""
        means = profits(f"generation-{number:04d}", asked, 1, seeds).groupby("point")[column].mean()
        return [float(means[point]) for point in range(len(asked))]

    generations = math.ceil(budget / (seeds * GENERATION))
    trials = maximise(bounds, inside, generations=generations, first=[own], sampler=sampler, seed=seed)
    played = [trial for trial in trials if not math.isnan(trial.worth)]
    if not played:
        raise Mistakes([f"{role.label}: no candidate could be played; {home}/generation-0000/failures says why"])
    ranked = sorted(played, key=lambda trial: -trial.worth)
    finalists = [t for n, t in enumerate(ranked) if t.parameters not in [s.parameters for s in ranked[:n]]][:FINALISTS]
    rows = [trial.parameters for trial in finalists]
    frame = profits(f"finalists-of-{generations:04d}", rows if own in rows else [*rows, own], CHOOSING, held_out)
    means = frame.groupby("point")[column].mean()
    chosen = int(np.argmax(means.fillna(-math.inf).to_numpy(float)))
    best = finalists[chosen] if chosen < len(rows) else trials[0]._replace(parameters=own)
    frame = profits(f"held-out-of-{generations:04d}", [best.parameters, own], HELD_OUT, held_out)
    held, plain = (frame[frame["point"] == point][column].dropna().tolist() for point in (0, 1))
    if len(held) != held_out or len(plain) != held_out:
        raise Mistakes(
            [f"{role.label}: runs on held-out seeds went wrong; {home}/held-out-of-{generations:04d}/failures says why"]
        )
    values = {bound.path: typed(bound, best.parameters[bound.name]) for bound in bounds}
    recipe = varied(scenario, values, plugins=plugins)
    better = difference(held, plain)
    return Found(trials, best, estimate(held), estimate(plain), better, recipe, tuple(digests))


def write(found: Found, home: Path) -> list[Path]:
    """The recipe as a scenario file, and every trial as a table."""
    from experiments.sweeps.folder import replace

    replace(home / "best.toml", dumps(found.scenario).encode())
    rows = [{"trial": t.number, "profit": t.worth, **t.parameters} for t in found.trials]
    replace(home / "trials.csv", pd.DataFrame(rows).to_csv(index=False).encode())
    return [home / "best.toml", home / "trials.csv"]


# The space


def _given(role: Role, text: str, wrong: list[str]) -> Bound | None:
    name = text.partition("=")[0]
    known = [f for f, v in vars(role).items() if isinstance(v, int | float) and not isinstance(v, bool)]
    if name not in known:
        wrong.append(unknown(f"--over {text}: {role.label} has no such number", name, known))
        return None
    usual = "whole" if isinstance(getattr(role, name), int) else "linear"
    try:
        return bound_of(text, f"cast.{role.label}.{name}", name, "FIELD", ("log", "whole", "choice"), usual)
    except Mistakes as mistakes:
        wrong += mistakes.lines
        return None


def _declared(role: Role, field: dataclasses.Field[Any]) -> Bound | None:
    value, path = getattr(role, field.name), f"cast.{role.label}.{field.name}"
    if "search" in field.metadata:
        low, high, *scale = field.metadata["search"]
        return Bound(path, float(low), float(high), scale[0] if scale else "linear", field.name)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if field.name in SHARED or not number or not value > 0 or field.name not in fields_with_types(type(role)):
        return None
    whole = isinstance(value, int)
    low, high = (allowed(lambda x: _stands(role, field.name, x), value, f) for f in (1.0 / REACH, REACH))
    if whole:
        low, high = math.ceil(low), math.floor(high)
    return Bound(path, float(low), float(high), "whole" if whole else "log", field.name) if low < high else None


def _stands(role: Role, name: str, value: float) -> bool:
    changes: dict[str, Any] = {name: round(value) if isinstance(getattr(role, name), int) else value}
    try:
        dataclasses.replace(role, **changes)
    except ValueError:
        return False
    return True
