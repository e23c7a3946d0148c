"""The insurance drain: two own accounts, opposite legs at the highest leverage; the loser is bankrupt at others' expense.

Neither leg is a bet, together they are worth nothing; but the losing account can lose no more than its margin, and whoever stands
behind it (insurance, vault, all others) pays the rest to the winner. It needs a jump of the index beyond the margin, and
makes one where the market that reporters look at is thin. YFI on dYdX, November 2023: 50 million of positions over a hundred
wallets, a fall of 30 % in an hour, and 9 of 22.5 million of insurance gone.
What stops it: margin that grows with position against depth, open-interest caps that follow depth, profit that vests.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.attacks.two_legs import TwoLegs


@dataclass(frozen=True)
class InsuranceDrain(TwoLegs):
    """Breaks the short leg with one push; whoever stands behind it pays."""
