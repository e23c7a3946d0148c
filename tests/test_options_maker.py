"""The options maker: quotes around what its own volatility says, leaning against its vega, and delta taken out."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from agents.game import Game
from agents.roles.insured import Insured
from agents.roles.options_maker import OptionsMaker
from agents.roles.reporter import Reporter
from agents.view import View
from experiments.run import build
from experiments.scenario import find
from protocol import exchange, surface
from protocol.units import to_units_down
from protocol.venues.order_book import OrderBook


def opened(blocks: int = 3, **changes: Any) -> Game:
    """The bundled world with nobody but the maker and the reporters, after some blocks."""
    cast = (Reporter(count=5), OptionsMaker(name="quoter", **changes))
    game = build(dataclasses.replace(find("options-vault"), cast=cast))
    for _ in range(blocks):
        game.step()
    return game


def seen(game: Game) -> View:
    tick = int(game.state.time / game.tick)
    return View(game, game.state, game.state.time, tick, game.state.time, game.state.time + 3.0)


def test_it_quotes_both_sides_of_every_option_on_a_book_around_its_mark() -> None:
    game = opened()
    quoter = game.players[-1]
    books = [m for m in game.state.listings[0] if isinstance(game.state.market(m).venue, OrderBook)]
    assert len(books) == 3
    for listing in books:
        venue: Any = game.state.market(listing).venue
        (bid, _), (ask, _) = (side[0] for side in venue.depth(game.state, listing, 1))
        option: Any = game.state.market(listing).instrument
        greeks = option.greeks(game.state, listing, seen(game).reference("ETH"))
        assert bid < greeks.value < ask
        assert ask - bid > 2 * quoter.role.edge * greeks.vega  # type: ignore[attr-defined]
        assert ask - bid < 5 * quoter.role.edge * greeks.vega  # type: ignore[attr-defined]


def test_volatility_it_is_long_of_gets_cheaper_and_the_surface_follows() -> None:
    game = opened(lean=1e-4)
    quoter = game.players[-1]
    role: Any = quoter.role
    short, _ = role._believed(quoter, seen(game), -1_000.0)
    long, _ = role._believed(quoter, seen(game), 1_000.0)
    assert float((short - long).mean()) == pytest.approx(0.2, rel=0.01)
    house, listing = game.state.houses[0], game.listing("ETH-2000-C-DAY")
    before = float(game.state.tables[surface.path(house, "ETH")].mean())
    venue: Any = game.state.market(listing).venue
    taker = game.open("taker", 1e6, 0.0)
    exchange.deposit(game.state, house, taker, to_units_down(1e6, 10**6))
    exchange.trade(game.state, listing, taker, -5 * 10**8)  # the maker is long five calls now
    bid = venue.depth(game.state, listing, 1)[0]
    assert not bid
    for _ in range(2):
        game.step()
    assert float(game.state.tables[surface.path(house, "ETH")].mean()) < before
    assert venue.depth(game.state, listing, 1)[0]


def test_delta_beyond_the_band_is_taken_out_through_the_perpetual() -> None:
    for band, hedged in ((0.5, True), (50.0, False)):
        game = opened(band=band)
        quoter, house = game.players[-1], game.state.houses[0]
        taker = game.open("taker", 1e6, 0.0)
        exchange.deposit(game.state, house, taker, to_units_down(1e6, 10**6))
        perp, listing = game.listing("ETH-PERP"), game.listing("ETH-2000-C-DAY")
        mid = seen(game).mid(perp)
        exchange.trade(game.state, listing, taker, 5 * 10**8)  # the maker is short five calls: short delta
        game.step()
        held = int(game.state.ledger.balance[perp.size, quoter.account]) / 10**8
        assert (1.0 < held < 5.0) == hedged
        assert (seen(game).mid(perp) > mid) == hedged


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"market": "ETH-FUT"}, "market = 'ETH-FUT': an OptionsMaker hedges through a Perpetual"),
        ({"edge": 0.0}, "edge = 0.0: must be above 0 per root year"),
        ({"belief": 2.0}, "belief = 2.0: must be 0 to 1, a weight"),
    ],
)
def test_it_refuses_what_it_cannot_work_with(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        opened(**changes)


def test_it_refuses_an_exchange_without_a_book_of_options() -> None:
    with pytest.raises(ValueError, match="needs an option on ETH on an OrderBook"):
        build(dataclasses.replace(find("maker-book"), cast=(OptionsMaker(),)))


def test_the_insured_pay_for_cover_by_what_it_is() -> None:
    scenario = find("options-vault")
    game = build(dataclasses.replace(scenario, cast=(Reporter(count=5), Insured(base=20.0))))
    for _ in range(3):
        game.step()
    listing, insured = game.listing("ETH-1990-P"), game.players[-1]
    assert game.state.ledger.balance[listing.size, insured.account] == 20 * 10**8
    assert game.state.ledger.balance[listing.quote, insured.account] < 0
    assert np.count_nonzero([event.kind == "cover" for event in game.recorder.events]) == 1
    with pytest.raises(ValueError, match="most = 1.5: must be above 0 to below 1"):
        Insured(most=1.5)
