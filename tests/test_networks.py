"""Networks of a run add up to the ledger, and what happens in them when somebody fails is what the literature says."""

import math

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from experiments.figures import contagion_network
from experiments.networks import vulnerability
from experiments.networks.clearing import clear, cleared, eisenberg_noe
from experiments.networks.distress import debtrank, impacts, overlap, sale_impact
from experiments.networks.graphs import export, exposures, flows, matrix, node_names, overlaps, wallets
from experiments.networks.vulnerability import sales
from experiments.overrides import vary
from experiments.run import build, play, release
from experiments.scenario import find
from protocol.appraisal import token_price
from protocol.bridge import in_flight, owed, supply
from protocol.ledger import WORLD
from protocol.oracles.base import read_mark


@pytest.fixture(scope="module")
def crash():
    """A leveraged crash, its record, and its state at the worst moment."""
    scenario = vary(find("leveraged-crash"), "duration", 3_600.0)
    game, kept = build(scenario), []
    record = play(game, scenario, watch=lambda state: kept.append(state.save()) if state.height in (100, 600) else None)
    return record, kept


def test_what_a_node_is_owed_less_what_it_owes_is_its_equity_on_the_exchange(crash):
    _, (state, *_) = crash
    graph = exposures(state)
    house = state.houses[0]
    net = {n: graph.in_degree(n, weight="cash") - graph.out_degree(n, weight="cash") for n in graph}
    traders = state.ledger.group == state.ledger.groups.index("leveraged")
    worth = state.exchange(house).margin.standings(state, house, 1)[0]
    assert net["leveraged"] == pytest.approx(worth[traders].sum(), rel=1e-9)
    assert net["leveraged"] != 0.0
    assert sum(net.values()) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("name", ["oracle-push", "lending-run", "options-vault", "maker-book", "synthetic-peg"])
def test_exposures_of_every_kind_of_exchange_net_to_nothing_and_have_no_loops(name):
    scenario = vary(find(name), "duration", 300.0)
    game = build(scenario)
    game.play()
    graph = exposures(game.state)
    release(game)
    assert graph.number_of_edges() > 0
    assert all(data["cash"] > 0 for *_, data in graph.edges(data=True))
    assert not any(graph.has_edge(b, a) for a, b in graph.edges)
    assert nx.number_of_selfloops(graph) == 0


def test_wallets_count_every_token_once(crash):
    _, (state, *_) = crash
    house = state.houses[0]
    cash = -state.ledger.balance[house.token, WORLD] / house.cash_scale
    assert sum(wallets(state).values()) >= cash * (1 - 1e-12)


def test_flows_are_what_the_record_says_netted(crash):
    record, _ = crash
    graph = flows(record.flows)
    pair = ("leveraged", "treasury")
    rows = record.flows
    there = rows[(rows["source"] == pair[0]) & (rows["target"] == pair[1])]["cash"].sum()
    back = rows[(rows["source"] == pair[1]) & (rows["target"] == pair[0])]["cash"].sum()
    assert graph.edges[pair]["cash"] == pytest.approx(there - back)
    assert "fee" in graph.edges[pair]["reasons"]
    late = flows(rows, first=500)
    assert late.edges[pair]["cash"] < graph.edges[pair]["cash"]


def test_overlaps_hold_every_position_and_its_side(crash):
    _, (state, *_) = crash
    graph = overlaps(state)
    listing = state.markets[0]
    held = sum(d["cash"] for *_, d in graph.edges(data=True) if d["side"] == "long")
    short = sum(d["cash"] for *_, d in graph.edges(data=True) if d["side"] == "short")
    assert held == pytest.approx(short)
    assert graph.nodes[listing.path]["kind"] == "market"


def test_a_graph_is_written_with_its_unit_and_read_back(crash, tmp_path):
    _, (state, *_) = crash
    graph = exposures(state)
    export(graph, tmp_path / "net.graphml")
    back = nx.read_graphml(tmp_path / "net.graphml")
    assert set(back.edges) == set(graph.edges)
    assert back.graph["unit"] == "cash coins"
    assert {data["unit"] for *_, data in back.edges(data=True)} == {"cash coins"}


def test_only_what_nothing_stands_behind_falls_short_and_a_hole_spreads_to_creditors(crash):
    _, (state, *_) = crash
    graph = exposures(state)
    calm = clear(graph)
    assert {name for name, one in calm.items() if one["round"] == 1} <= {"dex.venue", "dex.clearing", "leveraged"}
    hole = clear(graph, lost={"dex.custody": 0.5 * graph.nodes["dex.custody"]["outside"]})
    assert hole["dex.custody"]["shortfall"] > calm["dex.custody"]["shortfall"]
    assert hole["dex.custody"]["paid"] < hole["dex.custody"]["owed"]


def test_what_falls_short_stands_in_a_table_the_worst_first(crash):
    _, (state, *_) = crash
    graph, rows = exposures(state), cleared(exposures(state))
    assert set(rows["node"]) == {name for name in graph if graph.out_degree(name)}
    assert rows["shortfall"].is_monotonic_decreasing
    assert rows["shortfall"].to_numpy() == pytest.approx((rows["owed"] - rows["paid"]).to_numpy())
    assert rows["shortfall"].sum() == pytest.approx(sum(one["shortfall"] for one in clear(graph).values()))


def test_whoever_closes_one_side_takes_from_that_side_of_others_by_depth_and_never_more_than_half(crash):
    _, (_, state) = crash
    listing, rows = state.markets[0], sales(state)
    held = {}
    for account, name in enumerate(node_names(state)):
        if account != WORLD and state.ledger.exchange[account] < 0:
            worth = float(state.ledger.balance[listing.size, account]) * read_mark(state, listing).value
            side = "long" if worth > 0 else "short"
            held[name, side] = held.get((name, side), 0.0) + abs(worth) / listing.size_scale
    depth = state.market(listing).venue.depth_within(state, listing, 0.01) / math.log1p(0.01)
    pairs = {
        (a, side, b): sold * held[b, side] / depth
        for (a, side), sold in held.items()
        for b in {name for name, _ in held} - {a}
        if sold * held.get((b, side), 0.0) >= depth
    }
    assert {("leveraged", "long", "fundamental"), ("leveraged", "short", "fundamental")} & pairs.keys()
    assert {(one.seller, one.side, one.holder): one.overlap for one in rows.itertuples()} == pytest.approx(pairs)
    for one in rows.itertuples():
        assert 0.0 < one.bounded <= min(one.overlap, 0.5 * held[one.holder, one.side])


def test_a_crowd_long_and_short_in_equal_parts_takes_from_both_sides_of_another(monkeypatch):
    """Netted within a group it would hold nothing, and take from nobody."""
    held = np.array([[60.0], [-60.0], [50.0], [-80.0]])
    monkeypatch.setattr(
        vulnerability, "_books", lambda state, move: vulnerability.Books([None], held, np.array([10.0]))
    )
    monkeypatch.setattr(vulnerability, "node_names", lambda state: ["crowd", "crowd", "left", "right"])
    found = {(one.seller, one.side, one.holder): one.overlap for one in sales(None).itertuples()}
    assert found == pytest.approx(
        {
            ("crowd", "long", "left"): 300.0,
            ("left", "long", "crowd"): 300.0,
            ("crowd", "short", "right"): 480.0,
            ("right", "short", "crowd"): 480.0,
        }
    )


def test_a_bridge_owes_whoever_holds_what_stands_for_its_token_and_a_hole_in_it_reaches_lenders():
    scenario = vary(find("wrapped-depeg"), "duration", 240.0)
    game = build(scenario)
    game.play()
    state, (span,) = game.state, game.state.spans
    graph = exposures(state)
    release(game)
    coin = token_price(state, state.houses[0], span.token).value / span.scale
    debts = sum(cash for *_, cash in graph.out_edges("bridge", data="cash"))
    assert in_flight(state, span) + supply(state, span) > 0
    assert debts == pytest.approx(owed(state, span) * coin)
    assert graph.nodes["bridge"]["outside"] == pytest.approx(debts)  # nothing has been forgotten yet
    assert graph.edges["bridge", "rollup.custody"]["cash"] > 1e5
    everything = sum(nx.get_node_attributes(graph, "outside").values())
    tokens = {state.houses[0].token: 1.0 / state.houses[0].cash_scale, span.token: coin}
    assert everything == pytest.approx(sum(-state.ledger.balance[row, WORLD] * one for row, one in tokens.items()))
    assert clear(graph)["rollup.custody"]["shortfall"] < 1e4
    hole = clear(graph, lost={"bridge": 0.9 * debts})
    assert hole["bridge"]["round"] == 1
    assert hole["rollup.custody"]["shortfall"] > 1e5
    assert hole["rollup.lender"]["shortfall"] > 1e4


nets = st.integers(2, 6).flatmap(
    lambda n: st.tuples(
        st.lists(st.lists(st.floats(0, 10), min_size=n, max_size=n), min_size=n, max_size=n),
        st.lists(st.floats(0, 10), min_size=n, max_size=n),
    )
)


@given(nets)
@settings(max_examples=60, deadline=None)
def test_the_clearing_vector_is_the_solution_of_the_linear_program(net):
    """Eisenberg and Noe 2001, lemma 4: the greatest clearing vector maximises what is paid in all."""
    debts, outside = np.array(net[0]), np.array(net[1])
    np.fill_diagonal(debts, 0.0)
    found = eisenberg_noe(debts, outside)
    owed = debts.sum(axis=1)
    shares = np.divide(debts, owed[:, None], out=np.zeros_like(debts), where=owed[:, None] > 0)
    best = linprog(-np.ones(len(owed)), A_ub=np.eye(len(owed)) - shares.T, b_ub=outside, bounds=[(0, o) for o in owed])
    assert found.paid.sum() == pytest.approx(-best.fun, abs=1e-6)
    assert np.all(found.paid <= owed + 1e-9)
    assert np.all(found.paid <= outside + shares.T @ found.paid + 1e-6)


def test_who_would_fail_alone_fails_in_the_first_round_and_others_later():
    debts = np.array([[0, 10, 0], [0, 0, 8], [0, 0, 0]], float)
    found = eisenberg_noe(debts, np.array([1.0, 3.0, 0.0]))
    assert found.rounds.tolist() == [1, 2, 0]
    assert found.paid.tolist() == pytest.approx([1.0, 4.0, 0.0])
    with pytest.raises(ValueError, match="must be 0 or more"):
        eisenberg_noe(-debts, np.ones(3))


def test_distress_is_passed_on_once_and_never_beyond_all_that_there_is():
    ring = np.array([[0, 0.9, 0], [0, 0, 0.9], [0.9, 0, 0]])
    total, distress = debtrank(ring, np.array([1.0, 0.0, 0.0]))
    assert distress.tolist() == pytest.approx([1.0, 0.9, 0.81])
    assert total == pytest.approx(1.71 / 3)


def test_a_failure_takes_no_more_of_a_creditor_than_all_and_nothing_of_who_is_owed_nothing():
    found = impacts(np.array([[0.0, 50.0], [0.0, 0.0]]), np.array([10.0, 25.0]))
    assert found.tolist() == [[0.0, 1.0], [0.0, 0.0]]


def test_a_till_passes_on_what_it_loses_of_what_it_is_owed_and_no_more():
    """Battiston's share of equity would be 1 of any debt to who has none."""
    debts = np.array([[0.0, 0.01, 0.0], [0.0, 0.0, 100.0], [0.0, 0.0, 0.0]])
    found = impacts(debts, np.array([5.0, 0.0, 400.0]), np.array([5.0, 99.99, 300.0]))
    assert found[0, 1] == pytest.approx(1e-4)
    assert found[1, 2] == pytest.approx(0.25)
    _, distress = debtrank(found, np.array([1.0, 0.0, 0.0]))
    assert distress.tolist() == pytest.approx([1.0, 1e-4, 0.01 / 400])  # the cent, and nothing beyond it
    assert impacts(debts, np.array([5.0, 20.0, 400.0]))[0, 1] == pytest.approx(
        0.01 / 20
    )  # of its equity where it has some


def test_overlap_is_what_one_loses_when_the_other_sells():
    books = np.array([[100.0, 0.0], [50.0, 200.0]])
    depth = np.array([1_000.0, 4_000.0])
    assert overlap(books, depth)[0, 1] == pytest.approx(100 * 50 / 1_000)
    assert overlap(books, depth)[1, 1] == pytest.approx(50**2 / 1_000 + 200**2 / 4_000)


def test_a_fire_sale_moves_prices_by_slope_at_first_and_never_below_the_floor():
    depth = np.array([1e6])
    assert sale_impact(np.array([1.0]), depth)[0] == pytest.approx(1e-6, rel=1e-5)
    assert sale_impact(np.array([1e12]), depth, floor=0.3)[0] == pytest.approx(0.7)


def test_the_matrix_of_a_graph_is_by_debtor_and_creditor():
    graph = nx.DiGraph()
    graph.add_edge("b", "a", cash=5.0)
    names, amounts = matrix(graph)
    assert names == ["a", "b"]
    assert amounts.tolist() == [[0.0, 0.0], [5.0, 0.0]]


def test_of_a_network_whoever_moved_and_lost_nothing_is_left_out_and_arrows_lie_over_discs(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(contagion_network, "save", lambda figure, *_: drawn.append(figure) or [])
    moved = nx.DiGraph()
    moved.add_weighted_edges_from([("till", "robber", 2.0e6), ("idle", "till", 100.0)], weight="cash")
    change = {"lender": -1.0e6, "robber": 9.9e5, "rich": 0.0, "idle": -50.0}
    contagion_network.draw([contagion_network.Panel("During", moved, change)], tmp_path, "network")
    ((axis,),) = (figure.axes for figure in drawn)
    told = {text.get_text().split("\n")[0].split("  ")[0] for text in axis.texts}
    assert told == {"till", "robber", "lender", "2.00M"}
    assert min(arrow.get_zorder() for arrow in axis.patches) > max(disc.get_zorder() for disc in axis.collections)
    (arrow,) = axis.patches
    assert arrow.get_arrowstyle().tail_width == contagion_network.WIDEST
    plt.close(drawn[0])


def test_around_the_ring_large_nodes_stand_apart():
    """By name they would be neighbours, and lie over each other."""
    names = [f"{size}{k}" for size in ("large", "small") for k in range(5)]
    sizes = {name: float(name.startswith("large")) for name in names}
    place = contagion_network._places(names, sizes, [("large0", "small0", 1.0)])
    ring = sorted(names, key=lambda name: np.arctan2(*place[name]))
    assert not any(sizes[a] and sizes[b] for a, b in zip(ring, ring[1:] + ring[:1], strict=True))


@pytest.mark.parametrize(
    ("cash", "told"), [(2_516_178, "2.52M"), (-416_893, "-417k"), (999_600, "1.00M"), (0.5, "0.5")]
)
def test_an_amount_in_a_figure_has_three_digits(cash, told):
    assert contagion_network.short(cash) == told
