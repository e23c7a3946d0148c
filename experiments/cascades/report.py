"""Contagion in a scenario, over seeds: all that is measured, as tables for people and plain data for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from experiments.cascades.amplification import MEASURES, OPEN, Amplified, table, twins
from experiments.cascades.burden import deficits, positions, summed
from experiments.cascades.causes import LIQUIDATION, SEIZURE
from experiments.cascades.episodes import Told, by_cause, told
from experiments.cascades.failures import Failure, failures, headline, irremovable
from experiments.cascades.failures import table as failure_table
from experiments.cascades.intervention import WHILE, Deleted, deletions, validated
from experiments.cascades.tails import Continuous, Tail, Whole, tail
from experiments.cascades.trees import Branching, Cluster, branching, branching_by_phase, clusters
from experiments.parallel import Workers, spread
from experiments.scenario import Scenario
from experiments.statistics import Estimate, estimate
from experiments.summary import console, number, sheet

BURDENS = {"positions": positions, "deficits": deficits}
EACH = MEASURES | {
    OPEN: "owed by accounts still open, cash coins",
    "insurance": "insurance left, cash coins",
    "return_on_vault": "growth of a vault share, relative",
}


class Contagion(NamedTuple):
    """What was found."""

    scenario: Scenario
    runs: list[Told]
    families: list[list[Cluster]]  # by run
    amplified: list[Amplified]
    steps: list[Amplified]  # channels cut one after another
    deleted: list[Deleted]
    failed: list[Failure]
    seconds: float = WHILE  # within which those taken out are missed

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


def contagion(
    scenario: Scenario, seeds: Sequence[int], *, deleted: int = 0, seconds: float = WHILE, workers: Workers = None
) -> Contagion:
    """Play it on every seed before a witness, and its twins without; take `deleted` liquidations out of each run in turn.

    And each exchange, keeper, maker, provider and holder out of the whole.
    """
    runs = spread(told, [replace(scenario, seed=seed) for seed in seeds], workers=workers, title="runs")
    families = [clusters(one.why) for one in runs]
    amplified, steps = twins(scenario, seeds, workers=workers)
    taken = deletions(runs, each=deleted, seconds=seconds, workers=workers)
    failed = failures(scenario, seeds, workers=workers)
    return Contagion(scenario, runs, families, amplified, steps, taken, failed, seconds)


# Tables


def counts(found: Contagion) -> dict[str, Estimate]:
    """Numbers a run, by name; of seizures where there are any."""
    seized = any(why.kind == SEIZURE for one in found.runs for why in one.why)
    rows: dict[str, Sequence[float]] = {
        **_closed(found, LIQUIDATION, "liquidations", "liquidated, cash coins"),
        **(_closed(found, SEIZURE, "seizures", "seized, cash coins") if seized else {}),
        "families": [len(family) for family in found.families],
        "largest family, liquidations": [max((one.size for one in family), default=0) for family in found.families],
        "deepest family, generations": [max((one.depth for one in family), default=0) for family in found.families],
        "longest family, seconds": [max((one.duration for one in family), default=0.0) for family in found.families],
    }
    return {name: estimate([float(value) for value in values]) for name, values in rows.items()}


def _closed(found: Contagion, kind: str, number: str, notional: str) -> dict[str, Sequence[float]]:
    """How many closures of a kind there were in each run, and what they came to."""
    rows = [[why.notional for why in one.why if why.kind == kind] for one in found.runs]
    return {number: [len(row) for row in rows], notional: [sum(row) for row in rows]}


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


def burdens(found: Contagion) -> dict[str, dict[str, Estimate]]:
    """Where positions went, and who paid deficits: cash coins a run, the largest first."""
    events = [one.record.events for one in found.runs]
    return {name: by_run([part(e) for e in events]) for name, part in BURDENS.items()}


def shares(found: Contagion) -> dict[str, dict[str, Estimate]]:
    """The same as shares of each run in which there is any, 0 to 1: their mean, in the order of `burdens`."""
    parts = {name: [part(one.record.events) for one in found.runs] for name, part in BURDENS.items()}
    return {name: of_whole(runs) for name, runs in parts.items()}


def causes(found: Contagion) -> dict[str, Estimate]:
    """Share of what took equity away since health, by cause, 0 to 1: mean of the runs in which anybody was closed by force."""
    rows = by_run([by_cause([run]) for run in found.why if run])
    return {name: within(value) for name, value in rows.items()}


def by_run(runs: Sequence[dict[str, float]]) -> dict[str, Estimate]:
    """Of each name, over runs, the largest first; what a run does not name was 0 in it."""
    names = summed(list(runs))
    found = {name: estimate([run.get(name, 0.0) for run in runs]) for name in names}
    return dict(sorted(found.items(), key=lambda item: -item[1].mean))


def of_whole(runs: Sequence[dict[str, float]]) -> dict[str, Estimate]:
    """Each run's parts as shares of it, over the runs that have any; in the order of what they come to."""
    whole = [(run, sum(run.values())) for run in runs if run]
    found = by_run([{name: cash / total for name, cash in run.items()} for run, total in whole])
    return {name: within(found[name]) for name in by_run(runs)}


def within(one: Estimate) -> Estimate:
    """Of a share: no interval reaches beyond 0 and 1."""
    return one._replace(low=max(0.0, one.low), high=min(1.0, one.high))


def show(found: Contagion) -> None:
    """For a person."""
    out = console()
    out.print(f"{found.scenario.name}: contagion over {len(found.runs)} seeds")
    rows = [(name, str(value)) for name, value in counts(found).items()]
    if any(found.why):  # of nothing there is no ratio, no tail and no cause
        rows += [
            (f"branching ratio, {name}", str(value))
            for name, value in ratios(found).items()
            if math.isfinite(value.error)
        ]
        rows += [("tail of sizes", _tail(found.sizes)), ("tail of durations", _tail(found.durations))]
    out.print(sheet("cascades (a run; mean and 95 %)", ("", ""), rows, right=(1,)))
    if len(found.scenario.world.exchanges) > 1:
        head, lines = by_exchange(found)
        out.print(sheet("by exchange (a run; mean and 95 %)", head, lines, right=tuple(range(1, len(head)))))
    rows = [(name, _percent(value)) for name, value in causes(found).items() if value.mean >= 5e-4]
    if rows:
        title = "why: share of what took equity away since health (by run; mean and 95 %)"
        out.print(sheet(title, ("cause", "share"), rows, right=(1,)))
    of = shares(found)
    for name, part in burdens(found).items():
        lines = [(who, _cash(value), _percent(of[name][who])) for who, value in part.items()]
        if lines:
            title = f"who bore it: {name} (a run; mean and 95 %)"
            out.print(sheet(title, ("", "cash coins", "share, by run"), lines, right=(1, 2)))
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
            ("correlation, one by one", str(both.correlation)),
        ]
        title = (
            f"{len(found.deleted)} liquidations taken out, one at a time: what others lose within {found.seconds:g} s"
        )
        out.print(sheet(title, ("notional, cash coins", ""), sides, right=(1,)))


def _percent(one: Estimate) -> str:
    return f"{one.mean:.1%} [{one.low:.1%}, {one.high:.1%}] (n={one.seeds})"


def _cash(one: Estimate) -> str:
    return f"{number(one.mean)} [{number(one.low)}, {number(one.high)}] (n={one.seeds})"


def _p(p: float) -> str:
    return f"{p:.3g}"


def _tail(one: Tail) -> str:
    """In a line."""
    if not one.within:
        return one.verdict
    return f"exponent {one.exponent:.2f} +- {one.error:.2f} from {one.least:g} on ({one.within}): p = {one.p:.2f}, {one.verdict}"


def to_json(found: Contagion) -> str:
    """For a machine; numbers that are none become null."""
    of = shares(found)
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
        "causes": {name: value._asdict() for name, value in causes(found).items()},
        "burden": {
            name: {who: value._asdict() | {"share": of[name][who]._asdict()} for who, value in part.items()}
            for name, part in burdens(found).items()
        },
        "amplification": table(found.amplified).to_dict("records"),
        "waterfall": table(found.steps).to_dict("records"),
        "deleted": [one._asdict() for one in found.deleted],
        "validated": _validation(found),
        "failures": failure_table(found.failed).to_dict("records"),
        "cannot_be_removed": found.staying,
    }
    return json.dumps(_plain(whole), indent=2)


def _validation(found: Contagion) -> dict[str, Any] | None:
    """Attribution beside intervention; None where nothing was taken out."""
    if not found.deleted:
        return None
    both = validated(found.deleted)
    error = both.error.estimate._asdict() | {"p": both.error.p}
    sides = {"attributed": both.attributed._asdict(), "missing": both.caused._asdict(), "difference": error}
    return {"seconds": found.seconds} | sides | {"correlation": both.correlation._asdict()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
