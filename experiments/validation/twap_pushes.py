"""What it costs to push a time-weighted mean: held over its window, or once and enormously (A2).

A pool, without a fee but where one is named, a fair that stands still, an arbitrageur who undoes each push in the next block, and a
pusher whose trades are those of the project's own push attacks (`attacks.pushing.renewal`). Its cost is the cash it has paid less
what it holds at fair. The reference's table is for an arithmetic mean over 150 blocks of 12 seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from scipy.optimize import brentq

from agents.attacks.pushing import renewal, units_to
from agents.nature.gbm import GeometricBrownian
from agents.player import Action, Player, Role
from agents.view import View
from experiments.run import build, release
from experiments.validation.base import Claim, Effort, Measured, exactly
from experiments.validation.stage import keen, staged, traded
from protocol.blocks.fixed import Fixed
from protocol.oracles.base import Oracle, read_index
from protocol.oracles.twap import ArithmeticTwap
from protocol.oracles.twap_geometric import GeometricTwap
from protocol.transactions import Trade
from protocol.venues.constant_product import ConstantProduct

if TYPE_CHECKING:
    from agents.game import Game

SUBJECT = "Pushing a time-weighted mean"
SOURCE = "Mackinga, Nadahalli and Wattenhofer 2022, eprint 2022/445"
PRICE, RESERVE = 2_000.0, 1e8  # cash coins a base coin; cash coins in the pool
BLOCK, WINDOW = 12.0, 150  # seconds; blocks of the mean
FIRST = WINDOW  # block in which the first push is made: until then the mean is over what there is
ARITHMETIC = ArithmeticTwap(window=BLOCK * WINDOW)
GEOMETRIC = GeometricTwap(window=BLOCK * WINDOW)
TABLE = {
    1: 0.0025,
    5: 0.0595,
    10: 0.2271,
    20: 0.8316,
    50: 4.124,
    100: 12.132,
    200: 30.94,
    500: 85.77,
    1000: 161.8,
    5000: 528.1,
}
FEE, CHARGED = 0.003, (5, 20, 100, 1000)  # of a swap; pushes that are made once more with it, %


@dataclass(frozen=True)
class Pusher(Role):
    """Brings the pool to `factor` times fair at the end of each of `blocks` blocks; `back`: undoes its last push itself."""

    capital: float = 1e12
    base: float = 1e8
    latency: float = 0.0
    tip: float = 0.0
    factor: float = 2.0
    blocks: int = 1
    back: bool = False

    def prepare(self, me: Player, game: Game) -> None:
        """Nothing has been sent."""
        me.memory.update(pool=game.listing(self.market, self.exchange), sent=0)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Push as long as it is meant to."""
        pool, number = me.memory["pool"], view.state.height + 1 - FIRST
        if not 0 <= number < self.blocks + self.back:
            return ()
        if number == self.blocks:  # first in the block: whoever builds two in a row sees to that
            return (me.send(Trade(pool, me.account, units_to(view, pool, view.mid(pool), PRICE)), 2e-9),)
        side = 1 if self.factor > 1.0 else -1
        return (me.send(Trade(pool, me.account, renewal(view, pool, side, PRICE, self.factor * PRICE).size)),)


class Pushed(NamedTuple):
    """`cost`: of all pushes, as a share of the pool's cash; `moved`: the mean over fair, less one, once they have stood."""

    cost: float
    moved: float


@cache
def pushed(oracle: Oracle, factor: float, blocks: int, back: bool = False, fee: float = 0.0) -> Pushed:
    """A pool that is pushed, and a block in which it is brought back."""
    scenario = staged(
        (traded("ETH-USD", ConstantProduct(liquidity=RESERVE, fee=fee), oracle=oracle),),
        (Pusher(factor=factor, blocks=blocks, back=back), keen("ETH-USD", tip=1e-9)),
        GeometricBrownian(start=(PRICE,), volatility=(0.0,), tick=BLOCK),
        Fixed(BLOCK),
        FIRST + blocks + 1,
    )
    game = build(scenario)
    try:
        listing, ledger = game.listing(), game.state.ledger
        account = next(player.account for player in game.players if isinstance(player.role, Pusher))

        def wealth() -> float:
            cash = int(ledger.balance[listing.house.token, account]) / listing.house.cash_scale
            return float(cash + int(ledger.balance[listing.base, account]) / listing.size_scale * PRICE)

        before, index = wealth(), 0.0
        while game.state.height < FIRST + blocks + back:
            game.step()
            if game.state.height == FIRST + blocks:
                index = read_index(game.state, listing).value / PRICE - 1.0
        return Pushed((before - wealth()) / RESERVE, index)
    finally:
        release(game)


def crossover() -> float:
    """Where holding a push costs what one block does, %."""

    def dearer(push: float) -> float:
        return (
            pushed(ARITHMETIC, 1.0 + push, WINDOW).cost - pushed(ARITHMETIC, 1.0 + WINDOW * push, 1).cost
        )  # above 0: holding

    return 100.0 * float(brentq(dearer, 0.45, 0.65, xtol=1e-3))


def needed(oracle: Oracle) -> float:
    """The factor that moves a mean by 1 % in one block."""
    return float(brentq(lambda factor: pushed(oracle, factor, 1).moved - 0.01, 1.5, 8.0, xtol=1e-4))


def single(percent: int, printed: float) -> Claim:
    """The claim about one push that is arbitraged back."""

    def measure(_: Effort) -> Measured:
        return exactly(100.0 * pushed(ARITHMETIC, 1.0 + percent / 100.0, 1).cost)

    what = f"cost of one push by {percent} %, arbitraged back, % of the pool's cash"
    return Claim(f"A2-once-{percent}", what, SOURCE, printed, 0.01 * printed, measure)


def formula(push: float, fee: float) -> float:
    """C1 of a push by a share `push`, as a share of the pool's cash: what is paid in at 1 / (1 - fee), less the coins at fair."""
    root = math.sqrt(1.0 + push)
    return root + 1.0 / root - 2.0 + fee / (1.0 - fee) * (root - 1.0)


def charged(percent: int) -> Claim:
    """The claim about one push through a fee."""
    value = 100.0 * formula(percent / 100.0, FEE)

    def measure(_: Effort) -> Measured:
        return exactly(100.0 * pushed(ARITHMETIC, 1.0 + percent / 100.0, 1, fee=FEE).cost)

    what = f"cost of one push by {percent} % through a fee of 30 bp, arbitraged back, % of the pool's cash"
    return Claim(f"A2-fee-{percent}", what, SOURCE, value, 1e-4 * value, measure)


def claims() -> tuple[Claim, ...]:
    """No chance in any of them. The fee is a hundredth of what most pushes cost, so that these are held to a ten-thousandth."""

    def held(push: float) -> Pushed:
        return pushed(ARITHMETIC, 1.0 + push, WINDOW)

    def once(push: float) -> Pushed:
        return pushed(ARITHMETIC, 1.0 + WINDOW * push, 1)

    low = 1e-4  # of fair: as good as nothing
    return (
        *(single(percent, printed) for percent, printed in TABLE.items()),
        *(charged(percent) for percent in CHARGED),
        Claim(
            "A2-held",
            "cost of a mean 100 % up, held for its 150 blocks, pools' cash",
            SOURCE,
            18.20,
            0.182,
            lambda _: exactly(held(1.0).cost),
        ),
        Claim(
            "A2-enormous",
            "cost of the same by one block at 151 times the price, pools' cash",
            SOURCE,
            10.37,
            0.1037,
            lambda _: exactly(once(1.0).cost),
        ),
        Claim("A2-held-index", "the mean, held, % up", SOURCE, 100.0, 1e-3, lambda _: exactly(100.0 * held(1.0).moved)),
        Claim(
            "A2-enormous-index",
            "the mean, by one block, % up",
            SOURCE,
            100.0,
            1e-3,
            lambda _: exactly(100.0 * once(1.0).moved),
        ),
        Claim(
            "A2-crossover", "push from which one block is cheaper, %", SOURCE, 55.1, 2.0, lambda _: exactly(crossover())
        ),
        Claim(
            "A2-two-blocks",
            "cost of a push by 100 % where its maker builds the next block too, % of the pool's cash",
            SOURCE,
            0.0,
            1e-6,
            lambda _: exactly(100.0 * pushed(ARITHMETIC, 2.0, 1, back=True).cost),
        ),
        Claim(
            "A2-arithmetic",
            "factor in one block that moves an arithmetic mean by 1 %",
            SOURCE,
            2.5,
            0.005,
            lambda _: exactly(needed(ARITHMETIC)),
        ),
        Claim(
            "A2-geometric",
            "factor in one block that moves a geometric mean by 1 %",
            "Uniswap v3 whitepaper, section 5.2",
            4.448,
            0.005,
            lambda _: exactly(needed(GEOMETRIC)),
        ),
        Claim(
            "A2-down-arithmetic",
            "arithmetic mean after one block at next to nothing, %",
            SOURCE,
            -100.0 / WINDOW,
            1e-3,
            lambda _: exactly(100.0 * pushed(ARITHMETIC, low, 1).moved),
        ),
        Claim(
            "A2-down-geometric",
            "geometric mean after one block at a ten-thousandth, %",
            "Uniswap v3 whitepaper, section 5.2",
            100.0 * (low ** (1 / WINDOW) - 1.0),
            1e-3,
            lambda _: exactly(100.0 * pushed(GEOMETRIC, low, 1).moved),
        ),
    )
