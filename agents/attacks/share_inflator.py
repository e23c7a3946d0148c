"""The share inflator: first into an empty vault with next to nothing, then a gift, so that the next one's shares are rounded away.

One unit buys the only share; a gift D makes it worth D + 1; who then brings V gets V / (D + 1) shares rounded down, and what is
rounded off belongs to the share that was there. With one share for V between D and 2 D the first depositor leaves with half of
D + V, and earns (V - D) / 2 (OpenZeppelin, "ERC-4626 inflation attack", 2022; Hundred Finance, April 2023, and Sonne, May 2024,
lost 7 and 20 million to it). A deposit below D gets no share and is refused; above 2 D it gets two, and the gift costs more
than it takes.

It must guess V: what is in players' wallets is public, and it weighs gifts against each of the fullest, and against parts
of them. It is in with the first block, and out once somebody has come, or after `hold`. Stopped by virtual shares, which own
nearly all of the gift, by shares of the first deposit that are locked for ever, and by founders who came before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.attacks.base import Attack
from agents.player import Action, Player
from agents.view import View
from protocol import vault as vaults
from protocol.access import Permissionless
from protocol.gas import GAS
from protocol.ledger import WORLD, Ints
from protocol.loan_transactions import Donate
from protocol.state import Listing, State
from protocol.transactions import Bundle, Divest, Invest
from protocol.vault import Vault

if TYPE_CHECKING:
    from agents.game import Game

WALLETS = 12  # of the fullest, that might come next
PARTS = (0.5, 0.8, 0.95, 1.0)  # of a wallet, that might be brought
GIFTS = np.geomspace(0.05, 1.2, 24)  # of each of these amounts, weighed as gifts


class Plan(NamedTuple):
    """What it means to do, and what it expects. Cash in units."""

    seed: int  # the first deposit
    gift: int
    estimate: float  # cash units, before gas: mean over who might come, nobody included


def proceeds(rules: Vault, seed: int, gift: int, brought: int) -> int:
    """What the first depositor earns or loses, cash units, if the next one brings `brought`. He leaves if that is refused."""
    shares = vaults.shares_down(seed, 0, 0, rules.virtual_assets, rules.virtual_shares)
    own, total = shares - rules.dead_shares, seed + gift
    if own <= 0:
        return 0
    theirs = vaults.shares_down(brought, total, shares, rules.virtual_assets, rules.virtual_shares)
    if theirs > 0:
        total, shares = total + brought, shares + theirs
    back = vaults.assets_down(own, total, shares, rules.virtual_assets, rules.virtual_shares)
    return int(min(total, back) * (1.0 - rules.fee)) - seed - gift


@dataclass(frozen=True)
class ShareInflator(Attack):
    """Gives at most its `capital`; leaves after `hold` seconds at the latest."""

    capital: float = 500_000.0
    latency: float = 0.05
    tip: float = 5e-8
    ponder: float = 60.0
    hold: float = 600.0

    def mistakes(self) -> list[str]:
        """Patience is a time."""
        return super().mistakes() + ([] if self.hold > 0 else [f"hold = {self.hold}: must be above 0 seconds"])

    def prepare(self, me: Player, game: Game) -> None:
        """The first thought comes at once."""
        me.memory.update(listing=game.listing(self.market, self.exchange), until=0.0, next=0.0, plan=None)

    def surface(self, state: State, listing: Listing) -> str:
        """A vault that anybody may be the first in."""
        rules = state.exchange(listing.house).vault
        if rules is None:
            return "there is no vault"
        if rules.liquidity > 0:
            return "founders were there before"
        return "" if isinstance(rules.access, Permissionless) else "the vault is not open to all"

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """In first, and out after somebody."""
        memory, listing = me.memory, me.memory["listing"]
        if view.state.time < memory["until"]:
            return ()
        if memory["plan"] is not None:
            return self._leave(me, view, listing)
        if view.time < memory["next"]:
            return ()
        memory["next"] = view.time + self.ponder
        lacks = self.surface(view.state, listing)
        if not lacks and view.balance(listing.house.share, WORLD) != 0:
            lacks = "somebody was there before"
        if lacks:
            self.decline(me, view, lacks)
            return ()
        return self._enter(me, view, listing)

    def _enter(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        house, memory = listing.house, me.memory
        plan = self.plan(me, view, listing)
        scale, stake = house.cash_scale, plan.seed + plan.gift
        bundle = Bundle(
            me.account, (Invest(house, me.account, plan.seed), Donate(house, me.account, max(1, plan.gift)))
        )
        gas = (bundle.gas + GAS["Divest"]) * (view.fee(listing) + self.tip)
        estimate = plan.estimate / scale - gas
        numbers = {"gift": plan.gift / scale, "cost": gas, "stake": stake / scale}
        if estimate - (self.caution - 1.0) * gas < self.least_profit:
            self.decline(me, view, "does not pay", estimate=estimate, **numbers)
            return ()
        _, revert = view.simulate(bundle)
        if revert is not None:
            self.decline(me, view, str(revert), estimate=estimate, **numbers)
            return ()
        memory.update(
            plan=plan,
            estimate=estimate,
            until=view.seal,
            since=view.seal,
            before=view.balance(house.token, me.account),
        )
        self.launch(me, view, estimate=estimate, **numbers)
        return (me.send(bundle),)

    def plan(self, me: Player, view: View, listing: Listing) -> Plan:
        """The gift that earns most on average over who might come, whether or not it pays."""
        house = listing.house
        rules = view.state.exchange(house).vault
        assert rules is not None  # `surface` has looked
        purse = int(0.98 * view.balance(house.token, me.account))
        seed = rules.dead_shares + 1
        guesses = [int(part * one) for one in self._wallets(me, view, listing).tolist() for part in PARTS]
        gifts = {min(purse - seed, int(share * one)) for one in guesses for share in GIFTS.tolist()}
        best = Plan(seed, 0, 0.0)
        for gift in sorted(one for one in gifts if one > 0):
            mean = float(np.mean([proceeds(rules, seed, gift, one) for one in guesses]))
            if mean > best.estimate:
                best = Plan(seed, gift, mean)
        return best

    @staticmethod
    def _wallets(me: Player, view: View, listing: Listing) -> Ints:
        """The fullest wallets of others, cash units."""
        ledger = view.state.ledger
        others = np.flatnonzero(ledger.exchange < 0)
        others = others[(others != WORLD) & (others != me.account)]
        held = np.sort(ledger.balance[listing.house.token, others])[::-1]
        return held[: min(WALLETS, int(np.count_nonzero(held)))]

    def _leave(self, me: Player, view: View, listing: Listing) -> Iterable[Action]:
        """Take all out once somebody has come in, and count."""
        memory, house = me.memory, listing.house
        own, supply = view.balance(house.share, me.account), -view.balance(house.share, WORLD)
        dead = view.balance(house.share, house.treasury)
        if own > 0:
            if supply - dead <= own and view.time - memory["since"] < self.hold:
                return ()
            leave = Divest(house, me.account, own)
            _, revert = view.simulate(leave)
            if revert is not None:
                return ()  # positions need the capital, or the index is doubtful: later
            memory["until"] = view.seal
            return (me.send(leave),)
        realised = (view.balance(house.token, me.account) - memory["before"]) / house.cash_scale
        self.over(me, view, realised=realised, estimate=memory["estimate"])
        memory.update(plan=None, next=view.time + self.hold)
        return ()
