"""The volatility push: trade the option that moves the surface most, and be paid on another that is marked by it.

A vault that sells options marks all of one base on one surface, and lets trades shift it (`OraclePool.volatility_impact`). Where
that impact is not the same everywhere, one option is a lever: the attacker buys a carrier whose own trades shift little,
buys the lever, sells the carrier at the volatility this has made, and sells the lever back where it came from. All of it is one
bundle, and risks nothing. Were the impact the same in all, each leg would pay in full for what it moves, and the loop would come
to what it costs in spreads and fees. It weighs pairs by vega, impact and weight between tenors, simulates the best at several
sizes, both ways round, and decides by the dearest. Attacks on implied volatility through thin series are known from
settlement of the VIX (Griffin and Shams 2018, "Manipulation in the VIX?", Review of Financial Studies 31). Against it: the
same impact in every option of a surface, a bound on how far trades move it in a day, and a wider spread in volatility.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from agents.attacks.holdings import paid_in, pot, purse, taken_out, wealth
from agents.attacks.staged import Staged
from agents.player import Action, Player
from agents.view import View
from protocol.gas import GAS
from protocol.instruments.option import Option
from protocol.oracles.base import Status
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Bundle, Trade, Transaction
from protocol.venues.oracle_pool import OraclePool

SHARES = (1.0, 0.5, 0.2)  # of the carrier that its capital would bear, as simulated


class Loop(NamedTuple):
    """A bundle that was played through. Cash and base in coins."""

    lever: str
    side: int  # 1: volatility up, -1: down
    carried: float  # of the carrier, base coins
    levered: float  # of the lever, base coins
    gain: float  # legs against each other
    cost: float  # fees and gas
    bundle: Bundle


@dataclass(frozen=True)
class VolatilityPush(Staged):
    """Puts `usage` of its capital into the carrier, and pulls the lever up to `pulls` times, each as far as one order may."""

    capital: float = 500_000.0
    latency: float = 0.05
    tip: float = 5e-9
    least_profit: float = 100.0
    usage: float = 0.6
    pulls: int = 2
    rest: float = 60.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return super().mistakes() + refusals(
            self,
            usage=(0 < self.usage <= 1, "above 0 to 1"),
            pulls=(self.pulls >= 1, "1 or more"),
            rest=(self.rest >= 0, "0 or more seconds"),
        )

    def surface(self, state: State, listing: Listing) -> str:
        """An option that a vault sells at the mark, and another whose trades move that mark."""
        market = state.market(listing)
        if not isinstance(market.instrument, Option):
            return "no option trades here"
        if not isinstance(market.venue, OraclePool):
            return "no vault sells this option at its mark"
        return "" if self.levers(state, listing) else "no other option moves this surface"

    @staticmethod
    def levers(state: State, listing: Listing) -> list[Listing]:
        """Other options on the same surface whose trades move it."""
        base = state.market(listing).instrument.base
        found = []
        for other in state.claims[listing.house.index]:
            rules = state.market(other)
            if (
                other.number != listing.number
                and isinstance(rules.instrument, Option)
                and rules.instrument.base == base
            ):
                venue = rules.venue
                if isinstance(venue, OraclePool) and venue.volatility_impact > 0:
                    found.append(other)
        return found

    def consider(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        """Look for a loop, play it through, send it."""
        if view.index(listing).status != Status.FRESH or view.seal >= view.state.market(listing).instrument.expires():
            self.decline(me, view, "no usable index, or expired")
            return ()
        loops = [loop for side in (1, -1) for loop in self.loops(me, view, listing, side)]
        if not loops:
            self.decline(me, view, "no loop goes through")
            return ()
        best = max(loops, key=lambda one: one.gain - self.caution * one.cost)
        numbers: dict[str, Any] = {**best._asdict(), "estimate": best.gain - best.cost}
        del numbers["bundle"]
        if not best.gain - self.caution * best.cost >= self.least_profit:
            self.decline(me, view, "does not pay", **numbers)
            return ()
        mid = view.reference(view.state.market(listing).instrument.base)
        stake = purse(me, view, listing.house) * self.usage
        me.memory.update(stage="home", until=view.seal, loop=best, wealth=wealth(me, view, listing, mid))
        self.launch(me, view, stake=stake, **numbers)
        return (me.send(best.bundle),)

    # ------------------------------------------------------------------ the loop

    def loops(self, me: Player, view: View, carrier: Listing, side: int) -> list[Loop]:
        """The best lever for it, played through at several sizes; those that would revert left out."""
        pair = self._best_lever(view, carrier)
        if pair is None:
            return []
        lever, pull = pair
        state, house = view.state, carrier.house
        index = view.index(carrier).value
        market = state.market(carrier)
        mark = max(1e-6, market.instrument.price(state, carrier, index))
        money = 0.98 * purse(me, view, house)
        each = 1.3 * mark if side > 0 else 0.2 * index + 1.3 * mark  # cash coins that a coin of it ties up
        most = min(self.usage * money / each, self._room(view, carrier, side))
        found = [self._play(me, view, carrier, lever, side, share * most, pull, money) for share in SHARES]
        return [loop for loop in found if loop is not None]

    @staticmethod
    def _room(view: View, listing: Listing, side: int) -> float:
        """Coins that the cap on open interest leaves on one side."""
        interest = view.state.tables[listing.interest_at]
        cap = view.state.market(listing).open_interest_cap / view.index(listing).value
        return max(0.0, cap - float(interest[0 if side > 0 else 1]) / listing.size_scale)

    def _best_lever(self, view: View, carrier: Listing) -> tuple[Listing, float] | None:
        """The lever whose pull is worth most to the carrier beyond what the carrier's own moves cost, and coins a pull."""
        best, worth = None, 0.0
        own = view.state.market(carrier).venue
        assert isinstance(own, OraclePool)  # `surface` has looked
        for lever in self.levers(view.state, carrier):
            rules, expiry = view.state.market(lever), view.state.market(carrier).instrument.expires()
            venue, option = rules.venue, rules.instrument
            assert isinstance(venue, OraclePool)
            assert isinstance(option, Option)
            if view.seal >= option.expiry:
                continue
            vega = float(option.greeks(view.state, lever, view.index(lever).value).vega)
            if not vega > 0:
                continue
            room = min(self._room(view, lever, side) for side in (1, -1))
            coins = min(0.99 * venue.most_impact / (venue.volatility_impact * vega), 0.99 * room / self.pulls)
            ours, theirs = expiry - view.state.time, option.expiry - view.state.time
            weight = min(ours / theirs, theirs / ours)
            value = (venue.volatility_impact - own.volatility_impact) * vega * coins * weight
            if best is None or value > worth:
                best, worth = (lever, coins), value
        return best

    def _play(
        self,
        me: Player,
        view: View,
        carrier: Listing,
        lever: Listing,
        side: int,
        coins: float,
        pull: float,
        money: float,
    ) -> Loop | None:
        """A loop as it would go now; None where it would not go through."""
        size, lot = side * int(coins * carrier.size_scale), side * int(pull * lever.size_scale)
        if size == 0 or lot == 0:
            return None
        there: list[Transaction] = [Trade(carrier, me.account, size), *[Trade(lever, me.account, lot)] * self.pulls]
        back: list[Transaction] = [Trade(carrier, me.account, -size), *[Trade(lever, me.account, -lot)] * self.pulls]
        bundle = Bundle(me.account, (*paid_in(me, carrier.house, money), *there, *back))
        done, revert = view.simulate(bundle, view.seal)
        if revert is not None:
            return None
        scale = carrier.house.cash_scale
        fills = [one for one in done if one is not None]
        fees = sum(view.state.market(one.listing).fee * abs(one.owed) for one in fills) / scale
        gas = (bundle.gas + GAS["Withdraw"]) * (view.fee(carrier) + self.tip)
        gain = min(-sum(one.owed for one in fills) / scale, 0.9 * pot(view, carrier.house))
        return Loop(lever.name, side, abs(coins), self.pulls * pull, gain, fees + gas, bundle)

    # ------------------------------------------------------------------ going home

    def proceed(self, me: Player, view: View) -> Iterable[Action]:
        """Take out what it came to."""
        memory, listing = me.memory, me.memory["listing"]
        out = taken_out(me, view, listing.house)
        memory["until"] = view.seal
        if out is not None and not memory.get("asked"):
            memory["asked"] = True
            return (me.send(out),)
        mid = view.reference(view.state.market(listing).instrument.base)
        loop: Loop = memory["loop"]
        realised = wealth(me, view, listing, mid) - memory["wealth"]
        self.finish(me, view, realised=realised, estimate=loop.gain - loop.cost, rest=self.rest)
        memory["asked"] = False
        return ()
