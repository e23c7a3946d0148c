"""What is asked of changes together is what was asked of each, and of trade no less."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from audits import WEAK, WINDOW, noise, pretend

from agents.attacks.oracle_push import OraclePush
from agents.attacks.vault_runner import VaultRunner
from experiments.arsenal.trials import Trial, play
from experiments.arsenal.verdict import DEARER, Cost, dearer
from experiments.audit.bench import bench
from experiments.audit.examining import audit
from experiments.audit.findings import Audit
from experiments.audit.hunting import honest
from experiments.audit.levers import turned, value_of
from experiments.audit.paths import paths
from experiments.audit.remedies import remedies
from experiments.audit.telling import verdict
from experiments.defences.exit_fee import ExitFee
from experiments.defences.longer_window import LongerWindow
from experiments.figures.style import panels, symlog

LONG = dataclasses.replace(WEAK, duration=10_800.0)
FEE = "exchanges.dex.markets.ETH-PERP.fee"


def answered(home: Path, monkeypatch: pytest.MonkeyPatch, together: float) -> Audit:
    """A push that a longer window stops, and a runner that an exit fee does; under both the push earns `together`."""

    def earned(trial: Trial) -> float:
        vault = trial.scenario.world.exchanges[0].vault
        long, charged = value_of(trial.scenario, WINDOW) >= 240.0, vault is not None and vault.fee > 0.0
        push = 100_000.0 if not long else together if charged else 0.0
        return {"OraclePush": push, "VaultRunner": 0.0 if charged else 50_000.0, "": 0.0}[trial.attack] + noise(trial)

    pretend(monkeypatch, earned)
    rules = {"LongerWindow": LongerWindow(4.0), "ExitFee": ExitFee()}
    kinds = {"OraclePush": OraclePush, "VaultRunner": VaultRunner}
    with bench(home, 2_000) as runs:
        return audit(LONG, kinds, rules, paths(LONG, ()), runs, bound=1_000.0)


@pytest.mark.parametrize(("together", "stopped"), [(0.0, True), (900.0, True), (5_000.0, False)])
def test_under_all_changes_no_more_may_be_earned_than_under_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, together: float, stopped: bool
) -> None:
    """5,000 is less than a tenth of what the push earned, and more than what is worth an attack."""
    found = answered(tmp_path, monkeypatch, together)
    push = next(line for line in found.lines if line.attack == "OraclePush")
    assert [name.partition("(")[0] for name in found.changes[:2]] == ["LongerWindow", "ExitFee"]
    assert push.after is not None and push.after.mean == pytest.approx(together, abs=10.0)
    assert bool(push.stopped_by) == stopped
    assert ("Not stopped: OraclePush" in " ".join(verdict(found))) == (not stopped)


def test_a_change_that_makes_trade_dear_is_not_recommended_though_nobody_stays_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Sixteen times the fee stops the push, and crowds trade on as if nothing were."""

    def earned(trial: Trial) -> float:
        left = 0.0 if value_of(trial.scenario, FEE) >= 0.002 else 30_000.0
        return left + noise(trial) if trial.attack else 0.0

    pretend(monkeypatch, earned, lambda trial: {"slippage": 0.001, "fees": value_of(trial.scenario, FEE)})
    with bench(tmp_path, 1_500) as runs:
        found = audit(LONG, {"OraclePush": OraclePush}, {}, paths(LONG, ()), runs, bound=1_000.0)
    (line,) = found.paying
    (hanging,) = found.turns.values()
    assert [effect.turn.bound.path for effect in hanging.binding] == [FEE]
    dear = [one for one in line.tried if one.change.name == f"{FEE} = 0.002"]
    assert len(dear) == 1 and dear[0].cost is not None and dear[0].cost.counts and not dear[0].cost.bearable
    assert dear[0].cost.fees == pytest.approx(0.0015) and dear[0].cost.dearer == pytest.approx(2.0)
    assert not line.stopped_by and found.changes == []
    words = [cell for block in remedies(found, "x") if hasattr(block, "rows") for row in block.rows for cell in row]
    assert "makes trade too dear" in words


def test_what_trade_costs_is_slippage_and_the_fees_that_crowds_pay() -> None:
    short = dataclasses.replace(WEAK, duration=300.0)
    plain, dear = (play(honest(one, 1)) for one in (short, turned(short, FEE, 0.002)))
    assert plain.fees == pytest.approx(0.0005, rel=0.1) and dear.fees == pytest.approx(4.0 * plain.fees, rel=0.01)
    assert dearer(0.001, 0.002) == 2.0 and dearer(0.0, 0.0) == 1.0 and math.isinf(dearer(-1e-4, 1e-4))
    assert Cost(1.0, 1.0, 0.0, 0.0, 0.0, DEARER).bearable and Cost(1.0, 1.0, 0.0, 0.0, 0.0, math.nan).bearable
    assert not Cost(1.0, 1.0, 0.0, 0.0, 0.0, DEARER + 0.01).bearable and not Cost(0.7, 1.0, 0.0, 0.0).bearable


def test_ticks_of_a_logarithmic_axis_are_plain_numbers() -> None:
    figure, axes = panels()
    axis = axes[0][0]
    axis.plot([-30.0, 2_000.0], [0.0, 1.0])
    symlog(axis, 1.0, -30.0, 2_000.0)
    figure.canvas.draw()
    said = [label.get_text() for label in axis.get_xticklabels()]
    assert said == ["-10", "-1", "0", "1", "10", "100", "1,000"]
    assert np.array_equal(axis.get_xticks(), [-10.0, -1.0, 0.0, 1.0, 10.0, 100.0, 1_000.0])
    plt.close(figure)
