"""The ledger: one `int64` array of assets x accounts in which every row sums to zero.

Account 0 is WORLD, everything outside the model, so nothing is ever minted or lost. A *token* row may be negative for WORLD
alone; a *claim* row is signed, zero-sum between holders and issuer. All change goes through `move` or `move_many` (or the
compiled `shift` that both share), which write the journal that `rewind` undoes and from which flows are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocol.compiled import compiled, inner, steady, unsigned
from protocol.errors import InsufficientBalance, NothingToDo

WORLD = 0
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Reason(IntEnum):
    """Why an amount moved; the rows of the flow table."""

    GENESIS = 0
    DEPOSIT = 1
    WITHDRAW = 2
    TRADE = 3
    REALISE = 4
    FUNDING = 5
    FEE = 6
    GAS = 7
    PENALTY = 8
    INSURANCE = 9
    LOSS_VAULT = 10
    LOSS_SOCIALISED = 11
    LIQUIDITY = 12
    REFERENCE = 13
    REENTRY = 14
    AUCTION = 15
    SETTLEMENT = 16
    CREDENTIAL = 17
    HEDGING = 18
    RECLAIM = 19
    PLEDGE = 20
    SUPPLY = 21
    LOAN = 22
    SEIZURE = 23
    WRITE_OFF = 24
    ISSUE = 25
    BRIBE = 26
    FLASH = 27
    TRANSFER = 28
    GIFT = 29
    BRIDGE = 30
    DEAL = 31
    REORGANISATION = 32


@dataclass(frozen=True)
class Asset:
    """A row of the ledger. `decimals`: one coin is 10**decimals units. `issuer` names who owes a claim; a token has none."""

    name: str
    decimals: int
    issuer: str | None = None

    @property
    def scale(self) -> int:
        """Units per coin."""
        return int(10**self.decimals)

    @property
    def is_token(self) -> bool:
        """Whether only WORLD may be negative."""
        return self.issuer is None


class Arrays(NamedTuple):
    """What compiled loops see of the ledger."""

    balance: Ints  # [asset, account] smallest units
    journal: Ints  # [entry, 5]: asset, source, destination, units, reason
    count: Ints  # type: ignore[assignment]  # [1] entries in use


Bare = tuple[Ints, Ints, Ints]  # `Arrays` without its names, as it is handed to compiled functions


@inner
def shift(arrays: Arrays, asset: int, src: int, dst: int, units: int, reason: int) -> None:
    """Move `units` (signed: a negative amount moves the other way) and write it down. The caller has checked and made room."""
    if units == 0 or src == dst:
        return
    arrays.balance[unsigned(asset), unsigned(src)] -= units
    arrays.balance[unsigned(asset), unsigned(dst)] += units
    entry, back = arrays.journal[unsigned(arrays.count[0])], units < 0
    entry[0], entry[4] = asset, reason
    entry[1], entry[2], entry[3] = dst if back else src, src if back else dst, abs(units)
    arrays.count[0] += 1


@steady
def _shift_one(bare: Bare, asset: int, src: int, dst: int, units: int, reason: int) -> None:
    shift(Arrays(*bare), asset, src, dst, units, reason)


@compiled
def _shift_many(bare: Bare, asset: int, src: Ints, dst: Ints, units: Ints, reason: int) -> None:
    arrays = Arrays(*bare)
    for row in range(len(units)):
        shift(arrays, asset, src[row], dst[row], units[row], reason)


@compiled
def _collect(bare: Bare, asset: int, src: Ints, dst: int, units: Ints, reason: int, paid: NDArray[np.bool_]) -> None:
    arrays = Arrays(*bare)
    for row in range(len(units)):
        paid[row] = arrays.balance[asset, src[row]] >= units[row]
        if paid[row]:
            shift(arrays, asset, src[row], dst, units[row], reason)


@inner
def undo(arrays: Arrays, mark: int) -> None:
    """Take back the journal's entries since `mark`."""
    for row in range(arrays.count[0] - 1, mark - 1, -1):
        asset, src, dst, units, _ = arrays.journal[row]
        arrays.balance[asset, src] += units
        arrays.balance[asset, dst] -= units
    arrays.count[0] = mark


@steady
def _undo(bare: Bare, mark: int) -> None:
    undo(Arrays(*bare), mark)


class Ledger:
    """Balances, who owns each account, and the journal since the last `settle_journal`."""

    def __init__(self, assets: Sequence[Asset]) -> None:
        self.assets = tuple(assets)
        self.row = {asset.name: row for row, asset in enumerate(self.assets)}
        self._tokens = [asset.is_token for asset in self.assets]
        self.is_token = np.array(self._tokens)
        self.balance: Ints = np.zeros((len(self.assets), 1), np.int64)
        self.journal: Ints = np.empty((256, 5), np.int64)
        self.count: Ints = np.zeros(1, np.int64)
        self.groups: list[str] = ["world"]
        self.group: NDArray[np.int32] = np.zeros(1, np.int32)  # [account] index into groups
        self.owner: NDArray[np.int32] = np.zeros(1, np.int32)  # [account] owner number; 0 is WORLD
        self.exchange: NDArray[np.int32] = np.full(1, -1, np.int32)  # [account] exchange it serves; -1: a player's own
        self.chain: NDArray[np.int32] = np.full(1, -1, np.int32)  # [account] chain it lives on; -1: none
        self._refresh()

    def _refresh(self) -> None:
        self.bare: Bare = (self.balance, self.journal, self.count)

    @property
    def accounts(self) -> int:
        """How many accounts there are, WORLD included."""
        return len(self.group)

    def open(self, group: str, count: int = 1, *, owner: int | None = None, exchange: int = -1, chain: int = 0) -> int:
        """Open `count` accounts for `group`, each with an owner of its own unless `owner` is given; returns the first."""
        if group not in self.groups:
            self.groups.append(group)
        first, fresh = self.accounts, int(self.owner.max()) + 1
        owners = np.arange(fresh, fresh + count) if owner is None else np.full(count, owner)
        self.balance = np.ascontiguousarray(np.pad(self.balance, ((0, 0), (0, count))))
        self.group = np.append(self.group, np.full(count, self.groups.index(group), np.int32))
        self.owner = np.append(self.owner, owners.astype(np.int32))
        self.exchange = np.append(self.exchange, np.full(count, exchange, np.int32))
        self.chain = np.append(self.chain, np.full(count, chain, np.int32))
        self._refresh()
        return first

    def reserve(self, entries: int) -> None:
        """Make room in the journal for `entries` more moves."""
        need = self.count.item() + entries
        if need > len(self.journal):
            self.journal = np.concatenate([self.journal, np.empty((max(need, len(self.journal)), 5), np.int64)])
            self._refresh()

    def move(self, asset: int, src: int, dst: int, units: int, reason: Reason) -> None:
        """Move `units` >= 0 of `asset` from `src` to `dst`. Raises InsufficientBalance if a token would go below zero."""
        if units < 0:
            raise NothingToDo(asset=self.assets[asset].name, amount=int(units))
        if self._tokens[asset] and src != WORLD and self.balance.item(asset, src) < units:
            raise InsufficientBalance(
                asset=self.assets[asset].name, account=src, has=int(self.balance[asset, src]), needs=int(units)
            )
        self.reserve(1)
        _shift_one(self.bare, asset, src, dst, units, int(reason))

    def move_many(self, asset: int, src: Ints, dst: Ints, units: Ints, reason: Reason) -> None:
        """Move `units[i]` >= 0 from `src[i]` to `dst[i]`, in turn. Shapes [n]. Raises as `move`, before anything has moved."""
        if len(units) == 0:
            return
        if units.min() < 0:
            raise NothingToDo(asset=self.assets[asset].name, amount=int(units.min()))
        if self.is_token[asset]:
            out = np.bincount(src, weights=units, minlength=self.accounts)
            out[WORLD] = 0
            short = np.flatnonzero((out > 0) & (out > self.balance[asset]))
            if len(short):
                who = int(short[0])
                raise InsufficientBalance(
                    asset=self.assets[asset].name, account=who, has=int(self.balance[asset, who]), needs=int(out[who])
                )
        self.reserve(len(units))
        _shift_many(self.bare, asset, src, dst, units, int(reason))

    def force(self, asset: int, src: Ints, dst: Ints, units: Ints, reason: Reason) -> None:
        """As `move_many`, whether or not it is there: for what is undone. Whoever is short then must be seen to by the caller."""
        self.reserve(len(units))
        _shift_many(self.bare, asset, src, dst, units, int(reason))

    def collect(self, asset: int, src: Ints, dst: int, units: Ints, reason: Reason) -> NDArray[np.bool_]:
        """Move `units[i]` >= 0 from `src[i]` to `dst`, in turn, where it has as much; returns where. Shapes [n]."""
        paid = np.empty(len(units), np.bool_)
        self.reserve(len(units))
        _collect(self.bare, asset, src, dst, units, int(reason), paid)
        return paid

    def mark(self) -> int:
        """A point to `rewind` to."""
        return self.count.item()

    def rewind(self, mark: int) -> None:
        """Undo every move since `mark`."""
        _undo(self.bare, mark)

    def moves_since(self, mark: int) -> Ints:
        """The journal's entries since `mark`: [n, 5] asset, source, destination, units, reason. A view: copy to keep."""
        return self.journal[mark : int(self.count[0])]

    def forget(self) -> None:
        """Let go of the journal: what it holds is final."""
        self.count[0] = 0

    def of_group(self, names: Iterable[str]) -> Ints:
        """Accounts that belong to any of the named groups."""
        wanted = [self.groups.index(name) for name in names if name in self.groups]
        return np.flatnonzero(np.isin(self.group, wanted)).astype(np.int64)
