"""All that changes: the ledger, the tables that rules remember things in, the clock, and the rules in force.

One mark, one rewind for all of it: a transaction happens whole or leaves no trace. A rule keeps its memory under its path
in `tables` (an immutable value, or a numpy array) and changes it only through `put`, `write` or `edit`, which remember what
stood there. `House` and `Listing` say where an exchange and a market live: rows, accounts, path and scales, never parameters;
they are read all day, and slots are read four times as fast as the fields of a named tuple.
"""

from __future__ import annotations

import copy
import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from protocol.ledger import Ledger

if TYPE_CHECKING:
    from protocol.world import Exchange, Market, World

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class House:
    """Where an exchange lives. Rows and accounts of the ledger; -1 where it has none."""

    index: int
    name: str
    chain: int
    token: int  # row: the cash token
    cash: int  # row: the cash claim on custody
    share: int  # row: vault shares
    first: int  # claim rows are first..last-1, contiguous
    last: int
    custody: int  # account: holds the tokens, owes the claims
    clearing: int  # account: turns realised quote into cash; worth zero at all times
    insurance: int
    treasury: int
    vault: int
    cash_scale: float  # units per coin
    escrow: int = -1  # account: holds what bids in auctions lock
    prefix: str = ""  # of the groups of its accounts: nothing where it is the only exchange


@dataclass(frozen=True, slots=True)
class Listing:
    """Where a market lives. Rows and accounts of the ledger; -1 where it has none."""

    house: House
    index: int
    number: int  # among all markets of the world
    name: str
    path: str  # prefix of its tables
    base: int  # row: the base token
    share: int  # row: pool shares
    size: int  # row: position size; -1 in a spot market
    quote: int  # row: what the position cost, negative when long
    funding: int  # row: funding already settled at entry, so that only the index's change since is owed
    desk: int  # account: the venue's side of every trade (pool, virtual AMM or vault)
    fund: int  # account: funding paid and not yet received
    fees: int  # account: takes trading fees
    size_scale: float  # units per coin
    price_scale: float  # cash units per size unit at a price of one
    oracle_at: str = field(init=False, repr=False)  # paths of tables that are read all day
    reserves_at: str = field(init=False, repr=False)
    funding_at: str = field(init=False, repr=False)
    interest_at: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Put the paths together, once."""
        for table in ("oracle", "reserves", "funding", "interest"):
            object.__setattr__(self, f"{table}_at", f"{self.path}.{table}")


class Pledgeable(NamedTuple):
    """Where a kind of collateral lives."""

    house: House
    index: int  # type: ignore[assignment]  # which of the exchange's collaterals
    name: str  # of the token
    token: int  # row: the token, held by custody
    claim: int  # row: the claim on it
    scale: float  # units per coin


class Lender(NamedTuple):
    """Where a loan pool lives."""

    house: House
    index: int  # type: ignore[assignment]  # which of the exchange's loan pools
    name: str  # of the asset
    path: str  # of its table
    token: int  # row: the asset lent
    share: int  # row: the suppliers' shares
    debt: int  # row: scaled units owed; negative at borrowers, positive at the pool
    account: int  # holds the tokens not lent, and the debts
    scale: float  # units per coin
    virtual: int  # shares that stand against one unit nobody owns: OpenZeppelin ERC4626 5.x


class Issue(NamedTuple):
    """Where a synthetic's positions live."""

    listing: Listing  # the market that trades it; its base row is the token
    path: str  # of its table
    token: int  # row: the collateral
    locked: int  # row: collateral locked, a claim on custody
    debt: int  # row: scaled units owed; negative at minters, positive at custody
    scale: float  # units per coin of collateral


class Mandate(NamedTuple):
    """Where a strategy lives."""

    house: House
    index: int  # type: ignore[assignment]  # which of the exchange's strategies
    name: str
    path: str  # of its table
    share: int  # row: its shares
    account: int  # holds what it has; margined as any trader's


class Span(NamedTuple):
    """Where a bridge lives, on two chains."""

    index: int  # type: ignore[assignment]  # which of the world's bridges
    name: str
    path: str  # prefix of its tables
    source: int  # chain
    target: int  # chain
    token: int  # row: what is locked
    wrapped: int  # row: what stands for it on the target chain
    escrow: int  # account on the source chain: holds what is locked
    boxes: tuple[int, int]  # accounts on source and target: hold halves of deals and margin of legs
    scale: float  # units per coin of both

    def other(self, chain: int) -> int:
        """The chain at the other end."""
        return self.target if chain == self.source else self.source


class Mark(NamedTuple):
    """A point in the journal."""

    moves: int
    writes: int


RULES = "rules"  # path of the rules in force
EVERY = -1  # in place of a chain's number: all of them
TRADED = (".interest", ".reserves")  # what tables that trades change, and that mark nothing, end in


class _Old(Enum):
    """What a write may have replaced, other than an entry; members, so that they outlive copies."""

    WHOLE = 0
    ABSENT = 1


_WHOLE, _ABSENT = _Old.WHOLE, _Old.ABSENT


class State:
    """Ledger, tables, clock and rules in force: everything a transaction may change."""

    rules: World  # in force: what stands at `RULES`
    _exchanges: tuple[Exchange, ...]
    _markets: tuple[Market, ...]  # in the order of `markets`
    lasts: ClassVar[bool] = True  # whether it is the state itself, and not what somebody sees of it

    def __init__(
        self,
        ledger: Ledger,
        houses: tuple[House, ...],
        listings: tuple[tuple[Listing, ...], ...],
        pledges: tuple[tuple[Pledgeable, ...], ...] = (),
        lenders: tuple[tuple[Lender, ...], ...] = (),
        issues: tuple[tuple[Issue, ...], ...] = (),
        mandates: tuple[tuple[Mandate, ...], ...] = (),
        spans: tuple[Span, ...] = (),
    ) -> None:
        self.ledger = ledger
        self.houses = houses
        self.listings = listings  # [exchange][market]
        self.markets = tuple(listing for row in listings for listing in row)  # by `Listing.number`
        self.claims = tuple(
            tuple(m for m in row if m.size >= 0) for row in listings
        )  # [exchange], without spot markets
        self.chain_token = {
            house.chain: house.token for house in reversed(houses)
        }  # row in which a chain's gas is paid
        self._homes = {
            chain: tuple(house for house in houses if house.chain == chain)
            for chain in {house.chain for house in houses}
        }
        self.pledges = pledges or tuple(() for _ in houses)  # [exchange][collateral]
        self.lenders = lenders or tuple(() for _ in houses)  # [exchange][loan pool]
        self.issues = issues or tuple(() for _ in houses)  # [exchange][synthetic]
        self.mandates = mandates or tuple(() for _ in houses)  # [exchange][strategy]
        self.spans = spans  # [bridge]
        self.tables: dict[str, Any] = {}
        self.time = 0.0  # seconds
        self.height = 0  # blocks sealed
        self._undo: list[tuple[str, Any, Any]] = []
        self._memory: dict[Any, tuple[tuple[int, int, float], Any]] = {}  # under what the journal held by then
        self._settled: dict[Any, Any] = {}  # what follows from the rules in force
        self._marks: dict[Any, tuple[int, float, Any]] = {}  # under how many writes there were by then

    def houses_of(self, chain: int) -> tuple[House, ...]:
        """The exchanges that live on a chain."""
        return self.houses if chain == EVERY else self._homes.get(chain, ())

    # ------------------------------------------------------------------ tables

    def put(self, path: str, value: Any) -> None:
        """Replace the value at `path`."""
        tables = self.tables
        self._undo.append((path, _ABSENT, tables.get(path, _ABSENT)))
        tables[path] = value
        if path == RULES:
            self._enforce()

    def write(self, path: str, index: Any, value: Any) -> None:
        """Assign `table[index] = value` in the array at `path`."""
        table = self.tables[path]
        self._undo.append((path, index, copy.copy(table[index])))
        table[index] = value

    def edit(self, path: str) -> NDArray[Any]:
        """The array at `path`, remembered whole, for a caller that will change many of its entries."""
        table: NDArray[Any] = self.tables[path]
        self._undo.append((path, _WHOLE, table.copy()))
        return table

    # ------------------------------------------------------------------ journal

    def mark(self) -> Mark:
        """A point to `rewind` to."""
        return Mark(self.ledger.count.item(), len(self._undo))

    def rewind(self, mark: Mark) -> None:
        """Undo every move and every table entry since `mark`."""
        if self.ledger.count.item() == mark.moves and len(self._undo) == mark.writes:
            return
        self.ledger.rewind(mark.moves)
        for path, index, old in reversed(self._undo[mark.writes :]):
            if index is _ABSENT:
                if old is _ABSENT:
                    del self.tables[path]
                else:
                    self.tables[path] = old
                    if path == RULES:
                        self._enforce()
            elif index is _WHOLE:
                self.tables[path][...] = old
            else:
                self.tables[path][index] = old
        del self._undo[mark.writes :]
        past = mark.writes, mark.moves  # all is as it was, and so is what was derived by then
        for key in [key for key, (stamp, _) in self._memory.items() if stamp[:2] > past]:
            del self._memory[key]
        for key in [key for key, (writes, _, _) in self._marks.items() if writes > mark.writes]:
            del self._marks[key]

    def writes_since(self, mark: Mark) -> list[tuple[str, Any, Any]]:
        """What stood in tables before each write since `mark`, for `take_back`."""
        return self._undo[mark.writes :]

    def take_back(self, writes: list[tuple[str, Any, Any]]) -> None:
        """Undo writes, newest first, long after: journaled like any other change."""
        for path, index, old in reversed(writes):
            if index is _ABSENT and old is _ABSENT:
                self._undo.append((path, _ABSENT, self.tables.pop(path)))
            elif index is _ABSENT:
                self.put(path, old)
            elif index is _WHOLE:
                self.edit(path)[...] = old
            else:
                self.write(path, index, old)

    def finalise(self) -> None:
        """Let go of the journal: nothing before now will be undone."""
        self.ledger.forget()
        self._undo.clear()
        self._memory.clear()
        self._marks.clear()

    def derived(self, key: Any, compute: Any, *args: Any) -> Any:
        """`compute(*args)`, remembered under `key` until anything at all has changed."""
        stamp = (len(self._undo), self.ledger.count.item(), self.time)
        known = self._memory.get(key)
        if known is not None and known[0] == stamp:
            return known[1]
        value = compute(*args)
        self._memory[key] = (stamp, value)
        return value

    def marking(self, key: Any, compute: Any, *args: Any) -> Any:
        """`compute(*args)`, remembered until a table has changed that is not of `TRADED`: for what no trade and no move changes."""
        known, writes, now = self._marks.get(key), len(self._undo), self.time
        if known is not None and known[1] == now:
            since, _, value = known
            if since == writes:
                return value
            if not [path for path, _, _ in self._undo[since:] if not path.endswith(TRADED)]:
                self._marks[key] = (writes, now, value)
                return value
        value = compute(*args)
        self._marks[key] = (writes, now, value)
        return value

    # ------------------------------------------------------------------ rules in force

    def _enforce(self) -> None:
        """Take note of the rules that are in force from now on: they are read all day, and seldom change."""
        self.rules = self.tables[RULES]
        self._exchanges = self.rules.exchanges
        self._markets = tuple(self._exchanges[one.house.index].markets[one.index] for one in self.markets)
        self._settled = {}

    def settled(self, find: Callable[[State, int], T], number: int = 0) -> T:
        """`find(self, number)`, remembered while the same rules are in force: for what follows from them alone."""
        found: T | None = self._settled.get((find, number))
        if found is None:
            found = self._settled[find, number] = find(self, number)
        return found

    def exchange(self, house: House) -> Exchange:
        """The rules of an exchange."""
        return self._exchanges[house.index]

    def market(self, listing: Listing) -> Market:
        """The rules of a market."""
        return self._markets[listing.number]

    def find(self, house: House, name: str) -> Listing:
        """The market of that name; of another exchange by EXCHANGE.MARKET. Raises KeyError, which a validated World rules out."""
        abroad, _, name = name.rpartition(".")
        for listing in self.markets if abroad else self.listings[house.index]:
            if listing.name == name and abroad in ("", listing.house.name):
                return listing
        raise KeyError(name)

    # ------------------------------------------------------------------ whole copies

    def save(self) -> State:
        """An independent copy. Where things live never changes, and is shared."""
        seats = (
            self.houses,
            self.listings,
            self.markets,
            self.claims,
            self._homes,
            self.ledger.assets,
            self.ledger.row,
        )
        opened = self.pledges, self.lenders, self.issues, self.mandates, self.spans
        fixed = (self.rules, self._exchanges, self._markets, *seats, *opened)
        return copy.deepcopy(self, {id(one): one for one in fixed} | {id(self._settled): {}})

    def restore(self, saved: State) -> None:
        """Become a copy of `saved`."""
        fresh = saved.save()
        self.__dict__.update(fresh.__dict__)

    def digest(self) -> str:
        """SHA-256 of everything that a rule may read: equal states, equal digests, in any process."""
        digest = hashlib.sha256()
        digest.update(repr((self.time, self.height, self.ledger.balance.shape)).encode())
        digest.update(self.ledger.balance.tobytes())
        told = (
            (path, self.settled(_rules) if path == RULES else canonical(self.tables[path]))
            for path in sorted(self.tables)
        )
        digest.update(f"{{{','.join(f'{path}:{text}' for path, text in told)}}}".encode())
        return digest.hexdigest()


def _rules(state: State, _: int) -> str:
    """The rules in force as a text: long, seldom another, and frozen."""
    return canonical(state.tables[RULES])


@functools.cache
def _named(dtype: np.dtype[Any]) -> str:
    return str(dtype)


def canonical(value: Any) -> str:
    """A text that is equal exactly when two table values are."""
    if isinstance(value, np.ndarray):
        return f"{_named(value.dtype)}{value.shape}{hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return "(" + ",".join(canonical(item) for item in value) + ")"
    return repr(value)
