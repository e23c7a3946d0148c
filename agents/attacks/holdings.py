"""What an attacker has, by its own books: shared by attacks that take a position and bring everything home again."""

from __future__ import annotations

from agents.player import Player
from agents.view import View
from protocol.state import House, Listing
from protocol.transactions import Deposit, Transaction, Withdraw


def purse(me: Player, view: View, house: House) -> float:
    """Cash coins in its wallet."""
    return view.balance(house.token, me.account) / house.cash_scale


def pot(view: View, house: House) -> float:
    """Cash coins in the till: nobody takes out more."""
    return max(0.0, view.balance(house.token, house.custody) / house.cash_scale)


def wealth(me: Player, view: View, listing: Listing, mid: float) -> float:
    """Cash coins: tokens, cash claim, and base at `mid`, while flat."""
    house = listing.house
    cash = view.balance(house.token, me.account) + view.balance(house.cash, me.account)
    return cash / house.cash_scale + view.balance(listing.base, me.account) / listing.size_scale * mid


def spare(me: Player, view: View, pool: Listing, brought: float) -> float:
    """Base coins in its wallet beyond those it `brought`."""
    return view.balance(pool.base, me.account) / pool.size_scale - brought


def paid_in(me: Player, house: House, money: float) -> list[Transaction]:
    """A deposit of so many cash coins, if it is any."""
    units = int(money * house.cash_scale)
    return [Deposit(house, me.account, units)] if units > 0 else []


def taken_out(me: Player, view: View, house: House) -> Transaction | None:
    """Its cash claim, or what of it the till holds; None where there is nothing to take."""
    units = min(view.balance(house.cash, me.account), view.balance(house.token, house.custody))
    return Withdraw(house, me.account, units) if units > 0 else None
