"""The grammar: every transaction there is, found by its annotations, with something sensible in each of its fields.

A field annotated as a place (`House`, `Listing`, `Lender`, `Pledgeable`, `Issue`) takes each of the world's in turn, one called
`account` an account of the searcher's, one called `target` anybody's; amounts, prices and the rest are filled by name. So a new
verb is composed with as soon as it exists; one with a field that nobody here can fill is left out, and `left_out` names it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple, get_type_hints

from agents.probing import sizes
from agents.probing.stage import Stage
from protocol import auction_transactions, loan_transactions, motions, strategy_transactions, transactions
from protocol.exchange import proposals
from protocol.oracles.base import Report
from protocol.state import House, Issue, Lender, Listing, Pledgeable, State
from protocol.transactions import Transaction
from protocol.venues.concentrated import ConcentratedPool

MODULES: tuple[ModuleType, ...] = (
    transactions,
    auction_transactions,
    loan_transactions,
    strategy_transactions,
    motions,
)
PLACES = (House, Listing, Lender, Pledgeable, Issue)
ORDERS = 8  # newest orders, or proposals, that a number may name
TEMPTING: tuple[tuple[str, Any], ...] = (("margin.initial", 0.001), ("margin.maintenance", 0.0), ("insurance", 0.0))


class Step(NamedTuple):
    """A verb with its arguments, in terms that make sense on any state. Numbers beyond what there is wrap around."""

    verb: str  # name of a transaction's class, or "Seal"
    place: int = 0
    who: int = 0  # which of the own accounts
    other: int = 0  # target, order, way
    basis: int = 0
    factor: float = 1.0  # of the basis, signed where the field is
    price: float = 1.0  # of the mark
    times: int = 1


class Asked(NamedTuple):
    """What a field is filled from."""

    stage: Stage
    verb: str
    place: Any
    account: int
    step: Step

    @property
    def state(self) -> State:
        """The state as it stands now."""
        return self.stage.state


class Verb(NamedTuple):
    """A class of transactions, and where in this world it may be tried."""

    name: str
    make: Callable[..., Transaction]
    fields: tuple[tuple[str, bool], ...]  # name, whether it is the place
    places: tuple[Any, ...]  # (None,) where it names none


def _units(ask: Asked) -> int:
    return sizes.amount(ask.state, ask.verb, ask.place, ask.account, ask.step.basis, ask.step.factor)


def _target(ask: Asked) -> int:
    everybody = (*ask.stage.own, *ask.stage.others)
    return everybody[ask.step.other % len(everybody)]


def _row(names: tuple[str, ...]) -> Callable[[Asked], int]:
    """A token row among those that an exchange lends, or takes as collateral."""

    def fill(ask: Asked) -> int:
        index = ask.place.index
        seats = ask.state.lenders[index] if "debt" in names else ask.state.pledges[index]
        rows = [seat.token for seat in seats] or [ask.place.token]
        return int(rows[(ask.step.other + ask.step.basis) % len(rows)])

    return fill


def _order(ask: Asked) -> int:
    tables = ask.state.tables
    rows = tables.get(ask.place.path + ".book", tables.get(ask.place.path + ".bids", ()))
    numbers = [int(row[3]) for row in rows[-ORDERS:]] if len(rows) else [0]
    return numbers[ask.step.other % len(numbers)]


def _number(ask: Asked) -> int:
    waiting = [proposal.number for proposal in proposals(ask.state, ask.place)] or [0]
    return waiting[ask.step.other % len(waiting)]


def _tick(ask: Asked, side: int) -> int:
    """Ticks of a range around the mid, narrower or wider by `basis`; above or below it by `other`."""
    venue = ask.state.market(ask.place).venue
    if not isinstance(venue, ConcentratedPool):
        return 0
    mid, width = venue.mid(ask.state, ask.place), (1.0005, 1.005, 1.05, 1.5)[ask.step.basis % 4]
    shift = width ** ((0, 0, 0, 1, -1)[ask.step.other % 5])
    return venue.span(mid * shift / width, mid * shift * width, ask.place)[side]


def _range(ask: Asked) -> tuple[int, int, int]:
    """(low, high, liquidity) of one of the account's own ranges."""
    held = ask.state.tables.get(ask.place.path + ".positions", {})
    mine = [(low, high, one.liquidity) for (who, low, high), one in held.items() if who == ask.account]
    return mine[ask.step.other % len(mine)] if mine else (0, 0, 0)


def _liquidity(ask: Asked) -> int:
    """Part of the range, or none of it, which collects the fees."""
    return 0 if ask.step.basis >= 3 else math.floor(_range(ask)[2] * min(1.0, abs(ask.step.factor)))


def _wallet(name: str) -> Callable[[Asked], int]:
    def fill(ask: Asked) -> int:
        row = sizes.row_of(ask.place, name)
        return math.floor(float(ask.state.ledger.balance[row, ask.account]) * min(1.0, abs(ask.step.factor)))

    return fill


def _report(ask: Asked) -> Report:
    base = ask.state.market(ask.place).instrument.base
    return Report(ask.account, ask.stage.prices[base] * ask.step.price, ask.state.time)


def _surface(ask: Asked) -> tuple[tuple[float, ...], ...]:
    found = ask.state.exchange(ask.place).surfaces
    return tuple(tuple(v * ask.step.price for v in row) for row in found[0].volatilities) if found else ()


def _base(ask: Asked) -> str:
    found = ask.state.exchange(ask.place).surfaces
    return found[0].base if found else ""


def _lender(ask: Asked) -> Lender | None:
    """A loan pool of the exchange, or None: its vault."""
    found: tuple[Lender | None, ...] = (None, *ask.state.lenders[ask.place.index])
    return found[ask.step.other % len(found)]


def _credential(ask: Asked) -> str:
    names = sorted({name for market in ask.state.markets for name in ask.state.market(market).access.credentials()})
    return names[ask.step.other % len(names)] if names else ""


FILLERS: dict[str, Callable[[Asked], Any]] = {
    "account": lambda ask: ask.account,
    "target": _target,
    "holder": _target,
    "units": _units,
    "shares": _units,
    "cash": _units,
    "base": _base,
    "most": _units,
    "size": lambda ask: sizes.size(ask.state, ask.place, ask.account, ask.step.basis, ask.step.factor),
    "limit": lambda ask: math.nan,
    "price": lambda ask: sizes.price_of(ask.state, ask.place) * ask.step.price,
    "debt": _row(("debt",)),
    "lien": _row(("lien",)),
    "order": _order,
    "number": _number,
    "way": lambda ask: ask.step.other % 3,
    "low": lambda ask: _tick(ask, 0),
    "high": lambda ask: _tick(ask, 1),
    "liquidity": _liquidity,
    "report": _report,
    "volatilities": _surface,
    "path": lambda ask: TEMPTING[ask.step.other % len(TEMPTING)][0],
    "value": lambda ask: TEMPTING[ask.step.other % len(TEMPTING)][1],
    "credential": _credential,
    "lender": _lender,
}
PARTICULAR: dict[tuple[str, str], Callable[[Asked], Any]] = {  # fields that share a name and no meaning
    ("Take", "most"): lambda ask: abs(sizes.size(ask.state, ask.place, _target(ask), 2, ask.step.factor)),
    ("Seize", "most"): lambda ask: 1 << 62,
    ("RemoveRange", "low"): lambda ask: _range(ask)[0],
    ("RemoveRange", "high"): lambda ask: _range(ask)[1],
    ("ProvideRange", "base"): _wallet("base"),
    ("ProvideRange", "cash"): _wallet("token"),
}


@cache
def classes() -> tuple[tuple[str, Any, tuple[str, ...], tuple[Any, ...]], ...]:
    """(name, class, fields, their annotations) of every transaction of the protocol."""
    found = []
    for module in MODULES:
        for name, kind in vars(module).items():
            if (
                isinstance(kind, type)
                and kind.__module__ == module.__name__
                and hasattr(kind, "_fields")
                and hasattr(kind, "apply")
            ):
                hints = get_type_hints(kind)
                found.append((name, kind, kind._fields, tuple(hints[field] for field in kind._fields)))
    return tuple(found)


def left_out() -> tuple[str, ...]:
    """Names of transactions with a field that nobody here can fill."""
    return tuple(name for name, _, fields, hints in classes() if not _fillable(name, fields, hints))


def _fillable(name: str, fields: tuple[str, ...], hints: tuple[Any, ...]) -> bool:
    return all(
        hint in PLACES or field in FILLERS or (name, field) in PARTICULAR
        for field, hint in zip(fields, hints, strict=True)
    )


def verbs(state: State) -> tuple[Verb, ...]:
    """What may be tried in this world, where it has a place for it."""
    by_kind: dict[Any, tuple[Any, ...]] = {
        House: state.houses,
        Listing: state.markets,
        Lender: tuple(one for row in state.lenders for one in row),
        Pledgeable: tuple(one for row in state.pledges for one in row),
        Issue: tuple(one for row in state.issues for one in row),
    }
    found = []
    for name, make, fields, hints in classes():
        if not _fillable(name, fields, hints):
            continue
        kinds = [hint for hint in hints if hint in PLACES]
        places = by_kind[kinds[0]] if kinds else (None,)
        if places:
            found.append(Verb(name, make, tuple((f, h in PLACES) for f, h in zip(fields, hints, strict=True)), places))
    return tuple(found)


def transaction(stage: Stage, verb: Verb, step: Step) -> Transaction:
    """The transaction that a step comes to on the state as it stands."""
    place = verb.places[step.place % len(verb.places)]
    ask = Asked(stage, verb.name, place, stage.own[step.who % len(stage.own)], step)
    return verb.make(*(place if is_place else _fill(ask, field) for field, is_place in verb.fields))


def _fill(ask: Asked, field: str) -> Any:
    return PARTICULAR.get((ask.verb, field), FILLERS.get(field, lambda _: None))(ask)
