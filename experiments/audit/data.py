"""What an audit found, as plain data for machines."""

from __future__ import annotations

import json
import math
from typing import Any

from experiments.audit.changes import TURN, Turn
from experiments.audit.findings import Audit, Line
from experiments.audit.hunting import SEEDS, profit

RECIPES = "recipes"  # folder of replayable scenarios


def to_json(found: Audit, verdict: str) -> str:
    """Everything as one object; numbers that are none become null."""
    content = {
        "scenario": found.scenario.name,
        "verdict": verdict,
        "sound": found.sound,
        "bound": found.bound,
        "paths": [{"name": path.name, "about": path.about} for path in found.paths],
        "seeds": list(SEEDS),
        "attacks": [_line(line) for line in found.lines],
        "bad debt under stress": None if found.stress is None else found.stress._asdict(),
        "binding": {attack: [_turn(turn) for turn in turns] for attack, turns in found.turns.items()},
        "changes": found.changes,
        "not tried": found.misfits,
        "budget": found.budget,
        "spent": found.spent,
        "not afforded": found.short,
        "went wrong": found.wrong,
    }
    return json.dumps(_plain(content), indent=2)


def _turn(turn: Turn) -> dict[str, Any]:
    low, high = turn.at(1.0 / TURN), turn.at(TURN)
    row = {"path": turn.bound.path, "value": turn.value, "low": low, "high": high}
    return row | {"profit_at_low": turn.at_low, "profit_at_high": turn.at_high}


def _line(line: Line) -> dict[str, Any]:
    row: dict[str, Any] = {
        "attack": line.attack,
        "state": line.state,
        "why": line.why,
        "hoped": line.hoped,
        "path": line.path,
    }
    if line.hunt is not None:
        row |= {"settings_searched": line.hunt.tried, "generations": line.hunt.generations}
    if line.bare is not None and line.replay is not None:
        row |= {
            "pays": line.pays,
            "undecided": line.undecided,
            "p_holm": line.p,
            "elsewhere": line.elsewhere,
            "stopped_by": line.stopped_by,
            "after": line.after,
        }
        row |= line.bare._asdict()
        row |= {
            "recipe": f"{RECIPES}/{line.attack}.toml",
            "replay": {"seed": line.replay.seed, "profit": profit(line.replay), "digest": line.replay.digest},
        }
    row["changes"] = [
        {
            "change": one.change.name,
            "old_attack": one.old,
            "cost": one.cost,
            "after": None if one.after is None else one.after.profit,
            "holds": one.holds,
        }
        for one in line.tried
    ]
    return row


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
