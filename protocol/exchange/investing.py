"""The vault and the pools of tokens: liquidity in against shares, and out."""

from __future__ import annotations

from protocol import vault as vaults
from protocol.appraisal import vault_total
from protocol.errors import (
    InsufficientBalance,
    NothingToDo,
    VaultCommitted,
)
from protocol.exchange import lending
from protocol.exchange.admission import need_admission
from protocol.exchange.checks import need_usable
from protocol.exchange.exits import ask_out, leaving, pay_out
from protocol.ledger import WORLD, Reason
from protocol.state import House, Lender, Listing, State
from protocol.venues.constant_product import part_of, shares_for

MOST_SHARES = 1 << 62  # vault shares there may be: a vault that lost nearly all would give out more


def invest(state: State, house: House, account: int, units: int) -> int:
    """Cash tokens into the vault, shares out (rounded down). Returns the shares.

    Raises NothingToDo, NotAdmitted, InsufficientBalance, StalePrice, and VaultCommitted where too
    little is left to price a share by.
    """
    rules = state.exchange(house).vault
    if rules is None or units <= 0:
        raise NothingToDo(amount=units)
    need_admission(state, rules.access, account, house.name)
    need_usable(state, house, house.vault)

    supply = -int(state.ledger.balance[house.share, WORLD])
    total = vault_total(state, house)
    if total + rules.virtual_assets <= 0 < supply + rules.virtual_shares:
        raise VaultCommitted(equity=total, shares=supply)
    shares = vaults.shares_down(units, total, supply, rules.virtual_assets, rules.virtual_shares)
    dead = rules.dead_shares if supply == 0 else 0
    if shares <= dead:
        raise NothingToDo(amount=units, shares=shares)
    if supply + shares > MOST_SHARES:
        raise VaultCommitted(equity=total, shares=supply)

    state.ledger.move(house.token, account, house.custody, units, Reason.LIQUIDITY)
    state.ledger.move(house.cash, house.custody, house.vault, units, Reason.LIQUIDITY)
    state.ledger.move(house.share, WORLD, house.treasury, dead, Reason.LIQUIDITY)
    state.ledger.move(house.share, WORLD, account, shares - dead, Reason.LIQUIDITY)
    return shares - dead


def donate(state: State, house: House, account: int, units: int, lender: Lender | None = None) -> None:
    """Cash tokens into the vault, or a loan pool's tokens into it, and no shares: every share is worth more.

    Raises NothingToDo, InsufficientBalance.
    """
    if lender is not None:
        lending.take_gift(state, lender, account, units)
        return
    if state.exchange(house).vault is None or units <= 0:
        raise NothingToDo(amount=units)

    state.ledger.move(house.token, account, house.custody, units, Reason.GIFT)
    state.ledger.move(house.cash, house.custody, house.vault, units, Reason.GIFT)


def divest(state: State, house: House, account: int, shares: int) -> int:
    """Vault shares in, cash tokens out (rounded down, less the exit fee): now, or asked for now where exits take time.

    Returns the cash units paid now. Raises NothingToDo, InsufficientBalance (of shares not asked for yet), and where they are
    paid now also StalePrice, EmptyTill, and VaultCommitted where positions need the capital.
    """
    rules = state.exchange(house).vault
    if rules is None or shares <= 0:
        raise NothingToDo(shares=shares)
    waiting = leaving(state, house, account)
    if waiting or rules.delay > 0:
        free = int(state.ledger.balance[house.share, account]) - waiting
        if shares > free:
            raise InsufficientBalance(account=account, has=free, needs=shares)

    if rules.delay > 0:
        ask_out(state, house, account, shares)
        return 0
    return pay_out(state, house, account, shares)


def provide(state: State, listing: Listing, account: int, cash: int) -> int:
    """Both tokens into a pool in its proportion, at most `cash` cash units; pool shares out, rounded down. Returns them.

    Raises NothingToDo, NotAdmitted, InsufficientBalance.
    """
    ledger, house = state.ledger, listing.house
    if listing.size >= 0 or cash <= 0:
        raise NothingToDo(market=listing.name, amount=cash)
    need_admission(state, state.market(listing).access, account, listing.name)
    reserve_base, reserve_cash = (int(ledger.balance[row, listing.desk]) for row in (listing.base, house.token))
    supply = pay_protocol(state, listing)
    if supply <= 0:
        raise NothingToDo(market=listing.name, shares=supply)

    base = -(-cash * reserve_base // reserve_cash)
    shares = shares_for(base, cash, reserve_base, reserve_cash, supply)
    if shares <= 0:
        raise NothingToDo(market=listing.name, amount=cash)

    ledger.move(house.token, account, listing.desk, cash, Reason.LIQUIDITY)
    ledger.move(listing.base, account, listing.desk, base, Reason.LIQUIDITY)
    ledger.move(listing.share, WORLD, account, shares, Reason.LIQUIDITY)
    state.market(listing).venue.liquidity_changed(state, listing)
    return shares


def remove(state: State, listing: Listing, account: int, shares: int) -> tuple[int, int]:
    """Pool shares in, both tokens out, rounded down. Returns (base, cash) units. Raises NothingToDo, InsufficientBalance."""
    ledger, house = state.ledger, listing.house
    if listing.size >= 0 or shares <= 0:
        raise NothingToDo(market=listing.name, shares=shares)
    supply = pay_protocol(state, listing)
    if supply < shares:
        raise InsufficientBalance(market=listing.name, has=supply, needs=shares)
    base, cash = (
        part_of(shares, int(ledger.balance[row, listing.desk]), supply) for row in (listing.base, house.token)
    )

    ledger.move(listing.share, account, WORLD, shares, Reason.LIQUIDITY)
    ledger.move(listing.base, listing.desk, account, base, Reason.LIQUIDITY)
    ledger.move(house.token, listing.desk, account, cash, Reason.LIQUIDITY)
    state.market(listing).venue.liquidity_changed(state, listing)
    return base, cash


def pool_supply(state: State, listing: Listing) -> int:
    """Shares of a pool, with those that the exchange is owed for its part of the fees. A view."""
    supply = -int(state.ledger.balance[listing.share, WORLD])
    return supply + state.market(listing).venue.protocol_shares(state, listing, supply)


def pay_protocol(state: State, listing: Listing) -> int:
    """Mint what the exchange is owed to its treasury. Returns the supply of shares after."""
    supply = pool_supply(state, listing)
    owed = supply + int(state.ledger.balance[listing.share, WORLD])
    if owed > 0:
        state.ledger.move(listing.share, WORLD, listing.house.treasury, owed, Reason.FEE)
    return supply
