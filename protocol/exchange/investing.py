"""The vault and the pools of tokens: liquidity in against shares, and out."""

from __future__ import annotations

from protocol import vault as vaults
from protocol.appraisal import vault_total
from protocol.errors import (
    InsufficientBalance,
    NothingToDo,
    VaultCommitted,
)
from protocol.exchange.admission import need_admission
from protocol.exchange.checks import need_usable
from protocol.exchange.exits import ask_out, leaving, pay_out
from protocol.ledger import WORLD, Reason
from protocol.state import House, Listing, State

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
