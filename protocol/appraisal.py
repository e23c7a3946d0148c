"""What tokens in custody are worth: collateral with haircuts, shares at what they would be redeemed for.

A token's index is that of the first market of the exchange that trades it; a share's is what stands behind it, vaults after their
exit fee. What another exchange issues counts as it stood when the last block was sealed, so that exchanges may take each other's
shares, in a circle, and no block need be solved for all of them at once (`seal_prices`). Whether any of it could be sold for
that is another question, which the haircut is to answer. Attack surface: whoever can
move the index of what he has pledged borrows against his own push (Mango, October 2022), and a cap bounds what he can take;
a share whose worth a gift can raise is worth what the giver says (Cream, October 2021): a gift is dear only while others hold
shares beside the giver's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from protocol import vault as vaults
from protocol.instruments.synthetic import Synthetic
from protocol.ledger import WORLD, Floats
from protocol.lending import accrued
from protocol.oracles.base import Reading, Status, read_index
from protocol.state import EVERY, House, Pledgeable, State
from protocol.units import SECONDS_PER_YEAR

if TYPE_CHECKING:
    from protocol.world import Exchange, World

SEALED = "sealed prices"  # table: Reading by token row, of what exchanges take of one another; absent where none does
UNCAPPED = 1e12  # coins: more than there is
UNBOUNDED = 1e12  # a year: more than any share grows


@dataclass(frozen=True)
class Collateral:
    """A token that counts as margin, at its index less a haircut: the collateral factor is one less `initial`.

    `token`: the base of a market, a vault's shares ("dex.share"), or a loan pool's ("dex.USD.supply"), of this exchange or
    another of its chain; or another's synthetic. `cap` is in coins. With `at` a coin counts as so many cash coins always.
    A share of this exchange's own counts at most as if it had grown by `growth` a year since the start, when it stood at par
    (as in the price caps of Aave's correlated assets, BGD Labs 2024).
    """

    token: str = "ETH"
    initial: float = 0.2
    maintenance: float = 0.15
    cap: float = UNCAPPED
    at: float | None = None
    growth: float = UNBOUNDED

    def __post_init__(self) -> None:
        """Refuse haircuts that are none."""
        wrong = []
        if not self.token:
            wrong.append("token = '': must name a token")
        if not 0 <= self.initial <= 1:
            wrong.append(f"initial = {self.initial}: allowed 0 to 1, a haircut")
        if not 0 <= self.maintenance <= self.initial:
            wrong.append(f"maintenance = {self.maintenance}: allowed 0 to initial = {self.initial}, a haircut")
        if not self.cap > 0:
            wrong.append(f"cap = {self.cap}: must be above 0 coins")
        if self.at is not None and not self.at > 0:
            wrong.append(f"at = {self.at}: must be above 0 cash coins, or none")
        if not self.growth >= 0:
            wrong.append(f"growth = {self.growth}: must be 0 or more a year")
        if wrong:
            raise ValueError("\n".join(wrong))


def token_price(state: State, house: House, row: int) -> Reading:
    """Cash coins per coin of a token, as an exchange counts it. Raises KeyError, which a validated World rules out."""
    if row == house.token:
        return Reading(1.0, state.time, 0.0, Status.FRESH)
    for listing in state.listings[house.index]:
        if listing.base == row:
            return read_index(state, listing)
    for lender in state.lenders[house.index]:
        if lender.share == row:
            inner, pool = token_price(state, house, lender.token), accrued(state, lender)
            coins = pool.assets / lender.scale / (pool.shares / SHARE_SCALE) if pool.shares else 0.0
            return inner._replace(value=inner.value * coins)
    if house.share == row:
        return _share_price(state, house)
    sealed: Mapping[int, Reading] = state.tables.get(sealed_at(state, house.chain), {})
    if row in sealed:
        return sealed[row]
    raise KeyError(state.ledger.assets[row].name)


def pledge_price(state: State, pledge: Pledgeable) -> Reading:
    """Cash coins per coin of a collateral, as its exchange counts it before haircuts."""
    rule = state.exchange(pledge.house).collateral[pledge.index]
    if rule.at is not None:
        return Reading(rule.at, state.time, 0.0, Status.FRESH)
    reading = token_price(state, pledge.house, pledge.token)
    if rule.growth == UNBOUNDED:
        return reading
    most = 1.0 + rule.growth * state.time / SECONDS_PER_YEAR
    return reading._replace(value=reading.value * most / max(most, coins_behind(state, pledge.house, pledge.token)))


def coins_behind(state: State, house: House, row: int) -> float:
    """What stands behind a share of an exchange's own, in coins of what it is a share of; of anything else 1."""
    for lender in state.lenders[house.index]:
        if lender.share == row:
            pool = accrued(state, lender)
            coins = pool.assets / lender.scale / (pool.shares / SHARE_SCALE) if pool.shares else 1.0
            return coins * coins_behind(state, house, lender.token)
    return _share_price(state, house).value if house.share == row else 1.0


def sealed_at(state: State, chain: int) -> str:
    """Path of the prices that are sealed with a chain's blocks: no chain writes another's."""
    return SEALED if len(state.rules.chains) == 1 else f"{SEALED}.{chain}"


def seal_prices(state: State, chain: int = EVERY) -> None:
    """Write down what exchanges' tokens are worth to their issuers now, where another of their chain takes them as collateral."""
    for number in _numbers(state, chain):
        if taken := state.settled(_taken, number):
            worth = {row: token_price(state, _issuer(state, row), row) for row in taken}
            state.put(sealed_at(state, number), worth)


def seals_prices(state: State, chain: int = EVERY) -> bool:
    """Whether anything is written down there, under the rules in force."""
    return any(state.settled(_taken, number) for number in _numbers(state, chain))


def _numbers(state: State, chain: int) -> Iterable[int]:
    return range(len(state.rules.chains)) if chain == EVERY else (chain,)


def _taken(state: State, chain: int) -> tuple[int, ...]:
    """Rows of tokens that an exchange of a chain takes which does not price them itself."""
    pledges = (pledge for house in state.houses_of(chain) for pledge in state.pledges[house.index])
    return tuple(sorted({pledge.token for pledge in pledges if not _is_own(state, pledge)}))


def _is_own(state: State, pledge: Pledgeable) -> bool:
    """Whether the exchange that takes a token prices it itself."""
    house = pledge.house
    rows = {house.share, *(listing.base for listing in state.listings[house.index])}
    return pledge.token in rows | {lender.share for lender in state.lenders[house.index]}


def _issuer(state: State, row: int) -> House:
    """The exchange that issues a token. Raises KeyError, which a validated World rules out."""
    for house in state.houses:
        shares = {lender.share for lender in state.lenders[house.index]}
        if row in shares | {house.share} | {issue.listing.base for issue in state.issues[house.index]}:
            return house
    raise KeyError(state.ledger.assets[row].name)


def issued(exchange: Exchange) -> set[str]:
    """Names of the tokens that an exchange issues and can say the worth of: shares, and synthetics."""
    found = {f"{exchange.name}.{pool.asset}.supply" for pool in exchange.loans}
    found |= {market.instrument.token for market in exchange.markets if isinstance(market.instrument, Synthetic)}
    return found | ({f"{exchange.name}.share"} if exchange.vault is not None else set())


def misfits(world: World) -> list[str]:
    """One line for each token that two exchanges issue, and each collateral that nobody issues or its exchange cannot price."""
    every = [token for exchange in world.exchanges for token in issued(exchange)]
    wrong = [f"exchanges: two of them issue {token}" for token in sorted({t for t in every if every.count(t) > 1})]
    anybodys = {token for exchange in world.exchanges for token in issued(exchange) | exchange.priced()}
    for exchange in world.exchanges:
        near = [e for e in world.exchanges if (e.cash, e.chain) == (exchange.cash, exchange.chain)]
        known = exchange.priced() | {token for other in near for token in issued(other)}
        choice = ", ".join(sorted(known - {exchange.cash}))
        for one in exchange.collateral:
            if one.token not in known:
                why = "nothing prices it here" if one.token in anybodys else "nobody issues it"
                wrong.append(f"exchanges.{exchange.name}.collateral.{one.token}: {why}; there are {choice}")
    return wrong


SHARE_SCALE = 1e9  # units per share coin


def _share_price(state: State, house: House) -> Reading:
    """What a vault's share would be redeemed for; as fresh as the worst index of what the vault holds."""
    rules = state.exchange(house).vault
    supply = -int(state.ledger.balance[house.share, WORLD])
    status, time = Status.FRESH, state.time
    for listing in state.listings[house.index]:
        if listing.size >= 0 and state.ledger.balance[listing.size, house.vault] != 0:
            reading = read_index(state, listing)
            status, time = max(status, reading.status), min(time, reading.time)
    if rules is None or supply == 0:
        return Reading(0.0, time, 0.0, Status.MISSING)
    total = max(0, vault_total(state, house))
    units = vaults.assets_down(supply, total, supply, rules.virtual_assets, rules.virtual_shares) * (1.0 - rules.fee)
    return Reading(units / house.cash_scale / (supply / SHARE_SCALE), time, 0.0, status)


def values(state: State, house: House) -> Floats:
    """Cash coins per unit of each claim row that markets open, without haircut: what a vault is worth by. Shape [rows]."""
    found: Floats = state.derived((house.index, "values"), lambda: _values(state, house))
    return found


def _values(state: State, house: House) -> Floats:
    weight = np.zeros(house.last - house.first)
    for listing in state.listings[house.index]:
        if listing.size >= 0:
            instrument, index = state.market(listing).instrument, read_index(state, listing).value
            for row, value in instrument.weights(state, listing, instrument.price(state, listing, index)):
                weight[row - house.first] = value
    return weight


def vault_total(state: State, house: House) -> int:
    """Cash units the vault's equity is worth at the index; below zero when it owes more than it has.

    Its cash is counted in integers apart from its positions, so that what one investor brings changes nothing else.
    """
    return account_total(state, house, house.vault)


def account_total(state: State, house: House, account: int) -> int:
    """Cash units an account is worth at the index, pledged tokens without haircut; below zero when it owes more than it has."""
    weight, held = values(state, house), state.ledger.balance[house.first : house.last, account]
    total = int(held[house.cash - house.first]) + math.floor(float(weight @ held) * house.cash_scale)
    for pledge in state.pledges[house.index]:
        if units := int(held[pledge.claim - house.first]):
            coins = units / pledge.scale * pledge_price(state, pledge).value
            total += math.floor(coins * house.cash_scale)
    return total
