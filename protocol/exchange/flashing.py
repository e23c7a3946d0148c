"""Flash loans: tokens out of a vault or a loan pool, and back with a fee before the transaction ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from protocol import lending
from protocol.errors import EmptyTill, FlashUnpaid, NotAllowed, NothingToDo
from protocol.exchange.lending import accrue, reprice
from protocol.flash import available, out, path
from protocol.ledger import Reason
from protocol.state import House, Lender, State


def flashloan(
    state: State, house: House, account: int, units: int, within: Callable[[State], Any], lender: Lender | None = None
) -> Any:
    """Lend `units` of the vault's cash, or of a loan pool's tokens, for as long as `within` runs; returns its outcome.

    Raises NotAllowed where the exchange lends nothing so, NothingToDo, EmptyTill, FlashUnpaid, and what `within` raises.
    """
    rules = state.exchange(house).flash
    if rules is None or state.ledger.exchange[account] >= 0:
        raise NotAllowed(account=account, exchange=house.name)
    if units <= 0:
        raise NothingToDo(amount=units)
    if lender is not None:
        accrue(state, lender)
    has = available(state, house, lender)
    if has < units:
        raise EmptyTill(has=has, needs=units)

    token, till = (house.token, house.custody) if lender is None else (lender.token, lender.account)
    due, before, ledger = units + rules.charge(units), out(state, house, lender), state.ledger

    state.put(path(house, lender), before + units)
    ledger.move(token, till, account, units, Reason.FLASH)
    outcome = within(state)

    held = int(ledger.balance[token, account])
    if held < due:
        raise FlashUnpaid(account=account, has=held, needs=due)
    ledger.move(token, account, till, units, Reason.FLASH)
    ledger.move(token, account, till, due - units, Reason.FEE)
    state.put(path(house, lender), before)
    if lender is None:
        ledger.move(house.cash, house.custody, house.vault, due - units, Reason.FEE)
    else:
        kept = lending.book(state, lender)
        state.put(lender.path, kept._replace(earned=kept.earned + due - units))
        reprice(state, lender)
    return outcome
