"""What those who play on both sides of a bridge share: their two accounts, and where the token is traded on either."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agents.player import Player, Role
from agents.view import View
from protocol.bridge import Message, final_at, waiting
from protocol.bridge_transactions import Carry
from protocol.ledger import WORLD, Reason
from protocol.state import Listing, Span, State
from protocol.units import to_units_down

if TYPE_CHECKING:
    from agents.game import Game
    from agents.lost import Lost


class Ends(NamedTuple):
    """A player's two ends of a bridge."""

    span: Span
    near: Listing  # market of the token on the source chain
    far: Listing  # market of what stands for it on the target chain
    home: int  # account on the source chain
    away: int  # account on the target chain

    def chains(self) -> frozenset[int]:
        """Both."""
        return frozenset((self.span.source, self.span.target))


def span_named(state: State, name: str) -> Span:
    """A bridge by name; '' is the first. Raises ValueError where there is none."""
    names = [span.name for span in state.spans]
    if not names or (name and name not in names):
        raise ValueError(f"bridge = {name!r}: there are {', '.join(names) or 'none'}")
    return state.spans[names.index(name)] if name else state.spans[0]


class Across(Role):
    """Whoever plays at both ends of a `bridge` ('': the first)."""

    bridge: str

    def chains(self, game: Game) -> frozenset[int]:
        """Both ends of the bridge."""
        span = span_named(game.state, self.bridge)
        return frozenset((span.source, span.target))

    def without(self, lost: Lost) -> Role | None:
        """Nobody, where the bridge has gone."""
        gone = (self.bridge or lost.before.bridges[0].name) in lost.bridges
        return None if gone else super().without(lost)


def settle_from_home(game: Game, me: Player, bridge: str, cash: float, base: float) -> Ends:
    """As `settle_on_both`, of somebody who must be at home where the bridge starts. Raises ValueError."""
    ends = settle_on_both(game, me, bridge, cash, base)
    if me.account != ends.home:
        kind = type(me.role).__name__
        raise ValueError(f"exchange = {me.role.exchange!r}: a {kind} is at home where {ends.span.name} starts")
    return ends


def settle_on_both(game: Game, me: Player, bridge: str, cash: float, base: float) -> Ends:
    """Find both markets, and open the account that a player lacks on the other chain, with cash and base coins in it.

    Raises ValueError where the bridge, or a market at one of its ends, is missing.
    """
    span = span_named(game.state, bridge)
    near, far = _market(game.state, span.source, span.token, me), _market(game.state, span.target, span.wrapped, me)
    ledger, owner = game.state.ledger, int(game.state.ledger.owner[me.account])
    chain = int(ledger.chain[me.account])
    if chain not in (span.source, span.target):
        raise ValueError(f"exchange = {me.role.exchange!r}: must be at one of the ends of {span.name}")
    other = far if chain == span.source else near
    second = ledger.open(me.role.label, owner=owner, chain=span.other(chain))
    ledger.move(other.house.token, WORLD, second, to_units_down(cash, int(other.house.cash_scale)), Reason.GENESIS)
    ledger.move(other.base, WORLD, second, to_units_down(base, int(other.size_scale)), Reason.GENESIS)
    home, away = (me.account, second) if chain == span.source else (second, me.account)
    return Ends(span, near, far, home, away)


def _market(state: State, chain: int, row: int, me: Player) -> Listing:
    for house in state.houses_of(chain):
        for listing in state.listings[house.index]:
            if listing.base == row and listing.size < 0:
                return listing
    raise ValueError(
        f"{me.role.label}: {state.ledger.assets[row].name} has no market on {state.rules.chains[chain].name}"
    )


def next_salt(me: Player) -> int:
    """A number that this player has not used yet."""
    me.memory["salt"] = me.memory.get("salt", 0) + 1
    return int(me.memory["salt"])


def on_the_way(view: View, ends: Ends) -> int:
    """Units of a player's own that are on the bridge, either way."""
    return sum(
        message.key.units
        for chain in (ends.span.source, ends.span.target)
        for message in waiting(view.state, ends.span, chain)
        if message.key.account in (ends.home, ends.away)
    )


def ripe(view: View, span: Span, chain: int) -> list[Message]:
    """Messages sent from the other chain that can be carried out in the block that `chain` is about to seal."""
    there = span.other(chain)
    found = []
    for message in waiting(view.state, span, there):
        blocks, due = final_at(view.state, span, there, message)
        if blocks == 0 and due <= view.seal:
            found.append(message)
    return found


def carries(view: View, ends: Ends, keys: set[int]) -> list[Carry]:
    """Transactions that carry out, on the chain about to seal, what accounts `keys` have sent, as far as it is ripe."""
    account = ends.home if view.chain == ends.span.source else ends.away
    return [
        Carry(ends.span, account, message.key)
        for message in ripe(view, ends.span, view.chain)
        if message.key.account in keys
    ]
