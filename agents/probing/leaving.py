"""Going home: what every search ends with, so that only what was really taken out counts.

Account by account and kind by kind, there are two ways to leave: to settle (close, repay, burn, then take what is one's own)
and to walk away with whatever may be taken without settling. Each is tried, the better kept, and neither if the wallets hold
no more for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from agents.probing import sizes
from agents.probing.stage import Deed, Seal, Stage
from protocol.auction_transactions import Lift
from protocol.lending import owed
from protocol.loan_transactions import Burn, Convert, Redeem, Release, Repay, Unlock
from protocol.state import House, State
from protocol.transactions import CancelAll, Divest, Remove, RemoveRange, Trade, Withdraw
from protocol.venues.base import AT_THE_CLOSE
from protocol.venues.concentrated import ConcentratedPool

Way = Callable[[Stage, int], Iterator[Deed]]


def leave(stage: Stage) -> list[Deed]:
    """Take home what can be had; returns what was done for it."""
    done: list[Deed] = []
    if _waits(stage):
        done += _close_at_the_close(stage)
    busy = [account for account, idle in zip(stage.own, stage.idle(), strict=True) if not idle]
    held = stage.profit()
    for ways in WAYS:
        for account in busy:
            deeds, held = _best(stage, ways, account, held)
            done += deeds
    return done


def _best(stage: Stage, ways: tuple[Way, ...], account: int, held: float) -> tuple[list[Deed], float]:
    """Leave by the way that brings most, or not at all; returns what was done, and the profit by then. `held`: the one before."""
    best, kept = held, None
    for way in ways:
        mark = stage.state.mark()
        deeds = _go(stage, way, account)
        if not deeds:
            continue
        now = stage.profit()
        if way is ways[-1] and now > best:
            return deeds, now
        stage.state.rewind(mark)
        if now > best:
            best, kept = now, deeds
    for deed in kept or ():
        stage.do(deed)
    return kept or [], best


def _go(stage: Stage, way: Way, account: int) -> list[Deed]:
    return [deed for deed in way(stage, account) if stage.do(deed) is None]  # each is thought of once the last is done


def _waits(stage: Stage) -> bool:
    state = stage.state
    return any(
        listing.size >= 0
        and state.market(listing).venue.settles == AT_THE_CLOSE
        and state.ledger.balance[listing.size, stage.wallets].any()
        for listing in state.markets
    )


def _close_at_the_close(stage: Stage) -> list[Deed]:
    """Positions in auctions are closed by an order that waits for the end of the block."""
    state, done = stage.state, []
    for listing in state.markets:
        if listing.size >= 0 and state.market(listing).venue.settles == AT_THE_CLOSE:
            for account in stage.own:
                held = int(state.ledger.balance[listing.size, account])
                deed = Trade(listing, account, -held)
                if held and stage.do(deed) is None:
                    done.append(deed)
    seal = Seal(1)
    stage.do(seal)
    return [*done, seal]


def _houses(state: State, account: int) -> list[House]:
    """Exchanges in which an account has claims, or owes any."""
    return [house for house in state.houses if state.ledger.balance[house.first : house.last, account].any()]


def _positions(stage: Stage, account: int) -> Iterator[Deed]:
    """Every position closed, and the cash withdrawn."""
    state, any_open = stage.state, False
    for house in _houses(state, account):
        for listing in state.claims[house.index]:
            held = int(state.ledger.balance[listing.size, account])
            if held == 0:
                continue
            any_open = True
            if state.market(listing).venue.counterparty == "makers":
                yield CancelAll(listing, account)
            if state.tables.get(listing.path + ".cases"):
                yield Lift(listing, account, account)
            yield Trade(listing, account, -held)
    if any_open:
        yield from _cash(stage, account)


def _cash(stage: Stage, account: int) -> Iterator[Deed]:
    """All the cash, or else all that margin leaves."""
    state, balance = stage.state, stage.state.ledger.balance
    for house in _houses(state, account):
        till = int(balance[house.token, house.custody])
        held = min(int(balance[house.cash, account]), till)
        if held > 0:
            yield Withdraw(house, account, held)
        if held > 0 and int(balance[house.cash, account]) > 0:
            free = math.floor(sizes.excess(state, house, account) * house.cash_scale)
            if 0 < free < held:
                yield Withdraw(house, account, free)


def _repaid(stage: Stage, account: int) -> Iterator[Deed]:
    """Every loan repaid, and the collateral released."""
    state = stage.state
    for house in _houses(state, account):
        for lender in state.lenders[house.index]:
            if state.ledger.balance[lender.debt, account] < 0:
                yield Repay(lender, account, owed(state, lender, account))
    yield from _released(stage, account)


def _released(stage: Stage, account: int) -> Iterator[Deed]:
    """The collateral released."""
    state = stage.state
    for house in _houses(state, account):
        for seat in state.pledges[house.index]:
            held = int(state.ledger.balance[seat.claim, account])
            if held > 0:
                yield Release(seat, account, held)


def _burnt(stage: Stage, account: int) -> Iterator[Deed]:
    """Synthetic debts burnt, collateral unlocked, and what is left sold."""
    state, balance = stage.state, stage.state.ledger.balance
    for house in state.houses:
        for issue in state.issues[house.index]:
            if balance[issue.debt, account] < 0 and balance[issue.listing.base, account] > 0:
                yield Burn(issue, account, int(balance[issue.listing.base, account]))
    yield from _unlocked(stage, account)


def _unlocked(stage: Stage, account: int) -> Iterator[Deed]:
    """Collateral unlocked, synthetics sold."""
    state, balance = stage.state, stage.state.ledger.balance
    for house in state.houses:
        for issue in state.issues[house.index]:
            if balance[issue.locked, account] > 0:
                yield Unlock(issue, account, int(balance[issue.locked, account]))
            if balance[issue.listing.base, account] > 0:
                yield Trade(issue.listing, account, -int(balance[issue.listing.base, account]))


def _converted(stage: Stage, account: int) -> Iterator[Deed]:
    """Synthetics converted at the index."""
    state, balance = stage.state, stage.state.ledger.balance
    for house in state.houses:
        for issue in state.issues[house.index]:
            if balance[issue.listing.base, account] > 0:
                yield Convert(issue, account, int(balance[issue.listing.base, account]))


def _shares(stage: Stage, account: int) -> Iterator[Deed]:
    """Shares of vaults, loan pools and spot pools redeemed, and liquidity in ranges taken out."""
    state, balance = stage.state, stage.state.ledger.balance
    for house in state.houses:
        if house.share >= 0 and balance[house.share, account] > 0:
            yield Divest(house, account, int(balance[house.share, account]))
        for lender in state.lenders[house.index]:
            if balance[lender.share, account] > 0:
                yield Redeem(lender, account, int(balance[lender.share, account]))
    for listing in state.markets:
        if listing.share >= 0 and balance[listing.share, account] > 0:
            yield Remove(listing, account, int(balance[listing.share, account]))
        if isinstance(state.market(listing).venue, ConcentratedPool):
            for (owner, low, high), position in tuple(state.tables[listing.path + ".positions"].items()):
                if owner == account:
                    yield RemoveRange(listing, account, low, high, position.liquidity)


def _tokens(stage: Stage, account: int) -> Iterator[Deed]:
    """Tokens bought on the way sold, and tokens sold bought back, in each market that trades them in turn."""
    state = stage.state
    for listing in state.markets:
        if listing.size < 0 and stage.high[listing.base] > 0.0:
            more = int(state.ledger.balance[listing.base, account]) - stage.held(listing.base, account)
            if more:
                yield Trade(listing, account, -more)


WAYS: tuple[tuple[Way, ...], ...] = (
    (_burnt, _unlocked),
    (_converted,),
    (_positions, _cash),
    (_repaid, _released),
    (_cash,),
    (_shares,),
    (_tokens,),
    (_repaid,),
)
