"""Figure: the tree of one cascade: who set off whom, through time, down the generations."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.cascades.episodes import Told
from experiments.cascades.trees import Cluster, roots, thrown
from experiments.figures.style import SHADES, panels, save
from protocol.ledger import Ints

LARGEST = 220.0  # square points, of the largest liquidation


def rows(parents: Ints, members: list[int]) -> dict[int, float]:
    """A height for each member: leaves in order of descent, parents amid their children.

    Each line of descent so has heights of its own: drawn as steps, up or down at the parent's time and then along, no two cross.
    """
    children: dict[int, list[int]] = {one: [] for one in members}
    for one in members:
        if parents[one] >= 0:
            children[int(parents[one])].append(one)
    found: dict[int, float] = {}
    leaves, stack = 0, [members[0]]
    order = []
    while stack:
        order.append(one := stack.pop())
        stack.extend(reversed(children[one]))
    for one in order:
        if not children[one]:
            found[one] = float(leaves)
            leaves += 1
    for one in reversed(order):
        if children[one]:
            found[one] = float(np.mean([found[child] for child in children[one]]))
    return found


def draw(one: Told, family: Cluster, out: Path, name: str) -> list[Path]:
    """The family as thrown the first time; a line's width is the parent's share in it."""
    parents = thrown(one.why)
    members = np.flatnonzero(roots(parents) == family.root).tolist()
    heights = rows(parents, members)
    start = one.why[family.root].time
    figure, axes = panels(1, 1, 2.8)
    axis = axes[0][0]
    for child in members:
        parent = int(parents[child])
        if parent >= 0:
            share = one.why[child].parents()[parent]
            began, came = one.why[parent].time - start, one.why[child].time - start
            y = [heights[parent], heights[child], heights[child]]
            axis.plot([began, began, came], y, color=SHADES[4], linewidth=0.4 + 1.8 * share, zorder=1)
    most = max(one.why[k].notional for k in members)
    groups = sorted({one.why[k].group for k in members})
    for k, group in enumerate(groups):
        mine = [m for m in members if one.why[m].group == group]
        area = [max(6.0, LARGEST * one.why[m].notional / most) for m in mine]
        times = [one.why[m].time - start for m in mine]
        colour = SHADES[k % len(SHADES)]
        axis.scatter(
            times, [heights[m] for m in mine], area, color=colour, edgecolors="white", linewidths=0.5, zorder=2
        )
        axis.plot([], [], "o", color=colour, label=group)
    axis.set_yticks([])
    axis.grid(False)
    axis.margins(0.12, 0.15)
    axis.set_xlabel("seconds after the first\ndisc: notional; line: as wide as its share in what set it off")
    axis.set_title(f"One cascade: {family.size} liquidations, {family.depth} generations")
    axis.legend(loc="best")
    return save(figure, out, name, f"digest {one.record.digest}")
