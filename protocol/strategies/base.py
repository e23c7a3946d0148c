"""The strategy family: an account of its own, pooled in shares, that holds what its rule says. Anybody may buy into it.

A rule only plans, from a view: what it should trade now, and the epoch that it is in. Anybody may have the plan carried out
(`exchange.rebalance`) and is paid `reward` for it; the account trades at the fees of everybody, is margined and liquidated as
everybody. Shares are the vault's: virtual ones, every rounding against the caller, worth the account's equity at the index and
the marks. An epoch fixes how many coins stand behind each share, so all shares are alike, whenever they were bought: for
options it lasts until they expire. Who joins brings cash, which the next plan invests; who leaves has his part of every
position closed, bears what that costs, and leaves his part of an option behind that nobody would buy.
Attack surface: what and when it must trade is public, and `slippage` bounds what that earns; whoever knows better than the marks
can join or leave at the others' cost, against which stands `fee`; it may find nobody to trade with, and stay without its option.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from protocol.access import Permissionless
from protocol.appraisal import account_total
from protocol.hedging import HedgeOrder, within
from protocol.instruments.option import Option
from protocol.instruments.token import Token
from protocol.ledger import WORLD
from protocol.oracles.base import read_index
from protocol.settings import refusals
from protocol.state import Listing, Mandate, State
from protocol.venues.base import AT_THE_CLOSE

if TYPE_CHECKING:
    from protocol.world import Exchange, Market


class Epoch(NamedTuple):
    """What a strategy is in."""

    number: int  # how many there have been
    ends: float  # seconds
    per_share: float  # base coins of the underlying for each unit of a share


class Plan(NamedTuple):
    """What a strategy should do now."""

    orders: tuple[HedgeOrder, ...]  # in turn
    epoch: Epoch


BEFORE = Epoch(0, -math.inf, 0.0)


@dataclass(frozen=True)
class Strategy(ABC):
    """`underlying` names the market it holds the asset in: claims that follow the index, or tokens taken as collateral.

    `liquidity`: cash coins that founders have in it at the start. `usage`: share of equity invested when an epoch begins. `band`:
    share of a position by which it may be off. `slippage` and `premium_slippage`: share of the mark that a trade may cost, in
    the underlying and in options. `reward`: cash coins. `fee`: share of what comes in, and of what goes out, that stays.
    """

    name: str = ""
    underlying: str = ""
    liquidity: float = 0.0
    usage: float = 0.95
    band: float = 0.05
    slippage: float = 0.01
    premium_slippage: float = 0.25
    reward: float = 1.0
    fee: float = 0.001
    virtual_assets: int = 1
    virtual_shares: int = 1_000

    def __post_init__(self) -> None:
        """Refuse what no strategy can do; name after its kind what has no name."""
        if not self.name:
            object.__setattr__(self, "name", type(self).__name__.lower())
        wrong = refusals(
            self,
            name=("." not in self.name, "a word without dots"),
            liquidity=(self.liquidity >= 0, "0 or more cash coins"),
            usage=(0 < self.usage <= 1, "above 0 to 1, a share of equity"),
            band=(0 < self.band < 1, "above 0 to below 1, a share of a position"),
            slippage=(0 <= self.slippage < 1, "0 to below 1"),
            premium_slippage=(0 <= self.premium_slippage < 1, "0 to below 1"),
            reward=(self.reward >= 0, "0 or more cash coins"),
            fee=(0 <= self.fee < 1, "0 to below 1"),
            virtual_assets=(self.virtual_assets >= 0, "0 or more units"),
            virtual_shares=(self.virtual_shares >= 0, "0 or more units"),
        )
        wrong += self.mistakes()
        if wrong:
            raise ValueError("\n".join(wrong))

    def mistakes(self) -> list[str]:
        """One line for each of the rule's own settings that makes no sense."""
        return []

    def legs(self) -> tuple[str, ...]:
        """Names of the markets that it holds an asset in."""
        return (self.underlying,)

    def rights(self) -> tuple[str, ...]:
        """Which options it deals in: `call`, `put`."""
        return ()

    @abstractmethod
    def plan(self, state: State, mandate: Mandate) -> Plan:
        """What it should trade now; no orders where it may rest. A view."""

    # ------------------------------------------------------------------ what plans are made of

    def cover(self, state: State, mandate: Mandate, ends: float, premium: float = 0.0) -> Epoch:
        """The epoch it is in: the last one until that ends, then a new one.

        `ends`, in seconds, is when what is chosen now expires; `premium` is cash coins that it costs for each base coin.
        """
        epoch: Epoch = state.tables[mandate.path]
        running = state.time < epoch.ends and epoch.per_share > 0.0
        return epoch if running else self.fresh(state, mandate, ends, premium)

    def fresh(self, state: State, mandate: Mandate, ends: float, premium: float = 0.0) -> Epoch:
        """A new epoch, sized by the equity of now; nothing behind a share where there is none."""
        epoch: Epoch = state.tables[mandate.path]
        supply = shares_of(state, mandate)
        index = read_index(state, state.find(mandate.house, self.underlying)).value
        equity = max(0, account_total(state, mandate.house, mandate.account)) / mandate.house.cash_scale
        coins = self.usage * equity / (index + max(0.0, premium))
        return Epoch(epoch.number + 1, ends, coins / supply if supply else 0.0)

    def idle(self, state: State, mandate: Mandate) -> Epoch:
        """No epoch, and nothing to hold."""
        epoch: Epoch = state.tables[mandate.path]
        return epoch._replace(ends=state.time, per_share=0.0) if epoch.per_share else epoch

    def towards(self, state: State, mandate: Mandate, listing: Listing, coins: float) -> tuple[HedgeOrder, ...]:
        """An order from what it holds in a market to `coins`, if that is off by more than the band; what the venue fills of it."""
        held = holding(state, mandate, listing)
        gap = coins - held
        if abs(gap) <= self.band * max(abs(coins), abs(held)):
            return ()
        option = isinstance(state.market(listing).instrument, Option)
        slippage = self.premium_slippage if option else self.slippage
        size = within(state, listing, gap, slippage)
        return (HedgeOrder(listing, size, slippage),) if size else ()


def misfits(exchange: Exchange) -> list[str]:
    """One line for each strategy without a name of its own, markets to trade in, room for two positions, or options to deal in."""
    wrong, names = [], [s.name for s in exchange.strategies] + [m.name for m in exchange.markets]
    pledged = {collateral.token for collateral in exchange.collateral}
    open_ = {market.name: market for market in exchange.markets if usable(market)}
    claims = {n for n, m in open_.items() if m.instrument.claims() and not isinstance(m.instrument, Option)}
    tokens = {n for n, m in open_.items() if isinstance(m.instrument, Token) and m.instrument.token in pledged}
    listed = [m.instrument for m in open_.values() if isinstance(m.instrument, Option)]
    if exchange.strategies and exchange.margin.most() < 2:
        wrong.append(f"strategies: {type(exchange.margin).__name__} allows one position only")
    for strategy in exchange.strategies:
        at = f"strategies.{strategy.name}"
        if names.count(strategy.name) > 1:
            wrong.append(f"{at}: the name stands twice")
        first, *others = strategy.legs()
        for leg, may in [(first, claims | tokens), *((other, claims) for other in others)]:
            if leg not in may:
                wrong.append(f"{at}: {leg!r} is no market it can hold; there are {', '.join(sorted(may)) or 'none'}")
        bases = {open_[leg].instrument.base for leg in strategy.legs() if leg in open_}
        if len(bases) > 1:
            wrong.append(f"{at}: its markets are of {', '.join(sorted(bases))}, and must be of one")
        wrong += [
            f"{at}: no {right} is listed on {', '.join(bases)}"
            for right in strategy.rights()
            if not any(option.right == right and option.base in bases for option in listed)
        ]
    return wrong


def shares_of(state: State, mandate: Mandate) -> int:
    """Units of shares there are."""
    return -int(state.ledger.balance[mandate.share, WORLD])


def share_value(state: State, mandate: Mandate) -> float:
    """Cash units behind each unit of a share, virtual ones counted: what joining and leaving go by, fees and costs apart."""
    rule = state.exchange(mandate.house).strategies[mandate.index]
    total = max(0, account_total(state, mandate.house, mandate.account))
    return (total + rule.virtual_assets) / (shares_of(state, mandate) + rule.virtual_shares)


def held_units(state: State, mandate: Mandate, listing: Listing) -> int:
    """Units that a strategy holds in a market: of a contract, or of tokens it has pledged."""
    if listing.size >= 0:
        return int(state.ledger.balance[listing.size, mandate.account])
    seat = next(one for one in state.pledges[mandate.house.index] if one.token == listing.base)
    return int(state.ledger.balance[seat.claim, mandate.account])


def holding(state: State, mandate: Mandate, listing: Listing) -> float:
    """The same in base coins."""
    return held_units(state, mandate, listing) / listing.size_scale


def after(state: State, mandate: Mandate, listing: Listing, orders: tuple[HedgeOrder, ...]) -> float:
    """What it will hold in a market once the orders are filled, base coins."""
    return (
        holding(state, mandate, listing)
        + sum(o.size for o in orders if o.listing.number == listing.number) / listing.size_scale
    )


def usable(market: Market) -> bool:
    """Whether a strategy may trade there: at once, and without a credential."""
    return market.venue.settles != AT_THE_CLOSE and isinstance(market.access, Permissionless)


def ending(state: State, listing: Listing) -> float:
    """Seconds at which what is chosen expires."""
    return state.market(listing).instrument.expires()


def mark(state: State, listing: Listing) -> float:
    """Cash coins that one base coin of a contract is marked at."""
    return state.market(listing).instrument.price(state, listing, read_index(state, listing).value)


def pick(state: State, mandate: Mandate, base: int, right: str, distance: float, cutoff: float) -> Listing | None:
    """The option it holds, while that runs; else the one to enter. None: no such option is listed.

    Of the nearest expiry whose settlement begins to be counted in more than `cutoff` seconds, the strike nearest to the index
    times 1 + `distance`.
    """
    found: list[tuple[float, float, Listing]] = []
    for listing in state.claims[mandate.house.index]:
        option = state.market(listing).instrument
        if not isinstance(option, Option) or (listing.base, option.right) != (base, right):
            continue
        if state.time < option.expiry and state.ledger.balance[listing.size, mandate.account] != 0:
            return listing
        if state.time < option.expiry - option.window - cutoff and usable(state.market(listing)):
            wanted = read_index(state, listing).value * (1.0 + distance)
            found.append((option.expiry, abs(option.strike - wanted), listing))
    return min(found, key=lambda one: one[:2])[2] if found else None


def distances(cutoff: float, **found: float) -> list[str]:
    """One line for each strike that would be none, and for a cutoff that is none."""
    wrong = [
        f"{name} = {value}: must be above -1, a share of the index" for name, value in found.items() if not value > -1
    ]
    return wrong if cutoff >= 0 else [*wrong, f"cutoff = {cutoff}: must be 0 or more seconds"]
