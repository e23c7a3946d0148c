"""Facts of recorded prices, with their standard errors.

Of closes of Binance spot klines, hourly in May and November 2022 and by the quarter hour from 6 to 12 October 2025. Measured once
with `facts` and typed in, so that a study needs no file; a test measures them anew.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from experiments.realism.facts import errors, of
from protocol.ledger import Floats

TARGET = "ETHUSDT-1h-2022-05"  # what the crowd is calibrated to
BLOCKS = {"1h": 72, "15m": 96}  # bars in a block of the bootstrap: three days, a day

FACTS: dict[str, dict[str, tuple[float, float]]] = {  # by file: fact, its value and its standard error
    "ETHUSDT-1h-2022-05": {
        "mean size, bp": (71.76, 12.1),
        "return memory, 1 bar": (-0.07978, 0.0431),
        "tail exponent": (3.328, 0.496),
        "size memory, 1 bar": (0.3365, 0.105),
        "size memory, 5 bars": (0.2247, 0.0529),
        "size memory, 10 bars": (0.2205, 0.0634),
        "size memory, 25 bars": (0.2067, 0.0584),
        "size memory, 50 bars": (0.1096, 0.0397),
        "size memory, 100 bars": (0.008243, 0.0436),
        "excess kurtosis": (13.78, 4.92),
        "excess kurtosis, 4 bars": (7.247, 2.83),
        "excess kurtosis, 16 bars": (2.3, 2.79),
        "skewness": (-0.7925, 0.338),
        "volume with size": (0.6367, 0.0602),
    },
    "ETHUSDT-1h-2022-11": {
        "mean size, bp": (59.56, 11.5),
        "return memory, 1 bar": (0.04334, 0.0472),
        "tail exponent": (2.242, 0.346),
        "size memory, 1 bar": (0.3632, 0.118),
        "size memory, 5 bars": (0.2186, 0.0651),
        "size memory, 10 bars": (0.1527, 0.0452),
        "size memory, 25 bars": (0.1495, 0.0493),
        "size memory, 50 bars": (0.07438, 0.0418),
        "size memory, 100 bars": (-0.0008825, 0.042),
        "excess kurtosis": (13.8, 3.47),
        "excess kurtosis, 4 bars": (21.73, 6.21),
        "excess kurtosis, 16 bars": (2.229, 2.29),
        "skewness": (-0.4442, 0.712),
        "volume with size": (0.6676, 0.0689),
    },
    "BTCUSDT-1h-2022-05": {
        "mean size, bp": (57.02, 9.79),
        "return memory, 1 bar": (-0.08539, 0.0452),
        "tail exponent": (3.2, 0.472),
        "size memory, 1 bar": (0.3819, 0.0799),
        "size memory, 5 bars": (0.2326, 0.0583),
        "size memory, 10 bars": (0.2182, 0.0691),
        "size memory, 25 bars": (0.2224, 0.0615),
        "size memory, 50 bars": (0.1426, 0.0427),
        "size memory, 100 bars": (0.02446, 0.0438),
        "excess kurtosis": (11.42, 3.68),
        "excess kurtosis, 4 bars": (4.577, 1.24),
        "excess kurtosis, 16 bars": (0.9312, 1.42),
        "skewness": (-0.2847, 0.283),
        "volume with size": (0.6629, 0.0619),
    },
    "BTCUSDT-1h-2022-11": {
        "mean size, bp": (39.97, 8.42),
        "return memory, 1 bar": (-0.008007, 0.0379),
        "tail exponent": (1.85, 0.33),
        "size memory, 1 bar": (0.3652, 0.0956),
        "size memory, 5 bars": (0.2252, 0.0481),
        "size memory, 10 bars": (0.1351, 0.0364),
        "size memory, 25 bars": (0.2027, 0.0654),
        "size memory, 50 bars": (0.0689, 0.0485),
        "size memory, 100 bars": (0.001005, 0.042),
        "excess kurtosis": (17.47, 4.52),
        "excess kurtosis, 4 bars": (19.76, 6.22),
        "excess kurtosis, 16 bars": (1.948, 2.52),
        "skewness": (0.3666, 0.807),
        "volume with size": (0.6169, 0.0695),
    },
    "ETHUSDT-15m-2025-10-06": {
        "mean size, bp": (30.6, 5.47),
        "return memory, 1 bar": (0.1143, 0.057),
        "tail exponent": (1.714, 0.799),
        "size memory, 1 bar": (0.5935, 0.206),
        "size memory, 5 bars": (0.1751, 0.0327),
        "size memory, 10 bars": (0.2049, 0.0876),
        "size memory, 25 bars": (0.1362, 0.0513),
        "size memory, 50 bars": (-0.006981, 0.037),
        "size memory, 100 bars": (-0.008957, 0.0394),
        "excess kurtosis": (34.91, 12.5),
        "excess kurtosis, 4 bars": (17.31, 10),
        "excess kurtosis, 16 bars": (3.006, 2.22),
        "skewness": (1.176, 0.803),
        "volume with size": (0.7435, 0.0573),
    },
}


def series(file: Path) -> tuple[Floats, Floats]:
    """Log returns from close to close, and quote volume of the same bars. Shapes [bars - 1]."""
    bars = pd.read_csv(file)
    return np.diff(np.log(bars["close"].to_numpy(float))), bars["quote_volume"].to_numpy(float)[1:]


def measured(file: Path) -> dict[str, tuple[float, float]]:
    """Every fact of a klines file, with its standard error."""
    returns, volumes = series(file)
    block = BLOCKS[file.stem.split("-")[1]]
    off = errors(returns, volumes, block=block)
    return {name: (value, off[name]) for name, value in of(returns, volumes).items()}
