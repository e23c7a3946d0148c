"""What a run amounts to: one row of numbers, wealth first.

Wealth of an owner is what its accounts are worth at fair after a closing in which the debts of those who walk away pass
through the exchange's order of losses, plus its tokens. What custody still cannot pay is missing from every claim in
proportion, so that wealth sums to what was brought in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from agents.game import Game
from experiments import discovery
from experiments.bankruptcy import bankrupt
from protocol.appraisal import account_total, pledge_price, token_price
from protocol.bridge import backing, carried, deals, in_flight, legs, owed, shortfall, span_of, supply, waiting
from protocol.instruments.base import NEVER
from protocol.instruments.option import Option
from protocol.instruments.settling import outcome
from protocol.issuing import index_now, riskiest, supply_of
from protocol.ledger import WORLD, Floats
from protocol.lending import RAY, accrued, book
from protocol.margins.base import Threshold
from protocol.oracles.base import read_index
from protocol.state import House, Issue, Lender, Listing, Mandate, Span, State
from protocol.strategies.base import share_value, shares_of

OF_THE_UNDERLYING = ("mid_gap_rms", "mid_gap_worst", "mid_half_life")  # senseless where the mid is a premium
QUANTILES = (50, 95, 99)  # per cent, of blocks: of the gap of fair and index, and of the index's age
PROTOCOL_GROUPS = (
    "world",
    "custody",
    "clearing",
    "insurance",
    "treasury",
    "vault",
    "venue",
    "funding",
    "lender",
    "bridge",
    "deals",
)


def of_protocol(group: str) -> bool:
    """Whether a group is the protocol's own accounts: EXCHANGE.vault where there are several exchanges, else plainly vault."""
    return group.rpartition(".")[2] in PROTOCOL_GROUPS


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


def metrics(game: Game, start: State, blocks: pd.DataFrame, flows: pd.DataFrame) -> dict[str, Any]:
    """One flat row. Cash amounts in coins, times in seconds, gaps in relative terms.

    A group's gain is what it did beyond holding what it came with: wealth at the end, less that of the start at the prices of
    the end, less what it brought in meanwhile.
    """
    end, shortage = wealth(game, game.state)
    before, _ = wealth(game, start)
    brought = flows[flows["reason"] == "reentry"].groupby("target")["cash"].sum()
    row: dict[str, Any] = {"blocks": len(blocks), "time": game.state.time, "shortage": shortage}
    for group in end.index:
        row[f"wealth.{group}"] = float(end[group])
        inflow = 0.0 if of_protocol(group) else float(brought.get(group, 0.0))
        row[f"gain.{group}"] = float(end[group] - before.get(group, 0.0) - inflow)
    for house in game.state.houses:
        last = blocks.iloc[-1]
        row |= {
            f"{house.name}.{name}": float(last[f"{house.name}.{name}"])
            for name in ("insurance", "liquidations", "liquidated", "deficit", "uncovered")
        }
        taken = _seizures(game, house)
        row[f"{house.name}.seizures"] = float(len(taken))
        row[f"{house.name}.seized"] = math.fsum(one["notional"] for one in taken)
        row[f"{house.name}.written_off"] = _written_off(game, house, taken)
        worth, _ = game.state.exchange(house).margin.standings(game.state, house, 1)  # type: ignore[arg-type]
        for pledge, rule in zip(game.state.pledges[house.index], game.state.exchange(house).collateral, strict=True):
            coin = pledge_price(game.state, pledge).value / pledge.scale
            worth = worth + game.state.ledger.balance[pledge.claim] * (coin * rule.maintenance)  # without the haircut
        players = game.state.ledger.exchange < 0
        players[WORLD] = False
        own = worth_at_fair(game, game.state, house)
        desks = [listing.desk for listing in game.state.listings[house.index] if listing.size >= 0]
        row[f"{house.name}.venue_deficit"] = float(-np.minimum(own[desks], 0.0).sum())
        row[f"{house.name}.underwater"] = float(-worth[players & (worth < 0)].sum())
        for listing in game.state.listings[house.index]:
            expiry = game.state.market(listing).instrument.expires()
            here = blocks.loc[blocks["chain"] == house.chain]
            trading = here.loc[here["time"] < expiry]
            row |= _market(trading if len(trading) else blocks, listing.path)
            if isinstance(game.state.market(listing).instrument, Option):
                row |= dict.fromkeys((f"{listing.path}.{name}" for name in OF_THE_UNDERLYING), math.nan)
            if expiry < NEVER:
                row |= _settlement(game.state, listing)
        for lender in game.state.lenders[house.index]:
            row |= _lender(game.state, lender)
        for mandate in game.state.mandates[house.index]:
            row |= _strategy(start, game.state, mandate)
        for issue in game.state.issues[house.index]:
            owed, safety = riskiest(game.state, issue)
            row |= {
                f"{issue.path}.supply": supply_of(game.state, issue) / issue.listing.size_scale,
                f"{issue.path}.lost": game.state.tables[issue.path].lost / issue.listing.size_scale,
                f"{issue.path}.minters": float(len(owed)),
                f"{issue.path}.least_ratio": float(safety[0]) if len(safety) else math.inf,
            }
    for span in game.state.spans:
        row |= _bridge(game.state, span)
    return row | _discovery(game.state, blocks)


def _discovery(state: State, blocks: pd.DataFrame) -> dict[str, float]:
    """Shares in price discovery of markets that trade one base, wherever they are; of what expires there are none."""
    by_base: dict[str, list[str]] = {}
    for listing in state.markets:
        instrument = state.market(listing).instrument
        if instrument.expires() == NEVER:
            by_base.setdefault(instrument.base, []).append(listing.path)
    row: dict[str, float] = {}
    for paths in (paths for paths in by_base.values() if len(paths) > 1):
        found = discovery.shares(np.log(blocks[[f"{path}.mid" for path in paths]].to_numpy(float)))
        names = ("information_share", "information_low", "information_high", "component_share")
        for name, column in zip(names, (found.middle, *found), strict=True):
            row |= {f"{path}.{name}": share for path, share in zip(paths, column.tolist(), strict=True)}
    return row


def _seizures(game: Game, house: House) -> list[dict[str, Any]]:
    """What was recorded of each seizure on an exchange, bites of synthetics among them."""
    found = (event.numbers for event in game.recorder.events if event.kind == "seizure")
    return [one for one in found if one.get("exchange", str(one.get("market", "")).partition(".")[0]) == house.name]


def _written_off(game: Game, house: House, seizures: list[dict[str, Any]]) -> float:
    """Loans and synthetics' debts given up, at the index of now, and deficits that seizures of loans left, cash coins."""
    state = game.state
    lost = [
        book(state, lender).lost / lender.scale * token_price(state, house, lender.token).value
        for lender in state.lenders[house.index]
    ]
    lost += [
        state.tables[issue.path].lost / issue.listing.size_scale * read_index(state, issue.listing).value
        for issue in state.issues[house.index]
    ]
    return math.fsum(lost) + math.fsum(one.get("deficit", 0.0) for one in seizures)


def _bridge(state: State, span: Span) -> dict[str, float]:
    """How a bridge stands at the end: coins wrapped, on their way, and short of; and what it has carried."""
    return {
        f"{span.path}.supply": supply(state, span) / span.scale,
        f"{span.path}.in_flight": in_flight(state, span) / span.scale,
        f"{span.path}.shortfall": shortfall(state, span) / span.scale,
        f"{span.path}.backing": backing(state, span),
        f"{span.path}.carried": float(sum(len(carried(state, span, c)) for c in (span.source, span.target))),
    }


def _settlement(state: State, listing: Listing) -> dict[str, float]:
    """What a dated market settled at (nan: not yet), cash coins; what rounding, and holders' debts, came to."""
    settled, scale = outcome(state, listing), listing.house.cash_scale
    return {
        f"{listing.path}.settled": settled.value,
        f"{listing.path}.settled_accounts": float(settled.accounts),
        f"{listing.path}.settled_deficit": settled.deficit / scale,
        f"{listing.path}.settled_uncovered": settled.uncovered / scale,
    }


def _lender(state: State, lender: Lender) -> dict[str, float]:
    """How a loan pool stands at the end, coins of its asset."""
    pool, kept = accrued(state, lender), book(state, lender)
    return {
        f"{lender.path}.assets": pool.assets / lender.scale,
        f"{lender.path}.debts": pool.debts / lender.scale,
        f"{lender.path}.utilisation": pool.utilisation,
        f"{lender.path}.earned": (kept.earned + pool.interest) / lender.scale,
        f"{lender.path}.lost": kept.lost / lender.scale,
    }


def _strategy(start: State, end: State, mandate: Mandate) -> dict[str, float]:
    """What a share of a strategy has returned at the index, beside holding the asset; coins it ends with, and epochs it began.

    Returns are nan where nobody is left who holds a share.
    """
    listing = end.find(mandate.house, end.exchange(mandate.house).strategies[mandate.index].underlying)
    grown, held = (
        after / before - 1.0
        for before, after in (
            (share_value(start, mandate), share_value(end, mandate)),
            (read_index(start, listing).value, read_index(end, listing).value),
        )
    )
    grown = grown if shares_of(end, mandate) else math.nan
    return {
        f"{mandate.path}.equity": account_total(end, mandate.house, mandate.account) / mandate.house.cash_scale,
        f"{mandate.path}.return": grown,
        f"{mandate.path}.holding": held,
        f"{mandate.path}.against_holding": grown - held,
        f"{mandate.path}.epochs": float(end.tables[mandate.path].number),
    }


def _market(blocks: pd.DataFrame, path: str) -> dict[str, float]:
    fair, mid, index = (blocks[f"{path}.{name}"].to_numpy(float) for name in ("fair", "mid", "index"))
    gap, lag = np.log(mid / fair), np.log(fair / index)
    interest = 0.5 * (blocks[f"{path}.open_long"] + blocks[f"{path}.open_short"]) * blocks[f"{path}.mid"]
    return {
        f"{path}.volume": float(blocks[f"{path}.volume"].sum()),
        f"{path}.fills": float(blocks[f"{path}.fills"].sum()),
        f"{path}.rejected": float(blocks[f"{path}.rejected"].sum()),
        f"{path}.open_interest": float(interest.mean()),
        f"{path}.mid_gap_rms": math.sqrt(float(np.mean(gap**2))),
        f"{path}.mid_gap_worst": float(np.abs(gap).max()),
        f"{path}.latency_gap_rms": math.sqrt(float(np.mean(lag**2))),
        f"{path}.latency_gap_worst": float(np.abs(lag).max()),
        **{f"{path}.latency_gap_p{q}": float(np.quantile(np.abs(lag), q / 100)) for q in QUANTILES},
        f"{path}.index_age": float(blocks[f"{path}.index_age"].mean()),
        **{f"{path}.index_age_p{q}": float(np.quantile(blocks[f"{path}.index_age"], q / 100)) for q in QUANTILES},
        f"{path}.mid_half_life": half_life(gap, blocks["time"].to_numpy(float)),
    }


def half_life(gap: Floats, time: Floats) -> float:
    """Seconds in which the gap of mid against fair halves, from its autoregression; nan if it does not decay."""
    if len(gap) < 3 or not np.any(gap[:-1]):
        return math.nan
    keep = float(gap[1:] @ gap[:-1] / (gap[:-1] @ gap[:-1]))
    if not 0 < keep < 1:
        return math.nan
    return math.log(0.5) / math.log(keep) * float(np.diff(time).mean())


def slippage(blocks: pd.DataFrame, path: str) -> float:
    """Volume-weighted |fill price / fair - 1| of what crowds traded in a market, fees apart; nan where nothing was."""
    value = float(blocks[f"{path}.run_volume"].sum())
    return float(blocks[f"{path}.run_off"].sum()) / value if value > 0 else math.nan


class Standing:
    """When each player fell below maintenance, and for how long: show it the state after every block.

    `waits` are seconds from the first block after which an account stood below to the one that closed or restored it.
    """

    def __init__(self, exchange: int = 0) -> None:
        self.exchange = exchange
        self.since: dict[int, float] = {}  # seconds, of those who stand below now
        self.waits: list[float] = []
        self.time = 0.0

    def __call__(self, state: State) -> None:
        """Look at a sealed block."""
        house, self.time = state.houses[self.exchange], state.time
        below, _ = state.exchange(house).margin.below(state, house, Threshold.MAINTENANCE)
        now = set(below.tolist())
        for account in [account for account in self.since if account not in now]:
            self.waits.append(state.time - self.since.pop(account))
        for account in now:
            self.since.setdefault(account, state.time)

    def time_to_close(self) -> float:
        """Mean seconds below; those who still are count as long as they have been, which is less than it will be. nan: nobody."""
        all_waits = self.waits + [self.time - since for since in self.since.values()]
        return float(np.mean(all_waits)) if all_waits else math.nan
