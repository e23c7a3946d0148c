"""The game: a Mesa model in which one step is one block.

Nature moves fair and the reference venues relax; players see and submit; the chain orders, fits and executes; what happened
is recorded. Draws belong to names (`streams`), never to the order of calls, and the model's own generator is never used.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import mesa
import numpy as np

from agents import builders
from agents.demand import OutsideDemand, recent
from agents.nature.base import Nature
from agents.nature.reference import ReferenceMarket, ReferenceVenue
from agents.offchain import bribe, trade_reference
from agents.player import Action, Bribe, Player, ReferenceTrade, Role, Send
from agents.recorder import Recorder
from agents.reorganising import reorganise
from agents.streams import Streams, draw, line_up, uniform_at
from agents.view import View
from protocol import laws
from protocol.blocks.base import BlockLaw
from protocol.chain import Witness, seal
from protocol.genesis import genesis
from protocol.ledger import WORLD, Reason
from protocol.mempool import Mempool, Orders, Pending, Placed
from protocol.opening import back_wrapped
from protocol.state import House, Listing, State
from protocol.undoing import Undoable, keep
from protocol.units import to_units_down
from protocol.venues.base import Mask
from protocol.world import World

if TYPE_CHECKING:
    from protocol.ledger import Floats

GRID = 1e-9  # seconds: how far apart two equal times may be
AHEAD = 64  # blocks for which chance is drawn at once: draw upon draw takes a third of the time


# What nature and chance hold for a block: when it is sealed, the law of blocks, when the next one is sealed if that stays the law
# (seconds), the mean share of its capacity that others ask for, and how much of that they do ask for.
Coming = tuple[float, BlockLaw, float, float, float]


class Game(mesa.Model):
    """A world, a cast and nature, played block by block."""

    def __init__(
        self,
        world: World,
        cast: Sequence[Role],
        nature: Nature,
        references: Sequence[ReferenceVenue],
        *,
        seed: int,
        duration: float,
        outside: OutsideDemand | None = None,
        patience: float = 120.0,
        check: bool = False,
        witness: Witness | None = None,
    ) -> None:
        super().__init__(rng=seed)
        self.streams = Streams(seed)
        self.duration = duration
        self.patience = patience
        self.check = check
        self.witness: Witness | None = laws.Judge() if check else witness
        self.demand = outside or OutsideDemand()
        self.tick = nature.tick
        self.column = {asset: number for number, asset in enumerate(nature.assets)}
        self.fair = nature.path(self.streams, math.ceil(duration / nature.tick) + 1)  # [tick, asset]
        self._first: Floats = self.fair[:, 0].copy()  # of the asset that outside demand looks at
        self._last, self._recent = len(self.fair) - 1, recent(nature.tick)  # ticks
        self.mids: Floats = self.fair.copy()  # [tick, asset] reference mids, known up to `_known`
        venues = {venue.asset: venue for venue in references}
        self.references = [ReferenceMarket(venues.get(a, ReferenceVenue(asset=a))) for a in nature.assets]
        self.known = 0
        self.state = genesis(world, {asset: float(self.fair[0, i]) for asset, i in self.column.items()})
        self._listings = {(m.house.name, m.name): m for ms in self.state.listings for m in ms}
        self._views: dict[float, View] = {}  # what those of a latency are shown before this block
        self._masked: tuple[World | None, dict[str, Mask]] = (None, {})
        self.mempools = [Mempool() for _ in world.chains]
        self.players: list[Player] = []
        self._keys = {name: self.streams.key(name) for name in ("blocks", "ordering", "outside", "reorgs")}
        try:
            for role in cast:
                role.enter(self)
            back_wrapped(self.state)
        except BaseException:
            let_go(self)
            raise
        self.state.finalise()
        self.heights = [0 for _ in world.chains]  # blocks sealed, by chain, those undone since counted as well
        here = [[player for player in self.players if n in player.role.chains(self)] for n in range(len(world.chains))]
        self._speak = [[player for player in players if not player.role.looks()] for players in here]  # [chain]
        self._read = [
            [player for player in players if player.role.looks()] for players in here
        ]  # they also read mempools
        self._dice = [np.array([player.dice for player in players], np.uint64) for players in self._speak]
        self._turns: list[list[list[Player]]] = [[] for _ in here]  # who speaks in turn, by chain and height
        self._reading = [np.array([player.dice for player in players], np.uint64) for players in self._read]
        self._late = {p: self.streams.key(f"{p.label}.jitter") for p in self.players if p.role.jitter}
        self._leads = [chain.ordering.lead() for chain in world.chains]
        self.undoable: list[deque[Undoable]] = [
            deque(maxlen=chain.reorgs.deepest if chain.reorgs is not None else 0) for chain in world.chains
        ]
        try:
            self.builders = builders.seated(self, world)
        except BaseException:
            let_go(self)
            raise
        self._latest = max((player.role.latency for player in self.players), default=0.0) + max(self._leads)
        self._seen: deque[State] = deque()  # copies of older states, if anybody is slower than a block
        if self._latest > (min(c.blocks.shortest() for c in world.chains) if len(world.chains) == 1 else 0.0):
            self._seen.append(self.state.save())
        self._next = [self._wait(number, 0.0) for number in range(len(world.chains))]
        self._coming: list[list[Coming]] = [[] for _ in world.chains]  # the next ones last
        self.recorder = Recorder(self)

    # ------------------------------------------------------------------ set-up

    def house(self, exchange: str = "") -> House:
        """An exchange by name; '' is the first. Raises ValueError where there is none of that name."""
        if not exchange:
            return self.state.houses[0]
        for house in self.state.houses:
            if house.name == exchange:
                return house
        raise ValueError(f"exchange = {exchange!r}: there are {', '.join(house.name for house in self.state.houses)}")

    def listing(self, market: str = "", exchange: str = "") -> Listing:
        """A market by name; '' is the first of its exchange."""
        house = self.house(exchange)
        return self._listings[house.name, market] if market else self.state.listings[house.index][0]

    def open(
        self,
        group: str,
        cash: float,
        base: float,
        market: str = "",
        exchange: str = "",
        count: int = 1,
        owner: int | None = None,
    ) -> int:
        """Open `count` accounts with cash and base coins in each wallet, each of its own owner or all of `owner`."""
        listing = self.listing(market, exchange)
        ledger, first = self.state.ledger, self.state.ledger.open(group, count, owner=owner, chain=listing.house.chain)
        for account in range(first, first + count):
            units = to_units_down(cash, int(listing.house.cash_scale))
            ledger.move(listing.house.token, WORLD, account, units, Reason.GENESIS)
            ledger.move(listing.base, WORLD, account, to_units_down(base, int(listing.size_scale)), Reason.GENESIS)
        return first

    def masks(self, state: State) -> dict[str, Mask]:
        """Tables that no player sees as they are, under the rules in force in a state."""
        if self._masked[0] is not state.rules:
            found = {p: mask for m in state.markets for p, mask in state.market(m).venue.masks(m).items()}
            self._masked = state.rules, found
        return self._masked[1]

    # ------------------------------------------------------------------ time

    def _wait(self, chain: int, since: float) -> float:
        law = self.state.rules.chains[chain].blocks
        return since + law.wait(uniform_at(self._keys["blocks"], round(since / GRID), chain) if law.chance else 0.5)

    def _foresee(self, chain: int, time: float, law: BlockLaw) -> Coming:
        """A block of a chain; worked out for many at once, for it depends on nothing but nature, names and that law."""
        coming = self._coming[chain]
        if not coming or coming[-1][0] != time or coming[-1][1] is not law:
            times = [time]
            for _ in range(AHEAD):
                times.append(self._wait(chain, times[-1]))
            blocks = np.array(times[:-1])
            dice = self._keys["outside"], np.rint(blocks / GRID).astype(np.int64), chain
            known = np.minimum((blocks / self.tick + GRID).astype(np.int64), self._last)
            pull, eager = self.demand.ahead(self._first, known, self._recent, self.tick, dice)
            coming[:] = zip(times, [law] * AHEAD, times[1:], pull, eager, strict=False)
            coming.reverse()
        return coming.pop()

    def _entropy(self, chain: int) -> int:
        """What chance gives an ordering that asks for it."""
        if not self.state.rules.chains[chain].ordering.chance:
            return 0
        return int(uniform_at(self._keys["ordering"], self.heights[chain], chain) * 2.0**62)

    def _tick_of(self, time: float) -> int:
        """The last tick of nature's grid by `time`."""
        tick = int(time / self.tick + GRID)
        return tick if tick <= self._last else self._last

    def _advance(self, until: float) -> None:
        """Let reference venues relax up to `until`, writing their mids down on the grid."""
        last = self._tick_of(until)
        if last <= self.known:
            return
        for column, market in enumerate(self.references):
            if market.displacement == 0.0:
                continue
            for tick in range(self.known + 1, last + 1):
                market.relax(self.tick)
                self.mids[tick, column] = market.mid(float(self.fair[tick, column]))
        self.known = last

    def mid_now(self, asset: str) -> float:
        """The reference venue's latest mid, whoever has seen it."""
        return self.mids.item(self.known, self.column[asset])

    def fair_now(self, asset: str) -> float:
        """Nature's price at the last block: for measurement, never for players."""
        return self.fairs_now((self.column[asset],))[0]

    def fairs_now(self, columns: Sequence[int]) -> list[float]:
        """Nature's prices at the last block, of assets by their columns: for measurement, never for players."""
        row: list[float] = self.fair[self._tick_of(self.state.time)].tolist()
        return list(map(row.__getitem__, columns))

    # ------------------------------------------------------------------ one block

    def step(self) -> None:
        """Play one block of whichever chain seals next."""
        time = min(self._next)
        chain = self._next.index(time)
        self._advance(time)
        self._views.clear()
        for player in self._speakers(chain):
            self._submit(player, chain, time)
        if self._read[chain]:
            self._let_read(chain, time)
        rules = self.state.rules.chains[chain]
        if rules.reorgs is not None:
            reorganise(self, chain, time, uniform_at(self._keys["reorgs"], round(time / GRID), chain))
            rules = self.state.rules.chains[chain]
        mark = self.state.mark() if self.undoable[chain].maxlen else None
        _, law, then, pull, eager = self._foresee(chain, time, rules.blocks)
        block = seal(
            self.state,
            chain,
            self.mempools[chain],
            time,
            self.demand.now(pull, eager, rules.capacity),
            self._entropy(chain),
            self.witness,
            builders.of_block(self, chain, time) if self.builders else None,
        )
        if mark is not None and block.sent is not None:
            self.undoable[chain].append(keep(self.state, mark, block.sent))
        self.heights[chain] += 1
        stays = self.state.rules.chains[chain].blocks is law
        self._next[chain] = then if stays else self._wait(chain, time)
        if self.check:
            laws.check(self.state)
        self.recorder.block(block, chain)
        self.state.finalise()
        if self._seen:
            self._remember(time)

    def play(
        self, progress: Callable[[float], None] | None = None, watch: Callable[[State], None] | None = None
    ) -> None:
        """Play until the duration is over. `progress` is told the share done, every hundred blocks; `watch` sees every block."""
        while not self.over():
            self.step()
            if watch is not None:
                watch(self.state)
            if progress is not None and self.state.height % 100 == 0:
                progress(min(1.0, self.state.time / self.duration))

    def over(self) -> bool:
        """Whether no more block is due within the duration."""
        return min(self._next) > self.duration + GRID

    def ahead(self, player: Player) -> View:
        """What a player will be shown when it is asked next; looking at it before changes nothing."""
        time = min(self._next)
        chain = self._next.index(time)
        self._advance(time)
        return self.sight(player, chain, time, time - self._leads[chain] - player.role.latency)

    def _speakers(self, chain: int) -> list[Player]:
        """Players in the order in which chance lets them speak before this block; each draws for its own name."""
        height = self.heights[chain] % AHEAD
        if height == 0:  # for many blocks at once: it depends on nothing but names and heights
            seated = self._speak[chain]
            turns = np.empty((AHEAD, len(seated)), np.int64)
            line_up(self._dice[chain], self.heights[chain], np.empty(len(seated)), turns)
            self._turns[chain] = [[seated[seat] for seat in row] for row in turns.tolist()]
        return self._turns[chain][height]

    def _remember(self, time: float) -> None:
        self._seen.append(self.state.save())
        while len(self._seen) > 1 and self._seen[1].time <= time - self._latest:
            self._seen.popleft()

    def _submit(self, player: Player, chain: int, seal_time: float) -> None:
        """Show a player the world as old as its latency makes it, and take what it sends."""
        latency = player.role.latency
        late = player in self._late
        view = self._views.get(latency)
        if view is None or late:
            view = self.sight(player, chain, seal_time, seal_time - self._leads[chain] - latency)
            if late:
                view.arrival += self._lateness(player, seal_time, 0)
            elif not self._masked[1]:  # who is equally quick sees the same, where nothing is anybody's secret
                self._views[latency] = view
        for action in player.act(view):
            self._take(player, action, view.arrival)

    def sight(self, player: Player, chain: int, seal_time: float, seen: float) -> View:
        """The world as it was at `seen`; what is sent at the sight of it arrives a latency after the newest thing in it."""
        state = self.state
        if seen < state.time - GRID:
            state = next((old for old in reversed(self._seen) if old.time <= seen + GRID), self._seen[0])
        if seen < 0.0:  # comparisons: `min` and `max` take as long as all the rest
            seen = 0.0
        tick = int(seen / self.tick + GRID)
        if tick > self.known:
            tick = self.known
        newest, latest = tick * self.tick, seal_time - self._leads[chain]
        arrival = (newest if newest > state.time else state.time) + player.role.latency
        if arrival > latest:
            arrival = latest
        return View(self, state, seen, tick, arrival, seal_time, chain, player.account)

    def _let_read(self, chain: int, seal_time: float) -> None:
        """Ask those who read the mempool, moment by moment, once everybody else has sent what they send for this block.

        Each looks a few times, at equal distances, the last time so that its answer just arrives by the seal, and is shown
        what had arrived by then. Whoever looks at the same moment is asked before any of them is heard.
        """
        deadline, moments = seal_time - self._leads[chain], []
        dice = np.empty(len(self._read[chain]))
        draw(self._reading[chain], self.heights[chain], dice)
        for player, die in zip(self._read[chain], dice.tolist(), strict=True):
            span = max(0.0, deadline - player.role.latency - self.state.time)
            looks = player.role.looks() if span > 0.0 else 1
            moments += [
                (deadline - player.role.latency - back * span / looks, die, back, player) for back in range(looks)
            ]
        moments.sort(key=lambda moment: moment[:2])
        for moment, group in itertools.groupby(moments, key=lambda moment: moment[0]):
            answers = []
            for _, _, back, player in group:
                view = self.sight(player, chain, seal_time, moment)
                view.arrival = min(deadline, moment + player.role.latency)
                if player in self._late:
                    view.arrival += self._lateness(player, seal_time, back)
                for action in player.act(view):
                    answers.append((player, action.kept() if isinstance(action, Placed) else action, view.arrival))
            for player, action, arrival in answers:
                self._take(player, action, arrival)

    def _lateness(self, player: Player, seal_time: float, look: int) -> float:
        """Extra seconds to the mempool, exponential of mean `jitter`, from the player's own dice."""
        return -player.role.jitter * math.log(uniform_at(self._late[player], round(seal_time / GRID), look))

    def _take(self, player: Player, action: Action, arrival: float) -> None:
        """Let an action go where it belongs: a transaction to the chain its sender's account lives on, orders to their market's."""
        if isinstance(action, Placed):
            action.mempool.place(action.at, action.count)
        elif isinstance(action, Send):
            transaction, tip, slot, later = action
            arrival += later
            pending = Pending(transaction, tip, arrival, arrival + self.patience, slot)
            self.mempools[self.state.ledger.chain.item(transaction.account)].send(pending)
        elif isinstance(action, Orders):
            if len(action.rows):
                chain = self.state.markets[action.rows["market"][0]].house.chain if len(self.mempools) > 1 else 0
                self.mempools[chain].send(action)
        elif isinstance(action, ReferenceTrade):
            trade_reference(self, player, action)
            self._views.clear()  # what has been worked out of a view holds no longer
        elif isinstance(action, Bribe):
            bribe(self, player, action)

    def seat(self, account: int) -> Player | None:
        """Who sits at an account; None: nobody, or a member of a crowd."""
        return next((player for player in self.players if player.account == account), None)

    def reference_cost(self, asset: str, tick: int, size: float) -> float:
        """What a reference order of `size` base coins would have paid at `tick`, cash coins: for views as old as that."""
        column = self.column[asset]
        fair, then = float(self.fair[tick, column]), ReferenceMarket(self.references[column].venue)
        then.displacement = math.log(float(self.mids[tick, column]) / fair)
        return then.quote(fair, size)


def let_go(model: mesa.Model) -> None:
    """Let go of a model that is finished, or that could not be seated: Mesa keeps them alive in a table of the Agent class."""
    model.remove_all_agents()
    ids = getattr(mesa.Agent, "_ids", None)
    if ids is not None:
        ids.pop(model, None)
