"""Figure: who paid whom before a cascade and during it, or who owed whom at its ends: nodes by gain or loss, edges by cash."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
from matplotlib.patches import FancyArrowPatch

from experiments.figures.style import SHADES, panels, save

SMALLEST, LARGEST = 20.0, 360.0  # square points
WIDEST = 6.0  # points
LEAST = 0.03  # of the largest gain or loss: what is shown of who paid nobody
POINTS = 55.0  # a unit of the drawing
ASIDE = 0.25  # of a unit: from here on, beside the middle, names stand to the left or right of their discs
DENSE = 13  # nodes beyond which names point away from the middle, so that none lies over another
FAINT = 0.03  # of the widest arrow: what is left out
KEPT = 14  # edges shown in a panel, the largest
TOLD = 0.15  # of the widest arrow: from here on its amount stands beside it
BEND, SHORT = (
    0.1,
    1.5,
)  # of an arrow, of its length; and more of those below so many units, which would lie over discs between
ASKEW = 0.24  # of a unit: amounts stand no nearer to each other
GREY = "#8c8c8c"

PAID = ("gain of wealth at fair (filled: loss)", "money paid, netted (not all of that gain)")
OWED = ("gain of wealth at fair (filled: loss)", "owed, from debtor to creditor, netted")


class Panel(NamedTuple):
    """One stretch of time, or its end. `change`: what each node gained in it, cash coins; `moved`: paid, or owed."""

    title: str
    moved: nx.DiGraph
    change: dict[str, float]


def draw(stretches: list[Panel], out: Path, name: str, note: str = "", words: tuple[str, str] = PAID) -> list[Path]:
    """Panels one above the other, on the same scales and with the same places. `words`: what discs and arrows are.

    Who has no arrow of those shown, and gained or lost next to nothing, is left out.
    """
    most = max((cash for one in stretches for *_, cash in one.moved.edges(data="cash")), default=0.0)
    shown = [_largest(one.moved, FAINT * most) for one in stretches]
    loss = max((abs(cash) for one in stretches for cash in one.change.values()), default=0.0) or 1.0
    large = {node for one in stretches for node, cash in one.change.items() if abs(cash) > LEAST * loss}
    names = sorted({node for graph in shown for node in graph} | large)
    money = max((data["cash"] for graph in shown for *_, data in graph.edges(data=True)), default=0.0) or 1.0
    sizes = {node: max(abs(one.change.get(node, 0.0)) for one in stretches) / loss for node in names}
    place = _places(names, sizes, [(a, b, cash / money) for graph in shown for a, b, cash in graph.edges(data="cash")])
    dense = len(names) > DENSE
    figure, axes = panels(len(stretches), 1, 3.5 if dense else 2.6)
    for (axis,), one, graph in zip(axes, stretches, shown, strict=True):
        area = {node: SMALLEST + (LARGEST - SMALLEST) * abs(one.change.get(node, 0.0)) / loss for node in names}
        for node in names:
            change = one.change.get(node, 0.0)
            down = change < 0 and abs(change) > LEAST * loss
            axis.scatter(
                *place[node],
                area[node],
                facecolor=SHADES[1] if down else "white",
                edgecolors=SHADES[1] if down else SHADES[0],
                linewidths=0.9,
                zorder=2,
            )
            told = [node, short(change)] if abs(change) > LEAST * loss else [node]
            _name(axis, place[node], told, 0.5 * area[node] ** 0.5 / POINTS, turned=dense)
        amounts = list(place.values())
        for payer, payee, cash in sorted(graph.edges(data="cash"), key=lambda edge: -edge[2]):  # thin over wide
            room = (0.5 * area[payer] ** 0.5 + 1.0, 0.5 * area[payee] ** 0.5 + 1.0)
            _edge(axis, place[payer], place[payee], cash / money, room)
            if cash > TOLD * money:
                _amount(axis, place[payer], place[payee], short(cash), amounts)
        if not graph.number_of_edges():
            axis.text(0.0, 0.0, f"nothing above {short(FAINT * most)}", ha="center", va="center", fontsize=6)
        axis.set_xlim(-2.2, 2.2)
        axis.set_ylim(*((-2.2, 2.3) if dense else (-1.4, 1.5)))
        axis.set_aspect("equal")
        axis.axis("off")
        axis.set_title(one.title)
    figure.supxlabel(
        f"cash coins; disc, number: {words[0]},\nlargest {short(loss)};"
        f" arrow: {words[1]},\nwidest {short(money)}; what is below {FAINT:.0%} of that is left out",
        fontsize=6,
    )
    return save(figure, out, name, note)


def short(cash: float) -> str:
    """An amount to three digits, in thousands or millions: 1.08M."""
    for scale, letter in ((1e6, "M"), (1e3, "k")):
        if abs(cash) >= 0.9995 * scale:
            return f"{cash / scale:#.3g}".rstrip(".") + letter
    return f"{cash:.3g}"


def _places(names: list[str], sizes: dict[str, float], edges: list[tuple[str, str, float]]) -> dict[str, Any]:
    """Where each node stands on the ring: large ones apart, wide arrows long enough to be seen, few arrows across others.

    Large and small in turn, then any two change places as long as that helps.
    """
    by_size = sorted(names, key=lambda node: (-sizes[node], node))
    half = (len(names) + 1) // 2
    order = [one for pair in zip(by_size[:half], by_size[half:], strict=False) for one in pair]
    order += [node for node in by_size if node not in order]
    angles = np.linspace(0.5 * np.pi, 2.5 * np.pi, len(names), endpoint=False) + np.pi / max(1, len(names))
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    apart = np.linalg.norm(ring[:, None] - ring[None, :], axis=2) + np.eye(len(names))
    cost, better = _crowding(order, sizes, edges, apart), True
    while better:
        better = False
        for a in range(len(order)):
            for b in range(a + 1, len(order)):
                order[a], order[b] = order[b], order[a]
                tried = _crowding(order, sizes, edges, apart)
                if tried < cost - 1e-9:
                    cost, better = tried, True
                else:
                    order[a], order[b] = order[b], order[a]
    return {node: ring[at] for at, node in enumerate(order)}


def _crowding(order: list[str], sizes: dict[str, float], edges: list[tuple[str, str, float]], apart: Any) -> float:
    """How hard an order around the ring is to read, less is better."""
    at = {node: k for k, node in enumerate(order)}
    area = np.array([0.1 + sizes[node] for node in order])
    found: float = 0.5 * float((np.outer(area, area) / apart**2).sum() - (area**2).sum())
    ends = [(*sorted((at[a], at[b])), share) for a, b, share in edges]
    found += sum((0.1 + share) / float(apart[a, b]) ** 2 for a, b, share in ends)
    crossed = sum(
        0.3 + min(one, two)
        for k, (a, b, one) in enumerate(ends)
        for c, d, two in ends[:k]
        if a < c < b < d or c < a < d < b
    )
    return found + float(crossed)


def _name(axis: Any, place: Any, told: list[str], radius: float, *, turned: bool) -> None:
    """A name and its number beside a disc; `turned`: in one line that points away from the middle."""
    where = place * (1.12 + radius)
    if turned:
        angle = float(np.degrees(np.arctan2(place[1], place[0])))
        left = abs(angle) > 90.0
        style = {"rotation": angle - 180.0 if left else angle, "rotation_mode": "anchor", "va": "center"}
        axis.text(*where, "  ".join(told), ha="right" if left else "left", fontsize=6, zorder=4, **style)
        return
    beside = abs(place[0]) > ASIDE
    across = "center" if not beside else ("left" if place[0] > 0 else "right")
    upright = "center" if beside else ("bottom" if place[1] > 0 else "top")
    axis.text(*where, "\n".join(told), ha=across, va=upright, fontsize=6, zorder=4)


def _largest(graph: nx.DiGraph, least: float) -> nx.DiGraph:
    """The graph of its largest edges alone, none below `least` cash coins."""
    edges = sorted(graph.edges(data=True), key=lambda edge: (-edge[2]["cash"], edge[:2]))[:KEPT]
    kept = nx.DiGraph()
    kept.add_edges_from(edge for edge in edges if edge[2]["cash"] >= least)
    return kept


def _edge(axis: Any, start: Any, end: Any, share: float, room: tuple[float, float]) -> None:
    """An arrow, bent towards the middle, as wide as its share of the widest, above discs; `room` in points left at its ends."""
    width = max(0.9, WIDEST * share)
    style = f"simple,tail_width={width},head_width={3.0 + 1.7 * width},head_length={3.5 + 1.1 * width}"
    axis.add_patch(
        FancyArrowPatch(
            tuple(start),
            tuple(end),
            arrowstyle=style,
            facecolor=GREY,
            edgecolor="white",
            linewidth=0.3,
            shrinkA=room[0],
            shrinkB=room[1],
            connectionstyle=f"arc3,rad={_bend(start, end)}",
            mutation_scale=1.0,
            zorder=3,
        )
    )


def _bend(start: Any, end: Any) -> float:
    """How far an arrow bends, of its length; the sign is such that it does so towards the middle."""
    along = end - start
    much = BEND + 0.5 * max(0.0, 1.0 - float(np.hypot(*along)) / SHORT)
    return math.copysign(much, -float((start + end) @ np.array([along[1], -along[0]])))


def _amount(axis: Any, start: Any, end: Any, told: str, others: list[Any]) -> None:
    """What an arrow carries, on it where no other amount stands; `others`: where they and discs do, and then where this does."""
    along = end - start
    control = 0.5 * (start + end) + _bend(start, end) * np.array([along[1], -along[0]])
    for at in (0.5, 0.6, 0.4, 0.7, 0.3):
        where = (1 - at) ** 2 * start + 2 * at * (1 - at) * control + at**2 * end
        if all(float(np.hypot(*((where - one) * (0.7, 1.4)))) > ASKEW for one in others):
            break
    else:
        return
    others.append(where)
    box = {"boxstyle": "square,pad=0.08", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    axis.text(*where, told, ha="center", va="center", fontsize=5.5, zorder=5, bbox=box)
