"""What verbs give back: the trade, or the forced closure, that happened."""

from __future__ import annotations

from typing import NamedTuple

from protocol.state import Listing


class Fill(NamedTuple):
    """A trade that happened."""

    account: int
    listing: Listing
    size: int  # units of base, signed
    owed: int  # cash units, negative: received; fee apart


class Queued(NamedTuple):
    """An order that waits for an auction. Nothing has been traded, and nothing is owed, until it is cleared."""

    account: int
    listing: Listing
    size: int  # units of base asked for, signed
    owed: int = 0


class Liquidated(NamedTuple):
    """A forced closure that happened. Cash amounts in units."""

    account: int
    keeper: int
    listing: Listing
    size: int  # units of base traded for the account, signed
    notional: int
    reward: int
    penalty: int
    deleveraged: int  # size units closed against other players instead of sold
    taken: int  # size units that the keeper took over
    deficit: int  # what the account was short of at the end
    covered: tuple[tuple[str, int], ...]  # (loss step, what it paid)
