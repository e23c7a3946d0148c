"""The margin family: what an account is worth, what it needs, and how many markets it may hold.

One function, two thresholds: `terms` gives weights and rates over an exchange's claim rows for INITIAL or MAINTENANCE, and
everything else (the filling loop, keepers' scans, laws) reads those. Prices are each market's own oracle.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from protocol.appraisal import pledge_price, token_price
from protocol.hooks import fills
from protocol.instruments.base import INITIAL as INITIAL
from protocol.instruments.base import MAINTENANCE as MAINTENANCE
from protocol.instruments.base import Asked, Instrument
from protocol.instruments.base import Threshold as Threshold
from protocol.ledger import Floats, Ints
from protocol.lending import RAY, accrued
from protocol.oracles.base import read_index
from protocol.solvency import Terms, examine, examine_one, find_below, room_for
from protocol.state import House, Listing, State

MANY = 1 << 30


@cache
def _no_scenarios(rows: int) -> Floats:
    return np.empty((0, rows))


def is_steady(state: State, house: House) -> bool:
    """Whether no trade and no move changes what positions are marked at: no oracle is live, nothing lent, nothing pledged."""
    return state.settled(_is_steady, house.index)


def _is_steady(state: State, number: int) -> bool:
    if state.lenders[number] or state.pledges[number]:
        return False
    rules = [state.market(listing) for listing in state.listings[number]]
    abroad = [state.market(state.find(state.houses[number], one.index)) for one in rules if "." in one.index]
    return not any((one.oracle.live and not one.index) or one.venue.moves_marks for one in rules + abroad)


class _Frame(NamedTuple):
    """What terms are written into: cash counts as such, and the rest is as indices say."""

    terms: Terms
    markets: tuple[
        tuple[Listing, int, float, Instrument, bool], ...
    ]  # with row, scale, and whether a long and a short need alike
    owes: bool  # whether anything is lent or pledged
    asks: bool  # whether there are scenarios
    key: tuple[int, str, Threshold]  # what they are remembered under
    steady: bool  # see `is_steady`


def _frame(state: State, house: House, margin: Margin, which: Threshold) -> _Frame:
    first, markets = house.first, []
    sheet = np.zeros((4, house.last - first))
    rows = [house.cash, *(row for one in state.claims[house.index] for row in (one.quote, one.funding))]
    sheet[0, np.array(rows) - first] = 1.0 / house.cash_scale
    own = fills(margin, Margin, "needs")
    for listing in state.claims[house.index]:
        instrument = state.market(listing).instrument
        alike = not own and not fills(instrument, Instrument, "needs")
        markets.append((listing, listing.size - first, listing.size_scale, instrument, alike))
    weight, long, short, slope = sheet
    terms = Terms(first, weight, weight, long, short, slope, _no_scenarios(len(weight)), margin.most())
    owes = bool(state.lenders[house.index] or state.pledges[house.index])
    key, steady = (house.index, "terms", which), is_steady(state, house)
    return _Frame(terms, tuple(markets), owes, fills(margin, Margin, "grid"), key, steady)


def _frames(state: State, number: int) -> tuple[_Frame, _Frame]:
    """One for each threshold. What is remembered of it is written anew when it is out of date, and nobody keeps it that long."""
    house = state.houses[number]
    margin = state.exchange(house).margin
    return _frame(state, house, margin, INITIAL), _frame(state, house, margin, MAINTENANCE)


@dataclass(frozen=True)
class Margin(ABC):
    """A rule of solvency."""

    @abstractmethod
    def rate(self, state: State, listing: Listing, which: Threshold) -> tuple[float, float]:
        """(share of notional, further share per base coin of size) that a position in this market needs."""

    def most(self) -> int:
        """How many positions one account may hold."""
        return MANY

    def sources(self) -> tuple[str, ...]:
        """Names of the markets of the same exchange that it looks at; '' is the one it margins. Most look at none."""
        return ()

    def start(self, state: State, house: House) -> None:
        """Open its table at genesis. Most margins remember nothing."""
        return

    def observe(self, state: State, house: House) -> None:
        """Look at a block that has just been sealed. Most margins look at nothing."""
        return

    def terms(self, state: State, house: House, which: Threshold) -> Terms:
        """Weights and rates at the prices of now. Remembered until something changes that they hang on; not to be kept."""
        frame = state.settled(_frames, house.index)[which] if state.lasts else _frame(state, house, self, which)
        remember = state.marking if frame.steady else state.derived
        terms: Terms = remember(frame.key, self._write, state, house, which, frame)
        return terms

    def _terms(self, state: State, house: House, which: Threshold) -> Terms:
        """The same, to be kept."""
        return self._write(state, house, which, _frame(state, house, self, which))

    def grid(self, state: State, house: House, which: Threshold) -> Floats:
        """Gain in each scenario of one unit of each claim row, cash coins [scenarios, rows]. Most margins ask no scenarios."""
        return _no_scenarios(house.last - house.first)

    def needs(
        self, state: State, listing: Listing, which: Threshold, price: float, index: float, factor: float = 1.0
    ) -> tuple[float, float]:
        """Cash coins that one base coin long and one short need: the instrument's own rule, unless this one knows better.

        `factor` is what a margin around this one multiplies requirements by.
        """
        share, _ = self.rate(state, listing, which)
        asked = Asked(which, share * factor, factor)
        return state.market(listing).instrument.needs(state, listing, price, index, asked)

    def _write(self, state: State, house: House, which: Threshold, frame: _Frame) -> Terms:
        """Terms at the prices of now, in the frame's arrays where they are its own."""
        terms, markets, owes, asks, _, _ = frame
        _, weight, _, long, short, slope, _, _ = terms
        for listing, row, scale, instrument, alike in markets:
            index = read_index(state, listing).value
            price = instrument.price(state, listing, index)
            weight[row] = instrument.weight(state, listing, price)
            share, further = self.rate(state, listing, which)
            if alike:
                long[row] = short[row] = share * price / scale
            else:
                needs = self.needs(state, listing, which, price, index)
                long[row], short[row] = needs[0] / scale, needs[1] / scale
            slope[row] = further * price / (scale * scale)
        if owes:
            terms = terms._replace(full=self._weigh_loans(state, house, which, weight))
        if asks:
            terms = terms._replace(grid=self.grid(state, house, which))
        return terms

    def _weigh_loans(self, state: State, house: House, which: Threshold, weight: Floats) -> Floats:
        """What is pledged counts at its index less the haircut, what is owed to a loan pool in full. Returns all in full."""
        for lender in state.lenders[house.index]:
            price = token_price(state, house, lender.token).value
            weight[lender.debt - house.first] = price * (accrued(state, lender).index / RAY) / lender.scale
        if not state.pledges[house.index]:
            return weight
        full = weight.copy()
        for pledge, rule in zip(state.pledges[house.index], state.exchange(house).collateral, strict=True):
            haircut = rule.initial if which == Threshold.INITIAL else rule.maintenance
            price, row = pledge_price(state, pledge).value, pledge.claim - house.first
            weight[row], full[row] = price * (1.0 - haircut) / pledge.scale, price / pledge.scale
        return full

    def standing(self, state: State, house: House, which: Threshold, account: int) -> tuple[float, float]:
        """(equity, requirement) of one account, cash coins."""
        return examine_one(state.ledger.bare, tuple(self.terms(state, house, which)), account)

    def inner_standing(self, state: State, house: House, which: Threshold, account: int) -> tuple[float, float] | None:
        """The same under the margin that this one is built around, if it is built around any."""
        return None

    def standings(self, state: State, house: House, which: Threshold) -> tuple[Floats, Floats]:
        """(equity, requirement) of every account, cash coins. Shapes [accounts]."""
        worth, needs = np.empty(state.ledger.accounts), np.empty(state.ledger.accounts)
        examine(state.ledger.bare, tuple(self.terms(state, house, which)), worth, needs)
        return worth, needs

    def below(self, state: State, house: House, which: Threshold) -> tuple[Ints, Floats]:
        """Players' accounts worth less than they need, and what each needs, cash coins. Shapes [found]."""
        ledger, terms, most = state.ledger, self.terms(state, house, which), state.ledger.accounts
        found, needs, room = state.settled(_search, most)
        if len(terms.grid):
            room = room_for(terms.grid, most)
        count = find_below(ledger.bare, tuple(terms), *room, ledger.exchange, found, needs)
        return (found[:count].copy(), needs[:count].copy()) if count else _NOBODY


_NOBODY: tuple[Ints, Floats] = np.empty(0, np.int64), np.empty(0)


def _search(_: State, accounts: int) -> tuple[Ints, Floats, tuple[Ints, Floats, Floats]]:
    """Where whoever is below is put, and what they are looked for in while no scenarios are asked."""
    return np.empty(accounts, np.int64), np.empty(accounts), room_for(_no_scenarios(0), accounts)
