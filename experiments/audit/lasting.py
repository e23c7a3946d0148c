"""How long a run must be to tell what a change of rules does: a rule that takes longer than a run has not begun to work in it.

A window of 960 s is never full within 900, and a delay of a day pays nobody. What attacks such a rule then earns nothing, for the
run ends before anything matures; so a change is played for `TIMES` its own longest span, the rules as they were alike, on the
same seeds. Spans are what rules declare as such (`protocol.units.Seconds`), whoever wrote them.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from experiments.scenario import Scenario
from experiments.shapes import spans
from protocol.world import World

TIMES = 3.0  # its longest span: to begin, to be used, to be undone
LONGEST = 8  # times the run that was asked for


def taken(world: World) -> Counter[tuple[str, str, float]]:
    """Every span of every rule in force, in seconds: by the rule's kind, its field and the value."""
    return Counter(_spans(world))


def _spans(value: Any) -> Iterator[tuple[str, str, float]]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        mine = spans(type(value))
        for field in dataclasses.fields(value):
            part = getattr(value, field.name)
            if field.name in mine and 0 < part < math.inf:
                yield type(value).__name__, field.name, float(part)
            else:
                yield from _spans(part)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _spans(one)


def span(before: World, after: World) -> float:
    """The longest span, in seconds, of what one world has and the other has not; 0 where that has none."""
    new = taken(after) - taken(before)
    return max((seconds for _, _, seconds in new), default=0.0)


def times(before: World, after: World, duration: float) -> int:
    """How many times as long a run must be to tell what lies between both: a power of two; 0: longer than is played."""
    need = TIMES * span(before, after) / duration
    found = 1
    while found < need:
        found *= 2
    return found if found <= LONGEST else 0


def longer(scenario: Scenario, count: int) -> Scenario:
    """The scenario, going on for so many times as long."""
    return dataclasses.replace(scenario, duration=count * scenario.duration)


def unseen(scenario: Scenario) -> list[str]:
    """Rules in force that take longer than a run can show, the longest first, in words."""
    slow = [one for one in taken(scenario.world) if TIMES * one[2] > scenario.duration]
    return [f"{kind}.{name} = {seconds:,.4g} s" for kind, name, seconds in sorted(slow, key=lambda one: -one[2])]
