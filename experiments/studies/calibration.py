"""Study: crowds calibrated to hourly ether of May 2022 by simulated moments. What `crowd-market` was made with.

From the middle of the bounds, by CMA-ES. The bundled scenario holds the values of the best candidate to three digits.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from experiments.figures.calibration import draw
from experiments.parallel import spread
from experiments.realism.calibration import BOUNDS, SEEDS, calibrate, changed, distance, facts_of, middle, off
from experiments.realism.facts import MATCHED
from experiments.realism.recorded import TARGET
from experiments.scenario import Scenario, find
from experiments.statistics import estimate
from experiments.tables import write

NAME = "calibration"
QUESTION = "Which crowds make a market whose prices move as real ones do?"

GENERATIONS = 12  # of eight candidates
HELD_OUT = range(101, 107)


def held_out(one: Scenario, seeds: range, workers: int | None) -> list[dict[str, float]]:
    """The facts of a market on seeds that the search has not seen."""
    return spread(facts_of, [replace(one, seed=seed) for seed in seeds], workers=workers, title="held out")


def main(out: Path, *, workers: int | None = None, quick: bool = False) -> str:
    """Search, play the best and the first on new seeds, draw; returns the summary."""
    base = find("crowd-market")
    trials = calibrate(base, generations=1 if quick else GENERATIONS, workers=workers)
    best = max(trials, key=lambda trial: trial.worth)
    seeds = HELD_OUT[:2] if quick else HELD_OUT
    runs = {
        "begun with": held_out(changed(base, middle()), seeds, workers),
        "calibrated": held_out(changed(base, best.parameters), seeds, workers),
    }
    gaps = pd.DataFrame(
        [
            {"market": name, "fact": fact, "gap": off(one)[fact], "seed": seed}
            for name, all_ in runs.items()
            for seed, one in zip(seeds, all_, strict=True)
            for fact in MATCHED
        ]
    )
    tried = pd.DataFrame([{"candidate": one.number, "distance": -one.worth, **one.parameters} for one in trials])
    write(out, {f"{NAME}-candidates": tried, NAME: gaps})
    paths = draw(tried, gaps, out, NAME, f"seeds a candidate: {len(SEEDS)}; held out: {len(seeds)}")
    lines = [
        QUESTION,
        "",
        f"Target: {TARGET}; {len(trials)} candidates, seeds {SEEDS[0]} and {SEEDS[-1]} each. The best:",
    ]
    lines += [f"  {bound.path} = {best.parameters[bound.column]:.3g}" for bound in BOUNDS]
    lines += [
        f"Distance on seeds {seeds[0]} to {seeds[-1]}, {name}: {estimate([distance(one) for one in all_])}"
        for name, all_ in runs.items()
    ]
    return "\n".join([*lines, f"Written: {', '.join(map(str, paths))}"])
