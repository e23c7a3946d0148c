"""Races for stale quotes: the spread that makers and snipers are indifferent at, who wins under which rule, and the cure (A10).

N firms are equally quick: one quotes a lot on either side, the others take what jumps have made stale, and chance decides who is
served first. Investors take a lot at any price. A maker earns the half-spread of an investor and loses what is beyond it of a jump
in (N - 1) of N; a sniper gets one N-th of the same. In equilibrium either is worth as much, whatever N and the latency are. Profits
are those of the game at two spreads, about the published one; the spread at which they are equal lies between, by a straight line.
How far fair jumped and how many investors came are nature's dice, and the law has their means: what they were beyond those is
taken off (control variates with a coefficient of one, so that a mean is that of the law and its interval half as wide). They are
means in continuous time, where no two come at once: what two jumps of one cycle do otherwise than two cycles would goes with them.
In batch auctions a maker can think again before anybody is served. Fair jumps once a cycle; two blocks later buyers come, sellers
in the next, and again where more than a fifth of one is expected, so that quotes stand when the next come, as where all are seldom.
Buyers and sellers come apart, for a maker whose two quotes are taken at once does not see on a book that they are gone.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from agents.attacks.quote_sniper import QuoteSniper
from agents.nature.double_exponential import DoubleExponential
from agents.player import Role
from agents.roles.maker import Maker
from experiments.statistics import estimate
from experiments.validation.base import Claim, Effort, Measured, own_seeds
from experiments.validation.stage import Comers, Played, played, staged, traded
from protocol.blocks.fixed import Fixed
from protocol.orderings.base import Ordering
from protocol.orderings.fifo import Fifo
from protocol.orderings.shuffled import Shuffled
from protocol.units import SECONDS_PER_YEAR
from protocol.venues.base import Venue
from protocol.venues.batch_auction import BatchAuction
from protocol.venues.order_book import OrderBook

SUBJECT = "Races for stale quotes"
SOURCE = "Budish, Cramton and Shim 2015, with jumps of exponential size"
PRICE, MEAN = 2_000.0, 1e-4  # cash coins; mean size of a jump, relative
JUMPS, CYCLE = 0.2, 4  # jumps a cycle: seldom two; blocks of a cycle without investors, a second each
LOT_SHARE = 0.998  # of a lot: what an investor takes, so that quotes of before a jump still hold it
LOT = PRICE  # cash coins
BOOK, BATCHES = OrderBook(tick=1e-4), BatchAuction(interval=10.0)
EFFORTS = {
    Effort.QUICK: (2, 3_000),
    Effort.FULL: (16, 12_000),
}  # seeds, blocks; of races with investors four blocks stand for a cycle
SPREADS = {0.1: 0.0913, 0.25: 0.2039, 0.5: 0.3517, 1.0: 0.5671, 2.0: 0.8526}  # by jumps an investor: s / 2 mu


class Race(NamedTuple):
    """Who races where. `ratio`: jumps an investor; `spreads`: halves, in mean jumps; `lags`: seconds, the maker's, then snipers'.

    `depth`: lots a quote; where all clear at one price, more buyers than it holds would set that price themselves.
    """

    ratio: float
    spreads: tuple[float, ...]
    lags: tuple[float, ...]
    venue: Venue = BOOK
    ordering: Ordering = Shuffled()
    depth: int = 1

    @property
    def turns(self) -> int:
        """Blocks a cycle in which investors come: of a fifth of one a side at most."""
        return math.ceil(0.5 / self.ratio - 1e-9)

    @property
    def cycle(self) -> int:
        """Blocks from one chance of a jump to the next."""
        return 3 + 2 * self.turns

    @property
    def coming(self) -> float:
        """Investors a side who are expected whenever they come."""
        return 0.5 * JUMPS / self.ratio / self.turns


def jumping(cycle: int = CYCLE) -> DoubleExponential:
    """Fair jumps in every `cycle`-th block of a second, up and down alike, and stands still between."""
    growth = 0.5 / (1.0 - MEAN) + 0.5 / (1.0 + MEAN) - 1.0
    rate = JUMPS / cycle * SECONDS_PER_YEAR
    return DoubleExponential(
        start=(PRICE,),
        volatility=(0.0,),
        intensity=(rate,),
        drift=(rate * growth,),
        up=0.5,
        mean_up=MEAN,
        mean_down=MEAN,
        tick=float(cycle),
    )


def quoting(market: str, half: float, latency: float, lot: float) -> Maker:
    """A maker of `lot` cash coins a side, `half` mean jumps from the mid, that does not mind what it holds."""
    return Maker(
        name=f"maker-{market}",
        market=market,
        capital=1e8,
        base=5e4,
        latency=latency,
        tip=0.0,
        lot=lot,
        levels=1,
        risk=1e-9,  # none to speak of: what is left of its spread is twice 1 / decay
        decay=1.0 / (half * MEAN * PRICE),
        lean=0.0,
        caution=0.0,
        tolerance=1e-8,
    )


def sniping(market: str, place: int, latency: float, lot: float, bid: float = 0.0) -> QuoteSniper:
    """A sniper who takes whatever is stale, and bids a share of what it is worth, once and unread."""
    return QuoteSniper(
        name=f"sniper-{market}-{place}",
        market=market,
        latency=latency,
        tip=0.0,
        bid_share=bid,
        most_share=max(bid, 0.9),
        edge=0.0,
        least_profit=0.0,
        lot=lot,
    )


@cache
def run_of(race: Race, seed: int, blocks: int) -> Played:
    """A market for each spread, all at the same fair."""
    cast: list[Role] = []
    for number, half in enumerate(race.spreads):
        market = f"m{number}"
        cast.append(quoting(market, half, race.lags[0], race.depth * LOT))
        cast += [sniping(market, place, lag, LOT) for place, lag in enumerate(race.lags[1:])]
        cast += [
            Comers(
                name=f"comers-{market}-{turn}-{side}",
                market=market,
                lot=LOT_SHARE * LOT,
                rate=race.coming / race.cycle,
                decay=0.0,
                period=race.cycle,
                first=2 + 2 * turn + (side < 0),
                sides=(side,),
            )
            for turn in range(race.turns)
            for side in (1, -1)
        ]
    markets = [traded(f"m{number}", race.venue) for number in range(len(race.spreads))]
    return played(staged(markets, cast, jumping(race.cycle), Fixed(1.0), blocks, seed, race.ordering))


def profits(race: Race, seed: int, blocks: int) -> list[tuple[float, float]]:
    """The maker's and a sniper's mean profit at each spread; cash coins."""
    run, found = run_of(race, seed, blocks), []
    for number in range(len(race.spreads)):
        snipers = [float(run.gains(name).sum()) for name in run.cash if name.startswith(f"sniper-m{number}-")]
        found.append((float(run.gains(f"maker-m{number}").sum()), float(np.mean(snipers))))
    return found


def luck(race: Race, number: int, seed: int, blocks: int) -> float:
    """What a maker earns beyond a sniper because jumps and investors were other than expected, cash coins.

    A jump costs the two together what it goes beyond the half-spread, an investor pays the half-spread, whoever is served.
    """
    run, half = run_of(race, seed, blocks), race.spreads[number]
    unit = half * MEAN * PRICE  # cash coins a coin
    jumped = np.maximum(np.abs(np.diff(run.fair)) - unit, 0.0) / run.fair[:-1] * LOT
    came = sum(event.kind == "came" and event.who.startswith(f"comers-m{number}-") for event in run.events)
    cycles = blocks // race.cycle
    expected = cycles * JUMPS / race.ratio
    jumps = cycles * JUMPS * math.exp(-half) * MEAN * LOT
    return unit / PRICE * LOT_SHARE * LOT * (came - expected) - (float(jumped.sum()) - jumps)


def indifferent(ratio: float, firms: int, effort: Effort) -> Measured:
    """Half of the spread at which making and sniping are worth as much, in mean jumps, by a straight line."""
    near, far = 0.8 * SPREADS[ratio], 1.2 * SPREADS[ratio]
    race, (seeds, blocks) = Race(ratio, (near, far), (0.0,) * firms), EFFORTS[effort]
    blocks = blocks // CYCLE * race.cycle
    rows = []
    for seed in own_seeds(f"A10-spread-{ratio:g}-{firms}", seeds):
        pairs = profits(race, seed, blocks)
        rows.append([maker - sniper - luck(race, at, seed, blocks) for at, (maker, sniper) in enumerate(pairs)])
    over = np.array(rows)
    slope = float(np.diff(over.mean(axis=0))[0]) / (far - near)
    found = estimate((0.5 * (near + far) - over.mean(axis=1) / slope).tolist())
    return Measured(found.mean, found.low, found.high, seeds)


def left_of_losses(effort: Effort) -> Measured:
    """What a maker loses in blocks that cost it, in batch auctions, % of what it does on a book; at a tenth of the spread there."""
    seeds, blocks = EFFORTS[effort]
    book = Race(1.0, (0.1 * SPREADS[1.0],), (0.0,) * 3)
    batches, values = book._replace(venue=BATCHES, depth=20), []
    for seed in range(1, seeds + 1):
        lost = [
            -float(np.minimum(run_of(race, seed, min(blocks, 2_000)).gains("maker-m0"), 0.0).sum())
            for race in (batches, book)
        ]
        values.append(100.0 * lost[0] / lost[1])
    found = estimate(values)
    return Measured(found.mean, found.low, found.high, seeds)


def won_by_quickest(effort: Effort) -> Measured:
    """Of what all snipers take where the first to come is served first, the share of the quickest, %."""
    race = Race(1.0, (SPREADS[1.0],), (0.3, 0.1, 0.2), ordering=Fifo())
    seeds, blocks = EFFORTS[effort]
    values = []
    for seed in range(1, seeds + 1):
        run = run_of(race, seed, min(blocks, 2_000))
        first, second = (float(run.gains(f"sniper-m0-{place}").sum()) for place in (0, 1))
        values.append(100.0 * first / (first + second))
    found = estimate(values)
    return Measured(found.mean, found.low, found.high, seeds)


def equal(ratio: float, firms: int) -> Claim:
    """The claim about one spread."""
    value = SPREADS[ratio]
    return Claim(
        f"A10-spread-{ratio:g}-{firms}",
        f"equilibrium half-spread in mean jumps: {ratio:g} jumps an investor, {firms} firms",
        SOURCE,
        value,
        0.03 * value,
        lambda effort: indifferent(ratio, firms, effort),
        0.4 * value,
    )


def claims() -> tuple[Claim, ...]:
    """Five ratios, two numbers of firms; a batch auction; a queue."""
    return (
        *(equal(ratio, 3) for ratio in SPREADS),
        equal(1.0, 6),
        Claim(
            "A10-batch",
            "what jumps cost a maker in batch auctions, % of what they cost it on a book, at a tenth of the spread there",
            SOURCE,
            0.0,
            1.0,
            left_of_losses,
        ),
        Claim(
            "A10-first-come",
            "rent that goes to the quickest of two snipers where the first to come is served first, %",
            "Daian et al. 2020; Budish, Cramton and Shim 2015",
            100.0,
            1.0,
            won_by_quickest,
        ),
    )
