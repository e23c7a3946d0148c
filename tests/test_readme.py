"""What the README tells a reader to do works as it stands there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from experiments import cli

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_example_oracle_runs_as_a_plugin_by_the_command_that_stands_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    example, below = README.split("in the file `delayed.py`:", 1)[1].split("```python\n", 1)[1].split("```", 1)
    Path("delayed.py").write_text(example, encoding="utf-8")
    command = re.search(r"^    undertow (run .*--plugin (?:.*\\\n)*.*)$", below, re.MULTILINE)
    assert command is not None
    arguments = shlex.split(command[1].replace("\\\n", " "))

    assert cli.main([*arguments, "--duration", "900", "--json", "--check", "--out", "run"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["blocks"] == 75
    import pandas as pd

    blocks = pd.read_parquet("run/blocks.parquet")
    index, mid = blocks["dex.ETH-PERP.index"], blocks["dex.ETH-USD.mid"]
    late = 300 // 12  # the delay, in blocks
    assert index.iloc[late:].to_list() == mid.iloc[:-late].to_list()
    assert index.nunique() > 3


def test_the_example_in_python_runs() -> None:
    block = README.split("The same in Python:", 1)[1].split("```python\n", 1)[1].split("```", 1)[0]
    shorter = block.replace('find("oracle-push")', 'replace(find("oracle-push"), duration=120.0)')
    assert shorter != block
    exec(compile("from dataclasses import replace\n" + shorter, "README.md", "exec"), {})
