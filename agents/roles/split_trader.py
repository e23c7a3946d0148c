"""The trader with accounts on several exchanges: it splits each order by cost, over pools that may live on different chains.

Orders come at moments of its own, of a size and to a side of its own, wherever it may trade; its `routing` says what goes where,
by cost, fees and gas in. A chain that has been silent for `silence` of its block times gets nothing. Parts on different chains are
filled on their own: nothing binds them together. What it got on average it notes beside the reference mid of when it sent the
order, and how long after the order came that was seen.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from agents.player import Action, Player, Role
from agents.quotes import Wanted, quotes
from agents.routings.aggregated import Aggregated
from agents.routings.base import Routing
from agents.streams import normal_at, uniform_at
from agents.view import View
from protocol.bridge import top
from protocol.gas import GAS
from protocol.settings import refusals
from protocol.state import Listing
from protocol.transactions import Trade

if TYPE_CHECKING:
    from agents.game import Game
    from agents.lost import Lost


@dataclass(frozen=True)
class SplitTrader(Role):
    """Trades at its `exchange` and at those named in `also`; has `capital` and `base` in all, in equal parts.

    Orders of `notional` cash coins on average (lognormal, `spread`), every `pause` seconds on average, accept `slippage`.
    """

    capital: float = 1_000_000.0
    base: float = 500.0
    latency: float = 0.5
    also: tuple[str, ...] = ()
    routing: Routing = field(default_factory=Aggregated)
    notional: float = 20_000.0
    spread: float = 0.5
    pause: float = 120.0
    slippage: float = 0.05
    silence: float = 3.0

    def mistakes(self) -> list[str]:
        """Amounts and times are above 0."""
        return refusals(
            self,
            notional=(self.notional > 0, "above 0 cash coins"),
            spread=(self.spread >= 0, "0 or more"),
            pause=(self.pause > 0, "above 0 seconds"),
            slippage=(0 < self.slippage < 1, "above 0 to below 1"),
            silence=(self.silence >= 1, "1 or more block times"),
            also=(len(set(self.also)) == len(self.also), "different exchanges"),
            routing=(
                not self.routing.homes and not getattr(self.routing, "loyalty", 0.0),
                "without homes and loyalty: it is at home at its exchange",
            ),
        )

    def without(self, lost: Lost) -> Role | None:
        """With the others that it trades at, where it is not its home that is gone."""
        left = dataclasses.replace(self, also=tuple(one for one in self.also if one != lost.name))
        return super(SplitTrader, left).without(lost)

    def chains(self, game: Game) -> frozenset[int]:
        """Those of all its exchanges."""
        return super().chains(game).union(game.house(name).chain for name in self.also)

    def enter(self, game: Game) -> None:
        """One owner, an account on each exchange."""
        for number in range(self.count):
            names, seats = (self.exchange or game.house().name, *self.also), []
            owner = None
            for name in names:
                cash, base = self.capital / len(names), self.base / len(names)
                account = game.open(self.label, cash, base, self.market, name, owner=owner)
                owner = int(game.state.ledger.owner[account])
                seats.append((game.listing(self.market, name), account))
            player = Player(game, self, seats[0][1], f"{self.label}.{number}")
            player.memory["seats"] = seats
            game.players.append(player)
            self.prepare(player, game)

    def prepare(self, me: Player, game: Game) -> None:
        """Draw the first moment."""
        if any(listing.size >= 0 for listing, _ in me.memory["seats"]):
            raise ValueError(f"market = {self.market!r}: a SplitTrader needs markets of tokens")
        key = game.streams.key(f"{me.label}.orders")
        me.memory.update(key=key, number=0, due=-self.pause * math.log(uniform_at(key, 0, 0)), open=None)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """See what became of the last order; send the next when it has come."""
        memory = me.memory
        if memory["open"] is not None:
            self._look(me, view)
        if memory["open"] is not None or view.time < memory["due"]:
            return ()
        number, key = memory["number"] + 1, memory["key"]
        listing: Listing = memory["seats"][0][0]
        mid = view.reference(view.state.market(listing).instrument.base)
        side = 1.0 if uniform_at(key, number, 1) < 0.5 else -1.0
        factor = math.exp(self.spread * normal_at(key, number, 2) - 0.5 * self.spread**2)
        parts = self._parts(view, memory["seats"], side * factor * self.notional / mid)
        if not parts:
            return ()  # no chain of its moves: it waits with the order
        due = memory["due"]
        memory.update(number=number, due=due - self.pause * math.log(uniform_at(key, number, 0)))
        wait = max(view.state.rules.chains[listing.house.chain].blocks.interval for listing, _, _ in parts)
        memory["open"] = (
            due,
            mid,
            sum(part for _, _, part in parts),
            self._held(me, view),
            view.seal + wait,
            len(parts),
        )
        limit = mid * (1.0 + side * self.slippage)
        return [me.send(Trade(where, who, int(part * where.size_scale), limit)) for where, who, part in parts]

    def _parts(self, view: View, seats: Sequence[tuple[Listing, int]], size: float) -> list[tuple[Listing, int, float]]:
        """Where how much of an order goes, of the chains that move; nothing where none does."""
        live = [seat for seat in seats if self._moves(view, seat[0])]
        if not live:
            return []
        side, listings = (1 if size > 0 else -1), [listing for listing, _ in live]
        gas = np.array([GAS["Trade"] * (view.fee(listing) + self.tip) for listing in listings])
        wanted = Wanted(np.array([abs(size)]), np.zeros(1, np.int64), np.zeros(1), np.full((1, len(live)), np.inf))
        parts = self.routing.route(wanted, quotes(view, listings, side, abs(size), gas))[0]
        return [(where, who, side * float(part)) for (where, who), part in zip(live, parts, strict=True) if part > 0]

    def _moves(self, view: View, listing: Listing) -> bool:
        """Whether a chain has sealed a block lately."""
        chains = view.state.rules.chains
        if len(chains) == 1:
            return True
        interval = chains[listing.house.chain].blocks.interval
        return view.time - top(view.state, listing.house.chain).time <= self.silence * interval

    @staticmethod
    def _held(me: Player, view: View) -> tuple[float, float]:
        """(base coins, cash coins) in all its accounts."""
        base = cash = 0.0
        for listing, account in me.memory["seats"]:
            base += view.balance(listing.base, account) / listing.size_scale
            cash += view.balance(listing.house.token, account) / listing.house.cash_scale
        return base, cash

    def _look(self, me: Player, view: View) -> None:
        """Note a fill once it is whole, or what there is of it when its time is over."""
        due, mid, size, (base, cash), until, parts = me.memory["open"]
        now_base, now_cash = self._held(me, view)
        got = now_base - base
        if abs(got) < 0.999 * abs(size) and view.state.time < until + 120.0:
            return
        me.memory["open"] = None
        price = (cash - now_cash) / got if got else math.nan
        told = {"size": got, "asked": size, "price": price, "mid": mid, "wait": view.state.time - due, "parts": parts}
        me.note(view, "split order", **told)
