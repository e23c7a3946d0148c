"""Fair belongs to nature: reproducible, a martingale without drift, and exactly the record when it is replayed."""

import csv
import importlib
import math
import os
import pkgutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import agents.nature
from agents.nature.base import Nature, factor, poisson
from agents.nature.double_exponential import DoubleExponential
from agents.nature.garch import Garch
from agents.nature.gbm import GeometricBrownian
from agents.nature.hawkes import HawkesJumps
from agents.nature.jumps import JumpDiffusion
from agents.nature.klines import load
from agents.nature.replay import Replay
from agents.streams import Streams
from protocol.units import SECONDS_PER_DAY, SECONDS_PER_YEAR

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
STREAMS = Streams(5)
MODELS = [GeometricBrownian, JumpDiffusion, Garch, HawkesJumps, DoubleExponential]
JUMPING = (JumpDiffusion, HawkesJumps, DoubleExponential)
HOUR = 3600.0
HEADER = "open_time,open,high,low,close,volume"


def returns(nature, ticks, streams=STREAMS):
    return np.diff(np.log(nature.path(streams, ticks)), axis=0)


def write(folder, lines, name="klines.csv"):
    file = folder / name
    file.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return str(file)


def brownian_bars(folder, bars=48, name="klines.csv", seconds=60, first=1_700_000_000_000, asset="ETH"):
    """Bars of a Brownian path with 240 steps a bar."""
    logs = np.cumsum(0.0002 * STREAMS.normals(f"record.{asset}", bars * 240, 1)).reshape(bars, 240)
    prices = np.round(2000.0 * np.exp(logs), 2)
    columns = zip(prices[:, 0], prices.max(1), prices.min(1), prices[:, -1], strict=True)
    return write(
        folder, [f"{first + 1000 * seconds * i},{o},{h},{lo},{c},1" for i, (o, h, lo, c) in enumerate(columns)], name
    )


# Every variant


def test_every_variant_is_found_by_walking_the_package_and_needs_no_arguments():
    modules = [importlib.import_module(f"agents.nature.{m.name}") for m in pkgutil.iter_modules(agents.nature.__path__)]
    found = {c for m in modules for c in vars(m).values() if isinstance(c, type) and issubclass(c, Nature)} - {Nature}

    assert found == {*MODELS, Replay}
    for variant in found:
        assert variant() == variant()


@pytest.mark.parametrize("variant", MODELS)
def test_a_path_starts_at_start_and_is_the_same_twice_and_positive(variant):
    nature = variant(assets=("ETH", "BTC"), start=(2000.0, 60_000.0), tick=12.0)
    path = nature.path(STREAMS, 500)

    assert path.shape == (501, 2) and path.dtype == np.float64
    assert path[0].tolist() == [2000.0, 60_000.0]
    assert (path == nature.path(Streams(5), 500)).all()
    assert (path[1:] != nature.path(Streams(6), 500)[1:]).all()
    assert (path > 0).all()
    assert nature.path(STREAMS, 0).tolist() == [[2000.0, 60_000.0]]


@pytest.mark.parametrize("variant", MODELS)
def test_a_longer_run_begins_with_the_shorter_one(variant):
    nature = variant(assets=("ETH", "BTC"), start=(1.0, 2.0), correlation=0.7)

    assert (nature.path(STREAMS, 700)[:301] == nature.path(STREAMS, 300)).all()


@pytest.mark.parametrize("variant", MODELS)
def test_adding_an_asset_moves_nobodys_path(variant):
    alone = variant(tick=HOUR).path(STREAMS, 400)
    company = variant(assets=("ETH", "BTC"), start=(2000.0, 9.0), tick=HOUR, correlation=0.5).path(STREAMS, 400)

    assert (company[:, :1] == alone).all()


@pytest.mark.parametrize("variant", MODELS)
def test_expected_growth_is_the_drift_jumps_and_clusters_included(variant):
    assets = tuple(f"A{i}" for i in range(50))  # independent, so that each is one more sample
    for drift in (0.0, 3.0):
        nature = variant(assets=assets, start=(1.0,) * 50, tick=HOUR, drift=(drift,))
        final = np.concatenate([nature.path(Streams(seed), 120)[-1] for seed in range(40)])

        expected = math.exp(drift * 120 * HOUR / SECONDS_PER_YEAR)
        assert abs(final.mean() - expected) < 4 * final.std() / math.sqrt(2000)


@pytest.mark.parametrize("variant", MODELS)
def test_correlation_is_the_one_asked_for(variant):
    rows = ((1.0, 0.8, -0.2), (0.8, 1.0, 0.1), (-0.2, 0.1, 1.0))
    quiet = {"intensity": (0.0,)} if variant in JUMPING else {}
    nature = variant(assets=("A", "B", "C"), start=(1.0,) * 3, correlation=rows, **quiet)

    assert np.corrcoef(returns(nature, 20_000).T) == pytest.approx(np.array(rows), abs=0.03)


@pytest.mark.parametrize("variant", MODELS)
def test_a_hundred_thousand_ticks_take_less_than_a_tenth_of_a_second(variant):
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
        pytest.skip("loops are not compiled")
    nature = variant()
    nature.path(STREAMS, 10)

    times = []
    for _ in range(3):
        begun = time.perf_counter()
        nature.path(STREAMS, 100_000)
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.1


PATHS = """
from dataclasses import replace
from agents.nature import double_exponential, garch, gbm, hawkes, jumps, replay
from agents.streams import Streams
kou = double_exponential.DoubleExponential
for variant in (gbm.GeometricBrownian, jumps.JumpDiffusion, garch.Garch, hawkes.HawkesJumps, kou):
    nature = variant(assets=("ETH", "BTC"), start=(2000.0, 3.0), tick=3600.0, correlation=0.4)
    print(*(price.hex() for price in nature.path(Streams(5), 200).ravel().tolist()))
print(*(price.hex() for price in replay.Replay(files=(FILE,)).path(Streams(5), 400).ravel().tolist()))
"""


def test_compiled_and_plain_code_give_the_same_paths_without_a_warning(tmp_path):
    source = PATHS.replace("FILE", repr(brownian_bars(tmp_path)))

    def run(disable_jit):
        environment = {**os.environ, "NUMBA_DISABLE_JIT": disable_jit}
        command = [sys.executable, "-W", "error", "-c", source]
        return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout

    assert run("0") == run("1")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"assets": ()}, "assets="),
        ({"assets": ("A.B",)}, "assets="),
        ({"assets": ("A", "A"), "start": (1.0, 1.0)}, "assets="),
        ({"start": (1.0, 2.0)}, "start="),
        ({"start": (0.0,)}, "start="),
        ({"tick": 0.0}, "tick="),
        ({"volatility": (-0.1,)}, "volatility="),
        ({"volatility": (0.1, 0.2)}, "volatility="),
        ({"drift": (math.nan,)}, "drift="),
        ({"assets": ("A", "B"), "start": (1.0, 1.0), "correlation": 1.0}, "correlation="),
        ({"assets": ("A", "B"), "start": (1.0, 1.0), "correlation": ((1.0, 0.5), (0.4, 1.0))}, "correlation="),
        ({"assets": ("A", "B"), "start": (1.0, 1.0), "correlation": ((1.0,),)}, "correlation="),
    ],
)
@pytest.mark.parametrize("variant", MODELS)
def test_a_senseless_nature_cannot_be_built(variant, parameters, said):
    with pytest.raises(ValueError, match=said):
        variant(**parameters)


@pytest.mark.parametrize(
    ("variant", "parameters", "said"),
    [
        (JumpDiffusion, {"intensity": (-1.0,)}, "intensity="),
        (JumpDiffusion, {"common": -1.0}, "common="),
        (JumpDiffusion, {"jump_mean": math.inf}, "jump_mean="),
        (JumpDiffusion, {"jump_std": -0.1}, "jump_std="),
        (DoubleExponential, {"intensity": (1e12,)}, "intensity="),
        (DoubleExponential, {"up": 1.1}, "up="),
        (DoubleExponential, {"mean_up": 1.0}, "mean_up="),
        (DoubleExponential, {"mean_down": -0.1}, "mean_down="),
        (Garch, {"alpha": -0.1}, "alpha="),
        (Garch, {"beta": 0.95}, "alpha [+] gamma/2 [+] beta="),
        (Garch, {"tick": 400 * SECONDS_PER_DAY}, "tick="),
        (HawkesJumps, {"branching": 1.0}, "branching"),
        (HawkesJumps, {"contagion": -0.1}, "contagion="),
        (HawkesJumps, {"assets": ("A", "B"), "start": (1.0, 1.0), "contagion": 0.4}, "contagion"),
        (HawkesJumps, {"half_life": 0.0}, "half_life="),
        (Replay, {"files": ("a", "b")}, "files="),
        (Replay, {"begin": -1}, "begin="),
        (Replay, {"begin": "yesterday"}, "begin="),
        (Replay, {"start": (1.0, 2.0)}, "start="),
    ],
)
def test_a_senseless_parameter_of_a_variant_is_refused_by_name(variant, parameters, said):
    with pytest.raises(ValueError, match=said):
        variant(**parameters)


# Diffusion, jumps, clusters


def test_volatility_is_annual_on_every_grid():
    for tick in (0.25, 12.0, HOUR):
        observed = returns(GeometricBrownian(volatility=(0.7,), tick=tick), 40_000).std() * math.sqrt(
            SECONDS_PER_YEAR / tick
        )
        assert observed == pytest.approx(0.7, rel=0.02)


def test_the_factor_of_a_correlation_multiplies_back_to_it():
    lower = factor(0.3, ("A", "B", "C"))

    assert lower @ lower.T == pytest.approx(np.full((3, 3), 0.3) + 0.7 * np.eye(3))
    assert (np.triu(lower, 1) == 0).all()


@pytest.mark.parametrize("mean", [0.0, 0.01, 2.5, 80.0])
def test_poisson_counts_have_their_mean_and_variance(mean):
    counts = np.array([poisson(mean, u) for u in STREAMS.uniform("counts", 0, 20_000)])

    assert counts.mean() == pytest.approx(mean, abs=4 * math.sqrt(max(mean, 1e-12) / 20_000))
    assert counts.var() == pytest.approx(mean, rel=0.06, abs=1e-3)


def test_jumps_add_the_variance_that_merton_gives_them():
    nature = JumpDiffusion(tick=HOUR, intensity=(2000.0,), common=500.0)
    expected = 0.6**2 + 2500 * (0.01**2 + 0.03**2)

    assert returns(nature, 100_000).var() * SECONDS_PER_YEAR / HOUR == pytest.approx(expected, rel=0.05)


def test_jumps_add_the_variance_and_the_tails_that_kou_gives_them():
    nature = DoubleExponential(tick=HOUR, volatility=(0.0,), intensity=(800.0,))
    rows = returns(nature, 100_000)[:, 0]
    rows -= np.median(rows)  # what compensates for the jumps

    expected = 800.0 * 2.0 * (0.4 * 0.01**2 + 0.6 * 0.02**2)
    assert rows.var() * SECONDS_PER_YEAR / HOUR == pytest.approx(expected, rel=0.05)
    ups = rows[rows > 0.005] - 0.005  # beyond any threshold exponential again, but for the ticks with two
    assert ups.mean() == pytest.approx(0.01, rel=0.1)


def test_common_jumps_hit_every_asset_in_the_same_tick():
    parameters = {"volatility": (0.0,), "jump_mean": 0.0, "assets": ("A", "B"), "start": (1.0, 1.0), "tick": HOUR}
    common = returns(JumpDiffusion(intensity=(0.0,), common=500.0, **parameters), 5_000)
    alone = returns(JumpDiffusion(intensity=(500.0,), **parameters), 5_000)

    jumped, apart = abs(common) > 1e-4, abs(alone) > 1e-4
    assert jumped.any(axis=1).sum() > 150
    assert (jumped[:, 0] & jumped[:, 1]).sum() > 0.95 * jumped.any(axis=1).sum()
    assert (apart[:, 0] & apart[:, 1]).sum() < 0.15 * apart.any(axis=1).sum()


def test_garch_keeps_its_long_run_volatility_and_clusters():
    nature = Garch(tick=SECONDS_PER_DAY, alpha=0.15, gamma=0.0, beta=0.7)
    moves = np.concatenate([returns(nature, 20_000, Streams(seed)) for seed in range(3)])[:, 0]

    assert moves.std() * math.sqrt(365) == pytest.approx(0.7, rel=0.05)
    assert np.corrcoef(moves[1:] ** 2, moves[:-1] ** 2)[0, 1] > 0.1
    assert abs(np.corrcoef(moves[1:], moves[:-1])[0, 1]) < 0.03
    assert (moves**4).mean() / (moves**2).mean() ** 2 > 3.3


def test_garch_on_a_daily_grid_is_the_daily_model_and_forgets_as_fast_on_any_other():
    daily = Garch(tick=SECONDS_PER_DAY)

    assert daily.weights() == pytest.approx((daily.alpha, daily.gamma, daily.beta))
    for tick in (1.0, 60.0, HOUR):
        alpha, gamma, beta = Garch(tick=tick).weights()
        assert (alpha + 0.5 * gamma + beta) ** (SECONDS_PER_DAY / tick) == pytest.approx(daily.persistence)


def test_the_variance_of_garch_wanders_as_far_on_coarse_grids_as_on_fine_ones():
    """Nelson (1990): the diffusion limit keeps the distribution of variance."""
    weeks = 500

    def wandering(ticks_a_day):
        moves = returns(Garch(tick=SECONDS_PER_DAY / ticks_a_day), weeks * 7 * ticks_a_day)[:, 0]
        return np.log((moves.reshape(weeks, -1) ** 2).sum(axis=1)).std()

    assert wandering(96) == pytest.approx(wandering(24), rel=0.3)
    assert wandering(24) > 0.3


def test_falls_raise_the_volatility_of_garch_more_than_rises():
    moves = returns(Garch(tick=SECONDS_PER_DAY, alpha=0.02, gamma=0.3, beta=0.75), 20_000)[:, 0]

    assert np.corrcoef(moves[:-1], moves[1:] ** 2)[0, 1] < -0.03


SILENT = {"volatility": (0.0,), "jump_mean": 0.0, "jump_std": 0.01, "drift": (0.0,)}


def test_hawkes_jumps_arrive_at_their_long_run_rate_and_in_bursts():
    """Hawkes (1971): a stationary rate is the background over 1 - branching."""
    nature = HawkesJumps(tick=60.0, intensity=(2000.0,), branching=0.6, **SILENT)
    hits = returns(nature, 400_000)[:, 0]
    size = 0.01**2

    assert nature.rates() == pytest.approx([5000.0])
    assert (hits**2).sum() / size / (400_000 * 60 / SECONDS_PER_YEAR) == pytest.approx(5000.0, rel=0.06)
    hourly = (hits.reshape(-1, 100) ** 2).sum(axis=1) / size
    expected_if_poisson = 3 * hourly.mean()  # E[z^4] = 3 a jump
    assert hourly.var() > 1.8 * expected_if_poisson


def test_contagion_carries_jumps_from_one_asset_to_another():
    parameters = {"assets": ("A", "B"), "start": (1.0, 1.0), "tick": 60.0, "intensity": (4000.0, 0.0), "branching": 0.3}
    caught = returns(HawkesJumps(contagion=0.3, **parameters, **SILENT), 50_000)[:, 1]
    spared = returns(HawkesJumps(contagion=0.0, **parameters, **SILENT), 50_000)[:, 1]

    assert (caught != 0).sum() > 50
    assert abs(spared).max() < 1e-12


# Replay


@pytest.mark.parametrize("tick", [1.0, 0.25, 12.0, 15.0])
def test_a_replayed_bar_hits_open_high_low_and_close_exactly_and_stays_within(tmp_path, tick):
    file = brownian_bars(tmp_path)
    n = int(60 / tick)
    rows = Replay(files=(file,), tick=tick).path(STREAMS, 48 * n - 1)[:, 0].reshape(48, n)

    recorded = load(file).prices
    filled = np.column_stack([rows[:, 0], rows.max(axis=1), rows.min(axis=1), rows[:, -1]])
    assert (filled == recorded).all()


def test_a_replayed_bar_takes_its_high_first_in_about_half_of_the_bars_and_moves_as_much_as_the_record(tmp_path):
    rows = Replay(files=(brownian_bars(tmp_path, bars=1000),)).path(STREAMS, 59_999)[:, 0].reshape(1000, 60)

    assert 0.4 < (rows.argmax(axis=1) < rows.argmin(axis=1)).mean() < 0.6
    realised = (np.diff(np.log(rows), axis=1) ** 2).sum(axis=1).mean()
    assert 0.8 < realised / (239 * 0.0002**2) < 1.05  # bars of 240 steps show a little less than the full range


def test_flat_bars_and_bars_that_only_rise_or_fall_are_replayed_exactly(tmp_path):
    bars = ["60000,5,5,5,5,0", "120000,5,9,5,9,1", "180000,9,9,4,4,1", "240000,4,6,4,4,1", "300000,4,4,3,4,1"]
    rows = Replay(files=(write(tmp_path, bars),), tick=5.0).path(STREAMS, 59)[:, 0].reshape(5, 12)

    assert np.column_stack([rows[:, 0], rows.max(1), rows.min(1), rows[:, -1]]).tolist() == [
        [5, 5, 5, 5], [5, 9, 5, 9], [9, 9, 4, 4], [4, 6, 4, 4], [4, 4, 3, 4],
    ]  # fmt: skip


def test_a_replay_begins_at_an_index_or_a_time_and_scales_to_a_start(tmp_path):
    file = brownian_bars(tmp_path)
    by_index = Replay(files=(file,), begin=3).path(STREAMS, 300)

    assert by_index[0, 0] == load(file).prices[3, 0]
    assert (Replay(files=(file,), begin="2023-11-14T22:16:20").path(STREAMS, 300) == by_index).all()
    assert (Replay(files=(file,), begin="2023-11-14T23:16:20+01:00").path(STREAMS, 300) == by_index).all()
    scaled = Replay(files=(file,), begin=3, start=(100.0,)).path(STREAMS, 300)
    assert scaled[0, 0] == pytest.approx(100.0)
    assert scaled / scaled[0] == pytest.approx(by_index / by_index[0])


def test_several_files_replay_side_by_side_with_their_own_dice(tmp_path):
    files = (brownian_bars(tmp_path), brownian_bars(tmp_path, name="other.csv", asset="BTC"))
    both = Replay(assets=("ETH", "BTC"), files=files).path(STREAMS, 900)

    assert (both[:, 0] == Replay(files=files[:1]).path(STREAMS, 900)[:, 0]).all()
    assert abs(np.corrcoef(np.diff(np.log(both), axis=0).T)[0, 1]) < 0.15


def test_parquet_and_microseconds_replay_as_csv_and_milliseconds_do(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    file = brownian_bars(tmp_path)
    with Path(file).open(encoding="utf-8") as source:
        rows = list(csv.DictReader(source))
    columns = {name: [float(row[name]) for row in rows] for name in rows[0]}
    columns["open_time"] = [int(row["open_time"]) * 1000 for row in rows]
    parquet.write_table(pyarrow.table(columns), tmp_path / "klines.parquet")

    path = Replay(files=(str(tmp_path / "klines.parquet"),)).path(STREAMS, 500)
    assert (path == Replay(files=(file,)).path(STREAMS, 500)).all()

    columns["high"][6] = 1.0
    parquet.write_table(pyarrow.table(columns), tmp_path / "wrong.parquet")
    with pytest.raises(ValueError, match="wrong.parquet: row 7, column 'open'"):
        load(str(tmp_path / "wrong.parquet"))


def test_a_replay_without_files_can_be_built_but_not_run():
    with pytest.raises(ValueError, match="files="):
        Replay().path(STREAMS, 10)


@pytest.mark.parametrize(
    ("tick", "begin", "ticks", "said"),
    [
        (7.0, 0, 10, "whole number of ticks, 4 or more"),
        (20.0, 0, 10, "whole number of ticks, 4 or more"),
        (1.0, 0, 48 * 60, "2879 ticks of 1 s are left"),
        (1.0, 48, 10, "bars 0 to 47"),
        (1.0, "2023-11-14T22:16:21", 10, "no bar of .* opens then; they open from 2023-11-14T22:13:20"),
        (1.0, "2033-11-14", 10, "no bar of"),
    ],
)
def test_a_replay_that_does_not_fit_its_record_says_why(tmp_path, tick, begin, ticks, said):
    nature = Replay(files=(brownian_bars(tmp_path),), tick=tick, begin=begin)

    with pytest.raises(ValueError, match=said):
        nature.path(STREAMS, ticks)


@pytest.mark.parametrize("other", [{"first": 1_700_000_060_000}, {"seconds": 120}])
def test_files_whose_bars_open_at_different_times_are_refused(tmp_path, other):
    files = (brownian_bars(tmp_path), brownian_bars(tmp_path, name="other.csv", **other))

    with pytest.raises(ValueError, match="other.csv: its bars do not open when those of"):
        Replay(assets=("ETH", "BTC"), files=files).path(STREAMS, 10)


GOOD = ["60000,5,6,4,5,1", "120000,5,6,4,5,1", "180000,5,6,4,5,1", "240000,5,6,4,5,1"]


@pytest.mark.parametrize(
    ("line", "text", "said"),
    [
        (4, "180000,5,6,4,much,1", "line 4, column 'close': 'much' is not a positive number"),
        (4, "180000,5,6", "line 4, column 'low': '' is not a positive number"),
        (3, "120000,5,inf,4,5,1", "line 3, column 'high': 'inf'"),
        (3, "120000,5,6,-4,5,1", "line 3, column 'low': '-4'"),
        (3, "120000,5,6,5.5,5.8,1", "line 3, column 'open': 5 is outside low 5.5 to high 6"),
        (3, "120000,5,6,4,7,1", "line 3, column 'close': 7 is outside"),
        (3, "60000,5,6,4,5,1", "line 3, column 'open_time': not after"),
        (
            4,
            "190000,5,6,4,5,1",
            "line 4, column 'open_time': a gap: opens 70 s after the line before, and bars last 60",
        ),
        (1, "open_time,open,high,low,volume", "line 1: column 'close' is missing"),
        (1, "", "line 1: column 'open_time' is missing"),
    ],
)
def test_a_wrong_record_is_refused_by_file_line_and_column(tmp_path, line, text, said):
    lines = [HEADER, *GOOD]
    lines[line - 1] = text
    file = tmp_path / "wrong.csv"
    file.write_text("\n".join(lines), encoding="utf-8")

    with pytest.raises(ValueError, match=f"wrong.csv: {said}"):
        load(str(file))


def test_a_record_of_one_bar_is_refused(tmp_path):
    with pytest.raises(ValueError, match="1 bars; at least 2"):
        load(write(tmp_path, GOOD[:1]))


@pytest.mark.parametrize("name", ["ETHUSDT-15m-2025-10-06.csv", "BTCUSDT-1h-2022-11.csv"])
def test_recorded_crashes_replay_bar_for_bar_with_a_sane_variance(name):
    file = DATA / name
    if not file.exists():
        pytest.skip(f"needs shared/data/{name} beside the repository")
    bars = load(str(file))
    n = int(bars.length / 12)
    rows = Replay(files=(str(file),), tick=12.0).path(STREAMS, len(bars.prices) * n - 1)[:, 0].reshape(-1, n)

    opening, high, low, closing = bars.prices.T
    assert (np.column_stack([rows[:, 0], rows.max(1), rows.min(1), rows[:, -1]]) == bars.prices).all()
    realised = (np.diff(np.log(rows), axis=1) ** 2).sum()
    garman_klass = 0.5 * np.log(high / low) ** 2 - (2 * math.log(2) - 1) * np.log(closing / opening) ** 2
    assert 0.9 < realised / garman_klass.sum() < 1.1
    assert (abs(np.diff(np.log(rows), axis=1)).max(axis=1) < 0.6 * np.log(high / low)).all()
