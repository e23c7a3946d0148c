"""Capital and what it earned: margin posted, notional held on it, the vault behind it, and the debts nobody could pay.

Looked at every hundred blocks from outside the game, so that no block waits for it: means over those looks, the state at
the start and at the end among them. Margin posted is what accounts that hold a position are worth at the index, where that
is above zero, pledged collateral and loans left out; cash of those who hold none stands idle and is left out.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agents.game import Game
from experiments.wealth import close, holdings
from protocol.ledger import WORLD, Floats
from protocol.margins.base import Threshold
from protocol.oracles.base import read_mark
from protocol.state import House, State


class Look(NamedTuple):
    """One exchange at one moment. Cash coins."""

    posted: Floats  # [groups] margin posted
    held: Floats  # [groups] notional of positions, longs and shorts added, each at its mark
    vault: float  # equity of the vault at the index; 0 without one


def players(state: State) -> NDArray[np.bool_]:
    """Which accounts are anybody's but the protocol's. Shape [accounts]."""
    mask: NDArray[np.bool_] = state.ledger.exchange < 0
    mask[WORLD] = False
    return mask


def look(state: State, house: House) -> Look:
    """Margin posted, notional held, and the vault, now."""
    ledger, mine = state.ledger, players(state)
    worth, _ = state.exchange(house).margin.standings(state, house, Threshold.MAINTENANCE)
    held = np.zeros(ledger.accounts)
    for listing in state.claims[house.index]:
        mark = read_mark(state, listing).value
        held += np.abs(ledger.balance[listing.size]) * (mark / listing.size_scale)
    held[~mine] = 0.0
    posted = np.where(held > 0, np.maximum(worth, 0.0), 0.0)
    vault = float(worth[house.vault]) if house.vault >= 0 else 0.0
    return Look(_by_group(state, posted), _by_group(state, held), vault)


def _by_group(state: State, amounts: Floats) -> Floats:
    groups = len(state.ledger.groups)
    return np.bincount(state.ledger.group, weights=amounts, minlength=groups).astype(np.float64)


def share_value(game: Game, state: State, house: House) -> float:
    """Cash coins a vault share is worth at the game's latest fair, after a closing; nan without a vault or shares."""
    supply = -float(state.ledger.balance[house.share, WORLD]) if house.share >= 0 else 0.0
    return float(close(game, state, house, holdings(state))[0][house.vault]) / supply if supply > 0 else math.nan


class Capital:
    """The looks of one run."""

    def __init__(self, game: Game) -> None:
        self.game = game
        self.looks: list[list[Look]] = [[] for _ in game.state.houses]
        self.look()

    def look(self) -> None:
        """Look at every exchange."""
        for house, looks in zip(self.game.state.houses, self.looks, strict=True):
            looks.append(look(self.game.state, house))

    def metrics(self, start: State, row: dict[str, Any]) -> dict[str, Any]:
        """Further entries for a run's `row`. Cash in coins; returns and debts per unit are over the whole run, not by the year.

        - `margin.GROUP`: its margin posted, mean; `return.GROUP`: its gain per unit of that (nan: it posted none)
        - `EXCHANGE.margin`, `EXCHANGE.held`: margin posted, and notional held on it, by all players, means
        - `EXCHANGE.leverage`: held per unit of margin: how much open interest a coin of margin carries
        - `EXCHANGE.vault_capital`: equity of the vault, mean; `EXCHANGE.return_on_vault`: growth of a share's value at fair
        - `EXCHANGE.bad_debt`: deficits passed on, and what players are below zero at the end; `bad_debt_per_held`: per unit held
        """
        self.look()
        state = self.game.state
        more: dict[str, Any] = {}
        names = state.ledger.groups
        posted = pd.Series(0.0, names)
        for house, looks in zip(state.houses, self.looks, strict=True):
            margin = np.mean([one.posted for one in looks], axis=0)
            held = float(np.mean([one.held.sum() for one in looks]))
            debt = row[f"{house.name}.deficit"] + row[f"{house.name}.underwater"]
            before = share_value(self.game, start, house)
            posted += margin
            more |= {
                f"{house.name}.margin": float(margin.sum()),
                f"{house.name}.held": held,
                f"{house.name}.leverage": _per(held, float(margin.sum())),
                f"{house.name}.vault_capital": float(np.mean([one.vault for one in looks])),
                f"{house.name}.return_on_vault": _per(share_value(self.game, state, house), before) - 1.0,
                f"{house.name}.bad_debt": debt,
                f"{house.name}.bad_debt_per_held": _per(debt, held),
            }
        for group, margin in posted.items():
            if margin > 0:
                more |= {f"margin.{group}": margin, f"return.{group}": _per(row[f"gain.{group}"], margin)}
        return more


def _per(amount: float, unit: float) -> float:
    return amount / unit if unit > 0 else math.nan
