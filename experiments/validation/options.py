"""Options and what is asked of who has sold them: published values, by the product's own formulas (A5).

These are formulas, and no game: a surface, an expiry and a book stand between them and a market, and are tested where they stand
(`tests/test_black.py`, `tests/test_option_rules.py`: seven of Derive's cases, Greeks, another library). Derive's cases are those of
its Standard Manager, of one expiry, 500,400 seconds off.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from experiments.validation.base import Claim, Effort, Measured, exactly
from protocol.black import CALL, PUT, black76, black_scholes
from protocol.option_rules import Standard, short_option, standard_manager
from protocol.units import SECONDS_PER_YEAR

SUBJECT = "Options and their margins: formulas"
HULL = "Hull, Options, Futures and Other Derivatives"
DERIVE = "derivexyz/v2-core, test-cases.json, S18"
DERIBIT = "Deribit, standard margin, S29"
SPOT, FORWARD, YEARS = 1_500.0, 1_500.8332793109938, 500_400.0 / SECONDS_PER_YEAR  # cash coins; years
CASES = {
    "1": (1_500.0, 1.04788449408498624, -79.3716, -191.8716, -304.3716),
    "3": (1_900.0, 1.179993832279113216, None, -118.5083, -156.0083),
}  # a short call's strike, volatility, value, maintenance and initial margin


def stock(side: float) -> float:
    """An option on a stock of 42, struck at 40, half a year off, at a volatility of .2 and a rate of .1."""
    return float(black_scholes([side], 42.0, 40.0, 0.5, 0.2, 0.1).value[0])


def future() -> float:
    """A put on a future of 20, struck at 20, four months off, at a volatility of .25 and a rate of .09."""
    return float(black76(PUT, 20.0, 20.0, 4.0 / 12.0, 0.25, 0.09).value)


def asked(case: str, what: str) -> float:
    """The value of one of Derive's short calls, or what is asked to keep or to open it."""
    strike, volatility, *_ = CASES[case]
    mark = black76([CALL], FORWARD, [strike], YEARS, [volatility]).value
    if what == "value":
        return -float(mark[0])
    found = standard_manager(SPOT, FORWARD, [CALL], [strike], mark, [-1.0], unpaired=(1.1, 1.1))
    return float(getattr(found, what))


def of_deribit(what: str) -> float:
    """What a call a tenth out of the money needs, in coins, marked at .02."""
    return float(getattr(short_option(CALL, 1.0, 1.1, 0.02, Standard()), what))


def told(measure: Callable[[], float], _: Effort) -> Measured:
    """Without chance."""
    return exactly(measure())


def claims() -> tuple[Claim, ...]:
    """To the digit printed."""
    lines: list[tuple[str, str, str, float, float, Callable[[], float]]] = [
        (
            "hull-call",
            "a call: stock 42, strike 40, half a year, volatility .2, rate .1",
            HULL,
            4.76,
            5e-3,
            partial(stock, CALL),
        ),
        ("hull-put", "the put of the same", HULL, 0.81, 5e-3, partial(stock, PUT)),
        ("hull-future", "a put on a future: 20, strike 20, four months, .25, .09", HULL, 1.12, 5e-3, future),
    ]
    for case, (strike, _, value, keep, open_) in CASES.items():
        of = f"a short call struck at {strike:g} (Test{case})"
        if value is not None:
            lines.append((f"derive-{case}-value", f"value: {of}", DERIVE, value, 5e-5, partial(asked, case, "value")))
        lines.append((f"derive-{case}-keep", f"to keep: {of}", DERIVE, keep, 5e-5, partial(asked, case, "maintenance")))
        lines.append((f"derive-{case}-open", f"to open: {of}", DERIVE, open_, 5e-5, partial(asked, case, "initial")))
    short = "a short call a tenth out of the money, marked at .02, coins"
    lines.append(("deribit-open", f"to open {short}", DERIBIT, 0.12, 1e-9, partial(of_deribit, "initial")))
    lines.append(("deribit-keep", f"to keep {short}", DERIBIT, 0.095, 1e-9, partial(of_deribit, "maintenance")))
    return tuple(
        Claim(f"A5-{name}", what, source, value, near, partial(told, measure))
        for name, what, source, value, near, measure in lines
    )
