"""Study: what one liquidation sets off, and through which channel. The command `contagion` on `fire-sale`, as it stands.

What it attributes is held against what is missing when liquidations are taken out, one at a time.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from experiments.cascades.intervention import WHILE
from experiments.commands.contagion import explained
from experiments.parallel import Workers
from experiments.scenario import find

NAME = "fire-sale"
QUESTION = "What does a liquidation set off, and through which channel?"
COMMAND = "contagion fire-sale"

SEEDS = 20
DELETIONS = 8  # a run


def said(scenario: str, seeds: int, out: Path, workers: Workers, *, deletions: int = 0) -> str:
    """What the command says of a scenario; its tables, figures and graphs go into a folder called after it."""
    with contextlib.redirect_stdout(io.StringIO()) as words:
        explained(find(scenario), seeds, deletions=deletions, seconds=WHILE, out=out / scenario, workers=workers)
    return words.getvalue()


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Explain, cut channels, draw; returns what the command says."""
    seeds = 2 if quick else SEEDS
    return f"{QUESTION}\n\n{said(NAME, seeds, out, workers, deletions=1 if quick else DELETIONS)}"
