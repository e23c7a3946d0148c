"""Figures of an audit: what each attack earns, before and after; what the worst hangs on; bad debt when nobody attacks."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from experiments.audit.findings import Audit, Stress
from experiments.figures.style import COLUMN, MARKS, SHADES, panels, save
from experiments.statistics import Estimate

MOST_TURNS = 10


def draw_profits(found: Audit, out: Path) -> list[Path]:
    """A row an attack that was judged: its worst profit, and what is left of it under all changes; 95 % intervals."""
    lines = sorted((line for line in found.lines if line.bare is not None), key=lambda line: line.worst)
    if not lines:
        return []
    figure, axes = panels(1, 1)
    axis = axes[0][0]
    figure.set_size_inches(1.6 * COLUMN, 1.0 + 0.26 * len(lines))
    for row, line in enumerate(lines):
        assert line.bare is not None, "judged"
        _spread(axis, line.bare.profit, row + 0.12, 0, "worst found, rules as they are" if not row else "")
        if line.after is not None:
            _spread(axis, line.after, row - 0.12, 2, "")
    if any(line.after is not None for line in lines):
        axis.plot([], [], MARKS[2], color=SHADES[2], label="worst found, rules as changed")
    axis.axvline(
        found.bound / 1e3, color="black", linewidth=0.7, linestyle=(0, (3, 2)), label="what is worth an attack"
    )
    axis.set_yticks(range(len(lines)), [line.attack for line in lines])
    axis.set_ylim(-0.6, len(lines) - 0.4)
    axis.set_xlabel("attacker's profit a run (thousand cash coins), 95 % interval")
    axis.set_xscale("symlog", linthresh=max(1.0, found.bound / 1e3))
    count = len(found.paying)
    axis.set_title(
        f"{count} of {len(lines)} attacks that were searched pay"
        if count
        else f"{len(found.undecided)} of {len(lines)} attacks that were searched may pay"
        if found.undecided
        else "Nothing that was searched pays"
    )
    figure.legend(loc="outside lower center", ncols=3, fontsize=6.5)
    return save(figure, out, "profits")


def _spread(axis: object, value: Estimate, row: float, shade: int, label: str) -> None:
    mean, low, high = (x / 1e3 for x in (value.mean, value.low, value.high))
    axis.errorbar(  # type: ignore[attr-defined]
        [mean],
        [row],
        xerr=[[mean - low], [high - mean]],
        color=SHADES[shade],
        marker=MARKS[shade],
        linestyle="none",
        capsize=2,
        elinewidth=0.8,
        label=label or "_",
    )


def draw_turns(found: Audit, out: Path) -> list[Path]:
    """A row a parameter: the attacker's profit at a quarter and at four times its value. The most binding on top."""
    attack = next(iter(found.turns), "")
    turns = [turn for turn in found.turns.get(attack, ()) if not math.isnan(turn.least)][:MOST_TURNS][::-1]
    if not turns:
        return []
    figure, axes = panels(1, 1)
    axis = axes[0][0]
    figure.set_size_inches(1.6 * COLUMN, 1.0 + 0.24 * len(turns))
    for row, turn in enumerate(turns):
        ends = [turn.at_low / 1e3, turn.at_high / 1e3]
        axis.plot(ends, [row, row], color=SHADES[4], linewidth=0.8)
        for k, (mark, label) in enumerate((("<", "a quarter of it"), (">", "four times it"))):
            axis.plot(ends[k], row, mark, color=SHADES[k], markersize=4.5, label=label if not row else "_")
    names = [f"{turn.bound.path.partition('.')[2]} = {turn.value:.4g}" for turn in turns]
    axis.set_yticks(range(len(turns)), names, fontsize=6.5)
    axis.axvline(0.0, color="black", linewidth=0.6)
    axis.set_xlabel("attacker's profit (thousand cash coins)")
    axis.set_title(f"{attack} hangs most on {turns[-1].bound.path.rpartition('.')[2]}")
    figure.legend(loc="outside lower center", ncols=2, fontsize=6.5)
    return save(figure, out, "binding")


def draw_stress(stress: Stress, out: Path) -> list[Path]:
    """The share of stressed runs, nobody attacking, whose bad debt is beyond an amount; nothing where there is none."""
    if not stress.debts[-1] > 0:
        return []
    figure, axes = panels(1, 1)
    axis = axes[0][0]
    debts = np.array(stress.debts) / 1e3
    beyond = 1.0 - np.arange(1, len(debts) + 1) / len(debts)
    axis.step(np.append(0.0, debts), np.append(1.0, beyond), where="post", color=SHADES[0])
    axis.axvline(stress.tail / 1e3, color=SHADES[1], linestyle=(0, (5, 1.5)), label="99 % quantile")
    axis.axvline(stress.mean.mean / 1e3, color=SHADES[4], linestyle=(0, (1.5, 1.5)), label="mean")
    axis.set_xlabel("bad debt in a run (thousand cash coins)")
    axis.set_ylabel(f"share of {len(debts)} stressed runs beyond it")
    axis.set_ylim(0.0, 1.0)
    axis.set_title(f"{stress.happens.mean:.0%} of stressed runs leave bad debt, nobody attacking")
    axis.legend()
    return save(figure, out, "bad-debt")
