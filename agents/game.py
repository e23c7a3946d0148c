"""The game: a Mesa model in which one step is one block.

Nature moves fair and the reference venues relax; players see and submit; the chain orders, fits and executes; what happened
is recorded. Draws belong to names (`streams`), never to the order of calls, and the model's own generator is never used.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np

from agents.nature.base import Nature
from agents.nature.reference import ReferenceMarket, ReferenceVenue
from agents.player import Action, Player, ReferenceTrade, Role, Send
from agents.recorder import Recorder
from agents.streams import Streams, draws, uniform_at
from agents.view import View
from protocol import laws
from protocol.chain import seal
from protocol.genesis import genesis
from protocol.ledger import WORLD, Reason
from protocol.mempool import Mempool, Orders, Pending
from protocol.oracles.base import Report
from protocol.oracles.guarded import Guarded
from protocol.oracles.pull import Pull, sign
from protocol.orderings.base import Outside
from protocol.state import House, Listing, State
from protocol.units import to_units_down
from protocol.world import World

if TYPE_CHECKING:
    from protocol.ledger import Floats

GRID = 1e-9  # seconds: how far apart two equal times may be


@dataclass(frozen=True)
class OutsideDemand:
    """Everybody else's demand for block space: gas per block as a share of capacity, more of it when prices move.

    `load` is the share at reference volatility; `swing` says how much a net move over the last ten minutes multiplies it,
    as a rate beyond `reference` per root year; `value` is the mean willingness to pay in cash coins per gas.
    """

    load: float = 0.5
    swing: float = 1.0
    reference: float = 0.8
    value: float = 2e-8

    def __post_init__(self) -> None:
        """Refuse demand that is none."""
        for name in ("load", "swing", "reference", "value"):
            if not getattr(self, name) > 0 and not (name in ("load", "swing") and getattr(self, name) == 0):
                raise ValueError(f"{name} = {getattr(self, name)}: must be above 0 (load and swing: 0 or more)")


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
    ) -> None:
        super().__init__(rng=seed)
        self.streams = Streams(seed)
        self.duration = duration
        self.patience = patience
        self.check = check
        self.demand = outside or OutsideDemand()
        self.tick = nature.tick
        self.column = {asset: number for number, asset in enumerate(nature.assets)}
        self.fair = nature.path(self.streams, math.ceil(duration / nature.tick) + 1)  # [tick, asset]
        self.mids: Floats = self.fair.copy()  # [tick, asset] reference mids, known up to `_known`
        venues = {venue.asset: venue for venue in references}
        self.references = [ReferenceMarket(venues.get(a, ReferenceVenue(asset=a))) for a in nature.assets]
        self._known = 0
        self.state = genesis(world, {asset: float(self.fair[0, i]) for asset, i in self.column.items()})
        self._listings = {(m.house.name, m.name): m for ms in self.state.listings for m in ms}
        self.mempools = [Mempool() for _ in world.chains]
        self.players: list[Player] = []
        self._keys = {name: self.streams.key(name) for name in ("blocks", "ordering", "outside")}
        for role in cast:
            role.enter(self)
        self.state.finalise()
        self._dice = np.array([player.dice for player in self.players], np.uint64)
        self._latest = max((player.role.latency for player in self.players), default=0.0)
        self._seen: deque[State] = deque()  # copies of older states, if anybody is slower than a block
        if self._latest > min(chain.blocks.shortest() for chain in world.chains):
            self._seen.append(self.state.save())
        self._next = [self._wait(number, 0.0) for number in range(len(world.chains))]
        self.recorder = Recorder(self)

    # ------------------------------------------------------------------ set-up

    def house(self, exchange: str = "") -> House:
        """An exchange by name; '' is the first."""
        if not exchange:
            return self.state.houses[0]
        return next(house for house in self.state.houses if house.name == exchange)

    def listing(self, market: str = "", exchange: str = "") -> Listing:
        """A market by name; '' is the first of its exchange."""
        house = self.house(exchange)
        return self._listings[house.name, market] if market else self.state.listings[house.index][0]

    def open(self, group: str, cash: float, base: float, market: str = "", exchange: str = "", count: int = 1) -> int:
        """Open `count` accounts with cash and base coins in each wallet; returns the first."""
        listing = self.listing(market, exchange)
        ledger, first = self.state.ledger, self.state.ledger.open(group, count)
        for account in range(first, first + count):
            units = to_units_down(cash, int(listing.house.cash_scale))
            ledger.move(listing.house.token, WORLD, account, units, Reason.GENESIS)
            ledger.move(listing.base, WORLD, account, to_units_down(base, int(listing.size_scale)), Reason.GENESIS)
        return first

    # ------------------------------------------------------------------ time

    def _wait(self, chain: int, since: float) -> float:
        draw = uniform_at(self._keys["blocks"], round(since / GRID), chain)
        return since + self.state.rules.chains[chain].blocks.wait(draw)

    def _advance(self, until: float) -> None:
        """Let reference venues relax up to `until`, writing their mids down on the grid."""
        last = min(int(until / self.tick + GRID), len(self.fair) - 1)
        if last <= self._known:
            return
        span = slice(self._known + 1, last + 1)
        for column, market in enumerate(self.references):
            if market.displacement == 0.0:
                continue
            for tick in range(span.start, span.stop):
                market.relax(self.tick)
                self.mids[tick, column] = market.mid(float(self.fair[tick, column]))
        self._known = last

    def fair_now(self, asset: str) -> float:
        """Nature's price at the last block: for measurement, never for players."""
        tick = min(int(self.state.time / self.tick + GRID), len(self.fair) - 1)
        return self.fair.item(tick, self.column[asset])

    # ------------------------------------------------------------------ one block

    def step(self) -> None:
        """Play one block of whichever chain seals next."""
        time = min(self._next)
        chain = self._next.index(time)
        self._advance(time)
        for player in self._speakers():
            self._submit(player, chain, time)
        block = seal(
            self.state,
            chain,
            self.mempools[chain],
            time,
            self._outside(chain, time),
            int(uniform_at(self._keys["ordering"], self.state.height, chain) * 2.0**62),
            laws.Judge() if self.check else None,
        )
        self._next[chain] = self._wait(chain, time)
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
        while min(self._next) <= self.duration + GRID:
            self.step()
            if watch is not None:
                watch(self.state)
            if progress is not None and self.state.height % 100 == 0:
                progress(min(1.0, self.state.time / self.duration))

    def _speakers(self) -> list[Player]:
        """Players in the order in which chance lets them speak this block; each draws for its own name."""
        dice = draws(self._dice, self.state.height).tolist()
        return [self.players[seat] for _, seat in sorted(zip(dice, range(len(dice)), strict=True))]

    def _remember(self, time: float) -> None:
        self._seen.append(self.state.save())
        while len(self._seen) > 1 and self._seen[1].time <= time - self._latest:
            self._seen.popleft()

    def _submit(self, player: Player, chain: int, seal_time: float) -> None:
        """Show a player the world as old as its latency makes it, and take what it sends."""
        latency = player.role.latency
        seen = seal_time - latency
        tick = max(0, min(int(seen / self.tick + GRID), self._known))
        state = self.state
        if seen < state.time - GRID:
            state = next((old for old in reversed(self._seen) if old.time <= seen + GRID), self._seen[0])
        arrival = min(seal_time, max(tick * self.tick, state.time) + latency)
        view = View(self, state, max(seen, 0.0), tick, arrival, seal_time)
        for action in player.act(view):
            self._take(player, action, chain, arrival)

    def _take(self, player: Player, action: Action, chain: int, arrival: float) -> None:
        if isinstance(action, Send):
            self.mempools[chain].send(Pending(action.transaction, action.tip, arrival, arrival + self.patience))
        elif isinstance(action, Orders):
            self.mempools[chain].send(action)
        elif isinstance(action, ReferenceTrade):
            self._trade_reference(player, action)

    def _trade_reference(self, player: Player, order: ReferenceTrade) -> None:
        """Settle an off-chain order at once: tokens against tokens, with WORLD on the other side."""
        column = self.column[order.asset]
        market, fair = self.references[column], float(self.fair[self._known, column])
        listing = self.listing(player.role.market, player.role.exchange)
        base = int(order.size * listing.size_scale)
        size = base / listing.size_scale
        cash = market.quote(fair, size)
        units = (
            math.ceil(cash * listing.house.cash_scale) if math.isfinite(cash) else 1 << 62
        )  # out of the book's reach
        ledger = self.state.ledger
        has_cash = units <= ledger.balance[listing.house.token, player.account]
        if not (has_cash and -base <= ledger.balance[listing.base, player.account]):
            self.recorder.note(self.state.time, player.label, "reference trade refused", size=size)
            return
        market.trade(fair, size)
        self.mids[self._known, column] = market.mid(fair)
        for row, amount in ((listing.house.token, -units), (listing.base, base)):
            src, dst = (WORLD, player.account) if amount > 0 else (player.account, WORLD)
            ledger.move(row, src, dst, abs(amount), Reason.REFERENCE)

    def _outside(self, chain: int, time: float) -> Outside:
        """Everybody else's demand now: higher when the first asset's fair has been moving."""
        demand = self.demand
        if demand.load <= 0:
            return Outside(0.0, demand.value)
        tick = min(int(time / self.tick + GRID), len(self.fair) - 1)
        first = max(0, tick - max(8, round(600.0 / self.tick)))
        moves = math.log(self.fair.item(tick, 0) / self.fair.item(first, 0))
        span = max(1, tick - first) * self.tick
        realised = abs(moves) / math.sqrt(span) * math.sqrt(365 * 86_400.0)
        noise = -math.log(uniform_at(self._keys["outside"], round(time / GRID), chain))
        load = demand.load * (
            1.0 + demand.swing * (realised / demand.reference - 1.0 if realised > demand.reference else 0.0)
        )
        return Outside(load * self.state.rules.chains[chain].capacity * (0.5 + 0.5 * noise), demand.value)

    def reference_cost(self, asset: str, tick: int, size: float) -> float:
        """What a reference order of `size` base coins would have paid at `tick`, cash coins: for views as old as that."""
        column = self.column[asset]
        fair, then = float(self.fair[tick, column]), ReferenceMarket(self.references[column].venue)
        then.displacement = math.log(float(self.mids[tick, column]) / fair)
        return then.quote(fair, size)

    # ------------------------------------------------------------------ publishers

    def published(self, listing: Listing, tick: int) -> Report | None:
        """The signed report a publisher made of the reference mid at `tick`, if the market's oracle takes any."""
        oracle: Any = self.state.market(listing).oracle
        while isinstance(oracle, Guarded):
            oracle = oracle.inner
        if not isinstance(oracle, Pull):
            return None
        asset = self.state.market(listing).instrument.base
        value = float(self.mids[tick, self.column[asset]])
        time = tick * self.tick
        confidence = 0.0005 * value
        return Report(-1, value, time, confidence, sign(oracle.key, listing.name, value, time, confidence))
