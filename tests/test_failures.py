"""Which single failure hurts most; who is central; and what forced selling adds to a fall, by hand."""

import dataclasses
import inspect

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from agents.roles.common_holder import CommonHolder
from agents.roles.purse import Pooled
from experiments.cascades import writing
from experiments.cascades.episodes import standings, watched
from experiments.cascades.failures import (
    ISOLATED,
    LEVEL,
    MISSING,
    REMOVED,
    Failure,
    failures,
    headline,
    irremovable,
    isolated,
    removed,
    table,
    twins,
)
from experiments.commands.contagion import contagion
from experiments.figures import failures as figure
from experiments.networks.centrality import centrality
from experiments.networks.clearing import cleared
from experiments.networks.distress import fire_sale
from experiments.networks.vulnerability import vulnerability
from experiments.run import build, release, run
from experiments.scenario import bundled, find
from experiments.statistics import difference, estimate

SHARED = dataclasses.replace(find("shared-collateral"), duration=1_320.0)
HOLDERS = find("common-holders")


def test_every_exchange_keeper_provider_and_holder_fails_in_a_twin_of_its_own():
    found = [(one.node, one.kind, one.how) for one in twins(SHARED)]
    assert ("alpha", "exchange", ISOLATED) in found
    assert ("beta", "exchange", ISOLATED) not in found  # nobody takes anything of it
    assert {(name, "exchange", REMOVED) for name in ("alpha", "beta")} <= set(found)
    assert {("seizer", "keeper", MISSING), ("supplier", "provider", MISSING)} <= set(found)
    assert ("holder", "holder", MISSING) in [(one.node, one.kind, one.how) for one in twins(HOLDERS)]
    assert [one.how for one in twins(find("fire-sale"))] == [MISSING]


def test_an_exchange_is_removed_with_what_it_issues_and_whoever_lives_on_it_and_the_rest_plays():
    without_alpha = removed(SHARED, "alpha")
    assert {role.label for role in without_alpha.cast} == {"beta-traders", "supplier", "beta-keeper"}
    assert without_alpha.world.exchanges[0].collateral == ()
    alone = run(dataclasses.replace(without_alpha, duration=240.0), check=True)
    assert alone.metrics["beta.ETH-PERP.fills"] > 0


@pytest.mark.parametrize("name", ["common-holders", "common-makers", "common-keepers"])
def test_who_has_one_purse_for_two_exchanges_goes_on_with_the_other_part_of_it_where_one_is_removed(name):
    whole = dataclasses.replace(find(name), duration=12.0)
    alone = removed(whole, "alpha")
    (before,), (after,) = ([one for one in each.cast if isinstance(one, Pooled)] for each in (whole, alone))
    assert (after.exchanges, after.exchange) == (("beta",), "beta")
    deposits = []
    for scenario in (whole, alone):
        game = build(scenario)
        house = game.house("beta")
        mine = next(player.account for player in game.players if player.role.label == before.label)
        deposits.append(int(game.state.ledger.balance[house.cash, mine]))
        game.play()  # and it acts there
        release(game)
    assert deposits[0] == deposits[1] > 0


SEVERAL = [one for one in map(find, bundled()) if len(one.world.exchanges) > 1]


@pytest.mark.parametrize("scenario", SEVERAL, ids=lambda one: one.name)
def test_every_exchange_of_several_is_removed_in_a_twin_that_seats_or_is_said_to_stay(scenario):
    found, stays = twins(scenario), irremovable(scenario)
    names = {exchange.name for exchange in scenario.world.exchanges}
    assert {one.node for one in found if one.how == REMOVED} == names - stays.keys()
    nothing_left = {  # where the others trade nothing but what a bridge has brought from there
        exchange.name
        for exchange in scenario.world.exchanges
        if not any(
            market.instrument.token not in {bridge.wrapped for bridge in scenario.world.bridges}
            for other in scenario.world.exchanges
            if other != exchange
            for market in other.markets
        )
    }
    assert set(stays) == nothing_left
    for one in found:
        release(build(one.scenario))


def test_with_an_exchange_go_its_chain_its_bridges_and_whoever_needs_them():
    bridged = find("two-chains")
    alone = removed(bridged, "rollup")
    assert ([chain.name for chain in alone.world.chains], alone.world.bridges) == (["l1"], ())
    assert [role.label for role in alone.cast] == ["arbitrageur", "here"]
    far = removed(bridged, "main")
    assert ([chain.name for chain in far.world.chains], far.world.bridges) == (["l2"], ())
    (rollup,) = far.world.exchanges
    assert ([market.name for market in rollup.markets], rollup.collateral) == (["ETH-PERP"], ())  # no wrapped ETH
    assert {role.label for role in far.cast} == {"reporter", "basis", "keeper"}
    assert run(far, check=True).metrics["rollup.ETH-PERP.fills"] > 0
    why = irremovable(find("wrapped-depeg"))["main"]
    assert "\n" not in why


def test_a_bridge_fails_where_nobody_carries_for_it_and_a_feed_where_nobody_reports():
    kinds = {(one.node, one.kind) for one in twins(find("two-chains"))}
    assert {("relayer", "relayer"), ("reporter", "reporter"), ("between", "arbitrageur")} <= kinds


def test_who_trades_on_several_exchanges_goes_on_where_he_can():
    split = {role.label: role for role in removed(find("split-liquidity"), "x1").cast}
    assert split.keys() == {"a0", "split"}
    assert split["split"].also == ()
    for gone, left in (("second", "third"), ("third", "second")):
        crowd = next(role for role in removed(find("two-venues"), gone).cast if role.label == "noise")
        assert (crowd.exchange, crowd.market, crowd.routing, crowd.markets) == (left, "ETH-PERP", None, ())
    three = next(role for role in removed(find("split-pools"), "east").cast if role.label == "noise")
    assert three.markets == ("north.ETH-USD", "south.ETH-USD", "west.ETH-USD")
    assert three.routing is not None


def purses(scenario):
    """What each common role leaves out of its purse."""
    return [role.apart for role in scenario.cast if isinstance(role, Pooled)]


def test_an_isolated_exchange_keeps_everybody_and_one_purse_no_longer_answers_for_it():
    apart = isolated(HOLDERS, "beta")
    assert [role.label for role in apart.cast] == [role.label for role in HOLDERS.cast]
    assert purses(apart) == [("beta",)]
    assert isolated(apart, "beta") is None
    assert isolated(apart, "alpha") is None  # of two there is nothing left to cut
    assert isolated(SHARED, "beta") is None


def test_isolating_one_of_three_exchanges_leaves_the_purse_between_the_others_whole():
    beta = HOLDERS.world.exchanges[1]
    world = dataclasses.replace(
        HOLDERS.world, exchanges=(*HOLDERS.world.exchanges, dataclasses.replace(beta, name="gamma"))
    )
    three = dataclasses.replace(HOLDERS, world=world, duration=1_200.0)
    apart = isolated(three, "gamma")
    assert purses(apart) == [("gamma",)]
    moved = []
    for scenario in (three, apart):
        events = run(scenario).events
        rows = events.loc[events["kind"].isin(["funds", "sells to fund"]), "numbers"]
        moved.append({(one["source"], one["target"]) for one in rows})
    assert {("beta", "alpha"), ("gamma", "alpha")} <= moved[0]
    assert ("beta", "alpha") in moved[1]
    assert not any("gamma" in pair for pair in moved[1])
    assert purses(isolated(apart, "beta")) == [("gamma", "beta")]
    assert purses(removed(apart, "gamma")) == [()]
    assert purses(removed(apart, "beta")) == [("gamma",)]


@pytest.mark.parametrize("name", ["common-makers", "common-keepers"])
def test_makers_and_keepers_of_one_purse_are_isolated_and_missed_as_holders_are(name):
    scenario = find(name)
    assert purses(isolated(scenario, "alpha")) == [("alpha",)]
    assert {("maker", "maker"), ("keeper", "keeper")} & {(one.node, one.kind) for one in twins(scenario)}
    assert purses(removed(scenario, "alpha")) == [()]


def test_the_exchange_that_should_have_been_isolated_is_named(tmp_path):
    found = failures(SHARED, (1, 2), workers=1)
    by = {(one.node, one.how): one for one in found}
    assert by["alpha", ISOLATED].change.estimate.high < 0
    assert by["alpha", ISOLATED].twin.mean == 0.0
    assert headline(found) == "No single failure can be told from none at 2 seeds"  # whatever the intervals of two say
    means = [one.change.estimate.mean for one in found]
    assert means == sorted(means, reverse=True)
    rows = table(found)
    assert rows["change"].to_numpy() == pytest.approx((rows["twin"] - rows["whole"]).to_numpy())
    assert all(path.stat().st_size > 5_000 for path in figure.draw(found, tmp_path, "failures"))


def failed(node, how, changes, p):
    """One failure with given changes of bad debt by seed, 1,000 without it."""
    whole = [1_000.0] * len(changes)
    twin = [1_000.0 + change for change in changes]
    return Failure(node, "exchange", how, estimate(whole), estimate(twin), difference(twin, whole), p)


def test_the_headline_is_of_what_stands_after_correction_and_says_where_nothing_does():
    down, up = [-500.0 - k for k in range(8)], [200.0 + k for k in range(8)]
    assert (
        headline([failed("a", ISOLATED, down, 0.04), failed("b", REMOVED, up, 0.01)]) == "a should have been isolated"
    )
    assert headline([failed("a", ISOLATED, down, 0.06), failed("b", REMOVED, up, 0.01)]) == "b is missed most"
    assert headline([failed("c", MISSING, down, 0.01), failed("b", REMOVED, up, 0.2)]) == "Less bad debt without c"
    none = [failed("a", ISOLATED, down, 0.06), failed("b", REMOVED, up, 0.2)]
    assert none[0].change.estimate.high < 0  # an interval by itself would say so
    assert headline(none) == "No single failure can be told from none at 8 seeds"
    nothing = estimate([0.0] * 8)
    calm = [none[0]._replace(whole=nothing, twin=nothing, change=difference([0.0] * 8, [0.0] * 8), p=1.0)]
    assert headline(calm) == headline([]) == "Nothing is lost, whoever fails"


def test_the_command_plays_enough_seeds_for_a_failure_to_stand_among_as_many_as_scenarios_have():
    seeds = inspect.signature(contagion).parameters["seeds"].default
    assert seeds >= 8
    least = difference([1.0 + k for k in range(seeds)], [0.0] * seeds).p
    assert least * len(twins(SHARED)) < LEVEL


def test_a_fire_sale_is_greenwood_landier_and_thesmars_in_one_round():
    """Two holders: one levered 4 times in both markets, one in the second alone and not levered."""
    held = np.array([[300.0, 100.0], [0.0, 50.0]])
    direct, second = fire_sale(held, np.array([100.0, 50.0]), np.array([1_000.0, 2_000.0]), np.array([-0.05, 0.0]))
    assert direct.tolist() == [[15.0, 0.0], [0.0, 0.0]]
    sold = 4.0 * 15.0 / 400.0 * held[0]  # leverage times loss, in proportion
    assert second[0].tolist() == pytest.approx([300 * sold[0] / 1_000, 100 * sold[1] / 2_000])
    assert second[1].tolist() == pytest.approx([0.0, 50 * sold[1] / 2_000])
    _, none = fire_sale(held, np.array([100.0, 50.0]), np.array([np.inf, np.inf]), np.array([-0.05, 0.0]))
    assert none.sum() == 0.0
    _, all_of_it = fire_sale(held, np.array([0.0, 50.0]), np.array([1_000.0, 2_000.0]), np.array([-0.05, 0.0]))
    assert all_of_it[0].tolist() == pytest.approx([300 * 0.3, 100 * 0.05])


def test_only_common_holders_carry_a_fall_to_another_exchange():
    found = []
    for cast in (HOLDERS.cast, tuple(role for role in HOLDERS.cast if not isinstance(role, CommonHolder))):
        game = build(dataclasses.replace(HOLDERS, cast=cast, duration=600.0))
        game.play()
        found.append(vulnerability(game.state).set_index("market"))
        release(game)
    both, none = found
    assert both.loc["alpha.ETH-PERP", "abroad"] > 1_000
    assert none["abroad"].eq(0.0).all()
    assert both.loc["beta.BTC-PERP", "multiplier"] > 1.05


def test_a_hole_that_stands_for_one_block_between_the_ends_is_found_and_said(tmp_path):
    (before, after), due = watched(SHARED, [100, 103], (100, 103))
    assert due.block == 102
    gone = due.rows.set_index("node")["shortfall"]
    assert min(gone["looper"], gone["beta.lender"]) > 5e5  # a borrower, and those who lent to it
    assert max(cleared(one.graph)["shortfall"].sum() for one in (before, after)) < 0.05 * gone["looper"]
    rows = [due.rows.assign(moment="worst", block=due.block), cleared(after.graph).assign(moment="during", block=103)]
    pd.concat(rows).to_csv(tmp_path / "clearing.csv", index=False)
    (said,) = writing.said(tmp_path)
    assert "at the end of block 102, the worst of the stretch" in said
    assert said.index("looper") < said.index("for what they are not paid") < said.index("beta.lender")


def test_a_debt_of_a_cent_to_a_till_moves_no_rank():
    exposed = nx.DiGraph()
    exposed.add_node("till", outside=99.99)
    exposed.add_edge("debtor", "till", cash=0.01)
    exposed.add_edge("till", "left", cash=100.0)
    rows = centrality(exposed, nx.DiGraph(), {"till": 0.0, "left": 200.0, "debtor": 50.0}).set_index("node")
    assert rows.loc["till", "debtrank"] == pytest.approx(0.5 * 200 / 250)
    assert rows.loc["debtor", "debtrank"] < 1e-4


def test_exchanges_without_claims_have_a_network_and_nobody_whom_a_fall_could_force():
    bare = dataclasses.replace(find("split-pools"), duration=24.0)
    (standing,) = standings(bare, [1])
    assert standing.fragile.empty
    assert standing.sales.empty
    assert standing.wealth


def test_who_owes_all_is_central_and_a_node_that_owes_nothing_distresses_nobody():
    exposed, moved = nx.DiGraph(), nx.DiGraph()
    exposed.add_edge("hub", "left", cash=80.0)
    exposed.add_edge("hub", "right", cash=50.0)
    moved.add_edge("left", "hub", cash=1.0)
    rows = centrality(exposed, moved, {"hub": 10.0, "left": 100.0, "right": 100.0})
    assert rows["node"].iloc[0] == "hub"
    by = rows.set_index("node")
    assert by.loc["hub", "debtrank"] == pytest.approx((0.8 * 100 + 0.5 * 100) / 210)
    assert by.loc["left", "debtrank"] == 0.0
    assert by.loc["hub", "owes"] == 130.0
    assert by.loc["hub", "pagerank"] > by.loc["left", "pagerank"]
    assert (by.loc["hub", "received"], by.loc["left", "paid"]) == (1.0, 1.0)
