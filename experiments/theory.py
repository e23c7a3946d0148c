"""Closed forms that results are held against: pure functions, each with its source.

They stand beside measurements, and never in place of one.
"""

from __future__ import annotations

import math

from scipy.special import ndtr

from protocol.units import SECONDS_PER_YEAR


def stale_value(volatility: float, age: float, cost: float) -> float:
    """What one trade at a stale index is worth per update and unit of notional, knowing the next index.

    2 (s phi(c/s) - c (1 - Phi(c/s))), s = volatility * sqrt(age): a straddle struck at the round-trip cost c (Bachelier).
    `volatility` per root year, `age` in seconds, `cost` relative. 60 %, 30 s, 2 bp: 2.94 bp.
    """
    s = volatility * math.sqrt(age / SECONDS_PER_YEAR)
    z = cost / s
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return 2.0 * (s * density - cost * float(ndtr(-z)))


def perpetual_over_spot(kappa: float, iota: float, quote_rate: float, base_rate: float) -> float:
    """Perpetual over spot where nobody can gain from either: (kappa - iota) / (kappa + base_rate - quote_rate).

    Longs pay kappa (f - x) + iota x a year, continuously; rates per year (Ackerer, Hugonnier and Jermann, arXiv:2310.11771, with
    constant coefficients). It is 1 exactly where iota = quote_rate - base_rate. kappa 3 a day, iota .1, rates .05, .02: -.639 bp.
    """
    pull = kappa + base_rate - quote_rate
    if not pull > 0:
        raise ValueError(f"kappa = {kappa}: must be above quote_rate - base_rate = {quote_rate - base_rate} a year")
    return (kappa - iota) / pull
