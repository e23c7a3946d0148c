"""The state of GMX V1's vault, for `gmx_v1`: prices either way, what is the pool's, what is reserved, and the charge for that.

Prices are `oracle_pool.leaning` of the lowest and the highest of the last answers; the charge for reserves is
`borrowing.growth`. Sums of tokens and of dollars are the contract's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from protocol.fixed_point import down
from protocol.funding.borrowing import growth, whole_intervals
from protocol.venues.oracle_pool import factor_of, leaning

PARTS, MILLIONTHS = 10_000, 1_000_000  # of fees and spreads; of what reserves are charged
DOLLAR = 10**30  # fixed point of dollars and prices
ANSWER = 10**22  # from an answer of the feed, eight decimals
SHARE = 10**18  # fixed point of the basket's shares
COINS, DOLLARS = 0, 1  # places of the two tokens: what longs bring, and what shorts do


class Refused(Exception):
    """The contract's reason."""


class Token(NamedTuple):
    """One of the vault's tokens, as recorded: units, shares of the basket, dollars; `low` and `high` are its prices now."""

    pool: int = 0
    reserved: int = 0
    shares: int = 0
    guaranteed: int = 0
    fees: int = 0
    charged: int = 0
    time: int = 0
    held: int = 0
    low: int = 0
    high: int = 0


class Position(NamedTuple):
    """What an account has on one side, in dollars at entry; `charged` is the token's when it was last touched."""

    size: int
    collateral: int
    price: int
    charged: int
    reserved: int
    realised: int
    time: int


NOTHING = Position(0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Vault:
    """All that the contracts remember; a refused action leaves it as it was. `entry`: mean price of all shorts."""

    params: dict[str, Any]
    answers: tuple[tuple[int, ...], ...]
    tokens: tuple[Token, ...]
    positions: tuple[Position, ...]
    supply: int = 0
    shorts: int = 0
    entry: int = 0
    now: int = 0


def need(condition: bool, why: int | str) -> None:
    """Refuse with the vault's number, or in its words."""
    if not condition:
        raise Refused(f"E{why}" if isinstance(why, int) else why)


def less(a: int, b: int, why: int | str = "SafeMath: subtraction overflow") -> int:
    """A difference that may not fall below zero."""
    need(b <= a, why)
    return a - b


# ---------------------------------------------------------------------- prices


def quoted(vault: Vault) -> Vault:
    """With both prices of both tokens after an answer: a stable token's is a dollar but where it is worse for who asks."""
    tokens = list(vault.tokens)
    for asset, answers in enumerate(vault.answers):
        low, high = min(answers) * ANSWER, max(answers) * ANSWER
        if asset == DOLLARS and vault.params["strict"]:
            low, high = min(low, DOLLAR), max(high, DOLLAR)
        else:
            half: int = vault.params["spread"][asset]
            low, high = (leaning(p, factor_of(0, s * half, PARTS), PARTS) for p, s in ((low, -1), (high, 1)))
        tokens[asset] = tokens[asset]._replace(low=low, high=high)
    return replace(vault, tokens=tuple(tokens))


def unit(vault: Vault, asset: int) -> int:
    """Units per coin of a token."""
    return int(10 ** vault.params["dec"][asset])


def worth(vault: Vault, asset: int, units: int) -> int:
    """Dollars, at the lower price."""
    return down(units, vault.tokens[asset].low, unit(vault, asset))


def at_least(vault: Vault, asset: int, dollars: int) -> int:
    """Units for so many dollars, at the higher price."""
    return down(dollars, unit(vault, asset), vault.tokens[asset].high)


def at_most(vault: Vault, asset: int, dollars: int) -> int:
    """Units for so many dollars, at the lower price."""
    return down(dollars, unit(vault, asset), vault.tokens[asset].low)


# ---------------------------------------------------------------------- tokens


def change(vault: Vault, asset: int, **more: int) -> Vault:
    """Add to a token's sums; none may fall below zero."""
    token = vault.tokens[asset]
    for name, by in more.items():
        token = token._replace(**{name: less(getattr(token, name), -by)})
    return put(vault, asset, token)


def put(vault: Vault, asset: int, token: Token) -> Vault:
    """With one token exchanged."""
    return replace(vault, tokens=(*vault.tokens[:asset], token, *vault.tokens[asset + 1 :]))


def into_pool(vault: Vault, asset: int, units: int) -> Vault:
    """More that may be reserved: no more than is there."""
    vault = change(vault, asset, pool=units)
    need(vault.tokens[asset].pool <= vault.tokens[asset].held, 49)
    return vault


def from_pool(vault: Vault, asset: int, units: int) -> Vault:
    """Less of it: what is reserved stays."""
    pool = less(vault.tokens[asset].pool, units, "Vault: poolAmount exceeded")
    need(vault.tokens[asset].reserved <= pool, 50)
    return put(vault, asset, vault.tokens[asset]._replace(pool=pool))


def accrue(vault: Vault, asset: int) -> Vault:
    """Charge for what has been reserved over the whole intervals since the last time."""
    token, params = vault.tokens[asset], vault.params
    if token.time == 0:
        return put(vault, asset, token._replace(time=vault.now // params["fint"] * params["fint"]))
    intervals, ended = whole_intervals(vault.now, token.time, params["fint"])
    factor = params["sff" if asset == DOLLARS else "ff"]
    grown = growth(factor, token.reserved, intervals, token.pool)
    return put(vault, asset, token._replace(charged=token.charged + grown, time=ended))
