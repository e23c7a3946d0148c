"""Estimators first pass on processes whose answer is known; only then are they asked about markets."""

import dataclasses
import pathlib

import numpy as np
import pandas as pd
import pytest

from experiments.realism import calibration, facts, market, recorded
from experiments.run import run
from experiments.scenario import find
from experiments.studies import assumptions, realism
from experiments.validation.base import Missing
from experiments.validation.base import recorded as file_of

RNG = np.random.default_rng(7)
LONG = 400_000


def test_the_tail_exponent_of_a_pareto_law_is_its_own():
    assert facts.hill(RNG.random(LONG) ** (-1.0 / 2.5)) == pytest.approx(2.5, rel=0.02)


def test_the_tail_exponent_of_student_three_is_three_far_enough_out():
    sizes = np.abs(RNG.standard_t(3, LONG))
    assert facts.hill(sizes, share=0.002) == pytest.approx(3.0, rel=0.06)
    assert facts.hill(sizes) < 3.0, "at the usual twentieth it reads low"


def garch(a: float, b: float, n: int = LONG) -> np.ndarray:
    """GARCH(1, 1) with unit variance."""
    normal, out, variance = RNG.standard_normal(n), np.empty(n), 1.0
    for t in range(n):
        out[t] = np.sqrt(variance) * normal[t]
        variance = 1.0 - a - b + a * out[t] ** 2 + b * variance
    return out


def test_garch_has_the_kurtosis_and_the_memory_of_squares_that_bollerslev_derives():
    """Bollerslev 1986, "Generalized autoregressive conditional heteroskedasticity", J. Econometrics 31, sections 2 and 4."""
    a, b = 0.1, 0.8
    returns = garch(a, b)
    assert facts.excess_kurtosis(returns) == pytest.approx(6 * a**2 / (1 - b**2 - 2 * a * b - 3 * a**2), rel=0.1)
    expected = a * (1 - a * b - b**2) / (1 - 2 * a * b - b**2)
    assert facts.autocorrelation(returns**2, 1) == pytest.approx(expected, rel=0.06)
    assert facts.autocorrelation(returns**2, 5) == pytest.approx(expected * (a + b) ** 4, rel=0.1)
    assert abs(facts.autocorrelation(returns, 1)) < 0.01


def test_independent_normal_returns_have_no_stylised_fact():
    found = facts.of(RNG.standard_normal(LONG), RNG.random(LONG))
    assert found["excess kurtosis"] == pytest.approx(0.0, abs=0.05)
    assert found["skewness"] == pytest.approx(0.0, abs=0.02)
    assert found["volume with size"] == pytest.approx(0.0, abs=0.01)
    assert all(abs(found[name]) < 0.01 for name in found if "memory" in name)
    assert found["mean size, bp"] == pytest.approx(1e4 * np.sqrt(2 / np.pi), rel=0.01)


def test_tails_of_sums_thin_out_as_the_central_limit_says():
    """Excess kurtosis of a sum of n independent returns is that of one over n."""
    returns = RNG.standard_t(9, 4 * LONG)  # excess 6 / (9 - 4)
    assert facts.excess_kurtosis(returns) == pytest.approx(1.2, rel=0.1)
    assert facts.excess_kurtosis(facts.added(returns, 4)) == pytest.approx(0.3, rel=0.2)


def test_an_autoregression_remembers_by_powers():
    series, normal = np.empty(LONG), RNG.standard_normal(LONG)
    series[0] = 0.0
    for t in range(1, LONG):
        series[t] = 0.6 * series[t - 1] + normal[t]
    assert facts.autocorrelation(series, 1) == pytest.approx(0.6, abs=0.01)
    assert facts.memory(series, 5) == pytest.approx(np.mean([0.6**4, 0.6**5, 0.6**6]), abs=0.01)


def test_the_error_of_a_mean_is_that_of_independent_draws_where_they_are():
    off = facts.errors(RNG.standard_normal(2_000), block=20)
    assert off["mean size, bp"] == pytest.approx(1e4 * np.sqrt((1 - 2 / np.pi) / 2_000), rel=0.15)


def test_what_never_moves_has_no_facts_rather_than_wrong_ones():
    found = facts.of(np.zeros(500))
    assert np.isnan(found["tail exponent"])
    assert np.isnan(found["return memory, 1 bar"])


@pytest.mark.parametrize("name", recorded.FACTS)
def test_what_was_typed_in_is_what_the_files_say(name):
    try:
        file = file_of("data", f"{name}.csv")
    except Missing as missing:
        pytest.skip(str(missing))
    for fact, (value, error) in recorded.measured(file).items():
        assert recorded.FACTS[name][fact] == pytest.approx((value, error), rel=6e-3, abs=1e-9), fact


def test_the_distance_is_nought_at_the_target_and_no_fact_counts_beyond_the_farthest():
    here = {name: value for name, (value, _) in recorded.FACTS[recorded.TARGET].items()}
    assert calibration.distance(here) == 0.0
    far = here | {"tail exponent": 1e6}
    assert calibration.distance(far) == calibration.FARTHEST**2
    assert calibration.coverage([here, far], "tail exponent") == 0.5


def test_a_candidate_is_put_where_its_bound_says():
    scenario = find("crowd-market")
    own = calibration.own(scenario)
    assert calibration.changed(scenario, own) == scenario
    moved = calibration.changed(scenario, own | {"depth": 3e8})
    assert moved.world.exchanges[0].markets[0].venue.liquidity == 3e8


def test_a_simulated_market_yields_bars_and_the_impact_of_large_orders():
    short = dataclasses.replace(find("crowd-market"), duration=2 * 86_400.0)
    returns, volumes = market.bars(run(short))
    assert len(returns) == len(volumes) == 47
    assert (volumes > 0).all()
    table = market.impact(short, (1e5, 4e5), seed=1)
    assert set(table["size"]) == {1e5, 4e5}
    assert table.groupby("size")["moved"].mean().is_monotonic_increasing


def test_the_exponent_of_a_known_impact_is_its_own():
    sizes = np.repeat([1e4, 1e5, 1e6], 4)
    assert market.exponent(pd.DataFrame({"size": sizes, "moved": 1e-3 * sizes**0.5})) == pytest.approx(0.5)
    assert np.isnan(market.exponent(pd.DataFrame({"size": [1.0, 2.0], "moved": [-1.0, 1.0]})))


FIGURES = pathlib.Path(__file__).parents[1] / "docs" / "figures"


def test_the_table_beside_the_figure_is_what_its_runs_come_to_now(tmp_path):
    told = realism.report(pd.read_csv(FIGURES / "realism-runs.csv"), tmp_path)
    here, there = (pd.read_csv(folder / "realism.csv") for folder in (tmp_path, FIGURES))
    pd.testing.assert_frame_equal(here, there)
    assert "45 runs, seeds 101 to 110" in told


def test_every_assumption_that_is_varied_is_a_parameter_and_is_read_against_its_own_seeds(tmp_path):
    points = assumptions.points(range(1, 4))
    for point in points[::3]:
        changed = assumptions.scenario(point)
        assert (changed == dataclasses.replace(find(point.scenario), seed=point.seed)) == (point.knob < 0)
    rows = [
        point._asdict() | {"value": 1e3 * point.seed + (0 if point.knob < 0 else point.knob), "digest": "d"}
        for point in points
    ]
    table = assumptions.summary(pd.DataFrame(rows).sample(frac=1.0, random_state=1))
    for name, knobs in assumptions.KNOBS.items():
        some = table[table["scenario"] == name]
        places = [float(place) for place in range(len(knobs)) for _ in range(2)]
        for column in ("change", "change_low", "change_high"):  # paired by seed, there is no width
            assert some[column].tolist() == places
