"""The same game the plain Mesa way: one agent object a trader, a Python loop a block. A baseline for `speed`, and nothing else.

It takes its settings from the same Scenario, plays the same rules and records the same things, with money in floats and dice
of its own; it keeps no journal and takes nothing back. The worlds it knows: one chain that serves by priority fee, one exchange
with cross margin, full liquidation, insurance and socialised losses, one perpetual on a virtual AMM marked by an EMA.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

import mesa

from agents.crowds.base import Crowd
from agents.crowds.fundamental import FundamentalCrowd
from agents.crowds.leveraged import LeveragedCrowd
from agents.nature.gbm import GeometricBrownian
from agents.roles.keeper import Keeper
from experiments.scenario import Scenario
from protocol.funding.premium import Premium, premium_rate
from protocol.gas import GAS
from protocol.liquidations.full import Full
from protocol.margins.cross import Cross
from protocol.oracles.ema import Ema
from protocol.units import SECONDS_PER_YEAR
from protocol.venues.virtual_amm import VirtualAmm

TRADE_GAS, LIQUIDATE_GAS = GAS["Trade"], GAS["Liquidate"]


class Order(NamedTuple):
    """What waits in the mempool: a trade of `size`, or the liquidation of `trader` where `size` is zero."""

    trader: PlainTrader
    size: float  # base coins, signed
    limit: float  # worst average price
    tip: float  # cash coins per gas
    arrival: float  # seconds
    expires: float  # seconds


class PlainTrader(mesa.Agent):  # type: ignore[misc]
    """A trader with its own parameters, wallet, margin account and position."""

    def __init__(self, model: PlainGame, crowd: Crowd) -> None:
        super().__init__(model)
        spread = crowd.spread
        self.crowd = crowd
        self.group = crowd.label
        self.stake = crowd.capital * math.exp(spread * self.random.gauss(0.0, 1.0) - 0.5 * spread**2)
        self.chance = crowd.activity / 86_400.0 * self.random.uniform(0.67, 1.33) * model.interval
        self.wallet = crowd.gas_money
        self.cash = self.stake
        self.size = 0.0  # base coins, signed
        self.quote = 0.0  # what the position cost, negative when long
        self.leverage = 1.0
        self.threshold = 1.0
        model.custody += self.stake

    def signal(self) -> float:
        """How much it wants to be long."""
        raise NotImplementedError

    def step(self) -> None:
        """Bring a new stake if ruined; decide, now and then, and send an order."""
        model, crowd = self.model, self.crowd
        if self.size == 0.0 and 0.0 <= self.cash < crowd.reentry * self.stake:
            self.cash += self.stake
            model.custody += self.stake
            model.pay("reentry", "world", self.group, self.stake)
        if self.random.random() >= self.chance:
            return
        signal = self.signal()
        if abs(signal) <= self.threshold:
            return
        side = 1.0 if signal > 0.0 else -1.0
        if self.size == 0.0:
            size = side * self.leverage * max(self.cash, 0.0) / model.mid_seen
        elif self.size * side < 0.0:
            size = -self.size
        else:
            return
        if abs(size) < 1e-9:
            return
        limit = model.mid_seen * (1.0 + side * crowd.slippage)
        arrival = model.first_arrival + self.random.random() * (model.clock - model.first_arrival)
        model.mempool.append(Order(self, size, limit, crowd.tip, arrival, model.clock + 60.0))

    def accrue(self, due: float) -> None:
        """Pay the block's funding, `due` cash coins per base coin held long."""
        if self.size != 0.0:
            self.cash -= self.size * due
            self.model.pay("funding", self.group, "funding", self.size * due)

    def equity(self, index: float) -> float:
        """What the account is worth, cash coins."""
        return self.cash + self.size * index + self.quote

    def fill(self, size: float, owed: float, fee: float) -> float:
        """Trade, and turn the closed part of the position's quote into cash; returns the cash."""
        before = self.size
        self.size = 0.0 if size == -before else before + size
        self.cash -= fee
        if before == 0.0 or before * size > 0.0:
            self.quote -= owed
            return 0.0
        closed, closing = min(1.0, abs(size / before)), min(1.0, abs(before / size))
        gain = self.quote * closed - owed * closing
        self.cash += gain
        self.quote -= owed + gain
        return gain


class PlainLeveraged(PlainTrader):
    """Its own noise plus a share of the trend."""

    def __init__(self, model: PlainGame, crowd: LeveragedCrowd) -> None:
        super().__init__(model, crowd)
        self.leverage = self.random.uniform(crowd.least_leverage, crowd.leverage)
        self.threshold = crowd.threshold
        self.herding = crowd.herding * self.random.gauss(0.0, 1.0)

    def signal(self) -> float:
        """Noise and trend."""
        return self.random.gauss(0.0, 1.0) + self.herding * self.model.trend  # type: ignore[no-any-return]


class PlainFundamental(PlainTrader):
    """The gap between the reference and the mid, a little wrong."""

    def __init__(self, model: PlainGame, crowd: FundamentalCrowd) -> None:
        super().__init__(model, crowd)
        self.leverage = self.random.uniform(0.25 * crowd.leverage, crowd.leverage)
        self.threshold = crowd.threshold * self.random.uniform(0.5, 1.5)
        self.blur = 0.5 * self.threshold

    def signal(self) -> float:
        """Gap and noise."""
        return self.blur * self.random.gauss(0.0, 1.0) + self.model.gap  # type: ignore[no-any-return]


class PlainKeeper(mesa.Agent):  # type: ignore[misc]
    """Checks the margin of every trader, and bids for the liquidations that pay."""

    def __init__(self, model: PlainGame, role: Keeper) -> None:
        super().__init__(model)
        self.role = role
        self.group = role.label
        self.cash = 0.9 * role.capital
        self.wallet = role.capital - self.cash
        model.custody += self.cash

    def step(self) -> None:
        """Send a liquidation for the largest accounts below maintenance."""
        model, role = self.model, self.role
        index, share = model.index, model.maintenance
        below = [
            (abs(trader.size) * index * share, trader)
            for trader in model.traders
            if trader.size != 0.0 and trader.equity(index) < abs(trader.size) * index * share
        ]
        below.sort(key=lambda found: -found[0])
        arrival = model.clock + model.interval - model.tick + role.latency
        for _, trader in below[: role.most]:
            prize = model.reward * abs(model.cost(-trader.size))
            profit = prize - LIQUIDATE_GAS * model.base_fee
            if profit > role.least_profit:
                tip = max(role.tip, role.bid_share * profit / LIQUIDATE_GAS)
                model.mempool.append(Order(trader, 0.0, math.nan, tip, arrival, arrival + model.patience))


class PlainGame(mesa.Model):  # type: ignore[misc]
    """Traders, a keeper, a virtual AMM, an EMA oracle, funding, and blocks with a base fee and a capacity."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(rng=scenario.seed)
        chain, exchange, nature = scenario.world.chains[0], scenario.world.exchanges[0], scenario.nature
        market = exchange.markets[0]
        venue, oracle, margin, funding = market.venue, market.oracle, exchange.margin, market.funding
        assert isinstance(venue, VirtualAmm) and isinstance(oracle, Ema) and isinstance(funding, Premium)
        assert isinstance(margin, Cross) and isinstance(exchange.liquidation, Full)
        assert isinstance(nature, GeometricBrownian)

        self.patience, self.demand, self.chain, self.funding = scenario.patience, scenario.outside, chain, funding
        self.interval = chain.blocks.wait(0.5)
        self.initial, self.maintenance = margin.initial, margin.maintenance
        self.reward, self.penalty = exchange.liquidation.reward, exchange.liquidation.penalty
        self.fee, self.half_life = market.fee, oracle.half_life
        self.memory = next(role.memory for role in scenario.cast if isinstance(role, Crowd))
        self.tick = nature.tick
        years = nature.tick / SECONDS_PER_YEAR
        self.volatility = nature.volatility[0] * math.sqrt(years)
        self.drift = (nature.drift[0] - 0.5 * nature.volatility[0] ** 2) * years

        self.clock = 0.0  # seconds; Mesa 3.5 advances a `time` of its own
        self.height = 0
        self.fair = self.reference = nature.start[0]
        self.past = deque([self.fair], maxlen=max(8, round(600.0 / self.tick)) + 1)  # fair, one a tick
        self.base, self.cash = venue.liquidity / self.fair, venue.liquidity  # reserves
        self.average, self.average_mid, self.average_time = self.fair, self.fair, 0.0
        self.trend_average = math.log(self.fair)
        self.trend = self.gap = 0.0
        self.mid_seen, self.first_arrival = self.fair, 0.0
        self.funding_rate = 0.0  # share of the index per second
        self.base_fee = self.fee_now = chain.base_fee
        self.insurance = self.custody = exchange.insurance
        self.treasury = 0.0
        self.mempool: list[Order] = []
        self.flows: dict[tuple[str, str, str], float] = {}  # (reason, source, target): cash coins this block
        self.gas_used = self.gas_outside = self.volume = 0.0
        self.run_volume = self.run_off = 0.0
        self.fills = self.rejected = self.failed = self.liquidations = 0
        self.liquidated = self.deficit = self.uncovered = 0.0
        self.events: list[tuple[float, str, str, dict[str, object]]] = []  # time, who, kind, and what there is to say

        for role in scenario.cast:
            if isinstance(role, LeveragedCrowd):
                PlainLeveraged.create_agents(self, role.count, role)
            elif isinstance(role, FundamentalCrowd):
                PlainFundamental.create_agents(self, role.count, role)
            elif isinstance(role, Keeper):
                self.keeper = PlainKeeper(self, role)
            else:
                raise TypeError(f"{type(role).__name__}: the baseline has no such player")
        self.traders = self.agents.select(agent_type=PlainTrader)
        self.datacollector = mesa.DataCollector(
            model_reporters={
                "time": "clock",
                "height": "height",
                "base_fee": "fee_now",
                "gas_used": "gas_used",
                "gas_outside": "gas_outside",
                "waiting": lambda model: len(model.mempool),
                "failed": "failed",
                "insurance": "insurance",
                "custody": "custody",
                "liquidations": "liquidations",
                "liquidated": "liquidated",
                "deficit": "deficit",
                "uncovered": "uncovered",
                "fair": "fair",
                "mid": "mid",
                "index": "index",
                "index_age": lambda model: model.clock - model.average_time,
                "open_long": lambda model: sum(trader.size for trader in model.traders if trader.size > 0.0),
                "open_short": lambda model: -sum(trader.size for trader in model.traders if trader.size < 0.0),
                "volume": "volume",
                "fills": "fills",
                "rejected": "rejected",
                "run_volume": "run_volume",
                "run_off": "run_off",
                "flows": PlainGame.take_flows,
            }
        )

    # ------------------------------------------------------------------ prices

    @property
    def mid(self) -> float:
        """Ratio of the virtual reserves."""
        return self.cash / self.base

    @property
    def index(self) -> float:
        """The moving average of the mid, now."""
        fade = math.exp2((self.average_time - self.clock) / self.half_life)
        return self.average_mid + (self.average - self.average_mid) * fade

    def cost(self, size: float) -> float:
        """What `size` base coins cost now."""
        return self.cash * size / (self.base - size) if size < self.base else math.nan

    # ------------------------------------------------------------------ flows

    def pay(self, reason: str, source: str, target: str, amount: float) -> None:
        """Write down who paid whom."""
        key = reason, source, target
        self.flows[key] = self.flows.get(key, 0.0) + amount

    def take_flows(self) -> dict[tuple[str, str, str], float]:
        """The block's flows; those of the next start from nothing."""
        flows, self.flows = self.flows, {}
        return flows

    # ------------------------------------------------------------------ one block

    def step(self) -> None:
        """Nature, decisions, block, record."""
        self.keeper.step()  # sees the chain as of the last block, as the traders do
        self.advance()
        self.traders.shuffle_do("step")
        self.seal()
        self.close()
        self.datacollector.collect(self)

    def advance(self) -> None:
        """Move the clock and fair, and note what every trader sees alike."""
        latency = 0.25
        start = self.clock
        self.mid_seen = self.mid
        log_mid = math.log(self.mid_seen)
        for _ in range(round(self.interval / self.tick)):
            self.reference = self.fair  # what is seen is a tick old: latency
            self.fair *= math.exp(self.drift + self.volatility * self.random.gauss(0.0, 1.0))
            self.past.append(self.fair)
        self.trend = log_mid - self.trend_average
        self.trend_average += self.trend * (1.0 - math.exp(-self.interval / self.memory))
        self.gap = math.log(self.reference) - log_mid
        self.clock = start + self.interval
        self.first_arrival = self.clock - self.tick + latency

    def outside(self) -> float:
        """Gas that everybody else wants, more of it when fair has been moving."""
        demand = self.demand
        moved = abs(math.log(self.past[-1] / self.past[0]))
        span = max(1, len(self.past) - 1) * self.tick
        realised = moved / math.sqrt(span) * math.sqrt(SECONDS_PER_YEAR)
        surge = max(0.0, realised / demand.reference - 1.0)
        load = demand.load * (1.0 + demand.swing * surge)
        wanted: float = load * self.chain.capacity * (0.5 + 0.5 * self.random.expovariate(1.0))
        return wanted

    def seal(self) -> None:
        """Serve the mempool by priority fee, as far as capacity goes."""
        chain, fee, value = self.chain, self.base_fee, self.demand.value
        self.gas_used = self.volume = self.run_volume = self.run_off = 0.0
        self.fills = self.rejected = self.failed = 0
        self.height += 1
        outside = self.outside()
        queue = [order for order in self.mempool if order.expires >= self.clock]
        queue.sort(key=lambda order: (-order.tip, order.arrival))
        self.mempool = []
        wanted = 0.0
        for order in queue:
            gas = TRADE_GAS if order.size else LIQUIDATE_GAS
            wanted += gas
            if wanted + outside * math.exp(-(fee + order.tip) / value) > chain.capacity:
                self.mempool.append(order)
                continue
            payer = order.trader if order.size else self.keeper
            price = gas * (fee + order.tip)
            if payer.wallet < price:
                continue
            payer.wallet -= price
            self.pay("gas", payer.group, "world", price)
            self.gas_used += gas
            if order.size:
                self.trade(order)
            elif not self.liquidate(order):
                self.failed += 1
                self.events.append((self.clock, self.keeper.group, "reverted", {"what": "Liquidate"}))
        self.gas_outside = min(outside * math.exp(-fee / value), max(0.0, chain.capacity - self.gas_used))
        goal = chain.target * chain.capacity
        drift = chain.fee_change * max(-1.0, min(1.0, (self.gas_used + self.gas_outside - goal) / goal))
        self.fee_now = fee
        self.base_fee = max(chain.fee_floor, fee * (1.0 + drift))

    def trade(self, order: Order) -> None:
        """Fill an order whole, or reject it for its limit or its margin."""
        trader, size = order.trader, order.size
        owed = self.cost(size)
        price = owed / size
        if math.isnan(owed) or (price > order.limit if size > 0.0 else price < order.limit):
            self.rejected += 1
            return
        index, before = self.index, (trader.cash, trader.size, trader.quote)
        excess = trader.equity(index) - abs(trader.size) * index * self.initial
        fee = abs(owed) * self.fee
        gain = trader.fill(size, owed, fee)
        left = trader.equity(index) - abs(trader.size) * index * self.initial
        shrunk = abs(trader.size) < abs(before[1]) and trader.size * before[1] > 0.0
        if left < 0.0 and not (shrunk and left >= excess):
            trader.cash, trader.size, trader.quote = before
            self.rejected += 1
            return
        self.base -= size
        self.cash += owed
        self.treasury += fee
        self.pay("fee", trader.group, "treasury", fee)
        self.pay("realise", "clearing", trader.group, gain)
        self.volume += abs(owed)
        self.fills += 1
        self.run_volume += abs(size) * self.fair
        self.run_off += abs(owed - size * self.fair)

    def liquidate(self, order: Order) -> bool:
        """Close a position below maintenance on the venue, reward the keeper, pass a deficit on; False if it is healthy."""
        trader, index = order.trader, self.index
        if trader.size == 0.0 or trader.equity(index) >= abs(trader.size) * index * self.maintenance:
            return False
        size = -trader.size
        owed = self.cost(size)
        if math.isnan(owed):
            return False
        self.base -= size
        self.cash += owed
        notional = abs(owed)
        reward = notional * self.reward
        self.pay("realise", "clearing", trader.group, trader.fill(size, owed, 0.0))
        trader.cash -= reward
        self.keeper.cash += reward
        self.pay("penalty", trader.group, self.keeper.group, reward)
        penalty = max(0.0, min(notional * self.penalty, trader.cash))
        trader.cash -= penalty
        self.insurance += penalty
        self.pay("penalty", trader.group, "insurance", penalty)
        self.liquidations += 1
        self.liquidated += notional
        deficit = max(0.0, -trader.cash)
        if trader.cash < 0.0:
            self.pass_on(trader, index)
        told = {
            "account": trader.unique_id,
            "group": trader.group,
            "size": size,
            "notional": notional,
            "reward": reward,
            "deficit": deficit,
            "waited": self.clock - order.arrival,
        }
        self.events.append((self.clock, self.keeper.group, "liquidation", told))
        return True

    def pass_on(self, debtor: PlainTrader, index: float) -> None:
        """A deficit goes to the insurance, then to everybody in proportion to equity."""
        deficit = -debtor.cash
        self.deficit += deficit
        paid = min(deficit, self.insurance)
        self.insurance -= paid
        self.pay("insurance", "insurance", debtor.group, paid)
        left = deficit - paid
        if left > 0.0:
            payers = [trader for trader in self.traders if trader.equity(index) > 0.0]
            total = sum(trader.equity(index) for trader in payers) + self.keeper.cash
            share = min(1.0, left / total)
            for trader in payers:
                charge = share * trader.equity(index)
                trader.cash -= charge
                self.pay("loss socialised", trader.group, debtor.group, charge)
            self.pay("loss socialised", self.keeper.group, debtor.group, share * self.keeper.cash)
            self.keeper.cash -= share * self.keeper.cash
            left -= share * total
        debtor.cash = -left
        self.uncovered += left

    def close(self) -> None:
        """The oracle looks at the sealed block; funding accrues to every trader, and its next rate is set."""
        self.average, self.average_mid, self.average_time = self.index, self.mid, self.clock
        index, funding = self.index, self.funding
        self.traders.do("accrue", self.funding_rate * self.interval * index)
        rate = premium_rate(self.mid / index - 1.0, funding.interest, funding.band)
        self.funding_rate = max(-funding.cap, min(funding.cap, rate)) / funding.period
