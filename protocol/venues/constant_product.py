"""A constant-product pool of two real tokens, with a fee that stays in the pool (Uniswap V2).

The pool's account holds both tokens; its shares are a token too. The pure formulas take Python integers as well as floats,
and then are the contract's own, floor for floor.
Attack surface: the mid moves by square of the cash put in; whoever reads it without a window reads what the last trader wrote.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np

from protocol.clearing import Batch, Fills, pricing_loop, tokens_loop
from protocol.compiled import compiled, inner, steady
from protocol.ledger import Floats, Ints
from protocol.state import Listing, State
from protocol.units import to_units_down
from protocol.venues.base import Venue, product_depth

N = TypeVar("N", int, float)
Pair = tuple[int, int]  # units of both tokens
FEE_PARTS = 1_000_000.0  # fees are whole millionths


def amount_out(given: N, reserve_in: N, reserve_out: N, kept: N, parts: N) -> N:
    """Output for an exact input, fee on the input: `kept/parts` of it counts (997/1000 for 30 bp). UniswapV2Library."""
    return given * kept * reserve_out // (reserve_in * parts + given * kept)


def amount_in(wanted: N, reserve_in: N, reserve_out: N, kept: N, parts: N) -> N:
    """Input for an exact output, fee on the input. UniswapV2Library."""
    return reserve_in * wanted * parts // ((reserve_out - wanted) * kept) + 1


def shares_for(base: int, cash: int, reserve_base: int, reserve_cash: int, supply: int) -> int:
    """Shares for liquidity brought to a pool that has some, rounded down: the lesser proportion. UniswapV2Pair `mint`."""
    return min(cash * supply // reserve_cash, base * supply // reserve_base)


def part_of(shares: int, reserve: int, supply: int) -> int:
    """What `shares` take out of a reserve, rounded down. UniswapV2Pair `burn`."""
    return shares * reserve // supply


def cut_shares(root_then: int, root_now: int, supply: int, parts: int) -> int:
    """Shares for the protocol: one in `parts` of what fees have added to the root of the product. UniswapV2Pair `_mintFee`.

    `root_then` is the root when liquidity was last changed, 0 before that; six parts in the contract.
    """
    if parts == 0 or root_then == 0 or root_now <= root_then:
        return 0
    return supply * (root_now - root_then) // (root_now * (parts - 1) + root_then)


def keeps_product(before: Pair, after: Pair, came: Pair, kept: int, parts: int) -> bool:
    """Whether the product of the reserves has not fallen, the fee on whatever `came` in left out. UniswapV2Pair `swap`."""
    x, y = (new * parts - got * (parts - kept) for new, got in zip(after, came, strict=True))
    return x * y >= before[0] * before[1] * parts * parts


_out, _in = inner(amount_out), inner(amount_in)  # compiled on floats: 64-bit integers would overflow


@compiled
def take(pool: Floats, size: float) -> float:
    """Cash units owed for `size` base units against `pool` = [base, cash, kept]: exact output if buying, else exact input."""
    owed: float = np.nan
    if size >= pool[0]:
        return owed
    if size > 0.0:
        owed = _in(size, pool[1], pool[0], pool[2], FEE_PARTS)
    else:
        owed = -_out(-size, pool[0], pool[1], pool[2], FEE_PARTS)
    pool[0] -= size
    pool[1] += owed
    return owed


_fill_loop = tokens_loop(take)
_pricing_loop = pricing_loop(take)


@steady
def _fill(pool: Floats, spare: Floats, till: Any, batch: Any, fills: Any) -> None:
    _fill_loop(pool, spare, till, batch, fills)


@compiled
def _price(pool: Floats, spare: Floats, sizes: Ints, owed: Floats) -> None:
    _pricing_loop(pool, spare, sizes, owed)


@dataclass(frozen=True)
class ConstantProduct(Venue):
    """x * y = k over the pool's own tokens; `liquidity` cash coins on each side are there from the start.

    One in `protocol_parts` of what fees add goes to the exchange's treasury in shares, minted when somebody comes or goes; 0: none.
    """

    liquidity: float = 5_000_000.0
    fee: float = 0.003
    protocol_parts: int = 0

    trades: ClassVar[str] = "tokens"

    def __post_init__(self) -> None:
        """Refuse an empty pool and a fee that is none."""
        if not self.liquidity > 0:
            raise ValueError(f"liquidity = {self.liquidity}: must be above 0 cash coins")
        if not 0 <= self.fee < 1:
            raise ValueError(f"fee = {self.fee}: allowed 0 to below 1")
        if self.protocol_parts < 0 or self.protocol_parts == 1:
            raise ValueError(f"protocol_parts = {self.protocol_parts}: must be 0 (none), or 2 or more")

    def endowment(self, listing: Listing, price: float) -> tuple[int, int, float]:
        """`liquidity` cash coins and as much in base, for as many shares."""
        base = to_units_down(self.liquidity / price, int(listing.size_scale))
        return base, to_units_down(self.liquidity, int(listing.house.cash_scale)), self.liquidity

    def start(self, state: State, listing: Listing, price: float) -> None:
        """The ledger is its memory; and for the protocol's part, the root of the product when liquidity last changed."""
        self.liquidity_changed(state, listing)

    def root(self, state: State, listing: Listing) -> int:
        """Root of the product of the reserves, rounded down."""
        rows = (listing.base, listing.house.token)
        return math.isqrt(math.prod(int(state.ledger.balance[row, listing.desk]) for row in rows))

    def protocol_shares(self, state: State, listing: Listing, supply: int) -> int:
        """See `Venue.protocol_shares`."""
        if not self.protocol_parts:
            return 0
        then = state.tables.get(listing.path + ".root", 0)
        return cut_shares(then, self.root(state, listing), supply, self.protocol_parts)

    def liquidity_changed(self, state: State, listing: Listing) -> None:
        """See `Venue.liquidity_changed`."""
        if self.protocol_parts:
            state.put(listing.path + ".root", self.root(state, listing))
        elif listing.path + ".root" in state.tables:
            state.put(listing.path + ".root", 0)  # voted off: what is earned meanwhile is the providers'

    def mid(self, state: State, listing: Listing) -> float:
        """Ratio of the reserves."""
        balance = state.ledger.balance
        base = balance[listing.base, listing.desk]
        return float(balance[listing.house.token, listing.desk] / base / listing.price_scale)

    def depth_within(self, state: State, listing: Listing, move: float) -> float:
        """See `Venue.depth_within`."""
        return product_depth(
            int(state.ledger.balance[listing.house.token, listing.desk]) / listing.house.cash_scale, move
        )

    def pool(self, state: State, listing: Listing) -> Floats:
        """[base, cash, kept] units, and millionths of the input that count."""
        balance = state.ledger.balance
        reserves = balance[listing.base, listing.desk], balance[listing.house.token, listing.desk]
        return np.array([*reserves, FEE_PARTS - round(self.fee * FEE_PARTS)], np.float64)

    def fill(self, pool: Floats, desk: Any, terms: Any, batch: Batch, fills: Fills) -> None:
        """See `Venue.fill`; tokens know no margin terms."""
        _fill(pool, pool.copy(), tuple(desk), tuple(batch), tuple(fills))

    def price(self, pool: Floats, sizes: Ints, owed: Floats) -> None:
        """See `Venue.price`."""
        _price(pool, pool.copy(), sizes, owed)
