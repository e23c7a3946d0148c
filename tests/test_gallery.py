"""The gallery shows every figure there is beside the question it answers, and figures say what they were drawn from."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest
from PIL import Image

from experiments import cli, gallery
from experiments.codec import Mistakes
from experiments.figures.push_phases import draw
from experiments.figures.style import stamp

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "docs" / "figures"
AUDITS = ROOT / "docs" / "audits"


def test_the_page_is_what_the_figures_and_findings_make_of_it() -> None:
    findings = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    found = gallery.page(FIGURES, "figures/", cli.studies(), findings)
    found += "\n" + gallery.audits(AUDITS, "audits/", findings)
    there = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert there == found, "python -m experiments.gallery writes it anew"
    pictures = {path.relative_to(FIGURES).as_posix() for path in FIGURES.rglob("*.png")}
    assert set(re.findall(r"\]\(figures/(.*?)\)", found)) == pictures
    audits = {path.relative_to(AUDITS).as_posix() for path in AUDITS.rglob("*.png")}
    assert len(audits) >= 3 and set(re.findall(r"\]\(audits/(.*?\.png)\)", found)) == audits
    assert all(path.with_suffix(".pdf").is_file() for home in (FIGURES, AUDITS) for path in home.rglob("*.png"))


def test_a_figure_tells_its_seeds_and_runs_in_both_forms_and_is_the_same_each_time(tmp_path: Path) -> None:
    points = pd.DataFrame(
        [
            {"window": w, "depth": d, "profit": p, "profit_low": p - 5e3, "profit_high": p + 5e3, "seeds": 3}
            for (w, d), p in zip([(w, d) for w in (12.0, 60.0) for d in (1e6, 2e6)], (9e4, 2e4, 1e4, -1e3), strict=True)
        ]
    )
    stamped = stamp(["b" * 64, "a" * 64])
    assert stamped == stamp(["a" * 64, "b" * 64]) != stamp(["a" * 64])
    first, second = (draw(points, tmp_path / home, "phases", stamped) for home in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    pdf, png = first
    assert gallery.told_by(png) == f"seeds a point: 3; {stamped}"
    assert stamped.rpartition(" ")[2].encode() in pdf.read_bytes()


def test_findings_are_told_by_command_file_or_figure_and_through_one_another(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for name in ("one.png", "x/two.png"):
        Image.new("L", (2, 2)).save(tmp_path / name)
    rows = [
        "| F1 | a | `undertow study one` | b | c |",
        "| F2 | a | as F1 | b | c |",
        "| F3 | a | `undertow see x` | b | c |",
    ]
    studies: dict[str, Any] = {
        "one": SimpleNamespace(QUESTION="Why?", __name__="studies.one"),
        "x": SimpleNamespace(QUESTION="How?", COMMAND="see x", __name__="studies.x"),
        "y": SimpleNamespace(QUESTION="When?", __name__="studies.y"),
    }
    page = gallery.page(tmp_path, "", cast("dict[str, ModuleType]", studies), "\n".join(rows))
    assert "`undertow study one`; findings: F1, F2." in page
    assert "`undertow study x`; findings: F3." in page
    assert "![two](x/two.png)" in page
    assert "When?" not in page


def test_figures_draws_every_study_and_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, module in cli.studies().items():
        monkeypatch.setattr(module, "main", lambda out, name=name, **_: f"{name} drawn")
    assert cli.main(["figures", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert all(f"{name} drawn" in said for name in cli.studies())
    assert (tmp_path / "out" / "gallery.md").read_text(encoding="utf-8").startswith("# Gallery")


def test_a_study_that_cannot_be_drawn_does_not_stop_the_others_and_is_told_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stuck(out: Path, **_: Any) -> str:
        raise Mistakes([f"{out}: was begun with another version of the engine"])

    names = list(cli.studies())
    for name, module in cli.studies().items():
        drawn = stuck if name == names[1] else lambda out, name=name, **_: f"{name} drawn"
        monkeypatch.setattr(module, "main", drawn)
    assert cli.main(["figures", "--out", str(tmp_path / "out")]) == 2
    said, complaint = capsys.readouterr()
    assert [f"{name} drawn" in said for name in names] == [name != names[1] for name in names]
    assert len(complaint.splitlines()) == 1 and "another version of the engine" in complaint
    assert (tmp_path / "out" / "gallery.md").is_file()
    assert cli.main(["figures", "--out", str(tmp_path / "out"), "--workers", "0"]) == 2
    assert capsys.readouterr().err.splitlines() == ["undertow: --workers 0: must be 1 or more"]


def test_every_figure_carries_the_digest_of_what_it_was_drawn_from() -> None:
    every = [*FIGURES.rglob("*.png"), *AUDITS.rglob("*.png")]
    assert {one.stem for one in every if not re.search(r"\b[0-9a-f]{32}", gallery.told_by(one))} == set()


def test_every_column_of_every_frame_is_described_and_the_page_is_what_the_code_says() -> None:
    from experiments import dictionary
    from experiments.run import run
    from experiments.scenario import find

    assert dictionary.undescribed() == []
    there = (ROOT / "docs" / "columns.md").read_text(encoding="utf-8")
    assert there == dictionary.page(), "python -m experiments.dictionary writes it anew"
    record = run(dataclasses.replace(find("oracle-push"), duration=60.0))
    assert {name.rpartition(".")[2] for name in record.blocks.columns} == set(dictionary.OF_A_BLOCK)
    assert list(record.events.columns) == list(dictionary.OF_AN_EVENT)
    assert list(record.flows.columns) == list(dictionary.OF_A_FLOW)


ASKED = {  # what a reader is promised a picture of, and where it is
    "oracle-attack phase diagram": "push-phases",
    "latency rent with theory": "sniping-rent",
    "efficiency against safety": "hardening/frontier",
    "generations": "generations",
    "attack by defence": "attack-matrix",
    "shape of a cascade": "fire-sale/shape",
    "sizes of cascades": "cascade-phases",
    "contagion network": "fire-sale/network",
    "sensitivity": "push-sensitivity/sensitivity",
    "convergence of a search": "sniper-search/search",
    "equilibrium": "oracle-designer",
}


@pytest.mark.parametrize("what", ASKED)
def test_what_the_gallery_is_to_show_is_there_in_both_forms_and_on_the_page(what: str) -> None:
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert f"](figures/{ASKED[what]}.png)" in page
    assert all((FIGURES / f"{ASKED[what]}{end}").stat().st_size > 1_000 for end in (".png", ".pdf"))
