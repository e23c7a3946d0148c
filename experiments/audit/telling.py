"""The verdict of an audit, in sentences: what kills the protocol, what is not known, and what stops it."""

from __future__ import annotations

import math

from experiments.arsenal.verdict import Cost
from experiments.audit import lasting
from experiments.audit.binding import Hanging
from experiments.audit.findings import Audit, Line
from experiments.statistics import Estimate
from experiments.summary import number


def verdict(found: Audit) -> list[str]:
    """How it dies, what that costs, which change stops it: a few sentences for each attack that pays, the worst first."""
    name, judged = found.scenario.name, [line for line in found.lines if line.bare is not None]
    opened = [line for line in found.lines if not line.pays and line.after is not None and line.after.low > found.bound]
    open_ = [
        line.attack
        for line in found.lines
        if not line.pays and line.after is not None and line.after.low <= found.bound < line.after.high
    ]
    says = []
    if not found.paying:
        says.append(
            f"{name}: of {sum(line.state != 'no surface' for line in found.lines)} attacks that have something to live on here,"
            f" none was {'shown to earn' if found.undecided else 'found that earns'} more than {number(found.bound)} cash coins;"
            f" the settings of {len(judged)} were searched and judged on held-out seeds."
        )
    for line in found.paying:
        says.append(_dies(found, line))
    if found.undecided:
        worst = "; ".join(f"{line.attack}, {interval(line.bare and line.bare.profit)}" for line in found.undecided)
        says.append(f"Undecided, for the interval reaches beyond {number(found.bound)}: {worst}. More runs would tell.")
    if found.changes:
        still = [line.attack for line in found.unstopped]
        says.append(
            f"All changes together: {'; '.join(found.changes)}."
            + (f" Not stopped: {', '.join(still)}." if still else " Nothing that paid before pays then.")
            + (f" They open it to {', '.join(line.attack for line in opened)}." if opened else "")
            + (f" Undecided under them: {', '.join(open_)}." if open_ else "")
        )
    if found.unknown:
        says.append(f"Within the budget nothing is known of {', '.join(found.unknown)}.")
    return says


def _dies(found: Audit, line: Line) -> str:
    one = line.bare
    assert one is not None, "pays"
    victim = next(
        (f"{kind} pay {number(loss)}" for kind, loss in one.victims.items() if loss > 0.5), "nobody else pays"
    )
    told = f"{found.scenario.name} dies by {line.attack}: {interval(one.profit)} a run on the {line.path} path"
    told += f" for a cost of {number(one.cost)} and {number(one.stake)} at risk; {victim}."
    if not line.stopped_by:
        slow = sum(one.slow > 0.0 for one in line.tried)
        longer = f"; {slow} take longer than was played" if slow else ""
        return told + (
            f" No change that was tried holds{longer}." if line.tried else " No change was tried: no runs were left."
        )
    kept = next((_price(t.cost) for t in line.tried if t.holds and t.cost is not None), "")
    after = f", which leaves {interval(line.after)} to an attacker who searches anew" if line.after else ""
    count = lasting.times(found.scenario.world, found.changed.world, found.scenario.duration) if found.changed else 1
    after += f" (in runs of {count * found.scenario.duration:,.0f} s)" if after and count > 1 else ""
    return told + f" Stopped by {line.stopped_by}{after}{f'; the price: {kept}' if kept else ''}."


def hangs(attack: str, one: Hanging) -> str:
    """What an attack is told to hang on, of how much that was looked at."""
    looked = f"of {one.settings} settings looked at on {one.seeds} seeds, {len(one.effects)} were compared"
    if not one.binding:
        return f"No parameter is told to be binding for {attack}: {looked}."
    told = "; ".join(
        f"{effect.turn.bound.path}, which takes {interval(effect.taken)} from it at {effect.turn.at(effect.turn.factor):,.6g}"
        f" in place of {effect.turn.value:,.6g}"
        for effect in one.binding
    )
    return f"Binding for {attack}: {told} ({looked})."


def _price(cost: Cost) -> str:
    return (
        f"open interest {cost.open_interest - 1.0:+.1%}, volume {cost.volume - 1.0:+.1%},"
        f" providers {1e4 * cost.provider_return:+.1f} bp, slippage {1e4 * cost.slippage:+.2f} bp, fees {1e4 * cost.fees:+.2f} bp"
    )


def interval(value: Estimate | None) -> str:
    """Mean and 95 % interval, cash coins; empty where there is none."""
    if value is None or math.isnan(value.mean):
        return ""
    return f"{number(value.mean)} [{number(value.low)}, {number(value.high)}]"
