"""A draw is a function of (seed, name, tick, lane): even, normal, uncorrelated, and the same compiled or not."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from scipy import stats

from agents.streams import (
    Streams,
    line_up,
    normal_at,
    normal_quantile,
    normals_of,
    splitmix64,
    uniform_at,
    uniform_of,
)

ROOT = Path(__file__).resolve().parents[1]
N = 100_000
STREAMS = Streams(20250106)
GOLDEN = """
import numpy as np
from agents.streams import Streams, normal_at, uniform_at
streams = Streams(7)
values = [uniform_at(streams.key("maker"), 2**33 + 1, 2**32 + 5), normal_at(streams.key("maker"), 3, 0)]
values += list(streams.uniform("maker", 5, 3)) + list(streams.normal("noise.crowd", 1_000_000, 60))
values += list(streams.normals("nature.ETH", 20, 3).ravel()) + list(streams.uniforms("nature.ETH", 2, 3).ravel())
print(streams.key("maker"), *(float(value).hex() for value in values))
"""


def test_the_generator_gives_the_published_values_of_splitmix64():
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]

    assert [int(splitmix64(np.uint64(1234567), i)) for i in range(4)] == published


def test_the_quantile_is_that_of_the_normal_distribution_to_machine_precision():
    p = np.concatenate([2.0 ** -np.arange(2, 54), 1 - 2.0 ** -np.arange(2, 53), STREAMS.uniform("p", 0, 2_000)])

    found = np.array([normal_quantile(x) for x in p])

    assert found == pytest.approx(stats.norm.ppf(p), rel=2e-15, abs=1e-15)


@pytest.mark.parametrize("shape", [(1, N), (N, 1), (400, 250)])
def test_uniforms_are_even_along_lanes_and_along_ticks(shape):
    draws = STREAMS.uniforms("evenness", *shape).ravel()

    assert draws.min() > 0.0 and draws.max() < 1.0
    assert stats.kstest(draws, "uniform").pvalue > 1e-3
    pairs = np.histogram2d(draws[:-1:2], draws[1::2], bins=32, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-3


@pytest.mark.parametrize("shape", [(1, N), (N, 1), (400, 250)])
def test_normals_have_the_moments_and_tails_of_the_normal_distribution(shape):
    draws = STREAMS.normals("moments", *shape).ravel()

    assert abs(draws.mean()) < 4 / np.sqrt(N)
    assert abs(draws.var() - 1) < 4 * np.sqrt(2 / N)
    assert abs((draws**3).mean()) < 4 * np.sqrt(15 / N)
    assert abs((draws**4).mean() - 3) < 4 * np.sqrt(96 / N)
    assert stats.kstest(draws, "norm").pvalue > 1e-3
    assert (abs(draws) > 3).mean() == pytest.approx(2 * stats.norm.sf(3), rel=0.2)


def test_names_seeds_ticks_and_lanes_are_uncorrelated():
    names = [STREAMS.normal(name, 0, N) for name in ("a", "b", "a.b", "nature.ETH", "nature.BTC")]
    seeds = [Streams(seed).normal("a", 0, N) for seed in range(5)]
    ticks = list(STREAMS.normals("ticks", 6, N // 4))
    lanes = list(STREAMS.normals("lanes", N // 4, 6).T)

    for family in (names, seeds, ticks, lanes):
        for draws in (np.array(family), np.array(family) ** 2):
            off = np.corrcoef(draws)[np.triu_indices(len(family), 1)]
            assert abs(off).max() < 4.5 / np.sqrt(draws.shape[1])


def test_neighbours_in_time_are_uncorrelated_at_every_bit():
    bits = (STREAMS.uniforms("bits", 20_000, 1).ravel() * 2**52).astype(np.uint64)
    flips = np.unpackbits((bits[1:] ^ bits[:-1]).view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")[:, :52]

    assert abs(flips.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(len(flips))


def test_a_draw_does_not_depend_on_what_else_is_drawn():
    alone = STREAMS.normal("maker", 17, 5)
    STREAMS.uniform("another player", 17, 3)

    assert (STREAMS.normal("maker", 17, 50)[:5] == alone).all()
    assert (STREAMS.normals("maker", 40, 7)[17, :5] == alone).all()
    assert (STREAMS.normals("maker", 18, 5)[17] == alone).all()
    assert normal_at(STREAMS.key("maker"), 17, 3) == alone[3]
    assert uniform_at(STREAMS.key("maker"), 17, 3) == STREAMS.uniforms("maker", 20, 4)[17, 3]


def test_seed_and_name_are_never_run_together():
    assert Streams(1).key("1x") != Streams(11).key("x")


def test_scalars_serve_inside_compiled_loops_with_any_kind_of_integer():
    @njit
    def total(key, tick, lanes):
        return sum([normal_at(key, tick, lane) for lane in range(lanes)])

    key = STREAMS.key("loop")
    expected = sum(STREAMS.normal("loop", 9, 4).tolist())

    assert total(key, 9, 4) == pytest.approx(expected, rel=1e-14)
    assert total(key, np.uint64(9), np.int32(4)) == total(key, 9, 4)


@pytest.mark.parametrize("word", [splitmix64(STREAMS.key("whims"), 5), np.uint64(2**64 - 0x9E3779B97F4A7C15)])
def test_normals_drawn_together_are_those_drawn_one_by_one_out_to_the_far_tail(word):
    @njit
    def together(word, lanes, out, room):
        normals_of(word, lanes, out, room)

    lanes = np.arange(0, 60_000, 3, dtype=np.uint64)
    drawn = np.empty(len(lanes))
    together(word, lanes, drawn, np.empty((5, len(lanes) + 7)))

    assert drawn.tolist() == [normal_quantile(uniform_of(word, lane)) for lane in lanes]
    assert drawn.min() < -3.5  # and -8.2 of the second word, whose first output is zero


@pytest.mark.parametrize("seed", [-1, 1.0, True, "1"])
def test_a_senseless_seed_is_refused(seed):
    with pytest.raises(ValueError, match="seed="):
        Streams(seed)


def run_golden(disable_jit):
    environment = {**os.environ, "NUMBA_DISABLE_JIT": disable_jit}
    command = [sys.executable, "-W", "error", "-c", GOLDEN]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


def test_compiled_and_plain_code_give_the_same_numbers_without_a_warning():
    assert run_golden("0") == run_golden("1")


def test_the_dice_of_a_seed_are_these_for_ever():
    assert int(Streams(7).key("maker")) == 8441395994807541233
    assert Streams(7).uniform("maker", 5, 3).tolist() == [0.35275972893081275, 0.21176028726367402, 0.46344260263035386]
    assert Streams(7).normal("maker", 5, 3).tolist() == pytest.approx(
        [-0.37788038041588906, -0.8003283624029236, -0.09176443033799073], rel=1e-14
    )


def test_speakers_stand_in_the_order_of_their_own_draws_equal_ones_as_they_sit():
    keys = np.array([STREAMS.key(f"player.{seat % 30}") for seat in range(40)], np.uint64)  # ten share their dice
    drawn, order = np.empty(40), np.empty((20, 40), np.int64)
    line_up(keys, 7, drawn, order)
    for row, tick in enumerate(range(7, 27)):
        draws = [uniform_at(key, tick, 0) for key in keys]
        assert order[row].tolist() == sorted(range(40), key=lambda seat: draws[seat])
    assert drawn.tolist() == draws
