"""Value and Greeks of European options: Black (1976) on a forward, Black and Scholes (1973) on spot; implied volatility.

Everything is vectorised over all arguments. `side` is +1 for a call and -1 for a put. Prices in cash coins per base coin,
`years` to expiry, volatility per root year, rates continuously compounded per year. At no time or no volatility an option is
worth what exercise would pay. Nonsense (a negative volatility, an expired option) is refused by name.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from protocol.ledger import Floats

CALL, PUT = 1.0, -1.0
ROUNDS = 100  # of the root finder: Newton needs five or six, bisection alone sixty
WIDEST = 64.0  # total standard deviation at which an option is worth its forward (or strike) to the last bit


class Greeks(NamedTuple):
    """Value and its derivatives, each of the broadcast shape of what was asked."""

    value: Floats  # cash coins per base coin
    delta: Floats  # per cash coin of the forward (Black 1976) or of spot (Black and Scholes 1973)
    gamma: Floats  # of delta, per cash coin
    vega: Floats  # per 1.00 of volatility
    theta: Floats  # per year that passes
    rho: Floats  # per 1.00 of the rate


def _refuse(forward: ArrayLike, strike: ArrayLike, years: ArrayLike, volatility: ArrayLike) -> None:
    """Raise ValueError, a line a mistake, for what no option has."""
    wrong = []
    for name, value, least, allowed in (
        ("volatility", volatility, 0.0, "must be 0 or more per root year"),
        ("years", years, 0.0, "must be 0 or more, the option has expired"),
        ("forward", forward, np.nextafter(0.0, 1.0), "must be above 0 cash coins"),
        ("strike", strike, np.nextafter(0.0, 1.0), "must be above 0 cash coins"),
    ):
        bad = np.asarray(value, float)[~(np.asarray(value, float) >= least)]
        if bad.size:
            wrong.append(f"{name} = {bad.flat[0]}: {allowed}")
    if wrong:
        raise ValueError("\n".join(wrong))


def density(x: ArrayLike) -> Floats:
    """The standard normal density."""
    return np.asarray(np.exp(-0.5 * np.square(x)) / np.sqrt(2.0 * np.pi))


def _quantiles(forward: ArrayLike, strike: ArrayLike, deviation: ArrayLike) -> tuple[Floats, Floats]:
    """d1 and d2 of a total standard deviation; where that is 0, plus or minus infinity, and 0 at the money."""
    moneyness = np.log(np.divide(forward, strike))
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.divide(moneyness, deviation)
    middle = np.where(np.isnan(middle), 0.0, middle)
    half = 0.5 * np.asarray(deviation)
    return middle + half, middle - half


def undiscounted(side: ArrayLike, forward: ArrayLike, strike: ArrayLike, deviation: ArrayLike) -> Floats:
    """What an option pays on average: side (F N(side d1) - K N(side d2)), `deviation` = volatility sqrt(years). Black 1976."""
    side = np.asarray(side, float)
    first, second = _quantiles(forward, strike, deviation)
    value = np.multiply(side, np.multiply(forward, ndtr(side * first)) - np.multiply(strike, ndtr(side * second)))
    return np.asarray(np.maximum(value, 0.0))


def black76(
    side: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    rate: ArrayLike = 0.0,
) -> Greeks:
    """An option on a forward or future. Delta and gamma are in the forward; rho holds it still. Black 1976, eq. 16."""
    _refuse(forward, strike, years, volatility)
    side, forward, strike, years, volatility = (
        np.asarray(x, float) for x in (side, forward, strike, years, volatility)
    )
    root = np.sqrt(years)
    discount, deviation = np.exp(-np.multiply(rate, years)), volatility * root
    first, _ = _quantiles(forward, strike, deviation)
    bell = discount * density(first)
    value = discount * undiscounted(side, forward, strike, deviation)
    with np.errstate(divide="ignore", invalid="ignore"):
        gamma = np.where(deviation > 0.0, bell / (forward * deviation), 0.0)
        decay = np.where(years > 0.0, 0.5 * forward * bell * volatility / root, 0.0)
    return Greeks(
        value,
        side * discount * ndtr(side * first),
        gamma,
        forward * bell * root,
        rate * value - decay,
        -years * value,
    )


def black_scholes(
    side: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    rate: ArrayLike = 0.0,
    dividend: ArrayLike = 0.0,
) -> Greeks:
    """An option on spot that yields `dividend` per year. Delta and gamma are in spot. Black and Scholes 1973, Merton 1973."""
    years = np.asarray(years, float)
    _refuse(spot, strike, years, volatility)
    grown = np.exp(np.multiply(np.subtract(rate, dividend), years))
    forward = np.multiply(spot, grown)
    on = black76(side, forward, strike, years, volatility, rate)
    delta = on.delta * grown
    # spot still as time passes: the forward falls back by its own carry; and it grows with the rate
    theta = on.theta - on.delta * forward * np.subtract(rate, dividend)
    return Greeks(on.value, delta, on.gamma * grown**2, on.vega, theta, on.rho + on.delta * forward * years)


def implied_volatility(
    side: ArrayLike, price: ArrayLike, forward: ArrayLike, strike: ArrayLike, years: ArrayLike, rate: ArrayLike = 0.0
) -> Floats:
    """The volatility at which `black76` gives `price`; nan where none does (below exercise, or above the forward or strike).

    Newton on the out-of-the-money option, from the inflection point sqrt(2 |log F/K|), whence it converges monotonically
    (Manaster and Koehler 1982, Journal of Finance 37, 227-230), kept within a bracket that shrinks by bisection.
    """
    _refuse(forward, strike, years, 0.0)
    side, price, forward, strike, years = np.broadcast_arrays(
        *(np.asarray(x, float) for x in (side, price, forward, strike, years))
    )
    target = price * np.exp(np.multiply(rate, years)) - np.maximum(side * (forward - strike), 0.0)
    out = np.where(forward <= strike, CALL, PUT)  # by parity the same time value, without the loss of digits
    possible = (target >= 0.0) & (target < np.minimum(forward, strike)) & (years > 0.0)
    target = np.where(possible, target, 0.0)
    low, high = np.zeros_like(target), np.full_like(target, WIDEST)
    deviation = np.sqrt(2.0 * np.abs(np.log(forward / strike))) + 1e-8
    for _ in range(ROUNDS):
        error = undiscounted(out, forward, strike, deviation) - target
        high, low = np.where(error > 0.0, deviation, high), np.where(error > 0.0, low, deviation)
        first, _ = _quantiles(forward, strike, deviation)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = deviation - error / (forward * density(first))
        following = np.where((step > low) & (step < high), step, 0.5 * (low + high))
        done = np.abs(following - deviation) <= 1e-14 * np.maximum(1e-8, following)
        deviation = following
        if np.all(done):
            break
    found = np.where(target > 0.0, deviation, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(possible, found / np.sqrt(years), np.nan))
