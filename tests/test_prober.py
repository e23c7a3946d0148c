"""The prober finds what is wrong, unaided, and nothing where nothing is; and what it finds can be played again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agents.attacks.prober import Prober
from agents.probing.dice import Dice
from agents.probing.programs import canonical, run
from agents.probing.recipes import plain, recipe
from agents.probing.residents import stage_of
from agents.probing.search import Corpus, Search, pays, search, shortest
from agents.probing.stage import Deed, Seal, Stage, bounds, enter, outside
from agents.probing.verbs import Step, classes, left_out, transaction, verbs
from experiments import cli
from experiments.figures.prober import draw
from experiments.flaws.base import PRICES, Flaw
from experiments.flaws.live_index import LiveIndex
from experiments.flaws.negative_fee import NegativeFee
from experiments.overrides import vary
from experiments.probing import stage_for
from experiments.run import run as run_scenario
from experiments.scenario import find, without
from experiments.shapes import variants
from experiments.studies import prober as study
from experiments.twins import twin_without
from protocol.genesis import genesis
from protocol.transactions import Deposit, Trade, Withdraw
from protocol.world import Exchange, World

FLAWS = variants(Flaw)
BUDGET = 700  # probes of every search here: seeds are those that find within it, found by trying a few
FOUND_BY = {  # a seed that finds it within the budget; the study says how many of them do
    "AnyReporter": 2,
    "DoubleImpact": 3,
    "EagerLiquidation": 1,
    "ForgottenInterest": 2,
    "ForgottenLoss": 3,
    "LiveIndex": 4,
    "NegativeFee": 3,
    "OneSided": 4,
    "ReversedFunding": 4,
    "RoundedUp": 3,
    "UnbackedMint": 4,
    "UncheckedRelease": 2,
}
SOUND = list(study.SOUND)


@pytest.fixture
def stage() -> Stage:
    """A virtual AMM and a pool, residents and a stranger."""
    return NegativeFee().stage(NegativeFee().sound())


def spoilt(flaw: Flaw) -> Iterator[Stage]:
    with flaw.planted():
        yield flaw.stage(flaw.spoilt())


# Finding


@pytest.mark.parametrize("name", sorted(FOUND_BY))
def test_a_planted_flaw_is_found_unaided_and_its_shortest_sequence_pays_again_but_not_without_the_mistake(
    name: str,
) -> None:
    flaw, how = FLAWS[name](), Search(BUDGET, FOUND_BY[name], polish=10)
    deeds: tuple[Deed, ...] = ()
    for stage in spoilt(flaw):
        before = stage.state.digest()
        found = search(stage, how).find
        assert found is not None
        assert found.probes <= BUDGET
        assert stage.state.digest() == before  # a search leaves nothing behind
        again = pays(stage, how, found.deeds)
        assert again is not None
        assert again[0] == pytest.approx(found.profit)
        assert found.largest >= found.profit > 0.0
        for at in range(len(found.deeds)):  # nothing in it is idle
            fewer = found.deeds[:at] + found.deeds[at + 1 :]
            assert not fewer or pays(stage, how, fewer) is None
        deeds = found.deeds
    assert pays(flaw.stage(flaw.sound()), how, deeds) is None


@pytest.mark.parametrize("name", SOUND)
def test_nothing_is_found_in_a_sound_protocol(name: str) -> None:
    report = search(stage_for(find(name)), Search(180))
    assert report.find is None
    assert report.features > 50  # it did try things
    assert len(report.reached) >= 3


def test_flaws_are_of_a_dozen_kinds_and_every_one_says_what_it_was_taken_from() -> None:
    assert len(FLAWS) >= 12
    assert len(SOUND) >= 10
    for kind in FLAWS.values():
        flaw = kind()
        assert isinstance(flaw.sound(), Exchange)
        text = __import__(kind.__module__, fromlist=["_"]).__doc__
        assert text
        assert len(text.strip().splitlines()) >= 3


def test_a_search_is_a_function_of_its_seed() -> None:
    def once(seed: int) -> tuple[object, ...]:
        report = search(NegativeFee().stage(NegativeFee().sound()), Search(60, seed))
        return report[1:]

    assert once(1) == once(1)
    assert once(1) != once(2)


# What counts as profit


def test_paper_profit_a_gift_of_the_index_and_ones_own_margin_count_for_nothing(stage: Stage) -> None:
    state = stage.state
    listing, pool = state.markets
    account = stage.own[0]
    assert stage.profit() == 0.0
    assert stage.do(Trade(listing, account, 10**9)) is None
    assert stage.profit() < 0.0  # a position is no token
    stage.reset()
    assert stage.do(Trade(pool, account, 10**9)) is None
    assert stage.profit() < 0.0  # bought above the outside price
    stage.reset()
    assert stage.profit() == 0.0


def test_a_pool_that_stood_off_the_outside_price_is_no_profit() -> None:
    exchange = LiveIndex().sound()
    state = genesis(World(exchanges=(exchange,)), PRICES)
    (account,) = enter(state, 1, 1e6, PRICES, "pusher")
    stage = Stage(state, (account,), (), PRICES)
    assert stage.do(Trade(state.markets[1], account, -(10**10))) is None  # the pool now sells below the outside price
    cheap = Stage(state, enter(state, 1, 1e6, PRICES, "prober"), (), PRICES)
    low, high = bounds(state, PRICES)
    row = state.markets[1].base
    assert low[row] < high[row] == PRICES["ETH"] / state.markets[1].size_scale
    assert cheap.do(Trade(state.markets[1], cheap.own[0], 10**9)) is None
    assert cheap.profit() < 0.0


def test_margin_that_lies_idle_counts_as_far_as_custody_holds_it(stage: Stage) -> None:
    house = stage.state.houses[0]
    margin = stage.held(house.cash, stage.own[0])
    assert margin > 0
    assert stage.do(Withdraw(house, stage.own[0], margin)) is None
    assert stage.profit() == 0.0
    assert stage.do(Deposit(house, stage.own[0], margin)) is None
    assert stage.profit() == 0.0
    assert stage.idle().all()


def test_time_passes_at_unchanged_prices_and_strangers_put_pools_back_at_no_loss(stage: Stage) -> None:
    state, pool = stage.state, stage.state.markets[1]
    stage.brings = 0.0  # but to the pool
    worth, start = outside(state, stage.prices), state.ledger.balance[:, stage.newcomer].copy()
    venue = state.market(pool).venue
    assert stage.do(Trade(pool, stage.own[0], 10**9)) is None
    pushed, time = venue.mid(state, pool), state.time
    assert pushed > 2_000.5
    stage.do(Seal(2))
    assert state.time == time + 2 * stage.interval
    assert (
        2_000.0 <= venue.mid(state, pool) < min(pushed, 2_000.0 * (1.0 + 1.1 * venue.fee))
    )  # as far as the fee lets it pay
    assert worth @ (state.ledger.balance[:, stage.newcomer] - start) >= 0.0
    stage.reset()
    assert (state.time, venue.mid(state, pool)) == (time, pytest.approx(2_000.0))


# The grammar


def test_every_verb_is_composed_but_those_that_are_named_as_left_out() -> None:
    names = {name for name, *_ in classes()}
    assert {"Deposit", "Trade", "Seize", "Bid", "Propose", "Mint", "Hedge"} <= names
    assert set(left_out()) == {"TradeSeries", "Bundle", "FlashLoan", "Transfer", "Join", "Leave", "Rebalance"}


def test_every_verb_of_a_world_makes_a_transaction_and_none_raises_but_a_revert() -> None:
    for name in ("two-pools", "synthetic-peg", "token-margin"):
        scenario = find(name)
        state = genesis(scenario.world, dict.fromkeys(scenario.nature.assets, 2_000.0))
        prices = dict.fromkeys(scenario.nature.assets, 2_000.0)
        stage = stage_of(state, prices, accounts=2, capital=1e5, wealth=1e5, interval=1.0, brings=1e3)
        for verb in verbs(state):
            for number in range(10):
                step = Step(verb.name, number, number, number, number % 5, (-1.0) ** number, 1.0 + 0.1 * number)
                stage.do(transaction(stage, verb, step))
        stage.reset()


def test_accounts_are_named_in_the_order_in_which_they_act() -> None:
    program = (Step("Deposit", who=2), Step("Trade", who=0), Step("Seal"), Step("Trade", who=2))
    assert [step.who for step in canonical(program, 3)] == [0, 1, 0, 0]


def test_a_program_skips_what_reverts_and_is_taken_back(stage: Stage) -> None:
    known = {verb.name: verb for verb in verbs(stage.state)}
    digest = stage.state.digest()
    outcome = run(stage, known, (Step("Divest"), Step("Trade", factor=0.5), Step("Seal", times=40)), 5)
    assert [step.verb for step in outcome.done] == ["Trade", "Seal"]
    assert outcome.seconds == 5 * stage.interval
    assert outcome.profit < 0.0  # fees
    assert ("", "Divest", 0, "NothingToDo") in outcome.features
    assert stage.state.digest() == digest


def test_what_never_goes_through_is_tried_less(stage: Stage) -> None:
    corpus = Corpus(stage.state, Search(1), 3)
    for verb, went in (("Deposit", 50), ("Hedge", 0)):
        corpus.arms.tried[verb, 0], corpus.arms.went[verb, 0] = 50, went
    drawn = [corpus.arms.draw(corpus.dice)[0] for _ in range(2_000)]
    assert drawn.count("Deposit") > 10 * drawn.count("Hedge") > 0


def test_the_shortest_sequence_keeps_what_is_needed_and_nothing_else() -> None:
    assert shortest((1, 2, 3, 4, 5), lambda kept: {2, 4} <= set(kept)) == (2, 4)


def test_dice_belong_to_the_probe() -> None:
    dice = Dice(7)
    dice.begin(3)
    first = [dice.below(1_000) for _ in range(5)]
    dice.begin(4)
    assert [dice.below(1_000) for _ in range(5)] != first
    dice.begin(3)
    assert [dice.below(1_000) for _ in range(5)] == first


@pytest.mark.parametrize(
    ("field", "value"), [("budget", 0), ("seed", -1), ("least", 0.0), ("carry", -1.0), ("polish", -1), ("blocks", -1)]
)
def test_a_search_refuses_settings_without_sense(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{field} = {value}: must be "):
        Search(**{field: value})


# Telling


def test_a_recipe_names_who_does_what_with_how_much_and_plain_values_can_be_written_down() -> None:
    for stage in spoilt(FLAWS["OneSided"]()):
        found = search(stage, Search(BUDGET, FOUND_BY["OneSided"], polish=0)).find
        assert found is not None
        lines = recipe(stage, (*found.deeds, Seal(2)))
        assert "Provide" in lines[0]
        assert "USD" in lines[0]
        assert lines[-1].endswith("2 blocks of 12 s pass")
        told = json.loads(json.dumps(plain(stage, found.deeds)))
        assert [deed["verb"] for deed in told] == [type(deed).__name__ for deed in found.deeds]
        assert told[0]["listing"] == "dex.spot"


# The command


def test_the_command_says_when_nothing_is_found_and_exits_with_three_when_something_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["probe", "leveraged-crash", "--budget", "5"]) == 0
    assert "Nothing found in 5 probes from seed 1" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        cli.main(["probe", "live-index", "--budget", "1500", "--json"])
    assert stopped.value.code == 3
    told = json.loads(capsys.readouterr().out)
    assert told["find"]["profit"] > 0.0
    assert {"Trade"} <= {deed["verb"] for deed in told["find"]["deeds"]}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere"], "no such bundled scenario"),
        (["stale-oracle", "--budget", "0"], "--budget = 0: must be 1 probe or more"),
        (["stale-oracle", "--after", "1e9"], "--after 1e+09: must be 0 to the scenario's duration"),
        (["stale-oracle", "--capital", "-1"], "--capital -1: must be 1 to below 1e12 cash coins"),
    ],
)
def test_the_command_refuses_wishes_without_sense(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["probe", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_a_scenario_can_be_probed_after_some_of_its_play() -> None:
    stage = stage_for(find("stale-oracle"), after=120.0)
    assert stage.time >= 120.0
    assert search(stage, Search(30)).find is None


# The player


def test_a_prober_empties_a_vault_with_a_live_index_and_stays_at_home_where_the_index_is_a_mean() -> None:
    scenario = dataclasses.replace(find("live-index"), seed=2, duration=400.0)
    weak = twin_without(scenario, "attacker")
    assert weak.gain("attacker") > 1_000.0
    told = weak.run.events
    estimates = [numbers["estimate"] for numbers in told[told["kind"] == "attack"]["numbers"]]
    realised = [numbers["realised"] for numbers in told[told["kind"] == "attack over"]["numbers"]]
    assert max(realised) == pytest.approx(estimates[int(np.argmax(realised))], rel=1e-6)

    slow = {"kind": "ArithmeticTwap", "source": "ETH-USD", "window": 1_800.0}
    strong = twin_without(vary(scenario, "exchange.markets.ETH-PERP.oracle", slow), "attacker")
    assert strong.gain("attacker") <= Prober().least_profit
    assert abs(strong.gain("founders")) < 1.0


def test_a_mean_as_index_keeps_those_who_trade() -> None:
    honest = without(find("live-index"), "attacker")
    slow = {"kind": "ArithmeticTwap", "source": "ETH-USD", "window": 1_800.0}
    defended = vary(honest, "exchange.markets.ETH-PERP.oracle", slow)
    for what in ("open_interest", "volume"):
        weak, strong = (
            sum(run_scenario(dataclasses.replace(one, seed=seed)).metrics[f"dex.ETH-PERP.{what}"] for seed in (2, 3))
            for one in (honest, defended)
        )
        assert strong >= 0.8 * weak > 0.0


@pytest.mark.parametrize(("field", "value"), [("accounts", 0), ("budget", 0), ("seed", -1)])
def test_a_prober_refuses_settings_without_sense(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=rf"{field} = {value}: must be "):
        Prober(**{field: value})


# The study


def test_the_study_counts_finds_and_false_alarms(tmp_path: Path) -> None:
    found = study.measure(study.Point("flaw", "OneSided", FOUND_BY["OneSided"], BUDGET))
    missed = study.measure(study.Point("flaw", "OneSided", 1, 1))
    clean = study.measure(study.Point("sound", "stale-oracle", 1, 20))
    assert (found["found"], missed["found"], clean["found"]) == (True, False, False)
    runs = pd.DataFrame([found, missed, clean])
    table = study.summary(runs)
    assert table.loc[0, "found"] == 1
    assert table.loc[0, "seeds"] == 2
    rate = study.false_positives(runs)
    assert (rate.mean, rate.seeds) == (0.0, 1)
    assert rate.high == pytest.approx(0.975)  # one search without a find says little
    paths = draw(runs, BUDGET, rate, tmp_path, "prober")
    assert all(path.stat().st_size > 1_000 for path in paths)
