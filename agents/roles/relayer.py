"""The relayer: it carries a bridge's messages across, once they are final, for the fee.

It takes a message for final when the bridge does; whether the chain may still forget it is not its risk but the bridge's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player
from agents.roles.across import Across, Ends, ripe, settle_on_both
from agents.view import View
from protocol.bridge_transactions import Carry
from protocol.settings import refusals

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Relayer(Across):
    """Carries for `bridge` ('': the first), at most `most` messages a block, where the fee beats the gas by `least_profit`."""

    kind = "relayer"

    capital: float = 10_000.0
    latency: float = 0.5
    bridge: str = ""
    most: int = 20
    least_profit: float = 0.01

    def mistakes(self) -> list[str]:
        """It carries something."""
        return refusals(self, most=(self.most >= 1, "1 or more messages"))

    def prepare(self, me: Player, game: Game) -> None:
        """An account on either side."""
        me.memory.update(ends=settle_on_both(game, me, self.bridge, self.capital, 0.0), sent={})

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Carry out what is final and pays."""
        ends: Ends = me.memory["ends"]
        span, here = ends.span, view.chain
        account, listing = (ends.home, ends.near) if here == span.source else (ends.away, ends.far)
        asset, rate = view.state.market(listing).instrument.base, view.state.rules.bridges[span.index].fee
        sent: dict[object, float] = me.memory["sent"]
        count = 0
        for message in ripe(view, span, here):
            if sent.get(message.key, 0.0) > view.time or count == self.most:
                continue
            carry = Carry(span, account, message.key)
            fee = rate * message.key.units / span.scale * view.reference(asset)
            if fee - carry.gas * (view.fee(listing) + self.tip) <= self.least_profit:
                continue
            if view.simulate(carry, view.seal)[1] is not None:
                continue
            sent[message.key] = view.seal + self.latency  # whether it went through is not in view until then
            count += 1
            yield me.send(carry)
