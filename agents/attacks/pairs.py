"""Two accounts of one owner with opposite legs, and a push of the reference venue that is to break one of them.

The legs are opened in one bundle, so that neither the venue's skew nor a cap on it stands in the way. The reference venue is
where reporters look; its depth, and what a push and its undoing cost, are measured from quotes alone. What one leg loses
beyond its margin, the other wins at the cost of whoever must stand behind the first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agents.attacks.sizing import largest
from agents.player import Action, Player, ReferenceTrade
from agents.view import View
from protocol.gas import GAS
from protocol.ledger import Floats, Reason
from protocol.losses.deleverage import Deleverage
from protocol.margins.base import Threshold
from protocol.oracles.base import Oracle, Status
from protocol.oracles.guarded import Guarded
from protocol.oracles.median import Median
from protocol.oracles.pull import Pull
from protocol.state import House, Listing, State
from protocol.transactions import Bundle, Deposit, Liquidate, Trade, Transaction, Withdraw

if TYPE_CHECKING:
    from agents.game import Game

PUSHES = np.linspace(0.02, 0.6, 30)  # displacements weighed, of the log mid
SIZES = np.array([1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05, 0.02])  # shares of what both legs can carry
SLICE = 0.005  # displacement by which what is left over is sold, a block
PARTS = 8  # turns in which the legs are opened
TRIES = 12  # blocks until it gives up


class Plan(NamedTuple):
    """What it means to do, and what it expects. Cash and base in coins, pushes as displacements of the log mid."""

    size: float  # of each leg, base coins
    money: float  # margin that the short leg puts up, and loses
    first: float  # push
    second: float  # further push, once the short leg is gone; 0: none
    rise: float  # of the index, relative, when the long leg is closed
    depth: float  # cash coins that displace the reference mid by 1
    gain: float
    cost: float

    @property
    def estimate(self) -> float:
        """Expected profit, cash coins."""
        return self.gain - self.cost


def reported(oracle: Oracle) -> bool:
    """Whether the index is what somebody says of the reference venue."""
    while isinstance(oracle, Guarded):
        oracle = oracle.inner
    return isinstance(oracle, Median | Pull)


def largest_step(oracle: Oracle) -> float:
    """Relative move of the index in a block beyond which guards pass nothing on."""
    step = math.inf
    while isinstance(oracle, Guarded):
        step, oracle = min(step, oracle.max_move), oracle.inner
    return step


def second_account(me: Player, game: Game, listing: Listing, share: float) -> int:
    """Another account of the same owner, with `share` of its money."""
    ledger = game.state.ledger
    account = ledger.open(me.role.label, owner=int(ledger.owner[me.account]))
    units = int(share * ledger.balance[listing.house.token, me.account])
    ledger.move(listing.house.token, me.account, account, units, Reason.GENESIS)
    return account


def reference_depth(view: View, asset: str) -> float:
    """Cash coins that displace the log mid by 1: two quotes on a book of even density, which spread and mid drop out of."""
    mid = view.reference(asset)
    size = 1_000.0 / mid
    for _ in range(20):
        one, two = view.reference_cost(asset, size), view.reference_cost(asset, 2.0 * size)
        if not math.isfinite(two):
            return 0.0
        if two / one - 1.0 > 1.0001:
            return size * mid / math.log(two / one - 1.0)
        size *= 4.0
    return math.inf


def push_loss(depth: float, push: Floats, seconds: Floats, healing: float) -> Floats:
    """Cash coins lost on pushing a book, waiting, undoing what is left of the displacement at once and the rest in time.

    Buying costs depth * (e^x - 1); what heals meanwhile, x - x', is sold at fair, and the x' left on the way down.
    """
    left = push * np.exp2(-seconds / healing)
    return np.asarray(depth * (np.expm1(push) - np.expm1(left) - (push - left)))


def weigh(
    role: Any, me: Player, view: View, listing: Listing, second: int, first: float, carried: float
) -> Plan | None:
    """The best pair it can think of, whether or not it pays; None where it cannot look. `first`: 0, or the push of a first stage.

    With X the rise of the index, q coins at I and M the margin of the short leg, the pair is left with X q I - M.
    """
    state, house, healing, caution = view.state, listing.house, role.healing, role.caution
    market, reading = state.market(listing), view.index(listing)
    if reading.status != Status.FRESH:
        return None
    index = reading.value
    interval = state.rules.chains[house.chain].blocks.interval
    asset = market.instrument.base
    depth = reference_depth(view, asset)
    purse, other = (0.95 * view.balance(house.token, who) / house.cash_scale for who in (me.account, second))
    spread = getattr(market.venue, "spread", 0.0)
    share, slope = state.exchange(house).margin.rate(state, listing, Threshold.INITIAL)
    legs = largest(view, listing, 1, other, index), largest(view, listing, -1, purse, index)
    most = min(*legs, carried / index)
    if not 0.0 < depth < math.inf or most <= 0.0:
        return None
    size, push = (most * SIZES)[:, None], PUSHES[first < PUSHES][None, :]
    waits = 2.0 * interval * (2.0 if first else 1.0)
    spend = depth * np.expm1(push) * 1.001
    value = size * index
    drag = market.fee + 0.5 * spread
    units = np.maximum(1, size[:, 0] / PARTS * listing.size_scale).astype(np.int64)
    sold = np.array([float(view.cost(listing, np.array([-one]))[0]) for one in units])
    lean = np.maximum(0.0, 1.0 + sold / (units * listing.price_scale * index))[:, None]  # of a turn's own skew
    money = value * (1.02 * (share + slope * size) + 1.5 * drag + lean)
    rise = np.expm1(push * np.exp2(-1.5 * interval / healing))
    till = max(0.0, view.balance(house.token, house.custody) / house.cash_scale)
    gain = np.minimum(value * rise, 0.9 * till) - money
    gas = (view.fee(listing) + me.role.tip) * (
        2 * GAS["Deposit"] + 2 * (PARTS + 1) * GAS["Trade"] + GAS["Liquidate"] + 2 * GAS["Withdraw"]
    )
    cost = value * drag * (2.0 + rise) + push_loss(depth, push, np.asarray(waits), healing) + gas
    deficit = value * rise - money
    step = np.expm1(np.maximum(push - first, first))
    able = (
        (deficit <= 0.9 * paid_for_winners(state, house))
        & (step < largest_step(market.oracle))
        & (spend + money <= purse)
        & (money <= other)
        & (deficit > 0.0)
    )
    score = np.where(able, gain - caution * cost, -math.inf)
    row, column = np.unravel_index(int(np.argmax(score)), score.shape)
    if score[row, column] == -math.inf:
        return None
    pushed = float(push[0, column])
    return Plan(
        float(size[row, 0]),
        float(money[row, 0]),
        first or pushed,
        pushed - first if first else 0.0,
        float(rise[0, column]),
        depth,
        float(gain[row, column]),
        float(cost[row, column]),
    )


def paid_for_winners(state: State, house: House) -> float:
    """Cash coins of deficit that others pay before those who win are closed out instead; endless where they never are."""
    ahead = 0.0
    for loss in state.exchange(house).losses:
        if isinstance(loss, Deleverage):
            return ahead
        ahead += loss.capacity(state, house) / house.cash_scale
    return math.inf


def mistakes(apart: float, healing: float, rest: float) -> list[str]:
    """One line for each setting of such an attack that makes no sense."""
    return [
        f"{name} = {value}: must be {allowed}"
        for name, value, good, allowed in (
            ("apart", apart, 0 < apart < 1, "above 0 to below 1"),
            ("healing", healing, healing > 0, "above 0 seconds"),
            ("rest", rest, rest >= 0, "0 or more seconds"),
        )
        if not good
    ]


def seat(role: Any, me: Player, game: Game) -> None:
    """Open the second account; the first thought comes at once."""
    listing = game.listing(role.market, role.exchange)
    second = second_account(me, game, listing, role.apart)
    me.memory.update(stage="idle", until=0.0, next=0.0, listing=listing, second=second)


def act(role: Any, me: Player, view: View, first: Callable[[Listing], float], carried: float) -> Iterable[Action]:
    """What an attack with two legs does in a block. `first`: the push of a first stage; `carried`: most notional, cash coins."""
    memory = me.memory
    if view.state.time < memory["until"]:
        return ()
    if memory["stage"] == "idle":
        return _ponder(role, me, view, first, carried) if view.time >= memory["next"] else ()
    actions = list(proceed(me, view, memory["second"], role.healing))
    if memory["stage"] == "over":
        realised = wealth(me, view, memory["listing"], memory["second"]) - memory["wealth"]
        role.over(me, view, realised=realised, estimate=memory["plan"].estimate)
        memory.update(stage="idle", next=view.time + role.rest)
    return actions


def _ponder(role: Any, me: Player, view: View, first: Callable[[Listing], float], carried: float) -> Iterable[Action]:
    memory, listing, second = me.memory, me.memory["listing"], me.memory["second"]
    memory["next"] = view.time + role.ponder
    if lacks := role.surface(view.state, listing):
        role.decline(me, view, lacks)
        return ()
    plan = weigh(role, me, view, listing, second, first(listing), carried)
    if plan is None:
        role.decline(me, view, "no push it can pay breaks a leg")
        return ()
    bundle = opening(view, listing, me, second, plan)
    _, revert = view.simulate(bundle)
    numbers = {**plan._asdict(), "estimate": plan.estimate}
    if revert is not None or plan.gain - role.caution * plan.cost < role.least_profit:
        role.decline(me, view, "does not pay" if revert is None else str(revert), **numbers)
        return ()
    memory.update(stage="opening", plan=plan, until=view.seal, start=view.seal, pushed=0.0, when=0.0)
    memory.update(wealth=wealth(me, view, listing, second), index=view.index(listing).value)
    role.launch(me, view, stake=2.0 * plan.money, **numbers)
    return (me.send(bundle),)


def opening(view: View, listing: Listing, me: Player, second: int, plan: Plan) -> Bundle:
    """Both legs at once, in turns, so that neither pays for a skew of its own: `me` short, `second` long."""
    house, units = listing.house, int(plan.size * listing.size_scale)
    money = int(plan.money * house.cash_scale)
    parts: list[Transaction] = [Deposit(house, me.account, money), Deposit(house, second, money)]
    for part in [units // PARTS] * (PARTS - 1) + [units - units // PARTS * (PARTS - 1)]:
        parts += [Trade(listing, me.account, -part), Trade(listing, second, part)]
    return Bundle(me.account, tuple(parts))


def wealth(me: Player, view: View, listing: Listing, second: int) -> float:
    """Cash coins of both accounts, while flat; base at the reference mid."""
    house, total = listing.house, 0.0
    mid = view.reference(view.state.market(listing).instrument.base)
    for account in (me.account, second):
        total += (view.balance(house.token, account) + view.balance(house.cash, account)) / house.cash_scale
        total += view.balance(listing.base, account) / listing.size_scale * mid
    return total


def proceed(me: Player, view: View, second: int, healing: float) -> Iterator[Action]:
    """One step of an attack under way; its stage is "over" once all is undone."""
    memory, listing, plan = me.memory, me.memory["listing"], me.memory["plan"]
    memory["until"] = view.seal
    interval = view.state.rules.chains[listing.house.chain].blocks.interval
    short, long = (view.balance(listing.size, account) for account in (me.account, second))
    late = view.seal - memory["start"] > TRIES * interval
    if memory["stage"] == "opening":
        memory["stage"] = "pushed" if short and long else "over"
        if short and long:
            yield push(me, view, listing, plan.first)
        return
    if memory["stage"] == "pushed":
        if short and not late:
            hit = Liquidate(listing, second, me.account)
            if view.simulate(hit)[1] is None:
                yield me.send(hit, 4.0 * me.role.tip)
            return
        if plan.second and not late:
            memory["stage"], memory["start"] = "pushed again", view.seal
            yield push(me, view, listing, plan.second)
            return
        memory["stage"] = "closing"
    if memory["stage"] == "pushed again":
        risen = view.index(listing).value / memory["index"] - 1.0
        if risen < 0.95 * plan.rise and view.seal - memory["start"] <= 3 * interval:
            return
        memory["stage"] = "closing"
    if short or long:
        for account, held in ((second, long), (me.account, short)):
            if held:
                yield me.send(Trade(listing, account, -held), 4.0 * me.role.tip)
        return
    yield from undo(me, view, listing, plan, second, healing)


def push(me: Player, view: View, listing: Listing, size: float) -> ReferenceTrade:
    """Buy on the reference venue what displaces its log mid by `size`."""
    asset = view.state.market(listing).instrument.base
    memory, mid = me.memory, view.reference(asset)
    memory["pushed"], memory["when"] = memory["pushed"] + size, view.time
    return ReferenceTrade(me.account, asset, size * memory["plan"].depth / mid)


def undo(me: Player, view: View, listing: Listing, plan: Plan, second: int, healing: float) -> Iterator[Action]:
    """Sell what the push has bought: at once what still displaces the mid, the rest in slices; then take all money home."""
    memory, asset, house = me.memory, view.state.market(listing).instrument.base, listing.house
    mid = view.reference(asset)
    held = view.balance(listing.base, me.account) / listing.size_scale - me.role.base
    if held * mid > 10.0:
        left = memory["pushed"] * 2.0 ** (-(view.time - memory["when"]) / healing)
        memory["pushed"] = 0.0
        yield ReferenceTrade(me.account, asset, -min(held, max(left, SLICE) * plan.depth / mid))
        return
    home = [
        Withdraw(house, account, claim)
        for account in (me.account, second)
        if (claim := view.balance(house.cash, account)) > 0
    ]
    yield from (me.send(one) for one in home)
    if not home:
        memory["stage"] = "over"


def carried_by_vault(state: State, listing: Listing) -> float:
    """Cash coins of notional that the vault could take over by its own margin."""
    house = listing.house
    rules = state.exchange(house)
    if house.vault < 0 or rules.vault is None:
        return 0.0
    worth, needs = rules.margin.standing(state, house, Threshold.INITIAL, house.vault)
    share, _ = rules.margin.rate(state, listing, Threshold.INITIAL)
    return max(0.0, worth - rules.vault.commitment * needs) / max(share * rules.vault.commitment, 1e-9)
