"""An errand: something that a protocol wants done and pays a fixed reward for, done when that beats the gas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from agents.player import Player, Send
from agents.view import View
from protocol.state import Listing
from protocol.transactions import Transaction


class Runner(Protocol):
    """What a role that runs errands says of itself."""

    @property
    def tip(self) -> float:
        """Cash coins per gas that it offers at least."""

    @property
    def bid_share(self) -> float:
        """The share of the profit that it bids as tip."""

    @property
    def least_profit(self) -> float:
        """Cash coins beyond gas."""


def run_errand(
    role: Runner, me: Player, view: View, listing: Listing, what: str, transaction: Transaction, reward: float
) -> Iterable[Send]:
    """Send it if it would be done and pays; note why not. `listing` names the chain whose gas it burns."""
    _, revert = view.simulate(transaction)
    if revert is not None:
        me.note(view, f"{what} impossible", why=type(revert).__name__)
        return ()
    cost = transaction.gas * view.fee(listing)
    profit = reward - cost
    if profit <= role.least_profit:
        me.note(view, f"{what} declined", reward=reward, gas=cost)
        return ()
    return (me.send(transaction, max(role.tip, role.bid_share * profit / transaction.gas)),)
