"""`undertow sensitivity`: screen many parameters, attribute to the few that matter, and show that both have settled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from experiments.commands.sweep import RESULTS, Plugins, Scheduler, Workers, played, settled
from experiments.folders import free_for_several


def sensitivity(
    spec: Path,
    /,
    *,
    out: Annotated[
        Path | None, Parameter(help="Folder for sweeps, tables and figure; results/NAME if not given.")
    ] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    plugin: Plugins = (),
) -> None:
    """Find which parameters matter, as a TOML file asks: Morris, then Sobol. Stopped, the same command goes on."""
    from experiments.sensitivity import load_spec

    (asked, first), classes = settled(lambda found: load_spec(spec, plugins=found), out, workers, scheduler, plugin)
    if out is not None:
        free_for_several(out)

    from experiments import results
    from experiments.cluster import on_call
    from experiments.columns import meaning
    from experiments.figures.sensitivity import draw
    from experiments.sensitivity import attributed, kept, screened, values
    from experiments.summary import show_frame
    from experiments.sweeps.spec import design

    home = out or RESULTS / asked.name
    attribution = None
    with on_call(workers, scheduler) as hands:
        digest = played(first, home / "screen", hands, plugins=plugin).digest
        screen = screened(first.sweep.axes[0], values(results.load(home / "screen"), asked.of, asked.measure))  # type: ignore[arg-type]
        bounds = kept(asked.bounds, screen.table, asked.keep)
        if len(bounds) > 1:
            second = design(asked.attribution(bounds), plugins=classes)
            digest += " " + played(second, home / "attribute", hands, plugins=plugin).digest
            outcomes = values(results.load(home / "attribute"), asked.of, asked.measure)
            attribution = attributed(second.sweep.axes[0], outcomes)  # type: ignore[arg-type]
    described = meaning(asked.of)
    of = f"{asked.of}, {described.unit}" if described and asked.measure == "value" else f"{asked.measure} of {asked.of}"
    files = draw(screen, attribution, of, home, "sensitivity", f"tables: {digest}")
    print(f"{of}: effects (Morris), from the lowest to the highest value of each parameter")
    show_frame(screen.table.sort_values("mu_star", ascending=False))
    screen.convergence.to_csv(home / "screen.csv", index=False)
    files.append(home / "screen.csv")
    if attribution is None:
        print(f"Only {bounds[0].column} matters, so there is nothing to attribute.")
    else:
        print("Shares of the variance (Sobol), of those that matter; the others stay as they are in the scenario")
        show_frame(attribution.table.sort_values("total", ascending=False))
        attribution.convergence.to_csv(home / "attribute.csv", index=False)
        files.append(home / "attribute.csv")
    print(f"Written: {', '.join(map(str, files))}")
