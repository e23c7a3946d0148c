"""Orders go where they cost least, an aggregator's split is the optimum, and one purse serves several exchanges."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from agents.crowds.leveraged import LeveragedCrowd
from agents.crowds.noise import NoiseCrowd
from agents.game import Game
from agents.quotes import Quotes, Wanted, quotes
from agents.routings.aggregated import Aggregated
from agents.routings.at_home import AtHome
from agents.routings.base import Routing
from agents.routings.best_venue import BestVenue
from agents.view import View
from experiments.execution import Execution
from experiments.run import build, release
from experiments.scenario import Scenario, find
from experiments.wealth import wealth
from protocol.blocks.fixed import Fixed
from protocol.funding.unfunded import Unfunded
from protocol.generations import GENERATIONS
from protocol.instruments.perpetual import Perpetual
from protocol.instruments.token import Token
from protocol.ledger import WORLD, Floats
from protocol.oracles.twap import ArithmeticTwap
from protocol.venues.base import Venue
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Chain, Exchange, Market, World
from tests.machine import CASH

SLOW = (Chain(blocks=Fixed(4.0)),)
NAMES = ("north", "east", "south", "west")
UNEQUAL = (ConstantProduct(1e6, 0.003), ConstantProduct(3e6, 0.003), ConstantProduct(2e6, 0.0005))


def pools(*venues: Venue) -> World:
    """An exchange with one pool of ether for each venue."""
    exchanges = (
        Exchange(name, markets=(Market("ETH-USD", Token(), venue=venue, funding=Unfunded()),))
        for name, venue in zip(NAMES, venues, strict=False)
    )
    return World(SLOW, tuple(exchanges))


def perps(*liquidity: float, **changes: Any) -> World:
    """An exchange with one virtual AMM for each."""
    exchanges = (
        Exchange(
            name,
            markets=(Market(venue=VirtualAmm(cash), oracle=ArithmeticTwap(), funding=Unfunded(), **changes),),
        )
        for name, cash in zip(NAMES, liquidity, strict=False)
    )
    return World(SLOW, tuple(exchanges))


def started(world: World, *cast: Any, seed: int = 1) -> Game:
    return build(Scenario(world=world, cast=cast, seed=seed), check=True)


def curves(world: World, side: int, most: float, gas: float = 0.0) -> Quotes:
    """What that world quotes at the start."""
    game = started(world)
    view = View(game, game.state, 0.0, 0, 0.0, 12.0)
    found = quotes(view, game.state.markets, side, most, np.full(len(game.state.markets), gas))
    release(game)
    return found


def wanted(*sizes: float, markets: int, home: int = 0, ease: float = 0.5) -> Wanted:
    n = len(sizes)
    return Wanted(np.array(sizes), np.full(n, home), np.full(n, ease), np.full((n, markets), np.inf))


def water_filled(venues: tuple[ConstantProduct, ...], size: float, price: float) -> Floats:
    """The closed form for buying: x - d = sqrt(x y / (g p)), over the pools that a price p reaches (Angeris et al. 2022)."""
    y = np.array([venue.liquidity for venue in venues])
    x, kept = y / price, np.array([1.0 - venue.fee for venue in venues])
    active = np.ones(len(y), bool)
    while True:
        root = (x[active].sum() - size) / np.sqrt(x * y / kept)[active].sum()  # 1 / sqrt(p)
        taken = np.where(active, x - np.sqrt(x * y / kept) * root, 0.0)
        if (taken >= 0).all():
            return taken
        active &= taken > 0


@pytest.mark.parametrize("size", [0.5, 5.0, 40.0, 300.0])
def test_an_aggregators_split_over_pools_is_the_closed_form(size: float) -> None:
    world = pools(*UNEQUAL)
    found = Aggregated().route(wanted(size, markets=3), curves(world, 1, size))[0]
    exact = water_filled(UNEQUAL, size, 2_000.0)
    assert found.sum() == pytest.approx(size, rel=1e-6)
    assert found == pytest.approx(exact, abs=0.02 * size)
    asked = curves(world, 1, size)
    cost = [sum(asked.cost(m, np.array([legs[m]]))[0] for m in range(3)) for legs in (found, exact)]
    assert cost[0] == pytest.approx(cost[1], rel=1e-5)


@pytest.mark.parametrize("side", [1, -1])
def test_no_single_venue_is_cheaper_than_the_split_and_no_shift_between_legs_saves(side: int) -> None:
    size, world = 60.0, pools(*UNEQUAL)
    asked = curves(world, side, size)

    def cost(legs: Floats) -> float:
        return float(sum(asked.cost(m, np.array([leg]))[0] for m, leg in enumerate(legs)))

    split = Aggregated().route(wanted(size, markets=3), asked)[0]
    single = BestVenue().route(wanted(size, markets=3), asked)[0]
    assert np.count_nonzero(single) == 1
    assert cost(single) == min(cost(size * one) for one in np.eye(3))
    assert cost(split) < cost(single)
    for source in range(3):
        for target in range(3):
            shifted = split.copy()
            shifted[source] -= 1.0
            shifted[target] += 1.0
            assert source == target or cost(shifted) > cost(split)


def test_a_leg_that_does_not_save_its_gas_is_left_out() -> None:
    legs = {
        gas: np.count_nonzero(Aggregated().route(wanted(60.0, markets=3), curves(pools(*UNEQUAL), 1, 60.0, gas))[0])
        for gas in (0.0, 1e3, 1e5)
    }
    assert legs[0.0] == 3 > legs[1e3] > legs[1e5] == 1


def test_an_order_beyond_all_depth_is_placed_as_far_as_there_is_any() -> None:
    size, world = 5_000.0, pools(*UNEQUAL)  # the pools hold 3,000 coins
    assert 0.0 < Aggregated().route(wanted(size, markets=3), curves(world, 1, size)).sum() < 3_000.0
    assert BestVenue().route(wanted(size, markets=3), curves(world, 1, size)).sum() == 0.0


def test_curves_are_what_a_single_order_costs() -> None:
    """Slices add up to the whole, but for a fee that stays in the pool and so makes later slices a little dearer."""
    for world, tolerance in ((pools(*UNEQUAL), 1e-3), (perps(1e6, 2e6, 3e6), 1e-7)):
        for side in (1, -1):
            asked, game = curves(world, side, 50.0), started(world)
            for market, listing in enumerate(game.state.markets):
                view = View(game, game.state, 0.0, 0, 0.0, 12.0)
                size = asked.sizes[market, -1]
                owed = float(view.cost(listing, np.array([int(side * size * listing.size_scale)]))[0]) / CASH
                fee = game.state.market(listing).fee if listing.size >= 0 else 0.0
                assert asked.costs[market, -1] == pytest.approx(owed + fee * abs(owed), rel=tolerance)
            release(game)


def test_who_compares_goes_where_it_is_cheaper_and_loyalty_keeps_some_at_home() -> None:
    """Flow of a dear pool by how loyal its clients are, on the same seed."""
    world = pools(ConstantProduct(2e6, 0.001), ConstantProduct(2e6, 0.004))
    shares = []
    for routing in (BestVenue(), BestVenue(loyalty=0.003), BestVenue(loyalty=0.02), AtHome()):
        cast = NoiseCrowd(name="noise", count=60, activity=3_000.0, leverage=0.02, routing=routing)
        watch = Execution("noise")
        game = build(Scenario(world=world, cast=(cast,), duration=600.0), witness=watch)
        watch.game = game
        game.play()
        release(game)
        shares.append(watch.traded.get("east.ETH-USD", 0.0) / sum(watch.traded.values()))
    assert shares[0] < 0.2 < shares[1] < shares[2] <= shares[3] + 0.05
    assert shares[3] == pytest.approx(0.5, abs=0.2)  # by the luck of who is at home there


def played(scenario: Scenario, blocks: int) -> Game:
    game = build(scenario, check=True)
    for _ in range(blocks):
        game.step()
    return game


def test_who_trades_at_home_is_nowhere_else() -> None:
    cast = LeveragedCrowd(name="one", count=40, activity=5_000.0, threshold=0.1, routing=AtHome())
    game = played(Scenario(world=perps(1e6, 2e6), cast=(cast,)), 60)
    crowd = game.players[0]
    accounts = game.state.ledger.of_group(["one"])
    stood = 0
    for market, listing in enumerate(game.state.markets):
        there = game.state.ledger.balance[[listing.size, listing.house.cash]][:, accounts]
        away = crowd.places.home != market  # type: ignore[attr-defined]
        assert not there[:, away].any()
        stood += np.count_nonzero(there[0])
    assert stood > 10
    release(game)


@pytest.mark.parametrize("routing", [BestVenue(), Aggregated()])
def test_one_purse_has_margin_on_every_exchange_and_closes_where_it_stands(routing: Routing) -> None:
    cast = LeveragedCrowd(name="one", count=40, activity=8_000.0, threshold=0.1, routing=routing, reentry=0.0)
    game = build(Scenario(world=perps(1e6, 2e6, 5e5), cast=(cast,)), check=True)
    state, accounts = game.state, game.state.ledger.of_group(["one"])
    crowd: Any = game.players[0]
    brought = sum(state.ledger.balance[house.cash, accounts] for house in state.houses)
    assert np.abs(brought - crowd.columns.stake).max() <= len(state.houses)  # each share is rounded down
    assert all((state.ledger.balance[house.cash, accounts] > 0).all() for house in state.houses)
    several, closed, before = 0, 0, np.zeros(len(accounts), np.int64)
    for _ in range(120):
        game.step()
        held = np.array([state.ledger.balance[listing.size, accounts] for listing in state.markets])
        several += np.count_nonzero((held != 0).sum(axis=0) > 1)
        assert not ((held > 0).any(axis=0) & (held < 0).any(axis=0)).any()  # never long here and short there
        closed += np.count_nonzero((before != 0) & (held.sum(axis=0) == 0))
        before = held.sum(axis=0)
    assert closed > 5
    assert (several > 0) == isinstance(routing, Aggregated)
    member = next(agent for agent in game.agents if getattr(agent, "crowd", None) is crowd and agent.size)
    assert member.size == pytest.approx(before[member.account - accounts[0]] / state.markets[0].size_scale)
    release(game)


def test_an_order_over_several_venues_is_filled_whole_or_not_at_all() -> None:
    """Bundles of tight patience: some find the price gone, and leave no leg behind."""
    scenario = dataclasses.replace(find("split-pools"), duration=400.0)
    cast = tuple(dataclasses.replace(role, slippage=0.0015) for role in scenario.cast)  # type: ignore[call-arg]

    @dataclasses.dataclass
    class Watch(Execution):
        whole: int = 0
        gone: int = 0

        def after(self, state: Any, seen: Any, verb: str, account: int, reverted: bool, outcome: Any) -> None:
            if "+" in verb:
                self.whole += not reverted
                self.gone += reverted
                touched = state.ledger.moves_since(seen)
                assert len(touched) == (0 if reverted else 2 * len(outcome))  # tokens for cash, a leg

        def before(self, state: Any) -> int:
            return state.ledger.mark()

    watch = Watch("noise")
    game = build(dataclasses.replace(scenario, cast=cast), witness=watch)
    game.play()
    release(game)
    assert watch.whole > 50
    assert watch.gone > 5


def test_routing_moves_nobodys_dice() -> None:
    """The same members want the same amounts in the first block, whatever way they place them."""
    found = []
    for routing in (AtHome(), BestVenue(), Aggregated()):
        cast = NoiseCrowd(name="noise", count=300, activity=10_000.0, leverage=0.02, routing=routing)
        game = build(Scenario(world=pools(*UNEQUAL), cast=(cast,)))
        game.step()
        accounts = game.state.ledger.of_group(["noise"])
        start = build(Scenario(world=pools(*UNEQUAL), cast=(cast,)))
        moved = (
            game.state.ledger.balance[game.state.markets[0].base]
            - start.state.ledger.balance[start.state.markets[0].base]
        )
        found.append(moved[accounts])
        release(game)
        release(start)
    assert np.count_nonzero(found[0]) > 20
    for other in found[1:]:
        assert np.abs(found[0] - other).max() <= 3  # a unit a leg


def test_wealth_on_several_exchanges_is_what_the_world_has_put_in() -> None:
    scenario = dataclasses.replace(find("two-venues"), duration=900.0)
    game = build(scenario)
    game.play()
    ledger = game.state.ledger
    put_in = -ledger.balance[ledger.row["USD"], WORLD] / CASH
    put_in += -ledger.balance[ledger.row["ETH"], WORLD] / 1e8 * game.fair_now("ETH")
    total, shortage = wealth(game, game.state)
    assert float(total.sum()) == pytest.approx(put_in, rel=1e-9)
    assert shortage == pytest.approx(0.0, abs=1e-6)
    release(game)


def test_all_generations_stand_side_by_side_and_share_one_crowd() -> None:
    """A book, two pools at an index, a curve and an auction, each with who makes its market, on one chain and one ledger."""
    names = dict(GENERATIONS)
    exchanges = (dataclasses.replace(w.exchanges[0], name=name, chain="l2") for name, w in names.items())
    serving = ("Reporter", "Maker", "Arbitrageur", "Updater", "Keeper")
    cast: list[Any] = [
        dataclasses.replace(role, name=f"{role.label}-{name}", exchange=name)
        for name in names
        for role in find(f"gen-{name}").cast
        if type(role).__name__ in serving
    ]
    settings: Any = {"market": "ETH-PERP", "count": 60, "capital": 5_000.0, "activity": 6_000.0}
    cast += [
        NoiseCrowd(name="noise", routing=BestVenue(loyalty=0.003), **settings),
        LeveragedCrowd(name="leveraged", routing=Aggregated(), **settings),
    ]
    base = find("gen-third")
    game = build(
        dataclasses.replace(base, world=World(SLOW, tuple(exchanges)), cast=tuple(cast), duration=240.0), check=True
    )
    game.play()
    columns = game.recorder.columns
    fills = game.recorder.rows[: game.recorder.blocks].sum(axis=0)
    assert all(fills[columns.index(f"{name}.ETH-PERP.fills")] > 5 for name in names)
    release(game)


def test_where_one_exchange_stands_still_trade_goes_to_the_other() -> None:
    """Without an updater the third generation's index is soon too old to trade at."""
    base = find("two-venues")
    cast = tuple(role for role in base.cast if role.label != "updater")
    watch = Execution("leveraged")
    game = build(dataclasses.replace(base, cast=cast, duration=900.0), witness=watch)
    watch.game = game
    game.play()
    release(game)
    assert watch.traded["second.ETH-PERP"] > 20 * watch.traded.get("third.ETH-PERP", 0.0)


@pytest.mark.parametrize(
    ("world", "settings", "complaint"),
    [
        (perps(1e6), {}, "cast.noise.markets = north.ETH-PERP: BestVenue needs two of them or more, each once"),
        (
            perps(1e6, 1e6),
            {"markets": ("north.ETH-PERP",) * 2},
            "cast.noise.markets = north.ETH-PERP, north.ETH-PERP: BestVenue needs two of them or more, each once",
        ),
        (
            perps(1e6, 1e6),
            {"markets": ("north.ETH-PERP", "mars.ETH-PERP")},
            "cast.noise.markets.1 = 'mars.ETH-PERP': there are north.ETH-PERP, east.ETH-PERP",
        ),
        (perps(1e6, 1e6), {"exchange": "mars"}, "cast.noise.exchange = 'mars': there are north, east"),
        (
            perps(1e6, 1e6),
            {"markets": ("north.ETH-PERP",), "routing": None},
            "cast.noise.markets = ('north.ETH-PERP',): of use only with a routing",
        ),
        (
            perps(1e6, 1e6),
            {"routing": BestVenue(homes=(1.0, 1.0, 1.0))},
            "cast.noise.routing.homes = (1.0, 1.0, 1.0): must be a share for each of north.ETH-PERP, east.ETH-PERP",
        ),
        (
            World(exchanges=(*pools(UNEQUAL[0]).exchanges, dataclasses.replace(perps(1e6).exchanges[0], name="east"))),
            {"markets": ("north.ETH-USD", "east.ETH-PERP")},
            "cast.noise.markets = 'east.ETH-PERP': is a Perpetual of ETH, and ETH-USD a Token of ETH",
        ),
        (
            World(
                exchanges=(*perps(1e6).exchanges, dataclasses.replace(perps(1e6).exchanges[0], name="east", cash="EUR"))
            ),
            {"markets": ("north.ETH-PERP", "east.ETH-PERP")},
            "cast.noise.markets = 'east.ETH-PERP': is paid in EUR, and ETH-PERP in USD",
        ),
        (
            World(
                chains=(Chain("l2"), Chain("l3")),
                exchanges=(
                    *perps(1e6).exchanges,
                    dataclasses.replace(perps(1e6).exchanges[0], name="east", chain="l3"),
                ),
            ),
            {"markets": ("north.ETH-PERP", "east.ETH-PERP")},
            "cast.noise.markets = 'east.ETH-PERP': is on l3, and ETH-PERP on l2",
        ),
    ],
)
def test_a_crowd_that_cannot_trade_there_is_told_in_one_line(
    world: World, settings: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError) as caught:
        Scenario(world=world, cast=(NoiseCrowd(**{"name": "noise", "routing": BestVenue(), **settings}),))
    assert str(caught.value) == complaint


def test_settings_of_a_routing_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="loyalty = -1"):
        BestVenue(loyalty=-1.0)
    for homes in ((0.0, 0.0), (1.0, -1.0), (math.nan, 1.0)):
        with pytest.raises(ValueError, match="homes = "):
            AtHome(homes=homes)


def test_without_markets_named_a_crowd_trades_on_all_that_are_like_its_own() -> None:
    mixed = World(
        exchanges=(
            *perps(1e6, 2e6).exchanges,
            *(dataclasses.replace(e, name=f"p{e.name}") for e in pools(*UNEQUAL).exchanges),
        )
    )
    for exchange, names in (("", ["north", "east"]), ("pnorth", ["pnorth", "peast", "psouth"])):
        game = started(mixed, NoiseCrowd(name="noise", count=3, exchange=exchange, routing=BestVenue()))
        assert [listing.house.name for listing in game.players[0].places.listings] == names  # type: ignore[attr-defined]
        release(game)
    assert Perpetual().base == Token().base
