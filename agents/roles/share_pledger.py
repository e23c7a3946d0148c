"""The share pledger: it puts its money into one exchange's vault, loan pool or synthetic, pledges that on another, and owes there.

So what happens to the first is felt on the second exchange. `ShareBorrower` borrows cash against its shares and invests that
as well, round after round: at a loan-to-value l it ends with 1 / (1 - l) coins in shares for each of its own, and all but
the first are the lenders'. When its cushion is gone it takes out what margin lets go, and repays. `ShareBull` margins a long with
its shares. Two that face each other's exchange make a circle.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agents.player import Action, Player, Role
from agents.roles.shares import Issuer, buying, issued_at, issuer_of, proceeds, redeeming
from agents.streams import uniform_at
from agents.view import View
from protocol.appraisal import pledge_price
from protocol.gas import GAS
from protocol.lending import owed
from protocol.loan_transactions import Borrow, Pledge, Release, Repay
from protocol.margins.base import Threshold
from protocol.settings import refusals
from protocol.state import House, Lender, Listing, Pledgeable
from protocol.transactions import Bundle, Trade, Transaction
from protocol.units import to_units_down

if TYPE_CHECKING:
    from agents.game import Game
    from agents.lost import Lost


@dataclass(frozen=True)
class ShareBull(Role):
    """Puts `share` of its cash in shares `token` of another exchange (none named: the first taken); margins a long with them.

    The long is `usage` of the most that they carry, bought at up to `slippage` off the mid. Looks every `ponder` seconds, from a
    moment of its own within `spread` of the start.
    """

    count: int = 10
    capital: float = 50_000.0
    latency: float = 1.0
    token: str = ""
    share: float = 0.95
    usage: float = 0.8
    slippage: float = 0.01
    ponder: float = 24.0
    spread: float = 300.0

    def mistakes(self) -> list[str]:
        """Shares are shares."""
        return refusals(
            self,
            share=(0 < self.share <= 1, "above 0 to 1"),
            usage=(0 < self.usage < 1, "above 0 to below 1, a share of what margin carries"),
            slippage=(0 < self.slippage < 1, "above 0 to below 1"),
            ponder=(self.ponder > 0, "above 0 seconds"),
            spread=(self.spread >= 0, "0 or more seconds"),
        )

    def without(self, lost: Lost) -> Role | None:
        """Nobody, where its exchange takes nobody's shares any more."""
        return super().without(lost) if (self.exchange or lost.first) in lost.takers else None

    def prepare(self, me: Player, game: Game) -> None:
        """Look for the vault, and for where its shares are pledged; draw when to begin."""
        house = game.house(self.exchange)
        taken = {one.name: (one, issuer_of(game.state, one.token)) for one in game.state.pledges[house.index]}
        foreign = {
            name: pair
            for name, pair in taken.items()
            if pair[1] is not None and issued_at(pair[1]).index != house.index
        }
        if (self.token or next(iter(foreign), "")) not in foreign:
            raise ValueError(
                f"token = {self.token!r}: {house.name} takes of other exchanges' shares and synthetics"
                f" {', '.join(foreign) or 'none'}"
            )
        seat, issuer = foreign[self.token or next(iter(foreign))]
        late = self.spread * uniform_at(game.streams.key(f"{me.label}.temper"), 0, 0)
        me.memory.update(house=house, issuer=issuer, seat=seat, next=late, until=0.0)
        self.look(me, game)

    def look(self, me: Player, game: Game) -> None:
        """Look for what to do with the margin."""
        listing = game.listing(self.market, self.exchange)
        if listing.size < 0:
            raise ValueError(f"market = {listing.name!r}: a ShareBull needs claims")
        me.memory["listing"] = listing

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """Invest what is in the wallet, pledge the shares, and owe against them."""
        memory = me.memory
        if view.time < memory["next"] or view.state.time < memory["until"]:
            return ()
        memory.update(next=view.time + self.ponder, until=view.seal)
        seat: Pledgeable = memory["seat"]
        house: House = memory["house"]
        if (shares := view.balance(seat.token, me.account)) > 0:
            return (me.send(Pledge(seat, me.account, shares)),)
        if not memory.get("done"):
            invest = self._invest(me, view, house)
            if invest is not None:
                memory["done"] = self.once()
                return (me.send(invest),)
        return self.owe(me, view, house, seat)

    def once(self) -> bool:
        """Whether it invests only what it came with."""
        return True

    def _invest(self, me: Player, view: View, house: House) -> Transaction | None:
        """Into the other exchange's shares, what is worth the gas; None where it would be refused."""
        gas = 20 * GAS["Borrow"] * (self.tip + view.fee(view.state.listings[house.index][0]))
        purse = view.balance(house.token, me.account) - to_units_down(gas, int(house.cash_scale))
        if purse < 0.01 * self.capital * house.cash_scale:
            return None
        invest = buying(view, me.memory["issuer"], me.account, int(self.share * purse))
        return invest if view.simulate(invest)[1] is None else None

    def owe(self, me: Player, view: View, house: House, seat: Pledgeable) -> Iterable[Action]:
        """A long of its margin's size, once."""
        listing: Listing = me.memory["listing"]
        if me.memory.get("bought") or view.balance(seat.claim, me.account) == 0:
            return ()
        margin = view.state.exchange(house).margin
        worth, needs = margin.standing(view.state, house, Threshold.INITIAL, me.account)
        share, _ = margin.rate(view.state, listing, Threshold.INITIAL)
        mid = view.mid(listing)
        size = int(self.usage * max(0.0, worth - needs) / share / mid * listing.size_scale)
        trade = Trade(listing, me.account, size, mid * (1.0 + self.slippage))
        if size <= 0 or view.simulate(trade)[1] is not None:
            return ()
        me.memory["bought"] = True
        return (me.send(trade),)


@dataclass(frozen=True)
class ShareBorrower(ShareBull):
    """Owes a loan pool of cash instead: borrows up to `usage` of what margin allows and invests that as well, by `least` or more.

    Unwinds while its cushion above maintenance is below `cushion` of what it has pledged.
    """

    usage: float = 0.9
    cushion: float = 0.05
    least: float = 500.0

    def mistakes(self) -> list[str]:
        """And so are cushions."""
        return super().mistakes() + refusals(
            self,
            cushion=(0 <= self.cushion < 1, "0 to below 1, a share of what is pledged"),
            least=(self.least > 0, "above 0 cash coins"),
        )

    def look(self, me: Player, game: Game) -> None:
        """Look for a pool that lends cash."""
        house: House = me.memory["house"]
        lender = next((one for one in game.state.lenders[house.index] if one.token == house.token), None)
        if lender is None:
            raise ValueError(f"exchange = {house.name!r}: lends no cash")
        me.memory["lender"] = lender

    def once(self) -> bool:
        """What it borrows it invests, too."""
        return False

    def owe(self, me: Player, view: View, house: House, seat: Pledgeable) -> Iterable[Action]:
        """Borrow what margin allows; unwind where it is short."""
        lender: Lender = me.memory["lender"]
        margin, state = view.state.exchange(house).margin, view.state
        pledged, price = view.balance(seat.claim, me.account), pledge_price(state, seat).value
        worth, needs = margin.standing(state, house, Threshold.MAINTENANCE, me.account)
        free, asked = margin.standing(state, house, Threshold.INITIAL, me.account)
        room = max(0.0, free - asked)
        debt = owed(state, lender, me.account)
        if debt and worth - needs < self.cushion * pledged / seat.scale * price:
            me.memory["done"] = True  # once bitten it adds no more
            return self._unwind(me, view, seat, debt, room, price)
        most = min(int(self.usage * room * lender.scale), view.balance(lender.token, lender.account))
        if me.memory.get("done") or pledged == 0 or most < self.least * lender.scale:
            return ()
        return (me.send(Borrow(lender, me.account, most)),)

    def _unwind(
        self, me: Player, view: View, seat: Pledgeable, debt: int, room: float, price: float
    ) -> Iterable[Action]:
        """Take out what margin lets go, redeem it, repay; what is in the wallet first."""
        lender: Lender = me.memory["lender"]
        purse = view.balance(lender.token, me.account) // 2
        if purse > self.least * lender.scale:
            return (me.send(Repay(lender, me.account, min(debt, purse))),)
        shares = min(int(0.98 * room / price * seat.scale), view.balance(seat.claim, me.account))
        if shares * price < self.least * seat.scale:
            return ()
        issuer: Issuer = me.memory["issuer"]
        leave = Bundle(me.account, (Release(seat, me.account, shares), redeeming(issuer, me.account, shares)))
        got, revert = view.simulate(leave)
        if revert is not None:
            me.note(view, "cannot unwind", why=type(revert).__name__)
            return ()
        me.note(view, "unwinds", shares=shares / seat.scale)
        repaid = min(debt, proceeds(issuer, got[1]))
        return (me.send(leave._replace(transactions=(*leave.transactions, Repay(lender, me.account, repaid)))),)
