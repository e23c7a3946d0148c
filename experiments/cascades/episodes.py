"""A run told as a cascade: every liquidation explained, and how the network stood before the worst of it and at its end.

The worst is the largest family of the run (by the first throw of its parents), ties by notional. The networks come from a second
playing of the same scenario, which is the same to the last coin, stopped to look at the blocks that the first one named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import networkx as nx
import pandas as pd

from experiments.cascades.causes import Forced, Revalued, Traded, Why
from experiments.cascades.tracing import Tracer
from experiments.cascades.trees import Cluster, clusters
from experiments.networks.clearing import cleared
from experiments.networks.graphs import exposures, overlaps
from experiments.networks.vulnerability import sales, vulnerability
from experiments.record import Record
from experiments.run import build, play
from experiments.scenario import Scenario
from experiments.wealth import wealth
from protocol.state import State


class Told(NamedTuple):
    """One run, and why each of its liquidations happened."""

    record: Record
    why: list[Why]


class Standing(NamedTuple):
    """Exposures at the end of a block, and what each node is worth, cash coins: wallets, and what it is owed less what it owes.

    That is at the index, which may be pushed; `wealth` is by group of accounts at fair, after a closing.
    """

    graph: nx.DiGraph
    worth: dict[str, float]
    wealth: dict[str, float]
    held: nx.Graph  # overlaps
    fragile: pd.DataFrame  # see `vulnerability`
    sales: pd.DataFrame  # see `vulnerability.sales`


class Due(NamedTuple):
    """The block of a stretch at whose end most would not have been paid, had all debts fallen due, and by whom."""

    block: int
    rows: pd.DataFrame  # see `cleared`


def told(scenario: Scenario) -> Told:
    """Play a scenario before the eyes of a witness."""
    tracer = Tracer()
    game = build(scenario, witness=tracer)
    tracer.seat(game)
    return Told(play(game, scenario), tracer.why)


def largest(run: Sequence[Why]) -> Cluster | None:
    """The largest family; None of a run without liquidations."""
    return max(clusters(run), key=lambda one: (one.size, one.notional, -one.root), default=None)


def heights(one: Told, family: Cluster) -> tuple[int, int]:
    """The last block before its first liquidation, and the block of its last."""
    start = one.why[family.root].time
    return _blocks(one, start, start + family.duration)


def stretch(one: Told) -> tuple[int, int] | None:
    """The blocks of the largest family. None where nothing was closed by force.

    Where an attacker's trades took most from whoever began it, or no closure brought about another, of all closures alike, from
    the last attack before them on.
    """
    family = largest(one.why)
    if family is None:
        return None
    attacked = _attacked(one.why[family.root])
    if family.size > 1 and not attacked:
        return heights(one, family)
    times = [why.time for why in one.why if _attacked(why) or not attacked]
    events = one.record.events
    attacks = events.loc[(events["kind"] == "attack") & (events["time"] <= min(times)), "time"]
    return _blocks(one, float(attacks.max() if len(attacks) else min(times)), max(times))


def _attacked(why: Why) -> bool:
    """Whether an attacker's trades took more than any other cause did."""
    worst = min(why.since_healthy, key=lambda cause: why.since_healthy[cause], default=None)
    return isinstance(worst, Traded) and worst.attacker


def _blocks(one: Told, start: float, end: float) -> tuple[int, int]:
    """The last block before `start`, and that of `end`, seconds."""
    times = one.record.blocks["time"].to_numpy(float)
    first = int((times < start - 1e-6).sum())
    last = int((times <= end + 1e-6).sum())
    numbers = one.record.blocks["height"].to_numpy(int)
    return int(numbers[max(first - 1, 0)]), int(numbers[max(last - 1, 0)])


def standings(scenario: Scenario, blocks: Sequence[int]) -> list[Standing]:
    """The network at the end of each of these blocks, by playing again."""
    return watched(scenario, blocks, (0, 0))[0]


def watched(scenario: Scenario, blocks: Sequence[int], span: tuple[int, int]) -> tuple[list[Standing], Due | None]:
    """The network at the end of each of these blocks; and the worst to clear of those after `span`'s first up to its last.

    A hole may stand for one block alone, between a push and what writes it off, so every block is cleared.
    """
    found: dict[int, Standing] = {}
    worst: list[Due] = []
    game = build(scenario)

    def look(state: State) -> None:
        inside, asked = span[0] < state.height <= span[1], state.height in blocks
        if not (inside or asked):
            return
        graph = exposures(state)
        if inside:
            rows = cleared(graph)
            if not worst or rows["shortfall"].sum() > worst[0].rows["shortfall"].sum():
                worst[:] = [Due(state.height, rows)]
        if asked:
            wealthy = {str(group): float(cash) for group, cash in wealth(game, state)[0].items()}
            found[state.height] = Standing(
                graph, worths(graph), wealthy, overlaps(state), vulnerability(state), sales(state)
            )

    play(game, scenario, watch=look)
    return [found[block] for block in blocks], worst[0] if worst else None


def worths(graph: nx.DiGraph) -> dict[str, float]:
    """What each node of an exposure graph is worth, cash coins."""
    claims, debts = dict(graph.in_degree(weight="cash")), dict(graph.out_degree(weight="cash"))
    return {name: float(graph.nodes[name]["outside"] + claims[name] - debts[name]) for name in graph}


def by_cause(runs: Sequence[Sequence[Why]]) -> dict[str, float]:
    """Share of all falls since health that each kind of cause brought about, 0 to 1, the largest first."""
    total: defaultdict[str, float] = defaultdict(float)
    for run in runs:
        for one in run:
            for cause, cash in one.since_healthy.items():
                total[named(cause)] -= min(cash, 0.0)
    whole = sum(total.values())
    return {name: cash / whole for name, cash in sorted(total.items(), key=lambda item: -item[1])} if whole > 0 else {}


def named(cause: Hashable) -> str:
    """A cause in words."""
    if isinstance(cause, Forced):
        return "other liquidations"
    if isinstance(cause, Traded):
        return f"trades of {cause.group}" + (" (attack)" if cause.attacker else "")
    if isinstance(cause, Revalued):
        return f"worth of {cause.token}"
    return str(cause)
