"""Study: which window should a designer choose who expects to be attacked, and pays for lag?

A game of two. The designer chooses the window of a TWAP and is paid what those who stand behind the exchange gain: a short
window is pushed, a long one lags and feeds a sniper, who is there whatever is chosen. The attacker chooses how sure it must be,
and may stay at home. Starting from a few choices each, whatever answers the other's equilibrium play better is searched for
and added, until nobody finds anything.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd

from agents.attacks.stale_sniper import StaleSniper
from experiments.axes.base import Bound
from experiments.equilibrium.games import Gain, Part, Strategy
from experiments.equilibrium.responding import Round, respond
from experiments.figures.oracle_designer import draw
from experiments.figures.style import stamp
from experiments.overrides import vary
from experiments.parallel import Workers
from experiments.scenario import Scenario, find
from experiments.statistics import estimate
from experiments.tables import write

NAME = "oracle-designer"
QUESTION = "Which window should a designer choose who expects to be attacked, and pays for lag?"

WINDOW = "exchange.markets.ETH-PERP.oracle.window"
BEHIND = ("founders", "insurance", "treasury")  # who gains or loses with the design
WINDOWS = (24.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1_920.0, 3_840.0)  # seconds
VOLATILITY = 1.5  # a year: of a stormy month, so that lag has a price
NEVER = 1e12  # cash coins: no attack pays so much


def base(duration: float) -> Scenario:
    """The bundled `oracle-push` in a storm, with somebody in it who lives on lag."""
    scenario = vary(find("oracle-push"), "nature.volatility", (VOLATILITY,))
    sniper = StaleSniper(name="sniper", market="ETH-PERP")
    return dataclasses.replace(scenario, cast=(*scenario.cast, sniper), duration=duration)


def parts() -> tuple[Part, Part]:
    """The designer and the attacker, as they begin."""
    designer = Part("designer", tuple(Strategy(f"{w:g} s", {WINDOW: w}) for w in WINDOWS), Gain(BEHIND))
    attacker = Part(
        "attacker",
        (
            Strategy("stays home", {"cast.attacker.least_profit": NEVER}),
            Strategy("careful", {"cast.attacker.caution": 2.5}),
            Strategy("usual", {"cast.attacker.caution": 1.2}),
        ),
        Gain(("attacker",)),
    )
    return designer, attacker


SPACES = {
    "designer": (Bound(WINDOW, 12.0, 7_200.0, "log"),),
    "attacker": (
        Bound("cast.attacker.caution", 1.0, 4.0),
        Bound("cast.attacker.bid_share", 0.0, 0.9),
        Bound("cast.attacker.priority", 0.0, 1.0),
    ),
}


def rounds(*, workers: Workers = None, quick: bool = False) -> list[Round]:
    """The game, grown."""
    seeds, searching = (range(1, 4), range(101, 103)) if quick else (range(1, 7), range(101, 104))
    return respond(
        base(900.0 if quick else 3_600.0),
        parts(),
        SPACES,
        seeds,
        searching=searching,
        trials=4 if quick else 8,
        rounds=2 if quick else 3,
        workers=workers,
    )


def payoffs(last: Round) -> pd.DataFrame:
    """One row a profile of the last game: what both are paid, with intervals; cash coins."""
    game, rows = last.game, []
    for i, window in enumerate(game.parts[0].strategies):
        for j, style in enumerate(game.parts[1].strategies):
            row: dict[str, Any] = {"window": window.changes[WINDOW], "designer": window.name, "attacker": style.name}
            for k, part in enumerate(game.parts):
                mean, low, high, count = estimate(game.payoffs[k, i, j].tolist())
                row |= {f"{part.name}_mean": mean, f"{part.name}_low": low, f"{part.name}_high": high, "seeds": count}
            rows.append(row)
    return pd.DataFrame(rows)


def mixes(told: list[Round]) -> pd.DataFrame:
    """One row a round, part and strategy: its probability; and the round's regret. Cash coins."""
    rows = []
    for number, one in enumerate(told, 1):
        for place, part in enumerate(one.game.parts):
            for strategy, chance in zip(part.strategies, one.solution.mix[place], strict=True):
                changes = "; ".join(
                    f"{path.rpartition('.')[2]} {value:.4g}" for path, value in strategy.changes.items()
                )
                regret = one.solution.regret
                rows.append(
                    {"round": number, "part": part.name, "strategy": strategy.name, "settings": changes}
                    | {"chance": float(chance), "regret": regret.mean, "regret_low": regret.low}
                    | {"regret_high": regret.high, "seeds": regret.seeds}
                )
    return pd.DataFrame(rows)


def main(out: Path, *, workers: Workers = None, quick: bool = False) -> str:
    """Grow the game, tabulate, draw; returns the summary."""
    told = rounds(workers=workers, quick=quick)
    table, played = payoffs(told[-1]), mixes(told)
    write(out, {NAME: table, f"{NAME}-mixes": played})
    figure = draw(table, played, out, NAME, stamp(told[-1].game.digests.values()))
    lines = [QUESTION, ""]
    for number, one in enumerate(told, 1):
        regret = one.solution.regret
        lines.append(f"Round {number}: regret {regret.mean:,.0f} [{regret.low:,.0f}, {regret.high:,.0f}] cash coins")
        for part, mix, value in zip(one.game.parts, one.solution.mix, one.solution.value, strict=True):
            shown = ", ".join(f"{s.name} {p:.0%}" for s, p in zip(part.strategies, mix, strict=True) if p > 0.005)
            gained = one.gains.get(part.name)
            better = (
                f"; a better answer gains {gained.mean:,.0f} [{gained.low:,.0f}, {gained.high:,.0f}]" if gained else ""
            )
            lines.append(f"  {part.name}: {shown}; is paid {value:,.0f}{better}")
        if one.added:
            lines.append(f"  added: {', '.join(one.added)}")
    lines.append("")
    count = len(told[0].game.seeds)
    lines.append(f"{count} paired seeds (from 1) a profile; searched on others. Written: {', '.join(map(str, figure))}")
    return "\n".join(lines)
