"""Every price that an account is valued at, with what moved it: marks of markets, worth of tokens, and of shares.

A share is worth what its vault or pool has. What forced closures did to that is theirs (a loss passed on, a debt written off);
what the index did to a vault's positions is split as the index is; the rest, what it earned or lost by trading above all, is
put down to the share itself (`Revalued`).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from experiments.cascades.causes import Revalued
from experiments.cascades.marks import FAINT, NATURE, Mark, Parts
from protocol.appraisal import pledge_price, token_price, vault_total
from protocol.issuing import index_now
from protocol.lending import RAY, accrued
from protocol.oracles.base import Oracle, read_index, read_mark
from protocol.state import House, Issue, Lender, Listing, Pledgeable, State

if TYPE_CHECKING:
    from agents.game import Game


class Quote(NamedTuple):
    """A market at a moment."""

    parts: Parts  # log index by cause
    price: float  # mark, cash coins per base coin
    funding: float  # funding index, cash coins per base coin


class Page(NamedTuple):
    """All prices at a moment, as exchanges count them."""

    quotes: dict[Listing, Quote]
    pledged: dict[Pledgeable, tuple[float, float]]  # cash coins per coin, and the share of it that counts
    tokens: dict[tuple[int, int], float]  # by exchange and token row, of what is lent or minted: cash coins per coin
    grown: dict[str, float]  # by path of loan pool or issue: coins owed for one scaled coin
    shares: dict[int, Parts]  # by token row, log worth by cause
    levels: dict[int, float]  # by token row, log worth to its issuer
    vaults: dict[Listing, float]  # base coins that the vaults of issuers hold


class Prices:
    """The marks of a game's markets and shares, and a page for every block."""

    def __init__(self, game: Game) -> None:
        state = self._state = game.state
        self.game = game
        self.lenders: list[Lender] = [one for row in state.lenders for one in row]
        self.issues: list[Issue] = [one for row in state.issues for one in row]
        self.pledges: list[Pledgeable] = [one for row in state.pledges for one in row]
        self.positions = [listing for listing in state.markets if listing.size >= 0]
        counted = [(one.house, one.token) for one in self.lenders]
        counted += [(one.listing.house, row) for one in self.issues for row in (one.token, one.listing.base)]
        self._counted = {(house.index, row): house for house, row in counted}
        needed = [*counted, *((one.house, one.token) for one in self.pledges)]
        pricing = {listing for house, row in needed if (listing := self.pricing(state, house, row)) is not None}
        self.listings = [*self.positions, *(m for m in state.markets if m in pricing and m.size < 0)]
        self._source = {listing: self._followed(state, listing) for listing in self.listings}
        self.marks = {
            listing: Mark(
                self._fair(state, listing),
                self._mid(state, listing),
                read_index(state, listing).value,
                follows=bool(self._oracle(state, listing).sources()),
                window=self._oracle(state, listing).remembers(),
                time=state.time,
            )
            for listing in self.listings
        }
        self._live = {listing: self._oracle(state, listing).live for listing in self.listings}
        self.live = any(self._live.values())
        self.issuers = {
            row: issuer
            for house, row in needed
            if row != house.token
            and self.pricing(state, house, row) is None
            and (issuer := _issuer(state, row)) is not None
        }
        levels = self._levels(state)
        self.shares: dict[int, Parts] = {
            row: {self._itself(row): levels.get(row, 0.0)} for row in self.issuers
        }  # by token row, log worth by cause
        self.history: list[Page] = []
        self.times: list[float] = []

    # ------------------------------------------------------------------ looking

    def now(self, state: State) -> Page:
        """Prices now. Parts are those of the marks themselves: copy to keep."""
        return Page(
            {listing: self._quote(state, listing) for listing in self.listings},
            {one: self._pledge(state, one) for one in self.pledges},
            {key: token_price(state, house, key[1]).value for key, house in self._counted.items()},
            {one.path: accrued(state, one).index / RAY for one in self.lenders}
            | {one.path: index_now(state, one) / RAY for one in self.issues},
            self.shares,
            self._levels(state),
            {
                m: float(state.ledger.balance[m.size, house.vault]) / m.size_scale
                for house in dict.fromkeys(self.issuers.values())
                if house.vault >= 0
                for m in state.claims[house.index]
            },
        )

    def _quote(self, state: State, listing: Listing) -> Quote:
        funding = float(state.tables[listing.funding_at][0]) if listing.size >= 0 else 0.0
        return Quote(self.marks[listing].of_index, read_mark(state, listing).value, funding)

    def _pledge(self, state: State, pledge: Pledgeable) -> tuple[float, float]:
        rule = state.exchange(pledge.house).collateral[pledge.index]
        return pledge_price(state, pledge).value, 1.0 - rule.maintenance

    def _levels(self, state: State) -> dict[int, float]:
        """Log worth of shares; of those that are worth nothing none."""
        worth = {row: token_price(state, house, row).value for row, house in self.issuers.items()}
        return {row: math.log(value) for row, value in worth.items() if value > 0}

    def _oracle(self, state: State, listing: Listing) -> Oracle:
        return state.market(self._owner(state, listing)).oracle

    def _owner(self, state: State, listing: Listing) -> Listing:
        """The market whose oracle marks this one."""
        name = state.market(listing).index
        return state.find(listing.house, name) if name else listing

    def _followed(self, state: State, listing: Listing) -> Listing:
        """The market whose mid its index follows; itself where it follows none."""
        owner = self._owner(state, listing)
        names = self._oracle(state, listing).sources()
        return state.find(owner.house, names[0]) if names and names[0] else owner

    def _mid(self, state: State, listing: Listing) -> float:
        source = self._source[listing]
        mid = state.market(source).venue.mid(state, source)
        return mid if 0.0 < mid < math.inf else math.exp(self.marks[listing].mid)

    def _fair(self, state: State, listing: Listing) -> float:
        return self.game.fair_now(state.market(listing).instrument.base)

    # ------------------------------------------------------------------ what moves them

    def nature(self, state: State) -> None:
        """Time has passed: fair has moved, and indices have followed what stood."""
        for listing, mark in self.marks.items():
            mark.nature(self._fair(state, listing))
        self.observe(state)

    def trade(self, state: State, cause: Hashable, *, arbitrage: bool) -> None:
        """A deed that closes nothing by force has been done."""
        for listing, mark in self.marks.items():
            mid = self._mid(state, listing)
            if arbitrage:
                mark.arbitrage(mid, cause)
            else:
                mark.trade(mid, cause)

    def forced(self, state: State, before: Page, weights: Mapping[Hashable, tuple[float, Listing | None]]) -> None:
        """A deed that closes by force has been done: its moves go to its closures, by notional; a mid's to those sold there."""
        for listing, mark in self.marks.items():
            here = {
                one: cash for one, (cash, at) in weights.items() if at and self._source[at] == self._source[listing]
            }
            mark.split(self._mid(state, listing), here or {one: cash for one, (cash, _) in weights.items()})
        total = math.fsum(cash for cash, _ in weights.values())
        for row, level in self._levels(state).items():
            moved = level - before.levels.get(row, level)
            for one, (cash, _) in weights.items():
                part = cash / total if total > 0 else 1.0 / len(weights)
                self.shares[row][one] = self.shares[row].get(one, 0.0) + moved * part

    def observe(self, state: State) -> None:
        """Indices are read."""
        for listing, mark in self.marks.items():
            mark.observe(read_index(state, listing).value, state.time, live=self._live[listing])

    def close(self, state: State) -> None:
        """A block is closed: indices are read, shares are valued, a page is kept, and mids stand."""
        self.observe(state)
        for mark in self.marks.values():
            mark.stand(state.time)
        now = self.now(state)
        if self.history:
            for row, level in now.levels.items():
                self._revalue(state, row, level, self.history[-1], now)
        self.times.append(state.time)
        self.history.append(kept(now))

    def _revalue(self, state: State, row: int, level: float, then: Page, now: Page) -> None:
        """Split what the block did to a share's worth, beyond what closures did: by what moved the marks of what it stands on."""
        parts = self.shares[row]
        gains, total = self._behind(state, row, then, now)
        gained = math.fsum(gains.values())
        if gained and 0.0 < total - gained < math.inf and total > 0.0:
            each = math.log(total / (total - gained)) / gained
            for listing, gain in gains.items():
                for cause, part in shares_of(then.quotes[listing].parts, now.quotes[listing].parts).items():
                    parts[cause] = parts.get(cause, 0.0) + gain * each * part
        itself = self._itself(row)
        for faint in [one for one, part in parts.items() if abs(part) < FAINT and one != itself]:
            del parts[faint]
        parts[itself] = level - math.fsum(part for one, part in parts.items() if one != itself)

    def _behind(self, state: State, row: int, then: Page, now: Page) -> tuple[dict[Listing, float], float]:
        """What marks have added to what stands behind a share since `then`, and all that does; cash coins, of a pool by coin.

        Of a vault: to the positions it held then, since an index moves between the deeds of two blocks.
        """
        house = self.issuers[row]
        for lender in state.lenders[house.index]:
            if lender.share == row:
                listing, key = self.pricing(state, house, lender.token), (house.index, lender.token)
                gains = {} if listing is None else {listing: now.tokens[key] - then.tokens[key]}
                return gains, now.tokens[key]
        gains = {
            m: coins * (now.quotes[m].price - then.quotes[m].price)
            for m, coins in then.vaults.items()
            if coins and m.house == house
        }
        return gains, vault_total(state, house) / house.cash_scale

    # ------------------------------------------------------------------ what moved them

    def pricing(self, state: State, house: House, row: int) -> Listing | None:
        """The market whose index a token counts at: of the exchange itself, or of whoever issues it as a synthetic."""
        here = next((m for m in state.listings[house.index] if m.base == row), None)
        return here or next((one.listing for one in self.issues if one.listing.base == row), None)

    def causes(self, house: House, row: int, then: Page, now: Page) -> dict[Hashable, float]:
        """Each cause's share of a change of what a token counts for on an exchange."""
        listing = self.pricing(self._state, house, row)
        if listing is not None:
            return shares_of(then.quotes[listing].parts, now.quotes[listing].parts)
        if row not in self.issuers or row not in now.levels:
            return {self._itself(row): 1.0}
        if self.issuers[row] != house:  # counted as it was when the last block was sealed
            return shares_of(then.shares[row], self.history[-1].shares[row], self._itself(row))
        parts, itself = dict(now.shares[row]), self._itself(row)
        parts[itself] = parts.get(itself, 0.0) + now.levels[row] - math.fsum(parts.values())
        return shares_of(then.shares[row], parts, itself)

    def _itself(self, row: int) -> Revalued:
        return Revalued(self._state.ledger.assets[row].name)


def kept(page: Page) -> Page:
    """A copy whose parts no later deed moves."""
    quotes = {listing: quote._replace(parts=dict(quote.parts)) for listing, quote in page.quotes.items()}
    return page._replace(quotes=quotes, shares={row: dict(parts) for row, parts in page.shares.items()})


def _issuer(state: State, row: int) -> House | None:
    """The exchange whose vault or loan pool a token is a share of."""
    for house in state.houses:
        if row == house.share or any(lender.share == row for lender in state.lenders[house.index]):
            return house
    return None


def shares_of(old: Parts, new: Parts, otherwise: Hashable = NATURE) -> dict[Hashable, float]:
    """Each cause's share of a change of log price; all of it nature's, or `otherwise`, where there is hardly any."""
    change = {cause: new.get(cause, 0.0) - old.get(cause, 0.0) for cause in {**old, **new}}
    total = math.fsum(change.values())
    if abs(total) < 1e-12:
        return {otherwise: 1.0}
    return {cause: part / total for cause, part in change.items() if part}
