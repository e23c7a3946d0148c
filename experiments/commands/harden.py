"""`undertow harden PROTOCOL.toml`: the most open interest per coin of capital with no attack above a bound."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from experiments.commands.audit import UNKNOWN, Bars, Capital, Changes, Duration, Names, Worth, playable
from experiments.commands.sweep import RESULTS, Plugins, Scheduler, Workers, wrong_workers
from experiments.folders import HARDENING, free_for
from experiments.wishes import Together, changes_of, chosen, plugins_in

NONE = 1  # exit status: no design within the bound was found
LEAST = 100  # runs below which no design could be judged


def harden(
    protocol: str,
    /,
    *,
    over: Annotated[
        tuple[str, ...],
        Parameter(help="PATH=LOW:HIGH[:log] to search; the parameters that the worst attack hangs on if not given."),
    ] = (),
    budget: Annotated[int, Parameter(help="Runs to spend at most.")] = 3_000,
    bound: Worth = 1_000.0,
    capital: Capital = None,
    attack: Names = (),
    path: Annotated[Literal["calm", "stressed", "real"], Parameter(help="Prices to harden under.")] = "calm",
    klines: Bars = (),
    set_: Changes = (),
    duration: Duration = None,
    out: Annotated[Path | None, Parameter(help="Folder of the results; results/harden-NAME if not given.")] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    plugin: Plugins = (),
) -> int:
    """Search a protocol's own parameters for capital efficiency, while attackers who answer each design earn no more than a bound.

    What is found then meets the whole arsenal, each attack searching anew, also under the prices that were not hardened under.
    Exit status: 0 a design was found, or nothing pays; 1 none was; 2 bad input; 3 as 0, but that rests on attacks that were not
    looked at, or on searches of which runs went wrong. A design whose runs go wrong is told, and left aside.
    Stopped, the same command goes on.
    """
    from experiments.arsenal import seating
    from experiments.arsenal.honest import peopled
    from experiments.audit.levers import given
    from experiments.audit.paths import paths

    wishes = Together()
    classes = wishes.attempt(lambda: plugins_in(plugin)) or ()
    if out is not None:
        wishes.attempt(lambda: free_for(out, HARDENING))
    wishes.lines += wrong_workers(workers, scheduler)
    if not 0 < bound < math.inf:
        wishes.lines.append(f"--bound {bound:g}: must be above 0 cash coins")
    if capital is not None and not capital > 0:
        wishes.lines.append(f"--capital {capital:g}: must be above 0 cash coins")
    if budget < LEAST:
        wishes.lines.append(f"--budget {budget}: must be {LEAST} or more")
    known = seating.arsenal(classes)
    picked = wishes.attempt(lambda: seating.chosen(attack, known, "--attack")) or []
    changes = wishes.attempt(lambda: changes_of(set_, None, duration)) or {}
    found = wishes.attempt(lambda: chosen(protocol, (), changes, classes))
    one = None if found is None else wishes.attempt(lambda: peopled(found))
    seen = None if one is None else wishes.attempt(lambda: {p.name: p for p in paths(one, klines)})
    bounds = None if one is None else wishes.attempt(lambda: given(one, over))
    if seen is not None and path not in seen:
        wishes.lines.append(f"--path {path}: there is none; give recorded bars with --klines")
    elif seen is not None and one is not None:
        for prices in seen.values():
            wishes.attempt(partial(playable, prices.of(one)))
    wishes.settle()
    assert one is not None and seen is not None and bounds is not None, "settled"

    from experiments.audit.bench import bench
    from experiments.audit.hardened import told, write
    from experiments.audit.hardening import harden as search
    from experiments.cluster import on_call

    home = out or RESULTS / f"harden-{one.name}"
    with (
        on_call(workers, scheduler) as hands,
        bench(home, budget, None if workers == 1 else hands, plugin, HARDENING) as runs,
    ):
        kinds = {name: known[name] for name in picked}
        others = tuple(one for name, one in seen.items() if name != path)
        result = search(one, kinds, bounds, seen[path], runs, bound=bound, capital=capital, elsewhere=others)
    files = write(result, home)
    print(told(result))
    print(f"{sum(result.spent.values()):,} runs of {budget:,}. Written: {', '.join(map(str, files))}")
    if result.attacks and result.best is None:
        return NONE
    return UNKNOWN if result.short else 0
