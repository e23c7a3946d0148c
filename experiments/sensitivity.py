"""Which parameters matter: Morris screens many of them cheaply, Sobol indices say how much of the variance each accounts for.

Both are sweeps over bounded parameters, on the same seeds at every point, so that what differs from point to point is the
parameters' doing. The measured column is averaged over seeds first. Indices are given with 95 % intervals and from growing
parts of the sample, for an index that still moves with the sample says nothing yet (Saltelli et al. 2008, 2010).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import scipy.stats

from experiments.axes.base import Bound, bounds_mistakes, unit_problem
from experiments.axes.morris import Morris
from experiments.axes.saltelli import Saltelli
from experiments.codec import Mistakes, load
from experiments.results import require
from experiments.scenario import Scenario
from experiments.sweeps.spec import Design, Sweep, base_of, design
from protocol.ledger import Floats

RESAMPLES = 500
NEGLIGIBLE = 0.05  # of the largest effect: what is surely below is left out


@dataclass(frozen=True)
class Sensitivity:
    """How `of`, a recorded column, depends on `bounds`: Morris with `trajectories`, then Sobol with `samples` on the largest.

    No more than `keep` parameters are taken on from the first to the second. Where a few points are worth more than all others
    together, variance says nothing about the rest: `measure = "rank"` analyses ranks from 0 to 1 instead (Saltelli and Sobol 1995).

    Other fields are those of a sweep; `seed` is of the samples, `first_seed` of the runs.
    """

    name: str = "sensitivity"
    about: str = ""
    base: Scenario | str = "oracle-push"
    bounds: tuple[Bound, ...] = (Bound(), Bound("patience", 60.0, 240.0))
    of: str = "gain.attacker"
    measure: Literal["value", "rank"] = "value"
    trajectories: int = 16
    grid: int = 4
    samples: int = 64
    keep: int = 5
    replicates: int = 4
    first_seed: int = 1
    seconds: float | None = None
    memory: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what neither sweep would take."""
        wrong = bounds_mistakes(self.bounds)
        if len(self.bounds) < 2:
            wrong.append(f"bounds: {len(self.bounds)}; must be two or more, or there is nothing to compare")
        if self.keep < 1:
            wrong.append(f"keep = {self.keep}: must be 1 or more")
        for make in (self.screening, lambda: self.attribution(self.bounds)):
            try:
                make()
            except ValueError as error:
                wrong += [line for line in str(error).splitlines() if line not in wrong]
        if wrong:
            raise ValueError("\n".join(wrong))

    def screening(self) -> Sweep:
        """The sweep that screens."""
        return self._sweep("screen", Morris(self.bounds, self.trajectories, self.grid, self.seed))

    def attribution(self, bounds: Sequence[Bound]) -> Sweep:
        """The sweep that attributes."""
        return self._sweep("attribute", Saltelli(tuple(bounds), self.samples, self.seed))

    def _sweep(self, name: str, axis: Morris | Saltelli) -> Sweep:
        return Sweep(
            name=f"{self.name}-{name}",
            about=self.about,
            base=self.base,
            axes=(axis,),
            replicates=self.replicates,
            first_seed=self.first_seed,
            record=(self.of,),
            seconds=self.seconds,
            memory=self.memory,
        )


class Found(NamedTuple):
    """An analysis: a row a parameter, and the same from growing parts of the sample."""

    table: pd.DataFrame
    convergence: pd.DataFrame


def load_spec(path: Path, *, plugins: Collection[type] = ()) -> tuple[Sensitivity, Design]:
    """What a TOML file asks, and the design of its first sweep. Raises Mistakes."""
    spec = load(Sensitivity, path, plugins=plugins)
    if isinstance(spec.base, str):
        spec = Sensitivity(**{**vars(spec), "base": base_of(spec.base, path.parent, plugins)})
    return spec, design(spec.screening(), plugins=plugins)


def values(frame: pd.DataFrame, column: str, measure: Literal["value", "rank"] = "value") -> Floats:
    """The column's mean over seeds, by point, or its rank among them. Raises Mistakes where a point has none, or all are alike."""
    if column not in frame.columns:
        ours = frame.assign(**{column: np.nan}) if (frame["status"] != "ok").all() else frame
        require(ours, column)
    means = frame.groupby("point")[column].mean().to_numpy(float)
    missing = int(np.isnan(means).sum())
    if missing:
        raise Mistakes([f"{column}: {missing:,} of {len(means):,} points have no value; their failures say why"])
    if np.ptp(means) == 0.0:
        raise Mistakes([f"{column}: is {means[0]:g} at every point, so nothing matters to it"])
    return means if measure == "value" else (scipy.stats.rankdata(means) - 1.0) / max(1, len(means) - 1)


def screened(axis: Morris, outcomes: Floats) -> Found:
    """Mean size of elementary effects (mu*, Campolongo et al. 2007) and their spread (sigma), in the column's unit."""
    from SALib.analyze import morris

    step, shares = len(axis.bounds) + 1, axis.shares()

    def analysed(count: int) -> pd.DataFrame:
        rows = slice(0, count * step)
        found = morris.analyze(
            unit_problem(axis.bounds),
            shares[rows],
            outcomes[rows],
            num_levels=axis.grid,
            num_resamples=RESAMPLES,
            seed=0,
        )
        return pd.DataFrame(
            {
                "parameter": [bound.column for bound in axis.bounds],
                "mu_star": np.asarray(found["mu_star"], float),
                "half_width": np.asarray(found["mu_star_conf"], float),
                "sigma": np.asarray(found["sigma"], float),
            }
        )

    return _converging(analysed, _growing(axis.trajectories, 2, math.sqrt(2.0)), "trajectories")


def attributed(axis: Saltelli, outcomes: Floats) -> Found:
    """First-order (S1) and total (ST) indices: the share of the variance that a parameter accounts for alone, and with others."""
    from SALib.analyze import sobol

    step = len(axis.bounds) + 2

    def analysed(count: int) -> pd.DataFrame:
        found = sobol.analyze(
            unit_problem(axis.bounds),
            outcomes[: count * step],
            calc_second_order=False,
            num_resamples=RESAMPLES,
            seed=1,  # SALib takes 0 for none, and then draws anew each time
        )
        return pd.DataFrame(
            {
                "parameter": [bound.column for bound in axis.bounds],
                "first": np.asarray(found["S1"], float),
                "first_half_width": np.asarray(found["S1_conf"], float),
                "total": np.asarray(found["ST"], float),
                "total_half_width": np.asarray(found["ST_conf"], float),
            }
        )

    return _converging(analysed, _growing(axis.samples, 4, 2.0), "samples")


def kept(bounds: Sequence[Bound], screen: pd.DataFrame, most: int) -> list[Bound]:
    """The parameters worth attributing to: the largest, without those whose interval lies below a twentieth of the largest."""
    ranked = screen.sort_values("mu_star", ascending=False, kind="stable")
    bar = NEGLIGIBLE * float(ranked["mu_star"].iloc[0])
    named = ranked[ranked["mu_star"] + ranked["half_width"] >= bar]["parameter"].head(most).tolist()
    return [bound for bound in bounds if bound.column in named]


def _growing(count: int, least: int, factor: float) -> list[int]:
    """Sizes of growing parts of a sample, each `factor` times the one before, from `least` or so up to all of it."""
    steps = max(0, math.floor(math.log(count / least, factor) + 1e-9))
    return sorted({round(count / factor**k) for k in range(steps + 1)})


def _converging(analysed: Any, sizes: Sequence[int], what: str) -> Found:
    steps = [analysed(size).assign(**{what: size}) for size in sizes]
    return Found(steps[-1].drop(columns=what), pd.concat(steps, ignore_index=True))
