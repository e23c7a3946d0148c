"""An attacker's seat: the learner says how hard it pushes the pool that an oracle reads, and what position it leans to."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.attacks.holdings import purse
from agents.attacks.seats import source
from agents.attacks.sizing import largest
from agents.player import Action, Player
from agents.view import View
from experiments.learning.base import Seat
from protocol import exchange
from protocol.oracles.base import Status
from protocol.transactions import Trade
from protocol.units import to_units_down

if TYPE_CHECKING:
    from agents.game import Game

LEAST = 0.01  # of the largest position: smaller changes are not worth their gas


@dataclass(frozen=True)
class PusherSeat(Seat):
    """`market` is the one whose index a pool makes. Half its capital is margin; the rest, and what it has bought, push."""

    capital: float = 2_000_000.0
    latency: float = 0.05
    tip: float = 5e-9

    signals = ("pool", "index", "position", "cash", "coins")
    moves = {"push": (-1.0, 1.0), "lean": (-1.0, 1.0)}

    @property
    def usual(self) -> tuple[float, ...]:
        """Nothing."""
        return (0.0, 0.0)

    def prepare(self, me: Player, game: Game) -> None:
        """Put up margin; refuse a market whose index no pool makes."""
        listing = game.listing(self.market, self.exchange)
        if source(game.state, listing) is None:
            raise ValueError(f"market = {listing.name!r}: a {type(self).__name__} needs one whose index a pool makes")
        exchange.deposit(
            game.state, listing.house, me.account, to_units_down(0.5 * self.capital, int(listing.house.cash_scale))
        )

    def report(self, me: Player, view: View) -> Iterable[float]:
        """Pool and index against the reference (%), position, cash and coins in the wallet as shares of capital."""
        listing = view.listing(self.market, self.exchange)
        pool = source(view.state, listing)
        assert pool is not None  # `prepare` has looked
        reference, index = view.reference(view.state.market(listing).instrument.base), view.index(listing)
        lag = math.log(index.value / reference) if index.status == Status.FRESH else 0.0
        capital = max(self.capital, 1.0)
        return (
            100.0 * math.log(view.mid(pool) / reference),
            100.0 * lag,
            view.balance(listing.size, me.account) / listing.size_scale * reference / capital,
            purse(me, view, listing.house) / capital,
            view.balance(pool.base, me.account) / pool.size_scale * reference / capital,
        )

    def play(self, me: Player, view: View, moves: tuple[float, ...]) -> Iterable[Action]:
        """Trade towards the position, then spend (or sell) that share of what it holds on the pool."""
        push, lean = moves
        listing = view.listing(self.market, self.exchange)
        pool, index, house = source(view.state, listing), view.index(listing), listing.house
        assert pool is not None
        if index.status == Status.FRESH:
            side = 1 if lean >= 0 else -1
            money = max(0.0, 0.9 * view.balance(house.cash, me.account) / house.cash_scale)
            most = largest(view, listing, side, money, index.value) * listing.size_scale
            size = int(lean * side * most) * side - view.balance(listing.size, me.account)
            if abs(size) > LEAST * most:
                yield me.send(Trade(listing, me.account, size))
        mid = view.mid(pool)
        cash = view.balance(house.token, pool.desk) / house.cash_scale  # the pool's own
        spend = 0.95 * push * purse(me, view, house)
        bought = spend / mid / (1.0 + spend / cash)  # of a constant product; the rest pays its fee
        units = int(
            (bought if push > 0 else push * view.balance(pool.base, me.account) / pool.size_scale) * pool.size_scale
        )
        if units:
            yield me.send(Trade(pool, me.account, units))
