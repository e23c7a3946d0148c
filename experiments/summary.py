"""What a person reads of a run: tables in a terminal. And the lists that `undertow list` and `fields` print."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from rich.box import SIMPLE
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from agents.nature.base import Nature
from agents.pairings.base import Pairing
from agents.player import Role
from agents.routings.base import Routing
from experiments.axes.base import Axis
from experiments.defences.base import Defence
from experiments.record import Record
from experiments.shapes import variants
from experiments.twins import Pair
from protocol.access import Access
from protocol.blocks.base import BlockLaw
from protocol.funding.base import Funding
from protocol.hedging import Hedging
from protocol.instruments.base import Instrument
from protocol.liquidations.base import Liquidation
from protocol.losses.base import Loss
from protocol.margins.base import Margin
from protocol.oracles.base import Oracle
from protocol.orderings.base import Ordering
from protocol.rates.base import Rate
from protocol.venues.base import Venue

FAMILIES: Mapping[str, type] = {
    "instruments": Instrument,
    "oracles": Oracle,
    "rates": Rate,
    "venues": Venue,
    "margins": Margin,
    "liquidations": Liquidation,
    "losses": Loss,
    "orderings": Ordering,
    "blocks": BlockLaw,
    "funding": Funding,
    "access": Access,
    "hedging": Hedging,
    "defences": Defence,
    "natures": Nature,
    "routings": Routing,
    "pairings": Pairing,
    "axes": Axis,
}
PLAYERS = {"agents.roles": "roles", "agents.attacks": "attacks", "agents.crowds": "crowds"}
EXCHANGES_OF_EQUALS = (
    "genesis",
    "deposit",
    "withdraw",
    "trade",
    "liquidity",
    "reference",
    "pledge",
    "supply",
    "loan",
    "seizure",
    "issue",
    "reentry",
)  # nobody is poorer
MOST_FLOWS = 20
WIDTH = 120  # where there is no terminal to ask

EXCHANGE = {
    "liquidations": "liquidations",
    "liquidated": "liquidated, notional",
    "seizures": "seizures",
    "seized": "seized, collateral",
    "deficit": "bad debt",
    "uncovered": "of it paid by nobody",
    "written_off": "loans and mints written off",
    "underwater": "owed by accounts still open",
    "insurance": "insurance left",
}
MARKET = {
    "volume": ("volume", 1.0),
    "fills": ("fills", 1.0),
    "open_interest": ("mean open interest", 1.0),
    "mid_gap_rms": ("mid off fair, rms, bp", 1e4),
    "mid_gap_worst": ("mid off fair, worst, bp", 1e4),
    "latency_gap_rms": ("index off fair, rms, bp", 1e4),
    "latency_gap_p50": ("index off fair, median, bp", 1e4),
    "latency_gap_p95": ("index off fair, 95 % of blocks below, bp", 1e4),
    "latency_gap_worst": ("index off fair, worst, bp", 1e4),
    "index_age": ("age of the index, mean, s", 1.0),
    "index_age_p95": ("age of the index, 95 % of blocks below, s", 1.0),
}


def console() -> Console:
    """Plain text on stdout, as wide as the terminal; text is never read as markup."""
    width = None if sys.stdout.isatty() else WIDTH
    return Console(width=width, markup=False, highlight=False, emoji=False)


def number(value: object) -> str:
    """A number for a person; small ones keep their leading digits."""
    if not isinstance(value, int | float):
        return str(value)
    value = value or 0.0  # nobody reads -0
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}" if abs(value) >= 1 else f"{value:.3g}"


# Lists


def families() -> dict[str, list[tuple[str, str]]]:
    """Every family's variants with the first line of what they say of themselves."""
    found: dict[str, dict[str, type]] = {name: dict(variants(base)) for name, base in FAMILIES.items()}
    found |= {name: {} for name in PLAYERS.values()}
    for name, cls in variants(Role).items():
        family = next((family for home, family in PLAYERS.items() if cls.__module__.startswith(home)), "roles")
        found[family][name] = cls
    return {family: [(name, _first_line(cls)) for name, cls in members.items()] for family, members in found.items()}


def kinds() -> dict[str, type]:
    """Every class that `kind` can name."""
    return {name: cls for base in (*FAMILIES.values(), Role) for name, cls in variants(base).items()}


def _first_line(cls: type) -> str:
    return (inspect.getdoc(cls) or "").split("\n")[0]


def show_list(sections: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    """Print sections of names and what they are."""
    longest = max(len(name) for rows in sections.values() for name, _ in rows)
    for title, rows in sections.items():
        print(title)
        for name, about in rows:
            print(f"  {name:<{longest}}  {about}".rstrip())
        print()


def show_rows(rows: Iterable[tuple[str, str, str]]) -> None:
    """Print fields: path, default, what is allowed."""
    table = list(rows)
    first, second = (max((len(row[i]) for row in table), default=0) for i in (0, 2))
    for path, allowed, default in table:
        print(f"{path:<{first}}  {default:<{second}}  {allowed}".rstrip())


def show_frame(frame: pd.DataFrame) -> None:
    """Print a table with a row a row."""
    table = Table(box=SIMPLE, pad_edge=False)
    for name in frame.columns:
        table.add_column(
            str(name), justify="right" if pd.api.types.is_numeric_dtype(frame[name]) else "left", overflow="fold"
        )
    for row in frame.itertuples(index=False):
        table.add_row(*(number(value) for value in row))
    console().print(table)


# A run


def show_record(record: Record, pair: Pair | None, without: str) -> None:
    """Print what became of a run and, beside it, of its twin."""
    to, scenario, twin = console(), record.scenario, None if pair is None else pair.twin
    to.print(f"{scenario.name}: {scenario.about}" if scenario.about else scenario.name)
    to.print(f"seed {scenario.seed}, {scenario.duration:,.0f} s, {record.metrics['blocks']:,} blocks; amounts in cash")
    if twin is not None:
        to.print(f"The twin is the same run, on the same draws, without {without}.")
    for exchange in scenario.world.exchanges:
        names = {f"{exchange.name}.{key}": (title, 1.0) for key, title in EXCHANGE.items()}
        to.print(_compared(exchange.name, names, record, twin, _paid_by_step(record, exchange.name)))
        for market in exchange.markets:
            path = f"{exchange.name}.{market.name}"
            names = {f"{path}.{key}": title for key, title in MARKET.items()}
            to.print(_compared(path, names, record, twin))
    groups = [key[5:] for key in record.metrics if key.startswith("gain.")]
    to.print(_compared("gain of wealth", {f"gain.{group}": (group, 1.0) for group in groups}, record, twin))
    to.print(_who_paid(record))
    if len(notes := _notes(record)):
        to.print(sheet("what players noted", ("who", "what", "times", "the last"), notes, right=(2,)))
    to.print(f"digest {record.digest}", soft_wrap=True)
    if twin is not None:
        to.print(f"twin   {twin.digest}", soft_wrap=True)


def pair_to_json(pair: Pair, without: str) -> str:
    """A run as one JSON object that also holds its twin, and by how much each group ended richer than there."""
    row = json.loads(pair.run.to_json())
    row["twin"] = {"without": without, **json.loads(pair.twin.to_json()), "gain_over_twin": pair.losses()}
    return json.dumps(row, indent=2)


def sheet(title: str, head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int]) -> Group:
    """A titled table; columns numbered in `right` are aligned to the right."""
    table = Table(box=SIMPLE, pad_edge=False)
    for place, name in enumerate(head):
        table.add_column(name, justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return Group(Text(title, style="bold"), table)


def _compared(
    title: str,
    names: Mapping[str, tuple[str, float]],
    record: Record,
    twin: Record | None,
    more: Sequence[tuple[str, float]] = (),
) -> Group:
    """Metrics by their title, times their scale; and, if there is a twin, its own and the difference."""
    rows = []
    for key, (words, scale) in names.items():
        if key not in record.metrics:
            continue
        mine = scale * float(record.metrics[key])
        row = [words, number(mine)]
        if twin is not None:
            theirs = twin.metrics.get(key)
            row += ["", ""] if theirs is None else [number(scale * float(theirs)), number(mine - scale * float(theirs))]
        rows.append(row)
    width = 2 if twin is None else 4
    rows += [[words, number(value), "", ""][:width] for words, value in more]
    return sheet(title, ("", "run", "twin", "difference")[:width], rows, right=(1, 2, 3))


def _paid_by_step(record: Record, exchange: str) -> list[tuple[str, float]]:
    """What each step of the waterfall paid of the bad debt, out of the liquidations."""
    paid: dict[str, float] = {}
    for row in record.events[record.events["kind"] == "liquidation"].to_dict("records"):
        numbers = row["numbers"]
        if str(numbers.get("market", "")).startswith(f"{exchange}."):
            for key, value in numbers.items():
                if key.startswith("paid by "):
                    paid[key] = paid.get(key, 0.0) + float(value)
    return list(paid.items())


def _who_paid(record: Record) -> Group:
    """Who paid whom for what, both directions netted, the largest first."""
    net: dict[tuple[str, str, str], float] = {}
    flows = record.flows[~record.flows["reason"].isin(EXCHANGES_OF_EQUALS)]
    for row in flows.to_dict("records"):
        source, reason, target, cash = str(row["source"]), str(row["reason"]), str(row["target"]), float(row["cash"])
        back = (target, reason, source)
        if back in net:
            net[back] -= cash
        else:
            net[source, reason, target] = net.get((source, reason, target), 0.0) + cash
    forward = [(s, r, t, cash) if cash >= 0 else (t, r, s, -cash) for (s, r, t), cash in net.items()]
    rows = sorted((f for f in forward if f[3] and f[0] != f[2]), key=lambda f: (-f[3], f[:3]))
    left = f"; {len(rows) - MOST_FLOWS} smaller ones left out" if len(rows) > MOST_FLOWS else ""
    title = f"who paid (net; deposits and trades are in the record{left})"
    shown = [(s, r, t, number(cash)) for s, r, t, cash in rows[:MOST_FLOWS]]
    return sheet(title, ("from", "for", "to", "cash"), shown, right=(3,))


def _notes(record: Record) -> list[tuple[str, str, str, str]]:
    """Decisions that players wrote down, also those not to act: how often, and the numbers of the last."""
    seen: dict[tuple[str, str], tuple[int, Mapping[str, Any]]] = {}
    for row in record.events.to_dict("records"):
        if row["kind"] not in ("liquidation", "oracle update"):
            key = (str(row["who"]), str(row["kind"]))
            seen[key] = (seen.get(key, (0, {}))[0] + 1, row["numbers"])
    return [
        (who, kind, f"{count:,}", ", ".join(f"{name} {number(value)}" for name, value in numbers.items()))
        for (who, kind), (count, numbers) in sorted(seen.items())
    ]
