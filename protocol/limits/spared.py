"""One account spared: nobody may liquidate it for a while, and everybody else as ever.

It answers a question of study: the twin of a run in which one liquidation is taken out shows what that one brought about
(`experiments.cascades.intervention`). As a rule of an exchange it is a privilege, and whoever shares losses would pay for it:
honest users are charged what is not sold in time.
Attack surface: whoever is spared holds a free
option against the insurance, and takes the largest position it can get.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from protocol.limits.base import Limit
from protocol.state import Listing, State


@dataclass(frozen=True)
class Spared(Limit):
    """`account` is its number in the ledger (0: nobody's); from `since` to before `until`, seconds."""

    account: int = 0
    since: float = 0.0
    until: float = 0.0

    def __post_init__(self) -> None:
        """Refuse accounts that cannot be, and times that do not lead on."""
        wrong = []
        if self.account < 0:
            wrong.append(f"account = {self.account}: must be 0 or more")
        if not 0 <= self.since < math.inf:
            wrong.append(f"since = {self.since}: must be 0 or more seconds")
        if not self.until >= self.since:
            wrong.append(f"until = {self.until}: must be since = {self.since} seconds or later")
        if wrong:
            raise ValueError("\n".join(wrong))

    def spares(self, state: State, listing: Listing, at: str, account: int) -> bool:
        """The one, for its time."""
        return account == self.account and self.since <= state.time < self.until
