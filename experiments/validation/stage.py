"""A stage for claims: a chain without gas, a deep reference, token markets, and those who come to trade.

`played` plays a scenario and gives fair and chosen balances at the end of every block, from which gains follow without a formula.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agents.demand import OutsideDemand
from agents.nature.base import Nature
from agents.nature.reference import ReferenceVenue
from agents.player import Action, Player, Role
from agents.recorder import Event
from agents.roles.arbitrageur import Arbitrageur
from agents.streams import uniform_at
from agents.view import View
from experiments.run import build, release
from experiments.scenario import Scenario
from protocol.blocks.base import BlockLaw
from protocol.funding.unfunded import Unfunded
from protocol.instruments.token import Token
from protocol.ledger import Floats
from protocol.orderings.base import Ordering
from protocol.orderings.priority_fee import PriorityFee
from protocol.state import State
from protocol.transactions import Trade
from protocol.venues.base import Venue
from protocol.world import Chain, Exchange, Market, World

if TYPE_CHECKING:
    from agents.game import Game


def traded(name: str, venue: Venue, **rules: Any) -> Market:
    """A market of a token."""
    return Market(name=name, instrument=Token(), venue=venue, funding=Unfunded(), **rules)


def keen(market: str, tip: float = 0.0) -> Arbitrageur:
    """An arbitrageur who takes whatever there is, in any size, and keeps what it holds."""
    return Arbitrageur(
        name=f"arbitrageur-{market}",
        market=market,
        capital=1e11,
        base=1e8,
        latency=0.0,
        tip=tip,
        bid_share=0.0,
        least_profit=0.0,
        ignore=1e18,
    )


def staged(
    markets: Sequence[Market],
    cast: Sequence[Role],
    nature: Nature,
    law: BlockLaw,
    blocks: float,
    seed: int = 1,
    ordering: Ordering | None = None,
) -> Scenario:
    """`blocks` blocks on a chain where gas costs nothing and nobody else wants any."""
    chain = Chain(blocks=law, ordering=ordering or PriorityFee(), base_fee=0.0, fee_floor=0.0)
    return Scenario(
        world=World(chains=(chain,), exchanges=(Exchange(markets=tuple(markets)),)),
        cast=tuple(cast),
        nature=nature,
        references=(ReferenceVenue(depth=1e15, spread=0.0),),
        outside=OutsideDemand(load=0.0),
        duration=blocks * law.interval,
        seed=seed,
    )


class Played(NamedTuple):
    """`time` in seconds; `fair` [blocks + 1], row 0 before the first; `cash` and `base` in coins, by name, as long."""

    time: float
    fair: Floats
    cash: dict[str, Floats]
    base: dict[str, Floats]
    events: list[Event]

    def gains(self, name: str) -> Floats:
        """What a balance gained in each block, at the fair of that block; [blocks]. Moves of fair are not in it."""
        gained: Floats = np.diff(self.cash[name]) + self.fair[1:] * np.diff(self.base[name])
        return gained


def played(scenario: Scenario, *, pools: bool = False) -> Played:
    """Balances of all players by their roles' names, or of pools by their markets'."""
    game = build(scenario)
    if pools:
        seats = [(market.name, market, market.desk) for market in game.state.markets]
    else:
        seats = [
            (one.role.label, game.listing(one.role.market, one.role.exchange), one.account) for one in game.players
        ]
    rows: list[float] = []

    def watch(state: State) -> None:
        item = state.ledger.balance.item
        rows.append(game.fair_now("ETH"))
        for _, market, account in seats:
            rows.append(item(market.house.token, account) / market.house.cash_scale)
            rows.append(item(market.base, account) / market.size_scale)

    try:
        watch(game.state)
        game.play(watch=watch)
        time, events = game.state.time, game.recorder.events
    finally:
        release(game)
    table = np.array(rows).reshape(-1, 1 + 2 * len(seats))
    cash = {name: table[:, 1 + 2 * place] for place, (name, _, _) in enumerate(seats)}
    base = {name: table[:, 2 + 2 * place] for place, (name, _, _) in enumerate(seats)}
    return Played(time, table[:, 0], cash, base, events)


@dataclass(frozen=True)
class Comers(Role):
    """Buyers and sellers of `lot` cash coins, `rate` of each a second, who give up an exponential part of the mid.

    It is of mean 1 / `decay` coins; with `decay` 0 they take any price. Of those who come within a block the keenest is served.
    All come in every `period`-th block, counted from `first`. Each that sends an order is written down as "came".
    """

    capital: float = 1e8
    base: float = 1e6
    latency: float = 0.0
    tip: float = 0.0
    lot: float = 100.0
    rate: float = 0.07
    decay: float = 1.5
    period: int = 1
    first: int = 1
    sides: tuple[int, ...] = (1, -1)  # who comes: buyers, sellers

    def prepare(self, me: Player, game: Game) -> None:
        """Look for the book."""
        me.memory["book"] = game.listing(self.market, self.exchange)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """The keenest on each side, if anybody has come."""
        book = me.memory["book"]
        mid = view.reference(view.state.market(book).instrument.base)
        if (view.state.height + 1 - self.first) % self.period:
            return
        expected = self.rate * (view.seal - view.state.time) * self.period
        for lane, side in enumerate((1, -1)):
            if side not in self.sides:
                continue
            keenness = -math.log(-math.log(uniform_at(me.dice, view.state.height, lane)) / expected)
            if keenness > 0.0:  # above 0 in as many blocks as anybody comes in
                limit = mid + side * keenness / self.decay if self.decay else math.nan
                me.note(view, "came", side=side)
                yield me.send(Trade(book, me.account, side * int(self.lot / mid * book.size_scale), limit))
