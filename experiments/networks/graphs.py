"""Exposures, flows and overlaps as networkx graphs; amounts on the edges in cash coins, as the attribute `cash`.

A node is a group of accounts; what an exchange owns stands as EXCHANGE.custody, EXCHANGE.vault and so on. All come from the ledger:
exposures from claims at the index, flows from the journal, overlaps from positions and collateral.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd

from protocol.appraisal import pledge_price, token_price
from protocol.bridge import waiting
from protocol.issuing import index_now
from protocol.ledger import WORLD, Floats
from protocol.lending import RAY, accrued
from protocol.oracles.base import read_index, read_mark
from protocol.state import House, Span, State

LEAST = 1e-6  # cash coins: less is no edge
Owed = defaultdict[tuple[str, str], float]  # cash coins by (debtor, creditor)


def node_names(state: State) -> list[str]:
    """The node each account belongs to."""
    ledger = state.ledger
    names = [f"{house.name}.".removeprefix(house.prefix) for house in state.houses]
    return [
        names[exchange] + ledger.groups[group] if exchange >= 0 else ledger.groups[group]
        for group, exchange in zip(ledger.group.tolist(), ledger.exchange.tolist(), strict=True)
    ]


def exposures(state: State) -> nx.DiGraph:
    """Who owes whom: an edge from debtor to creditor, netted within a pair of nodes and market. Values at the index of now.

    Cash claims are owed by custody; a position's worth by the market's own account where that is the other side, else through the
    exchange's clearing account, which is worth nothing itself. Collateral is owed by custody, the debts of synthetics to it; loans
    are owed to pools, and pools and vaults owe their shares. A bridge owes whoever holds what stands for a token, and whoever it
    has a message for, that token. Each node carries `outside`: tokens in its wallets, those aside that a bridge answers for.
    """
    names = node_names(state)
    owed: Owed = defaultdict(float)
    for house in state.houses:
        _add(owed, names, house.custody, state.ledger.balance[house.cash] / house.cash_scale)
        for listing in state.claims[house.index]:
            market = state.market(listing)
            worth = np.zeros(state.ledger.accounts)
            price = read_mark(state, listing).value
            for row, weight in market.instrument.weights(state, listing, price):
                worth += weight * state.ledger.balance[row]
            hub = house.clearing if market.venue.counterparty == "makers" else listing.desk
            _add(owed, names, hub, worth)
        for pledge in state.pledges[house.index]:
            coin = pledge_price(state, pledge).value / pledge.scale
            _add(owed, names, house.custody, state.ledger.balance[pledge.claim] * coin)
        for issue in state.issues[house.index]:
            coin = token_price(state, house, issue.token).value / issue.scale
            unit = read_index(state, issue.listing).value / issue.listing.size_scale * (index_now(state, issue) / RAY)
            _add(
                owed,
                names,
                house.custody,
                state.ledger.balance[issue.locked] * coin + state.ledger.balance[issue.debt] * unit,
            )
        for lender in state.lenders[house.index]:
            coin = token_price(state, house, lender.token).value / lender.scale
            pool = accrued(state, lender)
            _add(owed, names, lender.account, state.ledger.balance[lender.debt] * (pool.index / RAY * coin))
            _add_shares(owed, names, state, lender.share, lender.account, pool.assets * coin)
        if house.share >= 0:
            total = max(0.0, _equity(state, house)[house.vault])
            _add_shares(owed, names, state, house.share, house.vault, total)
    for span in state.spans:
        _add(owed, names, span.escrow, _bridged(state, span))
    graph = nx.DiGraph()
    outside = wallets(state)
    for name in dict.fromkeys(names[1:]):
        graph.add_node(name, outside=float(outside.get(name, 0.0)))
    for (debtor, creditor), cash in sorted(_netted(owed).items()):
        graph.add_edge(debtor, creditor, cash=cash)
    return graph


def _add(owed: Owed, names: list[str], hub: int, worth: Floats) -> None:
    """What is worth something to an account its `hub` owes, and the other way round. Shape [accounts]."""
    for account in np.flatnonzero(np.abs(worth) > LEAST).tolist():
        if account not in (hub, WORLD):
            pair = (names[hub], names[account]) if worth[account] > 0 else (names[account], names[hub])
            owed[pair] += abs(float(worth[account]))


def _add_shares(owed: Owed, names: list[str], state: State, row: int, account: int, total: float) -> None:
    """A pool owes its holders what stands behind their shares."""
    supply = -float(state.ledger.balance[row, WORLD])
    if supply > 0 and total > 0:
        held = np.maximum(state.ledger.balance[row], 0) * (total / supply)
        _add(owed, names, account, held)


def _bridged(state: State, span: Span) -> Floats:
    """What a bridge owes each account, cash coins: units that stand for a token, or are on their way, at that token's own index.

    Not at the index of what stands for it: that is what the market believes will be paid, and this is what is owed. Shape
    [accounts].
    """
    units = state.ledger.balance[span.wrapped].astype(np.float64)
    units[WORLD] = 0.0
    for chain in (span.source, span.target):
        for message in waiting(state, span, chain):
            units[message.key.to] += message.key.units
    worth: Floats = units * (_coin(state, span.token) / span.scale)
    return worth


def _coin(state: State, row: int) -> float:
    """Cash coins a coin of a token, at the first exchange that counts in it or has an index of it."""
    for house in state.houses:
        if row == house.token or any(listing.base == row for listing in state.listings[house.index]):
            return token_price(state, house, row).value
    return 0.0


def _netted(owed: Owed) -> dict[tuple[str, str], float]:
    """Each pair of nodes owes one way; a node owes itself nothing."""
    net: dict[tuple[str, str], float] = {}
    for (debtor, creditor), cash in owed.items():
        if debtor != creditor and (rest := cash - owed.get((creditor, debtor), 0.0)) > LEAST:
            net[debtor, creditor] = rest
    return net


def _equity(state: State, house: House) -> Floats:
    worth: Floats = state.ledger.balance[house.cash] / house.cash_scale
    for listing in state.claims[house.index]:
        price = read_mark(state, listing).value
        for row, weight in state.market(listing).instrument.weights(state, listing, price):
            worth = worth + weight * state.ledger.balance[row]
    return worth


def wallets(state: State) -> dict[str, float]:
    """Tokens at the index, cash coins, by node. What stands for a token beyond a bridge is none, but a claim on the bridge."""
    names, total = node_names(state), np.zeros(state.ledger.accounts)
    counted: set[int] = {span.wrapped for span in state.spans}
    for house in state.houses:
        if house.token not in counted:
            total += state.ledger.balance[house.token] / house.cash_scale
            counted.add(house.token)
        for listing in state.listings[house.index]:
            if listing.base >= 0 and listing.base not in counted:
                total += state.ledger.balance[listing.base] * (read_index(state, listing).value / listing.size_scale)
                counted.add(listing.base)
    found: defaultdict[str, float] = defaultdict(float)
    for account in range(1, len(names)):
        found[names[account]] += float(total[account])
    return dict(found)


def flows(table: pd.DataFrame, first: int = 0, last: int = 1 << 62) -> nx.DiGraph:
    """Who paid whom from block `first` to block `last`, netted: an edge from payer to payee; `reasons` names the largest three."""
    rows = table[(table["block"] >= first) & (table["block"] <= last)]
    paid: Owed = defaultdict(float)
    why: dict[tuple[str, str], defaultdict[str, float]] = {}
    for source, target, reason, cash in rows[["source", "target", "reason", "cash"]].itertuples(index=False):
        pair = (str(source), str(target))
        paid[pair] += float(cash)
        why.setdefault(pair, defaultdict(float))[str(reason)] += float(cash)
    graph = nx.DiGraph()
    for (source, target), cash in sorted(_netted(paid).items()):
        largest = sorted(why[source, target].items(), key=lambda item: (-item[1], item[0]))[:3]
        reasons = ", ".join(reason for reason, _ in largest)
        graph.add_edge(source, target, cash=cash, reasons=reasons)
    return graph


def overlaps(state: State) -> nx.Graph:
    """Who holds what: an edge from a node to a market or a token, cash coins at the index; `side` long or short."""
    names = node_names(state)
    held: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    for house in state.houses:
        for listing in state.claims[house.index]:
            mark = read_mark(state, listing).value / listing.size_scale
            for account in np.flatnonzero(state.ledger.balance[listing.size]).tolist():
                worth = float(state.ledger.balance[listing.size, account]) * mark
                held[names[account], listing.path, "long" if worth > 0 else "short"] += abs(worth)
        for pledge in state.pledges[house.index]:
            coin = pledge_price(state, pledge).value / pledge.scale
            for account in np.flatnonzero(state.ledger.balance[pledge.claim] > 0).tolist():
                held[names[account], f"{house.name}.{pledge.name}", "long"] += (
                    float(state.ledger.balance[pledge.claim, account]) * coin
                )
    graph = nx.MultiGraph()
    for (holder, market, side), cash in sorted(held.items()):
        if cash > LEAST:
            graph.add_node(holder, kind="holder")
            graph.add_node(market, kind="market")
            graph.add_edge(holder, market, key=side, cash=cash, side=side)
    return graph


def matrix(graph: nx.DiGraph) -> tuple[list[str], Floats]:
    """Names of nodes, and amounts [debtor, creditor] in cash coins."""
    names = sorted(graph)
    return names, nx.to_numpy_array(graph, nodelist=names, weight="cash", dtype=np.float64)


def export(graph: nx.Graph, path: Path) -> None:
    """Write GraphML; amounts are in cash coins, and every edge says so."""
    graph.graph["unit"] = "cash coins"
    nx.set_edge_attributes(graph, "cash coins", "unit")
    nx.write_graphml(graph, path)
