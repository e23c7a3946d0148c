"""What an audit found, as plain data for machines."""

from __future__ import annotations

import json
import math
from typing import Any

from experiments.audit.binding import Effect, Hanging
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
        "attacks": [_line(found, line) for line in found.lines],
        "bad debt under stress": None if found.stress is None else found.stress._asdict(),
        "binding": {attack: _hanging(one) for attack, one in found.turns.items()},
        "changes": found.changes,
        "not tried": found.misfits,
        "budget": found.budget,
        "spent": found.spent,
        "not afforded": found.short,
        "went wrong": found.wrong,
    }
    return json.dumps(_plain(content), indent=2)


def _hanging(one: Hanging) -> dict[str, Any]:
    """What is called binding, and what that rests on."""
    return {
        "binding": [effect.turn.bound.path for effect in one.binding],
        "as_it_is": one.plain,
        "settings_looked_at": one.settings,
        "seeds_looked_at": one.seeds,
        "compared": [_effect(effect) for effect in one.effects],
    }


def _effect(one: Effect) -> dict[str, Any]:
    row = {"path": one.turn.bound.path, "value": one.turn.value, "turned_to": one.turn.at(one.turn.factor)}
    return row | {"profit": one.profit, "difference": one.change, "p_holm": one.p, "binds": one.binds}


def _line(found: Audit, line: Line) -> dict[str, Any]:
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
            "seconds": one.times * found.scenario.duration,
            "takes_too_long": one.slow or None,
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
