"""The authority: it gives credentials to the groups it vouches for, one transaction each, and so decides who trades where.

It holds nobody's money and sees what everybody sees. Those it admits late, because the chain is full, come late.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.view import View
from protocol import exchange
from protocol.errors import NothingToDo
from protocol.motions import Grant, Revoke

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class Authority(Role):
    """Vouches for the members of the groups `admits`, until `until` seconds, and takes it back from all of them then.

    At most `most` decisions a look, every `ponder` seconds, which is longer than a transaction waits.
    """

    capital: float = 50_000.0
    tip: float = 2e-8
    credential: str = "PASS"
    admits: tuple[str, ...] = ()
    until: float = 1e12
    most: int = 50
    ponder: float = 150.0

    def mistakes(self) -> list[str]:
        """It looks now and then."""
        return [] if self.ponder > 0 else [f"ponder = {self.ponder}: must be above 0 seconds"]

    def prepare(self, me: Player, game: Game) -> None:
        """Take office."""
        try:
            exchange.authorise(game.state, self.credential, me.account)
        except NothingToDo:
            raise ValueError(f"credential = {self.credential!r}: no market and no vault asks for it") from None
        me.memory["next"] = 0.0

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Give to those who should have it, take from those who should not."""
        if view.time < me.memory["next"]:
            return ()
        me.memory["next"] = view.time + self.ponder
        ledger = view.state.ledger
        holds = ledger.balance[ledger.row[self.credential]]
        members = [int(account) for account in ledger.of_group(self.admits)]
        if view.time < self.until:
            lacking = [account for account in members if holds[account] == 0][: self.most]
            return [me.send(Grant(me.account, self.credential, account)) for account in lacking]
        holding = [account for account in members if holds[account] > 0][: self.most]
        return [me.send(Revoke(me.account, self.credential, account)) for account in holding]
