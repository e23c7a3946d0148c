"""Who attacks what: the arsenal, and where in a scenario each attack has a surface.

An attack that the scenario's own cast brings keeps its settings; the others come as they are by default. Of several markets
that could be attacked so, the one with the most honest trade is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from agents.attacks.base import Attack
from experiments.arsenal.trials import ATTACKER
from experiments.codec import Mistakes, unknown, variants
from experiments.defences.base import Defence
from experiments.scenario import Scenario
from protocol.genesis import genesis


class Seat(NamedTuple):
    """An attack, ready to be seated; or, where it has no surface here, what the markets lack."""

    attack: Attack
    lacks: str  # "" where it can be seated


def arsenal(plugins: Sequence[type] = ()) -> dict[str, type[Attack]]:
    """Every attack there is, by name; those of plugins too."""
    return dict(variants(Attack)) | {c.__name__: c for c in plugins if issubclass(c, Attack)}


def defences(plugins: Sequence[type] = ()) -> dict[str, Defence]:
    """Every defence there is, by name."""
    found = dict(variants(Defence)) | {c.__name__: c for c in plugins if issubclass(c, Defence)}
    return {name: kind() for name, kind in found.items()}


def chosen(names: Sequence[str], known: Mapping[str, object], what: str) -> list[str]:
    """The names asked for, or all. Raises Mistakes for those that nobody bears."""
    wrong = [
        unknown(f"{what} {name}: there is none of that name", name, sorted(known))
        for name in names
        if name not in known
    ]
    if wrong:
        raise Mistakes(wrong)
    return list(names) or sorted(known)


def benign(scenario: Scenario) -> Scenario:
    """The scenario without any attacker."""
    cast = tuple(role for role in scenario.cast if not isinstance(role, Attack))
    taken = [role.label for role in cast if role.label == ATTACKER]
    if taken:
        raise Mistakes([f"cast.{ATTACKER}: is no attack; that name is kept for whoever is seated to attack"])
    return dataclasses.replace(scenario, cast=cast)


def seat(kind: type[Attack], scenario: Scenario, trade: Mapping[str, float]) -> Seat:
    """Where this attack would sit. `trade`: honest open interest and volume by market path, cash coins."""
    own = next((role for role in scenario.cast if type(role) is kind), None)
    attack = kind() if own is None else own
    assert isinstance(attack, Attack)
    state = genesis(scenario.world, dict.fromkeys(scenario.nature.assets, 1.0))
    told = {listing: attack.surface(state, listing) for listing in state.markets}
    if own is not None:
        house = next(h for h in state.houses if h.name == (own.exchange or state.houses[0].name))
        at = state.find(house, own.market) if own.market else state.listings[house.index][0]
        return Seat(dataclasses.replace(attack, name=ATTACKER), told[at])
    open_ = [listing for listing, lacks in told.items() if not lacks]
    if not open_:
        return Seat(dataclasses.replace(attack, name=ATTACKER), "; ".join(dict.fromkeys(told.values())))
    best = max(open_, key=lambda listing: (trade.get(listing.path, 0.0), -listing.number))
    return Seat(dataclasses.replace(attack, name=ATTACKER, market=best.name, exchange=best.house.name), "")


def attacked(scenario: Scenario, attack: Attack) -> Scenario:
    """The scenario with that attacker, and no other, in its cast."""
    plain = benign(scenario)
    return dataclasses.replace(plain, cast=(*plain.cast, attack))
