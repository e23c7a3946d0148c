"""Why: a witness that sees every deed of a run, and explains each forced closure when it happens.

What an account has above what it needs has fallen below zero by some amount since it was last healthy, and by more since it
entered. The fall is split, to the last coin, into what each cause did to the prices that it is valued at, funding, interest,
fees, losses it was made to share, changed parameters, and its own trades, which are what remains. Causes that are closures are
its parents, with fractional shares of the fall. Whoever an auction closes was put up earlier: his fall is that up to then. Whoever
was healthy until the deed itself was pushed below within it: by its sender, and by what he had to spare at least. Whoever is
closed in part and stays below goes on from there, and what the closure itself did to him is a cause, too: a seizure beyond the
frontier leads to the next.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agents.attacks.base import Attack
from agents.roles.arbitrageur import Arbitrageur
from agents.roles.basis import BasisTrader
from experiments.cascades.causes import FEES, SEIZURE, SHARED, Forced, Traded, Why
from experiments.cascades.prices import Page, Prices, kept
from experiments.cascades.standing import KINDS, Base, Book, Margined, Minted, Moment, Place, row_of
from protocol.exchange import Bitten, Liquidated, Seized, Started
from protocol.exchange.fills import flat
from protocol.ledger import Floats, Reason
from protocol.state import Listing, State

if TYPE_CHECKING:
    from agents.game import Game

LEDGER = {  # which moves of cash are which cause; funding is counted as it accrues, not as it is paid
    Reason.FEE: FEES,
    Reason.PENALTY: FEES,
    Reason.LOSS_SOCIALISED: SHARED,
    Reason.LOSS_VAULT: SHARED,
}
ARBITRAGE = (Arbitrageur, BasisTrader)
Closure = Liquidated | Seized | Bitten
Seat = tuple[str, int]  # where, and whose account


class Seen(NamedTuple):
    """What is remembered from before a deed: where the journal stood, how those below stood, and prices where there are any."""

    mark: int
    below: dict[Seat, Moment]
    page: Page | None


class Fall(NamedTuple):
    """What took an account below. Times in seconds."""

    healthy: float
    entry: float
    since_healthy: dict[Hashable, float]
    since_entry: dict[Hashable, float]


class Carried(NamedTuple):
    """An account that is still below when it has been closed in part: how it stood then, and what took it there."""

    base: Base  # its row
    page: Page
    fall: Fall


class Tracer:
    """A witness (`chain.Witness`). Give it to `build`, then `seat` it in the game before the first block."""

    def __init__(self) -> None:
        self.why: list[Why] = []

    def seat(self, game: Game) -> None:
        """Look at the game as it stands before its first block."""
        state = game.state
        labels = {player.account: player.role for player in game.players}
        self.arbitrage = {account for account, role in labels.items() if isinstance(role, ARBITRAGE)}
        self.attackers = {account for account, role in labels.items() if isinstance(role, Attack)}
        self.prices = Prices(game)
        self.prices.close(state)
        self._cash = np.zeros((len(state.houses), len(KINDS), state.ledger.accounts))
        self._settled = state.time
        places: list[Place] = [Margined(self.prices, house, state) for house in state.houses]
        places += [Minted(self.prices, issue) for issue in self.prices.issues]
        self.books = {one.key: Book(one, self._base(state, one), one.signs(state)) for one in places}
        self._put_up: dict[Seat, Fall] = {}
        self._carried: dict[Seat, Carried] = {}

    # ------------------------------------------------------------------ a witness

    def before(self, state: State) -> Seen:
        """How those stand who may be closed now. With a new block, fair has moved."""
        if state.time != self._settled:
            self._settled = state.time
            self.prices.nature(state)
        below = {
            (key, account): book.place.moment(state, account, self._cash_of(book.place)[:, account].copy())
            for key, book in self.books.items()
            for account in book.place.below(state)
        }
        looks = below or self.prices.live or self._put_up
        return Seen(state.ledger.mark(), below, self.prices.now(state) if looks else None)

    def after(self, state: State, seen: Seen, verb: str, account: int, reverted: bool, outcome: Any) -> None:
        """Attribute what the deed moved; explain it where it closed by force; look at the whole when the block is closed."""
        if reverted:
            return
        sender = Traded(self._group(state, account), account in self.attackers)
        weights: dict[Hashable, tuple[float, Listing | None]] = {}
        seats: list[Seat] = []
        for one in flat(outcome):
            if isinstance(one, Started):
                self._remember(state, one, seen)
            elif isinstance(one, Closure):
                self.why.append(self._explain(state, one, seen, sender))
                seats.append((_told(state, one)[0], one.account))
                at = one.listing if isinstance(one, Liquidated) else None
                weights[Forced(self.why[-1].number)] = (abs(self.why[-1].notional), at)
        self._count_cash(state, seen.mark)
        if weights:
            self.prices.forced(state, seen.page or self.prices.history[-1], weights)
            self._carry(state, seen, self.why[-len(weights) :], seats)
        else:
            self.prices.trade(state, sender, arbitrage=account in self.arbitrage)
        if account < 0:
            self._close(state)
        elif self.prices.live:
            self.prices.observe(state)

    def _group(self, state: State, account: int) -> str:
        return state.ledger.groups[int(state.ledger.group[account])] if account >= 0 else "chain"

    def _count_cash(self, state: State, seen: int) -> None:
        """Add up what moved in cash for causes that are nobody's own doing."""
        ledger = state.ledger
        if ledger.accounts > self._cash.shape[2]:
            self._cash = np.pad(self._cash, ((0, 0), (0, 0), (0, ledger.accounts - self._cash.shape[2])))
        moves = ledger.moves_since(seen)
        for house in state.houses:
            for reason, kind in LEDGER.items():
                rows = moves[(moves[:, 0] == house.cash) & (moves[:, 4] == int(reason))]
                if len(rows):
                    sums = self._cash[house.index, KINDS.index(kind)]
                    np.subtract.at(sums, rows[:, 1], rows[:, 3] / house.cash_scale)
                    np.add.at(sums, rows[:, 2], rows[:, 3] / house.cash_scale)

    def _close(self, state: State) -> None:
        """The block is closed: indices are read, and whoever is healthy now is compared with this block from here on."""
        self.prices.close(state)
        for key, book in self.books.items():
            now = self._base(state, book.place)
            book.close(now, book.place.signs(state))
            for seat in [one for one in self._carried if one[0] == key and now.excess[one[1]] >= 0.0]:
                del self._carried[seat]

    def _cash_of(self, place: Place) -> Floats:
        """Running sums of cash on the exchange of a place. Shape [kind, accounts]."""
        found: Floats = self._cash[place.house.index]
        return found

    def _base(self, state: State, place: Place) -> Base:
        cash = self._cash_of(place)
        grown = np.pad(cash, ((0, 0), (0, state.ledger.accounts - cash.shape[1])))
        return place.base(state, len(self.prices.history) - 1, grown.copy())

    # ------------------------------------------------------------------ explaining

    def _remember(self, state: State, one: Started, seen: Seen) -> None:
        """An account is put up: what took it below is known now, and it may be healthy again by the time it is sold."""
        seat = (one.listing.house.name, one.account)
        if seat in seen.below and seen.page is not None:
            self._put_up[seat] = self._fall(state, seat, seen.below[seat], seen.page)

    def _fall(self, state: State, seat: Seat, then: Moment, page: Page) -> Fall:
        book, prices = self.books[seat[0]], self.prices
        if seat in self._carried:
            base, old, before = self._carried[seat]
            return _added(before, book.place.split(state, base, then, old, page))
        healthy, entry = (row_of(base, seat[1]) for base in (book.healthy, book.entry))
        since = [
            book.place.split(state, base, then, prices.history[int(base.block)], page) for base in (healthy, entry)
        ]
        return Fall(prices.times[int(healthy.block)], prices.times[int(entry.block)], *since)

    def _carry(self, state: State, seen: Seen, whys: list[Why], seats: list[Seat]) -> None:
        """Go on from here with those who are still below after a deed that has closed them in part."""
        for seat in dict.fromkeys(seats):
            mine = [why for why, one in zip(whys, seats, strict=True) if one == seat]
            place = self.books[seat[0]].place
            now = place.moment(state, seat[1], self._cash_of(place)[:, seat[1]].copy())
            if seat not in seen.below or now.excess >= 0.0:
                self._carried.pop(seat, None)
                continue
            done, total = now.excess - seen.below[seat].excess, math.fsum(why.notional for why in mine)
            parts: dict[Hashable, float] = {
                Forced(why.number): done * (why.notional / total if total > 0 else 1.0 / len(mine)) for why in mine
            }
            last = mine[-1]
            fall = _added(Fall(last.healthy, last.entry, last.since_healthy, last.since_entry), parts)
            base = Base(len(self.prices.history) - 1, np.asarray(now.excess), now.cash, np.asarray(now.rate))
            self._carried[seat] = Carried(base, kept(self.prices.now(state)), fall)

    def _pushed(self, seat: Seat, sender: Traded, notional: float) -> Fall:
        """Healthy until the deed: all it had to spare was taken by it; of an account that the deed opened, what it held."""
        book, times = self.books[seat[0]], self.prices.times
        last = len(times) - 1
        known = seat[1] < len(book.healthy.excess)
        spare = float(book.healthy.excess[seat[1]]) if known else 0.0
        entry = int(book.entry.block[seat[1]]) if known else last
        fall: dict[Hashable, float] = {sender: -(spare if spare > 0 else notional)}
        return Fall(times[last], times[entry], fall, dict(fall))

    def _explain(self, state: State, one: Closure, seen: Seen, sender: Traded) -> Why:
        key, told = _told(state, one)
        seat = (key, one.account)
        if seat in seen.below and seen.page is not None:
            fall = self._fall(state, seat, seen.below[seat], seen.page)
        else:
            fall = self._put_up.get(seat) or self._pushed(seat, sender, told["notional"])
        return Why(
            number=len(self.why),
            time=state.time,
            account=one.account,
            group=self._group(state, one.account),
            healthy=fall.healthy,
            entry=fall.entry,
            fall=math.fsum(fall.since_healthy.values()),
            since_healthy=fall.since_healthy,
            since_entry=fall.since_entry,
            **told,
        )


def _told(state: State, one: Closure) -> tuple[str, dict[str, Any]]:
    """Where it was closed, and what is known of it."""
    if isinstance(one, Liquidated):
        scale = one.listing.house.cash_scale
        return one.listing.house.name, {
            "market": one.listing.path,
            "size": one.size / one.listing.size_scale,
            "notional": one.notional / scale,
            "deficit": one.deficit / scale,
        }
    if isinstance(one, Seized):
        lien = state.ledger.assets[one.lien]
        return one.house.name, {
            "market": f"{one.house.name}.{lien.name}",
            "size": -one.taken / lien.scale,
            "notional": one.notional,
            "deficit": one.lost + one.deficit / one.house.cash_scale,
            "kind": SEIZURE,
        }
    return one.issue.path, {
        "market": one.issue.listing.path,
        "size": -one.taken / one.issue.scale,
        "notional": one.notional,
        "deficit": one.lost / one.issue.listing.size_scale * one.price,
        "kind": SEIZURE,
    }


def _added(before: Fall, parts: dict[Hashable, float]) -> Fall:
    """A fall that has gone on."""
    both = [
        {cause: since.get(cause, 0.0) + parts.get(cause, 0.0) for cause in {**since, **parts}}
        for since in (before.since_healthy, before.since_entry)
    ]
    return before._replace(since_healthy=both[0], since_entry=both[1])
