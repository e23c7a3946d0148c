"""Rivals: who attacks the designs of a hardening, and the whole arsenal once more against the design that is chosen.

Those that see a chance under the rules as they are search there once, and the worst of them answer every design. That leaves out
whom only the new rules, or other prices, let in. So the chosen design meets everybody on every path, each by a run with its own
settings (or the best that it has been known to play); who sees a chance searches, and is judged on held-out seeds.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from agents.attacks.base import Attack
from experiments.arsenal.seating import attacked, seat
from experiments.audit.bench import Bench
from experiments.audit.binding import first_look
from experiments.audit.findings import Line
from experiments.audit.hunting import GENERATION_COST, SEEDS, Hunt, funded, hunted, of, profit
from experiments.audit.levers import longest
from experiments.audit.paths import PricePath
from experiments.audit.screening import screened
from experiments.axes.base import Bound
from experiments.axes.latin_hypercube import LatinHypercube
from experiments.codec import Mistakes
from experiments.scenario import Scenario
from experiments.search import space
from experiments.statistics import Estimate, estimate

MOST_ATTACKS, MOST_LEVERS = 3, 4
LOOK = GENERATION_COST + len(SEEDS)  # runs: a search, and what it found on held-out seeds


class Arsenal(NamedTuple):
    """Everybody who might attack: their kinds, honest trade by market (cash coins), the capital of each, and the user's own."""

    kinds: Mapping[str, type[Attack]]
    trade: Mapping[str, float]
    capital: float | None
    own: tuple[Attack, ...] = ()  # as the user's cast has them

    def seated(self, plain: Scenario) -> dict[str, Attack]:
        """Those that have something to live on under a scenario's rules, by name of their class."""
        scenario = dataclasses.replace(plain, cast=(*plain.cast, *self.own))
        seats = {name: seat(kind, scenario, self.trade) for name, kind in self.kinds.items()}
        return {name: funded(one.attack, self.capital) for name, one in seats.items() if not one.lacks}


def attackers(
    bench: Bench, plain: Scenario, arsenal: Arsenal, path: PricePath
) -> tuple[list[Hunt], list[str], list[str]]:
    """Attacks that earn under the rules as they are, each having searched once, and the worst of them: at most `MOST_ATTACKS`.

    Besides: the names of those that earn too and are left out, and what is not known.
    """
    lines: list[Line] = [screened(bench, plain, role, [path]) for role in arsenal.seated(plain).values()]
    open_ = [line.hunt for line in lines if line.hunt is not None and line.state == "not searched"]
    open_.sort(key=lambda hunt: -hunt.worth)
    short = [f"{line.attack}: not screened{line.why and f': {line.why}'}" for line in lines if line.hunt is None]
    found: list[Hunt] = []
    for hunt in open_:
        name = type(hunt.attack).__name__
        if bench.left < GENERATION_COST:
            short.append(f"{name}: its settings were not searched")
            continue
        one = hunted(bench, "attackers' searches", hunt, 1)
        if one.best is None:
            short.append(f"{name}: the runs of its search went wrong")
        elif one.worth > 0:
            found.append(one)
        elif one.wrong:
            short.append(f"{name}: its search found nothing, but {one.wrong} of its runs went wrong")
    found.sort(key=lambda one: -one.worth)
    return found[:MOST_ATTACKS], [type(one.attack).__name__ for one in found[MOST_ATTACKS:]], short


def levers_of(bench: Bench, hunts: Sequence[Hunt]) -> tuple[Bound, ...]:
    """The levers whose turning takes most from the worst attack, on a few seeds; spans as far as a run can show them."""
    if not hunts:
        return ()
    turns, _, _ = first_look(bench, hunts[0], min(bench.left, bench.budget // 5))
    found = [turn.bound for turn in turns if turn.least < 0.9 * turn.plain]
    shown = [dataclasses.replace(one, high=min(one.high, longest(hunts[0].scenario, one.path))) for one in found]
    return tuple(shown[:MOST_LEVERS])


def drawn(hunt: Hunt, count: int, seed: int) -> list[Attack]:
    """So many settings of an attack, spread over all that it may be set to; none where it has no numbers of its own."""
    try:
        bounds = space(attacked(hunt.scenario, hunt.attack), hunt.attack, ())
    except Mistakes:
        return []
    levels = LatinHypercube(bounds, count, seed=seed).levels()
    return [dataclasses.replace(hunt.attack, **{b.column: level.changes[b.path] for b in bounds}) for level in levels]


class Meeting(NamedTuple):
    """The whole arsenal against a design: who saw a chance, and what that is worth on held-out seeds (cash coins), by label."""

    newcomers: Mapping[str, Hunt]
    profits: Mapping[str, Estimate]
    seated: tuple[str, ...]  # all that have something to live on
    short: tuple[str, ...]  # what is not known


def label(name: str, path: str, main: str) -> str:
    """What an attack on a path is called; by its name alone on the path that is hardened under."""
    return name if path == main else f"{name} ({path})"


def meet(
    bench: Bench,
    plain: Scenario,
    arsenal: Arsenal,
    paths: Sequence[PricePath],
    known: Mapping[str, Sequence[Attack]],
) -> Meeting:
    """Everybody on every path, the first of which is that hardened under.

    `known`: by label, who has been judged already, with the settings that have paid; they are tried elsewhere, too.
    """
    newcomers: dict[str, Hunt] = {}
    profits: dict[str, Estimate] = {}
    short: list[str] = []
    unseen: list[str] = []
    unsearched: list[str] = []
    roles = arsenal.seated(plain)
    for (name, role), path in itertools.product(roles.items(), paths):
        tag = label(name, path.name, paths[0].name)
        if tag in known:
            continue
        starts = tuple(one for other, some in known.items() if other.partition(" ")[0] == name for one in some)
        line = screened(bench, plain, starts[0] if starts else role, [path])
        if line.state == "stays home":
            continue
        if line.hunt is None or bench.left < LOOK:
            (unseen if line.hunt is None else unsearched).append(f"{tag}{line.why and f' ({line.why})'}")
            continue
        hunt = hunted(bench, "meeting", Hunt(line.hunt.scenario, role, starts), 1)
        runs = bench.play("meeting", [of(hunt.best or role, hunt.scenario, seed) for seed in SEEDS])
        values = [profit(one) for one in runs]
        lost = sum(map(math.isnan, values))
        if hunt.wrong + lost:
            short.append(f"{tag}: {hunt.wrong + lost} runs of its search under the hardened design went wrong")
        if not lost:
            newcomers[tag], profits[tag] = hunt, estimate(values)
    if unseen:
        short.append(f"not looked at under the hardened design: {', '.join(unseen)}")
    if unsearched:
        short.append(f"seeing a chance under the hardened design, and not searched there: {', '.join(unsearched)}")
    return Meeting(newcomers, profits, tuple(roles), tuple(short))
