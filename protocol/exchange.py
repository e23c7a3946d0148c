"""The verbs: everything an exchange can be asked to do, and the only place where its balances move.

Each verb reads require / compute / move / check, raises a Revert when it may not go on, and leaves it to the chain to undo
what was done by then. Rules are looked up in the state, where governance may have changed them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from protocol import vault as vaults
from protocol.clearing import MOVES_PER_FILL, Batch, Desk, Fills, Till, transfer
from protocol.errors import (
    AccountIsolated,
    BookFull,
    CrossesBook,
    DepthExceeded,
    EmptyTill,
    Healthy,
    InsufficientBalance,
    NotAllowed,
    NothingToDo,
    SlippageExceeded,
    StalePrice,
    UnderMargined,
    UnknownOrder,
    VaultCommitted,
    reasons,
)
from protocol.ledger import WORLD, Floats, Reason
from protocol.liquidations.base import Plan
from protocol.losses.base import Charges
from protocol.margins.base import Threshold
from protocol.oracles.base import Reading, Report, Status, read_index
from protocol.state import House, Listing, State
from protocol.venues.order_book import OrderBook

REVERTS = reasons()
MOST_SHARES = 1 << 62  # vault shares there may be: a vault that lost nearly all would give out more


class Fill(NamedTuple):
    """A trade that happened."""

    account: int
    listing: Listing
    size: int  # units of base, signed
    owed: int  # cash units, negative: received; fee apart


class Liquidated(NamedTuple):
    """A forced closure that happened. Cash amounts in units."""

    account: int
    keeper: int
    listing: Listing
    size: int  # units of base traded for the account, signed
    notional: int
    reward: int
    penalty: int
    deleveraged: int  # size units closed against other players instead of sold
    taken: int  # size units that the keeper took over
    deficit: int  # what the account was short of at the end
    covered: tuple[tuple[str, int], ...]  # (loss step, what it paid)


# ---------------------------------------------------------------------- views that verbs share


def usable_index(state: State, listing: Listing) -> Reading:
    """The index of a market. Raises StalePrice unless it is fresh."""
    reading = read_index(state, listing)
    if reading.status != Status.FRESH:
        raise StalePrice(market=listing.name, status=reading.status.name, age=state.time - reading.time)
    return reading


def desk_of(state: State, listing: Listing, interest: Floats, least: float, fee: float, price: float) -> Desk:
    """What the filling loop needs to know of a market of claims."""
    house, market = listing.house, state.market(listing)
    cap = market.open_interest_cap / price * listing.size_scale
    return Desk(
        state.ledger.arrays,
        listing.size,
        listing.quote,
        listing.funding,
        house.cash,
        listing.desk,
        house.clearing,
        listing.fund,
        listing.fees,
        float(state.tables[listing.path + ".funding"][0]) * listing.price_scale,
        fee,
        listing.price_scale,
        interest,
        np.array([cap, cap]),
        least,
    )


def _need_margin(state: State, house: House, account: int) -> None:
    worth, needs = state.exchange(house).margin.standing(state, house, Threshold.INITIAL, account)
    if worth < needs:
        raise UnderMargined(account=account, equity=worth, required=needs)


def _need_room(state: State, house: House, account: int) -> None:
    """No more positions than the margin rule allows one account."""
    rows = [listing.size for listing in state.listings[house.index] if listing.size >= 0]
    held = int(np.count_nonzero(state.ledger.balance[rows, account]))
    most = state.exchange(house).margin.most()
    if held > most:
        raise AccountIsolated(account=account, positions=held, allowed=most)


def _need_usable(state: State, house: House, account: int) -> None:
    """Every market in which the account holds a position must have an index."""
    for listing in state.listings[house.index]:
        if listing.size >= 0 and state.ledger.balance[listing.size, account] != 0:
            usable_index(state, listing)


# ---------------------------------------------------------------------- cash


def deposit(state: State, house: House, account: int, units: int) -> None:
    """Tokens into custody, a claim on it out. Raises InsufficientBalance, NothingToDo."""
    if units <= 0:
        raise NothingToDo(amount=units)

    state.ledger.move(house.token, account, house.custody, units, Reason.DEPOSIT)
    state.ledger.move(house.cash, house.custody, account, units, Reason.DEPOSIT)


def withdraw(state: State, house: House, account: int, units: int) -> None:
    """A claim back to custody, tokens out. Raises EmptyTill, UnderMargined, StalePrice, NothingToDo."""
    if units <= 0:
        raise NothingToDo(amount=units)
    if state.ledger.balance[house.token, house.custody] < units:
        raise EmptyTill(has=int(state.ledger.balance[house.token, house.custody]), needs=units)
    _need_usable(state, house, account)

    state.ledger.move(house.cash, account, house.custody, units, Reason.WITHDRAW)
    state.ledger.move(house.token, house.custody, account, units, Reason.WITHDRAW)

    _need_margin(state, house, account)


# ---------------------------------------------------------------------- trading


def fill(state: State, listing: Listing, batch: Batch) -> Fills:
    """Fill a batch of orders in turn, each wholly or not at all; failures are codes. Raises StalePrice for the whole batch."""
    fills = Fills(np.zeros(len(batch.size), np.int64), np.zeros(len(batch.size), np.int64))
    market, house = state.market(listing), listing.house
    state.ledger.reserve(market.venue.moves(state, listing, len(batch.size)))

    if listing.size < 0:
        pool = market.venue.pool(state, listing)
        till = Till(state.ledger.arrays, listing.base, house.token, listing.desk, listing.price_scale)
        market.venue.fill(pool, till, None, batch, fills)
    else:
        index = usable_index(state, listing)
        pool = market.venue.pool(state, listing)
        terms = state.exchange(house).margin.terms(state, house, Threshold.INITIAL)
        interest = state.edit(listing.path + ".interest")
        desk = desk_of(state, listing, interest, 0.0, market.fee, index.value)
        market.venue.fill(pool, desk, terms, batch, fills)

    market.venue.keep(state, listing, pool)
    return fills


def trade(state: State, listing: Listing, account: int, size: int, limit: float = math.nan) -> Fill:
    """One order, whole or not at all. `limit`: worst average price (on a book: of any part). Raises what the filling loop found."""
    if listing.size >= 0:
        _need_usable(state, listing.house, account)
    before = _standing_if_live(state, listing, account)

    fills = fill(state, listing, Batch(np.array([account]), np.array([size]), np.array([limit])))
    code = int(fills.code[0])
    if code:
        raise REVERTS[code](account=account, market=listing.name, size=size)

    after = _standing_if_live(state, listing, account)
    if after < 0 and after < before:
        raise UnderMargined(account=account, excess=after)
    return Fill(account, listing, size, int(fills.owed[0]))


def is_live(state: State, listing: Listing) -> bool:
    """Whether a trade in this market may itself move an index that accounts of its exchange are margined at."""
    return listing.size >= 0 and any(market.oracle.live for market in state.exchange(listing.house).markets)


def _standing_if_live(state: State, listing: Listing, account: int) -> float:
    """Excess over initial margin where a trade may itself move an index it is margined at; 0 elsewhere."""
    if not is_live(state, listing):
        return 0.0
    worth, needs = state.exchange(listing.house).margin.standing(state, listing.house, Threshold.INITIAL, account)
    return worth - needs


# ---------------------------------------------------------------------- resting orders


def post(state: State, listing: Listing, account: int, size: int, price: float) -> int:
    """Rest an order on the book, at `price` or the tick before it, without trading now. Returns its number.

    Raises NothingToDo, CrossesBook, BookFull, StalePrice, SlippageExceeded beyond the book's reach of the index, and
    UnderMargined or AccountIsolated where the account could not carry all its orders of that side at the index.
    """
    book = _book(state, listing)
    ticks = book.ticks(size, price)
    if size == 0 or ticks == 0:
        raise NothingToDo(market=listing.name, size=size, price=price)
    if book.crosses(state, listing, size, ticks):
        raise CrossesBook(market=listing.name, size=size, price=price)
    if book.is_full(state, listing):
        raise BookFull(market=listing.name, slots=book.slots)
    index = usable_index(state, listing).value
    if not index / book.reach <= ticks * book.tick <= index * book.reach:
        raise SlippageExceeded(market=listing.name, price=price, index=index, reach=book.reach)
    own = book.resting(state, listing, account).size
    _need_margin_if_filled(state, listing, account, int(size) + int(own[own * np.sign(size) > 0].sum()))

    return book.rest(state, listing, account, size, ticks)


def cancel(state: State, listing: Listing, account: int, order: int) -> None:
    """Take one order off the book. Raises NothingToDo where there is no book, UnknownOrder, NotAllowed."""
    book = _book(state, listing)
    owner = book.owner(state, listing, order)
    if owner < 0:
        raise UnknownOrder(market=listing.name, order=order)
    if owner != account:
        raise NotAllowed(account=account, market=listing.name, order=order)

    book.drop(state, listing, np.array([order]))


def cancel_all(state: State, listing: Listing, account: int) -> int:
    """Take all of an account's orders off the book. Returns how many. Raises NothingToDo where there is no book."""
    book = _book(state, listing)
    orders = book.resting(state, listing, account).order

    if len(orders):
        book.drop(state, listing, orders)
    return len(orders)


def _book(state: State, listing: Listing) -> OrderBook:
    venue = state.market(listing).venue
    if not isinstance(venue, OrderBook):
        raise NothingToDo(market=listing.name, venue=type(venue).__name__)
    return venue


def _need_margin_if_filled(state: State, listing: Listing, account: int, size: int) -> None:
    """What `clearing.standing` would say, were `size` filled at the index now."""
    house, row = listing.house, listing.size - listing.house.first
    terms = state.exchange(house).margin.terms(state, house, Threshold.INITIAL)
    sizes = state.ledger.balance[house.first : house.last, account].copy()
    worth, held = float(terms.weight @ sizes), int(sizes[row])
    sizes[row] = then = held + size
    needs = float(np.abs(sizes) @ (terms.rate + terms.slope * np.abs(sizes)))
    positions = np.count_nonzero(sizes[terms.rate != 0.0])
    if positions > terms.most:
        raise AccountIsolated(account=account, market=listing.name)
    shrinks = positions > 0 and abs(then) < abs(held) and then * held >= 0
    if worth < needs and not shrinks:
        raise UnderMargined(account=account, equity=worth, required=needs)


# ---------------------------------------------------------------------- liquidation


def liquidate(state: State, listing: Listing, keeper: int, account: int) -> Liquidated:
    """Carry out the exchange's plan for an account below maintenance. Raises Healthy, StalePrice, and what a fill raises."""
    house, exchange = listing.house, state.exchange(listing.house)
    index = usable_index(state, listing)
    _need_usable(state, house, account)
    plan = exchange.liquidation.plan(state, listing, account)
    if plan is None:
        raise Healthy(account=account, market=listing.name)

    interest = state.edit(listing.path + ".interest")
    deleveraged = _deleverage(state, plan, interest, index.value)
    state.ledger.reserve(
        state.market(listing).venue.moves(state, listing, 1)
    )  # before the desk is made: it holds the journal
    desk = desk_of(state, listing, interest, -math.inf, 0.0, index.value)
    rest = plan.size + (deleveraged if plan.size < 0 else -deleveraged)
    notional = _close(state, plan, desk, keeper, rest) if rest else 0
    notional += math.floor(deleveraged * index.value * listing.price_scale)  # the keeper is paid for that too

    reward, penalty = math.floor(notional * plan.reward), math.ceil(notional * plan.penalty)
    state.ledger.move(house.cash, account, keeper, reward, Reason.PENALTY)
    left = int(state.ledger.balance[house.cash, account])
    penalty = max(0, min(penalty, left)) if _is_flat(state, house, account) else penalty
    state.ledger.move(house.cash, account, house.insurance, penalty, Reason.PENALTY)
    deficit, covered = _pass_on(state, house, account)

    if not math.isnan(plan.price) and rest:
        _need_room(state, house, keeper)
        _need_margin(state, house, keeper)
    taken = 0 if math.isnan(plan.price) else abs(rest)
    return Liquidated(
        account, keeper, listing, plan.size, notional, reward, penalty, deleveraged, taken, deficit, covered
    )


def _close(state: State, plan: Plan, desk: Desk, keeper: int, size: int) -> int:
    """Trade `size` for the account, through the venue or with the keeper; returns the notional in cash units."""
    listing = plan.listing
    if not math.isnan(plan.price):
        exact = size * plan.price * listing.price_scale
        transfer(desk, plan.account, keeper, size, math.ceil(exact))
        return abs(math.ceil(exact))
    market = state.market(listing)
    pool = market.venue.pool(state, listing)
    batch = Batch(np.array([plan.account]), np.array([size]), np.array([math.nan]))
    fills = Fills(np.zeros(1, np.int64), np.zeros(1, np.int64))
    terms = state.exchange(listing.house).margin.terms(state, listing.house, Threshold.INITIAL)  # makers must meet it
    market.venue.fill(pool, desk, terms, batch, fills)
    if fills.code[0]:
        raise REVERTS[int(fills.code[0])](account=plan.account, market=listing.name, size=size)
    market.venue.keep(state, listing, pool)
    return abs(int(fills.owed[0]))


def _projected(state: State, plan: Plan) -> float:
    """Equity of the account, cash units, were the plan carried out through the venue now."""
    listing, house = plan.listing, plan.listing.house
    worth, _ = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, plan.account)
    index = read_index(state, listing).value
    owed = state.market(listing).venue.cost(state, listing, np.array([plan.size]))[0]
    if math.isnan(owed):
        raise DepthExceeded(account=plan.account, market=listing.name, size=plan.size)
    return float(worth * house.cash_scale + plan.size * index * listing.price_scale - owed - abs(owed) * plan.reward)


def _deleverage(state: State, plan: Plan, interest: Floats, index: float) -> int:
    """Close against other players at the bankruptcy price, if cash ahead in the waterfall cannot cover the sale.

    Returns the size units so closed. Only for plans that would sell on the venue and leave the account below zero.
    """
    listing, house = plan.listing, plan.listing.house
    if math.isnan(plan.price) is False:
        return 0
    losses = state.exchange(house).losses
    shortfall = None
    for loss in losses:
        targets = loss.take_over(state, listing, plan.account)
        if len(targets.account):
            shortfall = -_projected(state, plan) if shortfall is None else shortfall
            ahead = sum(step.capacity(state, house) for step in losses[: losses.index(loss)])
            return _take_over(state, plan, interest, index, targets) if shortfall > ahead else 0
    return 0


def _take_over(state: State, plan: Plan, interest: Floats, index: float, targets: Charges) -> int:
    listing, house = plan.listing, plan.listing.house
    worth, _ = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, plan.account)
    size = int(state.ledger.balance[listing.size, plan.account])
    bankrupt = index - worth * listing.size_scale / size  # equity is zero at this price
    side = -1 if size > 0 else 1
    state.ledger.reserve(MOVES_PER_FILL * len(targets.account))
    desk = desk_of(state, listing, interest, -math.inf, 0.0, index)
    done = 0
    for target, units in zip(targets.account.tolist(), targets.units.tolist(), strict=True):
        transfer(desk, plan.account, target, side * units, math.ceil(side * units * bankrupt * listing.price_scale))
        done += units
    return done


def _is_flat(state: State, house: House, account: int) -> bool:
    rows = [listing.size for listing in state.listings[house.index] if listing.size >= 0]
    return not state.ledger.balance[rows, account].any()


def _pass_on(state: State, house: House, account: int) -> tuple[int, tuple[tuple[str, int], ...]]:
    """Pass the deficit of an account without positions down the waterfall; what nobody covers stays on it."""
    deficit = -int(state.ledger.balance[house.cash, account])
    if deficit <= 0 or not _is_flat(state, house, account):
        return 0, ()
    left, covered = deficit, []
    for loss in state.exchange(house).losses:
        if left <= 0:
            break
        charges = loss.charge(state, house, account, left)
        paid = int(charges.units.sum())
        if not paid:
            continue
        state.ledger.move_many(
            house.cash, charges.account, np.full(len(charges.account), account), charges.units, loss.reason
        )
        covered.append((type(loss).__name__, paid))
        left -= paid
    return deficit, tuple(covered)


# ---------------------------------------------------------------------- vault


def vault_total(state: State, house: House) -> int:
    """Cash units the vault's equity is worth at the index; below zero when it owes more than it has.

    Its cash is counted in integers apart from its positions, so that what one investor brings changes nothing else.
    """
    terms = state.exchange(house).margin.terms(state, house, Threshold.INITIAL)
    weight, held = terms.weight.copy(), state.ledger.balance[house.first : house.last, house.vault]
    weight[house.cash - house.first] = 0.0
    return int(held[house.cash - house.first]) + math.floor(float(weight @ held) * house.cash_scale)


def invest(state: State, house: House, account: int, units: int) -> int:
    """Cash tokens into the vault, shares out (rounded down). Returns the shares.

    Raises NothingToDo, InsufficientBalance, StalePrice, and VaultCommitted where too little is left to price a share by.
    """
    rules = state.exchange(house).vault
    if rules is None or units <= 0:
        raise NothingToDo(amount=units)
    _need_usable(state, house, house.vault)

    supply = -int(state.ledger.balance[house.share, WORLD])
    total = vault_total(state, house)
    if total + rules.virtual_assets <= 0:
        raise VaultCommitted(equity=total, shares=supply)
    shares = vaults.shares_down(units, total, supply, rules.virtual_assets, rules.virtual_shares)
    if shares <= 0:
        raise NothingToDo(amount=units, shares=shares)
    if supply + shares > MOST_SHARES:
        raise VaultCommitted(equity=total, shares=supply)

    state.ledger.move(house.token, account, house.custody, units, Reason.LIQUIDITY)
    state.ledger.move(house.cash, house.custody, house.vault, units, Reason.LIQUIDITY)
    state.ledger.move(house.share, WORLD, account, shares, Reason.LIQUIDITY)
    return shares


def divest(state: State, house: House, account: int, shares: int) -> int:
    """Vault shares in, cash tokens out (rounded down, less the exit fee). Returns the cash units.

    Raises NothingToDo, InsufficientBalance, StalePrice, EmptyTill, and VaultCommitted where positions need the capital.
    """
    rules = state.exchange(house).vault
    if rules is None or shares <= 0:
        raise NothingToDo(shares=shares)
    _need_usable(state, house, house.vault)

    supply = -int(state.ledger.balance[house.share, WORLD])
    total = max(0, vault_total(state, house))
    gross = vaults.assets_down(shares, total, supply, rules.virtual_assets, rules.virtual_shares)
    units = min(total, math.floor(gross * (1.0 - rules.fee))) if rules.fee else min(total, gross)
    if units <= 0:
        raise NothingToDo(shares=shares, amount=units)
    if state.ledger.balance[house.token, house.custody] < units:
        raise EmptyTill(has=int(state.ledger.balance[house.token, house.custody]), needs=units)

    state.ledger.move(house.share, account, WORLD, shares, Reason.LIQUIDITY)
    state.ledger.move(house.cash, house.vault, house.custody, units, Reason.LIQUIDITY)
    state.ledger.move(house.token, house.custody, account, units, Reason.LIQUIDITY)

    worth, needs = state.exchange(house).margin.standing(state, house, Threshold.INITIAL, house.vault)
    if worth < rules.commitment * needs:
        raise VaultCommitted(equity=worth, committed=rules.commitment * needs)
    return units


# ---------------------------------------------------------------------- pools of tokens


def provide(state: State, listing: Listing, account: int, cash: int) -> int:
    """Both tokens into a pool in its proportion, at most `cash` cash units; pool shares out, rounded down. Returns them.

    Raises NothingToDo, InsufficientBalance.
    """
    ledger, house = state.ledger, listing.house
    if listing.size >= 0 or cash <= 0:
        raise NothingToDo(market=listing.name, amount=cash)
    reserve_base, reserve_cash = (int(ledger.balance[row, listing.desk]) for row in (listing.base, house.token))
    supply = -int(ledger.balance[listing.share, WORLD])
    if supply <= 0:
        raise NothingToDo(market=listing.name, shares=supply)

    base = -(-cash * reserve_base // reserve_cash)
    shares = min(cash * supply // reserve_cash, base * supply // reserve_base)
    if shares <= 0:
        raise NothingToDo(market=listing.name, amount=cash)

    ledger.move(house.token, account, listing.desk, cash, Reason.LIQUIDITY)
    ledger.move(listing.base, account, listing.desk, base, Reason.LIQUIDITY)
    ledger.move(listing.share, WORLD, account, shares, Reason.LIQUIDITY)
    return shares


def remove(state: State, listing: Listing, account: int, shares: int) -> tuple[int, int]:
    """Pool shares in, both tokens out, rounded down. Returns (base, cash) units. Raises NothingToDo, InsufficientBalance."""
    ledger, house = state.ledger, listing.house
    if listing.size >= 0 or shares <= 0:
        raise NothingToDo(market=listing.name, shares=shares)
    supply = -int(ledger.balance[listing.share, WORLD])
    if supply < shares:
        raise InsufficientBalance(market=listing.name, has=supply, needs=shares)
    base, cash = (int(ledger.balance[row, listing.desk]) * shares // supply for row in (listing.base, house.token))

    ledger.move(listing.share, account, WORLD, shares, Reason.LIQUIDITY)
    ledger.move(listing.base, listing.desk, account, base, Reason.LIQUIDITY)
    ledger.move(house.token, listing.desk, account, cash, Reason.LIQUIDITY)
    return base, cash


# ---------------------------------------------------------------------- oracle and the end of a block


def report(state: State, listing: Listing, posted: Report) -> None:
    """Hand a report to the market's oracle. Raises ReportRejected."""
    state.market(listing).oracle.accept(state, listing, listing.path + ".oracle", posted)


def close_block(state: State) -> None:
    """What every exchange does once a block is sealed: oracles look, funding accrues, margins look."""
    for house, listings in zip(state.houses, state.listings, strict=True):
        exchange = state.rules.exchanges[house.index]
        for listing in listings:
            market = exchange.markets[listing.index]
            market.oracle.observe(state, listing, listing.path + ".oracle")
            if listing.size >= 0:
                _accrue(state, listing)
        exchange.margin.observe(state, house)


def _accrue(state: State, listing: Listing) -> None:
    index, rate, since = state.tables[listing.path + ".funding"].tolist()
    elapsed = state.time - since
    price = read_index(state, listing).value
    index += rate * elapsed * price
    rate = state.market(listing).funding.rate(state, listing, price, elapsed)
    state.put(listing.path + ".funding", np.array([index, rate, state.time]))
