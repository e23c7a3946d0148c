"""Contagion in a scenario, over seeds: all that is measured, as tables for people, plain data for machines, figures and graphs."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import pandas as pd

from experiments.cascades.amplification import MEASURES, OPEN, Amplified, amplification, table
from experiments.cascades.burden import deficits, positions, summed
from experiments.cascades.episodes import Standing, Told, by_cause, largest, standings, stretch, told
from experiments.cascades.failures import Failure, failures, headline, irremovable
from experiments.cascades.failures import table as failure_table
from experiments.cascades.intervention import WHILE, Deleted, deletions, validated
from experiments.cascades.tails import Continuous, Tail, Whole, tail
from experiments.cascades.trees import Branching, Cluster, branching, branching_by_phase, clusters
from experiments.networks.centrality import centrality
from experiments.networks.graphs import export, flows
from experiments.parallel import spread
from experiments.scenario import Scenario
from experiments.statistics import Estimate, estimate
from experiments.summary import EXCHANGES_OF_EQUALS, console, number, sheet

EACH = MEASURES | {
    OPEN: "owed by accounts still open, cash coins",
    "insurance": "insurance left, cash coins",
    "return_on_vault": "growth of a vault share, relative",
}
FAINT = 1e-3  # cash coins: less is rounding


class Contagion(NamedTuple):
    """What was found."""

    scenario: Scenario
    runs: list[Told]
    families: list[list[Cluster]]  # by run
    amplified: list[Amplified]
    deleted: list[Deleted]
    failed: list[Failure]

    @property
    def why(self) -> list[Any]:
        """Explanations, by run."""
        return [one.why for one in self.runs]

    @property
    def staying(self) -> dict[str, str]:
        """Exchanges that cannot be removed, and why."""
        return irremovable(self.scenario)

    @property
    def sizes(self) -> Tail:
        """The tail of sizes, liquidations."""
        return tail(np.array([one.size for family in self.families for one in family], float), Whole())

    @property
    def durations(self) -> Tail:
        """The tail of durations, seconds; families of one have none."""
        return tail(np.array([one.duration for family in self.families for one in family], float), Continuous())


def contagion(scenario: Scenario, seeds: Sequence[int], *, deleted: int = 0, workers: int | None = None) -> Contagion:
    """Play it on every seed before a witness, and its twins without; take `deleted` liquidations out of each run in turn.

    And each exchange, keeper, maker, provider and holder out of the whole.
    """
    runs = spread(told, [replace(scenario, seed=seed) for seed in seeds], workers=workers, title="runs")
    families = [clusters(one.why) for one in runs]
    amplified = amplification(scenario, seeds, workers=workers)
    taken = deletions(runs, each=deleted, workers=workers)
    return Contagion(scenario, runs, families, amplified, taken, failures(scenario, seeds, workers=workers))


# Tables


def counts(found: Contagion) -> dict[str, Estimate]:
    """Numbers a run, by name."""
    rows: dict[str, Sequence[float]] = {
        "liquidations": [len(one.why) for one in found.runs],
        "liquidated, cash coins": [sum(why.notional for why in one.why) for one in found.runs],
        "families": [len(family) for family in found.families],
        "largest family, liquidations": [max((one.size for one in family), default=0) for family in found.families],
        "deepest family, generations": [max((one.depth for one in family), default=0) for family in found.families],
        "longest family, seconds": [max((one.duration for one in family), default=0.0) for family in found.families],
    }
    return {name: estimate([float(value) for value in values]) for name, values in rows.items()}


def by_exchange(found: Contagion) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """A column an exchange: what happened on each, over seeds."""
    names = [exchange.name for exchange in found.scenario.world.exchanges]
    rows: list[tuple[str, ...]] = []
    for what, words in EACH.items():
        cells = [[float(one.record.metrics[f"{name}.{what}"]) for one in found.runs] for name in names]
        if any(value and math.isfinite(value) for cell in cells for value in cell):
            rows.append((words, *("" if math.isnan(cell[0]) else str(estimate(cell)) for cell in cells)))
    return ("", *names), rows


def ratios(found: Contagion) -> dict[str, Branching]:
    """Branching ratio, overall and by phase."""
    return {"overall": branching(found.why)} | branching_by_phase(found.why)


def burdens(found: Contagion) -> dict[str, dict[str, float]]:
    """Where positions went, and who paid deficits, cash coins, all runs together."""
    events = [one.record.events for one in found.runs]
    return {"positions": summed([positions(e) for e in events]), "deficits": summed([deficits(e) for e in events])}


def show(found: Contagion) -> None:
    """For a person."""
    out = console()
    out.print(f"{found.scenario.name}: contagion over {len(found.runs)} seeds")
    rows = [(name, str(value)) for name, value in counts(found).items()]
    rows += [(f"branching ratio, {name}", str(value)) for name, value in ratios(found).items()]
    rows += [("tail of sizes", _tail(found.sizes)), ("tail of durations", _tail(found.durations))]
    out.print(sheet("cascades (a run; mean and 95 %)", ("", ""), rows, right=(1,)))
    if len(found.scenario.world.exchanges) > 1:
        head, lines = by_exchange(found)
        out.print(sheet("by exchange (a run; mean and 95 %)", head, lines, right=tuple(range(1, len(head)))))
    causes = [(name, f"{share:.1%}") for name, share in by_cause(found.why).items() if share >= 5e-4]
    out.print(sheet("why: share of what took equity away since health", ("cause", "share"), causes, right=(1,)))
    for name, part in burdens(found).items():
        total = sum(part.values())
        lines = [(who, number(cash), f"{cash / total:.1%}") for who, cash in part.items()]
        if lines:
            out.print(sheet(f"who bore it: {name}, all runs", ("", "cash", "share"), lines, right=(1, 2)))
    twins = [
        (
            one.channel,
            one.measure,
            f"{one.whole.mean:,.4g}",
            f"{one.cut.mean:,.4g}",
            f"{one.ratio:.2f}",
            str(one.through.estimate),
            _p(one.p),
        )
        for one in found.amplified
    ]
    head = ("channel cut", "measure", "run", "twin", "times", "through it, paired", "p (Holm)")
    if twins:
        out.print(sheet("amplification by twins", head, twins, right=(2, 3, 4)))

    failed = [
        (one.node, one.how, f"{one.whole.mean:,.0f}", f"{one.twin.mean:,.0f}", str(one.change.estimate), _p(one.p))
        for one in found.failed
    ]
    if failed:
        head = ("node", "", "bad debt elsewhere", "in its twin", "change, paired", "p (Holm)")
        out.print(sheet(f"single failures: {headline(found.failed)}", head, failed, right=(2, 3)))
    for name, why in found.staying.items():
        out.print(f"{name} cannot be removed: {why}")
    if found.deleted:
        both = validated(found.deleted)
        sides = [
            ("attributed to it", str(both.attributed)),
            ("missing in its twin", str(both.caused)),
            ("difference, paired", f"{both.error.estimate}, p = {both.error.p:.3g}"),
        ]
        title = f"{len(found.deleted)} liquidations taken out, one at a time: what others lose to liquidation within {WHILE:g} s"
        out.print(sheet(title, ("notional, cash coins", ""), sides, right=(1,)))


def _p(p: float) -> str:
    return f"{p:.3g}"


def _tail(one: Tail) -> str:
    """In a line."""
    if not one.within:
        return one.verdict
    return f"exponent {one.exponent:.2f} +- {one.error:.2f} from {one.least:g} on ({one.within}): p = {one.p:.2f}, {one.verdict}"


def to_json(found: Contagion) -> str:
    """For a machine; numbers that are none become null."""
    whole = {
        "scenario": found.scenario.name,
        "seeds": [one.record.scenario.seed for one in found.runs],
        "digests": [one.record.digest for one in found.runs],
        "cascades": {name: value._asdict() for name, value in counts(found).items()},
        "branching": {name: value._asdict() for name, value in ratios(found).items()},
        "tails": {
            name: one._asdict() | {"verdict": one.verdict}
            for name, one in (("sizes", found.sizes), ("durations", found.durations))
        },
        "causes": by_cause(found.why),
        "burden": burdens(found),
        "amplification": table(found.amplified).to_dict("records"),
        "deleted": [one._asdict() for one in found.deleted],
        "failures": failure_table(found.failed).to_dict("records"),
        "cannot_be_removed": found.staying,
    }
    return json.dumps(_plain(whole), indent=2)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


# Files


def write(found: Contagion, out: Path) -> list[Path]:
    """Tables, and of the run with the largest family its figures and networks."""
    from experiments.figures import amplification as waterfall
    from experiments.figures import cascade_shape, cascade_tree, contagion_network
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
    for measure, name in (("liquidated", "amplification"), ("written_off", "amplification-written-off")):
        if measure in present:
            files += waterfall.draw(found.amplified, measure, MEASURES[measure], out, name, stamped)
    if found.failed:
        files += drawn_failures.draw(found.failed, out, "failures")
    worst = max(found.runs, key=lambda one: (largest(one.why) or Cluster(0, 0, 0.0, 0, 0.0))[1:3])
    family, span = largest(worst.why), stretch(worst)
    if family is not None:
        files += cascade_shape.draw(worst, family, out, "shape") + cascade_tree.draw(worst, family, out, "tree")
    if span is None:
        return files

    start, end = span
    calm = max(1, start - (end - start))
    blocks = [calm, start, end]
    early, before, during = standings(worst.record.scenario, blocks)
    stretches = [
        contagion_network.Panel(
            f"Before: blocks {calm + 1:,} to {start:,}", *_moved(worst, calm, start, early, before)
        ),
        contagion_network.Panel(f"During: blocks {start + 1:,} to {end:,}", *_moved(worst, start, end, before, during)),
    ]
    files += contagion_network.draw(stretches, out, "network", f"digest {worst.record.digest}")
    for name, graph in (
        ("exposures-before", before.graph),
        ("exposures-during", during.graph),
        ("flows-before", stretches[0].moved),
        ("flows-during", stretches[1].moved),
        ("overlaps-before", before.held),
    ):
        if isinstance(graph, nx.DiGraph):
            gained = stretches[name.endswith("during")].change
            told = {node: gained.get(node, gained.get(node.rpartition(".")[2], 0.0)) for node in graph}
            nx.set_node_attributes(graph, told, "gain")
        export(graph, path := out / f"{name}.graphml")
        files.append(path)
    for name, rows in (
        ("centrality", centrality(before.graph, stretches[1].moved, before.worth)),
        ("fire-sale-multipliers", before.fragile),
    ):
        rows.to_csv(path := out / f"{name}.csv", index=False, float_format="%.6g")
        files.append(path)
    return files


def _moved(one: Told, first: int, last: int, before: Standing, after: Standing) -> tuple[Any, dict[str, float]]:
    """Money that made somebody poorer in the blocks after `first` up to `last`, and what every group gained by then.

    What newcomers bring is no gain, and moving one's own money no payment.
    """
    table = one.record.flows
    graph = flows(table[~table["reason"].isin(EXCHANGES_OF_EQUALS)], first + 1, last)
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
