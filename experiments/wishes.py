"""What the command line is asked for, turned into values: changes, scenarios, plugins, a game that can be played.

Everything that can be wrong with a wish is found here, before anything is played or written. Heavy modules are imported
where they are used, so that asking for help stays quick.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from agents.game import Game
    from experiments.scenario import Scenario

T = TypeVar("T")

MOST_TICKS = 1_000_000_000  # of nature in a run: they lie in memory


class Together:
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


def changes_of(pairs: Sequence[str], seed: int | None, duration: float | None) -> dict[str, str]:
    """The values to put at dotted paths, as text, from `--set` and the shorthands."""
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


def chosen(name: str, klines: Sequence[Path], changes: dict[str, str], plugins: tuple[type, ...]) -> Scenario:
    """The scenario of that name, replaying the klines, with the changes made."""
    from experiments.overrides import override
    from experiments.scenario import find

    scenario = find(name, plugins=plugins)
    if klines:
        scenario = replaying(scenario, klines)
    return override(scenario, changes, plugins=plugins) if changes else scenario


def replaying(scenario: Scenario, files: Sequence[Path]) -> Scenario:
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


def seated(scenario: Scenario, *, check: bool) -> Game:
    """The game, ready to play, or the mistakes for which it cannot be: files, lengths, names, sizes."""
    from agents.nature.replay import Replay
    from experiments.codec import Mistakes
    from experiments.run import build
    from protocol.errors import Revert

    if isinstance(scenario.nature, Replay) and not scenario.nature.files:
        raise Mistakes([f"{scenario.name}: nature replays recorded bars; say which with --klines FILE"])
    if scenario.duration / scenario.nature.tick > MOST_TICKS:
        raise Mistakes([f"duration = {scenario.duration:g}: is more than {MOST_TICKS:,} ticks of nature"])
    try:
        return build(scenario, check=check)
    except OSError as error:
        raise Mistakes([f"{error.filename}: {(error.strerror or str(error)).lower()}"]) from error
    except (MemoryError, OverflowError) as error:
        raise Mistakes([f"{scenario.name}: too large to play: {error}"]) from error
    except (ValueError, Revert) as error:
        raise Mistakes([f"{scenario.name}: {line}" for line in str(error).splitlines()]) from error


def plugins_in(files: Sequence[Path]) -> tuple[type, ...]:
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
