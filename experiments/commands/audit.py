"""`undertow audit PROTOCOL.toml`: how it dies, what that costs, and the cheapest change that stops it, within so many runs."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from experiments.commands.sweep import RESULTS, Plugins, Scheduler, Workers, wrong_workers
from experiments.folders import AUDIT, free_for
from experiments.wishes import Together, changes_of, chosen, plugins_in, seated

if TYPE_CHECKING:
    from experiments.scenario import Scenario

UNSOUND, UNKNOWN = 1, 3  # exit statuses: an attack pays; none was shown to, and not all were shown not to

Names = Annotated[
    tuple[str, ...], Parameter(help="Names of classes, as `undertow list` shows them; all if none is given.")
]
Changes = Annotated[tuple[str, ...], Parameter(name="--set", help="PATH=VALUE, as for `run`.")]
Duration = Annotated[float | None, Parameter(help="Seconds to play.")]
Bars = Annotated[tuple[Path, ...], Parameter(help="Recorded bars for a real path, one file an asset.")]
Capital = Annotated[float | None, Parameter(help="Cash coins that each attacker has; its own default if not given.")]
Worth = Annotated[float, Parameter(help="Cash coins a run: an attack that earns less does not pay.")]


def audit(
    protocol: str,
    /,
    *,
    budget: Annotated[int, Parameter(help="Runs to spend at most.")] = 2_000,
    bound: Worth = 1_000.0,
    capital: Capital = None,
    attack: Names = (),
    defence: Names = (),
    klines: Bars = (),
    set_: Changes = (),
    duration: Duration = None,
    out: Annotated[Path | None, Parameter(help="Folder of the report; results/audit-NAME if not given.")] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    plugin: Plugins = (),
) -> int:
    """Audit a protocol: the whole arsenal with search, under calm, stressed and real prices, and the cheapest change that holds.

    A scenario without a cast is given an honest one. Exit status: 0 nothing that was found pays, 1 an attack pays, 2 bad input,
    3 nothing was shown to pay, but the budget did not reach every attack that sees a chance, or its seeds leave one undecided.
    Stopped, the same command goes on; a larger budget goes further from there.
    """
    from experiments.arsenal import seating
    from experiments.arsenal.honest import peopled
    from experiments.audit.examining import least_budget
    from experiments.audit.paths import paths

    wishes = Together()
    classes = wishes.attempt(lambda: plugins_in(plugin)) or ()
    if out is not None:
        wishes.attempt(lambda: free_for(out, AUDIT))
    wishes.lines += wrong_workers(workers, scheduler)
    if not 0 <= bound < math.inf:
        wishes.lines.append(f"--bound {bound:g}: must be 0 or more cash coins")
    if capital is not None and not capital > 0:
        wishes.lines.append(f"--capital {capital:g}: must be above 0 cash coins")
    known, rules = seating.arsenal(classes), seating.defences(classes)
    picked = wishes.attempt(lambda: seating.chosen(attack, known, "--attack")) or []
    tried = wishes.attempt(lambda: seating.chosen(defence, rules, "--defence")) or []
    changes = wishes.attempt(lambda: changes_of(set_, None, duration)) or {}
    given = wishes.attempt(lambda: chosen(protocol, (), changes, classes))
    one = None if given is None else wishes.attempt(lambda: peopled(given))
    seen = None if one is None else wishes.attempt(lambda: paths(one, klines))
    if one is not None and seen is not None:
        for path in seen:
            wishes.attempt(partial(playable, path.of(one)))
        least = least_budget(one, {name: known[name] for name in picked}, seen)
        if budget < least:
            wishes.lines.append(
                f"--budget {budget}: must be {least} or more, for honest runs and one look at each of {len(picked)} attacks"
            )
    wishes.settle()
    assert one is not None and given is not None and seen is not None, "settled"

    from experiments.audit import report, telling
    from experiments.audit.bench import bench
    from experiments.audit.examining import audit as examine
    from experiments.cluster import on_call

    home = out or RESULTS / f"audit-{one.name}"
    with (
        on_call(workers, scheduler) as hands,
        bench(home, budget, None if workers == 1 else hands, plugin, AUDIT) as runs,
    ):
        found = examine(
            one,
            {name: known[name] for name in picked},
            {name: rules[name] for name in tried},
            seen,
            runs,
            bound=bound,
            capital=capital,
        )
    found.peopled = not given.cast
    files = report.write(found, home)
    print("\n".join(telling.verdict(found)))
    print(f"{sum(found.spent.values()):,} runs of {budget:,}. Written: {', '.join(map(str, files))}")
    return UNSOUND if found.paying else 0 if found.sound else UNKNOWN


def playable(scenario: Scenario) -> None:
    """Raise the mistakes for which it cannot be played."""
    from experiments.arsenal.seating import benign
    from experiments.run import release

    release(seated(benign(scenario), check=False))
