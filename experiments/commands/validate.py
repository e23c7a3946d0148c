"""`undertow validate`: every published result, recorded step and incident, and what this game gives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from experiments.folders import free_for_several
from experiments.wishes import Together


def validate(
    *,
    only: Annotated[
        tuple[str, ...], Parameter(help="Ids of claims, the beginnings of ids, or subjects; all if none.")
    ] = (),
    quick: Annotated[
        bool, Parameter(help="Less effort and wider tolerances: to see that it works, not to cite.", negative=())
    ] = False,
    out: Annotated[Path | None, Parameter(help="Folder for the table, as Markdown and JSON.")] = None,
    workers: Annotated[
        int | None, Parameter(help="Processes to run on; as many as there are cores if not given.")
    ] = None,
    json: Annotated[bool, Parameter(help="Print the table as one JSON array.", negative=())] = False,
) -> int:
    """Measure every claim of docs/credibility.md anew. Exit status 1 where one is missed and nobody has explained it."""
    from experiments.validation import table
    from experiments.validation.base import Effort

    wishes = Together()
    if out is not None:
        wishes.attempt(lambda: free_for_several(out))
    if workers is not None and workers < 1:
        wishes.lines.append(f"--workers {workers}: must be 1 or more")
    names = wishes.attempt(lambda: table.asked(only))
    wishes.settle()
    assert names is not None, "settled"

    effort = Effort.QUICK if quick else Effort.FULL
    lines = table.run(names, effort, workers=workers)
    print(table.to_json(lines, effort) if json else table.markdown(lines, effort))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "validation.md").write_text(table.markdown(lines, effort), encoding="utf-8")
        (out / "validation.json").write_text(table.to_json(lines, effort), encoding="utf-8")
    return int(any(line.verdict == "missed" for line in lines))
