"""Contagion in a scenario, written down: tables, figures and graphs (GraphML) in a folder."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import networkx as nx
import pandas as pd

from experiments.cascades.amplification import MEASURES
from experiments.cascades.episodes import Due, Standing, Told, by_cause, largest, stretch, watched
from experiments.cascades.report import Contagion, to_json
from experiments.cascades.trees import Cluster
from experiments.networks.centrality import centrality
from experiments.networks.clearing import cleared
from experiments.networks.graphs import export, flows
from experiments.summary import EXCHANGES_OF_EQUALS, number

SUFFIXES = {".parquet", ".json", ".png", ".pdf", ".graphml", ".csv"}
FAINT = 1e-3  # cash coins: less is rounding
TOLD = 0.1  # of all that is not paid: whoever leaves less is not named
WORST = (
    "worst"  # moment of the table of clearing: of all blocks of the stretch, the one at which most would not be paid
)
CLEARING, MULTIPLIERS = "clearing", "fire-sale-multipliers"
STEMS = {  # of all that `write` may write
    *(
        "liquidations",
        "families",
        "contagion",
        "amplification",
        "amplification-written-off",
        "waterfall",
        "waterfall-written-off",
    ),
    *("failures", "shape"),
    *(
        "tree",
        "network",
        "exposures",
        "exposures-before",
        "exposures-during",
        "exposures-end",
        "flows-before",
        "flows-during",
    ),
    *("flows-all", "overlaps-before", "overlaps-end", "centrality", "fire-sale-losses", MULTIPLIERS, CLEARING),
}


def write(found: Contagion, out: Path) -> list[Path]:
    """Tables, and of the run with the largest family its figures and networks."""
    from experiments.figures import amplification, cascade_shape, cascade_tree, waterfall
    from experiments.figures import failures as drawn_failures
    from experiments.figures.style import stamp

    out.mkdir(parents=True, exist_ok=True)
    files = [out / "liquidations.parquet", out / "families.parquet", out / "contagion.json"]
    explained(found).to_parquet(files[0])
    parts = [
        {"seed": k.record.scenario.seed} | c._asdict()
        for k, f in zip(found.runs, found.families, strict=True)
        for c in f
    ]
    pd.DataFrame(parts, columns=["seed", *Cluster._fields]).to_parquet(files[1])
    files[2].write_text(to_json(found), encoding="utf-8")
    stamped = stamp(one.record.digest for one in found.runs)
    present = {one.measure for one in found.amplified}
    for measure, end in (("liquidated", ""), ("written_off", "-written-off")):
        if measure in present:
            words = MEASURES[measure]
            files += amplification.draw(found.amplified, measure, words, out, f"amplification{end}", stamped)
            if len({one.channel for one in found.steps}) > 1:
                files += waterfall.draw(found.steps, measure, words, out, f"waterfall{end}", stamped)
    if any(one.change.estimate.mean for one in found.failed):  # else nothing is lost in any of them
        files += drawn_failures.draw(found.failed, out, "failures", stamped)
    worst = max(found.runs, key=lambda one: (largest(one.why) or Cluster(0, 0, 0.0, 0, 0.0))[1:3])
    family = largest(worst.why)
    if family is not None:
        files += cascade_shape.draw(worst, family, out, "shape")
        files += cascade_tree.draw(worst, family, out, "tree") if family.size > 1 else []
    return [*files, *_networks(worst, out)]


def _networks(worst: Told, out: Path) -> list[Path]:
    """Graphs of a run and what they say: before and during what was closed by force, where anything was, and at its end."""
    from experiments.figures import contagion_network

    span, last = stretch(worst), int(worst.record.blocks["height"].iloc[-1])
    if span is None:
        (ended,), due = watched(worst.record.scenario, [last], (0, last))
        moved = _paid(worst, 0, last)
        told = {"exposures-end": ended.graph, "flows-all": moved, "overlaps-end": ended.held}
        return [*_graphs(told, out), *_tables(moved, {"end": (last, ended)}, due, out)]

    start, end = span
    calm = max(1, start - (end - start))
    (early, before, during, ended), due = watched(worst.record.scenario, [calm, start, end, last], span)
    stretches = [
        contagion_network.Panel(
            f"Before: blocks {calm + 1:,} to {start:,}", *_moved(worst, calm, start, early, before)
        ),
        contagion_network.Panel(f"During: blocks {start + 1:,} to {end:,}", *_moved(worst, start, end, before, during)),
    ]
    files = contagion_network.draw(stretches, out, "network", f"digest {worst.record.digest}")
    ends = [
        contagion_network.Panel(
            f"{when}: owed at block {block:,} (discs: since {since:,})", one.graph, _of_nodes(one, stretched.change)
        )
        for when, since, block, one, stretched in (
            ("Before", calm, start, before, stretches[0]),
            ("After", start, end, during, stretches[1]),
        )
    ]
    files += contagion_network.draw(ends, out, "exposures", f"digest {worst.record.digest}", contagion_network.OWED)
    graphs = {
        "exposures-before": before.graph,
        "exposures-during": during.graph,
        "flows-before": stretches[0].moved,
        "flows-during": stretches[1].moved,
        "overlaps-before": before.held,
    }
    for name, graph in graphs.items():
        if isinstance(graph, nx.DiGraph):
            gained = stretches[name.endswith("during")].change
            told = {node: gained.get(node, gained.get(node.rpartition(".")[2], 0.0)) for node in graph}
            nx.set_node_attributes(graph, told, "gain")
    files += _graphs(graphs | {"exposures-end": ended.graph}, out)
    moments = {"before": (start, before), "during": (end, during), "end": (last, ended)}
    return files + _tables(stretches[1].moved, moments, due, out)


def _graphs(graphs: dict[str, Any], out: Path) -> list[Path]:
    """Each as GraphML."""
    for name, graph in graphs.items():
        export(graph, out / f"{name}.graphml")
    return [out / f"{name}.graphml" for name in graphs]


def _tables(moved: Any, moments: dict[str, tuple[int, Standing]], due: Due | None, out: Path) -> list[Path]:
    """Who is central, who loses when whom sells, at the first of these moments; and who could not pay, at each and at the worst."""
    _, first = next(iter(moments.values()))
    fallen = [cleared(one.graph).assign(moment=when, block=block) for when, (block, one) in moments.items()]
    if due is not None:
        fallen.insert(len(fallen) - 1, due.rows.assign(moment=WORST, block=due.block))
    tables = {
        "centrality": centrality(first.graph, moved, first.worth),
        MULTIPLIERS: first.fragile,
        "fire-sale-losses": first.sales,
        CLEARING: pd.concat(fallen, ignore_index=True),
    }
    for name, rows in tables.items():
        rows.to_csv(out / f"{name}.csv", index=False, float_format="%.6g")
    return [out / f"{name}.csv" for name in tables]


def former(path: Path) -> bool:
    """Whether a file is one that an earlier `write` may have left."""
    return path.stem in STEMS and path.suffix in SUFFIXES


def _of_nodes(one: Standing, change: dict[str, float]) -> dict[str, float]:
    """Gain of each node that owes or is owed, cash coins, and the loss of whoever else lost.

    Where there is one exchange its own groups stand in `change` without its name.
    """
    owing = {node: change.get(node, change.get(node.rpartition(".")[2], 0.0)) for node in one.graph}
    known = {node.rpartition(".")[2] for node in one.graph}
    every = owing | {node: cash for node, cash in change.items() if node not in owing and node not in known}
    return {
        node: cash for node, cash in every.items() if cash < 0 or (node in one.graph and one.graph.degree(node) > 0)
    }


def said(out: Path) -> list[str]:
    """What the written networks say, a line each: who cannot pay, and where forced selling adds most."""
    lines = []
    if (path := out / f"{CLEARING}.csv").exists():
        rows = pd.read_csv(path)
        lines += _unpaid(rows[rows["moment"] == WORST], "run" if set(rows["moment"]) <= {WORST, "end"} else "stretch")
    if (path := out / f"{MULTIPLIERS}.csv").exists():
        rows = pd.read_csv(path).dropna(subset=["multiplier"])
        if len(rows):
            one = rows.sort_values("multiplier", ascending=False).iloc[0]
            lines.append(
                f"A move of {one['market']} by {one['move']:.0%} before it would take {one['multiplier']:.2f} times as much if all"
                " holders kept their leverage (Greenwood et al.), the most of any market; in the game they do not."
            )
    return lines


def _unpaid(rows: pd.DataFrame, whole: str) -> list[str]:
    """Who could not have paid at the worst block of the `whole`, in a line; none where nobody owed anything."""
    if rows.empty:
        return []
    short, when = float(rows["shortfall"].sum()), f"at the end of block {int(rows['block'].iloc[0]):,}"
    if short <= FAINT:
        return [f"If all debts had fallen due at the end of any block of the {whole}, all would have been paid."]
    main = rows[rows["shortfall"] >= TOLD * short]
    first, later = (
        [f"{one.node} {number(one.shortfall)}" for one in main.itertuples() if (one.round == 1) == alone]
        for alone in (True, False)
    )
    then = f"; and, for what they are not paid, {', '.join(later)}" if later else ""
    return [
        f"If all debts had fallen due {when}, the worst of the {whole}, {number(short)} would not have been paid:"
        f" {', '.join(first) or 'many a little'}{then}."
    ]


def _paid(one: Told, first: int, last: int) -> Any:
    """Money that made somebody poorer in the blocks after `first` up to `last`."""
    table = one.record.flows
    return flows(table[~table["reason"].isin(EXCHANGES_OF_EQUALS)], first + 1, last)


def _moved(one: Told, first: int, last: int, before: Standing, after: Standing) -> tuple[Any, dict[str, float]]:
    """Money that made somebody poorer in the blocks after `first` up to `last`, and what every group gained by then.

    What newcomers bring is no gain, and moving one's own money no payment.
    """
    table, graph = one.record.flows, _paid(one, first, last)
    gain: defaultdict[str, float] = defaultdict(float)
    for standing, sign in ((after, 1.0), (before, -1.0)):
        for name, worth in standing.wealth.items():
            gain[name] += sign * worth
    brought = flows(table[table["reason"] == "reentry"], first + 1, last)
    for source, target, cash in brought.edges(data="cash"):
        gain[source] += cash
        gain[target] -= cash
    gain.pop("world", None)  # it is everything else
    return graph, {name: cash if abs(cash) > FAINT else 0.0 for name, cash in gain.items()}


def explained(found: Contagion) -> pd.DataFrame:
    """A row a liquidation: what is known of it, its falls by cause and its parents as JSON."""
    rows = []
    for one in found.runs:
        for why in one.why:
            row = {key: value for key, value in vars(why).items() if not key.startswith("since_")}
            row |= {"seed": one.record.scenario.seed, "since_healthy": json.dumps(by_cause([[why]]))}
            rows.append(row | {"parents": json.dumps(why.parents())})
    return pd.DataFrame(rows)
