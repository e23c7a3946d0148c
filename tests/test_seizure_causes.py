"""Every forced closure has a cause: seizures of collateral, bites of synthetics, auctions, and what one bundle did to itself."""

import dataclasses
import math

import pandas as pd
import pytest

from agents.nature.gbm import GeometricBrownian
from agents.player import Send
from agents.roles.keeper import Keeper
from experiments.cascades.amplification import MEASURES, measured
from experiments.cascades.burden import LENDERS, deficits, positions
from experiments.cascades.causes import INTEREST, LIQUIDATION, OWN, SEIZURE, Forced, Revalued, Traded
from experiments.cascades.channels import CHANNELS
from experiments.cascades.episodes import by_cause, told
from experiments.cascades.marks import NATURE, Mark
from experiments.cascades.trees import clusters
from experiments.overrides import varied
from experiments.run import run
from experiments.scenario import find
from protocol.transactions import Bundle

CUT = {channel.name: channel.cut for channel in CHANNELS}
SHARED = dataclasses.replace(find("shared-collateral"), duration=1_440.0)
NAMES = ("lending-run", "toxic-spiral", "synthetic-peg", "token-margin", "black-thursday")
LAST = 11_400.0  # seconds, by when all of their closures are over
CLOSURES = (LIQUIDATION, SEIZURE)


def until_over(name):
    scenario = find(name)
    return dataclasses.replace(scenario, duration=min(scenario.duration, LAST))


@pytest.fixture(scope="module", params=NAMES)
def closing(request):
    return told(until_over(request.param))


@pytest.fixture(scope="module")
def shared():
    return told(SHARED)


def recorded(record):
    return record.events[record.events["kind"].isin(CLOSURES)]


def test_every_forced_closure_is_explained_and_told_as_it_was_recorded(closing):
    record, why = closing
    rows = recorded(record)
    assert len(why) == len(rows) > 0
    assert [one.kind for one in why] == rows["kind"].tolist()
    assert [one.number for one in why] == list(range(len(why)))
    assert [one.time for one in why] == pytest.approx(rows["time"].tolist())
    assert [one.account for one in why] == [numbers["account"] for numbers in rows["numbers"]]
    assert [one.notional for one in why] == pytest.approx([numbers["notional"] for numbers in rows["numbers"]])
    for one in why:
        assert one.fall < 0
        assert one.entry <= one.healthy <= one.time
        assert math.fsum(one.since_healthy.values()) == pytest.approx(one.fall)
        assert all(parent < one.number for parent in one.parents())


def test_what_prices_did_not_do_is_next_to_nothing_of_borrowers_who_did_not_trade(closing):
    """Collateral, debts and interest are priced exactly, also of who was seized before and is still below."""
    share = by_cause([closing.why])
    assert share.get(OWN, 0.0) < 2e-3
    assert sum(share.values()) == pytest.approx(1.0)


def test_who_is_pushed_below_within_one_deed_fell_by_its_sender():
    spiral = told(find("toxic-spiral"))
    assert spiral.why
    assert all(next(iter(one.since_healthy)) == Traded("attacker", True) for one in spiral.why)


def test_looking_at_loans_and_synthetics_changes_nothing():
    for name in ("synthetic-peg", "token-margin"):
        short = dataclasses.replace(find(name), duration=3_600.0)
        assert told(short).record.digest == run(short).digest


def test_interest_is_a_cause_of_whoever_owes():
    run_on = told(until_over("lending-run"))
    assert any(one.since_entry.get(INTEREST, 0.0) < 0 for one in run_on.why)
    assert all(one.since_healthy.get(NATURE, 0.0) < 0 for one in run_on.why)


def test_a_seizure_beyond_the_frontier_leads_to_the_next_one_of_the_same_account():
    """At a spread of 30 % what is seized takes more than it repays: 1 / 1.3 is below the threshold of 0.9."""
    harsh = varied(until_over("lending-run"), {"world.exchanges.lend.seizure.spread": 0.3})
    why = told(harsh).why
    led = [(one, parent) for one in why for parent in one.parents() if why[parent].account == one.account]
    assert led
    assert all(why[parent].kind == SEIZURE and why[parent].time <= one.time for one, parent in led)
    assert max(one.depth for one in clusters(why)) >= 1
    mild = told(until_over("lending-run")).why
    assert not any(mild[parent].account == one.account for one in mild for parent in one.parents())


def test_seizures_of_shared_collateral_are_those_of_shares_and_go_back_to_the_marks_of_the_vault_behind(shared):
    seized = [one for one in shared.why if one.kind == SEIZURE]
    assert len(seized) > 5
    assert {one.market for one in seized} == {"beta.alpha.share"}
    found = by_cause([seized])
    assert found["trades of attacker (attack)"] > 0.9  # it pushed alpha's index; beta's looks at another venue
    assert any(isinstance(cause, Revalued) for one in seized for cause in one.since_healthy)


def test_seizures_are_measured_and_with_shares_as_at_the_start_there_are_none(shared):
    assert {"seizures", "seized"} <= set(MEASURES)
    whole, apart = measured(SHARED), measured(CUT["collateral"](SHARED))
    rows = shared.record.events.loc[shared.record.events["kind"] == "seizure", "numbers"]
    assert whole["seizures"] == whole["beta.seizures"] == len(rows) > 5
    assert whole["seized"] == pytest.approx(sum(one["notional"] for one in rows))
    assert apart["seizures"] == apart["seized"] == 0.0


def test_burdens_count_what_was_seized_and_what_lenders_wrote_off(shared):
    record = shared.record
    went, paid = positions(record.events), deficits(record.events)
    metrics = pd.Series(record.metrics)
    total = sum(metrics[f"{name}.{what}"] for name in ("alpha", "beta") for what in ("liquidated", "seized"))
    assert sum(went.values()) == pytest.approx(total)
    assert went["seized by seizer"] == pytest.approx(metrics["beta.seized"])
    rows = record.events.loc[record.events["kind"] == "seizure", "numbers"]
    assert paid[LENDERS] == pytest.approx(sum(one["lost"] for one in rows))
    assert (
        0.9 * metrics["beta.written_off"] < paid[LENDERS] <= metrics["beta.written_off"]
    )  # liquidations write off some


def test_a_bite_that_leaves_debt_is_told_in_cash_and_counts_as_written_off():
    deep = varied(until_over("synthetic-peg"), {"nature.jump_mean": -0.25})
    record, why = told(deep)
    lost = [one for one in why if one.deficit > 0]
    assert lost
    assert sum(one.deficit for one in why) == pytest.approx(record.metrics["mint.written_off"], rel=0.05)


# Several in one deed


def test_what_one_deed_moved_is_shared_by_its_closures_in_proportion():
    mark = Mark(100.0, 100.0, 100.0, follows=True)
    mark.split(121.0, {"a": 3.0, "b": 1.0})
    assert mark.of_mid["a"] == pytest.approx(0.75 * math.log(1.21))
    assert mark.of_mid["b"] == pytest.approx(0.25 * math.log(1.21))
    assert mark.mid == math.log(121.0)
    mark.split(100.0, {"c": 0.0, "d": 0.0})
    assert mark.of_mid["c"] == pytest.approx(mark.of_mid["d"])
    assert math.fsum(mark.of_mid.values()) == pytest.approx(mark.mid)


@dataclasses.dataclass(frozen=True)
class Sweeper(Keeper):
    """A keeper that closes all it can see in one bundle."""

    def act(self, me, view):
        sends = [one for one in super().act(me, view) if isinstance(one, Send)]
        if sends:
            yield me.send(Bundle(me.account, tuple(one.transaction for one in sends)), sends[0].tip)


def test_every_closure_of_a_bundle_is_a_cause_of_what_comes_after_it():
    rough = dataclasses.replace(
        find("leveraged-crash"), nature=GeometricBrownian(volatility=(20.0,)), duration=1_800.0, seed=1
    )
    cast = tuple(Sweeper(role.name, role.count) if isinstance(role, Keeper) else role for role in rough.cast)
    why = told(dataclasses.replace(rough, cast=cast)).why
    times = [one.time for one in why]
    bundled = {one.number for one in why if times.count(one.time) > 1 and one.notional > 0}
    assert len(bundled) > 3
    parents = {cause.number for one in why for cause in one.since_healthy if isinstance(cause, Forced)}
    firsts = {number for number in bundled if number + 1 in bundled and times[number] == times[number + 1]}
    assert len(firsts & parents) > len(firsts) / 2  # not the last of each bundle alone
