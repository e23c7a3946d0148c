"""The funding skew: push the skew while the rate is being set, then stand on the side that is paid until it is set again.

Where funding is looked at once an interval, the block in which it is looked at is all that a lean must last. A long as large
as its margin carries makes longs pay; a block later it is short as much, hedged with coins on the reference venue, and is
paid by the vault and by whoever is long. Every interval costs two trades of twice the size; no price has been moved, and
no bet is open. Collecting what thin premiums pay is old (basis desks do it); here the payer is whoever did not look.
What stops it: funding that accrues by the skew that stands, or moves at a bounded pace; a fee above an interval's funding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.attacks.base import Attack
from agents.attacks.sizing import largest
from agents.player import Action, Player, ReferenceTrade
from agents.view import View
from protocol import exchange
from protocol.funding.base import open_interest
from protocol.funding.sampled import SampledSkew
from protocol.funding.skew import skew_rate
from protocol.gas import GAS
from protocol.oracles.base import Status
from protocol.state import Listing, State
from protocol.transactions import Trade
from protocol.units import SECONDS_PER_DAY, to_units_down

if TYPE_CHECKING:
    from agents.game import Game

SIZES = np.array([1.0, 0.75, 0.5, 0.3, 0.2, 0.1, 0.05])  # shares of what it could carry


@dataclass(frozen=True)
class FundingSkew(Attack):
    """`margin` of its capital stands on the exchange, the rest buys the hedge; uses `usage` of what either could carry."""

    capital: float = 2_000_000.0
    latency: float = 0.05
    tip: float = 5e-9
    caution: float = 1.2
    margin: float = 0.35
    usage: float = 0.8

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return super().mistakes() + [
            f"{name} = {value}: must be above 0 to below 1"
            for name, value in (("margin", self.margin), ("usage", self.usage))
            if not 0 < value < 1
        ]

    def surface(self, state: State, listing: Listing) -> str:
        """Funding by a skew that is looked at now and then, against a vault."""
        market = state.market(listing)
        if not isinstance(market.funding, SampledSkew):
            return "funding is not set by a skew of one instant"
        return "" if market.venue.counterparty == "vault" else "a skew here moves a price"

    def prepare(self, me: Player, game: Game) -> None:
        """Its margin stands on the exchange."""
        house = game.house(self.exchange)
        exchange.deposit(
            game.state, house, me.account, to_units_down(self.margin * self.capital, int(house.cash_scale))
        )
        me.memory.update(listing=game.listing(self.market, self.exchange), until=0.0, wealth=None)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Long in the block that sets the rate, short and hedged after it, flat where it does not pay."""
        memory, listing, state = me.memory, me.memory["listing"], view.state
        if state.time < memory["until"]:
            return ()
        if lacks := self.surface(state, listing):
            self.decline(me, view, lacks)
            return ()
        if view.index(listing).status != Status.FRESH:
            return ()
        funding = state.market(listing).funding
        assert isinstance(funding, SampledSkew)  # `surface` has looked
        held = view.balance(listing.size, me.account)
        if view.seal // funding.interval > state.time // funding.interval:
            return self._at_the_sample(me, view, listing, funding, held)
        if held > 0:  # the rate is set: to the other side
            memory["until"] = view.seal
            return (
                me.send(Trade(listing, me.account, -2 * held), 4.0 * self.tip),
                *self._hedge(me, view, listing, held),
            )
        return self._hedge(me, view, listing, -held)

    def _at_the_sample(
        self, me: Player, view: View, listing: Listing, funding: SampledSkew, held: int
    ) -> Iterable[Action]:
        """In the last look before the rate is set: weigh another interval, and say what the last one came to."""
        memory, index = me.memory, view.index(listing).value
        worth = self._wealth(me, view, listing)
        if memory["wealth"] is not None:
            self.over(me, view, realised=worth - memory["wealth"], estimate=memory["estimate"])
            memory["wealth"] = None
        memory["until"] = view.seal
        size, gain, cost = self._weigh(me, view, listing, funding, held, index)
        if size == 0 or gain - self.caution * cost < self.least_profit:
            self.decline(me, view, "does not pay", estimate=gain - cost, cost=cost, size=size / listing.size_scale)
            return (me.send(Trade(listing, me.account, -held)),) if held else ()
        memory.update(wealth=worth, estimate=gain - cost)
        stake = view.balance(listing.house.cash, me.account) / listing.house.cash_scale
        self.launch(me, view, estimate=gain - cost, cost=cost, stake=stake, size=size / listing.size_scale)
        return (me.send(Trade(listing, me.account, size - held), 4.0 * self.tip),)

    def _weigh(
        self, me: Player, view: View, listing: Listing, funding: SampledSkew, held: int, index: float
    ) -> tuple[int, float, float]:
        """(size in units, cash coins received over an interval, cash coins of cost) of the best size."""
        state, house = view.state, listing.house
        market = state.market(listing)
        long, short = open_interest(state, listing)
        others = long - short - held / listing.size_scale
        margin = view.balance(house.cash, me.account) / house.cash_scale
        purse = view.balance(house.token, me.account) / house.cash_scale
        coins = purse / index + view.balance(listing.base, me.account) / listing.size_scale - self.base
        most = self.usage * min(
            largest(view, listing, 1, margin, index), largest(view, listing, -1, margin, index), coins
        )
        best = (0, 0.0, 0.0)
        for size in (most * SIZES).tolist():
            units = int(size * listing.size_scale)
            if units == 0:
                continue
            trades = np.array([units - held, -2 * units, units])  # there, to the other side, and in the end home
            owed = float(view.cost(listing, trades[trades != 0]).sum()) / house.cash_scale
            spread = owed + held / listing.size_scale * index
            notional = float(np.abs(trades).sum()) / listing.size_scale * index
            hedge = 2.0 * (view.reference_cost(market.instrument.base, size) - size * index)
            gas = (view.fee(listing) + self.tip) * 3 * GAS["Trade"]
            rate = skew_rate(others + size, funding.skew_scale, funding.cap) / SECONDS_PER_DAY
            gain = rate * funding.interval * size * index
            cost = max(0.0, spread) + market.fee * notional + max(0.0, hedge) + gas
            if gain - self.caution * cost > best[1] - self.caution * best[2]:
                best = (units, gain, cost)
        return best

    def _hedge(self, me: Player, view: View, listing: Listing, short: int) -> tuple[ReferenceTrade, ...]:
        """Coins on the reference venue for what it is short, or about to be."""
        asset = view.state.market(listing).instrument.base
        mid = view.reference(asset)
        spare = max(short, 0) / listing.size_scale - (
            view.balance(listing.base, me.account) / listing.size_scale - self.base
        )
        purse = 0.98 * view.balance(listing.house.token, me.account) / listing.house.cash_scale
        spare = min(spare, purse / mid)
        return (ReferenceTrade(me.account, asset, spare),) if abs(spare) * mid > 100.0 else ()

    @staticmethod
    def _wealth(me: Player, view: View, listing: Listing) -> float:
        """Cash coins: tokens, coins at the reference mid, and what the account is worth at it."""
        state, house = view.state, listing.house
        mid = view.reference(state.market(listing).instrument.base)
        weights = state.market(listing).instrument.weights(state, listing, mid)
        claims = sum(weight * view.balance(row, me.account) for row, weight in weights)
        cash = (view.balance(house.token, me.account) + view.balance(house.cash, me.account)) / house.cash_scale
        return float(cash + claims) + view.balance(listing.base, me.account) / listing.size_scale * mid
