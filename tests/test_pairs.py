"""Pairs over two chains in the game: who stands on one leg, who is whole again, and what the rules of pairing say."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest

from agents.game import Game
from agents.pairings.at_once import AtOnce
from agents.pairings.base import Pairing, Stage
from agents.pairings.in_turn import InTurn
from agents.pairings.two_phase import TwoPhase
from agents.roles.pair_maker import PairMaker
from agents.roles.pair_trader import PairTrader
from experiments.overrides import varied
from experiments.run import build, release
from experiments.scenario import find
from experiments.studies.two_phase import Point, measure
from experiments.wealth import wealth
from protocol.blocks.fixed import Fixed
from protocol.bridge import legs

EVERY = list(itertools.product(Stage, Stage))


def played(pairing: Pairing, interval: float, duration: float, check: bool = False) -> Game:
    """The bundled `two-phase` with three traders and a source chain of even, long or short, blocks."""
    asked = varied(
        dataclasses.replace(find("two-phase"), duration=duration),
        {"cast.pairs.pairing": pairing, "cast.pairs.count": 3, "world.chains.l1.blocks": Fixed(interval)},
    )
    game = build(asked, check=check)
    game.play()
    release(game)
    return game


def told(game: Game, kind: str) -> list[dict[str, Any]]:
    return [event.numbers for event in game.recorder.events if event.kind == kind]


def test_pairings_say_which_leg_waits_for_which() -> None:
    assert all(AtOnce().offers(end, s) and AtOnce().opens(end, s) for end in (0, 1) for s in EVERY)
    turn = InTurn("target")
    assert all(turn.offers(1, s) and turn.opens(0, s) for s in EVERY)
    assert [s for s in EVERY if turn.offers(0, s)] == [(one, Stage.OPEN) for one in Stage]
    both = TwoPhase()
    assert {s[1] for s in EVERY if both.opens(0, s)} == {Stage.PREPARED, Stage.OPEN}
    assert {s[0] for s in EVERY if both.opens(1, s)} == {Stage.OPEN}


def test_two_phases_open_both_legs_within_a_block_and_break_no_law() -> None:
    game = played(TwoPhase(), 12.0, 900.0, check=True)
    stands = told(game, "pair stands")
    assert len(stands) >= 3
    assert max(one["gap"] for one in stands) <= 24.0
    span = game.state.spans[0]
    for chain in (0, 1):
        rows = [listing.size for listing in game.state.markets if listing.size >= 0 and listing.house.chain == chain]
        opened = sum(leg.size for leg in legs(game.state, span, chain).values() if leg.secret)
        traders = [p.memory["ends"][3 + chain] for p in game.players if p.label.startswith("pairs")]
        assert game.state.ledger.balance[rows][:, traders].sum() == opened


def test_where_a_chain_stands_still_a_pair_at_once_stands_on_one_leg_and_one_in_two_phases_does_not() -> None:
    """Planted: the source chain seals one block in ten minutes, longer than a leg stands."""
    gaps = []
    for pairing in (AtOnce(), TwoPhase()):
        game = played(pairing, 600.0, 3_000.0)
        gaps.append(len(told(game, "one leg")) + sum(one["gap"] > 300.0 for one in told(game, "pair stands")))
        span, state = game.state.spans[0], game.state
        if isinstance(pairing, TwoPhase):
            assert any(leg.over and not leg.secret for leg in legs(state, span, 1).values())  # timed out
            for chain in (0, 1):
                assert not any(leg.secret for leg in legs(state, span, chain).values())
                row = state.claims[chain][0].size
                assert not state.ledger.balance[row].any()
    assert gaps[1] == 0 < gaps[0]


def test_margin_that_is_up_for_a_leg_is_still_its_owners_wealth() -> None:
    game = build(find("two-phase"))
    try:
        while not any(leg.prepared and not leg.over for leg in legs(game.state, game.state.spans[0], 1).values()):
            game.step()
        groups, _ = wealth(game, game.state)
        assert groups["deals"] == pytest.approx(0.0, abs=1e-6)
        assert groups["pairs"] + groups["pairmaker"] == pytest.approx(10 * 200_000 + 10_000_000, abs=200.0)
    finally:
        release(game)


def test_a_maker_takes_no_leg_at_a_price_that_does_not_pay() -> None:
    asked = varied(dataclasses.replace(find("two-phase"), duration=300.0), {"cast.pairmaker.edge": 0.5})
    game = build(asked)
    game.play()
    release(game)
    assert not any(leg.prepared for chain in (0, 1) for leg in legs(game.state, game.state.spans[0], chain).values())
    assert any(leg.over for leg in legs(game.state, game.state.spans[0], 1).values())  # withdrawn


def test_the_study_counts_a_pair_that_is_on_one_leg_at_the_end() -> None:
    found = measure(Point("outages", "at once", 1))
    assert found["alone"] > 60.0
    assert found["longest"] >= found["alone"]


def test_settings_that_make_no_sense_are_refused_by_name() -> None:
    wrongs: list[tuple[Any, dict[str, Any]]] = [
        (PairTrader, {"coins": 0.0}),
        (PairTrader, {"spread": 1.0}),
        (PairTrader, {"term": 0.0}),
        (PairTrader, {"patience": 0.0}),
        (PairTrader, {"cushion": 0.5}),
        (PairMaker, {"edge": 1.0}),
        (PairMaker, {"cushion": 0.5}),
    ]
    for kind, wrong in wrongs:
        ((name, value),) = wrong.items()
        with pytest.raises(ValueError, match=f"{name} = {value}: must be "):
            kind(**wrong)
    with pytest.raises(ValueError, match="first = 'both': must be source or target"):
        TwoPhase("both")
    with pytest.raises(ValueError, match="a PairTrader needs a market of claims at both ends"):
        pair = {"kind": "PairTrader", "exchange": "main"}
        build(varied(find("wrapped-depeg"), {"cast": [pair]}))


def test_of_three_kinds_of_pairs_side_by_side_those_under_one_lock_stand_on_one_leg_for_least() -> None:
    game = build(find("three-pairings"))
    game.play()
    release(game)
    alone: dict[str, list[float]] = {"hasty": [], "patient": [], "locked": []}
    for event in game.recorder.events:
        if event.kind == "pair stands":
            alone[event.who.partition(".")[0]].append(float(event.numbers["gap"]))
    assert all(len(gaps) >= 10 for gaps in alone.values())
    means = {kind: sum(gaps) / len(gaps) for kind, gaps in alone.items()}
    assert 2 * means["locked"] < means["patient"] < means["hasty"]
    assert max(alone["locked"]) < 60.0 < max(alone["hasty"])
