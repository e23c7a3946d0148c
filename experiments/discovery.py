"""Price discovery: where among several markets of one base what is new about its price is found first.

Their log mids are cointegrated, and the vectors are known: each less the first. So the error-correction model

    d p(t) = c + A (p_j - p_1)(t-1) + sum over k of G_k d p(t-k) + e(t),   cov e = W

is least squares, equation by equation (Hasbrouck 1995 imposes the same vectors). What lasts of a shock is a weighted sum of the
parts of e, with weights a orthogonal to A. A market's information share is its part of the variance of that sum, a W a' (Hasbrouck
1995, "One security, many markets", Journal of Finance 50(4) 1175-1199): all that its shock has in common with others' is counted
with it in one ordering, and none of it in the other, hence two bounds. Its component share is its weight (Gonzalo and Granger
1995, "Estimation of common long-memory components in cointegrated systems").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from protocol.ledger import Floats

LAGS = 10  # the most that are tried; how many there are is chosen by Schwarz's criterion
LEAST = 20  # observations for each coefficient of an equation, or nothing is said
SINGULAR = 1e12  # condition number of shocks beyond which two markets are one


class Shares(NamedTuple):
    """What part each market has in the discovery of the price; nan where that cannot be told. Shapes [markets]."""

    low: Floats  # information share, put last
    high: Floats  # information share, put first
    component: Floats  # weight in the common price; the weights sum to 1, and one may lie outside 0 to 1

    @property
    def middle(self) -> Floats:
        """Midpoint of the bounds, the one number that is usually cited."""
        middle: Floats = 0.5 * (self.low + self.high)
        return middle


def shares(log_mids: Floats, lags: int = LAGS) -> Shares:
    """The shares of markets whose log mids are given, [blocks, markets]. A market that never moves has none, and is left out."""
    found = np.full((3, log_mids.shape[1]), np.nan)
    moves = np.ptp(log_mids, axis=0) != 0.0  # also where a mid is missing
    if moves.sum() > 1:
        found[:, moves] = _of_moving(log_mids[:, moves], lags)
    return Shares(*found)


def _of_moving(log_mids: Floats, lags: int) -> Shares | float:
    """The same where every mid has moved."""
    blocks, markets = log_mids.shape
    lags = min(lags, (blocks // LEAST - markets) // markets)
    if lags < 1 or not np.isfinite(log_mids).all():
        return np.nan

    steps = np.diff(log_mids, axis=0)
    apart = log_mids[lags:-1, 1:] - log_mids[lags:-1, :1]
    past = [steps[lags - back : len(steps) - back] for back in range(1, lags + 1)]
    known = np.column_stack([np.ones(len(apart)), apart, *past])
    fit = _fitted(known, steps[lags:], lags)
    if fit is None:
        return np.nan
    reaction, shocks = fit
    return split(np.linalg.svd(reaction)[2][-1], shocks)


def split(weight: Floats, shocks: Floats) -> Shares:
    """Shares of what lasts, `weight` [markets] times shocks of a covariance [markets, markets]."""
    lasts = float(weight @ shocks @ weight)
    first = (weight @ shocks) ** 2 / (np.diag(shocks) * lasts)
    last = weight**2 / (np.diag(np.linalg.inv(shocks)) * lasts)
    return Shares(np.minimum(first, last), np.maximum(first, last), weight / weight.sum())


def _fitted(known: Floats, steps: Floats, lags: int) -> tuple[Floats, Floats] | None:
    """(what each gap does to each market [gaps, markets], covariance of shocks) at the number of lags that fits best."""
    count, markets = steps.shape
    scale = np.sqrt((known**2).sum(axis=0))
    if not scale.all():
        return None
    known = known / scale
    square, cross, own = known.T @ known, known.T @ steps, steps.T @ steps
    best, found = np.inf, None
    for used in range(1, lags + 1):
        size = markets * (1 + used)
        try:
            effect = np.linalg.solve(square[:size, :size], cross[:size])
        except np.linalg.LinAlgError:
            return None
        shocks = (own - effect.T @ cross[:size]) / count
        if not np.linalg.cond(shocks) < SINGULAR:
            return None
        criterion = np.linalg.slogdet(shocks)[1] + np.log(count) * size * markets / count
        if criterion < best:
            best, found = criterion, ((effect / scale[:size, None])[1:markets], shocks)
    return found
