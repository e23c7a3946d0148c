"""Maker's vaults, for `maker_clip`: what they lock and owe, what a unit of collateral may back, the stability fee, and the books.

Whether a vault stands, owes too little or owes more than may be, and what a unit may back, are the rules of a `Synthetic` issue
(`issuing`); its fee is `growth.compounded`. What is the contract's own: who has which of the coins and tokens inside the Vat, and
what the system owes itself for auctions and keepers until it is healed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from experiments.validation import seated_rules
from protocol.issuing import backing, is_backed, is_dust
from protocol.rates.growth import compounded

RAY, WAD = 10**27, 10**18
KEEPERS = 6  # place of the first of them, after the owners of vaults
PLACES = 8


class Refused(Exception):
    """The contract's reason."""


@dataclass(frozen=True)
class Vat:
    """All that it remembers: wads, rays (`spot`, `rate`) and rads (`coins`, `sin`, `queued`, `unbacked`, `coined`)."""

    params: dict[str, Any]
    feed: int
    spot: int
    dripped: int  # when the fee was last added
    locked: tuple[int, ...]
    owed: tuple[int, ...]  # in units of the rate
    coins: tuple[int, ...]
    tokens: tuple[int, ...]
    rate: int = RAY
    debts: int = 0  # all that is owed, in units of the rate
    surplus: int = 0
    sin: int = 0  # what the system owes, of which `queued` waits for auctions
    queued: int = 0
    unbacked: int = 0  # coins that no vault owes
    coined: int = 0  # all coins
    now: int = 0


def opened(params: dict[str, Any]) -> Vat:
    """Before anybody has come; keepers have coins that nobody owes."""
    given = params["keepers_dai0"]
    vat = Vat(
        params,
        params["px0"],
        0,
        params["t_init"],
        (0,) * PLACES,
        (0,) * PLACES,
        (0,) * KEEPERS + (given, given),
        (params["users_gem0"],) * KEEPERS + (0, 0),
        unbacked=2 * given,
        coined=2 * given,
    )
    return poke(vat, params["px0"])


def poke(vat: Vat, feed: int) -> Vat:
    """What a unit of collateral may back, at a new price."""
    ratio: int = vat.params["mat"]
    return replace(vat, feed=feed, spot=backing(feed * 10**9, ratio, RAY))


def put(row: tuple[int, ...], place: int, more: int) -> tuple[int, ...]:
    """With so much more in one place. Raises Refused below nothing."""
    if row[place] + more < 0:
        raise Refused("(no data)")
    return (*row[:place], row[place] + more, *row[place + 1 :])


def drip(vat: Vat) -> Vat:
    """Add the fee of the seconds gone by to all debts; it is the system's surplus."""
    duty: int = vat.params["duty"]
    rate = compounded(vat.rate, duty, vat.now - vat.dripped, RAY)
    more = vat.debts * (rate - vat.rate)
    return replace(vat, rate=rate, dripped=vat.now, surplus=vat.surplus + more, coined=vat.coined + more)


def backs(vat: Vat, locked: int, owed: int) -> bool:
    """Whether collateral stands behind a debt in units of the rate: by `issuing.stands`, but where floats cannot tell, exactly."""
    said = seated_rules.backed(vat.params["mat"] / RAY, vat.feed / WAD, locked, owed, vat.rate)
    return is_backed(locked, vat.spot, owed * vat.rate) if said is None else said


def frob(vat: Vat, who: int, lock: int, draw: int) -> Vat:
    """Lock collateral or take it out, draw coins or pay them back."""
    after = replace(vat, locked=put(vat.locked, who, lock), owed=put(vat.owed, who, draw), debts=vat.debts + draw)
    owed: int = after.owed[who] * vat.rate
    if (draw > 0 or lock < 0) and not backs(vat, after.locked[who], after.owed[who]):
        raise Refused("Vat/not-safe")
    least: int = vat.params["dust"]
    if is_dust(owed, least):
        raise Refused("Vat/dust")
    after = replace(after, tokens=put(vat.tokens, who, -lock), coins=put(vat.coins, who, draw * vat.rate))
    return replace(after, coined=vat.coined + draw * vat.rate)


def grab(vat: Vat, who: int, lock: int, owed: int) -> Vat:
    """Take collateral and debt out of a vault, for an auction; the system owes the debt until it is paid."""
    due = owed * vat.rate
    vat = replace(vat, locked=put(vat.locked, who, -lock), owed=put(vat.owed, who, -owed), debts=vat.debts - owed)
    return replace(vat, sin=vat.sin + due, queued=vat.queued + due, unbacked=vat.unbacked + due)


def reward(vat: Vat, keeper: int, coin: int) -> Vat:
    """Coins for whoever starts a round: the system owes them."""
    vat = replace(vat, coins=put(vat.coins, keeper, coin), sin=vat.sin + coin)
    return replace(vat, unbacked=vat.unbacked + coin, coined=vat.coined + coin)


def sold(vat: Vat, keeper: int, part: int, paid: int) -> Vat:
    """Collateral to a taker, coins to the system."""
    vat = replace(vat, tokens=put(vat.tokens, keeper, part), coins=put(vat.coins, keeper, -paid))
    return replace(vat, surplus=vat.surplus + paid)


def heal(vat: Vat, amount: int) -> Vat:
    """Set surplus against what the system owes and does not wait for."""
    if amount > vat.surplus:
        raise Refused("Vow/insufficient-surplus")
    if amount > vat.sin - vat.queued:
        raise Refused("Vow/insufficient-debt")
    vat = replace(vat, surplus=vat.surplus - amount, sin=vat.sin - amount)
    return replace(vat, unbacked=vat.unbacked - amount, coined=vat.coined - amount)


def view(vat: Vat, who: int) -> dict[str, int]:
    """The recorded columns; those of an account as of nobody where nobody acts."""
    told = {"price_feed_wad": vat.feed, "spot": vat.spot, "rate": vat.rate, "Art": vat.debts}
    told |= {"vow_dai": vat.surplus, "vow_sin": vat.sin, "vow_Sin": vat.queued}
    told |= {"vice": vat.unbacked, "debt": vat.coined}
    mine = [row[who] if who >= 0 else 0 for row in (vat.locked, vat.owed, vat.coins, vat.tokens)]
    return told | dict(zip(("ink", "art", "actor_dai", "actor_gem"), mine, strict=True))


def adopt(vat: Vat, row: dict[str, Any]) -> Vat:
    """The state that the contract left, with what it does not show of others than who acted as predicted."""
    vat = replace(vat, feed=row["price_feed_wad"], spot=row["spot"], rate=row["rate"], debts=row["Art"])
    vat = replace(vat, surplus=row["vow_dai"], sin=row["vow_sin"], queued=row["vow_Sin"])
    vat = replace(vat, unbacked=row["vice"], coined=row["debt"])
    who = row["actor"]
    if who < 0:
        return vat
    shown = {"locked": "ink", "owed": "art", "coins": "actor_dai", "tokens": "actor_gem"}
    for mine, name in shown.items():
        held: Any = getattr(vat, mine)
        changes: dict[str, Any] = {mine: put(held, who, row[name] - held[who])}
        vat = replace(vat, **changes)
    return vat
