"""What goes from one exchange to another, and that cutting a channel takes away what went through it and nothing else."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from agents.roles.common_holder import CommonHolder
from agents.roles.common_keeper import CommonKeeper
from agents.roles.common_maker import CommonMaker
from agents.roles.loan_keeper import LoanKeeper
from agents.roles.share_keeper import ShareKeeper
from agents.roles.share_pledger import ShareBorrower, ShareBull
from experiments.cascades.channels import AMPLE, CHANNELS
from experiments.figures.common_makers import _verdict
from experiments.figures.common_makers import draw as draw_makers
from experiments.overrides import varied
from experiments.run import build, run
from experiments.scenario import find, without
from experiments.studies import common_makers

CUT = {channel.name: channel.cut for channel in CHANNELS}
SHARED = dataclasses.replace(find("shared-collateral"), duration=1_440.0)


@pytest.fixture(scope="module")
def shared():
    return run(SHARED)


@pytest.fixture(scope="module")
def apart():
    return run(CUT["collateral"](SHARED))


def lost(record, name="beta"):
    """Liquidations, deficits and loans written off on an exchange."""
    return [record.metrics[f"{name}.{what}"] for what in ("liquidations", "deficit", "written_off")]


def test_an_attack_on_one_exchange_costs_the_lenders_of_another_which_without_it_lose_nothing(shared):
    twin = run(without(SHARED, "attacker"))
    assert lost(twin) == [0.0, 0.0, 0.0]
    assert shared.metrics["beta.written_off"] > 100_000
    assert shared.metrics["gain.supplier"] < -50_000 < twin.metrics["gain.supplier"]
    assert shared.metrics["beta.liquidations"] > 3
    kinds = shared.events["kind"]
    assert shared.events.loc[kinds == "seizure", "time"].max() > shared.events.loc[kinds == "attack", "time"].min()


def test_with_shares_counted_as_at_the_start_the_attack_goes_on_and_the_other_exchange_loses_nothing(shared, apart):
    assert lost(apart) == [0.0, 0.0, 0.0]
    assert abs(apart.metrics["gain.supplier"]) < 1_000
    assert apart.metrics["gain.attacker"] > 100_000
    assert apart.metrics["alpha.return_on_vault"] < -0.3
    struck = [record.events.loc[record.events["kind"] == "attack", "time"].iloc[0] for record in (shared, apart)]
    assert struck[0] == struck[1]
    before = shared.blocks["time"] <= struck[0]
    for column in ("alpha.ETH-PERP.index", "alpha.ETH-PERP.volume", "alpha.ETH-USD.mid", "base_fee"):
        assert (shared.blocks.loc[before, column] == apart.blocks.loc[before, column]).all()


def test_what_is_pledged_comes_round_a_circle_to_the_lenders_of_the_exchange_attacked():
    circle = dataclasses.replace(find("circular-collateral"), duration=1_440.0)
    whole, cut = run(circle), run(CUT["collateral"](circle))
    assert whole.metrics["alpha.written_off"] > 10_000
    assert whole.metrics["beta.written_off"] > 100_000
    assert lost(cut, "alpha") + lost(cut) == [0.0] * 6


def test_common_holders_sell_on_one_exchange_to_fund_another_and_with_a_purse_for_each_they_do_not():
    holders = find("common-holders")
    whole, cut = run(holders), run(CUT["holders"](holders))
    kinds = set(whole.events["kind"])
    assert {"funds", "sells to fund"} <= kinds
    assert not {"funds", "sells to fund"} & set(cut.events["kind"])
    sold_at = whole.events.loc[whole.events["kind"] == "sells to fund", "time"].min()
    mids = [np.log(record.blocks.set_index("time")["beta.BTC-PERP.mid"]) for record in (whole, cut)]
    gap = mids[0] - mids[1]
    assert gap[:sold_at].abs().max() < 30e-4
    assert gap[sold_at : sold_at + 300.0].min() < -50e-4  # what they sell bears down on whoever else is there
    assert whole.metrics["alpha.liquidated"] < cut.metrics["alpha.liquidated"]
    sold = whole.events.loc[whole.events["kind"] == "sells to fund", "numbers"]
    assert {(one["source"], one["target"]) for one in sold} == {("beta", "alpha")}


def quoted(record, market, since):
    """Median spread of the common maker's quotes in a market after a time, relative."""
    events = record.events
    rows = events.loc[(events["kind"] == "quote") & (events["time"] > since), "numbers"]
    return np.median([one["spread"] / one["centre"] for one in rows if one.get("market") == market])


@pytest.mark.parametrize("seed", [1, 2])
def test_a_maker_that_loses_on_one_exchange_quotes_wider_on_another_and_with_a_purse_for_each_it_does_not(seed):
    makers = dataclasses.replace(find("common-makers"), duration=900.0, seed=seed)
    whole, cut = run(makers), run(CUT["holders"](makers))
    early, late = ([quoted(one, "beta.BTC-PERP", since) for one in (whole, cut)] for since in (0.0, 700.0))
    assert late[0] > 1.25 * late[1]
    assert late[1] < 1.2 * early[1]  # but for what it makes of volatility
    costs = []
    for record in (whole, cut):
        blocks = record.blocks[record.blocks["time"] > 700.0]
        costs.append(blocks["beta.BTC-PERP.run_off"].sum() / blocks["beta.BTC-PERP.run_volume"].sum())
    assert costs[0] > 1.15 * costs[1]  # and whoever trades there pays for it
    assert whole.metrics["gain.maker"] < -50_000


def test_a_common_maker_whose_purse_is_spent_takes_its_quotes_off_everywhere_and_one_of_two_purses_where_it_lost():
    poor = varied(find("common-makers"), {"duration": 900.0, "cast.maker.drawdown": 0.2})
    left = []
    for scenario in (poor, CUT["holders"](poor), CUT["makers"](poor)):
        events = run(scenario).events
        left.append({one["market"] for one in events.loc[events["kind"] == "maker leaves", "numbers"]})
    assert left == [{"alpha.ETH-PERP", "beta.BTC-PERP"}, {"alpha.ETH-PERP"}, set()]


def test_a_keeper_that_loses_on_one_exchange_closes_less_on_another_and_with_a_purse_for_each_it_does_not():
    keepers = find("common-keepers")
    whole, cut = run(keepers), run(CUT["holders"](keepers))
    assert {"funds", "sells to fund"} <= set(whole.events["kind"])
    assert not {"funds", "sells to fund"} & set(cut.events["kind"])
    assert whole.metrics["beta.liquidated"] < 0.95 * cut.metrics["beta.liquidated"]
    assert whole.metrics["beta.bad_debt"] > 1.2 * cut.metrics["beta.bad_debt"] > 0
    assert whole.metrics["alpha.bad_debt"] < cut.metrics["alpha.bad_debt"]  # it moves losses rather than ends them
    rows = whole.events.loc[whole.events["kind"] == "funds", "numbers"]
    assert ("beta", "alpha") in {(one["source"], one["target"]) for one in rows}


def fed(index="alpha.ETH-PERP"):
    """Two exchanges that read one median of reporters, of whom most go wrong after ten minutes."""
    return varied(find("common-feed"), {"world.exchanges.beta.market.index": index})


def test_one_wrong_feed_liquidates_on_every_exchange_that_reads_it_and_own_feeds_only_where_it_is_wrong():
    whole, cut = run(fed(), check=True), run(CUT["feed"](fed()))
    for name in ("alpha", "beta"):
        assert whole.metrics[f"{name}.liquidations"] >= 3
    assert cut.metrics["alpha.liquidations"] == whole.metrics["alpha.liquidations"]
    assert cut.metrics["beta.liquidations"] == 0
    assert (whole.blocks["alpha.ETH-PERP.index"] == whole.blocks["beta.ETH-PERP.index"]).all()


@pytest.mark.parametrize("index", ["gamma.ETH-PERP", "alpha.BTC-PERP", "beta.ETH-PERP"])
def test_a_feed_that_is_not_there_is_refused_by_name(index):
    with pytest.raises(
        ValueError, match=f"index = '{index}': must be a market of ETH on l2 .* there are alpha.ETH-PERP"
    ):
        fed(index)


def test_makers_leave_when_prices_move_and_where_that_is_cut_they_stay_and_quote_as_in_calm():
    rough = varied(find("maker-book"), {"duration": 600.0, "nature.volatility": [6.0]})
    nervous = varied(rough, {"cast.maker.flight": 8e-4})
    left, whole, cut = run(nervous), run(rough), run(CUT["makers"](nervous))
    assert "maker leaves" in set(left.events["kind"])
    assert "maker leaves" not in set(cut.events["kind"])
    assert left.metrics["dex.ETH-PERP.volume"] < 0.5 * cut.metrics["dex.ETH-PERP.volume"]

    def spread(record):
        quotes = record.events.loc[record.events["kind"] == "quote", "numbers"]
        return quotes.map(lambda one: one["spread"]).median()

    assert spread(cut) < 0.8 * spread(whole)


def test_keepers_run_out_of_capital_and_with_enough_of_it_seize_more():
    poor = dataclasses.replace(
        SHARED,
        cast=tuple(
            dataclasses.replace(role, capital=20_000.0) if isinstance(role, LoanKeeper) else role
            for role in SHARED.cast
        ),
    )
    whole, cut = run(poor), run(CUT["keepers"](poor))

    def seized(record):
        rows = record.events.loc[record.events["kind"] == "seizure", "numbers"]
        return sum(one["repaid"] for one in rows)

    assert seized(cut) > 2 * seized(whole) > 0


def test_a_keeper_of_shares_redeems_what_it_has_taken_where_it_was_issued(shared):
    flows = shared.flows
    redeemed = flows[
        (flows["target"] == "seizer") & (flows["source"] == "alpha.custody") & (flows["reason"] == "liquidity")
    ]
    assert redeemed["cash"].sum() > 100_000


@pytest.mark.parametrize("name", ["collateral", "holders", "feed", "makers", "keepers"])
def test_where_there_is_no_such_channel_there_is_nothing_to_cut(name):
    assert CUT[name](find("fire-sale")) is None


@pytest.mark.parametrize(
    ("name", "scenario"),
    [
        ("collateral", SHARED),
        ("holders", find("common-holders")),
        ("holders", find("common-makers")),
        ("holders", find("common-keepers")),
        ("makers", find("common-makers")),
        ("feed", fed()),
        ("keepers", SHARED),
    ],
)
def test_what_is_cut_is_cut_for_good(name, scenario):
    assert CUT[name](CUT[name](scenario)) is None
    capitals = [role.capital for role in CUT["keepers"](SHARED).cast if isinstance(role, ShareKeeper)]
    assert capitals == [AMPLE]


@pytest.mark.parametrize(
    ("role", "words"),
    [
        (
            ShareBorrower(exchange="beta", token="gamma.share"),
            "token = 'gamma.share': beta takes of other exchanges' shares",
        ),
        (ShareBull(exchange="alpha", market="ETH-PERP"), "alpha takes of other exchanges' shares and synthetics none"),
        (ShareKeeper(exchanges=("alpha",)), "those that take a share or another's token are beta"),
        (CommonHolder(apart=("gamma",)), r"apart = \['gamma'\]: it has no account there, but on alpha, beta"),
        (CommonMaker(), "alpha.ETH-PERP is no OrderBook and no BatchAuction"),
    ],
)
def test_a_role_without_a_second_exchange_says_so(role, words):
    with pytest.raises(ValueError, match=words):
        build(dataclasses.replace(SHARED, cast=(role,)))


def test_a_purse_for_all_exchanges_needs_two():
    with pytest.raises(ValueError, match=r"exchanges = \[\]: needs two or more, or one by name"):
        build(dataclasses.replace(find("fire-sale"), cast=(CommonKeeper(),)))


def test_the_study_of_common_makers_pairs_its_arms_by_seed_and_its_figure_says_what_they_differ_by(tmp_path):
    rows = []
    for arm, wider in (("one purse", 4e-4), ("a purse each", 0.0)):
        for seed in (1, 2, 3):
            noise = 1e-4 * seed  # the same in both arms: only a paired difference is without it
            values = {f"{what}{at}": 5e-4 + noise + wider for what in ("spread", "cost") for at in ("", "_0", "_180")}
            rows.append({"arm": arm, "seed": seed, **values, "maker": -1.0, "digest": f"{len(rows):064d}"})
    arms = common_makers.table(pd.DataFrame(rows))
    difference = arms.set_index("arm").loc["difference"]
    assert [difference[f"spread{end}"] for end in ("", "_low", "_high")] == pytest.approx([4e-4] * 3)
    assert difference["maker"] == 0.0
    drawn = draw_makers(arms, 180.0, 180.0, tmp_path, "makers")
    assert all(path.stat().st_size > 5_000 for path in drawn)
    verdicts = [_verdict(arms.iloc[-1].to_dict(), what, "it is", "more") for what in ("spread", "maker")]
    assert verdicts == ["it is 4.0 bp more", "it is no more"]
