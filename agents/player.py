"""One decision maker: what it wants (a frozen `Role`) and who it is in the game (a `Player`, a Mesa agent).

A role writes one method, `act`: read-only view in, transactions out. Everything a role remembers lies in the player's
`memory`; every coin it has lies in the ledger.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import mesa

from agents.view import View
from protocol.chain import Built, Offer
from protocol.mempool import Orders, Placed
from protocol.settings import refusals
from protocol.transactions import Transaction

if TYPE_CHECKING:
    from agents.game import Game
    from agents.lost import Lost
    from protocol.world import World


class Send(NamedTuple):
    """A transaction with the priority fee offered for it (cash coins per gas).

    In a `slot` it replaces what the same player has waiting there, if its fee is higher by `protocol.mempool.RAISE`. It arrives
    `later` seconds after the player's answer could at the earliest.
    """

    transaction: Transaction
    tip: float
    slot: Hashable = None
    later: float = 0.0


class ReferenceTrade(NamedTuple):
    """A market order on the off-chain reference venue: `size` base coins, signed. Settled with the wallet, against WORLD."""

    account: int
    asset: str
    size: float


class Bribe(NamedTuple):
    """Cash from wallet to wallet, for which `payee` is to report `factor` times what it sees, until `until`.

    It gets there over `ramp` seconds from `since` on, so that no guard on the pace of an index is offended. Times in seconds.
    """

    account: int
    payee: int
    cash: float  # coins
    factor: float
    since: float
    ramp: float
    until: float


Action = Send | Orders | Placed | ReferenceTrade | Bribe


@dataclass(frozen=True)
class Role(ABC):
    """What a player is: `count` of them, each with `capital` cash coins and `base` base coins in its wallet.

    `latency`: seconds from the world to its transaction's arrival in the mempool, `jitter`: mean seconds of chance on top of it.
    `tip`: usual priority fee, cash coins per gas.
    """

    kind: ClassVar[str] = ""  # keeper, maker, reporter, ...: where others live by what it does

    name: str = ""
    count: int = 1
    capital: float = 100_000.0
    base: float = 0.0
    latency: float = 0.1
    tip: float = 2e-9
    exchange: str = ""
    market: str = ""
    jitter: float = 0.0

    def __post_init__(self) -> None:
        """Refuse players that cannot be; name those that have no name after their kind."""
        if not self.name:
            object.__setattr__(self, "name", type(self).__name__.lower())
        wrong = refusals(
            self,
            count=(self.count >= 0, "0 or more"),
            capital=(self.capital >= 0, "0 or more cash coins"),
            base=(self.base >= 0, "0 or more base coins"),
            latency=(self.latency >= 0, "0 or more seconds"),
            tip=(self.tip >= 0, "0 or more cash coins per gas"),
            jitter=(0 <= self.jitter < math.inf, "0 or more seconds"),
        )
        wrong += self.mistakes()
        if wrong:
            raise ValueError("\n".join(wrong))

    def mistakes(self) -> list[str]:
        """One line for each of the role's own settings that makes no sense."""
        return []

    def misfits(self, world: World) -> list[str]:
        """One line for each way in which it does not fit a world, beyond its `exchange` and `market`."""
        return []

    def without(self, lost: Lost) -> Role | None:
        """What it is in a world that has lost an exchange; None where it lived there, or has nothing left to do."""
        exchange, market = lost.home(self.exchange, self.market)
        if market not in lost.left(exchange):
            return None
        return self if self.exchange else dataclasses.replace(self, exchange=exchange)

    def cut_off(self, name: str, names: Sequence[str]) -> Role:
        """What it is where nothing that it does on that exchange, of these, reaches the others."""
        return self

    def looks(self) -> int:
        """How often it looks at the mempool between two blocks. 0: it does not read it, and is asked with everybody else."""
        return 0

    def chains(self, game: Game) -> frozenset[int]:
        """Numbers of the chains before whose blocks it is asked: the one that its exchange lives on."""
        return frozenset((game.house(self.exchange).chain,))

    def builds(self) -> float:
        """Share of the blocks it builds, where the ordering leaves that to builders."""
        return 0.0

    def build(self, me: Player, view: View, offer: Offer) -> Built | None:
        """The block it makes of what is offered. None: an honest one."""
        return None

    @property
    def label(self) -> str:
        """The name in tables and streams."""
        return self.name

    def asks(self, time: float) -> float:
        """Cash coins for which it would take a bribe at `time`; infinite: never, as most."""
        return math.inf

    def resends(self, transaction: Transaction) -> bool:
        """Whether it lets a transaction of a block that was undone stand, to be served again; honest players do."""
        return True

    def enter(self, game: Game) -> None:
        """Take a seat in the game: accounts, wallets, agents. Crowds take many seats at once."""
        for number in range(self.count):
            account = game.open(self.label, self.capital, self.base, self.market, self.exchange)
            player = Player(game, self, account, f"{self.label}.{number}")
            game.players.append(player)
            self.prepare(player, game)

    def prepare(self, me: Player, game: Game) -> None:
        """What must be arranged before the first block, such as a deposit or a seat among reporters."""
        return

    @abstractmethod
    def act(self, me: Player, view: View) -> Iterable[Action]:
        """What to send, given what is seen. Called once a block."""


class Player(mesa.Agent):
    """A seat at the table."""

    def __init__(self, game: Game, role: Role, account: int, label: str) -> None:
        super().__init__(game)
        self.role = role
        self.account = account
        self.label = label
        self.dice = game.streams.key(f"{label}.speaks")
        self.memory: dict[str, Any] = {}
        self.notes: list[tuple[float, str, dict[str, Any]]] = []

    def act(self, view: View) -> Iterable[Action]:
        """Ask the role."""
        return self.role.act(self, view)

    def note(self, view: View, kind: str, **numbers: Any) -> None:
        """Write a decision down, also one not to act; it goes into the table of events."""
        self.notes.append((view.time, kind, numbers))

    def send(self, transaction: Transaction, tip: float | None = None, slot: Hashable = None) -> Send:
        """A transaction at the usual priority fee, or at `tip`."""
        return Send(transaction, self.role.tip if tip is None else tip, slot)
