"""The keepers' game: what they are paid, where a population rests, and a figure that is drawn alike each time."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.equilibrium.games import Game, profile
from experiments.figures.keeper_bidding import draw
from experiments.run import run
from experiments.studies.keeper_bidding import KEEPERS, RULES, Net, base, burned, parts, rest, won


def record(rule, first, second):
    a, b = parts(RULES[rule])
    chosen = profile(base(RULES[rule]), (a.named(first), b.named(second)))
    return run(dataclasses.replace(chosen, duration=600.0))


def test_a_race_that_is_read_burns_what_a_sealed_one_keeps_and_staying_home_costs_nothing():
    read, sealed = record("read and raised", "up to 95 %", "up to 95 %"), record("sealed", "bids 5 %", "bids 5 %")
    prizes = [sum(won(one, keeper) for keeper in KEEPERS) for one in (read, sealed)]
    gas = [sum(burned(one, keeper) for keeper in KEEPERS) for one in (read, sealed)]
    assert min(prizes) > 0.0
    assert gas[0] > 0.5 * prizes[0]
    assert gas[1] < 0.3 * prizes[1]
    home = record("read and raised", "stays home", "bids 5 %")
    assert (Net("a")(home), burned(home, "a")) == (0.0, 0.0)
    assert Net("b")(home) == pytest.approx(won(home, "b") - burned(home, "b"))
    assert Net("b")(home) > 0.0


def test_a_lot_taken_in_an_auction_is_worth_what_fair_says_beyond_its_price():
    found = record("Dutch auction", "waits, 5 %", "stays home")
    takes = [n for n in found.events[found.events["kind"] == "liquidation"]["numbers"] if n["taker"] == "a"]
    assert takes
    assert won(found, "a") > 0.01 * sum(numbers["notional"] for numbers in takes)  # it waited for a discount


def test_both_seats_count_as_one_population():
    payoffs = np.zeros((2, 2, 2, 3))
    payoffs[0], payoffs[1] = (
        np.array([[-1.5, 2.0], [0.0, 1.0]])[..., None],
        np.array([[-1.5, 0.0], [2.0, 1.0]])[..., None],
    )
    game = Game(
        tuple(dataclasses.replace(part, strategies=part.strategies[:2]) for part in parts(RULES["sealed"])),
        (1, 2, 3),
        payoffs,
    )
    assert rest(game) == pytest.approx([0.4, 0.6], abs=1e-3)


def test_the_figure_is_drawn_alike_each_time(tmp_path: Path):
    splits = pd.DataFrame(
        [
            {"rule": rule, "seeds": 3}
            | {
                w: v
                for n, x in (("prize", 900.0), ("burned", 300.0))
                for w, v in ((n, x), (f"{n}_low", 0.9 * x), (f"{n}_high", 1.1 * x))
            }
            for rule in RULES
        ]  # fmt: skip
    )
    mixes = pd.DataFrame([{"rule": r, "style": s, "rest": 0.25} for r, rule in RULES.items() for s in rule.styles])
    styles = [(rule, style) for rule, one in RULES.items() for style in one.styles]
    rule, last = styles[-1]
    profiles = pd.DataFrame([{"rule": r, "a": s, "b": s} for r, s in styles] + [{"rule": rule, "a": "a-1", "b": last}])
    first, second = (draw(splits, mixes, profiles, tmp_path / home, "figure", "3 runs") for home in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    closed = draw(splits, mixes, profiles.iloc[:-1], tmp_path / "c", "figure", "3 runs")
    assert [path.read_bytes() for path in first] != [path.read_bytes() for path in closed]  # it says where it is beaten
