"""What every attack promises, whatever it wants: found by walking the package of attacks."""

import importlib

import pytest

from agents.attacks.base import Attack
from agents.demand import OutsideDemand
from agents.game import Game
from agents.nature.gbm import GeometricBrownian
from agents.nature.reference import ReferenceVenue
from experiments.codec import variants
from experiments.scenario import bundled, find
from protocol.genesis import genesis
from protocol.world import Exchange, Market, World

KINDS = [pytest.param(kind, id=name) for name, kind in variants(Attack).items()]


def surfaces(kind):
    """Bundled scenarios, and what the attack says of each market."""
    for name in bundled():
        scenario = find(name)
        state = genesis(scenario.world, dict.fromkeys(scenario.nature.assets, 2_000.0))
        for listing in state.markets:
            yield name, listing.name, kind().surface(state, listing)


@pytest.mark.parametrize("kind", KINDS)
def test_an_attack_finds_a_surface_in_some_bundled_scenario_and_says_what_others_lack(kind):
    said = {text for _, _, text in surfaces(kind)}
    assert "" in said, "no bundled scenario can be attacked so"
    assert said - {""}, "an attack that every market can suffer says nothing of any"
    assert all(len(text) <= 80 and "\n" not in text for text in said)


@pytest.mark.parametrize("kind", KINDS)
def test_an_attack_documents_what_it_lives_on_and_what_stops_it(kind):
    text = importlib.import_module(kind.__module__).__doc__ or ""
    assert len(text.strip().splitlines()) >= 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("field", "value"), [("least_profit", float("nan")), ("caution", 0.5), ("ponder", 0.0), ("capital", -1.0)]
)
def test_an_attack_refuses_settings_without_sense(kind, field, value):
    with pytest.raises(ValueError, match=rf"{field} = {value}: must be "):
        kind(**{field: value})


@pytest.mark.parametrize("kind", KINDS)
def test_an_attack_in_a_market_without_a_surface_stays_at_home_says_why_and_loses_nothing(kind):
    attack = kind()
    game = Game(
        World(exchanges=(Exchange(markets=(Market(),)),)),
        (attack,),
        GeometricBrownian(),
        [ReferenceVenue()],
        seed=1,
        duration=240.0,
        outside=OutsideDemand(load=0.0),
    )
    lacks = attack.surface(game.state, game.listing())
    if not lacks:
        pytest.skip("the plainest market can be attacked so")
    game.play()
    told = [event for event in game.recorder.events if event.kind.startswith("attack")]
    assert [event.kind for event in told] == ["attack declined"] * len(told)
    assert told
    assert told[0].numbers["why"] == lacks
