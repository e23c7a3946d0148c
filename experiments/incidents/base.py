"""An incident: what was there, what was done, what came of it, and which rule would have stopped it.

A replay is a script: it knows what was done, and does it on this project's chain, venues, oracles and loan pools. Inputs are
initial conditions and actions; whatever was chosen so that the rest comes out is said to be tuned, and is not graded. A `Grade`
holds a number that was not put in against the published one; where the inputs alone decide it, by an identity that the machine
has to keep, it says so, and where an input decides it that is not as recorded, it is shown and not graded. A cure is the same
script under another rule; an adversary is the project's own attacker in the script's place, with the same capital. Every play
verifies the laws after every block.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import pandas as pd

import experiments.incidents as home
from experiments.codec import Mistakes, unknown
from experiments.incidents.books import Books
from experiments.incidents.script import Script
from experiments.record import Record
from experiments.run import build, play
from experiments.scenario import Scenario
from experiments.validation.base import Missing, Range
from protocol import laws
from protocol.state import State

HISTORY, ADVERSARY = "history", "adversary"  # courses that every incident has, and that some have


class Input(NamedTuple):
    """What was put in. `tuned` says for what it was chosen, where nobody has recorded it; "": recorded."""

    name: str
    value: str
    source: str
    tuned: str = ""


class Course(NamedTuple):
    """How it went. `track`: a row a block, by seconds. `refused`: deeds of the script that failed, and why; "": none."""

    record: Record
    track: pd.DataFrame
    refused: str

    def last(self, name: str) -> float:
        """A number of the track, when all was over."""
        return float(self.track[name].iloc[-1])

    def at(self, time: float, name: str) -> float:
        """A number of the track as of `time` seconds."""
        return float(self.track[name].loc[:time].iloc[-1])

    def most(self, name: str) -> float:
        """The largest that a number of the track ever was."""
        return float(self.track[name].max())

    def gain(self, who: str = "attacker") -> float:
        """Wealth of a group at the end less what it began with, cash coins at fair; nan where there is none of that name."""
        return float(self.record.metrics.get(f"gain.{who}", math.nan))


Courses = Mapping[str, Course]


class Other(NamedTuple):
    """Another course of the same incident: what is different, and the scenario."""

    what: str
    scenario: Callable[[], Scenario]


@dataclass(frozen=True)
class Grade:
    """A published number, and how ours is read off the courses. `what` names its unit; `tolerance` is in the same."""

    id: str  # such as "B3-fraction": the reference's own number first
    what: str
    published: float | Range
    tolerance: float
    read: Callable[[Courses], float]
    miss: str = ""  # why it is missed, where it is known to be
    expected: tuple[float, float] = (math.nan, math.nan)  # where ours then lies; elsewhere it is missed like any other
    quick: float = float("nan")  # the tolerance with fewer seeds, where there is chance in it; nan: the same
    follows: str = (
        ""  # the inputs that it follows from: the machine keeps its books, and nothing is found; "": from none alone
    )
    calibrated: str = ""  # the input that decides it and is not as recorded: shown, and no claim; "": graded


class Picture(NamedTuple):
    """What the figure shows: a column of the track, and what it says. `scale`: "linear", "log" or "symlog"."""

    column: str
    label: str  # with its unit
    message: str
    scale: str = "linear"
    minutes: bool = False  # time in minutes


@dataclass(frozen=True)
class Incident:
    """One incident. `read` is asked after every block; `seeds`: how many it is played with, 1 where there is no chance in it."""

    title: str
    date: str
    source: str
    about: str
    inputs: tuple[Input, ...]
    scenario: Callable[[], Scenario]
    read: Callable[[Books], dict[str, float]]
    grades: tuple[Grade, ...]
    picture: Picture
    cures: Mapping[str, Other] = field(default_factory=dict)
    adversary: Other | None = None
    seeds: int = 1
    attacked: bool = True  # somebody gained by it, and a cure is to leave him less
    deeds: bool = True  # every deed is held to the laws, and not every block alone; no where a crowd does too many

    def courses(self) -> dict[str, Callable[[], Scenario]]:
        """Every course by its name: what happened, each cure, the adversary's."""
        found = {HISTORY: self.scenario} | {name: other.scenario for name, other in self.cures.items()}
        return found if self.adversary is None else found | {ADVERSARY: self.adversary.scenario}


def incidents() -> dict[str, Incident]:
    """Every incident by its name on the command line: its module's, with dashes."""
    modules = [importlib.import_module(f"{home.__name__}.{info.name}") for info in pkgutil.iter_modules(home.__path__)]
    return {
        module.__name__.rpartition(".")[2].replace("_", "-"): module.INCIDENT
        for module in modules
        if hasattr(module, "INCIDENT")
    }


def find(name: str) -> Incident:
    """An incident by its name. Raises Mistakes."""
    known = incidents()
    if name not in known:
        raise Mistakes([unknown(f"incident {name}: no such incident", name, sorted(known))])
    return known[name]


def missing(one: Incident) -> str:
    """What it needs and is not on this machine; "": it can be played."""
    try:
        one.scenario()
    except Missing as told:
        return str(told)
    return ""


def follow(scenario: Scenario, read: Callable[[Books], dict[str, float]], deeds: bool = True) -> Course:
    """Play a scenario with the laws verified, of `deeds` as well, and read it off after every block."""
    clerk = Clerk()
    game = build(scenario, witness=clerk if deeds else None)
    scripts = {player.label: player.memory for player in game.players if isinstance(player.role, Script)}
    clerk.watched = {account for memory in scripts.values() for account in memory["purses"].values()}
    books, rows = Books(game.state, scripts), list[dict[str, float]]()

    def watch(state: State) -> None:
        laws.check(state)
        rows.append({"time": state.time, **read(books.of(state))})

    record = play(game, scenario, watch=watch)
    told = record.events[record.events["kind"] == "refused"]
    refused = [str(numbers["what"]) for numbers in told["numbers"]] + clerk.failed
    return Course(record, pd.DataFrame(rows).set_index("time"), "; ".join(refused))


class Clerk(laws.Judge):
    """Holds every deed to the laws, and writes down which of a script's failed on the chain although it could be simulated."""

    def __init__(self) -> None:
        self.watched: set[int] = set()
        self.failed: list[str] = []

    def after(self, state: State, seen: laws.Snapshot, verb: str, account: int, reverted: bool, outcome: Any) -> None:
        """Judge the deed, and note it if it failed."""
        super().after(state, seen, verb, account, reverted, outcome)
        if reverted and account in self.watched:
            self.failed.append(f"{verb} failed at {state.time:g} s")


@cache
def played(name: str, seed: int) -> dict[str, Course]:
    """Every course of an incident with one seed."""
    one = find(name)
    return {
        course: follow(dataclasses.replace(scenario(), name=f"{name}, {course}", seed=seed), one.read, one.deeds)
        for course, scenario in one.courses().items()
    }
