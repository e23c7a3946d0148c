"""`undertow contagion SCENARIO`: how cascades run in a scenario, why, what carried them, and who bore them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from experiments.folders import free_for_several, gather
from experiments.wishes import Together, changes_of, chosen, plugins_in, seated

if TYPE_CHECKING:
    from experiments.parallel import Workers
    from experiments.scenario import Scenario


def contagion(
    scenario: str,
    /,
    *,
    seeds: Annotated[
        int, Parameter(help="Paired seeds, 2 or more: seeds 1 to N. With few, no single failure can be told from none.")
    ] = 10,
    deletions: Annotated[
        int,
        Parameter(
            help="Liquidations to take out of each run, one at a time, to hold what is attributed to them against."
        ),
    ] = 0,
    while_: Annotated[
        float,
        Parameter(name="--while", help="Seconds within which others' losses are compared, once it is taken out."),
    ] = 30.0,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", help="PATH=VALUE, as for `run`.")] = (),
    duration: Annotated[float | None, Parameter(help="Seconds to play.")] = None,
    klines: Annotated[tuple[Path, ...], Parameter(help="Recorded bars to replay as fair, one file an asset.")] = (),
    plugin: Annotated[tuple[Path, ...], Parameter(help="Python file with rules or roles of your own.")] = (),
    out: Annotated[Path | None, Parameter(help="Folder for figures, tables and networks (GraphML).")] = None,
    workers: Annotated[
        int | None, Parameter(help="Processes to run on; as many as there are cores if not given.")
    ] = None,
    json: Annotated[bool, Parameter(help="Print everything as one JSON object.", negative=())] = False,
) -> None:
    """Explain every liquidation of a scenario; measure branching, families, amplification by channel, and who bore it."""
    classes = plugins_in(plugin)
    wishes = Together()
    if out is not None:
        wishes.attempt(lambda: free_for_several(out))
    wishes.lines += [
        f"--{name} {value}: must be {least} or more"
        for name, value, least in (("seeds", seeds, 2), ("deletions", deletions, 0), ("workers", workers, 1))
        if value is not None and value < least
    ]
    if not 0 < while_ < math.inf:
        wishes.lines.append(f"--while {while_}: must be above 0 seconds")
    changes = wishes.attempt(lambda: changes_of(set_, None, duration)) or {}
    one = wishes.attempt(lambda: chosen(scenario, klines, changes, classes))
    wishes.settle()
    assert one is not None, "settled"

    explained(one, seeds, deletions=deletions, seconds=while_, out=out, workers=workers, json=json)


def explained(
    scenario: Scenario,
    seeds: int,
    *,
    deletions: int,
    seconds: float,
    out: Path | None,
    workers: Workers,
    json: bool = False,
) -> None:
    """Do what the command is asked for, of a scenario that is there."""
    from experiments.cascades import report, writing
    from experiments.run import release

    release(seated(scenario, check=False))  # or the mistakes for which it cannot be played
    found = report.contagion(scenario, range(1, seeds + 1), deleted=deletions, seconds=seconds, workers=workers)
    print(report.to_json(found)) if json else report.show(found)
    if out is not None:
        written = gather(out, lambda folder: writing.write(found, folder), writing.former)
        if not json:
            for line in writing.said(out):
                print(line)
            print(f"Written: {', '.join(map(str, written))}")
