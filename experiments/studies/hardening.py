"""Study: what a weak protocol must give up to be left alone. The command `harden` on `oracle-push`, on its stressed path.

There a long window feeds a sniper of the lagging index and a short one whoever pushes it, so no window alone will do.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from experiments.audit.lasting import TIMES
from experiments.commands.harden import harden
from experiments.parallel import Workers, processes

NAME = "hardening"
QUESTION = "What must a protocol whose index can be pushed give up until attacks earn little?"
COMMAND = "harden oracle-push"

OVER = ("open_interest_cap=50000:1000000:log", "margin.initial=0.06:0.5:log")
SHORTEST = 24.0  # seconds, of the window; the longest is what a run can show
DURATION = 1_800.0  # seconds
BOUND = 5_000.0  # cash coins a run
BUDGET, QUICK = 3_000, 300  # runs


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Search, judge, draw; returns what the command says."""
    duration = 300.0 if quick else DURATION
    window = f"ETH-PERP.oracle.window={SHORTEST:g}:{duration / TIMES:g}:log"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        harden(
            "oracle-push",
            over=(window, *OVER),
            budget=QUICK if quick else BUDGET,
            attack=("OraclePush", "StaleSniper") if quick else (),
            bound=BOUND,
            path="stressed",
            duration=duration,
            out=out / NAME,
            workers=processes(workers),
        )
    return f"{QUESTION}\n\n{said.getvalue()}"
