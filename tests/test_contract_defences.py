"""What every defence promises, whatever its rule: found by walking the package of defences."""

import dataclasses
import importlib

import pytest

from agents.attacks.base import Attack
from experiments.codec import dumps, loads, variants
from experiments.defences.base import Defence
from experiments.scenario import Scenario, bundled, find

KINDS = [pytest.param(kind, id=name) for name, kind in variants(Defence).items()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_defence_answers_attacks_that_there_are(kind):
    assert kind.answers
    assert set(kind.answers) <= set(variants(Attack))


@pytest.mark.parametrize("kind", KINDS)
def test_a_defence_says_what_it_costs(kind):
    text = importlib.import_module(kind.__module__).__doc__ or ""
    assert "cost" in text.lower()


@pytest.mark.parametrize("kind", KINDS)
def test_a_defence_changes_some_bundled_world_into_another_that_can_be_written_down(kind):
    changed = 0
    for name in bundled():
        scenario = find(name)
        try:
            world = kind().applied(scenario.world)
        except ValueError:
            continue  # the parts do not go together; the arsenal says so
        if world is None:
            continue
        assert world != scenario.world, name
        defended = dataclasses.replace(scenario, world=world)
        assert loads(Scenario, dumps(defended)) == defended, name
        changed += 1
    assert changed, "no bundled world has a place for it"


@pytest.mark.parametrize("kind", KINDS)
def test_a_defence_refuses_settings_below_nothing_by_name(kind):
    for field in dataclasses.fields(kind):
        if isinstance(field.default, float) and field.default > 0:
            with pytest.raises(ValueError, match=rf"^{field.name} = -1\.0: "):
                kind(**{field.name: -1.0})
