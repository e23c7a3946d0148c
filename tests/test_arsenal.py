"""The arsenal tells what pays from what does not, who paid, and which rule stops it at what cost to honest users."""

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import ClassVar

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from agents.attacks.oracle_push import OraclePush
from agents.attacks.stale_sniper import StaleSniper
from agents.roles.reporter import Reporter
from experiments import cli
from experiments.arsenal import report
from experiments.arsenal.campaign import campaign
from experiments.arsenal.seating import attacked, benign, seat
from experiments.arsenal.trials import ATTACKER, Trial, play
from experiments.arsenal.verdict import Cost, cheapest, cost_of
from experiments.codec import Mistakes
from experiments.defences.base import Defence, each_market
from experiments.defences.longer_window import LongerWindow
from experiments.figures import attack_matrix
from experiments.scenario import find

SHORT = dataclasses.replace(find("oracle-push"), duration=600.0)


@dataclass(frozen=True)
class NoTrade(Defence):
    """Stops trade, and with it the attack."""

    answers: ClassVar = ("OraclePush",)

    def applied(self, world):
        return each_market(
            world,
            lambda _, market: (
                dataclasses.replace(market, open_interest_cap=1.0) if market.instrument.claims() else None
            ),
        )


@dataclass(frozen=True)
class Nowhere(Defence):
    """Has no place in any world."""

    def applied(self, world):
        return None


@pytest.fixture(scope="module")
def found():
    kinds = {"OraclePush": OraclePush, "StaleSniper": StaleSniper}
    rules = {"LongerWindow": LongerWindow(), "NoTrade": NoTrade(), "Nowhere": Nowhere()}
    return campaign(SHORT, kinds, rules, (1, 2, 3), workers=1)


def test_a_push_of_a_short_window_pays_and_providers_pay_for_it(found):
    push = found.bare("OraclePush")
    assert push.pays
    assert push.attacked.mean == 1.0
    assert next(iter(push.victims)) == "providers"
    assert push.damage.low > 0
    assert push.succeeded.mean == 1.0
    assert 0 < push.stake <= 1e7
    assert push.gain_on_stake == pytest.approx(push.profit.mean / push.stake)


def test_a_window_twenty_times_as_long_stops_it_and_keeps_honest_trade(found):
    cells = {one.defence: one for one in found.cells if one.attack == "OraclePush"}
    assert cells["LongerWindow"].stopped
    assert found.costs["LongerWindow"].counts
    assert found.best("OraclePush") == "LongerWindow"


def test_stopping_trade_is_no_defence(found):
    cells = {one.defence: one for one in found.cells if one.attack == "OraclePush"}
    assert cells["NoTrade"].stopped
    assert not found.costs["NoTrade"].counts
    assert cheapest([cells["NoTrade"]], found.costs) == ""


def test_a_defence_without_a_place_is_told_and_not_tried(found):
    assert set(found.misfits) == {"Nowhere"}
    assert "Nowhere" not in found.costs


def test_defences_are_tried_against_what_pays_alone(found):
    pays = {one.attack for one in found.cells if not one.defence and one.pays}
    assert {one.attack for one in found.cells if one.defence} == pays


def test_of_those_that_stop_it_the_one_that_costs_honest_users_least_is_chosen(found):
    push = next(one for one in found.cells if one.defence == "LongerWindow")
    others = [push._replace(defence=name) for name in ("a", "b", "c")]
    costs = {"a": Cost(0.9, 1.0, 0.0, 0.0), "b": Cost(0.95, 1.0, -0.01, 0.0), "c": Cost(0.95, 1.0, 0.0, 0.001)}
    assert cheapest(others, costs) == "c"
    assert cheapest([o._replace(stopped=o.defence != "c") for o in others], costs) == "b"


def test_a_defence_that_halves_honest_volume_is_seen_to(found):
    honest = [one for one in found.results if not one.attack and not one.defence]
    halved = [one._replace(volume=0.5 * one.volume) for one in honest]
    assert cost_of(honest, halved).volume == pytest.approx(0.5)
    assert not cost_of(honest, halved).counts


def test_an_attack_without_a_surface_is_told_what_is_lacking():
    book = find("maker-book")
    assert seat(OraclePush, book, {}).lacks == "no pool moves this index"


def test_an_attack_of_the_cast_keeps_its_settings_and_others_stand_where_most_is_traded():
    own = seat(OraclePush, SHORT, {})
    assert (own.attack.capital, own.attack.market, own.attack.name) == (10_000_000.0, "ETH-PERP", ATTACKER)
    assert seat(StaleSniper, SHORT, {"dex.ETH-USD": 5.0}).attack.market == "ETH-PERP"


def test_benign_is_without_attackers_and_attacked_has_one():
    assert [role for role in benign(SHORT).cast if isinstance(role, OraclePush)] == []
    cast = attacked(SHORT, StaleSniper(name=ATTACKER)).cast
    assert sum(role.label == ATTACKER for role in cast) == 1


def test_the_name_of_the_attacker_is_kept_free():
    with pytest.raises(Mistakes, match="that name is kept"):
        benign(dataclasses.replace(SHORT, cast=(Reporter(name=ATTACKER),)))


def test_an_attack_is_noticed_when_a_signal_passes_all_that_honest_runs_showed():
    attack = seat(OraclePush, SHORT, {}).attack
    loud = play(Trial("OraclePush", "", attacked(SHORT, attack)))
    deaf = play(Trial("OraclePush", "", attacked(SHORT, attack), tuple(s + 1.0 for s in loud.signals)))
    keen = play(Trial("OraclePush", "", attacked(SHORT, attack), tuple(0.0 for _ in loud.signals)))
    assert math.isnan(loud.noticed)
    assert math.isnan(deaf.noticed)
    assert 0.0 <= keen.noticed <= 60.0


def test_the_matrix_says_what_is_left_for_sure_and_marks_what_may_be_and_what_stops_trade(tmp_path, monkeypatch):
    cells = pd.DataFrame(
        {
            "attack": ["A", "A", "B", "B"],
            "defence": ["x", "y", "y", "z"],
            "left": [0.0, 0.9, 0.05, 0.0],
            "left low": [0.0, 0.8, -0.1, 0.0],
            "left high": [0.0, 1.0, 0.2, 0.0],
            "counts": [True, False, True, True],
            "best": [True, False, False, True],
        }
    )
    figures = []
    monkeypatch.setattr(attack_matrix, "save", lambda figure, *_: figures.append(figure) or [])
    attack_matrix.draw(cells, ["A", "C"], tmp_path, "matrix")
    attack_matrix.draw(cells[cells["defence"] != "y"], ["A", "C"], tmp_path, "matrix")
    (first, second) = figures
    axis = first.axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["A", "B", "C"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["x", "z", "y"]
    assert {text.get_text(): text.xyann for text in axis.texts} == {"90": (0, 2), "?": (1, 2)}
    assert [bool(patch.get_hatch()) for patch in axis.patches] == [False, True, False, False]
    assert [tuple(map(float, dot.get_xydata()[0])) for dot in axis.lines] == [(0.0, 0.0), (1.0, 1.0)]
    assert "stop\n2 of the 3 attacks" in first._suptitle.get_text()
    assert [len(figure.legends[0].get_texts()) for figure in figures] == [5, 4]
    for figure in figures:
        plt.close(figure)


def test_the_report_is_whole_and_plain(found):
    told = json.loads(report.to_json(found))
    assert [row["attack"] for row in told["attacks"]] == ["OraclePush", "StaleSniper"]
    assert told["not tried"] == {"Nowhere": "no place for it here, or in force already"}
    assert len({row["digest"] for row in told["digests"]}) >= 6


def test_the_command_prints_the_table_and_writes_the_matrix(tmp_path, capsys):
    words = ["attacks", "oracle-push", "--duration", "300", "--seeds", "3", "--workers", "1"]
    words += ["--attack", "OraclePush", "--defence", "LongerWindow"]
    assert cli.main([*words, "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "LongerWindow" in out
    assert (tmp_path / "out" / "attacks-oracle-push-matrix.png").exists()


def test_bad_wishes_are_refused_all_at_once(capsys):
    words = ["attacks", "oracle-push", "--seeds", "1", "--attack", "Oraclepush", "--defence", "Hope"]
    assert cli.main([*words, "--set", "capital=2"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert any("did you mean OraclePush" in line for line in lines)
