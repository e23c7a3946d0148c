"""An audit that is given recorded bars examines under them too, and its report says so."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from experiments import cli
from experiments.codec import dumps
from experiments.scenario import find

WEAK = dataclasses.replace(find("oracle-push"), duration=36.0)
FALL = 12  # the bar in which the record falls by a fifth and comes back


def recorded(path: Path) -> Path:
    """Made-up bars, a minute each."""
    rows = [f"{1_700_000_000_000 + 60_000 * n},100,101,{80.0 if n == FALL else 99.0},100" for n in range(24)]
    path.write_text("\n".join(["open_time,open,high,low,close", *rows]), encoding="utf-8")
    return path


def test_an_audit_of_recorded_bars_comes_to_a_report_with_a_real_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    protocol, bars, out = tmp_path / "weak.toml", recorded(tmp_path / "bars.csv"), tmp_path / "out"
    protocol.write_text(dumps(WEAK), encoding="utf-8")
    words = ["audit", str(protocol), "--klines", str(bars), "--attack", "OraclePush", "--defence", "ExitFee"]
    status = cli.main([*words, "--workers", "1", "--budget", "54", "--out", str(out)])
    said = capsys.readouterr().out
    found = json.loads((out / "report.json").read_text())
    assert [path["name"] for path in found["paths"]] == ["calm", "stressed", "real"]
    about = found["paths"][-1]["about"]
    assert "bars.csv from bar" in about and "26.2%" in about  # 101 over 80
    for name in ("report.md", "report.html"):
        page = (out / name).read_text()
        assert "bars.csv from bar" in page and "No real path" not in page
    assert f"{sum(found['spent'].values())} runs of 54" in said
    assert found["spent"]["honest runs"] == 3 * 12 and found["spent"]["screening"] == 3  # the real path like the others
    assert not found["went wrong"]
    assert status == 3 and found["attacks"][0]["state"] == "not searched"  # which so few runs do not reach
