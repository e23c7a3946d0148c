"""The generations of the field, each a World that one can read in a screen: the same perpetual, margined and traded five ways.

They are compositions and nothing else: every part is found elsewhere, and the numbers are those of the time (docs/assumptions.md,
"Generations"). Who stands behind the trading brings ten million of cash in each: the makers of zero and four, the vault of one
and three, the vault and the pool of two. Attack surface: each generation's own, which is the point of having them side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from protocol.blocks.fixed import Fixed
from protocol.funding.premium import Premium
from protocol.funding.skew import Skew
from protocol.funding.unfunded import Unfunded
from protocol.funding.velocity import Velocity
from protocol.instruments.token import Token
from protocol.liquidations.backstop import Backstop
from protocol.liquidations.full import Full
from protocol.liquidations.graded import Graded, Step
from protocol.liquidations.margin_calls import HOUR, MarginCalls
from protocol.liquidations.routes import AtOracle, ThroughVenue, ToBackstop
from protocol.losses.backstop import VaultBackstop
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.margins.cross import Cross
from protocol.margins.isolated import Isolated
from protocol.margins.portfolio import Portfolio
from protocol.margins.volatility_scaled import VolatilityScaled
from protocol.oracles.guarded import Guarded
from protocol.oracles.median import Median
from protocol.oracles.pull import Pull
from protocol.oracles.twap import ArithmeticTwap
from protocol.orderings.fifo import Fifo
from protocol.vault import Vault
from protocol.venues.batch_auction import BatchAuction
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.order_book import OrderBook
from protocol.world import Chain, Exchange, Market, World

ZERO = (
    World(  # a clearing house: a book, a third of margin, one call a day, people who answer it, a fund of all members
        chains=(Chain("floor", Fixed(4.0), Fifo()),),
        exchanges=(
            Exchange(
                chain="floor",
                margin=Cross(initial=0.33, maintenance=0.30),
                liquidation=MarginCalls(begins=7 * HOUR, due=9 * HOUR, delay=1 * HOUR),
                losses=(Insurance(), Socialise()),
                markets=(
                    Market(
                        oracle=Median(reporters=3, quorum=2, deviation=0.0005, heartbeat=60.0),
                        venue=OrderBook(),
                        funding=Premium(),
                        fee=0.0001,
                    ),
                ),
            ),
        ),
    )
)

FIRST = (
    World(  # synthetics and collateral vaults: no depth needed, a pushed index, half of margin, a flag and a long wait
        chains=(Chain("l1", Fixed(12.0)),),
        exchanges=(
            Exchange(
                chain="l1",
                margin=Isolated(initial=0.5, maintenance=1 / 3),
                liquidation=Graded((Step(1.0, 1.0),), (AtOracle(spread=0.1),), grace=1_800.0, window=14_400.0),
                losses=(VaultBackstop(),),
                vault=Vault(liquidity=10e6),
                insurance=1_000.0,
                markets=(
                    Market(
                        oracle=Median(reporters=5, quorum=3, deviation=0.005, heartbeat=3_600.0),
                        venue=OraclePool(spread=0.0, skew_scale=1e12),
                        funding=Unfunded(),
                        fee=0.003,
                    ),
                ),
            ),
        ),
    )
)

SECOND = World(  # automated market makers: a curve to trade on, a pool's TWAP for an index, all sold at once when below
    chains=(Chain("l1", Fixed(12.0)),),
    exchanges=(
        Exchange(
            chain="l1",
            margin=Cross(initial=0.10, maintenance=0.0625),
            liquidation=Full(reward=0.0125, penalty=0.0125),
            losses=(Insurance(), VaultBackstop()),
            vault=Vault(liquidity=6e6),
            markets=(
                Market(
                    oracle=ArithmeticTwap(source="ETH-USD", window=180.0),
                    venue=OraclePool(spread=0.001, skew_scale=10_000.0),
                    funding=Skew(),
                    fee=0.001,
                    open_interest_cap=2e6,
                ),
                Market("ETH-USD", Token(), venue=ConstantProduct(liquidity=2e6, fee=0.003), funding=Unfunded()),
            ),
        ),
    ),
)

THIRD = (
    World(  # modular risk: a guarded pull oracle, margin that scales, parts closed by health step, a vault behind it
        chains=(Chain("l2", Fixed(2.0)),),
        exchanges=(
            Exchange(
                margin=VolatilityScaled(Cross(initial=0.08, maintenance=0.04)),
                liquidation=Backstop(
                    Graded((Step(1.0, 0.5), Step(0.6, 1.0)), (AtOracle(spread=0.01), ThroughVenue()), grace=0.0),
                    health=0.2,
                    route=ToBackstop(),
                ),
                losses=(Insurance(), VaultBackstop()),
                vault=Vault(liquidity=10e6),
                markets=(
                    Market(
                        oracle=Guarded(Pull(max_age=30.0), max_move=0.2),
                        venue=OraclePool(spread=0.0004, skew_scale=200_000.0, confidence_weight=1.0),
                        funding=Velocity(),
                        fee=0.0005,
                        open_interest_cap=8e6,
                    ),
                ),
            ),
        ),
    )
)

FOURTH = World(  # private and fast: sealed orders cleared every second at one price, against a grid of scenarios
    chains=(Chain("l3", Fixed(0.5), Fifo()),),
    exchanges=(
        Exchange(
            chain="l3",
            margin=Portfolio(moves=(-0.05, 0.0, 0.05), linear=0.01, initial=1.25),
            liquidation=Graded((Step(1.0, 0.5), Step(0.6, 1.0)), (AtOracle(spread=0.005),), grace=0.0),
            losses=(Insurance(), Socialise()),
            markets=(
                Market(
                    oracle=Median(reporters=5, quorum=3, deviation=0.0005, heartbeat=60.0),
                    venue=BatchAuction(interval=1.0),
                    funding=Premium(),
                    fee=0.0002,
                ),
            ),
        ),
    ),
)

GENERATIONS: Mapping[str, World] = MappingProxyType(
    {"zero": ZERO, "first": FIRST, "second": SECOND, "third": THIRD, "fourth": FOURTH}
)
