"""Study: crowds calibrated to hourly ether of May 2022 by simulated moments. What `crowd-market` was made with.

From the middle of the bounds, by CMA-ES. The bundled scenario holds the values of the best candidate to three digits.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from experiments.figures.calibration import draw
from experiments.figures.style import stamp
from experiments.optimising import Candidate
from experiments.parallel import Workers, spread
from experiments.realism.calibration import BOUNDS, SEEDS, calibrate, changed, distance, middle, off
from experiments.realism.facts import MATCHED, of
from experiments.realism.market import bars
from experiments.realism.recorded import TARGET
from experiments.run import run
from experiments.scenario import Scenario, find
from experiments.statistics import estimate
from experiments.tables import write

NAME = "calibration"
QUESTION = "Which crowds make a market whose prices move as real ones do?"

GENERATIONS = 12  # of eight candidates
HELD_OUT = range(101, 107)


def measure(one: Scenario) -> tuple[dict[str, float], str]:
    """A market's facts, and the digest of its run."""
    record = run(one)
    return of(*bars(record)), record.digest


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Search, play the best and the first on new seeds, draw; returns the summary."""
    trials = calibrate(find("crowd-market"), generations=1 if quick else GENERATIONS, workers=workers)
    tried = pd.DataFrame([{"candidate": one.number, "distance": -one.worth, **one.parameters} for one in trials])
    return report(tried, out, HELD_OUT[:2] if quick else HELD_OUT, workers)


def report(tried: pd.DataFrame, out: Path, seeds: range, workers: Workers) -> str:
    """What the candidates came to: the best and the first on seeds the search has not seen, tables, figure and summary."""
    base, best = find("crowd-market"), tried.sort_values("distance", kind="stable").iloc[0]
    markets: dict[str, Candidate] = {
        "begun with": middle(),
        "calibrated": {bound.column: float(best[bound.column]) for bound in BOUNDS},
    }
    scenarios = [replace(changed(base, values), seed=seed) for values in markets.values() for seed in seeds]
    played = spread(measure, scenarios, workers=workers, title="held out")
    runs = {name: [one for one, _ in played[k * len(seeds) : (k + 1) * len(seeds)]] for k, name in enumerate(markets)}
    gaps = pd.DataFrame(
        [
            {"market": name, "fact": fact, "gap": off(one)[fact], "seed": seed}
            for name, all_ in runs.items()
            for seed, one in zip(seeds, all_, strict=True)
            for fact in MATCHED
        ]
    )
    write(out, {f"{NAME}-candidates": tried, NAME: gaps})
    note = f"seeds a candidate: {len(SEEDS)}; held out: {len(seeds)}"
    paths = draw(tried, gaps, out, NAME, note, stamp(digest for _, digest in played))
    lines = [
        QUESTION,
        "",
        f"Target: {TARGET}; {len(tried)} candidates, seeds {SEEDS[0]} and {SEEDS[-1]} each. The best:",
    ]
    lines += [f"  {bound.path} = {best[bound.column]:.3g}" for bound in BOUNDS]
    lines += [
        f"Distance on seeds {seeds[0]} to {seeds[-1]}, {name}: {estimate([distance(one) for one in all_])}"
        for name, all_ in runs.items()
    ]
    return "\n".join([*lines, f"Written: {', '.join(map(str, paths))}"])
