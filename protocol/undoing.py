"""Blocks undone: what one has moved and written is kept until no reorganisation can reach it, and taken back newest first.

Other chains touch no account and write no table of this one, so it does not matter what they have done since: moves add up,
and tables are whole again. What players have done off-chain meanwhile stands, and may leave them short (`overdrawn`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from protocol.ledger import Ints, Reason
from protocol.mempool import Pending, Rows, Waiting
from protocol.state import Mark, State


class Undoable(NamedTuple):
    """What one block has done to its chain."""

    moves: Ints  # [n, 5] its part of the journal
    writes: list[tuple[str, Any, Any]]  # what stood in tables before, in the order of writing
    sent: Waiting  # the transactions it served


def keep(state: State, mark: Mark, sent: Waiting) -> Undoable:
    """A block just sealed, before its journal is let go. `mark`: from just before it was."""
    return Undoable(state.ledger.moves_since(mark.moves).copy(), state.writes_since(mark), sent)


def undo(state: State, block: Undoable) -> None:
    """Take a chain's newest block back. Written into the journal like any other change."""
    for asset in np.unique(block.moves[:, 0]).tolist():
        rows = block.moves[block.moves[:, 0] == asset]
        state.ledger.force(asset, rows[:, 2].copy(), rows[:, 1].copy(), rows[:, 3].copy(), Reason.REORGANISATION)
    state.take_back(block.writes)


def overdrawn(state: State, chain: int) -> list[tuple[int, int, int]]:
    """(token, account, units) that a chain's accounts are short of, having spent elsewhere what has been undone here."""
    ledger = state.ledger
    short = (ledger.balance < 0) & ledger.is_token[:, None] & (ledger.chain == chain)[None, :]
    short[:, 0] = False
    return [(row, account, -int(ledger.balance[row, account])) for row, account in np.argwhere(short).tolist()]


def served(pending: list[Pending], queue: Rows, order: Ints) -> Waiting:
    """What a block serves, to be sent again should it be undone."""
    singles = [pending[place] for place in order.tolist() if place < len(pending)]
    return Waiting(singles, queue[order[order >= len(pending)]])
