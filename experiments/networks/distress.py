"""How far distress travels without default, and through what is held in common: DebtRank, overlaps, fire sales.

DebtRank: Battiston, Puliga, Kaushik, Tasca and Caldarelli (2012), each node passing its distress on once. Overlaps weighted by
liquidity: Cont and Schaanning (2019). Fire sales of those who keep their
leverage: Greenwood, Landier and Thesmar (2015). All are pure functions of matrices, so that any exposure network can be asked.
"""

from __future__ import annotations

import numpy as np

from protocol.ledger import Floats

THIN = 1e-3  # of what a node has: with less equity it passes on what it is owed, and no more


def debtrank(impact: Floats, shock: Floats, value: Floats | None = None) -> tuple[float, Floats]:
    """(R, distress [nodes]) after a shock [nodes] of shares of equity lost. `impact` [from, to]: share of `to`'s equity at stake.

    R is the value-weighted distress that the shock brought about beyond itself; `value` [nodes] defaults to equal weights.
    """
    weights = np.full(len(shock), 1.0 / len(shock)) if value is None else value / value.sum()
    distress, last = shock.astype(float), np.zeros(len(shock))
    active, done = shock > 0, np.zeros(len(shock), bool)
    while active.any():
        passed = impact.T @ np.where(active, distress, 0.0)
        last = distress
        distress = np.minimum(1.0, last + passed)
        done |= active
        active = (distress > last) & ~done
    return float(weights @ distress - weights @ shock), distress


def impacts(debts: Floats, equity: Floats, outside: Floats | None = None) -> Floats:
    """Share of each creditor's capital that a debtor's failure would take: `debts` [debtor, creditor] to [from, to], at most 1.

    Capital is `equity` [nodes], and of a node that only passes on what it is owed (a till, a clearing account, a pool: equity below
    `THIN` of what it has) all that it has: what it is owed and `outside` [nodes]. Its creditors share what is missing, and a debt
    of a cent to it does not bring all of them down, as it would if held against an equity of nothing. Cash coins.
    """
    has = debts.sum(axis=0) + (0.0 if outside is None else np.maximum(outside, 0.0))
    capital = np.where(equity > THIN * has, equity, has)
    found: Floats = np.divide(debts, capital[None, :], out=np.zeros_like(debts), where=capital[None, :] > 0)
    return np.minimum(1.0, found)


def overlap(holdings: Floats, depth: Floats) -> Floats:
    """Liquidity-weighted overlap [holder, holder]: what one loses, cash coins, when the other sells its whole book.

    `holdings` [holder, market] signed cash coins; `depth` [market] cash coins a unit of log price (Cont, Schaanning 2019).
    """
    found: Floats = (holdings / depth) @ holdings.T
    return found


def sale_impact(sold: Floats, depth: Floats, floor: float = 0.5) -> Floats:
    """Relative fall of prices when `sold` [market] cash coins are: room (1 - exp(-sold / depth / room)), room = 1 - floor.

    The level-dependent impact of Cont and Schaanning (2019), with slope 1 / depth at nothing sold, and never beyond `room`.
    """
    room = 1.0 - floor
    fall: Floats = room * -np.expm1(-sold / depth / room)
    return fall


def fire_sale(holdings: Floats, equity: Floats, depth: Floats, shock: Floats) -> tuple[Floats, Floats]:
    """(direct, through sales) [holder, market]: losses as prices move by `shock` and holders keep their leverage, cash coins.

    `holdings` [holder, market] signed cash coins; `equity` [holder]; `depth` [market] cash coins a unit of log price; `shock`
    [market] relative. Each sells what it lost times its leverage, in proportion to what it holds, at most all. One round.
    """
    direct = np.maximum(0.0, -holdings * shock)
    lost, held = np.maximum(0.0, -(holdings @ shock)), np.abs(holdings).sum(axis=1)
    solvent = equity > 0
    wanted = np.where(solvent, lost * held / np.where(solvent, equity, 1.0), np.where(lost > 0, held, 0.0))
    share = np.divide(np.minimum(wanted, held), held, out=np.zeros_like(held), where=held > 0)
    moves = -(share @ holdings) / depth  # those who are long push down, those who are short up
    return direct, np.maximum(0.0, -holdings * moves)
