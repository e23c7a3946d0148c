"""`undertow incident NAME`: replay what happened, grade it against what is published, and see what would have stopped it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from experiments.folders import free_for_several
from experiments.wishes import Together


def incident(
    name: str = "",
    /,
    *,
    seeds: Annotated[int | None, Parameter(help="Seeds, from 1 on; the incident's own number if not given.")] = None,
    out: Annotated[Path | None, Parameter(help="Folder for the figure, the grades and a table of every block.")] = None,
    workers: Annotated[
        int | None, Parameter(help="Processes to run on; as many as there are cores if not given.")
    ] = None,
    json: Annotated[bool, Parameter(help="Print everything as one JSON object.", negative=())] = False,
) -> int:
    """Replay an incident and grade it. Without a name: list them. Exit status 1 where a number is missed unexplained."""
    from experiments.incidents import base, report

    if not name:
        from experiments import summary

        summary.show_list(
            {"incidents": [(one, f"{known.title} ({known.date})") for one, known in base.incidents().items()]}
        )
        return 0
    wishes = Together()
    if out is not None:
        wishes.attempt(lambda: free_for_several(out))
    wishes.lines += [
        f"--{what} {value}: must be 1 or more"
        for what, value in (("seeds", seeds), ("workers", workers))
        if value is not None and value < 1
    ]
    one = wishes.attempt(lambda: base.find(name))
    if one is not None and (missing := base.missing(one)):
        wishes.lines.append(f"incident {name}: {missing}")
    wishes.settle()
    assert one is not None, "settled"

    found = report.graded(name, range(1, 1 + (seeds or one.seeds)), workers=workers)
    if json:
        import json as text

        print(text.dumps(report.plain(found), indent=2, default=float))
    else:
        report.show(found)
    if out is not None:
        written = report.write(found, out)
        if not json:
            print(f"Written: {', '.join(map(str, written))}")
    return int(any(line.verdict == "missed" for line in found.lines))
