"""`undertow sweep` plays a sweep, or what is missing of it; `undertow results` lists, checks and exports what there is."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from cyclopts import Parameter

from experiments.folders import free_for_study
from experiments.wishes import Together, plugins_in

if TYPE_CHECKING:
    from experiments.cluster import Crew
    from experiments.sweeps.driver import Outcome, Progress
    from experiments.sweeps.spec import Design

T = TypeVar("T")

NEWS = 30.0  # seconds between two lines where nobody is at a terminal
RESULTS = Path("results")

Workers = Annotated[int | None, Parameter(help="Processes to play on; as many as there are cores if not given.")]
Scheduler = Annotated[str | None, Parameter(help="Address of a Dask scheduler whose workers play, tcp://HOST:PORT.")]
Plugins = Annotated[tuple[Path, ...], Parameter(help="Python file with rules or roles of your own. It is executed.")]


def sweep(
    spec: Path,
    /,
    *,
    out: Annotated[
        Path | None, Parameter(help="Folder of results: new, or of this sweep; results/NAME if not given.")
    ] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    plugin: Plugins = (),
) -> None:
    """Play a sweep described in a TOML file. Stopped in whatever way, the same command goes on where it was."""
    from experiments.cluster import on_call
    from experiments.sweeps.spec import load

    found, _ = settled(lambda classes: load(spec, plugins=classes), out, workers, scheduler, plugin)
    folder = out or RESULTS / found.sweep.name
    with on_call(workers, scheduler) as hands:
        outcome = played(found, folder, hands, plugins=plugin)
    wrong = f", {outcome.failed:,} of them went wrong (see {folder}/failures)" if outcome.failed else ""
    print(f"{outcome.runs:,} runs{wrong}; table {outcome.digest[:16]}")
    print(f"Written: {folder}")


def results(
    folder: Path = RESULTS,
    /,
    *,
    of: Annotated[str | None, Parameter(help="Column to tabulate by point: mean and 95 % interval.")] = None,
    above: Annotated[
        float | None, Parameter(help="Tabulate how often the column is above this, with exact intervals.")
    ] = None,
    against: Annotated[
        str | None, Parameter(help="AXIS=LEVEL: tabulate paired differences of the column against that level.")
    ] = None,
    export: Annotated[Path | None, Parameter(help="File to write all runs to: .csv, .parquet or .jsonl.")] = None,
    columns: Annotated[bool, Parameter(help="List the columns: unit and meaning.")] = False,
) -> None:
    """List the results of sweeps below a folder, every part checked; look at them while they come in; export them."""
    from experiments import results as there
    from experiments.codec import Mistakes

    homes = there.sweeps_in(folder)
    if not homes:
        raise Mistakes([f"{folder}: holds no results of a sweep" if folder.exists() else f"{folder}: no such folder"])
    asked = [
        name
        for name, value in (("--of", of), ("--above", above), ("--against", against), ("--export", export))
        if value is not None
    ]
    if (asked or columns) and homes != [folder]:
        raise Mistakes([f"{' '.join(asked) or '--columns'}: say which of {', '.join(map(str, homes))}"])
    if (above is not None or against is not None) and of is None:
        raise Mistakes(["--above, --against: say of which column, with --of"])
    if above is not None and against is not None:
        raise Mistakes(["--above, --against: one table at a time; give one of the two"])
    if above is not None and not math.isfinite(above):
        raise Mistakes([f"--above {above}: must be a finite number"])
    wrong = [line for home in homes for line in _listed(home)]
    if wrong:
        raise Mistakes(wrong)
    if not (asked or columns):
        return
    frame, axes = there.load(folder), there.axes_of(folder)
    if columns:
        _show_columns(frame.columns.tolist())
    if of is not None:
        from experiments.summary import show_frame

        if against is not None:
            axis, level = _level(frame, axes, against)
            show_frame(there.contrasts(frame, axes, of, axis, level))
            print(there.CONTRASTS)
        elif above is not None:
            show_frame(there.rates(frame, axes, of, above))
        else:
            show_frame(there.summary(frame, axes, of))
        if lacking := there.unrecorded(frame, of):
            print(
                f"{of}: no run has recorded it at {lacking:,} of {frame['point'].nunique():,} points, which have no row"
            )
    if export is not None:
        there.export(frame, export, folder)
        print(f"Written: {export}")


def played(design: Design, folder: Path, hands: Callable[[], Crew], *, plugins: tuple[Path, ...] = ()) -> Outcome:
    """Play what is missing, and show how it goes."""
    from experiments.sweeps.driver import play

    with shown(design.sweep.name) as told:
        try:
            return play(design, folder, hands=hands, plugins=plugins, told=told)
        except KeyboardInterrupt:
            print(f"undertow: finished runs are kept in {folder}; the same command goes on", file=sys.stderr)
            raise


def settled(
    load: Callable[[Sequence[type]], T],
    out: Path | None,
    workers: int | None,
    scheduler: str | None,
    plugins: tuple[Path, ...],
) -> tuple[T, Sequence[type]]:
    """What a file asks for, and the classes of the plugins; Mistakes with all that is wrong with file, folder and workers."""
    wishes = Together()
    classes = wishes.attempt(lambda: plugins_in(plugins)) or ()
    found = wishes.attempt(lambda: load(classes))
    wishes.lines += wrong_workers(workers, scheduler)
    if out is not None:
        wishes.attempt(lambda: free_for_study(out))
    wishes.settle()
    assert found is not None, "settled"
    return found, classes


def wrong_workers(workers: int | None, scheduler: str | None) -> list[str]:
    """What is wrong with how a sweep is to be played."""
    wrong = [f"--workers {workers}: must be 1 or more"] if workers is not None and workers < 1 else []
    if workers is not None and scheduler is not None:
        wrong.append("--workers, --scheduler: a scheduler's workers are those that have joined it; give one of the two")
    return wrong


@contextmanager
def shown(title: str) -> Iterator[Callable[[Progress], None]]:
    """A bar at a terminal; elsewhere a line now and then."""
    from tqdm import tqdm

    if not sys.stderr.isatty():
        news = News(title)
        yield news
        return
    layout = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {postfix}"
    with tqdm(desc=title, file=sys.stderr, leave=False, bar_format=layout) as bar:

        def told(progress: Progress) -> None:
            bar.total = progress.total
            bar.n = progress.done
            bar.set_postfix_str(words(progress), refresh=True)

        yield told


class News:
    """A line on stderr every half minute."""

    def __init__(self, title: str) -> None:
        self.title, self.last = title, time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Say how far it is, unless that was said just now."""
        if time.monotonic() - self.last >= NEWS:
            self.last = time.monotonic()
            print(
                f"{self.title}: {progress.done:,} of {progress.total:,} runs{words(progress)}",
                file=sys.stderr,
                flush=True,
            )


def words(progress: Progress) -> str:
    """Rate, remaining time, failures, and how many work on it."""
    said = []
    if progress.rate == progress.rate:
        left = progress.left
        unit, size = next((u, s) for u, s in (("h", 3_600.0), ("min", 60.0), ("s", 1.0)) if left >= s or s == 1.0)
        said += [
            f"{progress.rate:,.3g} a second",
            f"{left / size:,.0f} {unit} left" if size < 3_600 else f"{left / size:,.1f} {unit} left",
        ]
    if progress.failed:
        said.append(f"{progress.failed:,} went wrong")
    said.append(f"{progress.slots} at work" if progress.slots else "no worker is there: waiting for one")
    return ", " + ", ".join(said)


def _listed(home: Path) -> list[str]:
    """Print how far a folder is; returns what is wrong with it."""
    from experiments.results import standing

    found = standing(home)
    manifest = found.manifest
    state = "complete" if found.complete else f"{found.runs:,} of {found.total:,} runs so far"
    failures = "".join(f", {n:,} {word}" for word, n in found.failures.items())
    print(f"{home}: {manifest['name']}, sweep {manifest['sweep'][:12]}, engine {manifest['engine'][:12]}: {state}")
    print(
        f"    {found.runs:,} runs of {manifest['points']:,} points{failures}; axes: {', '.join(manifest['columns']) or 'none'}"
    )
    return found.wrong


def _show_columns(names: list[str]) -> None:
    from experiments.columns import meaning
    from experiments.summary import show_rows

    rows = [(name, meaning(name)) for name in names]
    show_rows(
        (name, found.about if found else "axis of the sweep", found.unit if found else "") for name, found in rows
    )


def _level(frame: object, axes: list[str], text: str) -> tuple[str, float | str]:
    """An axis and one of its levels, from AXIS=LEVEL."""
    import pandas as pd

    from experiments.codec import Mistakes, unknown

    axis, equals, level = text.rpartition("=")
    if not equals:
        raise Mistakes([f"--against {text}: must be AXIS=LEVEL"])
    fit = [name for name in axes if name == axis or name.endswith(f".{axis}")]
    axis = fit[0] if len(fit) == 1 else axis
    if axis not in axes:
        raise Mistakes([unknown(f"--against {text}: no such axis", axis, axes)])
    assert isinstance(frame, pd.DataFrame)
    levels = {f"{x:g}" if isinstance(x, float) else str(x): x for x in frame[axis].unique().tolist()}
    for name, value in levels.items():
        if level == name or (isinstance(value, float) and _as_number(level) == value):
            return axis, value
    raise Mistakes([unknown(f"--against {text}: no such level", level, levels)])


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
