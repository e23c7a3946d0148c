"""The script: a player that does what was done, in the order in which it was done, whether or not it pays.

Each step has a moment, and makes its transactions from what stands on the chain then. They are simulated first: where one would
be refused, that is noted with its reason, and the script ends, for what followed could not have been done.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from agents.attacks.bundling import WithdrawMost
from agents.attacks.pairs import reference_depth
from agents.attacks.pushing import units_to
from agents.player import Action, Player, ReferenceTrade, Role, Send
from agents.view import View
from experiments.incidents.books import Books
from protocol import exchange
from protocol.gas import GAS
from protocol.ledger import WORLD, Reason
from protocol.loan_transactions import (
    Borrow,
    Donate,
    FlashLoan,
    Pledge,
    Redeem,
    Release,
    Repay,
    Seize,
    Supply,
    Transfer,
)
from protocol.oracles.base import Report
from protocol.oracles.pull import sign
from protocol.state import House, State
from protocol.transactions import (
    Bundle,
    CancelAll,
    Deposit,
    Divest,
    Invest,
    Liquidate,
    Post,
    Publish,
    Trade,
    Transaction,
    Withdraw,
)
from protocol.units import to_units_down

if TYPE_CHECKING:
    from agents.game import Game


class Step(NamedTuple):
    """What is done from `when` seconds on, in the first block that can: transactions, each by itself, and reference trades."""

    when: float
    what: str
    do: Callable[[Desk], Iterable[Transaction | ReferenceTrade]]


class DivestAll(NamedTuple):
    """All vault shares that an account has when it is carried out."""

    house: House
    account: int

    @property
    def gas(self) -> int:
        """Gas units."""
        return GAS["Divest"]

    def apply(self, state: State) -> int:
        """See `exchange.divest`."""
        return exchange.divest(
            state, self.house, self.account, int(state.ledger.balance[self.house.share, self.account])
        )


class Desk(Books):
    """The chain as the script sees it, and the verbs by names; amounts in coins. `purse`: the first, where none is named."""

    def __init__(self, me: Player, view: View) -> None:
        super().__init__(view.state, {me.role.label: me.memory})
        self.view = view
        self._label = me.role.label

    def who(self, purse: str = "") -> int:
        """The account of a purse."""
        return self.account(f"{self._label}.{purse}")

    def has(self, token: str, purse: str = "") -> float:
        """Coins of a token in a purse."""
        return float(self.state.ledger.balance[self.row(token), self.who(purse)]) / self.scale(token)

    def coins_to(self, market: str, price: float, exchange: str = "") -> float:
        """Base coins that take a constant product's mid to a price, its fee apart."""
        listing = self.listing(market, exchange)
        return units_to(self.view, listing, self.view.mid(listing), price) / listing.size_scale

    def position(self, market: str, purse: str = "", exchange: str = "") -> float:
        """Base coins of a position, signed."""
        listing = self.listing(market, exchange)
        return float(self.state.ledger.balance[listing.size, self.who(purse)]) / listing.size_scale

    def all_of(self, *transactions: Transaction, purse: str = "") -> Bundle:
        """Several at once: all or none."""
        return Bundle(self.who(purse), transactions)

    def flash(
        self, asset: str, coins: float, *transactions: Transaction, exchange: str = "", purse: str = ""
    ) -> FlashLoan:
        """So much from a loan pool, while the transactions run."""
        lender = self.lender(asset, exchange)
        return FlashLoan(lender.house, self.who(purse), self.units(asset, coins), transactions, lender)

    def trade(self, market: str, coins: float, purse: str = "", exchange: str = "") -> Trade:
        """Buy base coins, or sell them (negative)."""
        listing = self.listing(market, exchange)
        return Trade(listing, self.who(purse), int(coins * listing.size_scale))

    def post(self, market: str, coins: float, price: float, purse: str = "", exchange: str = "") -> Post:
        """A resting bid, or an ask (negative), at cash coins per base coin."""
        listing = self.listing(market, exchange)
        return Post(listing, self.who(purse), int(coins * listing.size_scale), price)

    def cancel_all(self, market: str, purse: str = "", exchange: str = "") -> CancelAll:
        """Take a purse's orders off."""
        return CancelAll(self.listing(market, exchange), self.who(purse))

    def tell(
        self, market: str, price: float, key: str, ago: float = 0.0, purse: str = "", exchange: str = ""
    ) -> Publish:
        """A price, signed with a key as of `ago` seconds before the block to come."""
        listing, time = self.listing(market, exchange), self.view.seal - ago
        return Publish(
            listing, self.who(purse), Report(self.who(purse), price, time, 0.0, sign(key, market, price, time, 0.0))
        )

    def deposit(self, cash: float, purse: str = "", exchange: str = "") -> Deposit:
        """Cash as margin."""
        house = self.house(exchange)
        return Deposit(house, self.who(purse), to_units_down(cash, int(house.cash_scale)))

    def withdraw(self, cash: float, purse: str = "", exchange: str = "") -> Withdraw:
        """Cash margin back."""
        house = self.house(exchange)
        return Withdraw(house, self.who(purse), to_units_down(cash, int(house.cash_scale)))

    def withdraw_most(self, purse: str = "", exchange: str = "") -> WithdrawMost:
        """All that margin and till let out."""
        return WithdrawMost(self.house(exchange), self.who(purse))

    def pledge(self, token: str, coins: float, purse: str = "", exchange: str = "") -> Pledge:
        """Tokens as collateral."""
        return Pledge(self.seat(token, exchange), self.who(purse), self.units(token, coins))

    def release(self, token: str, coins: float, purse: str = "", exchange: str = "") -> Release:
        """Collateral back."""
        return Release(self.seat(token, exchange), self.who(purse), self.units(token, coins))

    def borrow(self, asset: str, coins: float, purse: str = "", exchange: str = "") -> Borrow:
        """Out of a loan pool."""
        return Borrow(self.lender(asset, exchange), self.who(purse), self.units(asset, coins))

    def repay(self, asset: str, coins: float, purse: str = "", exchange: str = "") -> Repay:
        """Back to a loan pool."""
        return Repay(self.lender(asset, exchange), self.who(purse), self.units(asset, coins))

    def supply_to(self, asset: str, coins: float, purse: str = "", exchange: str = "") -> Supply:
        """Lend to a loan pool."""
        return Supply(self.lender(asset, exchange), self.who(purse), self.units(asset, coins))

    def redeem(self, asset: str, shares: float, purse: str = "", exchange: str = "") -> Redeem:
        """A loan pool's shares back."""
        lender = self.lender(asset, exchange)
        return Redeem(lender, self.who(purse), int(shares * 10 ** self.state.ledger.assets[lender.share].decimals))

    def invest(self, cash: float, purse: str = "", exchange: str = "") -> Invest:
        """Cash into the vault."""
        house = self.house(exchange)
        return Invest(house, self.who(purse), to_units_down(cash, int(house.cash_scale)))

    def divest(self, shares: float, purse: str = "", exchange: str = "") -> Divest:
        """Vault shares back."""
        house = self.house(exchange)
        return Divest(house, self.who(purse), int(shares * 10 ** self.state.ledger.assets[house.share].decimals))

    def divest_all(self, purse: str = "", exchange: str = "") -> DivestAll:
        """All vault shares back, however many those will be."""
        return DivestAll(self.house(exchange), self.who(purse))

    def donate(self, cash: float, purse: str = "", exchange: str = "") -> Donate:
        """Cash into the vault for nothing."""
        house = self.house(exchange)
        return Donate(house, self.who(purse), to_units_down(cash, int(house.cash_scale)))

    def give_to(self, asset: str, coins: float, purse: str = "", exchange: str = "") -> Donate:
        """Coins into a loan pool for nothing."""
        lender = self.lender(asset, exchange)
        return Donate(lender.house, self.who(purse), self.units(asset, coins), lender)

    def transfer(self, token: str, coins: float, to: str, purse: str = "") -> Transfer:
        """Tokens from purse to purse."""
        return Transfer(self.row(token), self.who(purse), self.who(to), self.units(token, coins))

    def liquidate(self, market: str, target: str, purse: str = "", exchange: str = "") -> Liquidate:
        """A purse's position closed by force."""
        return Liquidate(self.listing(market, exchange), self.who(purse), self.who(target))

    def seize(self, target: str, debt: str, lien: str, most: float = 0.0, purse: str = "", exchange: str = "") -> Seize:
        """A purse's debt repaid, `most` coins of it (0: all that may be), and its collateral taken."""
        units = self.units(debt, most) if most else 1 << 62
        return Seize(self.house(exchange), self.who(purse), self.who(target), self.row(debt), self.row(lien), units)

    def push(self, asset: str, mid: float, purse: str = "") -> ReferenceTrade:
        """Buy or sell on the reference venue until its mid stands there."""
        now = self.view.reference(asset)
        coins = reference_depth(self.view, asset) * math.log(mid / now) / now
        return ReferenceTrade(self.who(purse), asset, coins)

    def outside(self, asset: str, coins: float, purse: str = "") -> ReferenceTrade:
        """Buy coins on the reference venue, or sell them (negative)."""
        return ReferenceTrade(self.who(purse), asset, coins)


@dataclass(frozen=True)
class Script(Role):
    """`steps` in turn. `purses`: more accounts of its own, by name, each with coins by token; `tokens`: of the first."""

    name: str = "attacker"
    capital: float = 0.0
    latency: float = 0.05
    tip: float = 0.0
    steps: tuple[Step, ...] = ()
    purses: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: MappingProxyType({}))
    tokens: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def prepare(self, me: Player, game: Game) -> None:
        """Open its purses."""
        ledger = game.state.ledger
        accounts = {"": me.account}
        for name, coins in {"": self.tokens, **self.purses}.items():
            if name:
                owner, chain = int(ledger.owner[me.account]), int(ledger.chain[me.account])
                accounts[name] = ledger.open(self.label, owner=owner, chain=chain)
            for token, amount in coins.items():
                row = ledger.row[token]
                units = to_units_down(amount, 10 ** ledger.assets[row].decimals)
                ledger.move(row, WORLD, accounts[name], units, Reason.GENESIS)
        me.memory.update(purses=accounts, next=0, ended=False)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """The steps that are due."""
        memory, sent = me.memory, list[Action]()
        while not memory["ended"] and memory["next"] < len(self.steps):
            step = self.steps[memory["next"]]
            if step.when > view.seal:
                break
            memory["next"] += 1
            desk = Desk(me, view)
            for deed in step.do(desk):
                if isinstance(deed, ReferenceTrade):
                    sent.append(deed)
                    continue
                _, revert = view.simulate(deed, view.seal)
                if revert is not None:
                    me.note(view, "refused", what=f"{step.what}: {revert}")
                    memory["ended"] = True
                    return sent
                sent.append(Send(deed, self.tip))
            me.note(view, "done", what=step.what)
        return sent
