"""`undertow probe`: is there a sequence of verbs that leaves whoever sends it richer, whatever prices do?

Exit status 0: none was found in the budget. 3: one was, and is printed as a recipe. A mistake of the user's is 2, as everywhere.
"""

from __future__ import annotations

import json as text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from experiments.wishes import Together, chosen, plugins_in

if TYPE_CHECKING:
    from agents.probing.search import Report
    from agents.probing.stage import Stage

FOUND = 3  # exit status


def probe(
    scenario: str,
    /,
    *,
    budget: Annotated[int, Parameter(help="Probes: sequences of verbs that are tried.")] = 5_000,
    seed: Annotated[int, Parameter(help="Seed of the search.")] = 1,
    after: Annotated[
        float, Parameter(help="Seconds of the scenario's play before the search; prices stand still from then.")
    ] = 0.0,
    capital: Annotated[
        float, Parameter(help="Cash coins to begin with, in three accounts, and as much again in every token.")
    ] = 300_000.0,
    least: Annotated[float, Parameter(help="Cash coins that a sequence must earn to be a find.")] = 0.001,
    carry: Annotated[
        float, Parameter(help="What waiting may earn and be no find: per year and cash coin of capital.")
    ] = 10.0,
    set_: Annotated[
        tuple[str, ...], Parameter(name="--set", help="PATH=VALUE, as in exchange.market.oracle.window=600.")
    ] = (),
    plugin: Annotated[
        tuple[Path, ...], Parameter(help="Python file with rules or roles of your own. It is executed.")
    ] = (),
    json: Annotated[bool, Parameter(help="Print the find, and how to play it again, as one JSON object.")] = False,
) -> None:
    """Search a scenario's protocol for a sequence of verbs that pays, whatever happens outside."""
    from agents.probing.search import Search, search
    from experiments.codec import Mistakes
    from experiments.probing import stage_for
    from experiments.wishes import changes_of

    classes = plugins_in(plugin)
    wishes = Together()
    changes = wishes.attempt(lambda: changes_of(set_, None, None)) or {}
    one = wishes.attempt(lambda: chosen(scenario, (), changes, classes))
    for name, value, good, allowed in (
        ("after", after, one is None or 0.0 <= after <= one.duration, "0 to the scenario's duration, in seconds"),
        ("capital", capital, 1.0 <= capital < 1e12, "1 to below 1e12 cash coins"),
    ):
        if not good:
            wishes.lines.append(f"--{name} {value:g}: must be {allowed}")
    try:
        how = Search(budget=budget, seed=seed, least=least, carry=carry)
    except ValueError as error:
        wishes.lines += [f"--{line}" for line in str(error).splitlines()]
    wishes.settle()
    assert one is not None, "settled"

    try:
        stage = stage_for(one, after=after, capital=capital)
    except ValueError as error:
        raise Mistakes(str(error).splitlines()) from error
    report = search(stage, how)
    print(text.dumps(_plain(stage, how, report, one.name)) if json else "\n".join(_told(stage, how, report)))
    if report.find is not None:
        raise SystemExit(FOUND)


def _told(stage: Stage, how: Any, report: Report) -> list[str]:
    from agents.probing.recipes import recipe, starts_with
    from agents.probing.verbs import left_out

    find = report.find
    lines = []
    if find is None:
        lines.append(
            f"Nothing found in {report.probes:,} probes from seed {how.seed}: no sequence of verbs left its sender richer."
        )
        lines.append(
            f"The best earned {report.best:,.6f} cash coins; a find earns more than {how.least:g}, and than waiting may."
        )
    else:
        lines.append(
            f"FOUND after {report.probes:,} probes from seed {how.seed}: {find.profit:,.6f} cash coins, at unmoved prices."
        )
        lines += [f"Before: {starts_with(stage)}.", *recipe(stage, find.deeds)]
        if find.largest > find.profit:
            lines += [f"Scaled, it was seen to earn {find.largest:,.6f}:", *recipe(stage, find.most)]
    lines.append(f"{report.features:,} kinds of behaviour seen. Went through: {', '.join(report.reached)}.")
    lines.append(f"Never went through: {', '.join(report.untouched) or 'none'}. Not composed: {', '.join(left_out())}.")
    return lines


def _plain(stage: Stage, how: Any, report: Report, name: str) -> dict[str, Any]:
    from agents.probing.recipes import plain, recipe

    found = report.find
    return {
        "scenario": name,
        "seed": how.seed,
        "budget": how.budget,
        "probes": report.probes,
        "best": report.best,
        "features": report.features,
        "reached": list(report.reached),
        "untouched": list(report.untouched),
        "find": None
        if found is None
        else {
            "profit": found.profit,
            "largest": found.largest,
            "seconds": found.seconds,
            "recipe": recipe(stage, found.deeds),
            "deeds": plain(stage, found.deeds),
            "most": plain(stage, found.most),
        },
    }
