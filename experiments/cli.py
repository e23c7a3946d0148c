"""The command line: `undertow demo`, `list`, `show`, `fields`, `run`, `study`, `figures`, and what `commands` adds.

A mistake of the user's is one line on stderr and exit status 2, and leaves nothing behind; all that is asked for is checked
before anything is played. A broken law, or a study of which runs went wrong, is status 1. Anything else that goes wrong is a
bug of ours, and may trace. Heavy modules are imported by the commands that need them, so that `undertow --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, get_args

from cyclopts import App, CoercionError, CycloptsError, Parameter, Token, convert

from experiments.commands.attacks import attacks
from experiments.commands.audit import audit
from experiments.commands.contagion import contagion
from experiments.commands.harden import harden
from experiments.commands.incident import incident
from experiments.commands.search import search
from experiments.commands.sensitivity import sensitivity
from experiments.commands.sweep import results, sweep
from experiments.commands.validate import validate
from experiments.folders import free_for_record, free_for_several, write
from experiments.wishes import Together, changes_of, chosen, plugins_in, seated

if TYPE_CHECKING:
    from agents.game import Game
    from experiments.record import Record
    from experiments.scenario import Scenario

ROOT = Path(__file__).resolve().parents[1]
DEMO = "twap-window"
MISTAKE, BROKEN, INTERRUPTED = 2, 1, 130  # exit statuses


def whole(kind: Any, tokens: Sequence[Token]) -> Any:
    """What was typed, as this kind; a fraction is no whole number, and is refused where the parser would round it."""
    if kind is int or int in get_args(kind):
        for token in tokens:
            with suppress(ValueError):
                if not float(token.value).is_integer():
                    raise CoercionError(msg=f"{token.value} is not a whole number", token=token, target_type=int)
    return convert(kind, tokens)


app = App(
    name="undertow",
    help="How does this protocol die, what does the attack cost, and which setting stops it?",
    default_parameter=Parameter(negative=(), converter=whole),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Obey the command line; returns the exit status."""
    try:
        status = app(sys.argv[1:] if arguments is None else arguments, exit_on_error=False, print_error=False)
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
        from experiments.shelf import WentWrong
        from protocol.laws import LawBroken

        if isinstance(error, Mistakes):
            return _complain(error.lines, BROKEN if isinstance(error, WentWrong) else MISTAKE)
        if isinstance(error, LawBroken):
            return _complain(error.violations, BROKEN)
        raise
    return status if isinstance(status, int) else 0


def _complain(lines: Sequence[str], status: int) -> int:
    for line in lines:
        print("undertow:", " ".join(line.split()), file=sys.stderr)
    return status


# Commands

app.command(attacks)
app.command(audit)
app.command(contagion)
app.command(incident)
app.command(validate)

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

    print(dumps(find(scenario, plugins=plugins_in(plugin))), end="")


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
    classes = plugins_in(plugin)
    wishes = Together()
    folder = None if out is None else wishes.attempt(lambda: free_for_record(out))
    changes = wishes.attempt(lambda: changes_of(set_, seed, duration)) or {}
    one = wishes.attempt(lambda: chosen(scenario, klines, changes, classes))
    wishes.settle()
    assert one is not None, "settled"

    from experiments import summary
    from experiments.scenario import without
    from experiments.twins import Pair

    other = None if twin is None else without(one, twin)
    _clear_stale_caches()
    game = seated(one, check=check)
    rival = None if other is None else seated(other, check=check)
    record = _play(one, game)
    beside = None if other is None or rival is None else _play(other, rival)
    if folder is not None:
        write(folder, record, beside)
    pair = None if beside is None else Pair(record, beside)
    if json:
        print(record.to_json() if pair is None else summary.pair_to_json(pair, str(twin)))
    else:
        summary.show_record(record, pair, str(twin))


@app.command
def study(name: str, /, *, out: Out = Path("results"), workers: Workers = None, quick: Quick = False) -> None:
    """Run a study: its sweep, its table, its figure. Finished runs are kept: after any stop the same command goes on."""
    from experiments.codec import Mistakes, unknown

    found = studies()
    wishes = Together()
    wishes.attempt(lambda: _room_for_study(out, workers))
    if name not in found:
        wishes.lines.append(unknown(f"study = {name!r}: no such study", name, found))
    wishes.settle()
    _clear_stale_caches()
    from experiments.shelf import shelf

    with shelf(out, name, workers) as kept:
        try:
            print(found[name].main(out, workers=kept, quick=quick))
        except OSError as error:
            if error.errno is None:
                raise
            words = f"{(error.strerror or str(error)).lower()}; finished runs are kept, run it again to go on"
            raise Mistakes([f"--out {out}: {words}"]) from error


@app.command
def figures(*, out: Out = Path("results"), workers: Workers = None, quick: Quick = False) -> None:
    """Run every study, draw every figure, and put them on a page (gallery.md)."""
    wishes = Together()
    wishes.attempt(lambda: _room_for_study(out, workers))
    wishes.settle()
    for name in studies():  # one that cannot be drawn does not stop the others
        wishes.attempt(partial(study, name, out=out, workers=workers, quick=quick))
        print(flush=True)
    from experiments.gallery import write as write_page

    out.mkdir(parents=True, exist_ok=True)
    print(f"Written: {write_page(out, out / 'gallery.md', '')}")
    wishes.settle()


def _room_for_study(out: Path, workers: int | None) -> None:
    wishes = Together()
    wishes.attempt(lambda: free_for_several(out))
    if workers is not None and workers < 1:
        wishes.lines.append(f"--workers {workers}: must be 1 or more")
    wishes.settle()


app.command(
    "experiments.commands.probe:probe",
    name="probe",
    help="Search a scenario's protocol for a sequence of verbs that pays, whatever happens outside.",
)


def studies() -> dict[str, ModuleType]:
    """Modules of `experiments.studies` that ask a question, by name; the demonstration first."""
    import importlib
    import pkgutil

    import experiments.studies as home

    modules = [importlib.import_module(f"{home.__name__}.{info.name}") for info in pkgutil.iter_modules(home.__path__)]
    asking = [m for m in modules if hasattr(m, "NAME") and hasattr(m, "QUESTION") and hasattr(m, "main")]
    return {module.NAME: module for module in sorted(asking, key=lambda m: (m.NAME != DEMO, m.NAME))}


app.command(sweep)
app.command(results)
app.command(sensitivity)
app.command(search)
app.command(harden)

# Playing


def _play(scenario: Scenario, game: Game) -> Record:
    from tqdm import tqdm

    from experiments.run import play

    quiet = not sys.stderr.isatty()
    layout = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, desc=scenario.name, file=sys.stderr, disable=quiet, leave=False, bar_format=layout) as bar:
        return play(game, scenario, progress=lambda share: _advance(bar, share))


def _advance(bar: object, share: float) -> None:
    bar.update(share - bar.n)  # type: ignore[attr-defined]


def _clear_stale_caches() -> None:
    from protocol.compiled import stale

    with suppress(OSError):  # an installation that may not be written to has no stale caches either
        stale(ROOT / "protocol", ROOT / "agents")


if __name__ == "__main__":
    sys.exit(main())
