"""A range that is written down is read alike wherever it is asked for."""

from __future__ import annotations

import dataclasses

import pytest

from experiments.audit.levers import given
from experiments.axes.written import bound_of
from experiments.scenario import find
from experiments.search import attacker, space
from experiments.shapes import Mistakes

PUSH = dataclasses.replace(find("oracle-push"), duration=9_000.0)
MINE = ("60:600", "60:600:log")
WRONG = ("60", "60:", ":600", "a:b", "600:60", "60:600:cubic", "0:600:log")


@pytest.mark.parametrize("text", MINE)
def test_a_lever_and_a_setting_of_an_attacker_are_read_to_the_same_range(text: str) -> None:
    (lever,) = given(PUSH, [f"oracle.window={text}"])
    scenario, role = attacker(PUSH, "attacker")
    (setting,) = space(scenario, role, [f"capital={text}"])
    assert (lever.low, lever.high, lever.scale) == (setting.low, setting.high, setting.scale)


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_with_one_is_wrong_with_the_other_in_the_same_words(text: str) -> None:
    scenario, role = attacker(PUSH, "attacker")
    with pytest.raises(Mistakes) as of_lever:
        given(PUSH, [f"oracle.window={text}"])
    with pytest.raises(Mistakes) as of_setting:
        space(scenario, role, [f"capital={text}"])
    first, second = of_lever.value.lines[0].split(": ", 1)[1], of_setting.value.lines[0].split(": ", 1)[1]
    assert first.partition("with")[0] == second.partition("with")[0].replace("FIELD", "PATH")


def test_what_is_given_twice_is_told_and_scales_are_those_that_are_named() -> None:
    with pytest.raises(Mistakes, match="given twice"):
        given(PUSH, ["oracle.window=60:600", "oracle.window=60:700"])
    assert bound_of("x=1:4:whole", "x", "x", "X", ("log", "whole")).counted
    with pytest.raises(Mistakes, match="must be X=LOW:HIGH, with :log or :whole if you like"):
        bound_of("x=1:4:choice", "x", "x", "X", ("log", "whole"))
