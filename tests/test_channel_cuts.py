"""Every channel can be asked of every scenario: it is cut, or there is none; also where nature replays recorded bars."""

import dataclasses

import pytest

from agents.nature.replay import Replay
from experiments.cascades.amplification import cuts
from experiments.cascades.channels import CHANNELS
from experiments.run import build, release, run
from experiments.scenario import bundled, find

CUT = {channel.name: channel.cut for channel in CHANNELS}
HEADER = "open_time,open,high,low,close,volume"


@pytest.fixture
def bars(tmp_path):
    """Four quarters of an hour of ether, that open at 3,000."""
    rows = [f"{1_700_000_000_000 + 900_000 * k},{o},{o + 20},{o - 20},{o + 5},1" for k, o in enumerate((3_000, 3_005))]
    file = tmp_path / "klines.csv"
    file.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return str(file)


def replayed(scenario, file):
    nature = Replay(assets=("ETH",), start=(), tick=1.0, files=(file,))
    return dataclasses.replace(scenario, nature=nature, duration=240.0)


@pytest.mark.parametrize("name", bundled())
def test_every_channel_of_every_bundled_scenario_is_cut_or_said_not_to_be_there(name):
    scenario = find(name)
    for channel in CHANNELS:
        twin = channel.cut(scenario)
        assert twin is None or twin != scenario, channel.name


def test_of_a_replay_without_files_and_with_them_every_channel_is_cut_or_not_there(bars):
    for scenario in (find("october-2025"), replayed(find("fire-sale"), bars)):
        assert CUT["collateral"](scenario) is None
        assert set(cuts(scenario)) >= {"price"}


def test_foreign_collateral_on_a_replayed_path_counts_as_the_record_begins(bars):
    scenario = replayed(find("shared-collateral"), bars)
    twin = CUT["collateral"](scenario)
    assert [one.at for one in twin.world.exchanges[1].collateral] == [1.0 - scenario.world.exchanges[0].vault.fee]
    release(build(twin))
    taker = dataclasses.replace(
        scenario.world.exchanges[0],
        name="taker",
        collateral=(dataclasses.replace(scenario.world.exchanges[1].collateral[0], token="mint.ETH.supply"),),
    )
    pool = dataclasses.replace(find("lending-run").world.exchanges[0], name="mint", collateral=())
    world = dataclasses.replace(scenario.world, exchanges=(pool, taker))
    one = dataclasses.replace(scenario, world=world, cast=())
    assert CUT["collateral"](one).world.exchanges[1].collateral[0].at == 3_000.0


def test_where_nothing_is_sold_on_a_venue_there_is_no_price_channel():
    for name in ("lending-run", "toxic-spiral", "synthetic-peg"):
        assert CUT["price"](find(name)) is None
    mixed = find("shared-collateral")
    assert CUT["price"](mixed) is not None


def test_a_wrapped_coin_counts_as_at_the_start_where_its_channel_is_cut():
    for name in ("two-chains", "wrapped-depeg"):
        scenario = find(name)
        twin = CUT["collateral"](scenario)
        assert [one.at for exchange in twin.world.exchanges for one in exchange.collateral] == [
            scenario.nature.start[0]
        ]
        release(build(twin))


def test_suppliers_who_stay_leave_more_in_the_till_of_a_pool_than_those_who_run():
    scenario = dataclasses.replace(find("lending-run"), seed=2)
    whole, staying = run(scenario).metrics, run(CUT["liquidity"](scenario)).metrics
    tills = [one["lend.USD.loans.assets"] - one["lend.USD.loans.debts"] for one in (whole, staying)]
    assert tills[1] > 2.0 * tills[0]
    assert CUT["liquidity"](CUT["liquidity"](scenario)) is None


def test_gold_that_is_seized_elsewhere_is_sold_where_it_was_issued_and_pushes_its_peg():
    scenario = find("synthetic-collateral")
    whole, apart = run(scenario, check=True), run(CUT["collateral"](scenario))
    assert whole.metrics["lend.seized"] > 100_000
    assert apart.metrics["lend.seized"] == 0.0
    pegs = [(one.blocks["mint.sXAU-USD.mid"] / one.blocks["mint.sXAU-USD.fair"]).min() for one in (whole, apart)]
    assert pegs[0] < 0.85 < 0.95 < pegs[1]
