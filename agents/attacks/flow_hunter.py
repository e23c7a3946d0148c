"""The flow hunter: it learns from settled fills who will trade next, which way and when, and trades about that blind.

Sealed orders hide what waits, not what has been done. Once a block is settled, balances tell who traded and how much, and an
order worked in like slices at like pauses tells its next slice ahead. The hunter keeps a book on every large account, guesses
the next trade of those who have gone one way at a steady pace, and checks each guess when it is settled. Where its own record
makes a round trip about the guess pay, misses included, it buys early in the block and sells late in it, having read nothing.
Pauses drawn anew for each slice, smaller slices and one price for all take its edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.attacks.base import Attack
from agents.attacks.surrounding import fees, funded, money, position
from agents.player import Action, Player
from agents.roles.reporter import innermost
from agents.view import View
from protocol.gas import GAS
from protocol.ledger import WORLD
from protocol.oracles.pull import Pull
from protocol.orderings.base import Ordering
from protocol.settings import refusals
from protocol.state import Listing, State
from protocol.transactions import Trade
from protocol.venues.base import AT_THE_CLOSE

if TYPE_CHECKING:
    from agents.game import Game

PARTS = np.geomspace(0.02, 3.0, 16)  # of the trade it expects: sizes it weighs
PRIOR, WEIGHT = 0.2, 4.0  # the chance of a hit that it believes in at first, and for how many guesses that counts


class Guess(NamedTuple):
    """A trade that it expects in the next block. `size` in units, signed."""

    account: int
    size: int


def keeps_order(ordering: Ordering) -> bool:
    """Whether of two alike the one that came first is served first, whatever chance says."""
    return all(int(ordering.rank(np.array([0.0, 1.0]), np.zeros(2), entropy)[0]) == 0 for entropy in range(16))


@dataclass(frozen=True)
class FlowHunter(Attack):
    """Follows trades of `large` cash coins and more, after `run` of them one way; moves its victim's price by `push` at most.

    Its first `trials` guesses it only watches.
    """

    capital: float = 1_000_000.0
    base: float = 0.0
    latency: float = 0.1
    least_profit: float = 10.0
    ponder: float = 600.0
    usage: float = 0.8
    large: float = 20_000.0
    run: int = 3
    push: float = 0.005
    trials: int = 3

    def mistakes(self) -> list[str]:
        """Shares are shares, and a pace has two ends."""
        return super().mistakes() + refusals(
            self,
            usage=(0 < self.usage <= 1, "above 0 to 1"),
            large=(self.large > 0, "above 0 cash coins"),
            run=(self.run >= 2, "2 or more trades"),
            trials=(self.trials >= 0, "0 or more guesses"),
            push=(0 < self.push < 1, "above 0 to below 1, a share of the price"),
        )

    def looks(self) -> int:
        """Twice: once to be early, once to be late."""
        return 2

    def surface(self, state: State, listing: Listing) -> str:
        """Prices that a trade moves at once, in an order that can be counted on."""
        if state.market(listing).venue.settles == AT_THE_CLOSE:
            return "orders clear together at one price"
        if listing.size >= 0 and isinstance(innermost(state, listing)[0], Pull):
            return "who trades here brings a report, and may find none to get out"
        ordering = state.rules.chains[listing.house.chain].ordering
        return "" if keeps_order(ordering) else "nobody can count on a place"

    def prepare(self, me: Player, game: Game) -> None:
        """Nobody is known yet."""
        listing = game.listing(self.market, self.exchange)
        me.memory.update(listing=listing, height=-1, book={}, known=None, guess=None, out=0, hits=0, guesses=0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Early: settle the last guess, make another, and buy about it if that pays. Late: sell."""
        memory = me.memory
        listing: Listing = memory["listing"]
        if memory["height"] == view.state.height:
            return self._late(me, listing)
        memory["height"] = view.state.height
        if lacks := self.surface(view.state, listing):
            self.decline(me, view, lacks)
            return ()
        self._look(me, view, listing)
        if held := position(view, me, listing, self.base):
            return (me.send(Trade(listing, me.account, -held)),)
        if memory["out"]:
            memory["out"] = 0
            self.over(me, view, realised=money(view, me, listing) - memory["money"], estimate=memory["estimate"])
        memory["guess"] = self._guess(me, view, memory["book"])
        if memory["guess"] is None:
            return ()
        if memory["guesses"] < self.trials:
            self.decline(me, view, "no record yet")
            return ()
        return self._early(me, view, listing, memory["guess"])

    # ------------------------------------------------------------------ what it knows

    def _look(self, me: Player, view: View, listing: Listing) -> None:
        """Enter who has traded, and whether the last guess was right."""
        memory, state = me.memory, view.state
        held = state.ledger.balance[listing.size if listing.size >= 0 else listing.base].copy()
        known, memory["known"] = memory["known"], held
        if known is None or len(known) != len(held):
            return
        changed = np.flatnonzero(np.abs(held - known) * (view.mid(listing) / listing.size_scale) >= self.large)
        traded = {
            int(account): int(held[account] - known[account])
            for account in changed
            if account not in (WORLD, me.account) and state.ledger.exchange[account] < 0
        }
        for account, size in traded.items():
            memory["book"].setdefault(account, []).append((state.time, size))
            del memory["book"][account][: -self.run]
        guess: Guess | None = memory["guess"]
        if guess is not None:
            hit = traded.get(guess.account, 0) * guess.size > 0
            memory["guesses"] += 1
            memory["hits"] += hit
            side = 1 if guess.size > 0 else -1
            me.note(view, "guess", hit=float(hit), side=side, tried=float(memory["out"] != 0))

    def _guess(self, me: Player, view: View, book: dict[int, list[tuple[float, int]]]) -> Guess | None:
        """The largest trade to be expected in the next block: of those who go one way at a steady pace, who is due."""
        found: list[Guess] = []
        slack = 0.55 * view.state.rules.chains[me.memory["listing"].house.chain].blocks.interval
        for account, trades in book.items():
            times, sizes = (np.array(column) for column in zip(*trades, strict=True))
            if len(trades) < self.run or abs(np.sign(sizes).sum()) < self.run:
                continue
            gaps = np.diff(times)
            pace = float(gaps.mean())
            if np.abs(gaps - pace).max() <= slack and abs(view.seal - (times[-1] + pace)) <= slack:
                found.append(Guess(account, int(sizes.mean())))
        return max(found, key=lambda guess: abs(guess.size), default=None)

    # ------------------------------------------------------------------ what it does

    def _early(self, me: Player, view: View, listing: Listing, guess: Guess) -> Iterable[Action]:
        memory, scale = me.memory, listing.house.cash_scale
        chance = (memory["hits"] + PRIOR * WEIGHT) / (memory["guesses"] + WEIGHT)
        gas = 2.0 * GAS["Trade"] * (view.fee(listing) + 2.0 * self.tip)
        most = self.usage * money(view, me, listing) / view.mid(listing) * listing.size_scale
        if listing.size < 0 and guess.size < 0:
            most = self.usage * view.balance(listing.base, me.account)
        alone = float(view.cost(listing, np.array([guess.size]))[0]) / guess.size
        best, size, lost = 0.0, 0, 0.0
        for part in PARTS:
            front = int(part * guess.size)
            if front == 0 or abs(front) > most:
                break
            there, victim, back = view.cost(listing, np.array([front, guess.size, -front])).tolist()
            miss = float(view.cost(listing, np.array([front, -front])).sum()) / scale
            charged = 2.0 * fees(view, listing, abs(there) / scale)
            if not abs(victim / guess.size / alone - 1.0) <= self.push:  # also of nan: cannot be filled
                break
            gain = chance * -(there + back) / scale - (1.0 - chance) * miss - charged
            if gain > best:
                best, size, lost = gain, front, miss
        cost = gas + (1.0 - chance) * lost
        if best - gas * self.caution < self.least_profit:
            self.decline(me, view, "does not pay", estimate=best - gas, chance=chance)
            return ()
        stake = abs(size) / listing.size_scale * view.mid(listing)
        memory.update(out=size, money=money(view, me, listing), estimate=best - gas)
        coins = size / listing.size_scale
        self.launch(me, view, estimate=best - gas, cost=cost, stake=stake, chance=chance, size=coins)
        order = funded(me, view, listing, self.usage, Trade(listing, me.account, size))
        return (me.send(order, 2.0 * self.tip),)

    def _late(self, me: Player, listing: Listing) -> Iterable[Action]:
        size = me.memory["out"]
        return (me.send(Trade(listing, me.account, -size), 0.0),) if size else ()
