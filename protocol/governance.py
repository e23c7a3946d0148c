"""Governance: the rules in force, changed one at a time, after a delay that everybody can see.

A change is a dotted path below an exchange and a value: `margin.initial = 0.2`, or a whole rule at `margin`. The rules are
frozen and are built again, so that what could not be built at the start cannot be voted in either. What the ledger and the
tables were laid out for stays: names, instruments, who is on the other side of a venue, collateral, loan assets, surfaces,
whether bids are locked, whole numbers. Execution and clearing are apart: another margin leaves a pool as it stands, and another
spread, or another venue, leaves the margin's memory alone.
Attack surface: whoever holds the governor's account holds the parameters, and the delay is all the warning that there is.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from protocol.errors import SenselessChange
from protocol.hedging import Hedging
from protocol.units import Seconds

if TYPE_CHECKING:
    from protocol.world import Exchange

Rule = TypeVar("Rule")


@dataclass(frozen=True)
class Governance:
    """`delay` seconds lie between a proposal and its execution, which must then happen within `grace` seconds.

    The shape is that of Compound's `Timelock` (2020), whose delay is two days and whose grace is fourteen.
    """

    delay: Seconds = 172_800.0
    grace: float = 1_209_600.0

    def __post_init__(self) -> None:
        """Refuse times that are none."""
        wrong = []
        if not self.delay >= 0:
            wrong.append(f"delay = {self.delay}: must be 0 or more seconds")
        if not self.grace > 0:
            wrong.append(f"grace = {self.grace}: must be above 0 seconds")
        if wrong:
            raise ValueError("\n".join(wrong))


class Proposal(NamedTuple):
    """A change that waits."""

    number: int
    path: str
    value: Any  # a number, or a rule
    ready: float  # seconds: not before
    expires: float  # seconds: not after


def changed(exchange: Exchange, path: str, value: Any) -> Exchange:
    """The exchange with `value` at a dotted path, built anew. Raises SenselessChange, saying what is wrong with it."""
    try:
        fresh: Exchange = _put(exchange, path.split("."), value)
    except ValueError as error:
        raise SenselessChange(path=path, value=str(value), why="; ".join(str(error).splitlines())) from error
    if _layout(fresh) != _layout(exchange):
        fixed = (
            "names, instruments, the other side of a venue, the vault, collateral, loans, surfaces, escrow, strategies"
        )
        why = f"{fixed} are laid out at the start"
        raise SenselessChange(path=path, value=str(value), why=why)
    return fresh


def structure(rule: Any) -> tuple[Any, ...]:
    """The kinds, names and whole numbers that a rule is made of: while they stay, so does what it remembers."""
    inner = [getattr(rule, field.name) for field in dataclasses.fields(rule)]
    parts = [structure(part) if dataclasses.is_dataclass(part) else part for part in inner]
    return type(rule).__name__, *(part for part in parts if isinstance(part, int | str | tuple))


def kinds(rule: Any) -> tuple[str, ...]:
    """The kind of a rule, and those of the rules that it is wrapped around."""
    inner = getattr(rule, "inner", None)
    return type(rule).__name__, *(kinds(inner) if inner is not None else ())


def memories(rule: Any, at: str) -> list[tuple[Any, str]]:
    """(rule, where it remembers) of an oracle, or of those that it is wrapped around."""
    inner = [(name, getattr(rule, name, None)) for name in ("inner", "second")]
    found = [pair for name, part in inner if part is not None for pair in memories(part, f"{at}.{name}")]
    return found or [(rule, at)]


def changed_part(old: Rule, new: Rule) -> Rule | None:
    """The innermost part of `new` that holds all the difference in `structure` to `old`; None: there is none."""
    if structure(new) == structure(old):
        return None
    outer, inner = getattr(old, "inner", None), getattr(new, "inner", None)
    same = type(new) is type(old) and inner is not None
    if same and structure(dataclasses.replace(new, inner=outer)) == structure(old):  # type: ignore[type-var]
        return changed_part(outer, inner)
    return new


def _put(node: Any, words: list[str], value: Any) -> Any:
    """`node` with `value` where the words lead. Raises ValueError where they lead nowhere, or the value does not fit."""
    if not words:
        return _fitting(node, value)
    word, rest = words[0], words[1:]
    if isinstance(node, tuple):
        names = [getattr(part, "name", str(row)) for row, part in enumerate(node)]
        if word not in names:
            raise ValueError(f"{word}: no such element; there is {', '.join(names)}")
        row = names.index(word)
        return (*node[:row], _put(node[row], rest, value), *node[row + 1 :])
    names = [field.name for field in dataclasses.fields(node)] if dataclasses.is_dataclass(node) else []
    if word not in names:
        raise ValueError(f"{word}: no such field; there is {', '.join(names) or 'nothing below'}")
    return dataclasses.replace(node, **{word: _put(getattr(node, word), rest, value)})


def _fitting(old: Any, new: Any) -> Any:
    """The new value, if it may stand where the old one stood."""
    if isinstance(old, float):
        if isinstance(new, bool) or not isinstance(new, int | float) or not math.isfinite(new):
            raise ValueError("must be a finite number")
        return float(new)
    if isinstance(old, Hedging | None) and isinstance(new, Hedging | None):
        return new
    if isinstance(old, tuple) and old:
        if not isinstance(new, tuple) or not all(isinstance(part, _family(old[0])) for part in new):
            raise ValueError(f"must be a row of {_family(old[0]).__name__}")
        return new
    if dataclasses.is_dataclass(old):
        if not isinstance(new, _family(old)):
            raise ValueError(f"must be a {_family(old).__name__}")
        return new
    raise ValueError(f"{old} is laid out at the start")


def _family(rule: Any) -> type:
    """The abstract base of a rule's family; its own class where it has none."""
    return next((base for base in type(rule).__mro__ if ABC in base.__bases__), type(rule))


def _layout(exchange: Exchange) -> tuple[Any, ...]:
    """What ledger rows and tables were laid out for.

    A venue whose own account is the other side stays as it opened: its reserves are its side of everybody's position. Where the
    vault, or other traders, are the other side, nobody's claim is on the venue, and it may make room for another such.
    """
    markets = [
        (m.name, m.instrument, m.venue if m.venue.counterparty == "venue" else m.venue.counterparty)
        for m in exchange.markets
    ]
    shares = exchange.vault and (exchange.vault.virtual_assets, exchange.vault.virtual_shares)
    tokens = [c.token for c in exchange.collateral], [p.asset for p in exchange.loans]
    bases, bids = [surface.base for surface in exchange.surfaces], exchange.liquidation.takes_bids
    pooled = [(s.name, type(s), s.legs(), s.liquidity, s.virtual_assets, s.virtual_shares) for s in exchange.strategies]
    return (
        exchange.name,
        exchange.chain,
        exchange.cash,
        exchange.insurance,
        exchange.liquidator,
        shares,
        *tokens,
        bases,
        bids,
        pooled,
        *markets,
    )
