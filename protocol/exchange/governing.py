"""Governance at work: a change is proposed, waits for all to see, and is carried out by anybody, or retracted."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np

from protocol.errors import NotAllowed, SenselessChange, Timelocked, UnknownProposal
from protocol.exchange.cases import end_cases
from protocol.exchange.lending import accrue, reprice
from protocol.governance import Proposal, changed, changed_part, kinds, memories, structure
from protocol.limits.base import start_limits
from protocol.losses.base import players
from protocol.oracles.base import read_index, read_mark
from protocol.state import House, State
from protocol.world import Exchange, World


def appoint(state: State, house: House, account: int) -> None:
    """Make an account the governor of an exchange, before the first block."""
    state.put(house.name + ".governor", account)
    state.put(house.name + ".proposals", ())
    state.put(house.name + ".proposed", 0)


def proposals(state: State, house: House) -> tuple[Proposal, ...]:
    """What waits to be carried out."""
    waiting: tuple[Proposal, ...] = state.tables.get(house.name + ".proposals", ())
    return waiting


def propose(state: State, house: House, account: int, path: str, value: Any) -> int:
    """Queue a change. Returns its number. Raises NotAllowed, and SenselessChange where the rules could not be built so now."""
    rules = _need_governor(state, house, account).governance
    assert rules is not None
    _renewed(state, house, path, value)

    number = int(state.tables[house.name + ".proposed"]) + 1
    ready = state.time + rules.delay
    proposal = Proposal(number, path, value, ready, ready + rules.grace)
    state.put(house.name + ".proposed", number)
    state.put(house.name + ".proposals", (*proposals(state, house), proposal))
    return number


def retract(state: State, house: House, account: int, number: int) -> None:
    """Take a proposal back. Raises NotAllowed, UnknownProposal."""
    _need_governor(state, house, account)
    gone = _need_proposal(state, house, number)

    state.put(house.name + ".proposals", tuple(p for p in proposals(state, house) if p is not gone))


def execute(state: State, house: House, account: int, number: int) -> Proposal:
    """Carry a proposal out: anybody may. Returns it.

    Raises UnknownProposal, Timelocked before its time and after, and SenselessChange where it no longer fits.
    """
    proposal = _need_proposal(state, house, number)
    if not proposal.ready <= state.time <= proposal.expires:
        raise Timelocked(proposal=number, now=state.time, ready=proposal.ready, expires=proposal.expires)
    before, world = state.exchange(house), _renewed(state, house, proposal.path, proposal.value)
    after = world.exchanges[house.index]
    _need_room_for_all(state, house, after, proposal)
    _need_settled(state, house, after, proposal)

    for lender in state.lenders[house.index]:
        accrue(state, lender)  # what has been earned so far, by the rules it was earned under
    if kinds(after.liquidation) != kinds(before.liquidation):
        end_cases(state, house)
    state.put("rules", world)
    for lender in state.lenders[house.index]:
        reprice(state, lender)
    state.put(house.name + ".proposals", tuple(p for p in proposals(state, house) if p is not proposal))
    _open_memories(state, house, before, after)
    return proposal


def _need_governor(state: State, house: House, account: int) -> Exchange:
    rules = state.exchange(house)
    if rules.governance is None or state.tables.get(house.name + ".governor") != account:
        raise NotAllowed(account=account, exchange=house.name)
    return rules


def _need_proposal(state: State, house: House, number: int) -> Proposal:
    for proposal in proposals(state, house):
        if proposal.number == number:
            return proposal
    raise UnknownProposal(exchange=house.name, proposal=number)


def _renewed(state: State, house: House, path: str, value: Any) -> World:
    """The rules of all exchanges with a change to one of them. Raises SenselessChange."""
    after = changed(state.exchange(house), path, value)
    _need_rows(state, after, path, value)
    exchanges = list(state.rules.exchanges)
    exchanges[house.index] = after
    try:
        return dataclasses.replace(state.rules, exchanges=tuple(exchanges))
    except ValueError as error:
        raise SenselessChange(path=path, value=str(value), why="; ".join(str(error).splitlines())) from error


def _need_rows(state: State, after: Exchange, path: str, value: Any) -> None:
    """No credentials that the ledger has no row for."""
    gates = [market.access for market in after.markets] + ([after.vault.access] if after.vault is not None else [])
    for name in (name for gate in gates for name in gate.credentials() if name not in state.ledger.row):
        raise SenselessChange(path=path, value=str(value), why=f"there is no credential {name}")


def _need_room_for_all(state: State, house: House, after: Exchange, proposal: Proposal) -> None:
    """No margin rule that allows fewer positions than somebody already holds."""
    rows = [listing.size for listing in state.listings[house.index] if listing.size >= 0]
    held = int(np.count_nonzero(state.ledger.balance[rows][:, players(state)], axis=0).max(initial=0))
    if held > after.margin.most():
        why = f"somebody holds {held} positions, and it allows {after.margin.most()}"
        raise SenselessChange(path=proposal.path, value=str(proposal.value), why=why)


def _need_settled(state: State, house: House, after: Exchange, proposal: Proposal) -> None:
    """No venue leaves while fills of its own are still to be settled."""
    for listing in state.listings[house.index]:
        old, new = state.market(listing).venue, after.markets[listing.index].venue
        if type(new) is type(old) or old.settlement() == 0:
            continue
        if any(old.is_pending(state, listing, account) for account in players(state).tolist()):
            why = f"fills in {listing.name} are still to be settled"
            raise SenselessChange(path=proposal.path, value=str(proposal.value), why=why)


def _open_memories(state: State, house: House, before: Exchange, after: Exchange) -> None:
    """Rules of another kind begin to remember now, at the index that stood; the others go on, wrapped or not."""
    for listing in state.listings[house.index]:
        old, new = before.markets[listing.index], after.markets[listing.index]
        if type(new.venue) is not type(old.venue) or (new.venue != old.venue and new.venue.counterparty == "makers"):
            old.venue.clear(state, listing)  # orders that rest were made for another book: all of them go
            new.venue.start(state, listing, read_mark(state, listing).value)
        at = listing.oracle_at
        price = old.oracle.read(state, listing, at).value
        if structure(new.oracle) != structure(old.oracle):
            known = {structure(rule): _memory(state, where) for rule, where in memories(old.oracle, at)}
            new.oracle.start(state, listing, at, price)
            for rule, where in memories(new.oracle, at):
                for tail, value in known.get(structure(rule), {}).items():
                    state.put(where + tail, value)
        if listing.size >= 0 and structure(new.funding) != structure(old.funding):
            new.funding.start(state, listing, read_index(state, listing).value)
        if new.limits != old.limits:
            start_limits(state, listing)
    fresh = changed_part(before.margin, after.margin)
    if fresh is not None:
        fresh.start(state, house)


def _memory(state: State, at: str) -> dict[str, Any]:
    """A copy of all that lies below a path, by what follows it."""
    found = {path: value for path, value in state.tables.items() if path == at or path.startswith(at + ".")}
    return {path[len(at) :]: copy.copy(value) for path, value in found.items()}
