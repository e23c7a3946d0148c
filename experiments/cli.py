"""The command line: `undertow demo`, `list`, `show`, `fields`, `run`, `study`, `figures`.

A mistake of the user's is one line on stderr and exit status 2, and leaves nothing behind; all that is asked for is checked
before anything is played. A broken law is status 1. Anything else that goes wrong is a bug of ours, and may trace. Heavy
modules are imported by the commands that need them, so that `undertow --help` answers at once.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, TypeVar

from cyclopts import App, CycloptsError, Parameter

if TYPE_CHECKING:
    from experiments.record import Record
    from experiments.scenario import Scenario

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]
DEMO = "twap-window"
MISTAKE, BROKEN, INTERRUPTED = 2, 1, 130  # exit statuses
MOST_TICKS = 1_000_000_000  # of nature in a run: they lie in memory
RECORD = {
    "blocks.parquet",
    "events.parquet",
    "flows.parquet",
    "scenario.toml",
    "record.json",
}  # files of a written record
TWIN = "twin"  # folder of the twin's record, inside its run's

app = App(
    name="undertow",
    help="How does this protocol die, what does the attack cost, and which setting stops it?",
    default_parameter=Parameter(negative=()),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Obey the command line; returns the exit status."""
    try:
        app(sys.argv[1:] if arguments is None else arguments, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _complain(["interrupted"], INTERRUPTED)
    except BrokenPipeError:  # whoever read us has seen enough, as in `undertow list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN
    except CycloptsError as error:
        return _complain([str(error)], MISTAKE)
    except Exception as error:
        from experiments.codec import Mistakes
        from protocol.laws import LawBroken

        if isinstance(error, Mistakes):
            return _complain(error.lines, MISTAKE)
        if isinstance(error, LawBroken):
            return _complain(error.violations, BROKEN)
        raise
    return 0


def _complain(lines: Sequence[str], status: int) -> int:
    for line in lines:
        print("undertow:", " ".join(line.split()), file=sys.stderr)
    return status


# Commands

Out = Annotated[Path, Parameter(help="Folder for tables and figures.")]
Workers = Annotated[int | None, Parameter(help="Processes to run on; as many as there are cores if not given.")]
Quick = Annotated[bool, Parameter(help="Fewer points and seeds: to see that it works, not to cite.")]
Plugins = Annotated[tuple[Path, ...], Parameter(help="Python file with rules or roles of your own. It is executed.")]


@app.command
def demo(*, out: Out = Path("results"), workers: Workers = None, quick: Quick = False) -> None:
    """Run the first study: how long must a TWAP be before pushing it stops paying?"""
    study(DEMO, out=out, workers=workers, quick=quick)


@app.command(name="list")
def list_() -> None:
    """List scenarios, studies, and every rule, player and process that a scenario may name."""
    from experiments import summary
    from experiments.scenario import bundled, find

    sections = {"scenarios": [(name, find(name).about) for name in bundled()]}
    sections["studies"] = [(name, module.QUESTION) for name, module in studies().items()]
    summary.show_list(sections | summary.families())


@app.command
def show(scenario: str, /, *, plugin: Plugins = ()) -> None:
    """Print a scenario as a complete TOML file."""
    from experiments.codec import dumps
    from experiments.scenario import find

    print(dumps(find(scenario, plugins=_plugins(plugin))), end="")


@app.command
def fields(prefix: str = "", /) -> None:
    """List the paths that `run --set` can change: what each allows, and its default.

    Parameters
    ----------
    prefix
        Where a path begins, such as `exchange.margin`, or the kind of a rule or player, such as `Keeper`.
    """
    from experiments import summary
    from experiments.codec import Mistakes, unknown
    from experiments.overrides import fields_of
    from experiments.scenario import Scenario

    entries = fields_of(Scenario)
    found = [entry for entry in entries if entry.path.startswith((prefix, f"world.{prefix}"))]
    kinds = summary.kinds()
    if not found and prefix in kinds:
        found = list(fields_of(kinds[prefix]))
    elif not found:
        heads = {entry.path.removeprefix("world.").split(".")[0] for entry in entries}
        raise Mistakes(
            [unknown(f"fields {prefix}: no path begins so, and no kind is called so", prefix, sorted(heads))]
        )
    summary.show_rows(found)


@app.command
def run(
    scenario: str,
    /,
    *,
    set_: Annotated[
        tuple[str, ...], Parameter(name="--set", help="PATH=VALUE, as in exchange.market.oracle.window=600.")
    ] = (),
    seed: Annotated[int | None, Parameter(help="Seed of every draw.")] = None,
    duration: Annotated[float | None, Parameter(help="Seconds to play.")] = None,
    klines: Annotated[
        tuple[Path, ...], Parameter(help="Recorded bars (CSV or Parquet) to replay as fair, one an asset of nature.")
    ] = (),
    out: Annotated[Path | None, Parameter(help="Folder for the record; must be new, empty, or hold a record.")] = None,
    json: Annotated[bool, Parameter(help="Print metrics and digest as one JSON object.")] = False,
    check: Annotated[bool, Parameter(help="Verify the laws after every block.")] = False,
    plugin: Plugins = (),
    twin: Annotated[str | None, Parameter(help="Also run the twin without this role, and compare.")] = None,
) -> None:
    """Run one scenario, bundled or a TOML file, and report what became of it."""
    classes = _plugins(plugin)
    wishes = _Together()
    folder = None if out is None else wishes.attempt(lambda: _free_for_record(out))
    changes = wishes.attempt(lambda: _changes(set_, seed, duration)) or {}
    chosen = wishes.attempt(lambda: _chosen(scenario, klines, changes, classes))
    wishes.settle()
    assert chosen is not None, "settled"

    from experiments import summary
    from experiments.scenario import without
    from experiments.twins import Pair

    other = None if twin is None else without(chosen, twin)
    _playable(chosen)
    if other is not None:
        _playable(other)
    _clear_stale_caches()
    record = _play(chosen, check=check)
    beside = None if other is None else _play(other, check=check)
    if folder is not None:
        _write(folder, record, beside)
    pair = None if beside is None else Pair(record, beside)
    if json:
        print(record.to_json() if pair is None else summary.pair_to_json(pair, str(twin)))
    else:
        summary.show_record(record, pair, str(twin))


@app.command
def study(name: str, /, *, out: Out = Path("results"), workers: Workers = None, quick: Quick = False) -> None:
    """Run a study: its sweep, its table, its figure."""
    from experiments.codec import unknown

    found = studies()
    wishes = _Together()
    wishes.attempt(lambda: _free_for_study(out))
    if workers is not None and workers < 1:
        wishes.lines.append(f"--workers {workers}: must be 1 or more")
    if name not in found:
        wishes.lines.append(unknown(f"study = {name!r}: no such study", name, found))
    wishes.settle()
    _clear_stale_caches()
    print(found[name].main(out, workers=workers, quick=quick))


@app.command
def figures(*, out: Out = Path("results"), workers: Workers = None, quick: Quick = False) -> None:
    """Run every study, and draw every figure."""
    for name in studies():
        study(name, out=out, workers=workers, quick=quick)
        print()


def studies() -> dict[str, ModuleType]:
    """Modules of `experiments.studies` that ask a question, by name; the demonstration first."""
    import importlib
    import pkgutil

    import experiments.studies as home

    modules = [importlib.import_module(f"{home.__name__}.{info.name}") for info in pkgutil.iter_modules(home.__path__)]
    asking = [m for m in modules if hasattr(m, "NAME") and hasattr(m, "QUESTION") and hasattr(m, "main")]
    return {module.NAME: module for module in sorted(asking, key=lambda m: (m.NAME != DEMO, m.NAME))}


# What is asked for


def _refuse(line: str) -> None:
    from experiments.codec import Mistakes

    raise Mistakes([line])


class _Together:
    """Attempt several things, and raise the mistakes of all of them at once on leaving."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def attempt(self, thing: Callable[[], T]) -> T | None:
        """What `thing` gives, or None where it was a mistake."""
        from experiments.codec import Mistakes

        try:
            return thing()
        except Mistakes as mistakes:
            self.lines.extend(mistakes.lines)
            return None

    def settle(self) -> None:
        """Raise what went wrong."""
        from experiments.codec import Mistakes

        if self.lines:
            raise Mistakes(self.lines)


def _changes(pairs: Sequence[str], seed: int | None, duration: float | None) -> dict[str, str]:
    from experiments.codec import Mistakes

    shorthands = (("seed", seed), ("duration", duration))
    given = [(f"{pair}", *pair.partition("=")) for pair in pairs]
    given += [(f"--{name} {value}", name, "=", str(value)) for name, value in shorthands if value is not None]
    changes: dict[str, str] = {}
    wrong = []
    for text, path, equals, value in given:
        if not (path.strip() and equals):
            wrong.append(f"--set {text}: must be PATH=VALUE; `undertow fields` lists the paths")
        elif path.strip() in changes:
            wrong.append(f"{text}: {path.strip()} is set twice")
        else:
            changes[path.strip()] = value
    if wrong:
        raise Mistakes(wrong)
    return changes


def _chosen(name: str, klines: Sequence[Path], changes: dict[str, str], plugins: tuple[type, ...]) -> Scenario:
    """The scenario of that name, replaying the klines, with the changes made."""
    from experiments.overrides import override
    from experiments.scenario import find

    scenario = find(name, plugins=plugins)
    if klines:
        scenario = _replaying(scenario, klines)
    return override(scenario, changes, plugins=plugins) if changes else scenario


def _replaying(scenario: Scenario, files: Sequence[Path]) -> Scenario:
    """The scenario with recorded bars as nature; its tick is kept, or the nearest that divides the bars is taken."""
    import csv
    from dataclasses import replace

    from agents.nature.klines import load
    from agents.nature.replay import Replay
    from experiments.codec import Mistakes

    nature = scenario.nature
    wrong, bars = [], []
    if len(files) != len(nature.assets):
        named = ", ".join(nature.assets)
        wrong.append(f"--klines: {len(files)} given, but nature has {len(nature.assets)} ({named}); one file an asset")
    for file in files:
        try:
            bars.append(load(str(file)))
        except OSError as error:
            wrong.append(f"{file}: {(error.strerror or str(error)).lower()}")
        except UnicodeDecodeError as error:
            wrong.append(f"{file}: not UTF-8 (byte {error.start})")
        except (ValueError, csv.Error) as error:
            wrong.append(str(error) if str(file) in str(error) else f"{file}: {error}")
    if wrong:
        raise Mistakes(wrong)

    length = bars[0].length
    ticks = max(4, round(length / nature.tick))
    tick = nature.tick if abs(ticks * nature.tick - length) <= 1e-9 * length else length / ticks
    names = tuple(map(str, files))
    if isinstance(nature, Replay):
        return replace(scenario, nature=replace(nature, files=names, tick=tick))
    return replace(scenario, nature=Replay(assets=nature.assets, start=(), tick=tick, files=names))


def _playable(scenario: Scenario) -> None:
    """Seat the game once, to learn whether it can be: files found, long enough, names known, sizes that fit."""
    from agents.nature.replay import Replay
    from experiments.codec import Mistakes
    from experiments.run import build, release
    from protocol.errors import Revert

    if isinstance(scenario.nature, Replay) and not scenario.nature.files:
        raise Mistakes([f"{scenario.name}: nature replays recorded bars; say which with --klines FILE"])
    if scenario.duration / scenario.nature.tick > MOST_TICKS:
        raise Mistakes([f"duration = {scenario.duration:g}: is more than {MOST_TICKS:,} ticks of nature"])
    try:
        release(build(scenario))
    except OSError as error:
        raise Mistakes([f"{error.filename}: {(error.strerror or str(error)).lower()}"]) from error
    except (MemoryError, OverflowError) as error:
        raise Mistakes([f"{scenario.name}: too large to play: {error}"]) from error
    except (ValueError, Revert) as error:
        raise Mistakes([f"{scenario.name}: {line}" for line in str(error).splitlines()]) from error


def _plugins(files: Sequence[Path]) -> tuple[type, ...]:
    """The dataclasses that files of the user's define."""
    import dataclasses
    import importlib.util

    from experiments.codec import Mistakes

    classes: list[type] = []
    for file in files:
        if not file.is_file():
            raise Mistakes([f"{file}: no such file"])
        name = f"undertow_plugin_{len(classes)}_{file.stem}"
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise Mistakes([f"{file}: not a Python file"])
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # annotations are looked up there
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # the user's code: whatever it is, it is their mistake
            raise Mistakes([f"{file}: {type(error).__name__}: {error}"]) from error
        own = [c for c in vars(module).values() if isinstance(c, type) and c.__module__ == name]
        if not any(dataclasses.is_dataclass(c) for c in own):
            raise Mistakes([f"{file}: defines no dataclass for a scenario to name"])
        classes += [c for c in own if dataclasses.is_dataclass(c)]
    return tuple(classes)


# Playing


def _play(scenario: Scenario, *, check: bool) -> Record:
    from tqdm import tqdm

    from experiments.run import run as play

    quiet = not sys.stderr.isatty()
    layout = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, desc=scenario.name, file=sys.stderr, disable=quiet, leave=False, bar_format=layout) as bar:
        return play(scenario, check=check, progress=lambda share: _advance(bar, share))


def _advance(bar: object, share: float) -> None:
    bar.update(share - bar.n)  # type: ignore[attr-defined]


def _clear_stale_caches() -> None:
    from protocol.compiled import stale

    with suppress(OSError):  # an installation that may not be written to has no stale caches either
        stale(ROOT / "protocol", ROOT / "agents")


# Writing


def _existing(folder: Path) -> Path:
    """The nearest folder that is there already."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _free_for_study(out: Path) -> None:
    home = _existing(out.resolve())
    if not home.is_dir():
        _refuse(f"--out {out}: {home.name} is a file, not a folder")
    if not os.access(home, os.W_OK | os.X_OK):
        _refuse(f"--out {out}: {home.name} may not be written to")


def _free_for_record(out: Path) -> Path:
    """Where a record can go: a folder that is new, empty, or holds a record and nothing else."""
    folder = out.resolve()
    _free_for_study(out)
    if folder.exists() and any(folder.iterdir()) and not _is_record(folder):
        _refuse(f"--out {out}: is not empty, and holds something else than an undertow record")
    return folder


def _is_record(folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()}
    twin = folder / TWIN
    return names >= RECORD and names <= RECORD | {TWIN} and (TWIN not in names or (twin.is_dir() and _is_record(twin)))


def _write(folder: Path, record: Record, twin: Record | None) -> None:
    """All of it or nothing: into a sibling first, which then takes the place of what was there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    former = folder.with_name(f".{folder.name}.{os.getpid()}.former")
    try:
        record.write(partial)
        if twin is not None:
            twin.write(partial / TWIN)
        if folder.exists():
            folder.rename(former)
        try:
            partial.rename(folder)
        except OSError:
            if former.exists():
                former.rename(folder)
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
