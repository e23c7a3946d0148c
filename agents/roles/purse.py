"""One purse for several exchanges: what is short of margin on one is fetched from the others, by selling there if need be.

Free margin is moved first; then positions elsewhere are cut by what frees the rest (Brunnermeier and Pedersen 2009 call the
second a margin spiral's spillover). All of one move is one transaction, so that nothing is stuck between two tills. What
one exchange keeps for itself (`apart`) neither funds another nor is funded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from agents.player import Action, Player, Role
from agents.view import View
from protocol import exchange
from protocol.margins.base import Threshold
from protocol.settings import refusals
from protocol.state import House, Listing
from protocol.transactions import Bundle, Deposit, Trade, Transaction, Withdraw
from protocol.units import to_units_down

if TYPE_CHECKING:
    from agents.game import Game
    from agents.lost import Lost

STAKED = 0.9  # of a capital, of who does not say otherwise
SPARE = 0.98  # of what could be moved: prices move until it is
LEAST = 1.0  # cash coins: less is not moved


@dataclass(frozen=True)
class Pooled(Role):
    """Whoever has accounts on `exchanges` (none named: all) and one purse behind them.

    Answers calls below `call` times maintenance with at most `pooled` of what it has elsewhere: 0 for separate purses. Exchanges
    named in `apart` are left out of the purse. Trades at up to `slippage` off the mid.
    """

    exchanges: tuple[str, ...] = ()
    call: float = 2.0
    pooled: float = 1.0
    slippage: float = 0.05
    apart: tuple[str, ...] = ()

    def mistakes(self) -> list[str]:
        """Shares are such, and a call comes before the liquidation."""
        return super().mistakes() + refusals(
            self,
            call=(self.call >= 1, "1 or more, a multiple of maintenance"),
            pooled=(0 <= self.pooled <= 1, "0 (separate purses) to 1"),
            slippage=(0 < self.slippage < 1, "above 0 to below 1"),
        )

    @property
    def staked(self) -> float:
        """Cash coins of its capital that it puts into its purse; the rest pays for gas."""
        return STAKED * self.capital

    def _scaled(self, part: float) -> float:
        """The capital of which so large a part of the stake is put into a purse."""
        return part * self.capital

    def open_tills(self, me: Player, game: Game) -> list[House]:
        """An equal part of its stake deposited on each exchange (none named: all). Raises ValueError where no purse spans them."""
        names = self.exchanges
        houses = [game.house(name) for name in names] or list(game.state.houses)
        if (len(houses) < 2 and not names) or any(not game.state.claims[house.index] for house in houses):
            raise ValueError(
                f"exchanges = {list(names)}: needs two or more, or one by name, each with a market of claims"
            )
        if len({house.chain for house in houses}) > 1:
            raise ValueError(f"exchanges = {[one.name for one in houses]}: one purse lies on one chain, these on more")
        if strangers := sorted(set(self.apart) - {house.name for house in houses}):
            raise ValueError(
                f"apart = {strangers}: it has no account there, but on {', '.join(h.name for h in houses)}"
            )
        for house in houses:
            units = to_units_down(max(0.0, self.staked) / len(houses), int(house.cash_scale))
            exchange.deposit(game.state, house, me.account, units)
        me.memory.update(houses=houses, until=0.0)
        return houses

    def pool(self, me: Player) -> list[House]:
        """The exchanges between which its purse moves anything."""
        return [house for house in me.memory["houses"] if house.name not in self.apart]

    def waits(self, me: Player, view: View) -> bool:
        """Whether what it has sent is still to be served."""
        return bool(view.state.time < me.memory["until"])

    def answers(self, me: Player, view: View) -> list[Action]:
        """What it moves and sells to answer margin calls; it waits for that to be served."""
        moves = list(answer_calls(me, view, self.pool(me), self.call, self.pooled, self.slippage))
        if moves:
            me.memory["until"] = view.seal
        return moves

    def without(self, lost: Lost) -> Role | None:
        """On the exchanges that are left, with what it had there; on one there is nothing to share, and the rest goes on."""
        names = self.exchanges or lost.names
        left = tuple(one for one in names if one != lost.name)
        apart = tuple(one for one in self.apart if one != lost.name)
        capital = self._scaled(len(left) / len(names))
        return replace(self, exchanges=left, exchange=left[0], apart=apart, capital=capital) if left else None

    def cut_off(self, name: str, names: Sequence[str]) -> Role:
        """With that exchange out of its purse, where it reaches there."""
        left = tuple(one for one in self.exchanges or names if one not in self.apart)
        reaches = self.pooled > 0.0 and len(left) > 1 and name in left
        return replace(self, apart=(*self.apart, name)) if reaches else self


class Till(NamedTuple):
    """How an account stands on one exchange. Cash coins."""

    house: House
    worth: float  # equity at maintenance
    needs: float  # maintenance
    free: float  # equity above initial margin
    initial: float


def tills(view: View, account: int, houses: Sequence[House]) -> list[Till]:
    """The account on each exchange."""
    found = []
    for house in houses:
        margin = view.state.exchange(house).margin
        worth, needs = margin.standing(view.state, house, Threshold.MAINTENANCE, account)
        free, initial = margin.standing(view.state, house, Threshold.INITIAL, account)
        found.append(Till(house, worth, needs, free - initial, initial))
    return found


def answer_calls(
    me: Player, view: View, houses: Sequence[House], call: float, pooled: float, slippage: float
) -> Iterator[Action]:
    """Bring every exchange back to `call` times maintenance out of the others, as far as `pooled` of what they have goes."""
    standing = tills(view, me.account, houses)
    short = [one for one in standing if one.needs > 0.0 and one.worth < call * one.needs]
    left = {one.house.index: max(0.0, one.free) for one in standing}
    for poor in short:
        wanted = 1.1 * (call * poor.needs - poor.worth)
        rich = sorted((one for one in standing if one not in short), key=lambda one: -left[one.house.index])
        for other in rich:
            moved = min(wanted, pooled * SPARE * left[other.house.index])
            deeds = _moves(me, other.house, poor.house, moved)
            if deeds and (sent := _tried(me, view, deeds)):
                me.note(view, "funds", source=other.house.name, target=poor.house.name, cash=moved)
                wanted -= moved
                left[other.house.index] -= moved
                yield from sent
        for other in rich:
            if wanted <= LEAST or pooled <= 0.0 or other.initial <= 0.0:
                continue
            part = min(pooled, wanted / other.initial)
            trades = tuple(_cut(me, view, other.house, part, slippage))
            freed = min(wanted, SPARE * part * other.initial)
            if trades and (sent := _tried(me, view, (*trades, *_moves(me, other.house, poor.house, freed)))):
                me.note(view, "sells to fund", source=other.house.name, target=poor.house.name, cash=freed)
                wanted -= freed
                yield from sent


def _moves(me: Player, source: House, target: House, cash: float) -> tuple[Transaction, ...]:
    """Out of one till, into another."""
    units = int(cash * source.cash_scale)
    if cash <= LEAST:
        return ()
    return Withdraw(source, me.account, units), Deposit(target, me.account, units)


def _cut(me: Player, view: View, house: House, part: float, slippage: float) -> Iterator[Trade]:
    """Close `part` of every position on an exchange."""
    for listing in view.state.claims[house.index]:
        size = -int(part * view.balance(listing.size, me.account))
        if size:
            yield Trade(listing, me.account, size, view.mid(listing) * (1.0 + (slippage if size > 0 else -slippage)))


def _tried(me: Player, view: View, deeds: tuple[Transaction, ...]) -> Iterable[Action]:
    """The deeds as one transaction; nothing where that would revert."""
    bundle = Bundle(me.account, deeds)
    return (me.send(bundle),) if view.simulate(bundle)[1] is None else ()


def markets_of(view: View, houses: Sequence[House]) -> list[Listing]:
    """The first market of claims on each exchange."""
    return [view.state.claims[house.index][0] for house in houses]
