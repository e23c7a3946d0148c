"""Attacks earn under a weak rule and stay quiet under a strong one; profit is measured against the twin without them."""

import numpy as np
import pytest

from agents.attacks.oracle_push import OraclePush
from agents.attacks.pushing import reach
from agents.attacks.stale_sniper import StaleSniper
from agents.demand import OutsideDemand
from agents.game import Game
from agents.nature.gbm import GeometricBrownian
from agents.nature.reference import ReferenceVenue
from agents.roles.arbitrageur import Arbitrageur
from agents.roles.reporter import Reporter
from protocol.blocks.fixed import Fixed
from protocol.funding.unfunded import Unfunded
from protocol.instruments.token import Token
from protocol.oracles.guarded import Guarded
from protocol.oracles.median import Median
from protocol.oracles.security_module import SecurityModule
from protocol.oracles.spot import Spot
from protocol.oracles.twap import ArithmeticTwap
from protocol.vault import Vault
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Chain, Exchange, Market, World

QUIET = OutsideDemand(load=0.0)


def world(oracle, *, pool=1_000_000.0, spread=0.0004, fee=0.0005, cap=5_000_000.0, interval=12.0):
    spot = Market(name="ETH", instrument=Token(), venue=ConstantProduct(liquidity=pool))
    perpetual = Market(
        oracle=oracle,
        venue=OraclePool(spread=spread, skew_scale=1e6),
        funding=Unfunded(),
        fee=fee,
        open_interest_cap=cap,
    )
    exchange = Exchange(markets=(perpetual, spot), vault=Vault())
    return World(chains=(Chain(blocks=Fixed(interval=interval)),), exchanges=(exchange,))


def play(rules, cast, *, seed=1, duration=1_800.0, volatility=0.7):
    nature = GeometricBrownian(volatility=(volatility,))
    game = Game(rules, cast, nature, [ReferenceVenue(depth=2e7)], seed=seed, duration=duration, outside=QUIET)
    game.play()
    return game


def wealth(game, label):
    """Tokens and claims of a group at fair, cash coins."""
    ledger, house = game.state.ledger, game.house()
    accounts = [player.account for player in game.players if player.role.label == label]
    total = 0.0
    for account in accounts:
        total += (ledger.balance[house.token, account] + ledger.balance[house.cash, account]) / house.cash_scale
        for listing in game.state.listings[0]:
            price = game.fair_now("ETH")
            if listing.size >= 0:
                total += ledger.balance[listing.size, account] / listing.size_scale * price
                total += ledger.balance[listing.quote, account] / house.cash_scale
        total += ledger.balance[listing.base, account] / listing.size_scale * price
    return total


def profit(game, role):
    return wealth(game, role.label) - role.count * (role.capital + role.base * game.fair_now("ETH"))


def kinds(game):
    return [event.kind for event in game.recorder.events]


def vault_worth(game):
    columns = game.recorder.columns
    return game.recorder.rows[game.recorder.blocks - 1, columns.index("dex.vault")]


ARBITRAGE = Arbitrageur(market="ETH", base=500.0, capital=1_000_000.0)


def test_a_push_of_a_thin_pool_under_a_short_window_pays_and_the_vault_loses_against_the_twin():
    rules = world(ArithmeticTwap(source="ETH", window=24.0))
    attacker = OraclePush()
    profits, losses = [], []
    for seed in range(4):
        attacked, twin = play(rules, (ARBITRAGE, attacker), seed=seed), play(rules, (ARBITRAGE,), seed=seed)
        profits.append(profit(attacked, attacker))
        losses.append(vault_worth(twin) - vault_worth(attacked))
        assert "attack over" in kinds(attacked)
    assert min(profits) > 1_000.0
    assert min(losses) > 1_000.0


def test_a_push_earns_at_least_what_its_caution_left_of_the_estimate():
    game = play(world(ArithmeticTwap(source="ETH", window=24.0)), (ARBITRAGE, OraclePush()))
    over = [event.numbers for event in game.recorder.events if event.kind == "attack over"]
    assert over
    assert all(numbers["realised"] > 0.3 * numbers["estimate"] > 0 for numbers in over)


def test_a_push_stays_at_home_under_a_long_window():
    game = play(world(ArithmeticTwap(source="ETH", window=3_600.0), pool=20_000_000.0), (ARBITRAGE, OraclePush()))
    assert "attack" not in kinds(game)
    assert "attack declined" in kinds(game)
    assert profit(game, OraclePush()) == 0.0


def test_an_attack_on_a_spot_oracle_is_one_bundle():
    attacker = OraclePush(rest=1e6)
    game = play(world(Spot(source="ETH")), (ARBITRAGE, attacker))
    assert kinds(game).count("attack") == 1
    assert profit(game, attacker) > 1_000.0


def test_a_guard_on_the_pace_of_a_spot_oracle_makes_the_push_smaller():
    attacker = OraclePush(rest=1e6)
    bare = profit(play(world(Spot(source="ETH")), (ARBITRAGE, attacker)), attacker)
    guarded = Guarded(inner=Spot(source="ETH"), max_move=0.002)
    held = play(world(guarded), (ARBITRAGE, attacker))
    assert "attack" not in kinds(held)
    assert profit(held, attacker) == 0.0 < bare


def test_an_index_no_pool_moves_is_left_alone():
    game = play(world(Median(reporters=3, quorum=2)), (Reporter(count=3), OraclePush()), duration=600.0)
    assert "attack" not in kinds(game)


SLOW = Median(reporters=3, quorum=2, deviation=0.01, heartbeat=7_200.0, max_age=14_400.0)


def test_a_sniper_earns_from_an_index_that_is_seldom_reported():
    sniper = StaleSniper()
    profits = [
        profit(play(world(SLOW, interval=2.0), (Reporter(count=3), sniper), seed=seed, duration=28_800.0), sniper)
        for seed in range(4)
    ]
    assert np.mean(profits) > 0.0
    assert np.mean(profits) > np.std(profits) / np.sqrt(len(profits))


@pytest.mark.parametrize("rules", [world(SLOW, interval=2.0, spread=0.03), world(SLOW, interval=2.0, fee=0.02)])
def test_a_sniper_stays_at_home_when_trading_costs_more_than_the_gap(rules):
    sniper = StaleSniper()
    game = play(rules, (Reporter(count=3), sniper), duration=7_200.0)
    assert "attack" not in kinds(game)
    assert profit(game, sniper) == 0.0


def test_an_index_that_waits_is_thought_to_be_moved_by_a_push_that_stands_through_two_hops_alone():
    oracle = SecurityModule(ArithmeticTwap(source="ETH", window=60.0), hop=600.0)
    held = np.array([12.0, 1_199.0, 1_200.0])
    assert reach(oracle, np.array([0.1]), held, 12.0).tolist() == [0.0, 0.0, pytest.approx(0.1)]
    game = play(world(oracle), (ARBITRAGE, OraclePush(most_blocks=55)))
    assert "attack" not in kinds(game)
