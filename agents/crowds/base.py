"""The crowd family: one decision maker that owns a slice of accounts and decides for all of them in columns.

Every member has its own parameters and its own dice, and is a Mesa agent whose attributes read the columns. A member's
signal is a weighted sum of its private noise, the trend of the mid, and the gap between the reference and the mid; beyond
its threshold it opens a position against or with it, and closes one that the signal contradicts.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np

from agents.crowds.decision import ROOM, BareSight, Columns, Seats, decide
from agents.crowds.spreading import Places, misfits, on_fewer, orders, paths
from agents.player import Action, Player, Role
from agents.routings.base import Routing
from agents.streams import Streams
from agents.view import Outlook, View
from protocol.ledger import WORLD, Floats, Ints, Reason
from protocol.mempool import Placed
from protocol.settings import refusals
from protocol.state import Listing

if TYPE_CHECKING:
    from agents.game import Game
    from agents.lost import Lost
    from protocol.world import World


PATIENCE = 60.0  # seconds after the block it was meant for, until an order expires


class Column:
    """An attribute of a member that reads the crowd's column of the same name."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, member: Any, owner: type | None = None) -> Any:
        if member is None:
            return self
        return getattr(member.crowd.columns, self.name)[member.account - member.crowd.seats.first]


class Member(mesa.Agent):
    """One trader of a crowd: a real agent, whose numbers live in columns and whose money lives in the ledger."""

    stake, activity, leverage, threshold, patience = Column(), Column(), Column(), Column(), Column()

    def __init__(self, game: Game, account: int, crowd: CrowdPlayer) -> None:
        super().__init__(game)
        self.account = account
        self.crowd = crowd

    @property
    def size(self) -> float:
        """Position over all its markets (or tokens in spot markets), base coins."""
        seats, balance = self.crowd.seats, self.model.state.ledger.balance
        return float(sum(balance[row, self.account] for row in self.crowd.rows_of("size")) / seats.size_scale)

    @property
    def cash(self) -> float:
        """Cash claims on all its exchanges (or tokens in spot markets), cash coins."""
        seats, balance = self.crowd.seats, self.model.state.ledger.balance
        return float(sum(balance[row, self.account] for row in self.crowd.rows_of("cash")) / seats.cash_scale)


class CrowdPlayer(Player):
    """The decision maker behind the members."""

    listing: Listing
    base: str  # what it trades, as reference venues name it
    seats: Seats
    columns: Columns
    keys: Any
    average: float  # moving average of the log mid
    seen: float  # seconds, when it last decided
    room: Floats  # for `decide` to work in
    broke: Ints  # its first row: who is ruined
    bare: tuple[Any, Any]  # seats without their names, and columns in one sheet, as `decide` takes them
    places: Places | None  # where they are, if they trade on several markets

    def rows_of(self, what: str) -> set[int]:
        """Ledger rows of their positions ("size"), or of their cash ("cash")."""
        listings = self.places.listings if self.places is not None else (self.listing,)
        if self.seats.quote < 0:
            return {self.listing.base if what == "size" else self.listing.house.token}
        return {listing.size if what == "size" else listing.house.cash for listing in listings}


@dataclass(frozen=True)
class Crowd(Role):
    """`count` members with lognormal stakes around `capital` cash coins (`spread` is the log's standard deviation).

    `activity` in decisions per day and member; `memory` seconds of the trend's moving average. A member left with less than
    `reentry` of its stake brings a new one (0: never). With a `routing` it trades on several markets of one base: those named in
    `markets` as EXCHANGE.MARKET, or all that are like its own.
    """

    count: int = 100
    capital: float = 10_000.0
    latency: float = 0.25
    spread: float = 0.5
    activity: float = 24.0
    memory: float = 3_600.0
    reentry: float = 0.0
    slippage: float = 0.02
    gas_money: float = 1_000.0
    routing: Routing | None = None
    markets: tuple[str, ...] = ()

    def mistakes(self) -> list[str]:
        """Rates and shares must be rates and shares."""
        return refusals(
            self,
            spread=(self.spread >= 0, "0 or more"),
            activity=(self.activity >= 0, "0 or more decisions per day"),
            memory=(self.memory > 0, "above 0 seconds"),
            reentry=(0 <= self.reentry < 1, "0 to below 1"),
            slippage=(self.slippage > 0, "above 0"),
            jitter=(self.jitter == 0, "0: its members' orders arrive at moments of their own"),
            gas_money=(self.gas_money >= 0, "0 or more cash coins"),
        )

    def misfits(self, world: World) -> list[str]:
        """See `Role.misfits`."""
        return misfits(self, world)

    def without(self, lost: Lost) -> Role | None:
        """On the markets that are left to it."""
        return super().without(lost) if self.routing is None else on_fewer(self, lost)

    @abstractmethod
    def columns(self, streams: Streams, stake: Ints) -> Columns:
        """What its members differ in."""

    def enter(self, game: Game) -> None:
        """Seat the members: accounts, stakes, and a Mesa agent each."""
        if self.count == 0:
            return
        listing = game.listing(self.market, self.exchange)
        places = None if self.routing is None else self._places(game)
        if places is not None:
            listing = places.listings[0]
        first, stake = self._open(game, listing)
        crowd = self._decider(game, listing, first, self.columns(game.streams, stake), self.label, self.label)
        crowd.places = places
        accounts = np.arange(first, first + self.count)
        if listing.size >= 0:
            self._bring(crowd, accounts, stake, slice(None), Reason.GENESIS)
        self.prepare(crowd, game)
        Member.create_agents(game, self.count, accounts.tolist(), crowd)

    def _open(self, game: Game, listing: Listing) -> tuple[int, Ints]:
        """Open the accounts, with gas money and what they hold of a spot market; returns the first, and stakes [members]."""
        house, ledger, spot = listing.house, game.state.ledger, listing.size < 0
        first = ledger.open(self.label, self.count, chain=house.chain)
        accounts = np.arange(first, first + self.count)
        noise = game.streams.normal(f"{self.label}.stake", 0, self.count)
        stake = (self.capital * house.cash_scale * np.exp(self.spread * noise - 0.5 * self.spread**2)).astype(np.int64)
        world = np.full(self.count, WORLD)
        gas = np.full(self.count, int(self.gas_money * house.cash_scale))
        ledger.move_many(house.token, world, accounts, gas, Reason.GENESIS)
        if spot:
            ledger.move_many(house.token, world, accounts, stake, Reason.GENESIS)
            price = game.fair[0, game.column[game.state.market(listing).instrument.base]]
            base = (stake / house.cash_scale / price * listing.size_scale).astype(np.int64)
            ledger.move_many(listing.base, world, accounts, base, Reason.GENESIS)
        return first, stake

    def _decider(
        self, game: Game, listing: Listing, first: int, columns: Columns, label: str, dice: str
    ) -> CrowdPlayer:
        """Who decides for the members in one market, by dice of that name; seated."""
        house, spot = listing.house, listing.size < 0
        crowd = CrowdPlayer(game, self, first, label)
        crowd.listing, crowd.places = listing, None
        crowd.base = game.state.market(listing).instrument.base
        sheet = np.array(columns, np.float64)
        crowd.columns = Columns(columns.stake, *sheet[1:])
        crowd.seats = Seats(
            first,
            listing.base if spot else listing.size,
            -1 if spot else listing.quote,
            house.token if spot else house.cash,
            listing.size_scale,
            house.cash_scale,
            listing.number,
            float(self.tip),
            0.0 if spot else float(self.reentry),
        )
        crowd.bare = tuple(crowd.seats), sheet
        crowd.room = np.empty((ROOM, self.count))
        crowd.broke = crowd.room[0].view(np.int64)
        crowd.keys = np.array([game.streams.key(f"{dice}.{what}") for what in ("act", "signal", "arrive")])
        crowd.average, crowd.seen = math.nan, 0.0
        game.players.append(crowd)
        return crowd

    def _places(self, game: Game) -> Places:
        assert self.routing is not None
        chosen = paths(self, game.state.rules)
        listings = tuple(next(m for m in game.state.markets if m.path == path) for path in chosen)
        draws = game.streams.uniform(f"{self.label}.home", 0, self.count)
        home = self.routing.settle(draws, len(listings))
        ease = game.streams.uniform(f"{self.label}.ease", 0, self.count)
        return Places(listings, home, ease, self.routing.deposits(home, len(listings)))

    @staticmethod
    def _bring(me: CrowdPlayer, accounts: Ints, units: Ints, members: Any, reason: Reason) -> None:
        """New money from outside, straight into the exchange, or the exchanges, each its share."""
        ledger = me.model.state.ledger
        parts = [(me.listing, units)]
        if me.places is not None:
            shares = me.places.shares[members].T
            parts = [(m, (units * part).astype(np.int64)) for m, part in zip(me.places.listings, shares, strict=True)]
        for listing, part in parts:
            house = listing.house
            ledger.move(house.token, WORLD, house.custody, int(part.sum()), reason)
            ledger.move_many(house.cash, np.full(len(accounts), house.custody), accounts, part, reason)

    def look(self, me: CrowdPlayer, view: View, outlook: Outlook, own: Floats | float) -> BareSight:
        """What everybody sees alike of such an outlook; `own` is the log mid as each sees it. Moves the trend on."""
        mid, log_mid, gap = outlook
        seal, average = view.seal, me.average
        elapsed, me.seen = seal - me.seen, seal
        if average != average:  # not a number yet
            average = log_mid
        trend = log_mid - average
        me.average = average + trend * (1.0 - math.exp(-elapsed / self.memory))
        return mid, trend, gap, elapsed, view.arrival, seal, seal + PATIENCE

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Everybody's orders for this block, written where the mempool has room for them."""
        assert isinstance(me, CrowdPlayer)
        if me.places is not None:
            return orders(self, me, view)
        outlook = view.outlook(me.listing, me.base)
        sight = self.look(me, view, outlook, outlook.log_mid)
        mempool, rows, at = view.room(me.listing, self.count)
        seats, sheet = me.bare
        wants, ruined = decide(me.keys, seats, sheet, sight, view.state.ledger.balance, rows, at, me.room)
        if ruined:
            self.bring_again(me, me.broke[:ruined])
        return (Placed(mempool, at, wants),) if wants else ()

    def bring_again(self, me: CrowdPlayer, members: Ints) -> None:
        """Members who have lost nearly everything, and owe nothing, bring a new stake."""
        self._bring(me, members + me.seats.first, me.columns.stake[members], members, Reason.REENTRY)


def spread_out(streams: Streams, name: str, low: float, high: float, count: int) -> Floats:
    """Uniform numbers in [low, high), one a member."""
    result: Floats = low + (high - low) * streams.uniform(name, 0, count)
    return result


def watchers(
    crowd: Crowd,
    streams: Streams,
    stake: Ints,
    leverage: float,
    threshold: float,
    blur: float,
    trend: float,
    gap: float,
) -> Columns:
    """Members who watch one thing, weighed by `trend` or `gap`, each with its own threshold and leverage.

    Up to `leverage`, and about `threshold` (log). `blur`: how far from it each sees, as a share of its threshold.
    """
    n, name = len(stake), crowd.label
    thresholds = threshold * spread_out(streams, f"{name}.threshold", 0.5, 1.5, n)
    return Columns(
        stake,
        crowd.activity / 86_400.0 * spread_out(streams, f"{name}.activity", 0.67, 1.33, n),
        spread_out(streams, f"{name}.leverage", 0.25 * leverage, leverage, n),
        thresholds,
        blur * thresholds,
        np.full(n, trend),
        np.full(n, gap),
        np.full(n, crowd.slippage),
    )
