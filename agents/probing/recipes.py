"""A find in words: who does what, where, with how much; and as plain values, for whoever wants to play it again elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from agents.probing.sizes import ROWS, row_of
from agents.probing.stage import Deed, Seal, Stage
from agents.probing.verbs import PLACES
from protocol.state import House, Issue, State

AMOUNTS = ("units", "shares", "cash", "base", "most")


def names(stage: Stage) -> dict[int, str]:
    """What accounts are called: one's own by letters, others by their group and number."""
    ledger = stage.state.ledger
    found = {account: f"{ledger.groups[ledger.group[account]]}#{account}" for account in range(ledger.accounts)}
    found |= {account: chr(ord("A") + number) for number, account in enumerate(stage.own)}
    return found


def recipe(stage: Stage, deeds: Sequence[Deed]) -> list[str]:
    """One line a deed."""
    called = names(stage)
    lines = []
    for number, deed in enumerate(deeds, 1):
        if isinstance(deed, Seal):
            what = f"{'':8}{deed.blocks} block{'s' if deed.blocks > 1 else ''} of {stage.interval:g} s pass"
        else:
            place = next((value for value in deed if isinstance(value, PLACES)), None)  # type: ignore[attr-defined]
            parts = [text for text in _parts(stage.state, deed, place, called) if text]
            what = f"{called[deed.account]:<8}{type(deed).__name__:<14}{_where(place):<20}{'  '.join(parts)}"
        lines.append(f"{number:>3}. {what}".rstrip())
    return lines


def _where(place: Any) -> str:
    if place is None:
        return ""
    if isinstance(place, Issue):
        return place.listing.path
    return str(getattr(place, "path", place.name)).removesuffix(".loans")


def _parts(state: State, deed: Any, place: Any, called: dict[int, str]) -> list[str]:
    """The arguments that are worth reading."""
    found, assets = [], state.ledger.assets
    for field, value in zip(deed._fields, deed, strict=True):
        if field == "account" or isinstance(value, PLACES) or (isinstance(value, float) and math.isnan(value)):
            continue
        if field in ("target", "holder"):
            found.append(f"{field} {called[value]}")
        elif field == "size":
            found.append(_coins(state, place.base, value, "+"))
        elif field in AMOUNTS and not (field == "most" and value >= 1 << 62):
            row = _row(deed, field, place)
            found.append(_coins(state, row, value) if row >= 0 else f"{value:,} units")
        elif field in ("debt", "lien"):
            found.append(f"{field} {assets[value].name}")
        elif field == "report":
            found.append(f"at {value.value:,.10g}")
        elif field not in AMOUNTS:
            found.append(f"{field} {value:,.10g}" if isinstance(value, float) else f"{field} {value}")
    return found


def _row(deed: Any, field: str, place: Any) -> int:
    name = (
        "base" if field in ("base", "most") else "token" if field == "cash" else ROWS.get(type(deed).__name__, "token")
    )
    return row_of(place, name) if place is not None else -1


def _coins(state: State, row: int, units: int, sign: str = "") -> str:
    asset = state.ledger.assets[row]
    return f"{units / asset.scale:{sign},.10g} {asset.name}"


def plain(stage: Stage, deeds: Sequence[Deed]) -> list[dict[str, Any]]:
    """Each deed as {verb, arguments}: places by their path, amounts in smallest units, accounts by number."""
    return [_as_plain(deed) for deed in deeds]


def _as_plain(deed: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"verb": type(deed).__name__}
    for field, value in zip(deed._fields, deed, strict=True):
        found[field] = _where(value) if isinstance(value, PLACES) else None if value != value else _plain(value)
    return found


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return value._asdict()
    return value if isinstance(value, int | float | str | list | tuple) or value is None else repr(value)


def starts_with(stage: Stage) -> str:
    """What one's own accounts hold before the first deed."""
    state, parts = stage.state, []
    account = stage.own[0]
    for row in stage.tokens.tolist():
        if stage.held(row, account):
            parts.append(_coins(state, row, stage.held(row, account)))
    for house in state.houses:
        if stage.held(house.cash, account):
            parts.append(
                f"{stage.held(house.cash, account) / house.cash_scale:,.10g} {_cash_name(state, house)} deposited in {house.name}"
            )
    return f"{', '.join(chr(ord('A') + n) for n in range(len(stage.own)))}: {', '.join(parts)} each"


def _cash_name(state: State, house: House) -> str:
    return state.ledger.assets[house.token].name
