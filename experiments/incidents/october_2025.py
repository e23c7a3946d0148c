"""10 October 2025 on a perpetual exchange: liquidations, and winners closed out for what the bankrupt could not pay.

The runs are those of `experiments/validation/october_ten.py` in their quick form (200 traders over ten assets, from 21:00 UTC on);
five seeds of the whole hour are its claims, by `undertow validate --only B16`. The bars hold the day's cascade already, so neither
the fall nor its size is a result; ratios are. Bars of fifteen minutes know no seconds: that the first deleveraging came 61.7 s
after the first liquidation, and the burst of 11,279, are out of reach. That nobody is deleveraged for another asset, and that only
winners are, are rules here. No fund stood before the winners on that day; with one, as a cure, nobody is deleveraged.
"""

from __future__ import annotations

from collections.abc import Callable

from experiments.incidents.base import HISTORY, Courses, Grade, Incident, Input, Other, Picture
from experiments.incidents.books import Books
from experiments.scenario import Scenario
from experiments.validation import october_ten as day
from experiments.validation.base import Effort, Range

BARS = "Binance spot bars of fifteen minutes, 10 October 2025"


def insured() -> Scenario:
    """With a fund before the winners. Raises Missing."""
    return day.scenario(1, Effort.QUICK)


def scenario() -> Scenario:
    """As the exchange was: winners bear what the bankrupt cannot pay. Raises Missing."""
    return day.uninsured(insured())


def read(books: Books) -> dict[str, float]:
    """Open interest of the longs, all markets at their indices, $M."""
    state = books.state
    open_interest = sum(
        float(state.tables[one.interest_at][0]) / one.size_scale * books.index(one.name).value
        for one in state.listings[0]
    )
    return {"open": open_interest / 1e6}


def ratio(course: str, of: Callable[[day.Day], float]) -> Callable[[Courses], float]:
    """Read off a course's events."""
    return lambda all_: of(day.told_of(insured(), all_[course].record))


INCIDENT = Incident(
    title="10 October 2025: liquidations, and winners closed out",
    date="10 October 2025",
    source=day.SOURCE,
    about="Cross-margined traders over ten real assets through the crash; the recorded path holds the day's cascade already.",
    inputs=(
        Input("prices", "ten assets from 21:00 UTC on", BARS),
        Input("depth, and what traders hold of each", "by that day's trade before 20:00 UTC", BARS),
        Input(
            "margin", "a tenth to open, half of it to stay; 200 traders with 40,000 each", "scenario october-2025-ten"
        ),
        Input(
            "leverage, and how often they trade",
            "as in the bundled scenario",
            "not recorded",
            "what was liquidated, in multiples of equity; not graded here",
        ),
    ),
    scenario=scenario,
    read=read,
    grades=(
        Grade(
            "B16i-deleveraged",
            "deleveraged, as a share of liquidated (published: .382; .30 to .45 accepted)",
            Range(0.30, 0.45),
            0.0,
            ratio(HISTORY, lambda one: one.deleveraged / one.liquidated),
            miss="forced sales find a pool that always quotes, so that fewer accounts are bankrupt before they are sold",
            expected=(0.0, 0.2),
        ),
        Grade(
            "B16i-majors",
            "share of BTC, ETH and SOL in what was liquidated, of ten assets (published: in what was deleveraged, of 162)",
            0.644,
            0.1,
            ratio(HISTORY, lambda one: one.majors / one.liquidated),
            miss="depth and baskets go by the day's trade before, of which the three had 76 % of the ten's",
            expected=(0.76, 0.95),
        ),
        Grade(
            "B16i-insured",
            "deleveraged where a fund stands before the winners, as a share of liquidated",
            0.0,
            0.01,
            ratio("insured", lambda one: one.deleveraged / one.liquidated),
        ),
    ),
    picture=Picture(
        "open", "open interest, long ($M)", "Open interest falls alike with a fund and without", minutes=True
    ),
    cures={"insured": Other("a fund stands before the winners", insured)},
    seeds=5,
    attacked=False,
    deeds=False,
)
