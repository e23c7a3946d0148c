"""Study: what one liquidation sets off, and through which channel. The command `contagion` on `fire-sale`, as it stands."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from experiments.commands.contagion import contagion

NAME = "fire-sale"
QUESTION = "What does a liquidation set off, and through which channel?"
COMMAND = "contagion fire-sale"

SEEDS = 6


def main(out: Path, *, workers: int | None = None, quick: bool = False) -> str:
    """Explain, cut channels, draw; returns what the command says."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        contagion("fire-sale", seeds=2 if quick else SEEDS, out=out / NAME, workers=workers)
    return f"{QUESTION}\n\n{said.getvalue()}"
