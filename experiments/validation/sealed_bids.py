"""Latency that is bought, and bids that nobody reads and losers do not pay (A10).

A prize a block, taken on chain and paid by a bank. Where the first to come is served first, runners are late by an exponential
time whose rate is what they spend on being quick, so that each wins with its share of all that is spent (Tullock 1980); where the
block's builder serves whoever pays most and leaves the rest out, a bid is paid by its winner alone. What is played are the payoffs
beside a symmetric profile, on the same dice: of one who spends, or bids, a little more and a little less than everybody else. Where
neither pays more than staying is the equilibrium. Bids for a prize that both know are few, and their equilibrium is solved.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.player import Action, Player, Role
from agents.streams import uniform_at
from agents.view import View
from experiments.equilibrium.solving import profiles
from experiments.run import build, release
from experiments.scenario import Scenario
from experiments.statistics import estimate
from experiments.validation.base import Claim, Effort, Measured, own_seeds
from experiments.validation.hawk_dove import DUEL, WORLD, Bank
from protocol.blocks.fixed import Fixed
from protocol.chain import Built, Offer
from protocol.ledger import Floats, Ints, Reason
from protocol.orderings.base import Ordering
from protocol.orderings.builders_choice import BuildersChoice
from protocol.orderings.fifo import Fifo
from protocol.state import State
from protocol.world import World

if TYPE_CHECKING:
    from agents.game import Game

SUBJECT = "Latency that is bought, and sealed bids"
TULLOCK = "Tullock 1980; Daian et al. 2020, Flash Boys 2.0"
FIRST_PRICE = "Vickrey 1961: a first-price auction of values drawn evenly"
SEALED = "Daian et al. 2020, Flash Boys 2.0, appendix D"
FIRMS = 5
WORTH = 100.0  # cash coins: a prize, or the most that it is worth to anybody
GAS = 1_000
LATE = 0.05  # seconds: mean of who spends one unit
STEPS = (2.0, 1.03)  # how much more, and how much less, one runner spends and one bidder bids
BRACKET = (0.75, 0.85)  # shares of their values that all others bid: below and above the equilibrium
GRID = (0.6, 0.75, 0.85, 0.9, 0.94)  # bids for a prize that is worth 1 to both: another step pays until the last
FEW = 20  # blocks that are enough for those: what both are left with has no chance in it
COPIES = 20  # contests a block
INTERVAL = 130.0  # seconds a block: what was left out is not served in the next
EFFORTS = {Effort.QUICK: (2, 40), Effort.FULL: (8, 200)}  # seeds, blocks


class Prize(NamedTuple):
    """Takes what is there, for whoever is served first in its block."""

    account: int
    bank: int
    arena: str
    units: int
    token: int
    block: int  # height in which it counts; 0: whichever it comes to

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS

    def apply(self, state: State) -> None:
        """Be paid, unless somebody was before."""
        if state.tables.get(self.arena, -1) != state.height:
            state.put(self.arena, state.height)
            state.ledger.move(self.token, self.bank, self.account, self.units, Reason.TRADE)


@dataclass(frozen=True)
class Taker(Role):
    """Wants the prize of its arena in every block, and bids `share` of what it is worth to it."""

    capital: float = 1e6
    latency: float = 0.0
    tip: float = 0.0
    arena: str = "arena"
    share: float = 0.0
    least: float = 1.0  # what it is worth at least, of WORTH; 0: anything down to nothing, drawn anew in every block

    def prepare(self, me: Player, game: Game) -> None:
        """Look for the bank."""
        me.memory["group"] = game.state.ledger.groups.index("bank")

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Go for it."""
        memory = me.memory
        if "bank" not in memory:
            house = view.house()
            memory.update(
                bank=int((view.state.ledger.group == memory["group"]).argmax()),
                token=house.token,
                scale=int(house.cash_scale),
            )
        worth = WORTH * (self.least + (1.0 - self.least) * uniform_at(me.dice, view.state.height, 9))
        number = view.state.height + 1 if self.share else 0
        prize = Prize(me.account, memory["bank"], self.arena, int(worth * memory["scale"]), memory["token"], number)
        yield me.send(prize, self.share * worth / GAS)


@dataclass(frozen=True)
class Auctioneer(Bank):
    """Pays, and builds every block: of each arena whoever pays most, and nobody else."""

    name: str = "bank"

    def builds(self) -> float:
        """All."""
        return 1.0

    def build(self, me: Player, view: View, offer: Offer) -> Built | None:
        """The best bid of each arena, of those that are for this block."""
        best: dict[str, int] = {}
        for place in offer.order.tolist():  # the highest first
            one = offer.pending[place].transaction
            if isinstance(one, Prize) and one.block == view.state.height + 1:
                best.setdefault(one.arena, place)
        order: Ints = np.array(sorted(best.values()), np.int64)
        return Built((), order)


def contest(ordering: Ordering, bank: Bank, sides: tuple[Taker, ...], blocks: int, seed: int) -> Scenario:
    """COPIES arenas of the same sides."""
    (chain,) = WORLD.chains
    cast: list[Role] = [bank]
    for copy in range(COPIES):
        cast += [replace(side, name=f"{copy}.{seat}", arena=f"arena {copy}") for seat, side in enumerate(sides)]
    return replace(
        DUEL,
        world=World(
            chains=(replace(chain, blocks=Fixed(INTERVAL), ordering=ordering, base_fee=0.0, fee_floor=0.0),),
            exchanges=WORLD.exchanges,
        ),
        cast=tuple(cast),
        duration=blocks * INTERVAL,
        seed=seed,
    )


@cache
def gains(ordering: Ordering, bank: Bank, sides: tuple[Taker, ...], blocks: int, seed: int) -> tuple[float, ...]:
    """What each side gained a contest, and at last what the bank paid, as shares of WORTH."""
    game = build(contest(ordering, bank, sides, blocks, seed))
    seats = [player.account for player in game.players]
    token, scale, balance = game.state.houses[0].token, game.state.houses[0].cash_scale, game.state.ledger.balance
    before = balance[token, seats].copy()
    try:
        game.play()
        change = (balance[token, seats] - before) / scale / (WORTH * blocks * COPIES)
    finally:
        release(game)
    mine: Floats = change[1:].reshape(COPIES, len(sides)).sum(axis=0)
    return (*mine.tolist(), -float(change[0]))


def spent(effort: Effort) -> Measured:
    """What runners spend at equilibrium, % of the prize: five times what one more per cent of it is worth to one of them."""
    seeds, blocks = EFFORTS[effort]
    values = []
    for seed in own_seeds("A10-latency-spend", seeds):
        won = []
        for spends in (STEPS[0], 1.0 / STEPS[0]):
            others = tuple(Taker(jitter=LATE) for _ in range(FIRMS - 1))
            mine, *_, paid = gains(Fifo(), Bank(), (Taker(jitter=LATE / spends), *others), blocks, seed)
            won.append(mine / paid)
        values.append(100.0 * FIRMS * (won[0] - won[1]) / (2.0 * math.log(STEPS[0])))
    found = estimate(values)
    return Measured(found.mean, found.low, found.high, seeds)


def revenue(effort: Effort) -> Measured:
    """What five bidders pay where none would bid another share of its value, as a share of the most it can be worth."""
    seeds, blocks = EFFORTS[effort]
    rows = []
    for seed in own_seeds("A10-first-price", seeds):
        row = []
        for shared in BRACKET:
            others = tuple(Taker(share=shared, least=0.0) for _ in range(FIRMS - 1))
            more, less, same = (
                gains(BuildersChoice(), Auctioneer(), (Taker(share=shared * by, least=0.0), *others), blocks, seed)
                for by in (STEPS[1], 1.0 / STEPS[1], 1.0)
            )
            row.append((more[0] - less[0], same[-1] - sum(same[:-1])))
        rows.append(row)
    table = np.array(rows)  # [seeds, bracket, (gain of bidding more, revenue)]
    first, last = table[:, :, 0].mean(axis=0)
    place = first / (first - last)
    paid = (1.0 - place) * table[:, 0, 1] + place * table[:, 1, 1]
    tilt = (table[:, 0, 0] * (1.0 - place) + table[:, 1, 0] * place) / (first - last)  # of each seed, about none
    found = estimate((paid + tilt * float((table[:, 1, 1] - table[:, 0, 1]).mean())).tolist())
    return Measured(found.mean, found.low, found.high, seeds)


def sealed(effort: Effort) -> Measured:
    """What each of two is left with of a prize that both know, at the equilibrium of the bids of GRID, %."""
    seeds, _ = EFFORTS[effort]
    values = []
    for seed in own_seeds("A10-sealed-bid", seeds):
        table = np.array(
            [
                [gains(BuildersChoice(), Auctioneer(), (Taker(share=a), Taker(share=b)), FEW, seed)[:2] for b in GRID]
                for a in GRID
            ]
        )
        pure = [pair for pair in profiles(table.transpose(2, 0, 1)) if max(pair[0]) > 0.999 and max(pair[1]) > 0.999]
        left = [50.0 * float(sum(mix[0] @ table[:, :, side] @ mix[1] for side in (0, 1))) for mix in pure]
        values.append(left[0] if len(left) == 1 else math.nan)  # of several, or none, it is not the equilibrium
    found = estimate(values)
    return Measured(found.mean, found.low, found.high, seeds)


def claims() -> tuple[Claim, ...]:
    """The reference names outcomes and no tolerance: the 5 % that A10 gives profits."""
    eps = 1.0 - GRID[-1]
    return (
        Claim(
            "A10-latency-spend",
            "spent on latency by five runners where the first to come is served first, % of the rent: (N - 1) / N",
            TULLOCK,
            80.0,
            4.0,
            spent,
            16.0,
        ),
        Claim(
            "A10-first-price",
            "paid by five bidders whose values are drawn evenly, as a share of the most it can be worth: (N - 1) / (N + 1)",
            FIRST_PRICE,
            (FIRMS - 1) / (FIRMS + 1),
            0.05 * (FIRMS - 1) / (FIRMS + 1),
            revenue,
            0.1,
        ),
        Claim(
            "A10-sealed-bid",
            f"left to each of two sealed bidders who pay nothing where they lose, bids up to {GRID[-1]:g} of the prize, % of it",
            SEALED,
            100.0 * eps / 2.0,
            0.05 * 100.0 * eps / 2.0,
            sealed,
            0.5,
        ),
    )
