"""Scenarios with seats to learn on."""

from __future__ import annotations

import dataclasses

from agents.crowds.noise import NoiseCrowd
from agents.roles.keeper import Keeper
from experiments.learning.bidding import KeeperSeat
from experiments.learning.pushing import PusherSeat
from experiments.learning.quoting import MakerSeat
from experiments.overrides import vary
from experiments.scenario import Scenario, find
from protocol.instruments.perpetual import Perpetual
from protocol.venues.order_book import OrderBook
from protocol.world import Market


def three_seats(duration: float = 1_800.0) -> Scenario:
    """`oracle-push` in a storm, with a book beside the pool: an attacker's, a keeper's and a maker's seat.

    They meet: what the attacker does to the index liquidates traders, whom keepers close, and moves what the book is margined at.
    """
    scenario = find("oracle-push")
    for path, value in {"nature.volatility": (1.5,), "cast.leveraged.leverage": 9.0}.items():
        scenario = vary(scenario, path, value)
    [exchange] = scenario.world.exchanges
    push, pool = exchange.markets
    book = Market(name="ETH-BOOK", instrument=Perpetual(), oracle=push.oracle, venue=OrderBook(), fee=push.fee)
    world = dataclasses.replace(scenario.world, exchanges=(dataclasses.replace(exchange, markets=(push, pool, book)),))
    cast = (
        *(role for role in scenario.cast if role.label != "attacker"),
        NoiseCrowd(name="takers", market=book.name, count=50, capital=5_000.0, activity=240.0),
        PusherSeat(name="attacker", market=push.name),
        KeeperSeat(name="bidder"),
        MakerSeat(name="maker", market=book.name),
    )
    return dataclasses.replace(scenario, name="three-seats", world=world, cast=cast, duration=duration)


def bidding(rival: float = 0.3, duration: float = 900.0) -> Scenario:
    """A falling `leveraged-crash`: a keeper's seat, and a keeper who bids the share `rival` of every prize."""
    scenario = find("leveraged-crash")
    keepers = (Keeper(name="rival", bid_share=rival), KeeperSeat(name="bidder"))
    cast = (*(role for role in scenario.cast if role.label != "keeper"), *keepers)
    scenario = dataclasses.replace(scenario, name="bidding", cast=cast, duration=duration)
    for path, value in {
        "nature.drift": (-4_000.0,),
        "nature.intensity": (8_000.0,),
        "exchange.losses": [{"kind": "Insurance"}],
        "exchange.insurance": 1e6,
    }.items():
        scenario = vary(scenario, path, value)
    return scenario
