"""A scenario: one frozen value that is one run. World, cast, nature, seed, and nothing else.

`vary(scenario, "exchange.market.oracle.window", 600)` makes another one; bundled ones lie as TOML files in `scenarios/`, and
read like a description of a protocol.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from agents.crowds.base import Crowd
from agents.demand import OutsideDemand
from agents.nature.base import Nature
from agents.nature.gbm import GeometricBrownian
from agents.nature.reference import ReferenceVenue
from agents.player import Role
from experiments.codec import Mistakes, load
from protocol.instruments.synthetic import Synthetic
from protocol.world import World

FOLDER = Path(__file__).parent / "scenarios"


@dataclass(frozen=True)
class Scenario:
    """One run. `duration` in seconds; `patience`: seconds a transaction may wait in the mempool."""

    name: str = "scenario"
    about: str = ""
    world: World = field(default_factory=World)
    cast: tuple[Role, ...] = ()
    nature: Nature = field(default_factory=GeometricBrownian)
    references: tuple[ReferenceVenue, ...] = ()
    outside: OutsideDemand = field(default_factory=OutsideDemand)
    duration: float = 3_600.0
    patience: float = 120.0
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse a cast that does not fit the world."""
        wrong = []
        if not self.duration > 0:
            wrong.append(f"duration = {self.duration}: must be above 0 seconds")
        if not self.patience > 0:
            wrong.append(f"patience = {self.patience}: must be above 0 seconds")
        if not 0 <= self.seed < 2**63:
            wrong.append(f"seed = {self.seed}: allowed 0 to 2**63 - 1")
        labels = [role.label for role in self.cast]
        wrong += [
            f"cast: the name {label!r} stands twice" for label in sorted({x for x in labels if labels.count(x) > 1})
        ]
        exchanges = {exchange.name: exchange for exchange in self.world.exchanges}
        for role in self.cast:
            exchange = exchanges.get(role.exchange or self.world.exchanges[0].name)
            if exchange is None:
                wrong.append(f"cast.{role.label}.exchange = {role.exchange!r}: there are {', '.join(exchanges)}")
                continue
            markets = [market.name for market in exchange.markets]
            if role.market and role.market not in markets:
                wrong.append(f"cast.{role.label}.market = {role.market!r}: there are {', '.join(markets)}")
            market = next((m for m in exchange.markets if m.name == role.market), exchange.markets[0])
            if isinstance(market.instrument, Synthetic) and (role.base > 0 or isinstance(role, Crowd)):
                wrong.append(
                    f"cast.{role.label}.market = {market.name!r}: {market.instrument.token} is minted,"
                    f" and {type(role).__name__} brings {'a part of its stake' if not role.base else role.base} in it"
                )
            wrong += [f"cast.{role.label}.{line}" for line in role.misfits(self.world)]
        for exchange in self.world.exchanges:
            for market in exchange.markets:
                if market.instrument.base not in self.nature.assets:
                    wrong.append(
                        f"world.{exchange.name}.{market.name}.instrument.base = {market.instrument.base!r}:"
                        f" nature has {', '.join(self.nature.assets)}"
                    )
        if wrong:
            raise ValueError("\n".join(wrong))


def bundled() -> tuple[str, ...]:
    """Names of the scenarios that come with the project."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def find(name: str, *, plugins: Collection[type] = ()) -> Scenario:
    """A bundled scenario by name, or one from a TOML file. Raises Mistakes."""
    if name in bundled():
        return load(Scenario, FOLDER / f"{name}.toml", plugins=plugins)
    if name.endswith(".toml") or Path(name).exists():
        return load(Scenario, Path(name), plugins=plugins)

    near = difflib.get_close_matches(name, bundled(), 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise Mistakes(
        [f"scenario = {name!r}: no such bundled scenario or TOML file{hint} (there is: {', '.join(bundled())})"]
    )


def without(scenario: Scenario, label: str) -> Scenario:
    """The twin with one role taken out. Raises Mistakes if there is none of that name."""
    rest = tuple(role for role in scenario.cast if role.label != label)
    if len(rest) == len(scenario.cast):
        names = ", ".join(role.label for role in scenario.cast)
        raise Mistakes([f"cast = {label!r}: nobody of that name (there is: {names})"])
    return dataclasses.replace(scenario, cast=rest)
