"""What a run writes down: a row a block, events as they happen, and who paid whom, aggregated from the journal.

Rows go into arrays that grow by doubling, so that recording costs the same at any length. Turning them into tables is the
business of `experiments`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from protocol.chain import Block
from protocol.compiled import compiled, steady, unsigned
from protocol.exchange import Bitten, Fill, Liquidated, Seized
from protocol.exchange.fills import Bidden, Forfeited, Lifted, Started, flat
from protocol.ledger import Floats, Ints, Reason
from protocol.margins.base import Threshold
from protocol.oracles.base import read_index
from protocol.state import House, Listing
from protocol.transactions import Publish

if TYPE_CHECKING:
    from agents.game import Game

CHAIN_COLUMNS = ("time", "height", "chain", "base_fee", "gas_used", "gas_outside", "waiting", "failed")
MARKET_COLUMNS: tuple[str, ...] = (
    "fair",
    "mid",
    "index",
    "index_age",
    "open_long",
    "open_short",
    "volume",
    "fills",
    "rejected",
)
MARKET_COLUMNS += (
    "run_volume",
    "run_off",
)  # cash coins: value at fair of the runs' fills, and how far off it they traded
EXCHANGE_COLUMNS = ("insurance", "vault", "custody", "liquidations", "liquidated", "deficit", "uncovered")


class Event(NamedTuple):
    """Something worth a line. `why` and the rest lie in `numbers`."""

    time: float
    who: str
    kind: str
    numbers: dict[str, Any]


@steady
def aggregate(
    journal: Ints, count: int, cash: Ints, group: Any, sums: Ints, seen: Any, block: int, table: Ints, used: int
) -> int:
    """Add a block's cash moves up by (reason, source group, destination group); append what is not zero to `table`.

    `cash` [assets] is 1 for rows in cash units; `sums` [reason, group, group] is zero before and after, and so is `seen` [reason].
    Returns rows used.
    """
    for row in range(count):
        if cash[unsigned(journal[row, 0])] != 0:
            reason, src, dst = unsigned(journal[row, 4]), unsigned(journal[row, 1]), unsigned(journal[row, 2])
            seen[reason] = True
            sums[reason, unsigned(group[src]), unsigned(group[dst])] += journal[row, 3]
    for reason in range(sums.shape[0]):
        if not seen[reason]:
            continue
        seen[reason] = False
        for src in range(sums.shape[1]):
            for dst in range(sums.shape[2]):
                units = sums[reason, src, dst]
                if units != 0:
                    if used < len(table):
                        entry = table[used]
                        entry[0], entry[1], entry[2], entry[3], entry[4] = block, reason, src, dst, units
                    used += 1
                    sums[reason, src, dst] = 0
    return used


@compiled
def tally(size: Ints, owed: Ints, code: Ints, fair: float) -> tuple[float, int, int, float, float]:
    """(cash units traded, fills, rejections, value at `fair`, how far from it what was owed lay, either way) of a run of orders.

    `fair` in cash units per size unit, and so are the last two in cash units. What is queued for an auction is neither a fill
    nor a rejection.
    """
    traded, fills, rejected, value, off = 0.0, 0, 0, 0.0, 0.0
    for row in range(len(code)):
        if code[row] == 0:
            traded += abs(owed[row])
            fills += 1
            value += abs(size[row]) * fair
            off += abs(owed[row] - size[row] * fair)
        elif code[row] > 0:
            rejected += 1
    return traded, fills, rejected, value, off


def _of_exchange(house: House) -> tuple[float, ...]:
    """Units in one of each of `EXCHANGE_COLUMNS`; the vault's worth is counted in coins."""
    cash = house.cash_scale
    return cash, 1.0, cash, 1.0, cash, cash, cash


def _of_market(listing: Listing) -> tuple[float, ...]:
    """Units in one of each of `MARKET_COLUMNS`; prices are counted in coins."""
    cash, size = listing.house.cash_scale, listing.size_scale
    return 1.0, 1.0, 1.0, 1.0, size, size, cash, 1.0, 1.0, cash, cash


Traded = tuple[float, int, int, float, float]
NOTHING: Traded = (0.0, 0, 0, 0.0, 0.0)


def _sum(one: Traded, other: Traded) -> Traded:
    a, b, c, d, e = one
    v, w, x, y, z = other
    return a + v, b + w, c + x, d + y, e + z


class Written(NamedTuple):
    """What one block put into the notebook: its row, its events from `first` to below `last`, its part of the totals."""

    row: int
    first: int
    last: int
    totals: dict[str, list[int]]


class Recorder:
    """The notebook of one run."""

    def __init__(self, game: Game) -> None:
        self.game = game
        state = game.state
        self.columns = list(CHAIN_COLUMNS)
        for house in state.houses:
            self.columns += [f"{house.name}.{name}" for name in EXCHANGE_COLUMNS]
        for listings in state.listings:
            for listing in listings:
                self.columns += [f"{listing.path}.{name}" for name in MARKET_COLUMNS]
        self._units = np.array(
            [1.0] * len(CHAIN_COLUMNS)
            + [unit for house in state.houses for unit in _of_exchange(house)]
            + [unit for one in state.markets for unit in _of_market(one)]
        )
        self._rows: Floats = np.empty((256, len(self.columns)))  # as they were counted, in units
        self._row = Struct(f"{len(self.columns)}d")
        self.blocks = 0
        self.events: list[Event] = []
        ledger = state.ledger
        self.cash_rows = np.zeros(len(ledger.assets), np.int64)
        for house in state.houses:
            self.cash_rows[[house.token, house.cash]] = 1
        groups = len(ledger.groups)
        self._sums = np.zeros((len(Reason), groups, groups), np.int64)
        self._reasons = np.zeros(len(Reason), np.bool_)
        self.flows: Ints = np.empty((1024, 5), np.int64)  # block, reason, source group, destination group, cash units
        self.flow_count = 0
        self._nature = [game.column[state.market(listing).instrument.base] for listing in state.markets]
        self._markets = [(one, one.interest_at if one.size >= 0 else "") for one in state.markets]
        self.totals = {house.name: [0, 0, 0, 0] for house in state.houses}  # liquidations, notional, deficit, uncovered
        self._seats = [
            (house, self.totals[house.name], (house.cash, house.insurance), (house.token, house.custody))
            for house in state.houses
        ]
        trades = ("volume", "fills", "rejected", "run_volume", "run_off")
        undone = [
            "gas_used",
            "gas_outside",
            "failed",
        ]  # an orphaned block used no gas: what was paid for it has gone back
        undone += [f"{one.path}.{name}" for one in state.markets for name in trades]
        self._undone_columns = [self.columns.index(name) for name in undone]
        self._undoable: list[list[Written]] = [[] for _ in state.rules.chains]
        self._tellers: dict[type, Callable[[float, float, Any], None]] = {Liquidated: self._liquidation}
        self._tellers |= dict.fromkeys((Started, Bidden, Forfeited, Lifted), self._case)
        self._tellers |= dict.fromkeys((Seized, Bitten), self._seizure)
        self._tellers[Fill] = self._fill
        self._fills: list[Fill] = []  # of the block's single trades

    def note(self, time: float, who: str, kind: str, **numbers: Any) -> None:
        """Write an event down."""
        self.events.append(Event(time, who, kind, numbers))

    def block(self, block: Block, chain: int) -> None:
        """Write a sealed block down, before its journal is let go."""
        failed = self._collect(block) if block.sent is None else self._collect_undoable(block, chain)
        self._notes()
        self._flows()
        state, blocks = self.game.state, self.blocks
        if blocks == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        time, height, base_fee, used, outside, _, _, waiting, _ = block
        row = [time, height, chain, base_fee, used, outside, waiting, failed]
        held = state.ledger.balance.item
        for house, totals, insurance, custody in self._seats:
            vault = 0.0
            if house.vault >= 0:
                vault, _ = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, house.vault)
            row += (held(insurance), vault, held(custody), *totals)
        fairs, tables = self.game.fairs_now(self._nature), state.tables
        traded = self._traded(block, fairs)
        for (listing, interest), fair, done in zip(self._markets, fairs, traded, strict=True):
            value, since, _, _ = read_index(state, listing)
            mid = state.market(listing).venue.mid(state, listing)
            longs, shorts = tables[interest].tolist() if interest else (0.0, 0.0)
            row += (fair, mid, value, state.time - since, longs, shorts, *done)
        self._row.pack_into(self._rows.data, blocks * self._row.size, *row)  # numpy would look at each number in turn
        self.blocks = blocks + 1

    @property
    def rows(self) -> Floats:
        """What each block left, in coins. Shape [blocks, columns]; a copy."""
        rows: Floats = self._rows[: self.blocks] / self._units
        return rows

    def _collect_undoable(self, block: Block, chain: int) -> int:
        """As `_collect`, of a block that a reorganisation may undo."""
        before, first = {name: tuple(totals) for name, totals in self.totals.items()}, len(self.events)
        failed = self._collect(block)
        shares = {
            name: [now - then for now, then in zip(self.totals[name], before[name], strict=True)] for name in before
        }
        self._undoable[chain].append(Written(self.blocks, first, len(self.events), shares))
        return failed

    def take_back(self, chain: int) -> None:
        """The newest block of a chain never was: no trades, gas or failures in its row, its deeds told as undone, no totals."""
        written = self._undoable[chain].pop()
        self._rows[written.row, self._undone_columns] = 0.0
        for at in range(written.first, written.last):
            event = self.events[at]
            self.events[at] = event._replace(kind=f"undone {event.kind}")
        for name, parts in written.totals.items():
            for place, part in enumerate(parts):
                self.totals[name][place] -= part

    def _collect(self, block: Block) -> int:
        """Events out of receipts, and the trades among them. Returns how many transactions failed."""
        failed = 0
        self._fills.clear()
        for transaction, arrival, _, _, outcome, revert, _ in block.receipts:
            if revert is not None:
                failed += 1
                what, why = type(transaction).__name__, type(revert).__name__
                self.note(block.time, self._group(transaction.account), "reverted", what=what, why=why)
                continue
            if isinstance(transaction, Publish):
                told = {"market": transaction.listing.path, "value": transaction.report.value}
                self.note(block.time, "", "oracle update", **told)
            for done in flat(outcome) if type(outcome) is tuple else (outcome,):
                tell = self._tellers.get(type(done))
                if tell is not None:
                    tell(block.time, arrival, done)
        return failed

    def _group(self, account: int) -> str:
        names = self.game.state.ledger
        return names.groups[names.group.item(account)]

    def _notes(self) -> None:
        """What players noted: it stands, whatever becomes of the block."""
        for player in self.game.players:
            if player.notes:
                for time, kind, numbers in player.notes:
                    self.note(time, player.label, kind, **numbers)
                player.notes.clear()

    def _fill(self, _: float, __: float, done: Fill) -> None:
        """A single trade: counted with those of its market."""
        self._fills.append(done)

    def _liquidation(self, time: float, arrival: float, done: Liquidated) -> None:
        """A forced closure: into the totals of its exchange, and told with what became of it."""
        listing, group = done.listing, self._group
        house, coins = listing.house, listing.size_scale
        totals, scale = self.totals[house.name], house.cash_scale
        totals[0] += 1
        totals[1] += done.notional
        totals[2] += done.deficit
        totals[3] += done.deficit
        told: dict[str, Any] = {
            "market": listing.path,
            "account": done.account,
            "group": group(done.account),
            "size": done.size / coins,
            "notional": done.notional / scale,
            "reward": done.reward / scale,
            "deficit": done.deficit / scale,
            "deleveraged": done.deleveraged / coins,
            "waited": time - arrival,
            "rounds": done.rounds,
            "taker": group(done.taker) if done.taker >= 0 else "",
            "price": done.price,
            "since": time - done.opened,
        }
        for step, units in done.covered:
            totals[3] -= units
            told[f"paid by {step}"] = units / scale
        if not math.isnan(done.spare):
            told["spare"] = done.spare
        self.events.append(Event(time, group(done.keeper), "liquidation", told))

    def _case(self, time: float, _: float, done: Started | Bidden | Forfeited | Lifted) -> None:
        """What became of a case: an auction (or a warning) started, a bid, a winner that could not pay, an end without a sale."""
        scale = done.listing.house.cash_scale
        told: dict[str, Any] = {"market": done.listing.path, "account": done.account}
        if isinstance(done, Started):
            who, kind = done.keeper, "auction started"
            told |= {"rounds": done.rounds, "reward": done.reward / scale, "since": time - done.opened}
        elif isinstance(done, Lifted):
            who, kind = done.account, "case lifted"
            told["since"] = time - done.opened
        else:
            who, kind = done.bidder, "bid stands" if isinstance(done, Bidden) else "bid forfeited"
            told |= {"held": done.held / scale} | ({"price": done.price} if isinstance(done, Bidden) else {})
        self.note(time, self._group(who), kind, **told)

    def _seizure(self, time: float, _: float, done: Seized | Bitten) -> None:
        """Collateral taken."""
        self.note(time, self._group(done.keeper), "seizure", **done.told(state=self.game.state))

    def _traded(self, block: Block, fairs: list[float]) -> list[Traded]:
        """See `tally`, by market: of the crowds' runs and of auctions. Volume and fills are of single trades, too.

        How far an option trades off fair is against its underlying's.
        """
        found = [NOTHING] * len(fairs)
        for listing, _, size, owed, code in block.filled:
            number = listing.number
            one = tally(size, owed, code, fairs[number] * listing.price_scale)
            found[number] = one if found[number] is NOTHING else _sum(found[number], one)
        for fill in self._fills:
            number = fill.listing.number
            found[number] = _sum(found[number], (abs(fill.owed), 1, 0, 0.0, 0.0))
        return found

    def _flows(self) -> None:
        ledger, used, flows, sums = self.game.state.ledger, self.flow_count, self.flows, self._sums
        if used + sums.size > len(flows):
            flows = self.flows = np.concatenate([flows, np.empty((max(sums.size, len(flows)), 5), np.int64)])
        journal, count = ledger.journal, ledger.count.item()
        self.flow_count = aggregate(
            journal, count, self.cash_rows, ledger.group, sums, self._reasons, self.blocks, flows, used
        )
