"""Why: a witness that sees every deed of a run, and explains each liquidation when it happens.

What an account has above what it needs (equity less maintenance) has fallen below zero by some amount since it was last healthy,
and by more since it entered. The fall is split, to the last coin, into what each cause did to the index that marks it, funding,
fees, losses it was made to share, changed parameters, and its own trades, which are what remains. Causes that are liquidations are
its parents, with fractional shares of the fall.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agents.attacks.base import Attack
from agents.roles.arbitrageur import Arbitrageur
from agents.roles.basis import BasisTrader
from experiments.cascades.marks import NATURE, Mark, Parts
from protocol.appraisal import pledge_price
from protocol.exchange import Liquidated
from protocol.exchange.fills import flat
from protocol.ledger import Floats, Reason
from protocol.margins.base import Threshold
from protocol.oracles.base import read_index, read_mark
from protocol.state import House, Listing, Pledgeable, State

if TYPE_CHECKING:
    from agents.game import Game

FUNDING, FEES, SHARED, PARAMETERS, OWN = "funding", "fees", "shared losses", "parameters changed", "own trades"
LEDGER = {  # which moves of cash are which cause; funding is counted as it accrues, not as it is paid
    Reason.FEE: FEES,
    Reason.PENALTY: FEES,
    Reason.LOSS_SOCIALISED: SHARED,
    Reason.LOSS_VAULT: SHARED,
}
KINDS = (FEES, SHARED)
ARBITRAGE = (Arbitrageur, BasisTrader)


class Forced(NamedTuple):
    """A liquidation as a cause: its number among those of the run."""

    number: int


class Traded(NamedTuple):
    """Trades of a group as a cause; of an attacker's."""

    group: str
    attacker: bool = False


@dataclass(frozen=True)
class Why:
    """One liquidation explained. Cash in coins, times in seconds.

    `since_healthy` and `since_entry`: how much each cause changed equity less maintenance, negative where it took away. They sum to
    `fall`, the whole change since the account was last healthy; and to the change since entry.
    """

    number: int
    time: float
    account: int
    group: str
    market: str
    size: float  # base coins traded for the account, signed
    notional: float
    deficit: float
    healthy: float  # seconds, when it was last healthy
    entry: float  # seconds, when the position was opened
    fall: float
    since_healthy: dict[Hashable, float] = field(default_factory=dict)
    since_entry: dict[Hashable, float] = field(default_factory=dict)

    def parents(self) -> dict[int, float]:
        """Shares of the fall that liquidations before it brought about: by their numbers, each 0 to 1, together at most 1."""
        down = {cause: -cash for cause, cash in self.since_healthy.items() if cash < 0}
        total = math.fsum(down.values())
        return (
            {cause.number: cash / total for cause, cash in down.items() if isinstance(cause, Forced)}
            if total > 0
            else {}
        )


class Base(NamedTuple):
    """What accounts are compared with later: how they stood when a block ended. Shapes [accounts], `cash` [kind, accounts]."""

    block: Any  # place in the history
    excess: Floats  # equity less maintenance, cash coins
    cash: Floats  # running sums by kind
    rate: Floats  # requirement per coin of notional


class Revalued(NamedTuple):
    """What a pledged token is worth, as a cause, where no market here makes its price: another exchange's share, say."""

    token: str


class Moment(NamedTuple):
    """How an account stood just before it was liquidated."""

    excess: float
    rate: float
    held: dict[Listing, float]  # base coins
    pledged: dict[Pledgeable, float]  # coins
    cash: Floats  # [kind]


class Seen(NamedTuple):
    """What is remembered from before a deed: where the journal stood, and how those below maintenance did."""

    mark: int
    below: dict[int, Moment]


class Page(NamedTuple):
    """A market at the end of a block."""

    parts: Parts  # log index by cause
    price: float  # mark, cash coins per base coin
    funding: float  # funding index, cash coins per base coin


class Tracer:
    """A witness (`chain.Witness`). Give it to `build`, then `seat` it in the game before the first block."""

    def __init__(self) -> None:
        self.why: list[Why] = []

    def seat(self, game: Game) -> None:
        """Look at the game as it stands before its first block."""
        self.game = game
        state = game.state
        labels = {player.account: player.role for player in game.players}
        self.arbitrage = {account for account, role in labels.items() if isinstance(role, ARBITRAGE)}
        self.attackers = {account for account, role in labels.items() if isinstance(role, Attack)}
        self.marked = [listing for listing in state.markets if listing.size >= 0]
        self.source = {listing: self._source(state, listing) for listing in self.marked}
        self.marks = {
            listing: Mark(
                self._fair(state, listing),
                self._mid(state, listing),
                read_index(state, listing).value,
                follows=bool(state.market(self._owner(state, listing)).oracle.sources()),
            )
            for listing in self.marked
        }
        self.live = any(state.market(self._owner(state, listing)).oracle.live for listing in self.marked)
        self.history: list[dict[Listing, Page]] = []
        self.worths: list[dict[Pledgeable, float]] = []  # of each collateral by block, cash coins per coin
        self.times: list[float] = []
        self._cash = np.zeros((len(KINDS), state.ledger.accounts))
        self._settled = state.time
        self._keep(state)
        self._healthy = self._base(state)
        self._entry = self._base(state)
        self._signs = {listing: np.sign(state.ledger.balance[listing.size]) for listing in self.marked}

    # ------------------------------------------------------------------ a witness

    def before(self, state: State) -> Seen:
        """How those stand who may be liquidated now. With a new block, fair has moved."""
        if state.time != self._settled:
            self._settled = state.time
            for listing, mark in self.marks.items():
                mark.nature(self._fair(state, listing))
        return Seen(
            state.ledger.mark(), {a: self._moment(state, h, a) for h in state.houses for a in self._below(state, h)}
        )

    def after(self, state: State, seen: Seen, verb: str, account: int, reverted: bool, outcome: Any) -> None:
        """Attribute what the deed moved; explain it where it was a liquidation; look at the whole when the block is closed."""
        if reverted:
            return
        found = [one for one in flat(outcome) if isinstance(one, Liquidated) and one.account in seen.below]
        for one in found:
            self.why.append(self._explain(state, one, seen.below[one.account]))
        cause: Hashable = (
            Forced(self.why[-1].number) if found else Traded(self._group(state, account), account in self.attackers)
        )
        self._count_cash(state, seen.mark)
        for listing, mark in self.marks.items():
            mid = self._mid(state, listing)
            if not found and account in self.arbitrage:
                mark.arbitrage(mid, cause)
            else:
                mark.trade(mid, cause)
        if account < 0:
            self._close(state)
        elif self.live:
            for listing, mark in self.marks.items():
                mark.observe(read_index(state, listing).value)

    # ------------------------------------------------------------------ looking

    def _owner(self, state: State, listing: Listing) -> Listing:
        """The market whose oracle marks this one."""
        name = state.market(listing).index
        return state.find(listing.house, name) if name else listing

    def _source(self, state: State, listing: Listing) -> Listing:
        """The market whose mid its index follows; itself where it follows none."""
        owner = self._owner(state, listing)
        names = state.market(owner).oracle.sources()
        return state.find(owner.house, names[0]) if names and names[0] else owner

    def _mid(self, state: State, listing: Listing) -> float:
        source = self.source[listing]
        mid = state.market(source).venue.mid(state, source)
        return mid if 0.0 < mid < math.inf else math.exp(self.marks[listing].mid)

    def _fair(self, state: State, listing: Listing) -> float:
        return self.game.fair_now(state.market(listing).instrument.base)

    def _group(self, state: State, account: int) -> str:
        return state.ledger.groups[int(state.ledger.group[account])] if account >= 0 else "chain"

    def _count_cash(self, state: State, seen: int) -> None:
        """Add up what moved in cash for causes that are nobody's own doing."""
        ledger = state.ledger
        if ledger.accounts > self._cash.shape[1]:
            self._cash = np.pad(self._cash, ((0, 0), (0, ledger.accounts - self._cash.shape[1])))
        moves = ledger.moves_since(seen)
        for house in state.houses:
            for reason, kind in LEDGER.items():
                rows = moves[(moves[:, 0] == house.cash) & (moves[:, 4] == int(reason))]
                if len(rows):
                    place = KINDS.index(kind)
                    np.subtract.at(self._cash[place], rows[:, 1], rows[:, 3] / house.cash_scale)
                    np.add.at(self._cash[place], rows[:, 2], rows[:, 3] / house.cash_scale)

    def _close(self, state: State) -> None:
        """The block is closed: indices are read, and whoever is healthy now is compared with this block from here on."""
        for listing, mark in self.marks.items():
            mark.observe(read_index(state, listing).value)
        self._keep(state)
        now = self._base(state)
        self._healthy, self._entry = (_grown(one, now) for one in (self._healthy, self._entry))
        _renew(self._healthy, now, now.excess >= 0.0)
        for listing in self.marked:
            sign = np.sign(state.ledger.balance[listing.size])
            old = np.pad(self._signs[listing], (0, len(sign) - len(self._signs[listing])))
            _renew(self._entry, now, (sign != old) | (sign == 0))
            self._signs[listing] = sign

    def _keep(self, state: State) -> None:
        self.times.append(state.time)
        self.history.append({listing: self._page(state, listing) for listing in self.marked})
        self.worths.append({seat: pledge_price(state, seat).value for seats in state.pledges for seat in seats})

    def _page(self, state: State, listing: Listing) -> Page:
        funding = float(state.tables[listing.path + ".funding"][0])
        return Page(dict(self.marks[listing].of_index), read_mark(state, listing).value, funding)

    def _below(self, state: State, house: House) -> list[int]:
        found, _ = state.exchange(house).margin.below(state, house, Threshold.MAINTENANCE)
        accounts: list[int] = found.tolist()
        return accounts

    def _moment(self, state: State, house: House, account: int) -> Moment:
        worth, needs = state.exchange(house).margin.standing(state, house, Threshold.MAINTENANCE, account)
        balance = state.ledger.balance
        held = {m: float(balance[m.size, account]) / m.size_scale for m in self.marked if m.house == house}
        pledged = {
            seat: float(balance[seat.claim, account]) / seat.scale
            for seat in state.pledges[house.index]
            if balance[seat.claim, account]
        }
        notional = math.fsum(abs(coins) * read_mark(state, m).value for m, coins in held.items())
        cash = self._cash[:, account] if account < self._cash.shape[1] else np.zeros(len(KINDS))
        return Moment(worth - needs, needs / notional if notional > 0 else 0.0, held, pledged, cash.copy())

    def _base(self, state: State) -> Base:
        accounts = state.ledger.accounts
        excess, needed, notional = np.zeros((3, accounts))
        for house in state.houses:
            worth, needs = state.exchange(house).margin.standings(state, house, Threshold.MAINTENANCE)
            excess += worth - needs
            needed += needs
            for listing in state.claims[house.index]:
                notional += np.abs(state.ledger.balance[listing.size]) * (
                    read_mark(state, listing).value / listing.size_scale
                )
        rate = np.divide(needed, notional, out=np.zeros(accounts), where=notional > 0)
        cash = np.pad(self._cash, ((0, 0), (0, accounts - self._cash.shape[1])))
        return Base(np.full(accounts, len(self.history) - 1), excess, cash.copy(), rate)

    # ------------------------------------------------------------------ explaining

    def _explain(self, state: State, one: Liquidated, then: Moment) -> Why:
        listing, account = one.listing, one.account
        healthy, entry = (self._split(state, _of(base, account), then) for base in (self._healthy, self._entry))
        return Why(
            number=len(self.why),
            time=state.time,
            account=account,
            group=self._group(state, account),
            market=listing.path,
            size=one.size / listing.size_scale,
            notional=one.notional / listing.house.cash_scale,
            deficit=one.deficit / listing.house.cash_scale,
            healthy=self.times[int(_of(self._healthy, account).block)],
            entry=self.times[int(_of(self._entry, account).block)],
            fall=math.fsum(healthy.values()),
            since_healthy=healthy,
            since_entry=entry,
        )

    def _split(self, state: State, base: Base, then: Moment) -> dict[Hashable, float]:
        """What each cause has changed since `base`, cash coins; together all of it."""
        found: defaultdict[Hashable, float] = defaultdict(float)
        pages = self.history[int(base.block)]
        notional = 0.0
        for listing, coins in then.held.items():
            if not coins:
                continue
            page, price = pages[listing], read_mark(state, listing).value
            stake = (coins - float(base.rate) * abs(coins)) * (price - page.price)
            notional += abs(coins) * price
            for cause, share in _shares(page.parts, self.marks[listing].of_index).items():
                found[cause] += stake * share
            found[FUNDING] -= coins * (float(state.tables[listing.path + ".funding"][0]) - page.funding)
        for seat, coins in then.pledged.items():
            counted = 1.0 - state.exchange(seat.house).collateral[seat.index].maintenance
            stake = coins * counted * (pledge_price(state, seat).value - self.worths[int(base.block)][seat])
            for cause, share in self._of_worth(state, seat, pages).items():
                found[cause] += stake * share
        for place, kind in enumerate(KINDS):
            found[kind] += float(then.cash[place] - base.cash[place])
        found[PARAMETERS] -= (then.rate - float(base.rate)) * notional
        found[OWN] = then.excess - float(base.excess) - math.fsum(found.values())
        return {cause: cash for cause, cash in found.items() if cash}

    def _of_worth(self, state: State, seat: Pledgeable, pages: dict[Listing, Page]) -> dict[Hashable, float]:
        """Each cause's share of a change of what a collateral is worth: those of the index that prices it, where one here does."""
        priced = next((m for m in state.listings[seat.house.index] if m.base == seat.token), None)
        if priced not in self.marks or state.exchange(seat.house).collateral[seat.index].at is not None:
            return {Revalued(seat.name): 1.0}
        return _shares(pages[priced].parts, self.marks[priced].of_index)


def _shares(old: Parts, new: Parts) -> dict[Hashable, float]:
    """Each cause's share of a change of log price; all of it nature's where there is hardly any."""
    change = {cause: new.get(cause, 0.0) - old.get(cause, 0.0) for cause in {**old, **new}}
    total = math.fsum(change.values())
    if abs(total) < 1e-12:
        return {NATURE: 1.0}
    return {cause: part / total for cause, part in change.items() if part}


def _of(base: Base, account: int) -> Base:
    """One account's row of a base."""
    return Base(base.block[account], base.excess[account], base.cash[:, account], base.rate[account])


def _grown(old: Base, now: Base) -> Base:
    """A base with rows for accounts that have been opened since: as they stand now."""
    count = len(old.excess)
    if len(now.excess) == count:
        return old
    return Base(*(np.concatenate((a, b[..., count:]), axis=-1) for a, b in zip(old, now, strict=True)))


def _renew(old: Base, now: Base, which: Any) -> None:
    """Compare the accounts of `which` with now from here on."""
    for a, b in zip(old, now, strict=True):
        a[..., which] = b[..., which]
