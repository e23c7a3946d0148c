"""The common holder: one purse behind positions on several exchanges, so that a margin call on one sells on another.

It takes the same side everywhere, at the same leverage, and then holds. Where an exchange's equity comes near maintenance it moves
free margin from the others there, and where that is not enough it sells there to fund here. With separate purses (`pooled` 0)
each position stands and falls alone; so does that on an exchange kept `apart`, and the purse is whole between the others. Common
holders: Caccioli, Shrestha, Moore and Farmer (2014), Cont and Schaanning (2019).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player
from agents.roles.purse import Pooled, markets_of
from agents.streams import uniform_at
from agents.view import View
from protocol.margins.base import Threshold
from protocol.settings import refusals
from protocol.state import House, Listing
from protocol.transactions import Trade

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class CommonHolder(Pooled):
    """An equal part of its capital on each exchange, levered `leverage` times, long by chance `long`.

    Enters at a moment of its own within `spread` seconds; keeps `gas` cash coins back.
    """

    kind = "holder"

    count: int = 20
    capital: float = 50_000.0
    latency: float = 0.5
    call: float = 1.5
    leverage: float = 5.0
    long: float = 1.0
    spread: float = 300.0
    gas: float = 500.0

    def mistakes(self) -> list[str]:
        """Shares and chances are such."""
        return super().mistakes() + refusals(
            self,
            leverage=(self.leverage > 0, "above 0, notional over equity"),
            long=(0 <= self.long <= 1, "0 to 1, a chance"),
            spread=(self.spread >= 0, "0 or more seconds"),
            gas=(0 <= self.gas < self.capital or self.capital == 0, "0 to below capital, cash coins"),
        )

    @property
    def staked(self) -> float:
        """All but what it keeps for gas."""
        return self.capital - self.gas

    def _scaled(self, part: float) -> float:
        return self.gas + part * self.staked

    def prepare(self, me: Player, game: Game) -> None:
        """An equal part of the capital on each exchange; draw side and moment."""
        self.open_tills(me, game)
        key = game.streams.key(f"{me.label}.temper")
        side = 1 if uniform_at(key, 0, 0) < self.long else -1
        me.memory.update(side=side, since=self.spread * uniform_at(key, 0, 1), entered=set())

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Enter once on each exchange; then answer margin calls."""
        memory, houses = me.memory, me.memory["houses"]
        if view.time < memory["since"] or self.waits(me, view):
            return ()
        actions: list[Action] = []
        for house, listing in zip(houses, markets_of(view, houses), strict=True):
            if house.name not in memory["entered"]:
                actions += self._enter(me, view, house, listing)
        if not actions:
            return self.answers(me, view)
        memory["until"] = view.seal
        return actions

    def _enter(self, me: Player, view: View, house: House, listing: Listing) -> list[Action]:
        """Its whole position at once, unless the venue refuses it now."""
        margin = view.state.exchange(house).margin
        worth, _ = margin.standing(view.state, house, Threshold.INITIAL, me.account)
        mid = view.mid(listing)
        size = int(me.memory["side"] * self.leverage * worth / mid * listing.size_scale)
        trade = Trade(listing, me.account, size, mid * (1.0 + me.memory["side"] * self.slippage))
        if size == 0 or view.simulate(trade)[1] is not None:
            return []
        me.memory["entered"].add(house.name)
        return [me.send(trade)]
