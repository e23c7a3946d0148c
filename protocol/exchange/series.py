"""Options by what they are rather than by the name of their market, and the surface that marks them."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from protocol import surface
from protocol.errors import NotAllowed, NothingToDo, UnlistedSeries, VolatilityRefused
from protocol.instruments.option import Option
from protocol.state import House, Listing, State


class Series(NamedTuple):
    """What an option is."""

    base: str
    right: Literal["call", "put"]
    strike: float  # cash coins
    expiry: float  # seconds


def find_series(state: State, house: House, series: Series) -> Listing:
    """The market that trades it. Raises UnlistedSeries."""
    for listing in state.listings[house.index]:
        instrument = state.market(listing).instrument
        if isinstance(instrument, Option):
            listed = Series(instrument.base, instrument.right, instrument.strike, instrument.expiry)
            if listed == series:
                return listing
    raise UnlistedSeries(exchange=house.name, **series._asdict())


def post_surface(
    state: State, house: House, account: int, base: str, volatilities: tuple[tuple[float, ...], ...]
) -> None:
    """Replace a surface. Raises NothingToDo where there is none, NotAllowed, VolatilityRefused."""
    if base not in [known.base for known in state.exchange(house).surfaces]:
        raise NothingToDo(surface=base)
    if surface.keeper(state, house, base) != account:
        raise NotAllowed(account=account, surface=base)
    if len({len(row) for row in volatilities}) != 1:
        raise VolatilityRefused(surface=base, rows=len(volatilities))

    surface.put(state, house, base, np.array(volatilities, np.float64))
