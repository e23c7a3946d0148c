"""Where things live: a transaction belongs to one chain, that of its sender's account, and so must all that it names.

What lives on another chain can be read by anybody who follows that one too, and reached by nobody: only a bridge's messages
cross.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from protocol.errors import WrongChain
from protocol.state import House, Issue, Lender, Listing, Mandate, Pledgeable, Span, State


def need_here(state: State, chain: int, transaction: Any) -> None:
    """Raises WrongChain unless the sender, and all that a transaction names, lives on `chain`."""
    for lives in _chains(state, transaction):
        if lives != chain:
            raise WrongChain(chain=state.rules.chains[chain].name, lives=state.rules.chains[lives].name)


def _chains(state: State, transaction: Any) -> Iterator[int]:
    yield int(state.ledger.chain[transaction.account])
    for part in transaction:
        if isinstance(part, House):
            yield part.chain
        elif isinstance(part, Listing | Pledgeable | Lender | Mandate):
            yield part.house.chain
        elif isinstance(part, Issue):
            yield part.listing.house.chain
        elif isinstance(part, Span) and state.ledger.chain[transaction.account] not in (part.source, part.target):
            yield part.source
    for inner in getattr(transaction, "transactions", ()):
        yield from _chains(state, inner)
