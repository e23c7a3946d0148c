"""What must always hold: LAWS of a state, STEP_LAWS of a transition.

A law is a named function that returns one line, with numbers, for each violation it finds. Laws know the ledger's shape and
no rule's parameters, so that they bind every variant; they are cheap enough to be read after every block.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from protocol.exchange import vault_total
from protocol.exchange.bearing import is_flat
from protocol.instruments.base import NEVER
from protocol.instruments.settling import outcome
from protocol.ledger import WORLD, Floats, Ints
from protocol.lending import RAY, VIRTUAL_ASSETS, accrued, book
from protocol.liquidations.cases import cases, held, locked
from protocol.liquidations.seizure import liens
from protocol.losses.base import players
from protocol.margins.base import Threshold
from protocol.state import Listing, State

SPARE = 10_000  # units: what roundings may leave with a loan pool
TOLERANCE = 1e-5  # cash coins: what float sums of equity may be off by


class LawBroken(Exception):
    """Laws that do not hold, one line each. Not a Revert: a bug of ours."""

    def __init__(self, violations: list[str]) -> None:
        self.violations = violations
        super().__init__("\n".join(violations))


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


Law = Callable[[State], list[str]]
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
        for lender in state.lenders[house.index]:
            pool = accrued(state, lender)
            prices[lender.path] = pool.assets + VIRTUAL_ASSETS, pool.shares + lender.virtual
        for listing in state.listings[house.index]:
            if listing.share >= 0:
                supply = -int(balance[listing.share, WORLD])
                prices[listing.path + ".base"] = int(balance[listing.base, listing.desk]), supply
                prices[listing.path + ".cash"] = int(balance[house.token, listing.desk]), supply
    return prices


def _excess(state: State) -> tuple[Floats, ...]:
    found = []
    for house in state.houses:
        worth, needs = state.exchange(house).margin.standings(state, house, Threshold.INITIAL)
        found.append(worth - needs)
    return tuple(found)


def _claims(state: State) -> Iterator[Listing]:
    """Markets of claims."""
    return (listing for listings in state.listings for listing in listings if listing.size >= 0)


# ---------------------------------------------------------------------- of a state


def rows_sum_to_zero(state: State) -> list[str]:
    """Nothing is minted and nothing lost."""
    sums = state.ledger.balance.sum(axis=1)
    return [f"{state.ledger.assets[row].name}: the row sums to {sums[row]}, not 0" for row in np.flatnonzero(sums)]


def tokens_not_overdrawn(state: State) -> list[str]:
    """Nobody but WORLD owes tokens."""
    ledger = state.ledger
    short = (ledger.balance < 0) & ledger.is_token[:, None]
    short[:, WORLD] = False
    return [
        f"{ledger.assets[row].name}: account {account} holds {ledger.balance[row, account]}"
        for row, account in np.argwhere(short)
    ]


def custody_backs_claims(state: State) -> list[str]:
    """Each exchange holds exactly the tokens for which it owes claims, token by token."""
    wrong = []
    for house in state.houses:
        held = state.ledger.balance[:, house.custody]
        owed = np.zeros(len(held), np.int64)
        owed[house.token] += held[house.cash]
        for pledge in state.pledges[house.index]:
            owed[pledge.token] += held[pledge.claim]
        for issue in state.issues[house.index]:
            owed[issue.token] += held[issue.locked]
        wrong += [
            f"{house.name}: custody holds {held[row]} {state.ledger.assets[row].name} and owes {-owed[row]}"
            for row in np.flatnonzero(state.ledger.is_token & (held + owed != 0))
        ]
    return wrong


def loans_are_covered(state: State) -> list[str]:
    """A loan pool's tokens and debts are what suppliers brought and earned, less what is recorded as lost.

    Roundings stay with the pool, so it may have a little more; it never has less.
    """
    wrong = []
    for lender in (lender for lenders in state.lenders for lender in lenders):
        kept, balance = book(state, lender), state.ledger.balance
        tokens = int(balance[lender.token, lender.account])
        debts = int(balance[lender.debt, lender.account]) * kept.index // RAY
        spare = tokens + debts - (kept.lent + kept.earned - kept.lost)
        if not 0 <= spare <= SPARE:
            wrong.append(
                f"{lender.path}: holds {tokens} and is owed {debts}; brought {kept.lent}, earned {kept.earned},"
                f" lost {kept.lost}: {spare} units too many"
            )
    return wrong


def synthetics_are_owed(state: State) -> list[str]:
    """Somebody owes every unit of a synthetic that there is, but for what is recorded as lost."""
    wrong = []
    for issue in (issue for issues in state.issues for issue in issues):
        kept = state.tables[issue.path]
        debts = int(state.ledger.balance[issue.debt, issue.listing.house.custody]) * kept.index // RAY
        supply = -int(state.ledger.balance[issue.listing.base, WORLD])
        if not 0 <= debts + kept.lost - supply <= SPARE:
            wrong.append(f"{issue.path}: there are {supply} units, owed are {debts} and lost {kept.lost}")
    return wrong


def only_players_borrow(state: State) -> list[str]:
    """What is owed to a loan pool is owed by players, and to nobody else; nobody's collateral is below zero."""
    wrong = []
    for house in state.houses:
        rows = [(lender.debt, -1, lender.account) for lender in state.lenders[house.index]]
        rows += [(pledge.claim, 1, house.custody) for pledge in state.pledges[house.index]]
        for issue in state.issues[house.index]:
            rows += [(issue.debt, -1, house.custody), (issue.locked, 1, house.custody)]
        for row, sign, issuer in rows:
            held = sign * state.ledger.balance[row]
            bad = np.flatnonzero((held < 0) | ((held > 0) & (state.ledger.exchange >= 0)))
            wrong += [
                f"{state.ledger.assets[row].name}: account {account} holds {sign * held[account]}"
                for account in bad
                if account != issuer
            ]
    return wrong


def debts_are_within_reach(state: State) -> list[str]:
    """A player who owes a loan pool has a position or something in custody: nobody could close any other debt."""
    wrong = []
    for house in state.houses:
        for lender in state.lenders[house.index]:
            wrong += [
                f"{lender.path}: account {account} owes {-state.ledger.balance[lender.debt, account]} and has nothing"
                for account in np.flatnonzero(state.ledger.balance[lender.debt] < 0).tolist()
                if state.ledger.exchange[account] < 0
                and is_flat(state, house, account)
                and not liens(state, house, account)
            ]
    return wrong


def clearing_worth_nothing(state: State) -> list[str]:
    """Clearing gives cash for quote, one for one."""
    wrong = []
    for house in state.houses:
        balance = state.ledger.balance[:, house.clearing]
        cash = int(balance[house.cash])
        quote = sum(int(balance[listing.quote]) for listing in state.listings[house.index] if listing.size >= 0)
        if cash + quote != 0:
            wrong.append(f"{house.name}: clearing holds cash {cash} against quote {quote}")
    return wrong


def funds_worth_nothing(state: State) -> list[str]:
    """The funding account gives cash for funding, one for one."""
    wrong = []
    for listing in _claims(state):
        cash, owed = (int(state.ledger.balance[row, listing.fund]) for row in (listing.house.cash, listing.funding))
        if cash + owed != 0:
            wrong.append(f"{listing.path}: the funding account holds cash {cash} against funding {owed}")
    return wrong


def interest_is_counted(state: State) -> list[str]:
    """The running open interest is what accounts other than the venue's hold."""
    wrong = []
    for listing in _claims(state):
        held = state.ledger.balance[listing.size].copy()
        held[listing.desk] = 0
        found = int(np.maximum(held, 0).sum()), int(np.maximum(-held, 0).sum())
        table = tuple(state.tables[listing.path + ".interest"].tolist())
        if table != found:
            wrong.append(f"{listing.path}: open interest is {found}, the table says {table}")
    return wrong


def only_traders_hold_positions(state: State) -> list[str]:
    """Custody, clearing, funding, insurance and treasury hold no size; nor does WORLD."""
    wrong = []
    for listing in _claims(state):
        house = listing.house
        roles = WORLD, house.custody, house.clearing, house.insurance, house.treasury, listing.fund
        wrong += [
            f"{listing.path}: account {account} ({state.ledger.groups[state.ledger.group[account]]}) holds size {size}"
            for account in roles
            if (size := int(state.ledger.balance[listing.size, account])) != 0
        ]
    return wrong


def flat_accounts_are_clean(state: State) -> list[str]:
    """A player without a position has no quote left, and at most one unit of funding, in that market."""
    wrong = []
    who = players(state)
    for listing in _claims(state):
        size, quote, funding = (
            state.ledger.balance[row, who] for row in (listing.size, listing.quote, listing.funding)
        )
        bad = np.flatnonzero((size == 0) & ((quote != 0) | (np.abs(funding) > 1)))
        wrong += [
            f"{listing.path}: account {who[row]} has no position, yet quote {quote[row]} and funding {funding[row]}"
            for row in bad
        ]
    return wrong


def positions_within_margin_rule(state: State) -> list[str]:
    """No player holds more markets than the margin rule allows."""
    wrong = []
    who = players(state)
    for house in state.houses:
        rows = [listing.size for listing in state.listings[house.index] if listing.size >= 0]
        most = state.exchange(house).margin.most()
        count = np.count_nonzero(state.ledger.balance[rows][:, who], axis=0)
        wrong += [
            f"{house.name}: account {who[row]} holds {count[row]} positions, allowed {most}"
            for row in np.flatnonzero(count > most)
        ]
    return wrong


def venues_hold_what_they_owe(state: State) -> list[str]:
    """Whatever lies with a venue in somebody's name is there."""
    wrong = []
    for listing in (listing for listings in state.listings for listing in listings):
        owed = state.market(listing).venue.belongs(state, listing)
        for row, column in ((listing.base, 1), (listing.house.token, 2)):
            held, due = int(state.ledger.balance[row, listing.desk]), sum(one[column] for one in owed)
            if held < due:
                wrong.append(f"{listing.path}: the venue holds {held} {state.ledger.assets[row].name} and owes {due}")
    return wrong


def settled_markets_are_empty(state: State) -> list[str]:
    """What has settled leaves nobody a position, nor what one cost."""
    wrong = []
    for listing in _claims(state):
        if state.market(listing).instrument.expires() < NEVER and not math.isnan(outcome(state, listing).value):
            for row in (listing.size, listing.quote, listing.funding):
                wrong += [
                    f"{state.ledger.assets[row].name}: settled, yet account {account} holds {state.ledger.balance[row, account]}"
                    for account in np.flatnonzero(state.ledger.balance[row])
                ]
    return wrong


def journal_is_legible(state: State) -> list[str]:
    """Every entry names an asset and two accounts that exist, and moves a positive amount."""
    ledger = state.ledger
    asset, src, dst, units, _ = ledger.moves_since(0).T
    bad = (asset < 0) | (asset >= len(ledger.assets)) | (units <= 0) | (src == dst)
    for account in (src, dst):
        bad |= (account < 0) | (account >= ledger.accounts)
    return [f"journal entry {row}: {ledger.journal[row].tolist()}" for row in np.flatnonzero(bad)]


def bids_are_backed(state: State) -> list[str]:
    """Escrow holds what standing bids have locked, to the unit; a bid stands only where a position is up for auction."""
    wrong = []
    for house in state.houses:
        promised = held(state, house)
        has = int(state.ledger.balance[house.cash, house.escrow]) if house.escrow >= 0 else 0
        if has != promised:
            wrong.append(f"{house.name}: escrow holds {has}, standing bids have locked {promised}")
        wrong += [
            f"{listing.path}: account {case.bidder} bids for account {account}, of which nothing is up for auction"
            for listing in state.listings[house.index]
            for account, case in cases(state, listing).items()
            if (case.bidder >= 0 or case.held) and not (case.locked and state.ledger.balance[listing.size, account])
        ]
    return wrong


LAWS: tuple[Law, ...] = (
    rows_sum_to_zero,
    tokens_not_overdrawn,
    custody_backs_claims,
    loans_are_covered,
    synthetics_are_owed,
    only_players_borrow,
    debts_are_within_reach,
    clearing_worth_nothing,
    funds_worth_nothing,
    interest_is_counted,
    only_traders_hold_positions,
    flat_accounts_are_clean,
    positions_within_margin_rule,
    venues_hold_what_they_owe,
    bids_are_backed,
    settled_markets_are_empty,
    journal_is_legible,
)


# ---------------------------------------------------------------------- of a transition


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

    A keeper is bound only if the liquidation made a position of its own grow: what befalls it as one of all is not its doing.
    """
    if deed.reverted or deed.account < 0:
        return []
    wrong, account = [], deed.account
    for house, was in zip(after.houses, before.excess, strict=True):
        now = after.ledger.balance[house.first : house.last, account]
        if np.array_equal(before.balance[house.first : house.last, account], now):
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


def auctioned_do_not_trade(before: Snapshot, deed: Deed, after: State) -> list[str]:
    """Nobody's trade changes a position that is up for auction, neither its owner's nor that of one who meets its orders.

    Not asked of a bundle in which somebody does a keeper's duty as well.
    """
    if "trade" not in deed.verbs or deed.verbs & KEEPING:
        return []
    return [
        f"{deed.verb}: the position of account {account}, up for auction, in {listing.path}"
        f" went from {before.balance[listing.size, account]} to {after.ledger.balance[listing.size, account]}"
        for listing in _claims(after)
        for account in np.intersect1d(before.locked[listing.house.index], locked(after, listing.house)).tolist()
        if before.balance[listing.size, account] != after.ledger.balance[listing.size, account]
    ]


SHARE_VERBS = frozenset(
    {"deposit", "withdraw", "invest", "divest", "provide", "remove"}
    | {"pledge", "release", "supply", "redeem", "borrow", "repay"}
)


def share_prices_do_not_fall(before: Snapshot, deed: Deed, after: State) -> list[str]:
    """No share loses worth because somebody comes or goes: exact, by cross-multiplication.

    A vault may hold positions at an index that a pool's reserves set: who provides moves that by a rounding, as a trade would.
    Asked of a bundle only if all of it is such coming and going.
    """
    if not deed.verbs <= SHARE_VERBS:
        return []
    apart = {house.name for house in after.houses} if deed.verbs & {"provide", "remove"} else set()
    return [
        f"{deed.verb}: {name} went from {before.shares[name]} to {(assets, shares)} assets and shares"
        for name, (assets, shares) in share_prices(after).items()
        if name not in apart and assets * before.shares[name][1] < before.shares[name][0] * shares
    ]


STEP_LAWS: tuple[StepLaw, ...] = (
    revert_leaves_no_trace,
    journal_tells_all,
    margin_is_kept,
    auctioned_do_not_trade,
    share_prices_do_not_fall,
)


# ---------------------------------------------------------------------- judges


def check(state: State) -> None:
    """Raise LawBroken, listing every violation, unless all LAWS hold."""
    violations = [f"{law.__name__}: {line}" for law in LAWS for line in law(state)]
    if violations:
        raise LawBroken(violations)


def check_step(before: Snapshot, deed: Deed, after: State) -> None:
    """Raise LawBroken, listing every violation, unless all STEP_LAWS hold."""
    violations = [f"{law.__name__}: {line}" for law in STEP_LAWS for line in law(before, deed, after)]
    if violations:
        raise LawBroken(violations)


class Judge:
    """A witness for `chain.seal` that holds every transaction, and the end of every block, to STEP_LAWS. Raises LawBroken.

    At the end of a block nobody acts: what is asked of it is that the journal tells all that it moved.
    """

    def before(self, state: State) -> Snapshot:
        """What the laws need to know."""
        return snapshot(state)

    def after(self, state: State, seen: Snapshot, verb: str, account: int, reverted: bool) -> None:
        """Judge the deed."""
        check_step(seen, Deed(verb, account, reverted), state)
