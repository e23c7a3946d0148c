"""What stops an attack: a table of all changes that were tried, what each costs honest users, and what became of it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from experiments.arsenal.verdict import DEARER, KEPT, burden
from experiments.audit import lasting
from experiments.audit.changes import Tried
from experiments.audit.findings import Audit, Line
from experiments.audit.pages import Block, Heading, Paragraph, Sheet
from experiments.audit.telling import interval
from experiments.summary import number


def remedies(found: Audit, file: str) -> Iterator[Block]:
    """The section of the report; `file` holds the rules with all changes."""
    if found.paying:
        yield Heading("What stops them")
    for line in found.paying:
        rows = [(one.change.name, _earns(one), *_numbers(one), _state(found, line, one)) for one in line.tried]
        if rows:
            heads = ("change, against " + line.attack, "old attack earns", "open interest kept", "volume kept")
            yield Sheet(
                (*heads, "providers, bp", "slippage, bp", "fees, bp", "after a new search", ""),
                rows,
                right=(1, 2, 3, 4, 5, 6, 7),
            )
    if found.paying:
        yield Paragraph(
            "Each change meets the old attack first; of those that leave little, the price to honest users is measured without an"
            f" attacker. What keeps less than {KEPT:.0%} of open interest or volume is no defence. Nor is what makes a coin traded"
            f" cost more than {DEARER:g} times as much, slippage and fees: crowds here trade on at any price. The cheapest loses"
            " least open interest, then provider return, then slippage and fees. It holds where an attacker who searches anew"
            f" earns, with its whole interval, no more than a tenth and no more than {number(found.bound)}, and others lose no more"
            " than a tenth; under all changes together the same is asked."
        )
        yield Paragraph(
            f"A change is played for {lasting.TIMES:g} times the longest that its rules take (a window, a delay), the rules as"
            " they were alike, on the same seeds: in a shorter run it stops an attack only because nothing matures. What takes"
            f" more than {lasting.LONGEST} runs' length is not verified, and not recommended."
        )
    if found.changed is not None:
        yield Paragraph(f"The rules with all changes: {file}")


def _earns(one: Tried) -> str:
    return "" if math.isnan(one.old) else number(one.old)


def _numbers(one: Tried) -> tuple[str, ...]:
    after, cost = interval(one.after.profit if one.after else None), one.cost
    if cost is None:
        return ("", "", "", "", "", after)
    kept = (f"{cost.open_interest:.1%}", f"{cost.volume:.1%}")
    return (
        *kept,
        f"{1e4 * cost.provider_return:+.1f}",
        f"{1e4 * cost.slippage:+.2f}",
        f"{1e4 * cost.fees:+.2f}",
        after,
    )


def _state(found: Audit, line: Line, one: Tried) -> str:
    """What became of a change, in a few words."""
    if one.slow:
        return f"not verified: takes {one.slow:,.0f} s, a run lasts {found.scenario.duration:,.0f}"
    runs = "" if one.times == 1 else f", in runs of {one.times * found.scenario.duration:,.0f} s"
    return f"{_word(line, one)}{runs}"


def _word(line: Line, one: Tried) -> str:
    held = next((other.cost for other in line.tried if other.holds), None)
    if one.holds:
        return f"holds: the cheapest{' that was verified' if _doubted(line, one) else ''}"
    if one.cost is None:
        return "not priced" if one.fit else "leaves too much"
    if not one.cost.bearable:
        return "makes trade too dear" if one.cost.counts else "stops too much trade"
    if one.after is not None:
        return "does not hold"
    return "not verified" if held is None or burden(one.cost) < burden(held) else "a cheaper one holds"


def _doubted(line: Line, holding: Tried) -> bool:
    """Whether something that might be cheaper was not verified."""
    assert holding.cost is not None, "priced"
    mine = burden(holding.cost)
    return any(
        one.slow
        or (one.fit and one.after is None and (one.cost is None or (one.cost.bearable and burden(one.cost) < mine)))
        for one in line.tried
    )
