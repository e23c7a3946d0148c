"""Figures of an audit: what each attack earns, before and after; what the worst hangs on; bad debt when nobody attacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.audit.binding import Effect
from experiments.audit.findings import Audit
from experiments.figures.style import COLUMN, DASHES, MARKS, SHADES, entitle, panels, save, stamp, symlog
from experiments.statistics import Estimate


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
    ends = [x / 1e3 for line in lines for one in (line.bare and line.bare.profit, line.after) if one for x in one[1:3]]
    symlog(axis, max(1.0, found.bound / 1e3), min(ends), max(ends))
    axis.set_xlim(left=min(min(ends), 0.0) - 0.2 * max(1.0, found.bound / 1e3))
    count = len(found.paying)
    axis.set_title(
        f"{count} of {len(lines)} attacks that were searched pay"
        if count
        else f"{len(found.undecided)} of {len(lines)} attacks that were searched may pay"
        if found.undecided
        else "Nothing that was searched pays"
    )
    figure.legend(loc="outside lower center", ncols=3, fontsize=6.5)
    counts = sorted({line.bare.profit.seeds for line in lines if line.bare is not None})
    return save(figure, out, "profits", f"held-out seeds: {', '.join(map(str, counts))}", stamp(found.digests))


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
    """What turning a parameter takes from the worst attack, seed by seed against the rules as they are; a row a turn compared."""
    attack = next(iter(found.turns), "")
    if not attack or not found.turns[attack].effects:
        return []
    one = found.turns[attack]
    figure, axes = panels(1, 1)
    axis = axes[0][0]
    figure.set_size_inches(1.6 * COLUMN, 1.25 + 0.3 * len(one.effects))
    low, mean, high = (-x / 1e3 for x in (one.plain.high, one.plain.mean, one.plain.low))
    axis.axvspan(low, high, color=SHADES[4], alpha=0.25, linewidth=0)
    axis.axvline(mean, color=SHADES[4], linestyle=DASHES[1], label="nothing left (what it earns as it is, 95 %)")
    axis.axvline(0.0, color="black", linewidth=0.6)
    for row, effect in enumerate(one.effects[::-1]):
        shade = 0 if effect.binds else 1
        mean, low, high = (x / 1e3 for x in (effect.change.mean, effect.change.low, effect.change.high))
        axis.errorbar(
            [mean],
            [row],
            xerr=[[mean - low], [high - mean]],
            color=SHADES[shade],
            marker=MARKS[0],
            markerfacecolor=SHADES[shade] if effect.binds else "white",
            linestyle="none",
            capsize=2,
            elinewidth=0.8,
        )
    for binds, label in ((True, "binding"), (False, "not told from chance")):
        if any(effect.binds == binds for effect in one.effects):
            color = SHADES[0 if binds else 1]
            axis.plot(
                [], [], MARKS[0], color=color, markerfacecolor=color if binds else "white", label=f"{label}, 95 %"
            )
    axis.set_yticks(range(len(one.effects)), [_turn(effect) for effect in one.effects[::-1]], fontsize=6.5)
    axis.set_ylim(-0.6, len(one.effects) - 0.4)
    axis.set_xlabel("change of profit a run (thousand cash coins)")
    entitle(figure, _told(attack, one.binding))
    figure.legend(loc="outside lower center", ncols=3, fontsize=6.5)
    note = f"held against the rules as they are on {one.plain.seeds} seeds; looked at on {one.seeds}: {one.settings} settings"
    return save(figure, out, "binding", note, stamp(found.digests))


def _told(attack: str, binding: Sequence[Effect]) -> str:
    if not binding:
        return f"No parameter is told to matter to {attack}"
    turn, taken = binding[0].turn, binding[0].taken.mean / 1e3
    return f"{attack} earns {taken:,.3g} thousand less at {_short(turn.bound.path)} = {turn.at(turn.factor):,.6g}"


def _turn(effect: Effect) -> str:
    turn = effect.turn
    return f"{_short(turn.bound.path)}: {turn.value:,.6g} to {turn.at(turn.factor):,.6g}"


def _short(path: str) -> str:
    """A lever's path without what stands before its market."""
    return path.partition(".markets.")[2] or path.partition(".")[2].partition(".")[2]


def draw_stress(found: Audit, out: Path) -> list[Path]:
    """The share of stressed runs, nobody attacking, whose bad debt is beyond an amount; nothing where there is none."""
    stress = found.stress
    if stress is None or not stress.debts[-1] > 0:
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
    share = stress.happens
    axis.set_title(f"Bad debt in {share.mean:.0%} [{share.low:.0%}, {share.high:.0%}] of stressed runs")
    axis.legend()
    return save(figure, out, "bad-debt", f"stressed runs: {len(stress.debts)}", stamp(found.digests))
