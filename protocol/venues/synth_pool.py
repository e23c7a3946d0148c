"""A pool that trades at the index against the vault, and takes back what its lateness gave away (Synthetix, 2020 to 2022).

Two defences against those who see the index coming. A fee that grows by what the oracle moved beyond twice its threshold, and
decays (SIP-184). And settlement: `wait` seconds after a fill, it is priced again at the index of then, and the difference is
reclaimed, or rebated (SIP-37). Until then the account may trade on but not withdraw.
Attack surface: whoever moves the index at the end of the wait is rebated; and an honest trader bears the moves of the wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from protocol.clearing import Batch, Fills, claims_loop, pricing_loop
from protocol.compiled import compiled, steady
from protocol.errors import StalePrice
from protocol.ledger import Floats, Ints
from protocol.oracles.base import Status, read_index
from protocol.state import Listing, State
from protocol.units import Seconds
from protocol.venues.base import NOTHING_DUE, Due, Venue


class Gauge(NamedTuple):
    """What the dynamic fee remembers of the oracle's last round."""

    value: float  # cash coins per base coin
    time: float  # seconds
    fee: float  # share of notional


def dynamic_fee(fee: float, change: float, threshold: float, decay: float, least: float) -> float:
    """SIP-184: the fee of the next round, a share; `change` is the index's relative move, `threshold` the oracle's deviation."""
    return max(decay * fee + max(abs(change) - 2.0 * threshold, 0.0) - least, 0.0)


def owing(amount: Any, fee: float, source: Any, target: Any, new_source: Any, new_target: Any) -> Any:
    """SIP-37: units of the target that an exchange of `amount` of the source is to give back; negative: a rebate."""
    return amount * (1.0 - fee) * (source / target - new_source / new_target)


@compiled
def take(pool: Floats, size: float) -> float:
    """Cash units owed for `size` units; `pool` = [price in cash units per size unit, half spread with the dynamic fee]."""
    if pool[1] >= 1.0:
        return np.nan
    owed: float = np.ceil(size * pool[0] + abs(size) * pool[0] * pool[1])
    return owed


_fill_loop = claims_loop(take)
_pricing_loop = pricing_loop(take)


@steady
def _fill(pool: Floats, spare: Floats, desk: Any, terms: Any, batch: Any, fills: Any) -> None:
    _fill_loop(pool, spare, desk, terms, batch, fills)


@compiled
def _price(pool: Floats, spare: Floats, sizes: Ints, owed: Floats) -> None:
    _pricing_loop(pool, spare, sizes, owed)


@dataclass(frozen=True)
class SynthPool(Venue):
    """`wait` in seconds; `spread`, `threshold` (the oracle's) and `least` relative; `decay` per round of the oracle."""

    spread: float = 0.0004
    wait: Seconds = 180.0
    threshold: float = 0.002
    decay: float = 0.9
    least: float = 0.0

    counterparty: ClassVar[str] = "vault"

    def __post_init__(self) -> None:
        """Refuse negative shares and times."""
        wrong = [
            f"{name} = {getattr(self, name)}: must be {allowed}"
            for name, good, allowed in (
                ("spread", 0 <= self.spread < 1, "0 to below 1"),
                ("wait", self.wait >= 0, "0 or more seconds"),
                ("threshold", self.threshold >= 0, "0 or more, a share of the index"),
                ("decay", 0 <= self.decay < 1, "0 to below 1"),
                ("least", self.least >= 0, "0 or more"),
            )
            if not good
        ]
        if wrong:
            raise ValueError("\n".join(wrong))

    def start(self, state: State, listing: Listing, price: float) -> None:
        """No fee yet, and nothing to settle: rows of [account, size units, index at the fill, seconds when due]."""
        state.put(listing.path + ".gauge", Gauge(price, state.time, 0.0))
        state.put(listing.path + ".entries", np.empty((0, 4)))

    def mid(self, state: State, listing: Listing) -> float:
        """The index."""
        return read_index(state, listing).value

    def pool(self, state: State, listing: Listing) -> Floats:
        """See `take`. Raises StalePrice."""
        reading = read_index(state, listing)
        if reading.status != Status.FRESH:
            raise StalePrice(market=listing.name, status=reading.status.name, age=state.time - reading.time)
        gauge: Gauge = state.tables[listing.path + ".gauge"]
        return np.array([reading.value * listing.price_scale, 0.5 * self.spread + gauge.fee])

    def settlement(self) -> float:
        """The wait."""
        return self.wait

    def note(self, state: State, listing: Listing, batch: Batch, fills: Fills) -> None:
        """Remember every fill until it is settled."""
        done = fills.code == 0
        if self.wait == 0.0 or not done.any():
            return
        rows = np.empty((int(done.sum()), 4))
        rows[:, 0], rows[:, 1] = batch.account[done], batch.size[done]
        rows[:, 2], rows[:, 3] = read_index(state, listing).value, state.time + self.wait
        state.put(listing.path + ".entries", np.concatenate([state.tables[listing.path + ".entries"], rows]))

    def is_pending(self, state: State, listing: Listing, account: int) -> bool:
        """Whether a fill of the account waits for its settlement."""
        return bool((state.tables[listing.path + ".entries"][:, 0] == account).any())

    def observe(self, state: State, listing: Listing) -> Due:
        """Move the fee with a new round of the oracle; settle what is due, once there is an index to settle it at."""
        reading, gauge = read_index(state, listing), state.tables[listing.path + ".gauge"]
        if reading.time > gauge.time:
            change = reading.value / gauge.value - 1.0
            fee = dynamic_fee(gauge.fee, change, self.threshold, self.decay, self.least)
            state.put(listing.path + ".gauge", Gauge(reading.value, reading.time, fee))
        entries = state.tables[listing.path + ".entries"]
        due = entries[:, 3] <= state.time
        if reading.status != Status.FRESH or not due.any():
            return NOTHING_DUE
        state.put(listing.path + ".entries", entries[~due])
        account, size, index, _ = entries[due].T
        back = owing(size * index, 0.0, 1.0, index, 1.0, reading.value) * reading.value  # cash for size * index of it
        return Due(account.astype(np.int64), np.ceil(back * listing.price_scale).astype(np.int64))

    def fill(self, pool: Floats, desk: Any, terms: Any, batch: Batch, fills: Fills) -> None:
        """See `Venue.fill`."""
        _fill(pool, pool.copy(), tuple(desk), tuple(terms), tuple(batch), tuple(fills))

    def price(self, pool: Floats, sizes: Ints, owed: Floats) -> None:
        """See `Venue.price`."""
        _price(pool, pool.copy(), sizes, owed)
