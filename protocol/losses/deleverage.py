"""Auto-deleveraging: the most profitable and most levered accounts on the other side close against the bankrupt one.

Ranked by profit share times leverage, as Binance-type venues do; they close at the bankruptcy price, so the debtor ends at
zero but for the keeper's reward, which goes down the waterfall. Nobody closes more than their own equity can bear at that
price. Production queues over-haircut winners against pro rata (arXiv:2512.01112).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from protocol.losses.base import NOBODY, Charges, Loss, players
from protocol.margins.base import Threshold
from protocol.oracles.base import read_mark
from protocol.state import Listing, State


@dataclass(frozen=True)
class Deleverage(Loss):
    """Closes opposing positions; only those in profit when `least_profit` is 0 (a share of their entry)."""

    least_profit: float = 0.0

    takes_positions: ClassVar[bool] = True

    def take_over(self, state: State, listing: Listing, debtor: int) -> Charges:
        """The queue, served until the debtor's position is spoken for."""
        balance = state.ledger.balance
        size = int(balance[listing.size, debtor])
        who = players(state)
        held = balance[listing.size, who]
        who = who[(held * np.sign(size) < 0) & (who != debtor)]
        if len(who) == 0:
            return NOBODY
        price = read_mark(state, listing).value / listing.size_scale
        held, quote = balance[listing.size, who], balance[listing.quote, who] / listing.house.cash_scale
        profit = (held * price + quote) / np.maximum(np.abs(quote), 1e-12)
        worth, _ = state.exchange(listing.house).margin.standings(state, listing.house, Threshold.MAINTENANCE)
        leverage = np.abs(held) * price / np.maximum(worth[who], 1e-9)
        eligible = (profit > self.least_profit) & (worth[who] > 0)
        each = max(0.0, -worth[debtor] / abs(size))  # cash coins that closing one unit costs, against the mark
        if each > 0.0:
            held = np.sign(held) * np.minimum(np.abs(held), np.floor(np.maximum(worth[who], 0.0) / each)).astype(
                np.int64
            )
        who, held, score = who[eligible], np.abs(held[eligible]), (profit * leverage)[eligible]
        order = np.argsort(-score, kind="stable")
        who, held = who[order], held[order]
        before = np.concatenate([[0], np.cumsum(held)[:-1]])
        part = np.minimum(held, np.maximum(0, abs(size) - before))
        return Charges(who[part > 0], part[part > 0])
