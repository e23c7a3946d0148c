"""A bridge: a token is locked on the chain it comes from, and one that stands for it is issued on another.

Who sends leaves a message on his chain; once it is final (`depth` blocks on top of its own, then `delay` seconds) anybody may
carry it across and is paid `fee` for that. Lock and mint, burn and release, as the lock-and-mint bridges of 2021 and the
canonical bridges of rollups do (Belchior et al. 2021, "A survey on blockchain interoperability", ACM CSUR 54). Attack surface:
a chain that is reorganised deeper than `depth` forgets what it has been believed about; then more stands for the token than is
locked, and whoever comes last is not paid (`shortfall`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from protocol.instruments.token import Token
from protocol.ledger import WORLD
from protocol.settings import refusals
from protocol.state import Span, State
from protocol.units import Seconds

if TYPE_CHECKING:
    from protocol.world import World


@dataclass(frozen=True)
class Bridge:
    """Carries `token` from chain `source` to chain `target`, where it is called by the bridge's name and its own.

    `depth`: blocks of the sending chain on top of a message until it counts as final, and `delay` seconds from then on;
    `return_depth` and `return_delay` of what comes back. `fee`: share of what is carried, for whoever carries it.
    """

    name: str = "bridge"
    source: str = "l1"
    target: str = "l2"
    token: str = "ETH"
    depth: int = 12
    delay: Seconds = 60.0
    return_depth: int = 12
    return_delay: Seconds = 60.0
    fee: float = 0.0005

    def __post_init__(self) -> None:
        """Refuse a bridge that leads nowhere, or asks for what nobody can wait for."""
        wrong = refusals(
            self,
            depth=(self.depth >= 0, "0 or more blocks"),
            delay=(0 <= self.delay < math.inf, "0 or more seconds"),
            return_depth=(self.return_depth >= 0, "0 or more blocks"),
            return_delay=(0 <= self.return_delay < math.inf, "0 or more seconds"),
            fee=(0 <= self.fee < 1, "0 to below 1, a share of what is carried"),
        )
        if not self.name or "." in self.name:
            wrong.append(f"name = {self.name!r}: must be a word without dots")
        if self.source == self.target:
            wrong.append(f"target = {self.target!r}: must be another chain than the source")
        if wrong:
            raise ValueError("\n".join(wrong))

    @property
    def wrapped(self) -> str:
        """The token that stands for `token` on the target chain."""
        return f"{self.name}.{self.token}"

    def wait(self, returning: bool) -> tuple[int, float]:
        """(blocks, seconds) until a message is carried; `returning`: one about what was burnt."""
        return (self.return_depth, self.return_delay) if returning else (self.depth, self.delay)


class Key(NamedTuple):
    """What a message says, which is also its name: sent again after a reorganisation it is the same one."""

    account: int  # on the sending chain
    salt: int  # the sender's own number
    to: int  # account on the other chain
    units: int

    def __deepcopy__(self, memo: Any) -> Key:
        return self


class Message(NamedTuple):
    """A message as it stands on its chain."""

    key: Key
    height: int  # of the block on its chain that it is in
    time: float  # seconds

    def __deepcopy__(self, memo: Any) -> Message:
        return self


class Deal(NamedTuple):
    """Tokens that are `to`'s for the secret behind its lock, and `account`'s again once `until` has passed.

    A hashed timelock (Herlihy 2018, "Atomic cross-chain swaps", PODC): the same lock on two chains makes one deal of two halves.
    """

    account: int
    to: int
    token: int  # row
    units: int
    until: float  # seconds
    secret: bytes = b""  # once it has been told
    over: bool = False

    def __deepcopy__(self, memo: Any) -> Deal:
        return self


class Leg(NamedTuple):
    """A position that `account` takes of `to` at an agreed price, for the secret behind its lock; until then both put margin up.

    Prepared once `to` has accepted: two-phase commit (Gray 1978, "Notes on data base operating systems"), with a deadline. The
    same lock on two chains makes one position of two legs.
    """

    account: int
    to: int
    market: int  # number of the listing
    size: int  # base units, signed as `account` takes them
    price: float  # cash coins per base coin
    margins: tuple[int, int]  # cash units that `account` and `to` have put up
    until: float  # seconds
    prepared: bool = False
    secret: bytes = b""  # once it has been told
    over: bool = False

    def __deepcopy__(self, memo: Any) -> Leg:
        return self


Messages = Mapping[Key, Message]


class Top(NamedTuple):
    """The newest block of a chain."""

    height: int  # blocks on the chain
    time: float  # seconds, when it was sealed


def top_of(chain: str) -> str:
    """Path of a chain's `Top`, which is kept where there is more than one."""
    return f"chain.{chain}.top"


def top(state: State, chain: int) -> Top:
    """The newest block of a chain, where there is more than one."""
    found: Top = state.tables[top_of(state.rules.chains[chain].name)]
    return found


def sent(state: State, span: Span, chain: int) -> Messages:
    """What has been sent from a chain. Its own table: no other chain writes it."""
    messages: Messages = state.tables[f"{span.path}.sent.{chain}"]
    return messages


def carried(state: State, span: Span, chain: int) -> Messages:
    """What has been carried out on a chain."""
    messages: Messages = state.tables[f"{span.path}.carried.{chain}"]
    return messages


def deals(state: State, span: Span, chain: int) -> Mapping[bytes, Deal]:
    """Deals of two halves on a chain, by their locks."""
    found: Mapping[bytes, Deal] = state.tables[f"{span.path}.deals.{chain}"]
    return found


def legs(state: State, span: Span, chain: int) -> Mapping[bytes, Leg]:
    """Legs of positions over two chains on one of them, by their locks."""
    found: Mapping[bytes, Leg] = state.tables[f"{span.path}.legs.{chain}"]
    return found


def final_at(state: State, span: Span, chain: int, message: Message) -> tuple[int, float]:
    """(blocks still missing on top of it, seconds at which its delay is over at the earliest)."""
    blocks, seconds = state.rules.bridges[span.index].wait(chain == span.target)
    return max(0, message.height + blocks - top(state, chain).height), message.time + seconds


def waiting(state: State, span: Span, chain: int) -> Iterator[Message]:
    """What has been sent from a chain and not been carried out yet."""
    done = carried(state, span, span.other(chain))
    return (message for key, message in sent(state, span, chain).items() if key not in done)


def in_flight(state: State, span: Span) -> int:
    """Units that have been sent, either way, and stand for nobody at the moment."""
    return sum(message.key.units for chain in (span.source, span.target) for message in waiting(state, span, chain))


def supply(state: State, span: Span) -> int:
    """Units of the wrapped token that there are."""
    return -int(state.ledger.balance[span.wrapped, WORLD])


def orphaned(state: State, span: Span) -> int:
    """Units that were carried out on one chain for a message that the other has forgotten."""
    return sum(
        key.units
        for chain in (span.source, span.target)
        for key in carried(state, span, span.other(chain))
        if key not in sent(state, span, chain)
    )


def owed(state: State, span: Span) -> int:
    """Units that escrow has to answer for: what is held wrapped, and what is on its way."""
    return supply(state, span) + in_flight(state, span)


def shortfall(state: State, span: Span) -> int:
    """Units by which escrow falls short of what it has to answer for."""
    return max(0, owed(state, span) - int(state.ledger.balance[span.token, span.escrow]))


def backing(state: State, span: Span) -> float:
    """The share of what it has to answer for that escrow holds, at most 1."""
    due = owed(state, span)
    return min(1.0, int(state.ledger.balance[span.token, span.escrow]) / due) if due > 0 else 1.0


def span_of(state: State, row: int) -> Span | None:
    """The bridge whose wrapped token lies in a row, if there is one."""
    return next((span for span in state.spans if span.wrapped == row), None)


def misled(world: World) -> list[str]:
    """One line for each bridge that leads nowhere, and each market of a token that no bridge brings there."""
    wrong = []
    chains, bridges = {chain.name: chain for chain in world.chains}, {bridge.name: bridge for bridge in world.bridges}
    for bridge in world.bridges:
        wrong += [
            f"bridges.{bridge.name}.{end} = {getattr(bridge, end)!r}: no such chain; there are {', '.join(chains)}"
            for end in ("source", "target")
            if getattr(bridge, end) not in chains
        ]
        native = {
            t
            for e in world.exchanges
            if e.chain == bridge.source
            for t in (e.cash, *(m.instrument.token for m in e.markets))
        }
        if bridge.source in chains and bridge.token not in native:
            wrong.append(
                f"bridges.{bridge.name}.token = {bridge.token!r}: nobody on {bridge.source} has it;"
                f" there are {', '.join(sorted(native))}"
            )
    decimals = {market.instrument.token: market.instrument.decimals for e in world.exchanges for market in e.markets}
    for exchange in world.exchanges:
        if any(exchange.cash == bridge.wrapped for bridge in world.bridges):
            wrong.append(
                f"exchanges.{exchange.name}.cash = {exchange.cash!r}: what is counted in cannot stand for something else"
            )
        if exchange.governance is not None and exchange.chain in chains and chains[exchange.chain].reorgs is not None:
            wrong.append(
                f"exchanges.{exchange.name}.governance: the rules in force are one table for all chains, and"
                f" {exchange.chain} reorganises"
            )
        for market in exchange.markets:
            name = market.instrument.bridge if isinstance(market.instrument, Token) else ""
            if not name:
                continue
            where, found = f"exchanges.{exchange.name}.markets.{market.name}.instrument", bridges.get(name)
            if found is None or (found.target, found.token) != (exchange.chain, market.instrument.base):
                there = [
                    b.name for b in world.bridges if (b.target, b.token) == (exchange.chain, market.instrument.base)
                ]
                wrong.append(
                    f"{where}.bridge = {name!r}: no such bridge brings {market.instrument.base} to {exchange.chain};"
                    f" there are {', '.join(there) or 'none'}"
                )
            elif decimals.get(found.token, market.instrument.decimals) != market.instrument.decimals:
                wrong.append(
                    f"{where}.decimals = {market.instrument.decimals}: must be {decimals[found.token]}, as {found.token} has"
                )
    return wrong
