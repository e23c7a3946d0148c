"""Stylised facts of a series of returns, each one number, and how far off each may be by chance.

Cont 2001, "Empirical properties of asset returns: stylized facts and statistical issues", Quantitative Finance 1, 223-236: tails
that are fat, returns that do not foretell returns, sizes that foretell sizes, and all of that fading as returns are added up. Nine
of the numbers are those that Franke and Westerhoff 2012, "Structural stochastic volatility in asset pricing dynamics", Journal of
Economic Dynamics and Control 36(8), 1193-1211, match. Errors are by the bootstrap of blocks (Kuensch 1989).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from protocol.ledger import Floats

TAIL = 0.05  # share of sizes that count as tail (Franke and Westerhoff)
LAGS = (1, 5, 10, 25, 50, 100)  # of the memory of sizes, in bars
SMOOTH = 1  # lags to either side that a lag's number is a mean with, beyond the first
SUMS = (4, 16)  # bars that are added up to see whether tails thin out
RESAMPLES = 500


def autocorrelation(series: Floats, lag: int) -> float:
    """Correlation of a series with itself `lag` steps later; nan where it never changes or is too short."""
    if len(series) <= lag + 1:
        return float("nan")
    x = series - series.mean()
    total = float(x @ x)
    return float(x[lag:] @ x[:-lag]) / total if total > 0 else float("nan")


def memory(sizes: Floats, lag: int) -> float:
    """Autocorrelation of sizes at a lag, a mean with its neighbours' from the second on."""
    near = range(lag - SMOOTH, lag + SMOOTH + 1) if lag > 1 else (1,)
    return float(np.mean([autocorrelation(sizes, one) for one in near]))


def hill(sizes: Floats, share: float = TAIL) -> float:
    """Tail exponent of the largest `share` of sizes (Hill 1975): P(size > x) falls as x ** -exponent."""
    ordered = np.sort(sizes[sizes > 0])[::-1]
    count = int(share * len(ordered))
    if count < 2:
        return float("nan")
    total = float(np.log(ordered[:count] / ordered[count]).sum())
    return count / total if total > 0 else float("nan")


def excess_kurtosis(series: Floats) -> float:
    """Fourth moment over the square of the second, less 3: 0 of a normal law."""
    x = series - series.mean()
    square = float((x**2).mean())
    return float((x**4).mean()) / square**2 - 3.0 if square > 0 else float("nan")


def skewness(series: Floats) -> float:
    """Third moment over the second to the power 3/2: below 0 where falls are sharper than rises."""
    x = series - series.mean()
    square = float((x**2).mean())
    return float((x**3).mean()) / square**1.5 if square > 0 else float("nan")


def added(series: Floats, bars: int) -> Floats:
    """Returns over `bars` bars at a time, without overlap."""
    whole = len(series) // bars * bars
    summed: Floats = series[:whole].reshape(-1, bars).sum(axis=1)
    return summed


def of(returns: Floats, volumes: Floats | None = None) -> dict[str, float]:
    """Every fact of log returns [bars], and of volumes beside them if there are any [bars]."""
    sizes = np.abs(returns)
    found = {
        "mean size, bp": 1e4 * float(sizes.mean()),
        "return memory, 1 bar": autocorrelation(returns, 1),
        "tail exponent": hill(sizes),
        **{f"size memory, {lag} bars" if lag > 1 else "size memory, 1 bar": memory(sizes, lag) for lag in LAGS},
        "excess kurtosis": excess_kurtosis(returns),
        **{f"excess kurtosis, {bars} bars": excess_kurtosis(added(returns, bars)) for bars in SUMS},
        "skewness": skewness(returns),
    }
    if volumes is not None:
        found["volume with size"] = float(np.corrcoef(volumes, sizes)[0, 1]) if volumes.std() > 0 else float("nan")
    return found


MATCHED = (
    "mean size, bp",
    "return memory, 1 bar",
    "tail exponent",
    *(f"size memory, {lag} bar{'s' * (lag > 1)}" for lag in LAGS),
)


def errors(
    returns: Floats,
    volumes: Floats | None = None,
    *,
    block: int,
    resamples: int = RESAMPLES,
    facts: Callable[..., Mapping[str, float]] = of,
) -> dict[str, float]:
    """Standard error of each fact, from series put together of blocks of `block` bars, drawn with a fixed generator."""
    rng = np.random.default_rng(0)
    bars = len(returns)
    found = []
    for _ in range(resamples):
        starts = rng.integers(0, bars - block + 1, -(-bars // block))
        places = (starts[:, None] + np.arange(block)).ravel()[:bars]
        found.append(facts(returns[places], None if volumes is None else volumes[places]))
    return {name: float(np.nanstd([one[name] for one in found], ddof=1)) for name in found[0]}
