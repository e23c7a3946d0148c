"""The frontier of a hardening: what each design lets its worst attack earn, against the open interest that its capital carries."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from experiments.arsenal.verdict import DEARER, KEPT
from experiments.audit.designs import INSIDE, Design, Hardened, Judged
from experiments.figures.style import MARKS, SHADES, entitle, panels, save, stamp


def draw(found: Hardened, out: Path, name: str) -> list[Path]:
    """Every design on the search's seeds; the rules as they are and the chosen design on held-out seeds, with 95 % intervals."""
    designs = [one for one in found.designs if not math.isnan(one.efficiency)]
    if not designs:
        return []
    figure, axes = panels(1, 1, height=2.9)
    axis = axes[0][0]
    attacked = [one for one in designs if not one.worst <= found.bound]
    within = [one for one in designs if one.worst <= found.bound]
    fine = [one for one in within if not (one.trade < KEPT or one.dearer > DEARER)]
    starved = [one for one in within if one not in fine]
    looks: tuple[tuple[list[Design], str, dict[str, Any]], ...] = (
        (attacked, "attacked", {"marker": "x", "color": SHADES[4]}),
        (
            starved,
            "within the bound, trade starved or dear",
            {"facecolors": "none", "edgecolors": SHADES[2]},
        ),
        (fine, "within the bound", {"color": SHADES[2]}),
    )
    for k, (some, label, mark) in enumerate(looks):
        if not some:
            continue
        axis.scatter(
            [max(0.0, one.worst) / 1e3 for one in some],
            [one.efficiency for one in some],
            label=label,
            zorder=k,
            s=10,
            **mark,
        )
    edge = _edge(designs)
    axis.step(
        [max(0.0, one.worst) / 1e3 for one in edge],
        [one.efficiency for one in edge],
        where="post",
        color=SHADES[5],
        linewidth=0.8,
        label=f"frontier ({len(INSIDE)} seeds each)",
    )
    for k, (one, label) in enumerate(((found.start, "as they are"), (found.chosen, "hardened"))):
        if one is not None and one.attacks:
            _point(axis, one, k, f"{label} ({one.worst.seeds} seeds, 95 %)")
    axis.axvline(found.bound / 1e3, color="black", linewidth=0.7, linestyle=(0, (3, 2)))
    axis.set_xscale("symlog", linthresh=max(1.0, found.bound / 1e3))
    most = max(max(0.0, one.worst) / 1e3 for one in designs)
    ticks = [0.0, *(tick * 10.0**k for k in range(-2, 6) for tick in (1.0, 2.0, 5.0))]
    ticks = [tick for tick in ticks if tick <= most and not 0.0 < tick < 0.2 * found.bound / 1e3]
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
    axis.set_xlim(left=-0.1 * max(1.0, found.bound / 1e3))  # so that what earns nothing is seen
    axis.set_xlabel("worst attack's profit a run (thousand cash coins)")
    axis.set_ylabel("open interest per coin of capital")
    entitle(figure, _title(found))
    figure.legend(loc="outside lower center", ncols=2, fontsize=5.5)
    note = f"bound: {found.bound:g}; levers: {', '.join(lever.path for lever in found.levers)}"
    return save(figure, out, name, note, stamp(found.digests))


def _title(found: Hardened) -> str:
    if found.chosen is None or found.start is None:
        within = any(one.worst <= found.bound for one in found.designs)
        return f"No design found within the bound{' lets trade go on' if within else ''}"
    carried = found.chosen.kept.carried
    if carried.low <= 1.0 <= carried.high:
        return "Within the bound, capital is not told to carry more or less"
    return f"Within the bound, capital carries {abs(carried.mean - 1.0):.0%} {'more' if carried.mean > 1.0 else 'less'}"


def _point(axis: object, one: Judged, number: int, label: str) -> None:
    worst, held = one.worst, one.efficiency
    mean, low, high = (max(0.0, x) / 1e3 for x in (worst.mean, worst.low, worst.high))
    axis.errorbar(  # type: ignore[attr-defined]
        [mean],
        [held.mean],
        xerr=[[mean - low], [high - mean]],
        yerr=[[held.mean - held.low], [held.high - held.mean]],
        marker=MARKS[number + 2],
        color=SHADES[number],
        markersize=6,
        capsize=2,
        linestyle="none",
        label=label,
        zorder=5,
    )


def _edge(designs: list[Design]) -> list[Design]:
    """Designs that no other beats in both."""
    edge, best = [], -math.inf
    for one in sorted(designs, key=lambda one: (max(0.0, one.worst), -one.efficiency)):
        if one.efficiency > best:
            best = one.efficiency
            edge.append(one)
    return edge
