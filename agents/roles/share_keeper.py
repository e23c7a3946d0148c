"""The keeper of shares: it seizes what is pledged on several exchanges out of one wallet, and redeems it where it was issued.

It counts a vault's share at what the vault would pay now, a loan pool's at what the coins behind it would fetch outside, and a
synthetic at what its pool would pay, so that a price which an exchange has sealed, or fixed, does not deceive it. What the issuer
cannot pay (an empty till, capital that positions need, a delay) it is left with, and its money with it: so a run on one vault
takes keepers away from every exchange they serve.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.player import Action, Player, Role
from agents.roles.loan_keeper import LoanKeeper
from agents.roles.shares import issued_at, issuer_of, redeeming
from agents.view import View
from protocol import exchange
from protocol.appraisal import token_price
from protocol.lending import accrued, worth_of
from protocol.liquidations.seizure import Debt, Lien
from protocol.state import House, Issue, Lender, Listing
from protocol.transactions import Transaction

if TYPE_CHECKING:
    from agents.game import Game
    from agents.lost import Lost


@dataclass(frozen=True)
class ShareKeeper(LoanKeeper):
    """Serves `exchanges` (none named: all that take another's token, or a share). Redeems at once what it has taken.

    Coins that a loan pool's share was redeemed for it sells off-chain.
    """

    exchanges: tuple[str, ...] = ()

    def prepare(self, me: Player, game: Game) -> None:
        """Look for whom to serve."""
        state = game.state
        bases = {house.index: {listing.base for listing in state.listings[house.index]} for house in state.houses}
        takes = [h for h in state.houses if any(p.token not in bases[h.index] for p in state.pledges[h.index])]
        houses = [game.house(name) for name in self.exchanges] or takes
        if not houses or any(house not in takes for house in houses):
            raise ValueError(
                f"exchanges = {list(self.exchanges)}: those that take a share or another's token are"
                f" {', '.join(house.name for house in takes) or 'none'}"
            )
        listings = [state.listings[house.index][0] for house in houses]
        own = {listing.base: int(state.ledger.balance[listing.base, me.account]) for listing in listings}
        me.memory.update(listings=listings, own=own, until=0.0)

    def without(self, lost: Lost) -> Role | None:
        """On the exchanges that still take what it seizes; nobody where none does."""
        left = tuple(one for one in self.exchanges or lost.names if one in lost.takers)
        return dataclasses.replace(self, exchanges=left, exchange=left[0]) if left else None

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Redeem what was taken, then seize where that pays."""
        if view.state.time < me.memory["until"]:
            return
        for leave in self._exits(me, view):
            _, revert = view.simulate(leave)
            if revert is None:
                me.memory["until"] = view.seal
                yield me.send(leave)
            else:
                me.note(view, "cannot redeem", why=type(revert).__name__)
        for listing in me.memory["listings"]:
            spare = view.balance(listing.base, me.account) - me.memory["own"][listing.base]
            if spare > 0 and _redeems_into(view, listing):
                me.memory["until"] = view.seal
                yield self.sale(me, view, listing, spare)
        for listing in me.memory["listings"]:
            yield from self.seizures(me, view, listing)

    @staticmethod
    def _exits(me: Player, view: View) -> Iterable[Transaction]:
        """How to turn each token in the wallet into cash."""
        for house in view.state.houses:
            issuers: list[House | Lender] = [house, *view.state.lenders[house.index]]
            for issuer in issuers:
                if issuer.share >= 0 and (shares := view.balance(issuer.share, me.account)) > 0:
                    yield redeeming(issuer, me.account, shares)
            for issue in view.state.issues[house.index]:
                if (units := view.balance(issue.listing.base, me.account)) > 0:
                    yield redeeming(issue, me.account, units)

    @staticmethod
    def _profit(view: View, listing: Listing, done: exchange.Seized, debt: Debt, lien: Lien) -> float:
        """Cash coins: what the collateral would fetch where it was issued, less what was repaid."""
        return _fetched(view, done.taken, lien) - done.repaid * debt.price


def _redeems_into(view: View, listing: Listing) -> bool:
    """Whether shares in a loan pool of this market's base are pledged at its exchange: what is redeemed of them is to be sold."""
    index = listing.house.index
    shares = {lender.share for lender in view.state.lenders[index] if lender.token == listing.base}
    return any(pledge.token in shares for pledge in view.state.pledges[index])


def _fetched(view: View, units: int, lien: Lien) -> float:
    """Cash coins for so many units of a token, where it was issued; at the exchange's own index if that is elsewhere."""
    state = view.state
    issuer = issuer_of(state, lien.token)
    if isinstance(issuer, Issue):
        owed = view.cost(issuer.listing, np.array([-units]))[0]
        return 0.0 if math.isnan(owed) else -float(owed) / issuer.listing.house.cash_scale
    if isinstance(issuer, Lender) and issuer.token != issuer.house.token:
        base = next(one for one in state.listings[issuer.house.index] if one.base == issuer.token)
        coins = worth_of(units, accrued(state, issuer), issuer) / issuer.scale
        return -view.reference_cost(state.market(base).instrument.base, -coins)
    if issuer is not None:
        house = issued_at(issuer)
        return units / state.ledger.assets[lien.token].scale * token_price(state, house, lien.token).value
    return units * lien.price
