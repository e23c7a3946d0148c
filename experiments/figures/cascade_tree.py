"""Figure: the tree of one cascade: who set off whom, through time, down the generations."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from experiments.cascades.episodes import Told
from experiments.cascades.trees import Cluster, roots, thrown
from experiments.figures.style import SHADES, panels, save
from protocol.ledger import Ints

WIDEST, NARROWEST = 13.0, 2.4  # points, diameters of the largest liquidation and the least that is seen
GAP = 1.5  # points between discs
PLAIN, TALLEST = 2.0, 5.0  # inches, of the plane that they stand in
ACROSS = 200.0  # points, from the first to the last
POINTS = 72.0  # an inch


def rows(
    parents: Ints, members: list[int], room: Mapping[int, float] | None = None, beside: Collection[int] = ()
) -> dict[int, float]:
    """A height for each member: lines of descent one above the other, parents amid children, or below those that are `beside` them.

    Each line of descent so has heights of its own, with `room` for each of its discs (1 if not given): drawn as steps, up or down
    at the parent's time and then along, no two cross and no disc hides one of another line.
    """
    children: dict[int, list[int]] = {one: [] for one in members}
    for one in members:
        if parents[one] >= 0:
            children[int(parents[one])].append(one)
    own = dict.fromkeys(members, 1.0) if room is None else room
    apart = {one: own[one] if any(child in beside for child in children[one]) else 0.0 for one in members}
    line: dict[int, float] = {}  # what it and all that it set off take
    for one in reversed(members):  # children come after their parents
        line[one] = max(own[one], apart[one] + math.fsum(line[child] for child in children[one]))
    begins, found = {members[0]: 0.0}, {}
    for one in members:
        taken = math.fsum(line[child] for child in children[one])
        at = begins[one] + (apart[one] or 0.5 * (line[one] - taken))
        for child in children[one]:
            begins[child] = at
            at += line[child]
        found[one] = begins[one] + 0.5 * (apart[one] or line[one])
    return found


def diameters(notional: Mapping[int, float]) -> dict[int, float]:
    """Points: areas go with notional, and what is too small to be seen is drawn as the least that is."""
    most = max(notional.values())
    return {one: max(NARROWEST, WIDEST * math.sqrt(cash / most)) for one, cash in notional.items()}


def draw(one: Told, family: Cluster, out: Path, name: str) -> list[Path]:
    """The family as thrown the first time; a line's width is the parent's share in it. Nothing of a family of one moment."""
    if family.duration == 0.0:
        return []
    parents = thrown(one.why)
    members = np.flatnonzero(roots(parents) == family.root).tolist()
    across = diameters({k: one.why[k].notional for k in members})
    start, scale = one.why[family.root].time, ACROSS / family.duration
    near = [
        k
        for k in members
        if k != family.root
        and scale * (one.why[k].time - one.why[parents[k]].time) < 0.5 * (across[k] + across[int(parents[k])])
    ]
    heights = rows(parents, members, {k: width + GAP for k, width in across.items()}, near)
    points = max(heights.values()) - min(heights.values()) + 2.0 * WIDEST
    tall = min(max(PLAIN, points / POINTS), TALLEST)
    fit = min(1.0, tall * POINTS / points)  # where there are so many that they must be smaller
    figure, axes = panels(1, 1, tall + 0.9)
    axis = axes[0][0]
    for child in members:
        parent = int(parents[child])
        if parent >= 0:
            share = one.why[child].parents()[parent]
            began, came = one.why[parent].time - start, one.why[child].time - start
            y = [heights[parent], heights[child], heights[child]]
            axis.plot([began, began, came], y, color=SHADES[4], linewidth=0.4 + 1.4 * share, zorder=1)
    groups = sorted({one.why[k].group for k in members})
    for k, group in enumerate(groups):
        mine = [m for m in members if one.why[m].group == group]
        area = [(fit * across[m]) ** 2 for m in mine]
        times = [one.why[m].time - start for m in mine]
        colour = SHADES[k % len(SHADES)]
        axis.scatter(
            times, [heights[m] for m in mine], area, color=colour, edgecolors="white", linewidths=0.4, zorder=2
        )
        axis.plot([], [], "o", color=colour, label=group)
    axis.set_yticks([])
    axis.grid(False)
    axis.margins(x=0.06)
    axis.set_ylim(min(heights.values()) - WIDEST, max(heights.values()) + WIDEST)
    axis.set_xlabel("seconds after the first\ndisc: notional; line: as wide as its share in what set it off")
    generations = f"{family.depth} generation{'s' if family.depth > 1 else ''}"
    axis.set_title(f"One cascade: {family.size} liquidations, {generations}")
    axis.legend(loc="best")
    return save(figure, out, name, f"digest {one.record.digest}")
