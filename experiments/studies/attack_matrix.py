"""Study: which attacks pay where they find what they live on, and which rule stops them while honest trade goes on?

Every bundled scenario that brings an attack is played without it, with it, and with it under each defence that is meant for it,
seed by seed. The cheapest defence that stops an attack loses least open interest, then least provider return, then least slippage.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from agents.attacks.base import Attack
from experiments.arsenal.campaign import campaign
from experiments.arsenal.report import attack_rows, cell_rows
from experiments.arsenal.seating import defences
from experiments.figures.attack_matrix import draw
from experiments.figures.style import stamp
from experiments.parallel import Workers
from experiments.scenario import bundled, find
from experiments.tables import write

NAME = "attack-matrix"
QUESTION = "Which attacks pay where they find what they live on, and which rule stops them while honest trade goes on?"

SEEDS, QUICK = 5, 3
SHORT = ("oracle-push", "flash-push")  # scenarios that `quick` is content with


def stages() -> dict[str, tuple[str, type[Attack]]]:
    """The scenario each attack is at home in, by its name: of those that bring it, the one with the fewest others in it."""
    found: dict[str, list[tuple[int, str, type[Attack]]]] = {}
    for name in bundled():
        cast = find(name).cast
        for kind in (type(role) for role in cast if isinstance(role, Attack)):
            found.setdefault(kind.__name__, []).append((len(cast), name, kind))
    homes = {attack: min(places, key=lambda place: place[:2]) for attack, places in sorted(found.items())}
    return {attack: (name, kind) for attack, (_, name, kind) in homes.items()}


def sweep(*, workers: Workers = None, quick: bool = False) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """One row an attack, one an attack and defence, and the digests of all runs."""
    rules, bare, cells, digests = defences(), [], [], []
    for attack, (name, kind) in stages().items():
        if quick and name not in SHORT:
            continue
        meant = {rule: one for rule, one in rules.items() if attack in one.answers}
        found = campaign(find(name), {attack: kind}, meant, range(1, (QUICK if quick else SEEDS) + 1), workers=workers)
        bare += [{"scenario": name, **row} for row in attack_rows(found)]
        cells += [{"scenario": name, **row} for row in cell_rows(found)]
        digests += [one.digest for one in found.results]
    return pd.DataFrame(bare), pd.DataFrame(cells), digests


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Run, tabulate, draw; returns the summary."""
    bare, cells, digests = sweep(workers=workers, quick=quick)
    write(out, {NAME: bare, f"{NAME}-cells": cells})
    paying = bare.loc[bare["profit_low"] > 0, "attack"]
    figure = draw(cells, paying, out, NAME, f"seeds a cell: {int(bare['seeds'].max())}", stamp(digests))
    lines = [QUESTION, ""]
    lines.append(f"{'attack':<20} {'scenario':<20} {'profit, with 95 % interval':>40}  cheapest defence that stops it")
    for row in bare.to_dict("records"):
        interval = f"{row['profit']:>12,.0f} [{row['profit_low']:>11,.0f}, {row['profit_high']:>11,.0f}]"
        unstopped = "none of those meant for it" if row["defended"] else "no rule is meant for it"
        stops = row["defence"] or (unstopped if row["profit_low"] > 0 else "(the interval of its profit holds zero)")
        lines.append(f"{row['attack']:<20} {row['scenario']:<20} {interval:>40}  {stops}")
    lines.append("")
    lines.append(f"{int(bare['seeds'].max())} paired seeds (from 1). Written: {', '.join(map(str, figure))}")
    return "\n".join(lines)
