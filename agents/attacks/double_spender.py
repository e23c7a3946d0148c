"""Coins spent twice: sent over a bridge, believed there, and still at home once the chain they came from is reorganised.

It lives on a bridge that takes messages for final sooner than its chain does: it goes back and forth with all it has, and when
the block that locked its coins is undone after they have been issued, it does not send that transaction again (in practice:
sends another of the same number). Both sets are then its own, and it brings the second home at the cost of whoever is last in
the queue (Ethereum Classic, January 2019 and August 2020, against exchanges' deposits). A finality depth beyond the deepest
reorganisation leaves nothing to find; a fee on the bridge makes each attempt cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.attacks.base import Attack
from agents.player import Action, Player
from agents.roles.across import Ends, carries, next_salt, on_the_way, settle_on_both
from agents.view import View
from protocol.bridge import Key, carried, sent, span_of, top, waiting
from protocol.bridge_transactions import Dispatch
from protocol.gas import GAS
from protocol.settings import refusals
from protocol.state import Listing, Span, State
from protocol.transactions import Trade, Transaction

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class DoubleSpender(Attack):
    """Brings `coins` on the source chain of the bridge whose token its market trades; carries its messages itself.

    What escrow does not pay it sells, `piece` of the pool's coins a block.
    """

    capital: float = 10_000.0
    latency: float = 0.1
    coins: float = 1_000.0
    piece: float = 0.05
    least_profit: float = 1.0

    def mistakes(self) -> list[str]:
        """It has something to spend."""
        return super().mistakes() + refusals(
            self,
            coins=(self.coins > 0, "above 0 base coins"),
            piece=(0 < self.piece <= 1, "above 0 to 1, a share of the pool's coins"),
        )

    def surface(self, state: State, listing: Listing) -> str:
        """A token of a bridge that believes a chain too early."""
        span = span_of(state, listing.base)
        if span is None or listing.size >= 0:
            return "nothing is traded here that a bridge has issued"
        return "" if self._chance(state, span) > 0 else "the bridge waits for as long as its chain can forget"

    @staticmethod
    def _chance(state: State, span: Span) -> float:
        """Probability that a message is forgotten after it has been carried at the first moment, per message."""
        reorgs, depth = state.rules.chains[span.source].reorgs, state.rules.bridges[span.index].depth
        if reorgs is None:
            return 0.0
        return reorgs.chance * sum(reorgs.again**blocks for blocks in range(depth, reorgs.deepest))

    def chains(self, game: Game) -> frozenset[int]:
        """Both ends of the bridge, where its market trades a bridge's token."""
        span = span_of(game.state, game.listing(self.market, self.exchange).base)
        return super().chains(game) if span is None else frozenset((span.source, span.target))

    def resends(self, transaction: Transaction) -> bool:
        """Not what it sent over the bridge."""
        return not isinstance(transaction, Dispatch)

    def prepare(self, me: Player, game: Game) -> None:
        """Coins at home, if there is a bridge."""
        listing = game.listing(self.market, self.exchange)
        lacks, span = self.surface(game.state, listing), span_of(game.state, listing.base)
        me.memory.update(lacks=lacks, until={}, sent=None, won=False, estimate=0.0)
        if span is not None:
            me.memory["ends"] = settle_on_both(game, me, span.name, self.capital, self.coins)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Out with everything, back with everything, for as long as that pays on average; once it has won, home for good."""
        memory = me.memory
        if memory["lacks"]:
            self.decline(me, view, memory["lacks"])
            return ()
        if view.state.time < memory["until"].get(view.chain, 0.0):
            return ()
        actions = self._turn(me, view, memory["ends"])
        if actions:
            memory["until"][view.chain] = view.seal
        return actions

    def _turn(self, me: Player, view: View, ends: Ends) -> list[Action]:
        """Carry what is final of its own; else go out, wait, and come back."""
        span, memory = ends.span, me.memory
        if found := carries(view, ends, {ends.home, ends.away}):
            return [me.send(carry) for carry in found]
        if on_the_way(view, ends):
            return []
        home, away = view.balance(span.token, ends.home), view.balance(span.wrapped, ends.away)
        if view.chain == span.source and not away and home and not memory["won"]:
            return self._out(me, view, ends, home)
        if view.chain == span.target and away and memory["sent"] is not None and self._done(me, view, span):
            return self._back(me, view, ends, away)
        return []

    def _back(self, me: Player, view: View, ends: Ends, units: int) -> list[Action]:
        """Home with as much as escrow will pay, after those who have asked before; what it will not, into the market in pieces."""
        span, far = ends.span, ends.far
        asked = sum(message.key.units for message in waiting(view.state, span, span.target))
        room = min(units, view.balance(span.token, span.escrow) - asked)
        if room > 0:
            return [me.send(Dispatch(span, ends.away, ends.home, room, next_salt(me)))]
        return [me.send(Trade(far, ends.away, -min(units, int(self.piece * view.balance(far.base, far.desk)) + 1)))]

    def _done(self, me: Player, view: View, span: Span) -> bool:
        """Whether what it sent has been forgotten, or cannot be any more."""
        key: Key = me.memory["sent"]
        message = sent(view.state, span, span.source).get(key)
        if message is None:
            won = key in carried(view.state, span, span.target)
            if won and not me.memory["won"]:
                me.memory["won"] = True
                coins = key.units / span.scale
                self.over(
                    me, view, realised=coins * self._price(view, span), estimate=me.memory["estimate"], coins=coins
                )
            return True
        reorgs = view.state.rules.chains[span.source].reorgs
        return reorgs is None or top(view.state, span.source).height - message.height >= reorgs.deepest

    def _out(self, me: Player, view: View, ends: Ends, units: int) -> list[Action]:
        """Send all there is at home, if being forgotten is likely enough for what the round costs."""
        span = ends.span
        value = units / span.scale * self._price(view, span)
        gas = (GAS["Dispatch"] + GAS["Carry"]) * (view.fee(ends.near) + view.fee(ends.far) + 2.0 * self.tip)
        cost = gas + 2.0 * view.state.rules.bridges[span.index].fee * value
        estimate = self._chance(view.state, span) * value - self.caution * cost
        if estimate < self.least_profit:
            self.decline(
                me, view, "being forgotten is too unlikely for what the way costs", estimate=estimate, cost=cost
            )
            return []
        deed = Dispatch(span, ends.home, ends.away, units, next_salt(me))
        me.memory.update(sent=Key(deed.account, deed.salt, deed.to, units), estimate=estimate)
        self.launch(me, view, estimate=estimate, cost=cost, stake=value)
        return [me.send(deed)]

    @staticmethod
    def _price(view: View, span: Span) -> float:
        """The reference mid of the token, cash coins."""
        for listing in view.state.markets:
            if listing.base == span.token:
                return view.reference(view.state.market(listing).instrument.base)
        return 0.0
