"""Names for rows and accounts: what a script and a reading call "ETH", "attacker" or "ETH-USD", found in a state.

Amounts are coins outside and whole units in the ledger, rounded down on the way in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from protocol.appraisal import token_price, vault_total
from protocol.ledger import WORLD, Ints
from protocol.lending import accrued, owed
from protocol.margins.base import Threshold
from protocol.oracles.base import Reading, read_index, read_mark
from protocol.state import House, Lender, Listing, Pledgeable, State


class Books:
    """A state, read by names. `memories`: what the players of the game remember, by label."""

    def __init__(self, state: State, memories: Mapping[str, Mapping[str, Any]]) -> None:
        self.state = state
        self._memories = memories

    def of(self, state: State) -> Books:
        """The same names in another state."""
        return Books(state, self._memories)

    # ------------------------------------------------------------------ places

    def house(self, exchange: str = "") -> House:
        """An exchange; the first for ""."""
        return next(house for house in self.state.houses if exchange in ("", house.name))

    def listing(self, market: str = "", exchange: str = "") -> Listing:
        """A market; the first of its exchange for ""."""
        places = self.state.listings[self.house(exchange).index]
        return next(listing for listing in places if market in ("", listing.name))

    def lender(self, asset: str, exchange: str = "") -> Lender:
        """A loan pool, by what it lends."""
        return next(lender for lender in self.state.lenders[self.house(exchange).index] if lender.name == asset)

    def seat(self, token: str, exchange: str = "") -> Pledgeable:
        """A collateral, by its token."""
        return next(seat for seat in self.state.pledges[self.house(exchange).index] if seat.name == token)

    def row(self, token: str) -> int:
        """A token's row of the ledger."""
        return int(self.state.ledger.row[token])

    def scale(self, token: str) -> int:
        """Units per coin of a token."""
        return int(10 ** self.state.ledger.assets[self.row(token)].decimals)

    def units(self, token: str, coins: float) -> int:
        """Whole units of a token for so many coins, rounded down."""
        return int(coins * self.scale(token))

    def account(self, purse: str) -> int:
        """The account of a script's purse, as in "attacker.a"; of a player by label."""
        label, _, name = purse.partition(".")
        script = self._memories.get(label, self._memories.get(f"{label}.0", {}))
        found: int = script["purses"][name]
        return found

    def _of(self, group: str) -> Ints:
        return self.state.ledger.of_group([group])

    # ------------------------------------------------------------------ amounts, in coins

    def coins(self, token: str, group: str) -> float:
        """Coins of a token in the wallets of a group, all its accounts together."""
        ledger = self.state.ledger
        return float(ledger.balance[self.row(token), self._of(group)].sum()) / self.scale(token)

    def pledged(self, token: str, group: str, exchange: str = "") -> float:
        """Coins of a token that a group has put up."""
        seat = self.seat(token, exchange)
        return float(self.state.ledger.balance[seat.claim, self._of(group)].sum()) / seat.scale

    def equity(self, purse: str, exchange: str = "") -> float:
        """What a purse is worth to the exchange where it has positions, cash coins."""
        house = self.house(exchange)
        margin = self.state.exchange(house).margin
        return float(margin.standing(self.state, house, Threshold.MAINTENANCE, self.account(purse))[0])

    def held(self, group: str, market: str = "", exchange: str = "") -> float:
        """Base coins that a group holds net, signed."""
        listing = self.listing(market, exchange)
        return float(self.state.ledger.balance[listing.size, self._of(group)].sum()) / listing.size_scale

    def profit(self, group: str, market: str = "", exchange: str = "") -> float:
        """What the best of a group's positions is worth at the mark beyond its cost, funding apart, cash coins: so far on paper."""
        listing, balance, accounts = self.listing(market, exchange), self.state.ledger.balance, self._of(group)
        mark = read_mark(self.state, listing).value
        worth = balance[listing.size, accounts] / listing.size_scale * mark
        return float(np.max(worth + balance[listing.quote, accounts] / listing.house.cash_scale))

    def vault(self, exchange: str = "") -> float:
        """Equity of the vault at the index, cash coins."""
        house = self.house(exchange)
        return vault_total(self.state, house) / house.cash_scale

    def debt(self, group: str, asset: str, exchange: str = "") -> float:
        """What a group owes a loan pool, coins of the asset."""
        lender = self.lender(asset, exchange)
        return sum(owed(self.state, lender, account) for account in self._of(group).tolist()) / lender.scale

    def lendable(self, asset: str, exchange: str = "") -> float:
        """What a loan pool has left to lend, coins."""
        lender = self.lender(asset, exchange)
        return float(accrued(self.state, lender).tokens) / lender.scale

    def assets(self, asset: str, exchange: str = "") -> float:
        """What stands behind a loan pool's shares, coins: what is left of it, and what is owed to it."""
        lender = self.lender(asset, exchange)
        return float(accrued(self.state, lender).assets) / lender.scale

    def till(self, exchange: str = "") -> float:
        """Cash coins in custody."""
        house = self.house(exchange)
        return float(self.state.ledger.balance[house.token, house.custody]) / house.cash_scale

    def index(self, market: str = "", exchange: str = "") -> Reading:
        """What the oracle says, cash coins per base coin."""
        return read_index(self.state, self.listing(market, exchange))

    def worth(self, token: str, exchange: str = "") -> float:
        """What an exchange counts a coin of a token as, cash coins, before haircuts."""
        return token_price(self.state, self.house(exchange), self.row(token)).value

    def mid(self, market: str = "", exchange: str = "") -> float:
        """Where the venue stands, cash coins per base coin."""
        listing = self.listing(market, exchange)
        return self.state.market(listing).venue.mid(self.state, listing)

    def reserve(self, exchange: str = "", market: str = "") -> float:
        """Cash coins in a pool."""
        listing = self.listing(market, exchange)
        return float(self.state.ledger.balance[listing.house.token, listing.desk]) / listing.house.cash_scale

    def supply(self, token: str) -> float:
        """Coins of a token that are out."""
        return -float(self.state.ledger.balance[self.row(token), WORLD]) / self.scale(token)

    def coins_for(self, market: str, cash: float, exchange: str = "") -> float:
        """The most base coins that so much cash buys; of negative cash, the fewest that must be sold to get it (negative)."""
        listing = self.listing(market, exchange)
        venue, budget = self.state.market(listing).venue, cash * listing.house.cash_scale

        def fits(units: int) -> bool:
            owed = float(venue.cost(self.state, listing, np.array([units]))[0])
            return owed <= budget  # nan where the venue can't fill it, and then it does not fit

        if cash >= 0:
            low, high = 0, 1
            while fits(high) and high < 1 << 60:
                low, high = high, 2 * high
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if fits(middle) else (low, middle)
            return low / listing.size_scale
        enough = 1
        while not fits(-enough) and enough < 1 << 60:
            enough *= 2
        short = enough // 2
        while enough - short > 1:
            middle = (short + enough) // 2
            short, enough = (short, middle) if fits(-middle) else (middle, enough)
        return -enough / listing.size_scale
