"""Who cannot pay: debts cleared through claims on debtors who cannot pay either.

What is pledged may be shares of a loan pool of the same exchange, and those are worth what the pool's borrowers can pay. So the
greatest clearing vector is found by going down from full payment (Eisenberg and Noe 2001, Management Science 47(2), 236-249): a
pool whose debtor falls short is worth less, and whoever had pledged its shares may fall short in turn (Cream, October 2021: two
accounts of one owner were each other's collateral).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocol.ledger import WORLD, Floats
from protocol.state import House, State

ENOUGH = 1e-9  # of a pool: what payments may still change by when they are called settled
ROUNDS = 2_000


def bankrupt(
    state: State, house: House, worth: Floats, loans: Floats, pledged: Floats, tills: Floats
) -> NDArray[np.bool_]:
    """Players of an exchange who have less than they owe. Shape [accounts].

    `worth`: claims without collateral and loans, [accounts]; `loans`: what each account owes, [loan pools, accounts]; `pledged`:
    [collateral, accounts], every debt taken as good; `tills`: what a pool has not lent, [loan pools]. All cash coins at fair.
    """
    players = state.ledger.exchange < 0
    players[WORLD] = False
    lenders, seats, owed = state.lenders[house.index], state.pledges[house.index], loans.sum(axis=0)
    pool_of = {lender.share: number for number, lender in enumerate(lenders)}
    pools = np.array([pool_of.get(seat.token, len(lenders)) for seat in seats], np.int64)
    paid = np.ones(len(lenders) + 1)  # of each coin a pool is good for; the last: of what is no pool's share
    for _ in range(ROUNDS):
        means = worth + paid[pools] @ pledged
        broke: NDArray[np.bool_] = players & (means < owed)
        if not (pools < len(lenders)).any() or not broke.any():
            break
        part = np.where(broke, np.clip(means, 0.0, owed) / np.where(owed > 0, owed, 1.0), 1.0)
        good = tills + loans.sum(axis=1)
        now = np.where(good > 0, (tills + loans @ part) / np.where(good > 0, good, 1.0), 1.0)
        if (paid[:-1] - now <= ENOUGH).all():
            break
        paid[:-1] = now
    return broke
