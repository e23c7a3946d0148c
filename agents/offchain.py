"""What is settled at once and off any chain: trades on a reference venue, and bribes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from protocol.ledger import WORLD, Reason

if TYPE_CHECKING:
    from agents.game import Game
    from agents.player import Bribe, Player, ReferenceTrade


def trade_reference(game: Game, player: Player, order: ReferenceTrade) -> None:
    """Settle an off-chain order at once: tokens against tokens, with WORLD on the other side."""
    column = game.column[order.asset]
    market, fair = game.references[column], float(game.fair[game.known, column])
    listing = game.listing(player.role.market, player.role.exchange)
    if any(span.wrapped == listing.base for span in game.state.spans):
        raise ValueError(f"{player.label}: a wrapped token is traded on its own chain alone")
    base = int(order.size * listing.size_scale)
    size = base / listing.size_scale
    cash = market.quote(fair, size)
    units = math.ceil(cash * listing.house.cash_scale) if math.isfinite(cash) else 1 << 62  # out of the book's reach
    ledger = game.state.ledger
    has_cash = units <= ledger.balance[listing.house.token, player.account]
    if not (has_cash and -base <= ledger.balance[listing.base, player.account]):
        game.recorder.note(game.state.time, player.label, "reference trade refused", size=size)
        return
    market.trade(fair, size)
    game.mids[game.known, column] = market.mid(fair)
    for row, amount in ((listing.house.token, -units), (listing.base, base)):
        src, dst = (WORLD, player.account) if amount > 0 else (player.account, WORLD)
        ledger.move(row, src, dst, abs(amount), Reason.REFERENCE)


def bribe(game: Game, player: Player, offer: Bribe) -> None:
    """Pay somebody from wallet to wallet, if it takes that much; it keeps what was agreed in mind."""
    payee, house = game.seat(offer.payee), game.house(player.role.exchange)
    units = math.ceil(offer.cash * house.cash_scale)
    afford = units <= game.state.ledger.balance[house.token, player.account]
    ledger = game.state.ledger
    apart = payee is not None and ledger.chain[payee.account] != ledger.chain[player.account]
    if payee is None or apart or not afford or offer.cash < payee.role.asks(game.state.time):
        game.recorder.note(game.state.time, player.label, "bribe refused", payee=offer.payee, cash=offer.cash)
        return
    if units:
        game.state.ledger.move(house.token, player.account, payee.account, units, Reason.BRIBE)
    payee.memory["deal"] = offer
    game.recorder.note(game.state.time, player.label, "bribe", payee=offer.payee, cash=offer.cash)
