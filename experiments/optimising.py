"""The one search of the laboratory: candidates drawn a generation at a time, each from what finished ones came to (Optuna).

Whoever searches says where, and what a generation comes to; how that is played, kept and gone on with is theirs. The draws depend
on the bounds, the seed and the values told, and on nothing else: the same answers give the same candidates again.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from experiments.axes.base import Bound

GENERATION = 8  # candidates drawn before any of them is known

Sampler = Literal["tpe", "cmaes"]
Candidate = dict[str, float]  # by column of the bounds


class Trial(NamedTuple):
    """A candidate, and what it is worth (nan: it could not be played)."""

    number: int
    parameters: Candidate
    worth: float


def maximise(
    bounds: Sequence[Bound],
    worth: Callable[[int, list[Candidate]], Sequence[float]],
    *,
    generations: int,
    first: Sequence[Mapping[str, float]] = (),
    known: Sequence[tuple[Mapping[str, float], float]] = (),
    size: int = GENERATION,
    sampler: Sampler = "cmaes",
    startup: int | None = None,
    seed: int = 0,
) -> list[Trial]:
    """Every candidate in turn. `worth` is told a generation's number and candidates; `first` are tried before any is drawn.

    `known`: candidates played elsewhere, and their worth; the sampler learns from those that lie within the bounds.
    `startup` candidates are drawn blindly before the sampler draws its own: as the sampler usually does where that is None.
    """
    study = _study(sampler, size, startup, seed)
    trials: list[Trial] = []
    for one in first:
        study.enqueue_trial({bound.column: within(bound, one[bound.column]) for bound in bounds})
    for one, value in known:
        _add(study, bounds, one, value)
    for number in range(generations):
        with quietly():
            asked = [study.ask(_distributions(bounds)) for _ in range(size)]
        candidates = [{b.column: float(trial.params[b.column]) for b in bounds} for trial in asked]
        for trial, one, value in zip(asked, candidates, worth(number, candidates), strict=True):
            with quietly():
                _tell(study, trial, float(value))
            trials.append(Trial(len(trials), one, float(value)))
    return trials


def typed(bound: Bound, value: float) -> float | int:
    """A candidate's value as its field takes it."""
    return int(value) if bound.counted else float(value)


def within(bound: Bound, value: float) -> float | int:
    """The nearest value that is searched."""
    return typed(bound, min(bound.high, max(bound.low, value)))


def allowed(stands: Callable[[float], bool], value: float, factor: float) -> float:
    """The value times a factor, or as near to that as still stands (to one part in a thousand)."""
    if stands(value * factor):
        return value * factor
    near, far = 0.0, math.log(factor)
    for _ in range(20):
        middle = 0.5 * (near + far)
        near, far = (middle, far) if stands(value * math.exp(middle)) else (near, middle)
    return value * math.exp(near)


def quietly() -> Any:
    """Optuna calls parts of its samplers experimental."""
    return warnings.catch_warnings(action="ignore")


def _tell(study: Any, trial: Any, value: float) -> None:
    from optuna.trial import TrialState

    if math.isnan(value):
        study.tell(trial, state=TrialState.FAIL)
    else:
        study.tell(trial, value)


def _add(study: Any, bounds: Sequence[Bound], one: Mapping[str, float], value: float) -> None:
    from optuna.trial import create_trial

    inside = all(bound.low <= one[bound.column] <= bound.high for bound in bounds)
    if inside and not math.isnan(value):
        values = {bound.column: typed(bound, one[bound.column]) for bound in bounds}
        with quietly():
            study.add_trial(create_trial(params=values, distributions=_distributions(bounds), value=value))


def _distributions(bounds: Sequence[Bound]) -> dict[str, Any]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    def one(bound: Bound) -> Any:
        if bound.scale == "choice":
            return CategoricalDistribution(range(int(bound.low), int(bound.high) + 1))
        if bound.scale == "whole":
            return IntDistribution(int(bound.low), int(bound.high))
        return FloatDistribution(bound.low, bound.high, log=bound.scale == "log")

    return {bound.column: one(bound) for bound in bounds}


def _study(sampler: Sampler, size: int, startup: int | None, seed: int) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    made: optuna.samplers.BaseSampler
    with quietly():
        if sampler == "tpe":
            blind = 2 * size if startup is None else startup
            made = optuna.samplers.TPESampler(seed=seed, constant_liar=True, multivariate=True, n_startup_trials=blind)
        else:
            blind = size if startup is None else startup
            made = optuna.samplers.CmaEsSampler(
                seed=seed, popsize=size, n_startup_trials=blind, warn_independent_sampling=False
            )
        return optuna.create_study(direction="maximize", sampler=made)
