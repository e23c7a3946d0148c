"""`undertow search`: the attacker's best parameters, and what they are worth on seeds that the search never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from experiments.commands.sweep import RESULTS, Plugins, Scheduler, Workers, played, wrong_workers
from experiments.folders import SEARCH, free_for
from experiments.wishes import Together, chosen, plugins_in


def search(
    scenario: str,
    /,
    *,
    attack: Annotated[
        str, Parameter(help="Who attacks: a name in the scenario's cast, or a kind, which then joins it.")
    ],
    budget: Annotated[int, Parameter(help="Runs to spend; rounded up to whole generations of 8 candidates.")] = 512,
    over: Annotated[
        tuple[str, ...],
        Parameter(help="FIELD=LOW:HIGH[:log|whole|choice] to search; all of the attacker's own if not given."),
    ] = (),
    seeds: Annotated[int, Parameter(help="Seeds that every candidate is played on.")] = 8,
    held_out: Annotated[int, Parameter(help="Fresh seeds for what is reported.")] = 32,
    sampler: Annotated[Literal["cmaes", "tpe"], Parameter(help="CMA-ES, or a tree of Parzen estimators.")] = "cmaes",
    seconds: Annotated[float | None, Parameter(help="What one run may take.")] = None,
    out: Annotated[Path | None, Parameter(help="Folder; results/search-SCENARIO-ATTACK if not given.")] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    plugin: Plugins = (),
) -> None:
    """Search an attacker's parameters for the most profit. Stopped, the same command goes on; with more budget, further."""
    from experiments import search as there

    wishes = Together()
    classes = wishes.attempt(lambda: plugins_in(plugin)) or ()
    one = wishes.attempt(lambda: chosen(scenario, (), {}, classes))
    cast = None if one is None else wishes.attempt(lambda: there.attacker(one, attack, classes))
    bounds = None if cast is None else wishes.attempt(lambda: there.space(*cast, over))
    wishes.lines += wrong_workers(workers, scheduler)
    for name, given, least in (("budget", budget, 1), ("seeds", seeds, 1), ("held-out", held_out, 2)):
        if given < least:
            wishes.lines.append(f"--{name} {given}: must be {least} or more")
    if seconds is not None and not seconds > 0:
        wishes.lines.append(f"--seconds {seconds:g}: must be above 0")
    if out is not None:
        wishes.attempt(lambda: free_for(out, SEARCH))
    wishes.settle()
    assert cast is not None and bounds is not None, "settled"

    from experiments.cluster import on_call
    from experiments.figures.search import draw

    base, role = cast
    home = out or RESULTS / f"search-{base.name}-{role.label}"
    with on_call(workers, scheduler) as hands:
        found = there.search(
            base,
            role,
            bounds,
            lambda sweep, folder: played(sweep, folder, hands, plugins=plugin),
            home,
            budget=budget,
            seeds=seeds,
            held_out=held_out,
            sampler=sampler,
            seconds=seconds,
            plugins=classes,
        )
    files = there.write(found, home) + draw(found, seeds, type(role).__name__, home, "search")
    print(
        f"{role.label} ({type(role).__name__}) in {base.name}: {len(found.trials)} candidates on {seeds} seeds each; cash coins"
    )
    for bound in bounds:
        value = f"{found.best.parameters[bound.name]:,.6g}"
        print(f"    {bound.name:<16} {value:>14}   searched {bound.low:,.6g} to {bound.high:,.6g}, {bound.scale}")
    print(f"best, on the search's own seeds: {found.best.worth:,.4g} (flattered by the search)")
    print(f"best, on held-out seeds:         {found.held}")
    print(f"as in the scenario:              {found.plain}")
    print(f"difference, paired:              {found.better.estimate}, p = {found.better.p:.3g}")
    print(f"Written: {', '.join(map(str, files))}")
