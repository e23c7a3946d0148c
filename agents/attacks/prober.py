"""The prober: no plan of its own; it tries bundles of the protocol's verbs on the state in view until one leaves it richer.

What it tries, how it learns, and what counts as richer stand in `agents/probing`. Only what works inside one bundle is sent, so
that nobody stands between its parts: `view.simulate`, a hundred times a sitting. What it learned in one sitting it takes to the
next. It lives on mistakes of composition, such as an index that a trade of the same bundle can move (bZx, February 2020; Harvest,
October 2020): an index that no bundle moves keeps it at home, and so does every rule that rounds and charges against the caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.attacks.base import Attack
from agents.player import Action, Player
from agents.probing.residents import deposit_half
from agents.probing.search import Corpus, Search, search
from agents.probing.stage import Stage
from agents.view import View
from protocol.access import Permissionless
from protocol.ledger import WORLD, Reason
from protocol.state import Listing, State
from protocol.transactions import Bundle
from protocol.venues.base import AT_THE_CLOSE

if TYPE_CHECKING:
    from agents.game import Game

NAMED = 8  # accounts of others that it may name


@dataclass(frozen=True)
class Prober(Attack):
    """Tries `budget` bundles at a sitting, one sitting per `ponder` seconds, with `accounts` accounts that share its capital.

    `base` coins besides cash let it sell what it has not bought. `seed` is of its own dice.
    """

    capital: float = 300_000.0
    latency: float = 0.05
    least_profit: float = 100.0
    ponder: float = 300.0
    accounts: int = 2
    budget: int = 120
    seed: int = 1

    def mistakes(self) -> list[str]:
        """Counts are counts."""
        return super().mistakes() + [
            f"{name} = {value}: must be {least} or more"
            for name, value, least in (
                ("accounts", self.accounts, 1),
                ("budget", self.budget, 1),
                ("seed", self.seed, 0),
            )
            if value < least
        ]

    def surface(self, state: State, listing: Listing) -> str:
        """Anything that is done at once, for anybody."""
        market = state.market(listing)
        if market.venue.settles == AT_THE_CLOSE:
            return "orders wait for the close of a block: no bundle ends with money"
        if any(state.market(one).venue.masks(one) for one in state.markets):
            return "something here is hidden from who would try things out"
        return "" if isinstance(market.access, Permissionless) else "only who holds a credential may trade here"

    def prepare(self, me: Player, game: Game) -> None:
        """Share the capital out; half of each account's cash is margin."""
        listing, ledger = game.listing(self.market, self.exchange), game.state.ledger
        owner = int(game.state.ledger.owner[me.account])
        others = [
            game.open(self.label, 0.0, 0.0, self.market, self.exchange, owner=owner) for _ in range(self.accounts - 1)
        ]
        for row in {listing.house.token, listing.base}:
            part = int(ledger.balance[row, me.account]) // self.accounts
            for account in others:
                ledger.move(row, me.account, account, part, Reason.GENESIS)
        own = (me.account, *others)
        for account in own:
            deposit_half(game.state, account)
        me.memory.update(own=own, listing=listing, next=0.0, corpus=None, stake=None)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Look back at the last bundle, or sit down to look for one."""
        memory = me.memory
        if memory["stake"] is not None:
            self._look_back(me, view)
        if memory["stake"] is not None or view.time < memory["next"]:
            return ()
        memory["next"] = view.time + self.ponder
        listing: Listing = memory["listing"]
        if lacks := self.surface(view.state, listing):
            self.decline(me, view, lacks)
            return ()
        return self._sit(me, view, listing)

    def _sit(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        state, memory = view.state, me.memory
        prices = {state.market(one).instrument.base: 0.0 for one in state.markets}
        prices = {base: view.reference(base) for base in prices}
        stage = Stage(state, memory["own"], self._others(state, memory["own"]), prices)
        how = Search(self.budget, self.seed, least=max(0.01, self.least_profit), polish=self.budget // 2, blocks=0)
        memory["corpus"] = memory["corpus"] or Corpus(state, how, len(memory["own"]))
        report = search(stage, how, memory["corpus"])
        found = report.find
        if found is None:
            self.decline(me, view, "found nothing that pays", estimate=report.best, probes=report.probes)
            return ()
        bundle = Bundle(me.account, found.most)  # type: ignore[arg-type]  # one bundle: no blocks pass in it
        _, revert = view.simulate(bundle)
        cost = bundle.gas * (view.fee(listing) + self.tip)
        if revert is not None or not found.largest - self.caution * cost > self.least_profit:
            self.decline(me, view, "does not pay", estimate=found.largest - cost, cost=cost)
            return ()
        verbs = "+".join(type(deed).__name__ for deed in found.most)
        memory["stake"] = (view.seal, found.largest - cost, stage.capital, prices)
        self.launch(
            me, view, estimate=found.largest - cost, cost=cost, stake=stage.capital, verbs=verbs, probes=report.probes
        )
        return (me.send(bundle),)

    def _others(self, state: State, own: tuple[int, ...]) -> tuple[int, ...]:
        players = np.flatnonzero(state.ledger.exchange < 0).tolist()
        return tuple(account for account in players if account not in own and account != WORLD)[:NAMED]

    def _look_back(self, me: Player, view: View) -> None:
        """What the bundle came to, once the block that it was meant for is in view."""
        seal, estimate, before, prices = me.memory["stake"]
        if view.state.time < seal:
            return
        me.memory["stake"] = None
        stage = Stage(view.state, me.memory["own"], (), prices)
        self.over(me, view, realised=stage.capital - before, estimate=estimate)
