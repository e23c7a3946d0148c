"""Study: does a search that knows nothing of flaws find them, and does it cry wolf?

Left: probes until the prober first found a sequence that pays, for each planted flaw (`experiments/flaws`) and seed. Right: the
most that anything earned it on bundled protocols believed to be sound, with the same budget; what waits may earn the carry that
`Search` allows for. The false-positive rate is the share of searches of those that reported a find.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from agents.probing.search import Search, search
from experiments.figures.prober import draw
from experiments.figures.style import stamp
from experiments.flaws.base import Flaw
from experiments.parallel import Workers, spread
from experiments.probing import stage_for
from experiments.scenario import find
from experiments.shapes import variants
from experiments.statistics import Estimate, estimate, share
from experiments.tables import write

NAME = "prober"
QUESTION = "Does a search that knows nothing of flaws find them, and does it cry wolf?"

BUDGET = 2_000  # probes, of every search
SEEDS = 8  # of each flaw
SOUND_SEEDS = 3  # of each sound variant
SOUND = {  # bundled scenarios whose rules are believed to be sound, by what is traded how
    "stale-oracle": "index pool, vault, reporters",
    "settled-oracle": "index pool, settled later",
    "leveraged-crash": "virtual AMM, own mean as index",
    "oracle-push": "index pool on a pool's mean",
    "ranged-pool": "concentrated liquidity",
    "maker-book": "order book",
    "batch-auction": "batch auction",
    "lending-run": "lending",
    "token-margin": "collateral of several kinds",
    "synthetic-peg": "synthetics",
    "short-options": "options against a vault",
    "two-pools": "gated markets",
}


class Point(NamedTuple):
    """One search. `kind`: "flaw" or "sound"."""

    kind: str
    name: str
    seed: int
    budget: int


def measure(point: Point) -> dict[str, Any]:
    """What one search came to."""
    how = Search(budget=point.budget, seed=point.seed, polish=0)
    if point.kind == "flaw":
        flaw: Flaw = variants(Flaw)[point.name]()
        with flaw.planted():
            report = search(flaw.stage(flaw.spoilt()), how)
    else:
        report = search(stage_for(find(point.name)), how)
    found = report.find
    return {
        **point._asdict(),
        "found": found is not None,
        "probes": report.probes,
        "best": report.best,
        "profit": 0.0 if found is None else found.profit,
        "deeds": 0 if found is None else len(found.deeds),
        "features": report.features,
    }


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a flaw: how many seeds found it, in how many probes (those that did), and what the shortest sequence earned."""
    rows = []
    for name, group in runs[runs["kind"] == "flaw"].groupby("name"):
        hits = group[group["found"]]
        detected = share(len(hits), len(group))
        probes = (
            estimate(hits["probes"].tolist()) if len(hits) else Estimate(float("nan"), float("nan"), float("nan"), 0)
        )
        rows.append(
            {
                "flaw": name,
                "seeds": len(group),
                "found": len(hits),
                "found_low": detected.low,
                "found_high": detected.high,
                "probes": probes.mean,
                "probes_low": probes.low,
                "probes_high": probes.high,
                "deeds": float(hits["deeds"].median()) if len(hits) else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def false_positives(runs: pd.DataFrame) -> Estimate:
    """Share of searches of sound variants that reported a find."""
    sound = runs[runs["kind"] == "sound"]
    return share(int(sound["found"].sum()), len(sound))


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Search, tabulate, draw; returns the summary."""
    budget, seeds, sound_seeds = (400, 2, 1) if quick else (BUDGET, SEEDS, SOUND_SEEDS)
    points = [Point("flaw", name, seed, budget) for name in variants(Flaw) for seed in range(1, seeds + 1)]
    points += [Point("sound", name, seed, budget) for name in SOUND for seed in range(1, sound_seeds + 1)]
    runs = pd.DataFrame(spread(measure, points, workers=workers, title=NAME))
    table, rate = summary(runs), false_positives(runs)
    write(out, {f"{NAME}-runs": runs, f"{NAME}-flaws": table})
    paths = draw(runs, budget, rate, out, NAME, stamp(map(repr, runs.to_dict("records"))))

    lines = [QUESTION, "", f"Planted flaws, {budget:,} probes a search:"]
    lines.append(f"{'flaw':<20} {'found':>7} {'probes until found (mean, 95 % interval)':>42} {'deeds':>6}")
    for row in table.to_dict("records"):
        interval = (
            f"{row['probes']:8,.0f}  [{row['probes_low']:7,.0f}, {row['probes_high']:7,.0f}]" if row["found"] else "-"
        )
        lines.append(f"{row['flaw']:<20} {row['found']:>3}/{row['seeds']:<3} {interval:>42} {row['deeds']:>6g}")
    hits = runs[runs["kind"] == "flaw"]["found"]
    both = share(int(hits.sum()), len(hits))
    lines += [
        "",
        f"Found in {int(hits.sum())} of {len(hits)} searches: {both.mean:.0%} [{both.low:.0%}, {both.high:.0%}].",
    ]
    lines.append(
        f"False positives: {int(round(rate.mean * rate.seeds))} of {rate.seeds} searches of {len(SOUND)} sound variants:"
        f" {rate.mean:.1%} [{rate.low:.1%}, {rate.high:.1%}]."
    )
    lines.append(f"Written: {', '.join(map(str, paths))}")
    return "\n".join(lines)
