"""What everybody is worth: at fair, after a closing in which nobody can walk away from what he owes.

Wealth of an owner is what its accounts are worth at fair after a closing in which the debts of those who walk away pass
through the exchange's order of losses, plus its tokens. What custody still cannot pay is missing from every claim in
proportion, so that wealth sums to what was brought in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from agents.game import Game
from experiments.bankruptcy import bankrupt
from protocol.appraisal import token_price
from protocol.bridge import backing, deals, legs, owed, span_of, waiting
from protocol.issuing import index_now, supply_of
from protocol.ledger import WORLD, Floats
from protocol.lending import RAY, accrued
from protocol.state import House, Issue, Span, State


def worth_at_fair(game: Game, state: State, house: House) -> Floats:
    """Every account's claims on an exchange, cash coins, at fair instead of the index. Shape [accounts]."""
    return worth_at(state, house, game.fair_now)


def worth_at(state: State, house: House, price_of: Callable[[str], float]) -> Floats:
    """The same at other prices of the assets, cash coins per base coin. Shape [accounts]."""
    worth = state.ledger.balance[house.cash] / house.cash_scale
    for listing in state.listings[house.index]:
        market = state.market(listing)
        price = market.instrument.price(state, listing, price_of(market.instrument.base))
        for row, weight in market.instrument.weights(state, listing, price):
            worth = worth + weight * state.ledger.balance[row]
    result: Floats = worth
    return result


def fair_of(game: Game, state: State, house: House, token: int) -> float:
    """Cash coins per coin of a token at fair: what a bridge issued as far as it is backed, shares as redeemed at the index."""
    for listing in state.listings[house.index]:
        if listing.base == token:
            span = span_of(state, token)
            return game.fair_now(state.market(listing).instrument.base) * (
                1.0 if span is None else backing(state, span)
            )
    return token_price(state, house, token).value


def close(game: Game, state: State, house: House, held: Floats) -> tuple[Floats, float]:
    """Claims after the closing, and what custody could not pay (cash coins). Shape [accounts].

    Players below zero, collateral and loans counted, walk away: what they had pledged (`held` [asset, account] says whose it is)
    goes to those who lent to them, and what they owe in cash passes through the exchange's own order of losses. What is missing
    then (a virtual AMM's own deficit above all) is missing from the till, and so from every claim in proportion.
    """
    worth = worth_at_fair(game, state, house)
    players = state.ledger.exchange < 0
    players[WORLD] = False
    loans, tills = _loans(game, state, house)
    broke = bankrupt(state, house, worth, loans, _pledged(game, state, house), tills)
    owed = float(-worth[broke & (worth < 0)].sum())
    claims = np.where(players & ~broke, worth, np.maximum(worth, 0.0))
    claims[[WORLD, house.custody, house.clearing]] = 0.0
    _hand_over(state, house, held, claims, loans, broke)
    for loss in state.exchange(house).losses:
        payers = loss.payers(state, house)
        able = float(claims[payers].sum())
        paid = min(owed, able)
        if paid > 0:
            claims[payers] *= 1.0 - paid / able
            owed -= paid
    till = held[house.token, house.custody] / house.cash_scale
    shortage = max(0.0, float(claims.sum()) - till)
    if shortage > 0:
        claims[claims > 0] *= 1.0 - shortage / claims[claims > 0].sum()
    for lender, due in zip(state.lenders[house.index], loans, strict=True):
        claims[lender.account] += due[~broke].sum()
        claims[~broke] -= due[~broke]
    return claims, shortage


def _loans(game: Game, state: State, house: House) -> tuple[Floats, Floats]:
    """What each account owes each loan pool, and what each has not lent, cash coins at fair. Shapes [pools, accounts], [pools]."""
    lenders = state.lenders[house.index]
    found, tills = np.zeros((len(lenders), state.ledger.accounts)), np.zeros(len(lenders))
    for row, lender in enumerate(lenders):
        price = fair_of(game, state, house, lender.token) / lender.scale
        tills[row] = state.ledger.balance[lender.token, lender.account] * price
        found[row] = np.maximum(-state.ledger.balance[lender.debt], 0) * (price * accrued(state, lender).index / RAY)
    return found, tills


def _pledged(game: Game, state: State, house: House) -> Floats:
    """Every account's collateral, cash coins at fair, without haircut. Shape [collateral, accounts]."""
    seats = state.pledges[house.index]
    found = np.zeros((len(seats), state.ledger.accounts))
    for row, pledge in enumerate(seats):
        fixed = state.exchange(house).collateral[pledge.index].at
        price = (fair_of(game, state, house, pledge.token) if fixed is None else fixed) / pledge.scale
        found[row] = np.maximum(state.ledger.balance[pledge.claim], 0) * price
    return found


def _hand_over(state: State, house: House, held: Floats, claims: Floats, loans: Floats, broke: Any) -> None:
    """Give what the bankrupt have left to their lenders, in proportion to the loans; to the insurance where nobody lent."""
    total = loans.sum(axis=0)
    parts = [(lender.account, due) for lender, due in zip(state.lenders[house.index], loans, strict=True)]
    for who in np.flatnonzero(broke):
        shares = [(at, due[who] / total[who]) for at, due in parts if due[who] > 0] or [(house.insurance, 1.0)]
        cash, claims[who] = claims[who], 0.0
        for account, share in shares:
            claims[account] += share * cash
            for pledge in state.pledges[house.index]:
                held[pledge.token, account] += share * state.ledger.balance[pledge.claim, who]
        for pledge in state.pledges[house.index]:
            held[pledge.token, who] -= state.ledger.balance[pledge.claim, who]


def holdings(state: State) -> Floats:
    """Units by [asset, account]; what is pledged counts with whoever pledged it."""
    held: Floats = state.ledger.balance.astype(np.float64)
    for pledge in (pledge for pledges in state.pledges for pledge in pledges):
        held[pledge.token] += state.ledger.balance[pledge.claim]
    for one in (one for issues in state.issues for one in issues):
        held[one.token] += state.ledger.balance[one.locked]
    return held


def wealth(game: Game, state: State) -> tuple[pd.Series[float], float]:
    """Cash coins by group of accounts at the game's latest fair, and the shortage of the closing.

    Shares are valued at what stands behind them. `state` is the game's own, or an earlier one to compare it with.
    """
    ledger = state.ledger
    total = np.zeros(ledger.accounts)
    held = holdings(state)
    short = 0.0
    counted: set[int] = set()
    closed = [close(game, state, house, held) for house in state.houses]
    for house, (claims, shortage) in zip(state.houses, closed, strict=True):
        short += shortage
        if house.token not in counted:
            total += held[house.token] / house.cash_scale
            counted.add(house.token)
        total[house.custody] -= held[house.token, house.custody] / house.cash_scale
        total += claims
        for listing in state.listings[house.index]:
            if listing.base not in counted:
                fair = game.fair_now(state.market(listing).instrument.base)
                for issue in state.issues[house.index]:
                    if issue.listing == listing:
                        fair *= _settle(game, state, issue, total)
                span = span_of(state, listing.base)
                fair *= 1.0 if span is None else backing(state, span)
                total += held[listing.base] / listing.size_scale * fair
                counted.add(listing.base)
        for listing in state.listings[house.index]:
            fair = game.fair_now(state.market(listing).instrument.base)
            for account, base, cash in state.market(listing).venue.belongs(state, listing):
                coins = base / listing.size_scale * fair + cash / house.cash_scale
                total[account] += coins
                total[listing.desk] -= coins
    for span in state.spans:
        _cross(game, state, span, total)
    shares = [pair for house in state.houses for pair in _shares(state, house)]
    shares += [(lender.share, lender.account) for lenders in state.lenders for lender in lenders]
    for share, account in shares:
        supply = -ledger.balance[share, WORLD]
        if supply > 0:
            part = held[share] / supply
            part[WORLD] = 0.0
            total += part * total[account]
            total[account] = 0.0
    total[WORLD] = 0.0
    groups = pd.Series(np.bincount(ledger.group, weights=total, minlength=len(ledger.groups)), ledger.groups)
    return groups.drop("world"), short


def _settle(game: Game, state: State, issue: Issue, total: Floats) -> float:
    """Let minters pay what they owe, as far as what they have locked goes; returns what a unit gets, as a share of fair.

    That is a global settlement (Maker's `end`): where collateral falls short, every unit is worth less.
    """
    ledger, listing = state.ledger, issue.listing
    fair = game.fair_now(state.market(listing).instrument.base) / listing.size_scale
    coin = fair_of(game, state, listing.house, issue.token) / issue.scale
    owed = np.maximum(-ledger.balance[issue.debt], 0) * (index_now(state, issue) / RAY) * fair
    paid = np.minimum(owed, np.maximum(ledger.balance[issue.locked], 0) * coin)
    total -= paid
    worth = supply_of(state, issue) * fair
    total[listing.house.treasury] += max(0.0, float(paid.sum()) - worth)  # the stability fee not yet minted
    return min(1.0, float(paid.sum()) / worth) if worth > 0 else 0.0


def _cross(game: Game, state: State, span: Span, total: Floats) -> None:
    """Give what escrow holds to those it owes it to: holders of the wrapped token have been counted, who waits has not."""
    price = _coin(game, state, span.source, span.token) / span.scale
    due = min(owed(state, span), int(state.ledger.balance[span.token, span.escrow]))
    total[span.escrow] -= due * price
    for chain in (span.source, span.target):
        for message in waiting(state, span, chain):
            total[message.key.to] += message.key.units * backing(state, span) * price
    for chain, box in zip((span.source, span.target), span.boxes, strict=True):
        for deal in deals(state, span, chain).values():
            if not deal.over:  # until its secret is told it is whose half it is
                coin = _coin(game, state, chain, deal.token)
                worth = deal.units / state.ledger.assets[deal.token].scale * coin
                total[deal.account] += worth
                total[box] -= worth
        for leg in legs(state, span, chain).values():
            house = state.markets[leg.market].house
            for who, units in zip((leg.account, leg.to), () if leg.over else leg.margins, strict=False):
                total[who] += units / house.cash_scale
                total[box] -= units / house.cash_scale


def _coin(game: Game, state: State, chain: int, token: int) -> float:
    """Cash coins per coin of a token at fair, by the first exchange of a chain that prices it; 0 where none does."""
    for house in state.houses_of(chain):
        if token == house.token or any(listing.base == token for listing in state.listings[house.index]):
            return fair_of(game, state, house, token)
    return 0.0


def _shares(state: State, house: House) -> list[tuple[int, int]]:
    """(share row, account whose wealth it divides)."""
    pairs = [(house.share, house.vault)] if house.share >= 0 else []
    pairs += [(m.share, m.account) for m in state.mandates[house.index]]
    return pairs + [(m.share, m.desk) for m in state.listings[house.index] if m.share >= 0]
