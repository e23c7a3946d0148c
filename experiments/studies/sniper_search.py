"""Study: how much better than its default settings a sniper can do, on seeds that its search never saw. The command `search`."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from experiments.commands.search import search
from experiments.parallel import Workers, processes

NAME = "sniper-search"
QUESTION = "How much better than its default settings can a sniper of a stale index do?"


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Search, report, draw; returns what the command says."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        search(
            "stale-oracle",
            attack="StaleSniper",
            budget=64 if quick else 1_024,
            seeds=4,
            held_out=8 if quick else 16,
            out=out / NAME,
            workers=processes(workers),
        )
    return f"{QUESTION}\n\n{said.getvalue()}"
