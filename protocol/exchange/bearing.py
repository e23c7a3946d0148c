"""Who bears what an account cannot pay: the waterfall for cash, the lenders for loans."""

from __future__ import annotations

import numpy as np

from protocol.appraisal import token_price
from protocol.exchange.lending import write_off
from protocol.liquidations.seizure import liens
from protocol.state import House, State


def is_flat(state: State, house: House, account: int) -> bool:
    """Whether an account holds no position."""
    held = state.ledger.balance.item
    return all(not held(listing.size, account) for listing in state.claims[house.index])


def pass_on(state: State, house: House, account: int) -> tuple[int, tuple[tuple[str, int], ...]]:
    """Pass the deficit of an account without positions or collateral down the waterfall; what nobody covers stays on it."""
    deficit = -int(state.ledger.balance[house.cash, account])
    if deficit <= 0 or not is_flat(state, house, account) or liens(state, house, account):
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


def settle_loans(state: State, house: House, account: int) -> float:
    """Write off what an account without positions or collateral owes the loan pools. Returns cash coins at the index."""
    lost = 0.0
    if state.lenders[house.index] and is_flat(state, house, account) and not liens(state, house, account):
        for lender in state.lenders[house.index]:
            lost += write_off(state, lender, account) * token_price(state, house, lender.token).value / lender.scale
    return lost
