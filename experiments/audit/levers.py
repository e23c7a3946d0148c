"""A protocol's own numbers, as levers: each a dotted path, and how far it may be turned.

Levers are what governance sets: fees, windows, margins, caps, spreads. Money is none (liquidity, insurance), for more of it is
no rule; nor is what defines a contract. Which of them an attack hangs on is found by turning each, the attacker deciding anew.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from experiments.axes.base import Bound
from experiments.codec import Mistakes, unknown
from experiments.optimising import allowed
from experiments.overrides import varied
from experiments.scenario import Scenario
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
        path, _, rest = text.partition("=")
        low, _, tail = rest.partition(":")
        high, _, scale = tail.partition(":")
        path = path if path.startswith("exchanges.") else _longer(path, known)
        if path not in known:
            wrong.append(unknown(f"--over {text}: no such lever", path, known))
            continue
        try:
            if scale not in ("", "log"):
                raise ValueError("no such scale")
            found.append(Bound(path, float(low), float(high), "log" if scale else "linear", path))
        except ValueError as error:
            lines = [line for line in str(error).splitlines() if "low" in line]
            wrong += [f"--over {text}: {line}" for line in lines or ["must be PATH=LOW:HIGH, with :log if you like"]]
    for bound in found:
        for end in (bound.low, bound.high):
            try:
                turned(scenario, bound.path, end)
            except Mistakes as mistakes:
                wrong += [f"--over {bound.path}={bound.low:g}:{bound.high:g}: {line}" for line in mistakes.lines]
    paths = [bound.path for bound in found]
    wrong += [f"--over {path}: given twice" for path in sorted({p for p in paths if paths.count(p) > 1})]
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


def _numbers(value: Any, path: str) -> Iterator[tuple[str, float]]:
    """Floats above zero below a rule, by path."""
    for field in dataclasses.fields(value):
        part, at = getattr(value, field.name), f"{path}.{field.name}"
        if isinstance(part, float) and field.name not in MONEY and 0 < part < NEVER_BINDING:
            yield at, part
        elif isinstance(part, tuple):
            names = [getattr(one, "name", "") for one in part]
            for n, one in enumerate(part):
                if dataclasses.is_dataclass(one):
                    known = bool(names[n]) and names.count(names[n]) == 1
                    yield from _numbers(one, f"{at}.{names[n] if known else n}")
        elif dataclasses.is_dataclass(part) and not isinstance(part, Instrument):
            yield from _numbers(part, at)


def _stands(scenario: Scenario, path: str, value: float) -> bool:
    try:
        turned(scenario, path, value)
    except Mistakes:
        return False
    return True
