"""How a share is bought and redeemed: of a vault, or of a loan pool."""

from __future__ import annotations

from protocol.loan_transactions import Redeem, Supply
from protocol.state import House, Lender, State
from protocol.transactions import Divest, Invest


def issuer_of(state: State, token: int) -> House | Lender | None:
    """The exchange whose vault, or the loan pool, that issues a token; None of any other token."""
    for house in state.houses:
        if token == house.share:
            return house
    return next((lender for lenders in state.lenders for lender in lenders if lender.share == token), None)


def buying(issuer: House | Lender, account: int, units: int) -> Invest | Supply:
    """`units` of what is put in."""
    return Invest(issuer, account, units) if isinstance(issuer, House) else Supply(issuer, account, units)


def redeeming(issuer: House | Lender, account: int, shares: int) -> Divest | Redeem:
    """`shares` for what stands behind them."""
    return Divest(issuer, account, shares) if isinstance(issuer, House) else Redeem(issuer, account, shares)
