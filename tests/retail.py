"""A small world with every strategy in it: a perpetual, its token on a deep pool, and options of a day and of two."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from machine import PRICE, Told, exchange_for, market_for, open_world, tell

from protocol import exchange
from protocol.appraisal import Collateral
from protocol.funding.unfunded import Unfunded
from protocol.instruments.option import Option
from protocol.state import Listing, Mandate, State
from protocol.strategies.base import Strategy
from protocol.surface import Surface
from protocol.vault import Vault
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, Market

DAY = 86_400.0
WINDOW = 600.0
STRIKES = (1_900.0, 1_960.0, 2_040.0, 2_100.0)


def options(venue: Any = None, strikes: tuple[float, ...] = STRIKES) -> list[Market]:
    """Calls and puts of each strike, of one day and of two, all marked at the perpetual's index."""
    return [
        Market(
            name=f"{right}-{strike:.0f}-{days}",
            instrument=Option(right=right, strike=strike, expiry=days * DAY, window=WINDOW),
            venue=venue or OraclePool(),
            funding=Unfunded(),
            index="PERP",
            fee=0.0,
        )
        for right in ("call", "put")
        for strike in strikes
        for days in (1, 2)
    ]


def world_with(*strategies: Strategy, **changes: Any) -> tuple[State, list[int]]:
    """That world, and traders with cash coins; `changes` are to the exchange."""
    perp = market_for(OraclePool(spread=0.0), name="PERP", oracle=Told(max_age=5e5), fee=0.0)
    spot = market_for(ConstantProduct(liquidity=1e9, fee=0.0), name="SPOT", index="PERP", oracle=Market().oracle)
    rules = exchange_for(
        markets=changes.pop("markets", (perp, spot, *options())),
        vault=Vault(),
        collateral=(Collateral("ETH", cap=1e9),),
        surfaces=(Surface(),),
        strategies=strategies,
        **changes,
    )
    return open_world(rules)


def suited(kind: type[Strategy], **changes: Any) -> Strategy:
    """A variant with its legs in that world: the token where it has two of them, else the perpetual."""
    legs = len(kind().legs())
    where = {"underlying": "SPOT", "short": "PERP"} if legs == 2 else {"underlying": "PERP"}
    return replace(kind(), **(where | changes))


def only_mandate(state: State) -> Mandate:
    (mandate,) = state.mandates[0]
    return mandate


def at(state: State, name: str) -> Listing:
    return state.find(state.houses[0], name)


def settle_at(state: State, price: float, expiry: float) -> None:
    """Let the index stand at `price` from before the settlement window of `expiry` on, and settle."""
    state.time = expiry - WINDOW - 1.0
    tell(state, price, at(state, "PERP"))
    exchange.close_block(state)
    state.time = expiry
    tell(state, price, at(state, "PERP"))
    exchange.close_block(state)


def rules_of(state: State) -> Exchange:
    return state.exchange(state.houses[0])


__all__ = ["DAY", "PRICE", "at", "only_mandate", "options", "rules_of", "settle_at", "suited", "world_with"]
