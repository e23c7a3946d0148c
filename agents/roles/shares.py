"""How what one exchange issues and another takes is got and turned into cash again: shares of vaults and loan pools, synthetics."""

from __future__ import annotations

from typing import Any

from agents.view import View
from protocol.loan_transactions import Redeem, Supply
from protocol.state import House, Issue, Lender, State
from protocol.transactions import Divest, Invest, Trade

SLIP = 0.05  # off the mid, at which a synthetic is still bought
Issuer = House | Lender | Issue


def issuer_of(state: State, token: int) -> Issuer | None:
    """The exchange whose vault, the loan pool, or the issue of a synthetic that a token comes from; None of any other token."""
    for house in state.houses:
        if token == house.share:
            return house
    pools = (lender for lenders in state.lenders for lender in lenders if lender.share == token)
    issues = (issue for row in state.issues for issue in row if issue.listing.base == token)
    return next(pools, None) or next(issues, None)


def issued_at(issuer: Issuer) -> House:
    """The exchange that issues it."""
    if isinstance(issuer, House):
        return issuer
    return issuer.listing.house if isinstance(issuer, Issue) else issuer.house


def buying(view: View, issuer: Issuer, account: int, units: int) -> Invest | Supply | Trade:
    """For `units` of cash, or of what a pool lends; a synthetic in the market that trades it."""
    if isinstance(issuer, House):
        return Invest(issuer, account, units)
    if isinstance(issuer, Lender):
        return Supply(issuer, account, units)
    listing = issuer.listing
    limit = view.mid(listing) * (1.0 + SLIP)
    return Trade(listing, account, int(units / listing.house.cash_scale / limit * listing.size_scale), limit)


def redeeming(issuer: Issuer, account: int, units: int) -> Divest | Redeem | Trade:
    """`units` of the token for what stands behind them; of a synthetic for what its market pays."""
    if isinstance(issuer, House):
        return Divest(issuer, account, units)
    return Redeem(issuer, account, units) if isinstance(issuer, Lender) else Trade(issuer.listing, account, -units)


def proceeds(issuer: Issuer, outcome: Any) -> int:
    """Units of cash that redeeming has brought."""
    return -int(outcome.owed) if isinstance(issuer, Issue) else int(outcome)
