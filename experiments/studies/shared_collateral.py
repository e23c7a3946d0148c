"""Study: which exchange should have been isolated? The command `contagion` on `shared-collateral`, as it stands.

Alpha is attacked, beta lends against alpha's share. Taken out one at a time, in a twin each: either exchange (removed, or isolated:
it goes on and what happens there is felt nowhere else), keepers, and whoever holds on both.
"""

from __future__ import annotations

from pathlib import Path

from experiments.parallel import Workers
from experiments.studies.fire_sale import said

NAME = "shared-collateral"
QUESTION = "Which exchange should have been isolated?"
COMMAND = "contagion shared-collateral"

SEEDS = 10


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Explain, take out, draw; returns what the command says."""
    return f"{QUESTION}\n\n{said(NAME, 2 if quick else SEEDS, out, workers)}"
