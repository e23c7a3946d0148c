"""Gas auctions against first come: who wins the rent of a stale quote, and how much of it is bid away (A10).

Two snipers want the same lot that a jump has made stale. Where the first to come is served first a bid buys nothing, so nobody
bids and the quicker wins. Where the highest fee is served first each bids once, unread, a share of what there is to win; the
outbid fails and pays its fee all the same (`protocol/chain.py`), so this is an all-pay auction for a prize that both know. Its
equilibrium is a bid drawn evenly from nothing to all of the prize; it bids away the whole rent, and no bid earns anything
against it (Hillman and Samet 1987; Baye, Kovenock and de Vries 1996; the case of Daian et al. 2020, appendix D, in which the
last word is sent unread). Bids here are the middles of an odd number of equal parts of the prize: on them the even mix is the
only symmetric equilibrium, and it pays the same as on all bids. Payoffs are those of the game, of every pair of bids; their
equilibrium is solved as any empirical game's is. Where bids are read and raised until the seal see F13 and F49.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from agents.player import Role
from experiments.equilibrium.solving import profiles
from experiments.statistics import estimate
from experiments.validation import bench
from experiments.validation.base import Claim, Effort, Measured, exactly
from experiments.validation.racing import jumping, quoting, sniping
from experiments.validation.stage import Played, played, staged, traded
from protocol.blocks.fixed import Fixed
from protocol.ledger import Floats
from protocol.mempool import Mempool, Pending
from protocol.orderings.base import Ordering
from protocol.orderings.fifo import Fifo
from protocol.orderings.priority_fee import PriorityFee
from protocol.transactions import Trade
from protocol.venues.order_book import OrderBook

SUBJECT = "Gas auctions against first come"
SOURCE = "Daian et al. 2020, Flash Boys 2.0"
ALL_PAY = "Daian et al. 2020; all-pay auction: Hillman and Samet 1987"
LOT, HALF = (
    100.0,
    0.1,
)  # cash coins: so few that what a sniper learns moves its bids by less than 1 %; half-spread, mean jumps
CYCLE = 4  # blocks of a second from one chance of a jump to the next
QUICK, SLOW, LATE = 0.1, 0.2, 0.3  # seconds: a sniper's, a slower one's, the maker's
BIDS = (0.1, 0.3, 0.5, 0.7, 0.9)  # shares of the prize
FEW = (0.0, 0.5, 0.9)
EFFORTS = {Effort.QUICK: (2, 200), Effort.FULL: (6, 2_000)}  # seeds, blocks: a jump in twenty


class Pair(NamedTuple):
    """Two snipers after the same quotes: shares of the prize that they bid, and how late they are, seconds."""

    bids: tuple[float, float]
    lags: tuple[float, float] = (QUICK, QUICK)


class Shared(NamedTuple):
    """What became of the rent, cash coins: all of it, and what each of the two kept of it after fees."""

    rent: float
    kept: tuple[float, float]


@cache
def run_of(pairs: tuple[Pair, ...], ordering: Ordering, seed: int, blocks: int) -> Played:
    """A market for each pair, all at the same fair."""
    cast: list[Role] = []
    for number, pair in enumerate(pairs):
        market = f"m{number}"
        cast.append(quoting(market, HALF, LATE, LOT))
        cast += [sniping(market, seat, lag, LOT, bid) for seat, (bid, lag) in enumerate(zip(*pair, strict=True))]
    markets = [traded(f"m{number}", OrderBook(tick=1e-4)) for number in range(len(pairs))]
    return played(staged(markets, cast, jumping(CYCLE), Fixed(1.0), blocks, seed, ordering))


def shared(pairs: tuple[Pair, ...], ordering: Ordering, seed: int, blocks: int) -> list[Shared]:
    """By pair. The rent is what the maker lost: nobody else trades."""
    run = run_of(pairs, ordering, seed, blocks)
    return [
        Shared(
            -float(run.gains(f"maker-m{number}").sum()),
            (float(run.gains(f"sniper-m{number}-0").sum()), float(run.gains(f"sniper-m{number}-1").sum())),
        )
        for number in range(len(pairs))
    ]


def payoffs(bids: Sequence[float], ordering: Ordering, seed: int, blocks: int) -> Floats:
    """What a bid keeps against another, % of the rent; of two equal ones the mean of both. Shape [mine, other's]."""
    places = list(itertools.combinations_with_replacement(range(len(bids)), 2))
    found = shared(tuple(Pair((bids[mine], bids[other])) for mine, other in places), ordering, seed, blocks)
    table = np.empty((len(bids), len(bids)))
    for (mine, other), one in zip(places, found, strict=True):
        table[mine, other], table[other, mine] = (100.0 * kept / one.rent for kept in one.kept)
        if mine == other:
            table[mine, mine] = 50.0 * sum(one.kept) / one.rent
    return table


def settled(table: Floats) -> Floats:
    """The mix of bids in which nobody would bid otherwise, the same for both. Raises ValueError where there is none."""
    alike = [mine for mine, other in profiles(np.array([table, table.T])) if np.allclose(mine, other, atol=1e-6)]
    if not alike:
        raise ValueError("no symmetric equilibrium of these payoffs was found")
    return alike[0]


def over_seeds(effort: Effort, one: Callable[[int, int], float]) -> Measured:
    """The mean of `one(seed, blocks)`."""
    seeds, blocks = EFFORTS[effort]
    found = estimate([one(seed, blocks) for seed in range(1, seeds + 1)])
    return Measured(found.mean, found.low, found.high, seeds)


def revenue(bids: Sequence[float], ordering: Ordering, effort: Effort) -> Measured:
    """What is paid in fees at equilibrium, % of the rent."""

    def one(seed: int, blocks: int) -> float:
        table = payoffs(bids, ordering, seed, blocks)
        mix = settled(table)
        return float(100.0 - 2.0 * mix @ table @ mix)

    return over_seeds(effort, one)


def best_answer(effort: Effort) -> Measured:
    """What the best of the bids keeps against the published mix, % of the rent."""
    return over_seeds(effort, lambda seed, blocks: float(payoffs(BIDS, PriorityFee(), seed, blocks).mean(axis=1).max()))


def won(ordering: Ordering, winner: int, effort: Effort) -> Measured:
    """Share of the rent, before fees, of one of two of whom the slower bids half of it and the quicker a tenth; %."""
    pair = Pair((BIDS[0], BIDS[2]), (QUICK, SLOW))

    def one(seed: int, blocks: int) -> float:
        (found,) = shared((pair,), ordering, seed, blocks)
        return 100.0 * (found.kept[winner] / found.rent + pair.bids[winner])

    return over_seeds(effort, one)


def least_raise(_: Effort) -> Measured:
    """By how much a fee must be raised for its transaction to replace the one that waits, %; by halving."""
    state, (account, *_others) = bench.open_world(bench.exchange_for(OrderBook()))
    trade = Trade(bench.only(state)[1], account, bench.COIN)

    def replaces(raised: float) -> bool:
        mempool = Mempool()
        mempool.send(Pending(trade, 1.0, 0.0, 9.0, "bid"))
        mempool.send(Pending(trade, 1.0 + raised, 1.0, 9.0, "bid"))
        return [item.tip for item in mempool.take(2.0)[0]] == [1.0 + raised]

    low, high = 0.0, 1.0
    while high - low > 1e-12:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if replaces(middle) else (middle, high)
    return exactly(100.0 * high)


def claims() -> tuple[Claim, ...]:
    """Who wins, and what is bid away, under either rule; the least raise. The reference names outcomes and no tolerance.

    Shares of the rent are held to 1 % as in `racing`, what is bid away to the 5 % that A10 gives profits.
    """
    return (
        Claim(
            "A10-first-come-bid",
            "rent that goes to the quicker of two, %, where the first to come is served first and the slower bids more",
            SOURCE,
            100.0,
            1.0,
            lambda effort: won(Fifo(), 0, effort),
        ),
        Claim(
            "A10-first-come-revenue",
            "fees at equilibrium where the first to come is served first, % of the rent",
            SOURCE,
            0.0,
            1.0,
            lambda effort: revenue(FEW, Fifo(), effort),
        ),
        Claim(
            "A10-gas-auction-bid",
            "rent that goes to the higher of two bids, %, where the highest fee is served first and the lower bid comes first",
            SOURCE,
            100.0,
            1.0,
            lambda effort: won(PriorityFee(), 1, effort),
        ),
        Claim(
            "A10-gas-auction-revenue",
            "fees at the equilibrium of a gas auction of unread bids, % of the rent",
            ALL_PAY,
            100.0,
            5.0,
            lambda effort: revenue(BIDS, PriorityFee(), effort),
            runs="A10-gas-auction",
        ),
        Claim(
            "A10-gas-auction-answer",
            "what the best bid keeps there against bids drawn evenly from the prize, % of the rent",
            ALL_PAY,
            0.0,
            5.0,
            best_answer,
            runs="A10-gas-auction",
        ),
        Claim(
            "A10-gas-auction-raise",
            "least raise by which a fee replaces one that waits, %",
            SOURCE + ", appendix D",
            12.5,
            1e-6,
            least_raise,
        ),
    )
