"""The vault runner: it leaves before a loss of the vault is marked, and comes before a gain is.

Shares are redeemed at the index, and the index lags. Whoever sees where the index is going, and what the vault holds, knows what
a share will be worth: those who leave first do not lose, and those who stay lose the more. `invested` of its capital lies
in the vault from the start, as a provider's does who then runs; with none, it lends the vault money for the seconds in which
a gain is on its way, which takes the same from the same. First redeemed, first served: runs on hedge funds' and bond
funds' stale prices have the same arithmetic, and HLP's lock-up, GLP's cooldown and Gains' epochs are the answer.
What stops it: exits that are paid after a delay, at the price of then; an exit fee above the usual lag; an index that keeps up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.attacks.base import Attack
from agents.player import Action, Player
from agents.view import View
from protocol import exchange
from protocol.gas import GAS
from protocol.ledger import WORLD
from protocol.oracles.base import Status
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Divest, Invest
from protocol.units import to_units_down

if TYPE_CHECKING:
    from agents.game import Game


ENOUGH = 5  # runs after which it stops if they have lost more than they were to earn


@dataclass(frozen=True)
class VaultRunner(Attack):
    """Commits `share` of its cash, `invested` of its capital from the start; wants `least_profit` cash coins a run.

    It is back where it rests once less than `rest` of what it saw is unmarked.
    """

    capital: float = 5_000_000.0
    latency: float = 0.05
    tip: float = 5e-9
    least_profit: float = 300.0
    caution: float = 1.2
    share: float = 0.95
    invested: float = 0.0
    rest: float = 0.1

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return super().mistakes() + refusals(
            self,
            share=(0 < self.share <= 1, "above 0 to 1"),
            invested=(0 <= self.invested < 1, "0 to below 1"),
            rest=(0 <= self.rest < 1, "0 to below 1"),
        )

    def surface(self, state: State, listing: Listing) -> str:
        """A vault that carries positions at an index that may lag, and whose shares are redeemed at once."""
        market, vault = state.market(listing), state.exchange(listing.house).vault
        if vault is None or market.venue.counterparty != "vault":
            return "no vault carries positions here"
        if market.oracle.live and not market.index:
            return "the index does not lag"
        return "" if vault.delay == 0.0 else "exits are paid after a delay, at the price of then"

    def prepare(self, me: Player, game: Game) -> None:
        """A provider's money is in the vault before the first block."""
        listing = game.listing(self.market, self.exchange)
        units = to_units_down(self.invested * self.capital, int(listing.house.cash_scale))
        if units and listing.house.vault >= 0:
            exchange.invest(game.state, listing.house, me.account, units)
        me.memory.update(listing=listing, until=0.0, inside=None, runs=0, earned=0.0, hoped=0.0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """In before a gain is marked, out before a loss is, and back to where it came from once it has been."""
        memory, listing = me.memory, me.memory["listing"]
        if view.state.time < memory["until"]:
            return ()
        if lacks := self.surface(view.state, listing):
            self.decline(me, view, lacks)
            return ()
        if view.index(listing).status != Status.FRESH:
            return ()
        held = view.balance(listing.house.share, me.account)
        gain = self.unmarked(view, listing)
        if memory["inside"] is not None:
            return self._return(me, view, listing, held, gain)
        return self._run(me, view, listing, held, gain)

    def unmarked(self, view: View, listing: Listing) -> float:
        """Cash coins that the vault gains once the indices of its exchange have caught up with the reference mids."""
        state, total = view.state, 0.0
        for one in state.claims[listing.house.index]:
            size = view.balance(one.size, listing.house.vault)
            if size:
                instrument = state.market(one).instrument
                now = instrument.price(state, one, view.index(one).value)
                total += size / one.size_scale * (instrument.price(state, one, view.reference(instrument.base)) - now)
        return total

    def _run(self, me: Player, view: View, listing: Listing, held: int, gain: float) -> Iterable[Action]:
        """Away from where it rests, if the part of the gain or loss that this moves pays."""
        house, vault = listing.house, view.state.exchange(listing.house).vault
        assert vault is not None  # `surface` has looked
        supply = -view.balance(house.share, WORLD)
        total = exchange.vault_total(view.state, house) / house.cash_scale
        if supply <= 0 or total <= 0:
            return ()
        if held:
            part, stake = held / supply, total * held / supply
            saved = -gain * part
            action: Divest | Invest = Divest(house, me.account, held)
        else:
            units = int(self.share * view.balance(house.token, me.account))
            stake = units / house.cash_scale
            saved, action = gain * stake / (total + stake), Invest(house, me.account, units)
        gas = (view.fee(listing) + self.tip) * (GAS["Invest"] + GAS["Divest"])
        cost = gas + vault.fee * stake
        if saved <= 0.0:
            return ()
        numbers = {"estimate": saved - cost, "cost": cost, "unmarked": gain}
        if saved - self.caution * cost < self.least_profit:
            self.decline(me, view, "does not pay", **numbers)
            return ()
        if me.memory["runs"] >= ENOUGH and me.memory["earned"] < -me.memory["hoped"]:
            self.decline(me, view, "others are there first, so far", **numbers)
            return ()
        _, revert = view.simulate(action)
        if revert is not None:
            self.decline(me, view, str(revert), **numbers)
            return ()
        wallet = view.balance(house.token, me.account)
        me.memory.update(until=view.seal, inside=bool(held), side=gain, estimate=saved - cost, wallet=wallet, held=held)
        self.launch(me, view, stake=stake, **numbers)
        return (me.send(action),)

    def _return(self, me: Player, view: View, listing: Listing, held: int, gain: float) -> Iterable[Action]:
        """Once what it saw is marked, or has gone the other way, back to where it rests."""
        memory, house, inside = me.memory, listing.house, me.memory["inside"]
        wallet = view.balance(house.token, me.account)
        if bool(held) == inside:  # it is back, or its first step was refused
            total, supply = exchange.vault_total(view.state, house), max(1, -view.balance(house.share, WORLD))
            realised = (wallet - memory["wallet"] + total * ((held - memory["held"]) / supply)) / house.cash_scale
            self.over(me, view, realised=realised, estimate=memory["estimate"])
            memory.update(inside=None, runs=memory["runs"] + 1)
            memory.update(earned=memory["earned"] + realised, hoped=memory["hoped"] + memory["estimate"])
            return ()
        if gain * memory["side"] > self.rest * memory["side"] ** 2:
            return ()
        memory["until"] = view.seal
        back = Divest(house, me.account, held) if held else Invest(house, me.account, wallet - memory["wallet"])
        return (me.send(back),)
