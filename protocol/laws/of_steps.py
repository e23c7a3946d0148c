"""What must hold from before a deed to after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from protocol.appraisal import account_total, sealed_at
from protocol.exchange import vault_total
from protocol.exchange.investing import pool_supply
from protocol.laws.of_states import TOLERANCE, claims
from protocol.ledger import WORLD, Floats, Ints
from protocol.lending import VIRTUAL_ASSETS, accrued
from protocol.liquidations.cases import locked
from protocol.margins.base import Threshold
from protocol.state import House, Listing, State
from protocol.venues.constant_product import FEE_PARTS, ConstantProduct, keeps_product


class Deed(NamedTuple):
    """Who did what, and whether it came to nothing."""

    verb: str  # name of the verb or of its transaction, in lower case; of a bundle all of them, joined by "+"
    account: int  # -1: nobody's doing, but the end of a block's
    reverted: bool

    @property
    def verbs(self) -> frozenset[str]:
        """Each verb of it."""
        return frozenset(self.verb.split("+"))


class Snapshot(NamedTuple):
    """What step laws remember of the state before."""

    balance: Ints  # [asset, account] a copy
    moves: int  # journal entries in use
    excess: tuple[Floats, ...]  # [exchange][account] equity less initial margin, cash coins
    shares: dict[str, tuple[int, int]]  # what stands behind all shares, and how many there are, virtual ones counted
    digest: str
    locked: tuple[Ints, ...]  # [exchange][found] accounts up for auction
    sealed: Any  # prices of what exchanges take of one another, None where none does


StepLaw = Callable[[Snapshot, Deed, State], list[str]]


def snapshot(state: State) -> Snapshot:
    """What `STEP_LAWS` need to know of a state that is about to change."""
    return Snapshot(
        state.ledger.balance.copy(),
        state.ledger.mark(),
        _excess(state),
        share_prices(state),
        state.digest(),
        tuple(locked(state, house) for house in state.houses),
        _sealed(state),
    )


def share_prices(state: State) -> dict[str, tuple[int, int]]:
    """(assets, shares) behind every vault share, and (reserve, shares) for each token behind every pool share. Units."""
    balance, prices = state.ledger.balance, {}
    for house in state.houses:
        rules = state.exchange(house).vault
        if rules is not None:
            supply = -int(balance[house.share, WORLD])
            total = max(0, vault_total(state, house))
            prices[house.name] = total + rules.virtual_assets, supply + rules.virtual_shares
        for mandate in state.mandates[house.index]:
            rule, total = state.exchange(house).strategies[mandate.index], account_total(state, house, mandate.account)
            supply = -int(balance[mandate.share, WORLD])
            prices[mandate.path] = max(0, total) + rule.virtual_assets, supply + rule.virtual_shares
        for lender in state.lenders[house.index]:
            pool = accrued(state, lender)
            prices[lender.path] = pool.assets + VIRTUAL_ASSETS, pool.shares + lender.virtual
        for listing in state.listings[house.index]:
            if listing.share >= 0:
                supply = pool_supply(state, listing)
                prices[listing.path + ".base"] = int(balance[listing.base, listing.desk]), supply
                prices[listing.path + ".cash"] = int(balance[house.token, listing.desk]), supply
    return prices


def _excess(state: State) -> tuple[Floats, ...]:
    found = []
    for house in state.houses:
        worth, needs = state.exchange(house).margin.standings(state, house, Threshold.INITIAL)
        found.append(worth - needs)
    return tuple(found)


def revert_leaves_no_trace(before: Snapshot, deed: Deed, after: State) -> list[str]:
    """What came to nothing changed nothing."""
    if not deed.reverted:
        return []
    changed = np.argwhere(before.balance != after.ledger.balance)
    wrong = [
        f"{deed.verb} reverted, yet {after.ledger.assets[row].name} of account {account}"
        f" went from {before.balance[row, account]} to {after.ledger.balance[row, account]}"
        for row, account in changed
    ]
    if before.moves != after.ledger.mark():
        wrong.append(f"{deed.verb} reverted, yet the journal went from {before.moves} to {after.ledger.mark()} entries")
    if not wrong and before.digest != after.digest():
        wrong.append(f"{deed.verb} reverted, yet the digest went from {before.digest} to {after.digest()}")
    return wrong


def journal_tells_all(before: Snapshot, deed: Deed, after: State) -> list[str]:
    """Undoing the journal's entries gives the balances from before."""
    ledger = after.ledger
    if ledger.mark() < before.moves or ledger.balance.shape != before.balance.shape:
        return []  # entries were let go of, or accounts opened: a block ended
    asset, src, dst, units, _ = ledger.moves_since(before.moves).T
    told = before.balance.copy()
    np.subtract.at(told, (asset, src), units)
    np.add.at(told, (asset, dst), units)
    return [
        f"{deed.verb}: the journal leads {ledger.assets[row].name} of account {account} to {told[row, account]},"
        f" the ledger says {ledger.balance[row, account]}"
        for row, account in np.argwhere(told != ledger.balance)
    ]


KEEPING = frozenset({"liquidate", "take", "deal", "seize"})  # what befalls others while somebody does their duty


def margin_is_kept(before: Snapshot, deed: Deed, after: State) -> list[str]:
    """Whoever moves claims of its own ends with initial margin, or with smaller positions and no less excess than before.

    A keeper is bound only if the liquidation made a position of its own grow: what befalls it as one of all is not its doing. Not
    asked where a bundle's own trades moved the index that something of the exchange is margined at: each verb was asked at the
    index of its moment, and that this is not enough is how spot oracles are robbed.
    """
    if deed.reverted or deed.account < 0:
        return []
    wrong, account = [], deed.account
    for house, was in zip(after.houses, before.excess, strict=True):
        now = after.ledger.balance[house.first : house.last, account]
        if np.array_equal(before.balance[house.first : house.last, account], now):
            continue
        if "+" in deed.verb and any(_traded(before, after, pool) for pool in _live_sources(after, house)):
            continue
        sizes = [listing.size for listing in after.listings[house.index] if listing.size >= 0]
        old, new = before.balance[sizes, account], after.ledger.balance[sizes, account]
        grew = bool(((np.abs(new) > np.abs(old)) | (new * np.sign(old) < 0)).any())
        if deed.verbs <= KEEPING and not grew:
            continue
        worth, needs = after.exchange(house).margin.standing(after, house, Threshold.INITIAL, account)
        excess = worth - needs
        if excess < -TOLERANCE and (grew or excess < was[account] - TOLERANCE):
            wrong.append(
                f"{deed.verb}: account {account} went from excess {was[account]:.6f} to {excess:.6f} cash coins"
            )
    return wrong


def _live_sources(state: State, house: House) -> set[Listing]:
    """Markets whose trades move, at once, an index by which positions, collateral or loans of the exchange are margined."""
    taken = {pledge.token for pledge in state.pledges[house.index]}
    taken |= {lender.token for lender in state.lenders[house.index]}
    found: set[Listing] = set()
    for listing in state.listings[house.index]:
        if listing.size < 0 and listing.base not in taken:
            continue
        name = state.market(listing).index
        owner = state.find(house, name) if name else listing
        oracle = state.market(owner).oracle
        if oracle.live:
            found |= {state.find(owner.house, source) if source else owner for source in oracle.sources()}
    return found


def _traded(before: Snapshot, after: State, listing: Listing) -> bool:
    """Whether a deed moved anything of a market's base or size, or changed what rests there."""
    rows = listing.base if listing.size < 0 else listing.size
    moved = after.ledger.moves_since(before.moves)
    return bool((moved[:, 0] == rows).any()) or after.market(listing).venue.counterparty == "makers"


def auctioned_do_not_trade(before: Snapshot, deed: Deed, after: State) -> list[str]:
    """Nobody's trade changes a position that is up for auction, neither its owner's nor that of one who meets its orders.

    Not asked of a bundle in which somebody does a keeper's duty as well.
    """
    if "trade" not in deed.verbs or deed.verbs & KEEPING:
        return []
    return [
        f"{deed.verb}: the position of account {account}, up for auction, in {listing.path}"
        f" went from {before.balance[listing.size, account]} to {after.ledger.balance[listing.size, account]}"
        for listing in claims(after)
        for account in np.intersect1d(before.locked[listing.house.index], locked(after, listing.house)).tolist()
        if before.balance[listing.size, account] != after.ledger.balance[listing.size, account]
    ]


SHARE_VERBS = frozenset(
    {"deposit", "withdraw", "invest", "divest", "provide", "remove"}
    | {"pledge", "release", "supply", "redeem", "borrow", "repay", "flashloan", "transfer", "donate", "join", "leave"}
)


def share_prices_do_not_fall(before: Snapshot, deed: Deed, after: State) -> list[str]:
    """No share loses worth because somebody comes or goes: exact, by cross-multiplication.

    A vault may hold positions at an index that a pool's reserves set: who provides moves that by a rounding, as a trade would.
    Who leaves a strategy has it trade, which others gain or lose by: asked of its own shares alone.
    Asked of a bundle only if all of it is such coming and going.
    """
    if not deed.verbs <= SHARE_VERBS:
        return []
    apart = {house.name for house in after.houses} if deed.verbs & {"provide", "remove"} else set()
    if "leave" in deed.verbs:
        apart |= {name for name, (_, shares) in share_prices(after).items() if shares == before.shares[name][1]}
    return [
        f"{deed.verb}: {name} went from {before.shares[name]} to {(assets, shares)} assets and shares"
        for name, (assets, shares) in share_prices(after).items()
        if name not in apart and assets * before.shares[name][1] < before.shares[name][0] * shares
    ]


LIQUIDITY = frozenset({"provide", "remove", "close_block"})


def pools_keep_their_product(before: Snapshot, deed: Deed, after: State) -> list[str]:
    """Whoever trades with a constant-product pool leaves its product no smaller, the fee on what came in left out.

    Up to a unit of each token, by which compiled arithmetic on floats may be off.
    """
    if deed.reverted or deed.verbs & LIQUIDITY:
        return []
    wrong, parts = [], int(FEE_PARTS)
    for listing in after.markets:
        venue = after.market(listing).venue
        if isinstance(venue, ConstantProduct):
            rows = listing.base, listing.house.token
            then, now = (
                (int(balance[rows[0], listing.desk]), int(balance[rows[1], listing.desk]))
                for balance in (before.balance, after.ledger.balance)
            )
            came = max(0, now[0] - then[0]), max(0, now[1] - then[1])
            kept = parts - round(venue.fee * FEE_PARTS)
            if then != now and not keeps_product(then, (now[0] + 1, now[1] + 1), came, kept, parts):
                wrong.append(
                    f"{deed.verb}: the reserves of {listing.path} went from {then} to {now}, less than the fee asks"
                )
    return wrong


def _sealed(state: State) -> list[Any]:
    """What is sealed, chain by chain."""
    return [state.tables.get(sealed_at(state, chain)) for chain in range(len(state.rules.chains))]


def sealed_prices_stand(before: Snapshot, deed: Deed, after: State) -> list[str]:
    """Nobody's deed moves what another exchange's token counts for: only the end of a block does."""
    now = _sealed(after)
    if deed.account < 0 or now == before.sealed:
        return []
    return [f"{deed.verb}: sealed prices went from {before.sealed} to {now} within a block"]


STEP_LAWS: tuple[StepLaw, ...] = (
    revert_leaves_no_trace,
    journal_tells_all,
    margin_is_kept,
    auctioned_do_not_trade,
    share_prices_do_not_fall,
    pools_keep_their_product,
    sealed_prices_stand,
)
