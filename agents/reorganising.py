"""A reorganisation as the game sees it: blocks undone, what was in them sent again, and debts to the world outside settled.

What a block has served goes back into the mempool as it was, unless its sender has something to gain from its never having
been (`Role.resends`): in practice a conflicting transaction of the same number. Who has sold off-chain what a block that is no
more had brought him owes it there: the reference venue buys in at its mid, and bears what his cash does not cover.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from protocol.ledger import WORLD, Reason
from protocol.mempool import Orders
from protocol.undoing import overdrawn, undo

if TYPE_CHECKING:
    from agents.game import Game


def reorganise(game: Game, chain: int, time: float, uniform: float) -> int:
    """Undo the newest blocks of a chain, if chance has it; returns how many."""
    law, history, state = game.state.rules.chains[chain].reorgs, game.undoable[chain], game.state
    depth = min(len(history), law.depth(uniform)) if law is not None else 0
    if depth == 0:
        return 0
    blocks = [history.pop() for _ in range(depth)]
    for block in blocks:
        undo(state, block)
        game.recorder.take_back(chain)
    owner, dropped = state.ledger.owner, 0
    roles = {int(owner[player.account]): player.role for player in game.players}
    for block in reversed(blocks):
        for pending in block.sent.singles:
            role = roles.get(int(owner[pending.transaction.account]))
            again = role is None or role.resends(pending.transaction)
            dropped += not again
            if again:
                game.mempools[chain].send(pending)
        if len(block.sent.rows):
            game.mempools[chain].send(Orders(block.sent.rows))
    short, borne = _buy_in(game, chain)
    told = {
        "chain": state.rules.chains[chain].name,
        "blocks": depth,
        "dropped": dropped,
        "short": short,
        "borne": borne,
    }
    game.recorder.note(time, "", "reorganisation", **told)
    return depth


def _buy_in(game: Game, chain: int) -> tuple[float, float]:
    """Cover what accounts are short of, against their cash; cash coins it came to, and what their cash did not cover."""
    state, ledger = game.state, game.state.ledger
    house = state.houses_of(chain)[0]
    came, borne = 0.0, 0.0
    for row, account, units in overdrawn(state, chain):
        price, scale = _price(game, chain, row), ledger.assets[row].scale
        due = math.ceil(units / scale * price * house.cash_scale)
        ledger.move(row, WORLD, account, units, Reason.REORGANISATION)
        paid = 0 if row == house.token else min(due, max(0, int(ledger.balance[house.token, account])))
        ledger.move(house.token, account, WORLD, paid, Reason.REORGANISATION)
        came += due / house.cash_scale
        borne += (due - paid) / house.cash_scale
    return came, borne


def _price(game: Game, chain: int, row: int) -> float:
    """Cash coins per coin of a token at the reference venues' latest mids; 0 of what none of them trades."""
    state = game.state
    if any(house.token == row for house in state.houses_of(chain)):
        return 1.0
    for house in state.houses_of(chain):
        for listing in state.listings[house.index]:
            if listing.base == row:
                return game.mid_now(state.market(listing).instrument.base)
    return 0.0
