"""Places that several replays need: a quiet chain, a pool of two tokens, a protocol that lends, an index alone, a perpetual."""

from __future__ import annotations

from collections.abc import Mapping

from agents.demand import OutsideDemand
from protocol.appraisal import Collateral
from protocol.blocks.fixed import Fixed
from protocol.funding.unfunded import Unfunded
from protocol.instruments.perpetual import Perpetual
from protocol.instruments.token import Token
from protocol.lending import LoanPool
from protocol.limits.base import Limit
from protocol.liquidations.seizure import Seizure
from protocol.losses.base import Loss
from protocol.losses.socialise import Socialise
from protocol.oracles.base import Oracle
from protocol.oracles.median import Median
from protocol.oracles.spot import Spot
from protocol.venues.base import Venue
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.order_book import OrderBook
from protocol.world import UNCAPPED, Chain, Exchange, Market

QUIET = OutsideDemand(load=0.0)  # nobody else wants block space
OUTSIDE = Median(reporters=3, quorum=2, deviation=0.001, heartbeat=3_600.0)  # what three reporters see elsewhere


def chain(interval: float = 12.0, name: str = "l1") -> Chain:
    """A chain where block space costs nothing; block time in seconds."""
    return Chain(name, blocks=Fixed(interval), base_fee=0.0, fee_floor=0.0)


def spot(
    base: str, cash: str, venue: Venue, *, name: str = "", oracle: Oracle | None = None, index: str = ""
) -> Market:
    """A market of tokens, at the index of its own mid unless told otherwise."""
    oracle = oracle or Spot()
    return Market(name or f"{base}-{cash}", Token(base=base), oracle, venue, Unfunded(), fee=0.0, index=index)


def perpetual(
    base: str,
    venue: Venue,
    *,
    oracle: Oracle | None = None,
    fee: float = 0.0,
    cap: float = UNCAPPED,
    limits: tuple[Limit, ...] = (),
) -> Market:
    """A perpetual without funding, at what three reporters see elsewhere unless told otherwise; counted in millionths of a coin."""
    contract = Perpetual(base, decimals=6)
    return Market(
        f"{base}-PERP",
        contract,
        oracle or OUTSIDE,
        venue,
        Unfunded(),
        fee=fee,
        open_interest_cap=cap,
        limits=limits,
    )


def pool(
    name: str, base: str, cash: str, liquidity: float, *, fee: float = 0.003, oracle: Oracle | None = None
) -> Exchange:
    """A constant-product pool of two tokens; `liquidity` in cash coins on its side."""
    return Exchange(
        name,
        "l1",
        cash,
        (spot(base, cash, ConstantProduct(liquidity, fee), oracle=oracle),),
        insurance=0.0,
    )


def lender_of(
    name: str,
    bases: str | tuple[str, ...],
    cash: str,
    collateral: tuple[Collateral, ...],
    loans: Mapping[str, float],
    *,
    oracles: Mapping[str, Oracle] | None = None,
    index: Mapping[str, str] | None = None,
    seizure: Seizure | None = None,
    losses: tuple[Loss, ...] = (Socialise(),),
) -> Exchange:
    """A protocol that lends: pools of `loans` (coins by asset) against `collateral`.

    Each base is priced by its oracle of `oracles` (three reporters of the outside price if it has none), or where `index` says
    by EXCHANGE.MARKET. Its own markets are books that nobody quotes: they are there to be priced.
    """
    named = (bases,) if isinstance(bases, str) else bases
    read, borrowed = oracles or {}, index or {}
    markets = tuple(
        spot(base, cash, OrderBook(), index=borrowed[base])
        if base in borrowed
        else spot(base, cash, OrderBook(), oracle=read.get(base, OUTSIDE))
        for base in named
    )
    return Exchange(
        name,
        "l1",
        cash,
        markets,
        losses=losses,
        insurance=0.0,
        collateral=collateral,
        loans=tuple(LoanPool(asset, liquidity=coins) for asset, coins in loans.items()),
        seizure=seizure or Seizure(),
    )
