"""Published margin rules for options, as pure functions: Deribit's standard margin, Derive's standard manager and its shocks.

A requirement here counts the mark, as the published ones do: what an account must have besides what it was paid. Accounts
of this ledger already owe the mark, so `Option.needs` asks for what lies beyond it. Longs need nothing.
Attack surface: a short far out of the money needs least just before it moves; a rule a position sees no spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from protocol.black import CALL
from protocol.ledger import Floats
from protocol.units import SECONDS_PER_DAY


class Requirement(NamedTuple):
    """Cash coins (or index coins, where the arguments are in those)."""

    initial: float
    maintenance: float


@dataclass(frozen=True)
class Standard:
    """Shares of the index: `initial` less what it is out of the money, at least `least`; `maintenance` flat.

    Defaults are Deribit's; Aevo asks 0.10 to maintain, and an older page of Deribit's 0.20 and 0.10.
    """

    initial: float = 0.15
    least: float = 0.10
    maintenance: float = 0.075

    def __post_init__(self) -> None:
        """Refuse shares that make no margin."""
        wrong = []
        if not 0 < self.initial <= 1:
            wrong.append(f"initial = {self.initial}: allowed above 0 to 1, a share of the index")
        if not 0 < self.least <= self.initial:
            wrong.append(f"least = {self.least}: allowed above 0 to initial = {self.initial}")
        if not 0 < self.maintenance <= self.least:
            wrong.append(f"maintenance = {self.maintenance}: allowed above 0 to least = {self.least}")
        if wrong:
            raise ValueError("\n".join(wrong))

    def share(self, side: float, index: float, strike: float) -> float:
        """The initial share of the index, less what the option is out of the money."""
        return max(self.initial - max(side * (strike - index), 0.0) / index, self.least)


def short_option(side: float, index: float, strike: float, mark: float, rule: Standard) -> Requirement:
    """What one option sold needs, its mark included. Deribit, linear form: shares of the index in cash."""
    initial = rule.share(side, index, strike) * index + mark
    if side == CALL:
        return Requirement(initial, rule.maintenance * index + mark)
    maintenance = rule.maintenance * max(index, mark) + mark
    return Requirement(max(initial, maintenance), maintenance)


def standard_manager(
    spot: float,
    forward: float,
    side: ArrayLike,
    strike: ArrayLike,
    mark: ArrayLike,
    amount: ArrayLike,
    rule: Standard | None = None,
    unpaired: tuple[float, float] = (1.2, 1.1),
) -> Requirement:
    """Margin, below 0 where some is needed, of all options of one expiry; shapes [n]. Derive v2-core `StandardManager.sol`.

    The better of the sum of isolated margins and of the worst payoff at 0 and at the strikes, where calls sold and not
    bought cost `unpaired` (initial, maintenance) times the forward on top.
    """
    rule = rule or Standard()
    side, strike, mark, amount = (np.asarray(x, float) for x in (side, strike, mark, amount))
    value, short = amount * mark, np.minimum(amount, 0.0)
    share = np.maximum(rule.initial - np.maximum(side * (strike - spot), 0.0) / spot, rule.least)
    flat = rule.maintenance * spot * short
    keep = value + np.where(side == CALL, flat, np.minimum(flat, rule.maintenance * value))
    ask = value + share * spot * short
    ask = np.where(side == CALL, ask, np.minimum(ask, 1.05 * keep))
    sold = amount < 0.0
    ends = np.concatenate(([0.0], strike))[:, None]
    worst = float((np.maximum(side * (ends - strike), 0.0) @ amount).min())
    naked = forward * min(float(amount[side == CALL].sum()), 0.0)
    alone = float(ask[sold].sum()), float(keep[sold].sum())
    return Requirement(*(max(one, worst + scale * naked) for one, scale in zip(alone, unpaired, strict=True)))


def volatility_shocks(
    seconds: ArrayLike,
    up: float = 0.45,
    down: float = 0.30,
    powers: tuple[float, float] = (0.30, 0.13),
    least: float = SECONDS_PER_DAY,
) -> tuple[Floats, Floats]:
    """What volatility is multiplied by in a shock up and in one down, `seconds` before expiry. Derive `PMRMLib.sol`.

    1 + up (30 days / max(T, least)) ** p and 1 - down (...), with `powers` p up to thirty days and beyond.
    """
    seconds = np.asarray(seconds, float)
    month = 30.0 * SECONDS_PER_DAY
    scale = (month / np.maximum(seconds, least)) ** np.where(seconds <= month, powers[0], powers[1])
    return np.asarray(1.0 + up * scale), np.asarray(np.maximum(0.0, 1.0 - down * scale))
