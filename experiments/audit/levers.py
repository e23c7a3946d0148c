"""A protocol's own numbers, as levers: each a dotted path, and how far it may be turned.

Levers are what governance sets: fees, windows, margins, caps, spreads. Money is none (liquidity, insurance), for more of it is
no rule; nor is what defines a contract. Which of them an attack hangs on is found by turning each, the attacker deciding anew.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from experiments.audit.lasting import TIMES
from experiments.axes.base import Bound
from experiments.axes.written import bound_of, mistaken
from experiments.codec import Mistakes, unknown
from experiments.optimising import allowed
from experiments.overrides import varied
from experiments.scenario import Scenario
from experiments.shapes import spans
from protocol.instruments.base import Instrument
from protocol.world import UNCAPPED

REACH = 16.0  # a lever goes from a sixteenth to sixteen times what it is, as far as the rules allow
MONEY = ("liquidity", "insurance", "liquidator", "supply")
NEVER_BINDING = 0.01 * UNCAPPED  # what is as large as this is a cap that caps nothing


def levers(scenario: Scenario) -> tuple[Bound, ...]:
    """Every lever of a scenario's exchanges, on a logarithmic scale."""
    found = []
    for exchange in scenario.world.exchanges:
        for path, value in _numbers(exchange, f"exchanges.{exchange.name}"):
            low, high = (allowed(partial(_stands, scenario, path), value, f) for f in (1.0 / REACH, REACH))
            if low < 0.999 * value or high > 1.001 * value:
                found.append(Bound(path, low, high, "log", path))
    return tuple(found)


def given(scenario: Scenario, texts: Sequence[str]) -> tuple[Bound, ...]:
    """Levers as written down: PATH=LOW:HIGH, with :log if you like. Raises Mistakes, all of them."""
    known = {lever.path: lever for lever in levers(scenario)} if texts else {}
    wrong, found = [], []
    for text in texts:
        path = text.partition("=")[0]
        path = path if path.startswith("exchanges.") else _longer(path, known)
        if path not in known:
            wrong.append(unknown(f"--over {text}: no such lever", path, known))
            continue
        try:
            found.append(bound_of(text, path, path, "PATH", ("log",)))
        except Mistakes as mistakes:
            wrong += mistakes.lines
    wrong += mistaken(found, lambda bound, value: turned(scenario, bound.path, value))
    wrong += [line for bound in found for line in too_long(scenario, bound)]
    if wrong:
        raise Mistakes(list(dict.fromkeys(wrong)))
    return tuple(found)


def _longer(path: str, known: Mapping[str, Bound]) -> str:
    """The one lever whose path ends so, as in `ETH-PERP.oracle.window`; the path itself where that is none, or several."""
    fit = [one for one in known if one.endswith(f".{path}")]
    return fit[0] if len(fit) == 1 else path


def value_of(scenario: Scenario, path: str) -> float:
    """What stands at a lever's path now."""
    return next(
        value
        for exchange in scenario.world.exchanges
        for at, value in _numbers(exchange, f"exchanges.{exchange.name}")
        if at == path
    )


def turned(scenario: Scenario, path: str, value: float) -> Scenario:
    """The scenario with one lever turned. Raises Mistakes where that cannot be."""
    return varied(scenario, {path: float(value)})


def too_long(scenario: Scenario, lever: Bound) -> list[str]:
    """A line where a lever goes on to spans longer than a run of the scenario can show, beyond what it has now."""
    most = longest(scenario, lever.path)
    if lever.high <= most:
        return []
    need = f"a run must last {TIMES:g} times as long to show what it does; or give --duration {TIMES * lever.high:g}"
    return [
        f"--over {lever.path}={lever.low:g}:{lever.high:g}: high = {lever.high:g}: must be {most:g} or less, {need}"
    ]


def longest(scenario: Scenario, path: str) -> float:
    """The largest value of a lever that runs of this length can show; inf where it is no span."""
    slow = {
        at
        for exchange in scenario.world.exchanges
        for at, _, takes in _fields(exchange, f"exchanges.{exchange.name}")
        if takes
    }
    return max(scenario.duration / TIMES, value_of(scenario, path)) if path in slow else math.inf


def _numbers(value: Any, path: str) -> Iterator[tuple[str, float]]:
    """Floats above zero below a rule, by path."""
    return ((at, number) for at, number, _ in _fields(value, path))


def _fields(value: Any, path: str) -> Iterator[tuple[str, float, bool]]:
    """The same, and whether a number is seconds that the rule takes."""
    kind: type = type(value)
    takes = spans(kind)
    for field in dataclasses.fields(value):
        part, at = getattr(value, field.name), f"{path}.{field.name}"
        if isinstance(part, float) and field.name not in MONEY and 0 < part < NEVER_BINDING:
            yield at, part, field.name in takes
        elif isinstance(part, tuple):
            names = [getattr(one, "name", "") for one in part]
            for n, one in enumerate(part):
                if dataclasses.is_dataclass(one):
                    known = bool(names[n]) and names.count(names[n]) == 1
                    yield from _fields(one, f"{at}.{names[n] if known else n}")
        elif dataclasses.is_dataclass(part) and not isinstance(part, Instrument):
            yield from _fields(part, at)


def _stands(scenario: Scenario, path: str, value: float) -> bool:
    try:
        turned(scenario, path, value)
    except Mistakes:
        return False
    return True
