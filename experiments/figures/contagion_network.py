"""Figure: who paid whom before a cascade and during it, or who owed whom at its ends: nodes by gain or worth, edges by cash."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import numpy as np

from experiments.figures.style import SHADES, panels, save
from experiments.summary import number

SMALLEST, LARGEST = 25.0, 500.0  # square points
WIDEST = 5.0  # points
LEAST = 0.01  # of the largest gain or loss: what is shown of who paid nobody
POINTS = 55.0  # a unit of the drawing
ASIDE = 0.25  # of a unit: from here on, beside the middle, names stand to the left or right of their discs
DENSE = 14  # nodes beyond which names point away from the middle, so that none lies over another
FAINT = 0.002  # of the widest arrow: what is left out
KEPT = 14  # edges shown in a panel, the largest


PAID = ("gain of wealth at fair (cash coins; filled: loss)", "money paid, netted (not all of that gain)")
OWED = ("wealth at fair (cash coins; filled: below 0)", "owed, from debtor to creditor, netted")


class Panel(NamedTuple):
    """One stretch of time, or its end. `change`: what each node gained, or is worth, cash coins; `moved`: paid, or owed."""

    title: str
    moved: nx.DiGraph
    change: dict[str, float]


def draw(stretches: list[Panel], out: Path, name: str, note: str = "", words: tuple[str, str] = PAID) -> list[Path]:
    """Panels side by side, on the same scales and with the same places. `words`: what discs and arrows are."""
    most = max((cash for one in stretches for *_, cash in one.moved.edges(data="cash")), default=0.0)
    shown = [_largest(one.moved, FAINT * most) for one in stretches]
    loss = max((abs(cash) for one in stretches for cash in one.change.values()), default=0.0) or 1.0
    large = {node for one in stretches for node, cash in one.change.items() if abs(cash) > LEAST * loss}
    names = sorted({node for graph in shown for node in graph} | large)
    angles = np.linspace(0.5 * np.pi, 2.5 * np.pi, len(names), endpoint=False)
    place = {node: np.array([np.cos(a), np.sin(a)]) for node, a in zip(names, angles.tolist(), strict=True)}
    money = max((data["cash"] for graph in shown for *_, data in graph.edges(data=True)), default=0.0) or 1.0
    dense = len(names) > DENSE
    figure, axes = panels(1, len(stretches), 4.3 if dense else 3.3)
    for axis, one, graph in zip(axes[0], stretches, shown, strict=True):
        area = {node: SMALLEST + (LARGEST - SMALLEST) * abs(one.change.get(node, 0.0)) / loss for node in names}
        for payer, payee, data in graph.edges(data=True):
            room = (0.5 * area[payer] ** 0.5 + 1.0, 0.5 * area[payee] ** 0.5 + 1.0)
            _edge(axis, place[payer], place[payee], data["cash"] / money, room)
        for node in names:
            change = one.change.get(node, 0.0)
            down = change < 0
            axis.scatter(
                *place[node],
                area[node],
                facecolor=SHADES[1] if down else "white",
                edgecolors=SHADES[1] if down else SHADES[0],
                linewidths=0.9,
                zorder=3,
            )
            told = [node, number(change)] if abs(change) > FAINT * loss else [node]
            _name(axis, place[node], told, 0.5 * area[node] ** 0.5 / POINTS, turned=dense)
        axis.set_xlim(-2.2, 2.2)
        axis.set_ylim(-2.2 if dense else -1.6, 2.5 if dense else 1.6)
        axis.set_aspect("equal")
        axis.axis("off")
        axis.set_title(one.title)
    figure.supxlabel(
        f"disc and number: {words[0]}, largest {number(loss)};\narrow: {words[1]}, widest {number(money)}",
        fontsize=6,
    )
    return save(figure, out, name, note)


def _name(axis: Any, place: Any, told: list[str], radius: float, *, turned: bool) -> None:
    """A name and its number beside a disc; `turned`: in one line that points away from the middle."""
    where = place * (1.09 + radius)
    if turned:
        angle = float(np.degrees(np.arctan2(place[1], place[0])))
        left = abs(angle) > 90.0
        style = {"rotation": angle - 180.0 if left else angle, "rotation_mode": "anchor", "va": "center"}
        axis.text(*where, "  ".join(told), ha="right" if left else "left", fontsize=5.5, zorder=4, **style)
        return
    beside = abs(place[0]) > ASIDE
    across = "center" if not beside else ("left" if place[0] > 0 else "right")
    upright = "center" if beside else ("bottom" if place[1] > 0 else "top")
    axis.text(*where, "\n".join(told), ha=across, va=upright, fontsize=5.5, zorder=4)


def _largest(graph: nx.DiGraph, least: float) -> nx.DiGraph:
    """The graph of its largest edges alone, none below `least` cash coins."""
    edges = sorted(graph.edges(data=True), key=lambda edge: (-edge[2]["cash"], edge[:2]))[:KEPT]
    kept = nx.DiGraph()
    kept.add_edges_from(edge for edge in edges if edge[2]["cash"] >= least)
    return kept


def _edge(axis: Any, start: Any, end: Any, share: float, room: tuple[float, float]) -> None:
    """An arrow, bent a little, as wide as its share of the widest; `room` in points left at its ends."""
    width = max(0.3, WIDEST * share)
    style = f"-|>,head_length={2.0 + width},head_width={1.0 + 0.6 * width}"
    axis.annotate(
        "",
        end,
        start,
        arrowprops={
            "arrowstyle": style,
            "linewidth": width,
            "color": SHADES[4],
            "alpha": 0.6,
            "shrinkA": room[0],
            "shrinkB": room[1],
            "connectionstyle": "arc3,rad=0.12",
            "mutation_scale": 1.0,
        },
        zorder=1,
    )
