"""Each role does its job in a small game."""

from dataclasses import dataclass

import numpy as np
import pytest
from machine import CASH, COIN, exchange_for, tell

from agents.crowds.leveraged import LeveragedCrowd
from agents.crowds.noise import NoiseCrowd
from agents.demand import OutsideDemand
from agents.game import Game
from agents.nature.gbm import GeometricBrownian
from agents.nature.reference import ReferenceVenue
from agents.player import Role
from agents.recorder import Recorder
from agents.roles.arbitrageur import Arbitrageur, to_edge
from agents.roles.basis import BasisTrader
from agents.roles.bidder import Bidder
from agents.roles.keeper import Keeper
from agents.roles.maker import Maker, quotes
from agents.roles.provider import Provider
from agents.roles.reporter import Reporter
from agents.roles.taking import rivalry
from agents.roles.updater import Updater
from protocol import exchange
from protocol.blocks.fixed import Fixed
from protocol.funding.unfunded import Unfunded
from protocol.instruments.token import Token
from protocol.ledger import Reason
from protocol.liquidations.curves import Stairstep
from protocol.liquidations.dutch import Dutch
from protocol.liquidations.english import English
from protocol.liquidations.graded import Graded
from protocol.liquidations.routes import AtOracle, ThroughVenue
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.oracles.guarded import Guarded
from protocol.oracles.median import Median
from protocol.oracles.pull import Pull
from protocol.oracles.spot import Spot
from protocol.vault import Vault
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.order_book import OrderBook
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Chain, Exchange, Market, World

QUIET = OutsideDemand(load=0.0)
SPOT = Market(name="ETH", instrument=Token(), venue=ConstantProduct(liquidity=2_000_000.0))


def world(*markets, vault=None):
    chain = Chain(blocks=Fixed(interval=2.0))
    return World(chains=(chain,), exchanges=(Exchange(markets=markets, vault=vault),))


def play(rules, cast, *, seed=1, duration=3_600.0, volatility=0.7, drift=0.0):
    nature = GeometricBrownian(volatility=(volatility,), drift=(drift,))
    game = Game(rules, cast, nature, [ReferenceVenue(depth=2e7)], seed=seed, duration=duration, outside=QUIET)
    game.play()
    return game


def column(game, name):
    return game.recorder.rows[: game.recorder.blocks, game.recorder.columns.index(name)]


def gap(game, market, what="mid"):
    """Mean |log| between what a market says and the reference mid of the same moment."""
    times = column(game, "time").astype(int)
    return np.abs(np.log(column(game, f"dex.{market}.{what}") / game.mids[times, 0])).mean()


def wealth(game, player):
    ledger, house, total = game.state.ledger, game.house(), 0.0
    price = game.fair_now("ETH")
    total += (ledger.balance[house.token, player.account] + ledger.balance[house.cash, player.account]) / 1e6
    listing = game.listing()
    total += ledger.balance[listing.base, player.account] / listing.size_scale * price
    if listing.size >= 0:
        total += ledger.balance[listing.size, player.account] / listing.size_scale * price
        total += ledger.balance[listing.quote, player.account] / 1e6
    return total


def kinds(game):
    return [event.kind for event in game.recorder.events]


def player(game, label):
    return next(one for one in game.players if one.role.label == label)


# ---------------------------------------------------------------------- arbitrageur


@pytest.mark.parametrize("reference", [1_500.0, 1_990.0, 2_010.0, 3_000.0])
def test_a_trade_to_the_edge_leaves_the_marginal_price_at_the_reference(reference):
    base, cash, fee = 1_000.0, 2_000_000.0, 0.003
    size = to_edge(base, cash, fee, reference, reference)
    if abs(np.log(reference / 2_000.0)) <= 0.003:
        assert size == 0.0 or abs(size) < 3.0
        return
    kept = 1.0 - fee
    marginal = cash * base / (kept * (base - size) ** 2) if size > 0 else cash * base * kept / (base - kept * size) ** 2
    assert marginal == pytest.approx(reference, rel=1e-9)


def test_an_arbitrageur_keeps_a_pool_near_the_reference_and_earns():
    noise = NoiseCrowd(market="ETH", count=50, activity=500.0, capital=50_000.0)
    role = Arbitrageur(market="ETH")
    alone, kept = play(world(SPOT), (noise,)), play(world(SPOT), (noise, role))
    assert gap(kept, "ETH") < 0.005 < 0.5 * gap(alone, "ETH")
    me = player(kept, role.label)
    assert wealth(kept, me) > role.capital + role.base * kept.fair_now("ETH")


def test_an_arbitrageur_ends_with_the_base_it_came_with():
    role = Arbitrageur(market="ETH")
    game = play(world(SPOT), (NoiseCrowd(market="ETH", count=50, activity=500.0), role))
    held = game.state.ledger.balance[game.listing().base, player(game, role.label).account] / 1e8
    assert held == pytest.approx(role.base, abs=20.0)


def test_an_arbitrageur_refuses_a_market_that_is_no_pool():
    with pytest.raises(ValueError, match="ConstantProduct"):
        play(world(Market()), (Arbitrageur(),))


def test_a_basis_trader_keeps_a_perpetual_near_the_reference():
    perpetual = Market(oracle=Median(reporters=3, quorum=2), venue=VirtualAmm(liquidity=2_000_000.0))
    cast = (NoiseCrowd(count=50, activity=200.0), Reporter(count=3))
    alone, kept = play(world(perpetual), cast), play(world(perpetual), (*cast, BasisTrader()))
    assert gap(kept, "ETH-PERP") < 0.5 * gap(alone, "ETH-PERP")


# ---------------------------------------------------------------------- reporters


@pytest.mark.parametrize("guard", [False, True])
def test_reporters_keep_the_index_within_their_deviation(guard):
    inner = Median(reporters=3, quorum=2, deviation=0.002)
    oracle = Guarded(inner=inner) if guard else inner
    role = Reporter(count=3)
    with_them = play(world(Market(oracle=oracle)), (role,), volatility=1.5)
    without = play(world(Market(oracle=oracle)), (), volatility=1.5)
    assert gap(with_them, "ETH-PERP", "index") < 0.0025 < gap(without, "ETH-PERP", "index")
    assert 10 < kinds(with_them).count("oracle update") < 1_500


def test_each_reporter_errs_by_itself():
    game = play(world(Market(oracle=Median(reporters=3, quorum=2))), (Reporter(count=3),))
    values = game.state.tables["dex.ETH-PERP.oracle"][:, 1]
    assert len(set(values.tolist())) == 3


def test_a_reporter_refuses_an_oracle_that_takes_no_reports():
    with pytest.raises(ValueError, match="knows no reporters"):
        play(world(Market(oracle=Spot())), (Reporter(),))


def test_an_updater_keeps_a_pull_oracle_fresh():
    with_it = play(world(Market(oracle=Pull())), (Updater(),))
    without = play(world(Market(oracle=Pull())), ())
    assert column(with_it, "dex.ETH-PERP.index_age").max() < 60.0
    assert column(without, "dex.ETH-PERP.index_age").max() > 3_000.0
    assert gap(with_it, "ETH-PERP", "index") < 0.002


# ---------------------------------------------------------------------- keeper


def test_a_keeper_liquidates_who_is_below_maintenance():
    perpetual = Market(oracle=Median(reporters=3, quorum=2, deviation=0.002), venue=VirtualAmm())
    cast = (LeveragedCrowd(count=100, activity=100.0), Reporter(count=3), BasisTrader())
    alone = play(world(perpetual), cast, drift=-800.0, duration=7_200.0)
    kept = play(world(perpetual), (*cast, Keeper()), drift=-800.0, duration=7_200.0)
    assert "liquidation" not in kinds(alone)
    assert "liquidation" in kinds(kept)


# ---------------------------------------------------------------------- maker

BOOK = Market(oracle=Median(reporters=3, quorum=2), venue=OrderBook())


def test_quotes_stand_around_the_reservation_price_which_leans_against_inventory():
    bid, ask = quotes(2_000.0, 0.0, 0.05, 4.0, 1.5)
    assert (bid + ask) / 2 == pytest.approx(2_000.0)
    assert ask - bid == pytest.approx(0.05 * 4.0 + 2 / 0.05 * np.log(1 + 0.05 / 1.5))
    long_bid, long_ask = quotes(2_000.0, 3.0, 0.05, 4.0, 1.5)
    assert (long_bid + long_ask) / 2 == pytest.approx(2_000.0 - 3.0 * 0.05 * 4.0)


def test_a_maker_quotes_both_sides_and_earns_the_spread_from_noise():
    role = Maker()
    gains = []
    for seed in range(4):
        noise = NoiseCrowd(count=60, activity=600.0, capital=5_000.0)
        game = play(world(BOOK), (role, noise, Reporter(count=3)), seed=seed)
        listing, me = game.listing(), player(game, role.label)
        resting = game.state.market(listing).venue.resting(game.state, listing, me.account)
        assert (resting.size > 0).any()
        assert (resting.size < 0).any()
        assert column(game, "dex.ETH-PERP.fills").sum() > 200
        gains.append(wealth(game, me) - role.capital)
        assert gap(game, "ETH-PERP") < 0.002
    assert np.mean(gains) > 0


def test_a_maker_stays_within_its_inventory():
    role = Maker(most=0.05)
    game = play(world(BOOK), (role, NoiseCrowd(count=60, activity=600.0), Reporter(count=3)))
    held = game.state.ledger.balance[game.listing().size, player(game, role.label).account] / 1e8
    assert abs(held) * game.fair_now("ETH") <= 0.05 * role.capital + 3 * role.lot


# ---------------------------------------------------------------------- provider


@dataclass(frozen=True)
class Loser(Role):
    """Takes a tenth of the vault's cash, once, half way: a loss without a cause."""

    def act(self, me, view):
        house = view.house()
        if view.time > 1_800.0 and not me.memory:
            me.memory["done"] = True
            ledger = me.model.state.ledger
            ledger.move(
                house.cash, house.vault, house.treasury, ledger.balance[house.cash, house.vault] // 10, Reason.FEE
            )
        return ()


def test_a_provider_leaves_a_vault_that_loses_and_not_one_that_does_not():
    perpetual = Market(oracle=Median(reporters=3, quorum=2, deviation=0.002), venue=OraclePool(), funding=Unfunded())
    rules = world(perpetual, vault=Vault(liquidity=200_000.0))
    role = Provider(pain=0.02)
    calm = play(rules, (role, Reporter(count=3)))
    hurt = play(rules, (role, Reporter(count=3), Loser()), drift=0.0)
    row = hurt.house().share
    assert calm.state.ledger.balance[row, player(calm, role.label).account] > 0
    assert "provider leaves" not in kinds(calm)
    assert "provider leaves" in kinds(hurt)
    assert hurt.state.ledger.balance[row, player(hurt, role.label).account] == 0


def test_a_provider_comes_back_once_it_is_calm():
    perpetual = Market(oracle=Median(reporters=3, quorum=2, deviation=0.002), venue=OraclePool(), funding=Unfunded())
    rules = world(perpetual, vault=Vault(liquidity=200_000.0))
    role = Provider(pain=0.02, calm=300.0)
    game = play(rules, (role, Reporter(count=3), Loser()))
    assert "provider leaves" in kinds(game)
    assert game.state.ledger.balance[game.house().share, player(game, role.label).account] > 0


def test_a_provider_leaves_a_pool_whose_worth_falls():
    role = Provider(market="ETH", base=200.0, pain=0.02)
    game = play(world(SPOT), (role, Arbitrageur(market="ETH")), volatility=0.1, drift=-2_000.0)
    assert "provider leaves" in kinds(game)
    assert game.state.ledger.balance[game.listing().share, player(game, role.label).account] == 0


# ---------------------------------------------------------------------- auctions


def auctioned(rule, *cast, load=0.0, price=(2_000.0, 1_860.0)):
    """A game in which one account is long 45 coins on a stake of 10,000 as the index falls to below its maintenance."""
    rules = exchange_for(OraclePool(), VirtualAmm(), liquidation=rule, losses=(Insurance(), Socialise()))
    world_ = World(chains=(Chain(blocks=Fixed(interval=2.0)),), exchanges=(rules,))
    game = Game(world_, cast, Flat(start=(price[1],)), (), seed=1, duration=1e6, outside=OutsideDemand(load=load))
    listing = game.listing()
    tell(game.state, price[0])
    debtor = game.open("debtor", 20_000.0, 0.0)
    exchange.deposit(game.state, listing.house, debtor, 10_000 * CASH)
    exchange.trade(game.state, listing, debtor, 45 * COIN)
    tell(game.state, price[1])
    game.recorder = Recorder(game)
    return game, listing, debtor


def play_on(game, listing, price, seconds):
    """Play so long with a fresh index; what transactions came to, with the time of their blocks."""
    done, write_down = [], game.recorder.block

    def watch(block, chain):
        done.extend((block.time, receipt.outcome) for receipt in block.receipts if receipt.revert is None)
        write_down(block, chain)

    game.recorder.block = watch
    end = game.state.time + seconds
    while game.state.time < end:
        tell(game.state, price)
        game.step()
    return [(time, one) for time, one in done if one is not None]


@dataclass(frozen=True)
class Flat(GeometricBrownian):
    """Fair stands still. A test's own."""

    volatility: tuple[float, ...] = (0.0,)
    tick: float = 2.0


@pytest.mark.parametrize("cost", [0.0, 0.01, 0.05])
def test_keepers_clear_an_auction_at_the_first_block_whose_price_leaves_them_their_cost(cost):
    """With rivals sure to come, the first price at most the market less the cost is taken: by block, exactly."""
    rule = Dutch(curve=Stairstep(cut=0.99, step=9), buf=1.2, tail=1_000.0)
    keepers = [Keeper(name=f"k{i}", cost=cost, rivals=1.0, latency=0.1) for i in range(2)]
    game, listing, debtor = auctioned(rule, *keepers)
    done = play_on(game, listing, 1_860.0, 400.0)
    started = next(one for _, one in done if isinstance(one, exchange.Started))
    at, taken = next((time, one) for time, one in done if isinstance(one, exchange.Liquidated))
    pays = [t for t in range(0, 400, 2) if 1.2 * rule.curve.share(float(t)) <= (1.0 - cost) * (1.0 - 1e-12)]
    gas = 0.1  # cash coins: at most what a take costs here, far below a step of the price
    gain = (1_860.0 * (1.0 - cost) - taken.price) * taken.taken / COIN
    assert gain > gas
    assert at - started.started == pays[0]
    assert taken.account == debtor


def test_a_keeper_sure_to_be_alone_waits_for_the_last_price_and_one_that_lost_before_waits_less():
    rule = Dutch(curve=Stairstep(cut=0.99, step=9), buf=1.2, tail=400.0)
    waits = {}
    for rivals in (0.0, 1.0):
        game, listing, _ = auctioned(rule, Keeper(rivals=rivals, latency=0.1))
        done = play_on(game, listing, 1_860.0, 500.0)
        waits[rivals] = next(time for time, one in done if isinstance(one, exchange.Liquidated))
    assert waits[0.0] >= 390.0
    assert waits[1.0] < 200.0

    class Somebody:
        memory = {"lost": 8, "kept": 0}

    assert rivalry(Somebody(), 0.0) == 0.8
    assert rivalry(type("Nobody", (), {"memory": {}})(), 0.3) == pytest.approx(0.3)


def test_a_keeper_takes_the_way_that_pays_most():
    dear, cheap = AtOracle(spread=0.03), ThroughVenue(reward=0.001)
    for routes, takes in (((cheap, dear), True), ((dear, cheap), True), ((ThroughVenue(reward=0.05), dear), False)):
        game, listing, _ = auctioned(Graded(grace=0.0, routes=routes), Keeper(latency=0.1))
        done = play_on(game, listing, 1_860.0, 4.0)
        first = next(one for _, one in done if isinstance(one, exchange.Liquidated))
        assert (first.taker >= 0) == takes


def test_a_keeper_whose_cost_exceeds_the_discount_stays_home():
    game, listing, _ = auctioned(Graded(grace=0.0, routes=(AtOracle(spread=0.01),)), Keeper(latency=0.1, cost=0.02))
    assert not play_on(game, listing, 1_860.0, 10.0)
    assert any(event.kind == "liquidation declined" for event in game.recorder.events)


def test_bidders_bid_up_to_the_reference_less_their_cost_and_the_cheaper_one_wins():
    cast = [Bidder(name="dear", cost=0.05, unwind=0.0), Bidder(name="cheap", cost=0.02, unwind=0.0)]
    game, listing, debtor = auctioned(English(ttl=60.0, tau=3_600.0, beg=1.01), *cast)
    done = play_on(game, listing, 1_860.0, 600.0)
    bids = [one.price for _, one in done if isinstance(one, exchange.Bidden)]
    won = next(one for _, one in done if isinstance(one, exchange.Liquidated))
    names = game.state.ledger
    assert len(bids) > 10
    assert bids == sorted(bids)
    assert max(bids) <= 1_860.0 * 0.98
    assert names.groups[names.group[won.taker]] == "cheap"
    assert won.price > 1_860.0 * 0.95 / 1.01
    assert won.account == debtor


def test_a_bidder_without_rivals_asks_for_the_lot_for_nothing_and_gets_it():
    game, listing, _ = auctioned(English(ttl=60.0), Bidder(opening=0.0, unwind=0.0))
    done = play_on(game, listing, 1_860.0, 100.0)
    assert [one.price for _, one in done if isinstance(one, exchange.Liquidated)] == [0.0]


def test_a_bidder_trades_out_of_what_it_has_won_no_worse_than_its_cost():
    game, listing, _ = auctioned(English(ttl=20.0), Bidder(opening=0.5, unwind=0.5, cost=0.02))
    done = play_on(game, listing, 1_860.0, 200.0)
    fills = [one for _, one in done if isinstance(one, exchange.Fill)]
    assert sum(one.size for one in fills) == -45 * COIN
    assert all(-one.owed / CASH / (-one.size / COIN) >= 1_860.0 * 0.98 for one in fills)


@pytest.mark.parametrize(
    ("role", "field", "value"),
    [
        (Keeper, "cost", 1.0),
        (Keeper, "rivals", 1.5),
        (Keeper, "unwind", -0.1),
        (Bidder, "cost", -0.1),
        (Bidder, "opening", 2.0),
        (Bidder, "bid_share", 2.0),
        (Bidder, "pause", -1.0),
        (Bidder, "unwind", 2.0),
    ],
)
def test_a_senseless_keeper_or_bidder_cannot_be_built(role, field, value):
    with pytest.raises(ValueError, match=f"{field} = "):
        role(**{field: value})
