"""Auctions and warnings: an account is put up, its position taken or bid for, the round started anew, or all of it ended.

What is asked and who may have it is the liquidation rule's to say; what happens then is what every forced closure does
(`forced.carry_out`). Bids lie in the exchange's escrow account until they are outbid, win, or are lost.
"""

from __future__ import annotations

import math

from protocol.errors import (
    AccountIsolated,
    AuctionStale,
    BidTooLow,
    Healthy,
    InAuction,
    NoAuction,
    NotAdmitted,
    NotAllowed,
    NothingToDo,
    SlippageExceeded,
    TooEarly,
    UnderMargined,
)
from protocol.exchange.admission import need_admission
from protocol.exchange.cases import close_case, give_back
from protocol.exchange.checks import need_margin, need_running, need_unspared, need_usable, usable_index
from protocol.exchange.fills import Bidden, Forfeited, Lifted, Liquidated, Started
from protocol.exchange.forced import carry_out
from protocol.exchange.resting import withdraw_orders
from protocol.ledger import Reason
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.base import Liquidation, Plan, below_maintenance
from protocol.liquidations.cases import Case, case_of, put_case
from protocol.liquidations.dutch import Dutch
from protocol.liquidations.english import English
from protocol.liquidations.lots import lot_of, slice_of
from protocol.liquidations.staged import Staged
from protocol.state import Listing, State


def bark(state: State, listing: Listing, keeper: int, account: int) -> Started:
    """Put an account up, or warn it, as the rule has it. Raises InAuction, Healthy, Halted, NothingToDo, Expired, StalePrice."""
    need_running(state, listing)
    usable_index(state, listing)
    need_unspared(state, listing, account)
    need_usable(state, listing.house, account)
    if case_of(state, listing, account) is not None:
        raise InAuction(account=account, market=listing.name)
    case = state.exchange(listing.house).liquidation.opens(state, listing, account)
    if case is None and below_maintenance(state, listing, account) is None:
        raise Healthy(account=account, market=listing.name)
    if case is None:
        raise NothingToDo(account=account, market=listing.name)

    return _begin(state, listing, keeper, case)


def redo(state: State, listing: Listing, keeper: int, account: int) -> Started:
    """Start a round anew that is over, at the index of now. Raises NoAuction, TooEarly, Healthy, Expired, StalePrice."""
    need_running(state, listing)
    usable_index(state, listing)
    need_usable(state, listing.house, account)
    case = _running(state, listing, account)
    rule = state.exchange(listing.house).liquidation
    if rule.recovered(state, listing, account):
        raise Healthy(account=account, market=listing.name)
    fresh = rule.reopens(state, listing, case)
    if fresh is None:
        raise TooEarly(account=account, market=listing.name, started=case.started, time=state.time)

    return _begin(state, listing, keeper, fresh)


def lift(state: State, listing: Listing, account: int) -> Lifted:
    """End the case of an account that stands again, or has nothing left to sell; anybody may. A standing bid is given back.

    Raises NoAuction, StalePrice, and UnderMargined while it does not stand.
    """
    need_usable(state, listing.house, account)
    case = _running(state, listing, account)
    if not state.exchange(listing.house).liquidation.recovered(state, listing, account):
        raise UnderMargined(account=account, market=listing.name)

    close_case(state, listing, account)
    return Lifted(account, listing, case.opened)


def take(state: State, listing: Listing, keeper: int, account: int, most: int, limit: float = math.nan) -> Liquidated:
    """Take over at most `most` units of an account's position, at the auction's price of now.

    `limit`: the worst price for the keeper. Raises NoAuction, AuctionStale, Healthy, TooEarly where the auction is halted,
    SlippageExceeded, NothingToDo where so little may not be taken, Expired, StalePrice, and what `carry_out` raises.
    """
    need_running(state, listing)
    usable_index(state, listing)
    need_usable(state, listing.house, account)
    case, rule = _running(state, listing, account), _falling(state, listing)
    if rule.recovered(state, listing, account):
        raise Healthy(account=account, market=listing.name)
    if rule.stale(case, state.time) or (isinstance(rule, Staged) and rule.reopens(state, listing, case) is not None):
        raise AuctionStale(account=account, market=listing.name, started=case.started, time=state.time)
    plan = rule.plan(state, listing, account)
    if plan is None:
        raise TooEarly(account=account, market=listing.name, time=state.time)
    side = -1 if plan.size > 0 else 1
    if side * (plan.price - limit) > 0:
        raise SlippageExceeded(account=account, market=listing.name, price=plan.price, limit=limit)
    part = _part(state, listing, plan, most, rule.dust)
    if part <= 0:
        raise NothingToDo(account=account, market=listing.name, most=most)

    return carry_out(state, plan._replace(size=-side * part), keeper)


def bid(state: State, listing: Listing, bidder: int, account: int, price: float) -> Bidden:
    """Bid for an account's whole position; what the bid promises is locked, and the last bidder gets its own back.

    Raises NoAuction, NotAllowed, NotAdmitted, Healthy, BidTooLow, Expired, StalePrice, and UnderMargined where the means are
    lacking.
    """
    need_running(state, listing)
    usable_index(state, listing)
    need_usable(state, listing.house, account)
    need_usable(state, listing.house, bidder)
    case, rule, lot = _running(state, listing, account), _rising(state, listing), lot_of(state, listing, account)
    if bidder == account:
        raise NotAllowed(account=bidder, market=listing.name)
    need_admission(state, state.market(listing).access, bidder, listing.name)
    if lot is None or rule.recovered(state, listing, account):
        raise Healthy(account=account, market=listing.name)
    if rule.over(case, state.time):
        raise NoAuction(account=account, market=listing.name, time=state.time)
    if not rule.betters(lot, case, price):
        raise BidTooLow(account=account, price=price, least=rule.least(lot, case))
    units, ends = rule.locks(state, lot, price), state.time + rule.ttl

    give_back(state, listing, case)
    state.ledger.move(listing.house.cash, bidder, listing.house.escrow, units, Reason.AUCTION)
    put_case(state, listing, case._replace(bidder=bidder, bid=price, held=units, ends=ends))

    need_margin(state, listing.house, bidder)
    return Bidden(account, bidder, listing, price, units, case.bidder, ends)


def deal(state: State, listing: Listing, keeper: int, account: int) -> Liquidated | Forfeited:
    """Hand the position to the winner, at its bid; a winner who may not or cannot carry it loses what it locked: a new round.

    Raises NoAuction, TooEarly, Healthy, Expired, StalePrice.
    """
    need_running(state, listing)
    usable_index(state, listing)
    need_usable(state, listing.house, account)
    case, rule = _running(state, listing, account), _rising(state, listing)
    if rule.recovered(state, listing, account):
        raise Healthy(account=account, market=listing.name)
    plan = rule.plan(state, listing, account)
    if plan is None:
        raise TooEarly(account=account, market=listing.name, ends=min(case.ends, case.started + rule.tau))

    mark = state.mark()
    give_back(state, listing, case)
    put_case(state, listing, case._replace(held=0))
    try:
        return carry_out(state, plan, keeper)
    except (UnderMargined, AccountIsolated, NotAdmitted):
        state.rewind(mark)
        return _forfeit(state, listing, case)


def _forfeit(state: State, listing: Listing, case: Case) -> Forfeited:
    lot = lot_of(state, listing, case.account)
    assert lot is not None  # it could not have been dealt
    state.ledger.move(listing.house.cash, listing.house.escrow, listing.house.insurance, case.held, Reason.AUCTION)
    fresh = Case(case.account, case.opened, state.time, lot.price, lot.span, locked=True, rounds=case.rounds + 1)
    put_case(state, listing, fresh)
    return Forfeited(case.account, case.bidder, listing, case.held)


def _begin(state: State, listing: Listing, keeper: int, case: Case) -> Started:
    house, size = listing.house, int(state.ledger.balance[listing.size, case.account])
    notional = abs(size) / listing.size_scale * case.start
    owed = math.floor(state.exchange(house).liquidation.incentive(notional) * house.cash_scale)
    reward = max(0, min(owed, int(state.ledger.balance[house.cash, house.insurance])))

    state.ledger.move(house.cash, house.insurance, keeper, reward, Reason.AUCTION)
    put_case(state, listing, case)
    if case.locked:
        for market in state.listings[house.index]:
            withdraw_orders(state, market, case.account)
    return Started(case.account, keeper, listing, size, case.opened, case.started, case.start, case.rounds, reward)


def _running(state: State, listing: Listing, account: int) -> Case:
    case = case_of(state, listing, account)
    if case is None:
        raise NoAuction(account=account, market=listing.name)
    return case


def _inner(state: State, listing: Listing) -> Liquidation:
    rule = state.exchange(listing.house).liquidation
    return rule.inner if isinstance(rule, Backstop) else rule


def _falling(state: State, listing: Listing) -> Dutch | Staged:
    rule = _inner(state, listing)
    if not isinstance(rule, Dutch | Staged):
        raise NoAuction(market=listing.name, rule=type(rule).__name__)
    return rule


def _rising(state: State, listing: Listing) -> English:
    rule = _inner(state, listing)
    if not isinstance(rule, English) or listing.house.escrow < 0:
        raise NoAuction(market=listing.name, rule=type(rule).__name__)
    return rule


def _part(state: State, listing: Listing, plan: Plan, most: int, dust: float) -> int:
    """Units taken by somebody who wants `most`: never such that less than `dust` of what must be raised is left."""
    up = abs(plan.size)
    if most >= up:
        return up
    lot = abs(int(state.ledger.balance[listing.size, plan.account]))
    price = plan.price * listing.price_scale
    part, _ = slice_of(lot, up * price, most, price, dust * listing.house.cash_scale)
    return int(part)
