"""Every variant of every family is part of a bundled scenario: what nobody can play is not there."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

import agents
import protocol
from agents.player import Role
from experiments.codec import variants
from experiments.run import build, release, run
from experiments.scenario import bundled, find
from experiments.shapes import is_family
from protocol.hedging import Hedging, VegaBand
from protocol.margins.base import Margin
from protocol.oracles.base import Oracle
from protocol.venues.base import Venue


@cache
def families() -> dict[str, type]:
    """Every family base of the machine and of the players, by name, found by walking both packages."""
    found = {}
    for package in (protocol, agents):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(info.name)
            for name, cls in inspect.getmembers(module, inspect.isclass):
                if cls.__module__ == info.name and is_family(cls):
                    found[name] = cls
    return found


def parts(value: Any) -> Iterator[type]:
    """The classes of everything that a scenario is made of."""
    if dataclasses.is_dataclass(value):
        yield type(value)
        for field in dataclasses.fields(value):
            yield from parts(getattr(value, field.name))
    elif isinstance(value, tuple):
        for one in value:
            yield from parts(one)


@cache
def played() -> frozenset[type]:
    """The classes of everything that some bundled scenario is made of."""
    return frozenset(cls for name in bundled() for cls in parts(find(name)))


def test_the_walk_finds_the_families() -> None:
    assert {Venue, Oracle, Margin, Hedging, Role} <= set(families().values())
    assert len(families()) > 15
    assert all(variants(family) for family in families().values())


@pytest.mark.parametrize("family", sorted(families()))
def test_every_variant_is_part_of_a_bundled_scenario(family: str) -> None:
    assert [name for name, kind in variants(families()[family]).items() if kind not in played()] == []


def test_a_variant_that_no_scenario_has_would_be_noticed() -> None:
    @dataclasses.dataclass(frozen=True)
    class Unplayed(VegaBand):
        """A test's own."""

    assert Unplayed not in played() and VegaBand in played()


# ---------------------------------------------------------------------- what the smallest of them show


def test_who_comes_first_is_served_first_where_an_auction_goes_by_time() -> None:
    scenario = find("first-come")
    game = build(scenario)
    listing = game.listing()
    seats = {name: int(game.state.ledger.of_group([name])[0]) for name in ("near", "far")}
    traded, before = dict.fromkeys(seats, 0), dict.fromkeys(seats, 0)
    while game.state.time < scenario.duration:
        game.step()
        for name, account in seats.items():
            now = int(game.state.ledger.balance[listing.size, account])
            traded[name] += abs(now - before[name])
            before[name] = now
    release(game)
    assert traded["near"] > 1.15 * traded["far"] > 0


def test_on_a_strict_book_makers_are_held_up_by_their_own_quotes() -> None:
    record = run(find("strict-book"))
    reverts = [one["why"] for one in record.events.loc[record.events["kind"] == "reverted", "numbers"]]
    assert reverts.count("SelfTrade") > 3
    assert record.metrics["dex.ETH-USD.fills"] > 200


def test_a_vault_that_hedges_its_vega_buys_options_of_makers() -> None:
    record = run(find("vega-vault"))
    paid = record.flows.loc[record.flows["source"] == "vault"].groupby(["reason", "target"])["cash"].sum()
    assert paid["hedging", "hedger"] >= 5.0
    assert record.blocks["dex.ETH-2000-C-DAY.fills"].sum() + record.blocks["dex.ETH-1950-P-DAY.fills"].sum() > 10
