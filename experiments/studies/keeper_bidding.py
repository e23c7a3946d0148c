"""Study: what keepers should bid for liquidations, in a priority gas auction, behind sealed bids, and in a Dutch auction.

A game of two keepers over the same falling market, under three rules: a fixed spread whose race everybody can read and raise,
the same with sealed bids, and an auction whose price falls until somebody comes. A strategy is how a keeper bids, and in the
auction how long it waits. Payoffs are estimated on common seeds; equilibria are nashpy's and, for keepers who are all alike,
where a population that copies success comes to rest; then each searches for a better answer among all bids. What is paid in
fees is the part of the prize that the race burns (Daian et al. 2020, "Flash Boys 2.0").
"""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from agents.roles.bidding_keeper import BiddingKeeper
from experiments.axes.base import Bound
from experiments.equilibrium.games import Game, Part, Strategy, profile
from experiments.equilibrium.responding import Round, respond
from experiments.equilibrium.solving import regret, symmetric
from experiments.figures.keeper_bidding import draw
from experiments.figures.style import stamp
from experiments.overrides import vary
from experiments.parallel import Workers, spread
from experiments.record import Record
from experiments.run import run
from experiments.scenario import Scenario, find
from experiments.statistics import estimate
from experiments.tables import cell, write
from protocol.ledger import Floats

NAME = "keeper-bidding"
QUESTION = "What should keepers bid for liquidations, and how much of the prize is burned?"

CURVE = {"kind": "Stairstep", "cut": 0.99, "step": 6}
DUTCH = {"kind": "Dutch", "curve": CURVE, "buf": 1.02, "tail": 900.0, "cusp": 0.9, "tip": 10.0, "penalty": 0.0}
READ, SEALED = {"kind": "PriorityFee"}, {"kind": "Sealed"}
NEVER = 1e12  # cash coins: no liquidation pays so much


class Style(NamedTuple):
    """How a keeper bids: at first and at the most (shares of the prize), what it believes of rivals, what it must earn."""

    bid_share: float
    most_share: float
    rivals: float = 0.5
    least_profit: float = 0.0


class Rule(NamedTuple):
    """How a liquidation is won, and what a keeper may do about it."""

    liquidation: dict[str, Any]
    ordering: dict[str, Any]
    styles: dict[str, Style]


HOME = {"stays home": Style(0.0, 0.0, 0.5, NEVER)}
RULES = {
    "read and raised": Rule(
        {"kind": "Full"},
        READ,
        HOME | {"bids 5 %": Style(0.05, 0.05), "up to 50 %": Style(0.05, 0.5), "up to 95 %": Style(0.05, 0.95)},
    ),
    "sealed": Rule(
        {"kind": "Full"},
        SEALED,
        HOME | {"bids 5 %": Style(0.05, 0.05), "bids 50 %": Style(0.5, 0.5), "bids 95 %": Style(0.95, 0.95)},
    ),
    "Dutch auction": Rule(
        DUTCH,
        READ,
        HOME
        | {
            "waits, 5 %": Style(0.05, 0.05, 0.0),
            "at once, 5 %": Style(0.05, 0.05, 1.0),
            "at once, 50 %": Style(0.05, 0.5, 1.0),
        },
    ),
}
KEEPERS = ("a", "b")
SEEDS, SEARCHED = range(1, 7), range(101, 103)
LEAST = 0.05  # probability below which a profile is left out of what is burned


@dataclasses.dataclass(frozen=True)
class Net:
    """What a keeper is paid: rewards, and lots at fair when taken, less the gas of all it sent; cash coins."""

    who: str

    def __call__(self, record: Record) -> float:
        """Of one run."""
        return won(record, self.who) - burned(record, self.who)


def won(record: Record, who: str) -> float:
    """Rewards, and what lots that it took over were worth beyond their price, at fair; cash coins."""
    events = record.events
    done = events[(events["kind"] == "liquidation") & (events["who"] == who)]
    fair = dict(zip(record.blocks["time"], record.blocks["dex.ETH-PERP.fair"], strict=True))
    total = 0.0
    for time, numbers in zip(done["time"], done["numbers"], strict=True):
        total += numbers["reward"]
        if numbers["taker"] == who:
            total += numbers["size"] * (numbers["price"] - fair[time])  # `size` is the trade that closes
    return total


def burned(record: Record, who: str) -> float:
    """Gas that somebody paid, base fee and tips; cash coins."""
    flows = record.flows
    return float(flows[(flows["reason"] == "gas") & (flows["source"] == who)]["cash"].sum())


def base(rule: Rule) -> Scenario:
    """A falling `leveraged-crash` with two keepers who read the mempool, where there is anything to read."""
    scenario = find("leveraged-crash")
    keepers = tuple(BiddingKeeper(name=name, cost=0.005, unwind=0.1) for name in KEEPERS)
    cast = (*(role for role in scenario.cast if role.label != "keeper"), *keepers)
    scenario = dataclasses.replace(scenario, cast=cast, duration=900.0)
    for path, value in {
        "nature.drift": (-4_000.0,),
        "nature.intensity": (8_000.0,),
        "exchange.losses": [{"kind": "Insurance"}],
        "exchange.insurance": 1e6,
        "exchange.liquidation": rule.liquidation,
        "chain.ordering": rule.ordering,
    }.items():
        scenario = vary(scenario, path, value)
    return scenario


def parts(rule: Rule) -> tuple[Part, ...]:
    """Two keepers with the same choices."""
    return tuple(
        Part(
            name,
            tuple(
                Strategy(title, {f"cast.{name}.{field}": value for field, value in style._asdict().items()})
                for title, style in rule.styles.items()
            ),
            Net(name),
        )
        for name in KEEPERS
    )


def space(name: str) -> tuple[Bound, ...]:
    """All bids."""
    fields = {"bid_share": 0.95, "most_share": 0.95, "rivals": 1.0}
    return tuple(Bound(f"cast.{name}.{field}", 0.0, most) for field, most in fields.items())


def grown(rule: Rule, *, workers: Workers = None, quick: bool = False) -> list[Round]:
    """The game under a rule, and what its equilibrium's best answers add."""
    return respond(
        base(rule),
        parts(rule),
        {name: space(name) for name in KEEPERS},
        SEEDS[:2] if quick else SEEDS,
        searching=SEARCHED,
        trials=8,
        rounds=1 if quick else 2,
        workers=workers,
    )


def rest(game: Game) -> Floats:
    """Where a population that copies success ends, from all styles alike: its shares. Both seats count as one."""
    own = 0.5 * (game.mean[0] + game.mean[1].T)
    return np.asarray(symmetric(own, np.full(len(own), 1.0 / len(own)), 400.0)[-1])


class Paid(NamedTuple):
    """A run of a profile of which the population plays `chance`."""

    chance: float
    scenario: Scenario


def shared(one: Paid) -> tuple[float, float]:
    """Prize, and what was burned for it; cash coins."""
    record = run(one.scenario)
    return sum(won(record, name) for name in KEEPERS), sum(burned(record, name) for name in KEEPERS)


def split(rule: Rule, mix: Floats, seeds: range, workers: Workers) -> dict[str, float]:
    """Prize and what is burned where everybody plays `mix`, cash coins a run with intervals over seeds."""
    seats, runs = parts(rule), []
    for first, second in itertools.product(range(len(mix)), repeat=2):
        if (chance := float(mix[first] * mix[second])) >= LEAST:
            scenario = profile(base(rule), (seats[0].strategies[first], seats[1].strategies[second]))
            runs += [Paid(chance, dataclasses.replace(scenario, seed=seed)) for seed in seeds]
    found = spread(shared, runs, workers=workers, title=NAME)
    weight = sum(one.chance for one in runs) / len(seeds)
    row: dict[str, float] = {"seeds": len(seeds)}
    for place, what in enumerate(("prize", "burned")):
        by_seed = dict.fromkeys(seeds, 0.0)
        for one, values in zip(runs, found, strict=True):
            by_seed[one.scenario.seed] += one.chance / weight * values[place]
        row |= dict(zip((what, f"{what}_low", f"{what}_high"), estimate(list(by_seed.values()))[:3], strict=True))
    return row


def payoffs(name: str, game: Game) -> list[dict[str, Any]]:
    """One row a profile: what both are paid, with intervals; cash coins a run."""
    rows = []
    for i, one in enumerate(game.parts[0].strategies):
        for j, other in enumerate(game.parts[1].strategies):
            row: dict[str, Any] = {"rule": name, "a": one.name, "b": other.name, "seeds": len(game.seeds)}
            for k, keeper in enumerate(KEEPERS):
                found = estimate(game.payoffs[k, i, j].tolist())
                row |= dict(
                    zip((f"paid_{keeper}", f"paid_{keeper}_low", f"paid_{keeper}_high"), found[:3], strict=True)
                )
            rows.append(row)
    return rows


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Play, solve, tabulate, draw; returns the summary."""
    profiles, mixes, splits, digests = [], [], [], []
    lines = [QUESTION, "", "Cash coins a run, with 95 % interval:"]
    for name, rule in RULES.items():
        told = grown(rule, workers=workers, quick=quick)
        game = told[0].game
        mix, seeds = rest(game), range(game.seeds[0], game.seeds[-1] + 1)
        profiles += payoffs(name, told[-1].game)
        digests += list(told[-1].game.digests.values())
        left = regret(game, (mix, mix))
        for place, style in enumerate(rule.styles):
            row = {"rule": name, "style": style, "rest": float(mix[place]), "regret": left.mean}
            row |= {"regret_low": left.low, "regret_high": left.high, "seeds": left.seeds}
            mixes.append(row | {k: float(told[0].solution.mix[n][place]) for n, k in enumerate(KEEPERS)})
        row = {"rule": name, **split(rule, mix, seeds, workers)}
        splits.append(row)
        shown = ", ".join(f"{s} {p:.0%}" for s, p in zip(rule.styles, mix, strict=True) if p > 0.005)
        lines.append(f"{name}: prize {cell(row, 'prize')}, burned {cell(row, 'burned')}")
        lines.append(f"    a population rests at {shown}; regret {left.mean:,.0f} [{left.low:,.0f}, {left.high:,.0f}]")
        for number, one in enumerate(told, 1):
            for part, chances in zip(one.game.parts, one.solution.mix, strict=True):
                pure = ", ".join(
                    f"{s.name} {p:.0%}" for s, p in zip(part.strategies, chances, strict=True) if p > 0.005
                )
                gained = one.gains[part.name]
                lines.append(
                    f"    round {number}, {part.name}: {pure}; a better answer gains {gained.mean:,.0f}"
                    f" [{gained.low:,.0f}, {gained.high:,.0f}]"
                )
    tables = {"": pd.DataFrame(splits), "-mixes": pd.DataFrame(mixes), "-profiles": pd.DataFrame(profiles)}
    write(out, {f"{NAME}{end}": table for end, table in tables.items()})
    paths = draw(tables[""], tables["-mixes"], tables["-profiles"], out, NAME, stamp(digests))
    lines += ["", f"{len(seeds)} paired seeds a profile, searched on others. Written: {', '.join(map(str, paths))}"]
    return "\n".join(lines)
