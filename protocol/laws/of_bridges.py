"""What must hold of bridges and of deals over two chains, in every state."""

from __future__ import annotations

import numpy as np

from protocol.bridge import deals, in_flight, legs, orphaned, supply
from protocol.state import Span, State


def bridges_add_up(state: State) -> list[str]:
    """Escrow holds what is wrapped and what is on its way, to the unit, less what has been carried for messages since forgotten."""
    wrong = []
    for span in state.spans:
        held = int(state.ledger.balance[span.token, span.escrow])
        there, way, lost = supply(state, span), in_flight(state, span), orphaned(state, span)
        if held != there + way - lost:
            wrong.append(f"{span.path}: escrow holds {held}; wrapped are {there}, on their way {way}, orphaned {lost}")
    return wrong


def wrapped_is_backed(state: State) -> list[str]:
    """There is never more of a wrapped token than escrow holds, where messages wait for longer than a reorganisation is deep.

    Where they do not, the bridge may lose what `shortfall` says, and its holders bear it: the rule's fault, not the ledger's.
    """
    wrong = []
    for span in state.spans:
        held, there = int(state.ledger.balance[span.token, span.escrow]), supply(state, span)
        if held < there and _waits_enough(state, span):
            wrong.append(f"{span.path}: there are {there} wrapped units and {held} in escrow")
    return wrong


def _waits_enough(state: State, span: Span) -> bool:
    """Whether nothing that a bridge carries can be forgotten later."""
    bridge = state.rules.bridges[span.index]
    for chain, depth in ((span.source, bridge.depth), (span.target, bridge.return_depth)):
        reorgs = state.rules.chains[chain].reorgs
        if reorgs is not None and depth < reorgs.deepest:
            return False
    return True


def deals_are_backed(state: State) -> list[str]:
    """Each box holds what its open halves of deals promise, and the margin of its open legs, token by token."""
    wrong = []
    for span in state.spans:
        for chain, box in zip((span.source, span.target), span.boxes, strict=True):
            owed = np.zeros(len(state.ledger.assets), np.int64)
            for deal in deals(state, span, chain).values():
                owed[deal.token] += 0 if deal.over else deal.units
            for leg in legs(state, span, chain).values():
                owed[state.markets[leg.market].house.token] += 0 if leg.over else sum(leg.margins)
            held = state.ledger.balance[:, box]
            wrong += [
                f"{span.path}: the box holds {held[row]} {state.ledger.assets[row].name} and has promised {owed[row]}"
                for row in np.flatnonzero(held != owed)
            ]
    return wrong
