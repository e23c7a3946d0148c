"""Bad debt of a gap: a position opened at its margin and looked at again a while later is a put that somebody has written (A9).

Longs are opened on the machine with no more than the margin asked for; the index then moves by a normal return, a keeper liquidates
where it may, and what is short is counted. Returns are evenly spaced and weighed by the normal's density, to nine deviations: of
the smallest cells chance, or quantiles, would see nothing.

Who is short is one thing, who pays another: where winners stand on the other side of it, what losers lose, insurance pays and
winners are cut by is what winners had won, to the unit; and of that is paid what the losers had, over it, never more than all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from experiments.validation.base import Claim, exactly
from experiments.validation.bench import CASH, COIN, PRICE, exchange_for, market_for, only, open_world, tell
from protocol import errors, exchange
from protocol.ledger import Reason
from protocol.liquidations.full import Full
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.margins.cross import Cross
from protocol.units import SECONDS_PER_YEAR
from protocol.vault import Vault
from protocol.venues.oracle_pool import OraclePool

SUBJECT = "Bad debt of a gap, and who bears it"
HAIRCUT = "h = min(1, residual / sum of profits), README of percolator, S39"
SOURCE = "Black 1976: a put on the position, F = 1, K = 1 - margin"
TABLE = {
    (0.005, 1.5, 12.0): (0.0, 5e-4),
    (0.005, 1.5, 60.0): (0.052, 5e-4),
    (0.005, 1.5, 600.0): (8.32, 0.0),
    (0.005, 3.0, 12.0): (0.019, 5e-4),
    (0.005, 3.0, 60.0): (2.26, 0.0),
    (0.005, 3.0, 600.0): (30.8, 0.0),
    (0.01, 3.0, 12.0): (0.0, 5e-4),
    (0.01, 3.0, 60.0): (0.103, 0.0),
    (0.01, 3.0, 600.0): (16.6, 0.0),
    (0.02, 3.0, 12.0): (0.0, 5e-4),
    (0.02, 3.0, 60.0): (0.0, 5e-4),
    (0.02, 3.0, 600.0): (3.43, 0.0),
}  # margin, volatility a year, seconds until it is closed: basis points of notional, and half of the last digit where it shows
HAIRCUTS = (
    (150, (70, 50), 1.0),
    (50, (120, 60, 20), 0.25),
)  # a loser's stake, what each winner has won, the share that is paid
MANY = 10_000  # cash coins: the unit of HAIRCUTS
POINTS, FAR = 400, 9.0  # returns that are tried, and how many deviations the furthest is
SIZE = 100  # coins


def bad_debt(margin: float, volatility: float, seconds: float) -> float:
    """Basis points of notional."""
    rules = exchange_for(
        markets=(market_for(OraclePool(spread=0.0, skew_scale=1e15), fee=0.0),),
        vault=Vault(),
        margin=Cross(initial=margin, maintenance=0.5 * margin),
        liquidation=Full(reward=0.0, penalty=0.0),
        losses=(Insurance(), Socialise()),
        insurance=1e7,
    )
    stake = margin * SIZE * PRICE
    state, (trader, keeper, *_) = open_world(rules, stake=0)
    house, listing = only(state)
    exchange.deposit(state, house, trader, math.ceil(stake * CASH) + 1)
    exchange.trade(state, listing, trader, SIZE * COIN)
    deviation, lost = volatility * math.sqrt(seconds / SECONDS_PER_YEAR), 0.0
    points = np.linspace(-FAR, FAR, POINTS)
    weights = np.exp(-0.5 * points**2)
    for normal, weight in zip(points, weights / weights.sum(), strict=True):
        mark = state.mark()
        tell(state, PRICE * math.exp(deviation * normal - 0.5 * deviation**2))
        with suppress(errors.Healthy):
            lost += weight * exchange.liquidate(state, listing, keeper, trader).deficit
        state.rewind(mark)
    return float(1e4 * lost / CASH / (SIZE * PRICE))


class Settled(NamedTuple):
    """What a crash came to between one who lost and those who won; of each winner its own."""

    lost: float  # of what the loser had
    insured: float
    gained: tuple[float, ...]  # by what the winners sold and bought at
    paid: tuple[float, ...]  # what their claims grew by
    cut: float  # by what the ledger moved from whoever a loss was shared among

    @property
    def share(self) -> float:
        """What is paid of what was won."""
        return sum(self.paid) / sum(self.gained)


def settled(stake: int, profits: Sequence[int], insurance: float = 0.0) -> Settled:
    """A loser with a `stake` is long what winners are short, who win so much as the index falls by a tenth; all then close.

    Everything is in `MANY` cash coins, so that a unit of rounding is nothing beside it.
    """
    rules = exchange_for(
        markets=(market_for(OraclePool(spread=0.0, skew_scale=1e15), fee=0.0),),
        vault=Vault(),
        margin=Cross(initial=0.02, maintenance=0.01),
        liquidation=Full(reward=0.0, penalty=0.0),
        losses=(Insurance(), Socialise()),
        insurance=insurance * MANY,
    )
    state, (loser, keeper, *winners) = open_world(rules, traders=2 + len(profits), cash=1_000 * MANY, stake=0)
    house, listing = only(state)
    fall, unit = 0.1 * PRICE, MANY * CASH
    sizes = [round(profit * MANY / fall * COIN) for profit in profits]
    exchange.deposit(state, house, loser, stake * unit)
    for winner in winners:
        exchange.deposit(state, house, winner, 100 * unit)

    def claims_of() -> list[int]:
        return [int(state.ledger.balance[house.cash, winner]) for winner in winners]

    def fund() -> int:
        return int(state.ledger.balance[house.cash, house.insurance])

    before, insured, entry = claims_of(), fund(), state.ledger.count.item()
    exchange.trade(state, listing, loser, sum(sizes))
    sold = [-exchange.trade(state, listing, one, -size).owed for one, size in zip(winners, sizes, strict=True)]
    tell(state, PRICE - fall)
    try:
        exchange.liquidate(state, listing, keeper, loser)
    except errors.Healthy:
        exchange.trade(state, listing, loser, -sum(sizes))
    bought = [exchange.trade(state, listing, one, size).owed for one, size in zip(winners, sizes, strict=True)]
    written = state.ledger.journal[entry : state.ledger.count.item()]
    shared = written[(written[:, 0] == house.cash) & (written[:, 4] == Reason.LOSS_SOCIALISED)]
    return Settled(
        stake - int(state.ledger.balance[house.cash, loser]) / unit,
        (insured - fund()) / unit,
        tuple((high - low) / unit for high, low in zip(sold, bought, strict=True)),
        tuple((after - was) / unit for after, was in zip(claims_of(), before, strict=True)),
        float(shared[:, 3].sum()) / unit,
    )


def identity() -> float:
    """Losses, insurance and cuts over gains, less one: 50 of stake and 30 of insurance against 200."""
    found = settled(50, (120, 60, 20), 30.0)
    if not (found.insured and found.cut):
        raise ValueError("nobody was cut, or nothing was insured")
    return (found.lost + found.insured + found.cut) / sum(found.gained) - 1.0


def haircut(stake: int, profits: tuple[int, ...], share: float) -> Claim:
    """The claim about one crash."""
    return Claim(
        f"A9-haircut-{stake}-{sum(profits)}",
        f"share of winners' profits that is paid: {stake} of a loser's against {sum(profits)}",
        HAIRCUT,
        share,
        1e-9,
        lambda _: exactly(settled(stake, profits).share),
    )


def claims() -> tuple[Claim, ...]:
    """Puts within 5 %, or the last digit printed; what is settled to 1e-9."""
    return (
        *(
            Claim(
                f"A9-put-{100 * margin:g}-{100 * volatility:.0f}-{seconds:g}",
                f"bad debt, bp of notional: margin {100 * margin:g} %, volatility {100 * volatility:.0f} %, "
                f"closed after {seconds:g} s",
                SOURCE,
                value,
                0.05 * value + digit,
                lambda _, of=(margin, volatility, seconds): exactly(bad_debt(*of)),  # type: ignore[misc]
            )
            for (margin, volatility, seconds), (value, digit) in TABLE.items()
        ),
        *(haircut(*one) for one in HAIRCUTS),
        Claim(
            "A9-solvency",
            "losses of losers, insurance and cuts of winners over what winners gained, less one",
            "an identity: what is won is somebody's",
            0.0,
            1e-9,
            lambda _: exactly(identity()),
        ),
    )
