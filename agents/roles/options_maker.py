"""The options maker: it quotes every option of one base that trades on a book, by its own volatility and Greeks, and hedges.

Its volatility is the surface's shape at a level of its own: realised volatility and where the surface was at genesis, mixed,
less `lean` per cash coin of vega that it holds, so that what it is long of gets cheaper (Avellaneda and Stoikov 2008, carried
over to volatility). It quotes `edge` in volatility around that, and stands back by what delta may lose while a quote ages. It
keeps the surface (`protocol.surface`): what it believes is what everybody's options are marked at. Beyond `band` it takes
its delta out through the perpetual, at whatever that then costs: its hedging moves prices, with the market when it is short
gamma and against it when it is long.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.player import Action, Player, Role
from agents.view import View
from protocol import exchange, surface
from protocol.instruments.option import Option
from protocol.instruments.perpetual import Perpetual
from protocol.ledger import Floats
from protocol.settings import refusals
from protocol.state import Listing
from protocol.transactions import Bundle, CancelAll, Post, PostSurface, Trade, Transaction
from protocol.units import SECONDS_PER_YEAR, to_units_down
from protocol.venues.order_book import OrderBook

if TYPE_CHECKING:
    from agents.game import Game


class Line(NamedTuple):
    """One option, as the maker sees it now. Prices in cash coins per base coin."""

    listing: Listing
    held: float  # base coins
    worth: float
    delta: float
    vega: float
    tick: float  # of its book; 0 where it trades on none


@dataclass(frozen=True)
class OptionsMaker(Role):
    """Hedges through `market`, a perpetual; quotes `lot` base coins a side, up to `most_vega` (cash coins per 1.00) of inventory.

    `edge` in volatility; `belief` is the weight of realised volatility over `memory` seconds; `lean` in volatility per cash coin
    of vega; `band` in base coins of delta; `caution` in standard deviations. It posts a surface that is `stale` in volatility,
    and quotes again where it is off by `tolerance` of its spread.
    """

    capital: float = 2_000_000.0
    latency: float = 0.1
    lot: float = 5.0
    edge: float = 0.03
    belief: float = 0.5
    memory: float = 3_600.0
    lean: float = 2e-5
    most_vega: float = 20_000.0
    band: float = 2.0
    caution: float = 1.0
    stale: float = 0.005
    tolerance: float = 0.25
    slippage: float = 0.01

    def mistakes(self) -> list[str]:
        """Formulas need numbers of the right sign."""
        return refusals(
            self,
            lot=(self.lot > 0, "above 0 base coins"),
            edge=(self.edge > 0, "above 0 per root year"),
            belief=(0 <= self.belief <= 1, "0 to 1, a weight"),
            memory=(self.memory > 0, "above 0 seconds"),
            lean=(self.lean >= 0, "0 or more per cash coin of vega"),
            most_vega=(self.most_vega > 0, "above 0 cash coins per 1.00 of volatility"),
            band=(self.band >= 0, "0 or more base coins"),
            caution=(self.caution >= 0, "0 or more standard deviations"),
            stale=(self.stale > 0, "above 0 per root year"),
            tolerance=(self.tolerance >= 0, "0 or more, a share of the spread"),
            slippage=(self.slippage > 0, "above 0, a share of the mid"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Nine tenths of its capital stand as margin, the rest pays gas; it takes the surface into its keeping."""
        hedge = game.listing(self.market, self.exchange)
        house, rules = hedge.house, game.state.market(hedge)
        if not isinstance(rules.instrument, Perpetual):
            raise ValueError(f"market = {hedge.name!r}: an OptionsMaker hedges through a Perpetual")
        base = rules.instrument.base
        options = [m for m in game.state.listings[house.index] if isinstance(game.state.market(m).instrument, Option)]
        options = [m for m in options if game.state.market(m).instrument.base == base]
        if not any(isinstance(game.state.market(m).venue, OrderBook) for m in options):
            raise ValueError(f"exchange = {house.name!r}: an OptionsMaker needs an option on {base} on an OrderBook")
        surface.appoint(game.state, house, base, me.account)
        exchange.deposit(game.state, house, me.account, to_units_down(0.9 * self.capital, int(house.cash_scale)))
        me.memory.update(hedge=hedge, options=options, base=base, until=0.0, quotes={})

    # ------------------------------------------------------------------ each block

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Post the surface, replace quotes that are off, hedge."""
        if view.state.time < me.memory["until"]:
            return ()
        mid = view.reference(me.memory["base"])
        lines = list(self._lines(me, view, mid))
        vega = sum(line.held * line.vega for line in lines)
        target, factor = self._believed(me, view, vega)
        parts = [*self._post_surface(me, view, target), *self._hedge(me, view, lines, mid)]
        for line in lines:
            if line.tick:
                parts += self._requote(me, view, line, vega, mid, factor)
        if parts:
            me.memory["until"] = view.seal
        return [me.send(part) for part in parts]

    def _lines(self, me: Player, view: View, mid: float) -> Iterator[Line]:
        """Options that will still be trading in the block to come."""
        state = view.state
        for listing in me.memory["options"]:
            rules = state.market(listing)
            option = rules.instrument
            assert isinstance(option, Option)
            if view.seal >= option.expiry:
                continue
            greeks = option.greeks(state, listing, mid)
            held = view.balance(listing.size, me.account) / listing.size_scale
            tick = rules.venue.tick if isinstance(rules.venue, OrderBook) else 0.0
            yield Line(listing, held, float(greeks.value), float(greeks.delta), float(greeks.vega), tick)

    def _believed(self, me: Player, view: View, vega: float) -> tuple[Floats, float]:
        """Its surface, [tenor, moneyness], and how many times the present one's level that is."""
        house, base = me.memory["hedge"].house, me.memory["base"]
        rules = surface.rules(view.state, house, base)
        shape = np.array(rules.volatilities)
        usual = float(shape.mean())
        if view.time >= me.memory.get("look", 0.0):  # looked at ten times a memory
            me.memory["look"] = view.time + 0.1 * self.memory
            seen = min(1.0, view.time / self.memory)  # what it has not seen yet was as usual
            variance = view.volatility(base, self.memory) ** 2 * SECONDS_PER_YEAR
            me.memory["realised"] = math.sqrt(seen * variance + (1.0 - seen) * usual**2)
        level = (1.0 - self.belief) * usual + self.belief * me.memory["realised"] - self.lean * vega
        target = np.clip(shape * max(level, rules.least) / usual, rules.least, rules.most)
        return target, float(target.mean() / view.state.tables[surface.path(house, base)].mean())

    def _post_surface(self, me: Player, view: View, target: Floats) -> Iterator[Transaction]:
        house, base = me.memory["hedge"].house, me.memory["base"]
        off = float(np.abs(target - view.state.tables[surface.path(house, base)]).max())
        if off > self.stale and surface.keeper(view.state, house, base) == me.account:
            me.note(view, "surface", level=float(target.mean()), moved=off)
            yield PostSurface(house, me.account, base, tuple(tuple(row) for row in target.tolist()))

    def _hedge(self, me: Player, view: View, lines: list[Line], mid: float) -> Iterator[Transaction]:
        """Take out all of the delta once it is beyond the band."""
        hedge: Listing = me.memory["hedge"]
        delta = view.balance(hedge.size, me.account) / hedge.size_scale + sum(line.held * line.delta for line in lines)
        if abs(delta) > self.band:
            me.note(view, "hedge", delta=delta)
            side = -math.copysign(1.0, delta)
            limit = view.mid(hedge) * (1.0 + side * self.slippage)
            yield Trade(hedge, me.account, int(-delta * hedge.size_scale), limit)

    def _requote(
        self, me: Player, view: View, line: Line, vega: float, mid: float, factor: float
    ) -> Iterator[Transaction]:
        """Both sides anew where either has been eaten into, or is off by the tolerance."""
        state, listing = view.state, line.listing
        age = state.rules.chains[listing.house.chain].blocks.interval + self.latency
        moved = me.memory["realised"] / math.sqrt(SECONDS_PER_YEAR) * mid * math.sqrt(age)
        option = state.market(listing).instrument
        worth = float(option.revalue(state, listing, mid, np.zeros(1), np.array([factor]))[0])
        half = self.edge * line.vega + self.caution * abs(line.delta) * moved + line.tick
        bid, ask, quotes = worth - half, worth + half, me.memory["quotes"]
        known = quotes.get(listing.index)
        slack = self.tolerance * half
        if known and abs(known[0] - bid) <= slack and abs(known[1] - ask) <= slack and known[2] == line.held:
            return
        quotes[listing.index] = bid, ask, line.held
        size = int(self.lot * listing.size_scale)
        parts: list[Transaction] = [CancelAll(listing, me.account)]
        added = self.lot * line.vega
        if bid >= line.tick and vega + added <= self.most_vega:
            parts.append(Post(listing, me.account, size, bid))
        if vega - added >= -self.most_vega:
            parts.append(Post(listing, me.account, -size, ask))
        me.note(view, "option quote", market=listing.name, bid=bid, ask=ask, held=line.held, vega=vega)
        yield Bundle(me.account, tuple(parts))
