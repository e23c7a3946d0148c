"""A record: what one run leaves behind. Tables of blocks, events and flows, one row of metrics, and a digest.

The digest covers the final state and every row: equal digests mean equal runs, in any process.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from agents.game import Game
from experiments.codec import dumps
from experiments.scenario import Scenario
from protocol.ledger import Reason


@dataclass(frozen=True)
class Record:
    """`blocks`: a row a block. `events`: time, who, kind, and what else. `flows`: block, reason, source, target, cash coins."""

    scenario: Scenario
    blocks: pd.DataFrame
    events: pd.DataFrame
    flows: pd.DataFrame
    metrics: dict[str, Any]
    digest: str

    def write(self, folder: Path) -> None:
        """Put everything into a folder: Parquet tables, metrics and digest as JSON, the scenario as TOML."""
        folder.mkdir(parents=True, exist_ok=True)
        self.blocks.to_parquet(folder / "blocks.parquet")
        self.flows.to_parquet(folder / "flows.parquet")
        events = self.events.assign(
            numbers=self.events["numbers"].map(lambda numbers: json.dumps(numbers, default=float))
        )
        events.to_parquet(folder / "events.parquet")
        (folder / "scenario.toml").write_text(dumps(self.scenario), encoding="utf-8")
        (folder / "record.json").write_text(self.to_json(), encoding="utf-8")

    def to_json(self) -> str:
        """Metrics and digest as one object; numbers that are none become null."""
        metrics = {key: (None if isinstance(v, float) and not np.isfinite(v) else v) for key, v in self.metrics.items()}
        row = {"scenario": self.scenario.name, "seed": self.scenario.seed, "digest": self.digest, "metrics": metrics}
        return json.dumps(row, indent=2)


def tables(game: Game) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Blocks, events and flows of a game that has been played."""
    recorder = game.recorder
    blocks = pd.DataFrame(recorder.rows[: recorder.blocks], columns=recorder.columns)
    events = pd.DataFrame(recorder.events, columns=["time", "who", "kind", "numbers"])
    rows = recorder.flows[: recorder.flow_count]
    names = np.array(game.state.ledger.groups)
    flows = pd.DataFrame(
        {
            "block": rows[:, 0],
            "reason": np.array([reason.name.lower() for reason in Reason])[rows[:, 1]],
            "source": names[rows[:, 2]],
            "target": names[rows[:, 3]],
            "cash": rows[:, 4] / game.state.houses[0].cash_scale,
        }
    )
    return blocks, events, flows


def digest(game: Game) -> str:
    """SHA-256 over the final state and everything recorded."""
    recorder = game.recorder
    total = hashlib.sha256(game.state.digest().encode())
    total.update(recorder.rows[: recorder.blocks].tobytes())
    total.update(recorder.flows[: recorder.flow_count].tobytes())
    total.update(repr([tuple(event) for event in recorder.events]).encode())
    return total.hexdigest()
