"""What a run amounts to: one row of numbers, wealth first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from agents.game import Game
from experiments import discovery
from experiments.wealth import wealth, worth_at_fair
from protocol.appraisal import account_total, pledge_price, token_price
from protocol.bridge import backing, carried, in_flight, shortfall, supply
from protocol.instruments.base import NEVER
from protocol.instruments.option import Option
from protocol.instruments.settling import outcome
from protocol.issuing import riskiest, supply_of
from protocol.ledger import WORLD, Floats
from protocol.lending import accrued, book
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
        row |= _exchange(game, house, blocks)
        for listing in game.state.listings[house.index]:
            row |= _listing(game.state, listing, blocks)
        for lender in game.state.lenders[house.index]:
            row |= _lender(game.state, lender)
        for mandate in game.state.mandates[house.index]:
            row |= _strategy(start, game.state, mandate)
        for issue in game.state.issues[house.index]:
            row |= _issue(game.state, issue)
    for span in game.state.spans:
        row |= _bridge(game.state, span)
    return row | _discovery(game.state, blocks)


def _exchange(game: Game, house: House, blocks: pd.DataFrame) -> dict[str, float]:
    """How an exchange has fared: what was closed by force, and what is owed that nobody has paid, cash coins."""
    state, last, name = game.state, blocks.iloc[-1], house.name
    taken, own = _seizures(game, house), worth_at_fair(game, state, house)
    worth, _ = state.exchange(house).margin.standings(state, house, Threshold.MAINTENANCE)
    for pledge, rule in zip(state.pledges[house.index], state.exchange(house).collateral, strict=True):
        coin = pledge_price(state, pledge).value / pledge.scale
        worth = worth + state.ledger.balance[pledge.claim] * (coin * rule.maintenance)  # without the haircut
    players = state.ledger.exchange < 0
    players[WORLD] = False
    desks = [listing.desk for listing in state.listings[house.index] if listing.size >= 0]
    counted = ("insurance", "liquidations", "liquidated", "deficit", "uncovered")
    return {f"{name}.{what}": float(last[f"{name}.{what}"]) for what in counted} | {
        f"{name}.seizures": float(len(taken)),
        f"{name}.seized": math.fsum(one["notional"] for one in taken),
        f"{name}.written_off": _written_off(game, house, taken),
        f"{name}.venue_deficit": float(-np.minimum(own[desks], 0.0).sum()),
        f"{name}.underwater": float(-worth[players & (worth < 0)].sum()),
    }


def _listing(state: State, listing: Listing, blocks: pd.DataFrame) -> dict[str, float]:
    """A market while it traded, and what it settled at where it has."""
    instrument = state.market(listing).instrument
    expiry = instrument.expires()
    here = blocks.loc[blocks["chain"] == listing.house.chain]
    trading = here.loc[here["time"] < expiry]
    row = _market(trading if len(trading) else blocks, listing.path)
    if isinstance(instrument, Option):
        row |= dict.fromkeys((f"{listing.path}.{name}" for name in OF_THE_UNDERLYING), math.nan)
    return row | (_settlement(state, listing) if expiry < NEVER else {})


def _issue(state: State, issue: Issue) -> dict[str, float]:
    """How a synthetic's issue stands at the end, units."""
    owed, safety = riskiest(state, issue)
    return {
        f"{issue.path}.supply": supply_of(state, issue) / issue.listing.size_scale,
        f"{issue.path}.lost": state.tables[issue.path].lost / issue.listing.size_scale,
        f"{issue.path}.minters": float(len(owed)),
        f"{issue.path}.least_ratio": float(safety[0]) if len(safety) else math.inf,
    }


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
