"""Admission: credentials given and taken back by their authority, and what an account without one may not do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocol.access import Access, Permissionless
from protocol.clearing import Batch
from protocol.errors import NotAdmitted, NotAllowed, NothingToDo
from protocol.ledger import WORLD, Reason
from protocol.state import Listing, State


def authorise(state: State, credential: str, account: int) -> None:
    """Make an account the authority over a credential, before the first block. Raises NothingToDo where nobody asks for one."""
    if credential not in state.ledger.row:
        raise NothingToDo(credential=credential)
    state.put(f"credential.{credential}", account)


def grant(state: State, account: int, credential: str, holder: int) -> None:
    """Give a credential. Raises NotAllowed, and NothingToDo where it is held already."""
    row = _need_authority(state, account, credential)
    if state.ledger.balance[row, holder] > 0:
        raise NothingToDo(credential=credential, holder=holder)

    state.ledger.move(row, WORLD, holder, 1, Reason.CREDENTIAL)


def revoke(state: State, account: int, credential: str, holder: int) -> None:
    """Take a credential back. Raises NotAllowed, and NothingToDo where none is held."""
    row = _need_authority(state, account, credential)
    if state.ledger.balance[row, holder] <= 0:
        raise NothingToDo(credential=credential, holder=holder)

    state.ledger.move(row, holder, WORLD, 1, Reason.CREDENTIAL)


def need_admission(state: State, access: Access, account: int, where: str) -> None:
    """Raises NotAdmitted."""
    if not access.admits(state, np.array([account]))[0]:
        raise NotAdmitted(account=account, market=where)


def admitted(state: State, listing: Listing, batch: Batch) -> NDArray[np.bool_] | None:
    """Which orders of a batch may be filled; None: all of them. Shape [n].

    Without a credential an account may shrink the position it has, with its first order of the batch.
    """
    access = state.market(listing).access
    if isinstance(access, Permissionless):
        return None
    may = access.admits(state, batch.account)
    if listing.size >= 0:
        may |= shrinking(state, listing, batch)
    return None if may.all() else may


def shrinking(state: State, listing: Listing, batch: Batch) -> NDArray[np.bool_]:
    """Which orders of a batch can only shrink the position of claims there is: an account's first, and no larger. Shape [n]."""
    held = state.ledger.balance[listing.size, batch.account]
    first = np.zeros(len(held), np.bool_)
    first[np.unique(batch.account, return_index=True)[1]] = True
    smaller: NDArray[np.bool_] = first & (np.sign(batch.size) == -np.sign(held)) & (np.abs(batch.size) <= np.abs(held))
    return smaller


def _need_authority(state: State, account: int, credential: str) -> int:
    if state.tables.get(f"credential.{credential}") != account:
        raise NotAllowed(account=account, credential=credential)
    return state.ledger.row[credential]
