"""Games with known answers are solved, games built in the simulator are recovered, and a better answer is found and added."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from experiments.axes.base import Bound
from experiments.codec import Mistakes
from experiments.equilibrium.games import Gain, Game, Part, Strategy, estimate
from experiments.equilibrium.responding import respond
from experiments.equilibrium.solving import equilibria, profiles, regret, regrets, symmetric
from experiments.scenario import find
from experiments.validation.hawk_dove import DUEL, WORLD, C, V, part

HAWK_DOVE = np.array([[(V - C) / 2, V], [0, V / 2]])  # [mine, other's]


def known(*payoffs, seeds=2):
    """A game with these mean payoffs, one tensor a part, and no noise."""
    tensor = np.repeat(np.stack(payoffs).astype(float)[..., None], seeds, axis=-1)
    sizes = tensor.shape[1:-1]
    parts = tuple(
        Part(f"p{i}", tuple(Strategy(f"s{j}") for j in range(n)), Gain((f"p{i}",))) for i, n in enumerate(sizes)
    )
    return Game(parts, tuple(range(seeds)), tensor)


def test_hawk_dove_has_two_pure_equilibria_and_hawks_at_v_over_c():
    found = equilibria(known(HAWK_DOVE, HAWK_DOVE.T))
    mixed = [one.mix for one in found if 0.01 < one.mix[0][0] < 0.99]
    assert len(found) == 3
    assert np.allclose(mixed, [[[0.4, 0.6], [0.4, 0.6]]])
    assert all(one.regret.mean == pytest.approx(0.0, abs=1e-12) for one in found)


def test_replicator_dynamics_of_hawk_dove_end_at_v_over_c_from_anywhere():
    for start in (0.05, 0.9):
        assert symmetric(HAWK_DOVE, np.array([start, 1 - start]), 200.0)[-1, 0] == pytest.approx(0.4, abs=1e-4)


def test_rock_paper_scissors_keeps_its_product_and_its_centre():
    game = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], float)
    path = symmetric(game, np.array([0.5, 0.3, 0.2]), 50.0)
    assert np.allclose(path.prod(axis=1), 0.03, rtol=1e-3)
    assert np.allclose(symmetric(game, np.full(3, 1 / 3), 50.0)[-1], 1 / 3)
    assert np.allclose(equilibria(known(game, game.T))[0].mix, 1 / 3)


def test_a_dominant_strategy_spreads_along_the_logistic_curve():
    advantage = 0.7
    game = np.array([[advantage, advantage], [0.0, 0.0]])
    path = symmetric(game, np.array([0.1, 0.9]), 10.0)[:, 0]
    times = np.linspace(0, 10, len(path))  # payoffs are scaled to a range of 1, so the rate is 1
    assert np.allclose(path, 1 / (1 + 9 * np.exp(-times)), atol=1e-5)


def test_three_parts_come_to_rest_where_nobody_would_change():
    dominant = np.zeros((2, 2, 2))
    dominant[0] = 1.0
    found = equilibria(known(dominant, dominant.transpose(1, 0, 2), dominant.transpose(1, 2, 0)))[0]
    assert found.regret.mean == pytest.approx(0.0, abs=1e-6)
    assert all(mix[0] > 0.999 for mix in found.mix)


def test_regret_of_an_estimated_equilibrium_falls_as_the_root_of_the_samples():
    """A11: 100 times the samples, about a tenth of the regret in the true game."""
    truth = np.array([[3.0, 0.0], [0.0, 1.0]])
    dice = np.random.default_rng(5)
    means = []
    for samples in (4, 400):
        lost = []
        for _ in range(150):
            noise = dice.normal(0.0, 1.0, (2, 2, 2)) / np.sqrt(samples)
            found = profiles(np.stack([truth, 1.0 - truth]) + noise)[0]
            lost.append(regrets(np.stack([truth, 1.0 - truth]), found).max())
        means.append(np.mean(lost))
    assert 6.0 < means[0] / means[1] < 16.0


def test_regret_has_an_interval_that_holds_noise():
    noisy = known(HAWK_DOVE, HAWK_DOVE.T, seeds=12)
    shaken = noisy.payoffs + np.random.default_rng(1).normal(0.0, 0.5, noisy.payoffs.shape)
    mix = (np.array([0.4, 0.6]), np.array([0.4, 0.6]))
    found = regret(dataclasses.replace(noisy, payoffs=shaken), mix)
    assert 0.0 <= found.low < found.high
    assert regret(noisy, (np.array([1.0, 0.0]), np.array([1.0, 0.0]))).mean == pytest.approx(1.5)


def test_a_game_built_in_the_simulator_is_recovered_within_two_standard_errors_and_solved():
    found = estimate(DUEL, (part("row"), part("column")), range(1, 9), workers=1)
    meetings = DUEL.duration / WORLD.chains[0].blocks.interval
    mean, error = found.mean[0] / meetings, found.error[0] / meetings
    assert np.all(
        np.abs(mean - HAWK_DOVE) <= 2.5 * error + 0.02
    )  # gas and the last, unmet contest are in the second term
    mixed = [one.mix[0][0] for one in equilibria(found) if 0.01 < one.mix[0][0] < 0.99]
    assert mixed == [pytest.approx(0.4, abs=0.08)]


def test_what_is_known_is_not_played_again(monkeypatch):
    parts = (part("row"), part("column"))
    short = dataclasses.replace(DUEL, duration=60.0)
    first = estimate(short, parts, (1, 2), workers=1)
    import experiments.equilibrium.games as games

    monkeypatch.setattr(games, "spread", lambda *_, **__: pytest.fail("played again"))
    again = estimate(short, parts, (1, 2), known=first, workers=1)
    assert np.array_equal(first.payoffs, again.payoffs)
    assert first.digests == again.digests


def test_iterated_best_response_finds_what_beats_a_dove_and_stops_when_nothing_does():
    doves = tuple(
        Part(name, (Strategy("dove", {f"cast.{name}.hawk": 0.0}),), Gain((name,))) for name in ("row", "column")
    )
    spaces = {"row": (Bound("cast.row.hawk", 0.0, 1.0),)}
    short = dataclasses.replace(DUEL, duration=300.0)
    told = respond(short, doves, spaces, (1, 2, 3, 4), searching=(11, 12), trials=10, rounds=3, workers=1)
    assert told[0].added == ("row-1",)
    assert told[0].gains["row"].low > 0
    assert told[-1].added == ()
    fierce = told[-1].game.parts[0].strategies[1].changes["cast.row.hawk"]
    assert fierce > 0.8


def test_senseless_games_are_refused_by_name():
    with pytest.raises(Mistakes, match="called 'dove' twice"):
        Part("row", (Strategy("dove"), Strategy("dove")), Gain(("row",)))
    with pytest.raises(Mistakes, match="at least two are needed"):
        estimate(DUEL, (part("row"),), (1,))
    with pytest.raises(Mistakes, match="other seeds"):
        respond(DUEL, (part("row"),), {}, (1, 2), searching=(2, 3))
    with pytest.raises(Mistakes, match="no such"):
        estimate(DUEL, (Part("row", (Strategy("x", {"cast.row.hawks": 1.0}),), Gain(("row",))),), (1, 2), workers=1)


def test_providers_attackers_and_governance_are_parts_and_come_to_rest_where_each_answers_the_others():
    """A picker of reports lives on a vault. Governance lets no report be older than a block, providers hold back, he goes on."""
    base = dataclasses.replace(find("picked-pull"), duration=600.0)
    providers = (Strategy("all in"), Strategy("a twentieth", {"cast.provider.share": 0.05}))
    picker = (Strategy("stays home", {"cast.picker.least_profit": 1e12}), Strategy("picks"))
    rules = (Strategy("a minute"), Strategy("a block", {"exchange.markets.ETH-PERP.oracle.max_age": 6.0}))
    parts = (
        Part("providers", providers, Gain(("provider",))),
        Part("picker", picker, Gain(("picker",))),
        Part("governance", rules, Gain(("founders", "provider", "insurance", "treasury"))),
    )
    game = estimate(base, parts, (1, 2), workers=1)
    pay = game.payoffs  # [part, providers, picker, rules, seed]
    assert (pay[1, :, 1] > 0).all() and (pay[1, :, 0] == 0).all()
    assert (pay[0, 0, 1] < pay[0, 1, 1]).all() and (pay[0, 1, 1] < 0).all()
    found = equilibria(game)[0]
    assert [one.argmax() for one in found.mix] == [1, 1, 1] and found.regret.high == 0.0


def test_a_maker_is_a_part_and_answers_takers_who_do_not_mind_by_quoting_wide():
    base = dataclasses.replace(find("maker-book"), duration=600.0)
    maker = Part("maker", (Strategy("usual"), Strategy("wide", {"cast.maker.risk": 1.0})), Gain(("maker",)))
    game = estimate(base, (maker,), (1, 2, 3), workers=1)
    assert (game.payoffs[0, 1] > game.payoffs[0, 0]).all()
    assert equilibria(game)[0].mix[0].tolist() == [0.0, 1.0]


def test_the_designer_s_figure_names_the_windows_that_intervals_do_not_tell_from_what_is_played():
    from experiments.figures.oracle_designer import _title

    rows = [
        ("60 s", 60.0, "usual", -9.0, -7.0),
        ("480 s", 480.0, "usual", -3.0, 1.0),
        ("1920 s", 1920.0, "usual", -2.0, 2.0),
    ]
    rows += [(name, window, "stays home", -2.0, 2.0) for name, window, *_ in rows]
    payoffs = pd.DataFrame(rows, columns=["designer", "window", "attacker", "designer_low", "designer_high"])
    chosen = pd.DataFrame({"strategy": ["1920 s"], "chance": [1.0]})
    assert _title(payoffs, chosen) == "Played: 32 min; not told from 8 min"
    payoffs.loc[1, "designer_high"] = -2.5
    assert _title(payoffs, chosen) == "Played: 32 min"
