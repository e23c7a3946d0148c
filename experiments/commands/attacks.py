"""`undertow attacks SCENARIO`: the arsenal against a scenario, and the cheapest rule that stops what pays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from experiments.folders import free_for_several
from experiments.wishes import Together, changes_of, chosen, plugins_in, seated

Names = Annotated[
    tuple[str, ...], Parameter(help="Names of classes, as `undertow list` shows them; all if none is given.")
]


def attacks(
    scenario: str,
    /,
    *,
    seeds: Annotated[int, Parameter(help="Paired seeds, from 1 on.")] = 5,
    attack: Names = (),
    defence: Names = (),
    set_: Annotated[tuple[str, ...], Parameter(name="--set", help="PATH=VALUE, as for `run`.")] = (),
    duration: Annotated[float | None, Parameter(help="Seconds to play.")] = None,
    klines: Annotated[tuple[Path, ...], Parameter(help="Recorded bars to replay as fair, one file an asset.")] = (),
    plugin: Annotated[
        tuple[Path, ...], Parameter(help="Python file with rules, attacks or defences of your own.")
    ] = (),
    out: Annotated[Path | None, Parameter(help="Folder for tables and the matrix as a figure.")] = None,
    workers: Annotated[
        int | None, Parameter(help="Processes to run on; as many as there are cores if not given.")
    ] = None,
    json: Annotated[bool, Parameter(help="Print everything as one JSON object.")] = False,
) -> None:
    """Run every attack against a scenario, beside its twin, and every defence against those that pay."""
    classes = plugins_in(plugin)
    wishes = Together()
    if out is not None:
        wishes.attempt(lambda: free_for_several(out))
    wishes.lines += [
        f"--{name} {value}: must be {least} or more"
        for name, value, least in (("seeds", seeds, 3), ("workers", workers, 1))
        if value is not None and value < least
    ]
    changes = wishes.attempt(lambda: changes_of(set_, None, duration)) or {}
    one = wishes.attempt(lambda: chosen(scenario, klines, changes, classes))

    from experiments.arsenal import seating

    known, rules = seating.arsenal(classes), seating.defences(classes)
    picked = wishes.attempt(lambda: seating.chosen(attack, known, "--attack"))
    tried = wishes.attempt(lambda: seating.chosen(defence, rules, "--defence"))
    wishes.settle()
    assert one is not None and picked is not None and tried is not None, "settled"

    from experiments.arsenal import report
    from experiments.arsenal.campaign import campaign
    from experiments.run import release

    release(seated(seating.benign(one), check=False))  # or the mistakes for which it cannot be played
    found = campaign(
        one,
        {name: known[name] for name in picked},
        {name: rules[name] for name in tried},
        range(1, seeds + 1),
        workers=workers,
    )
    print(report.to_json(found)) if json else report.show(found)
    if out is not None:
        written = report.write(found, out)
        if not json:
            print(f"Written: {', '.join(map(str, written))}")
