"""A reserve is paid for by both sides, by how much of the pool it takes, and by nobody who is not there when it is charged."""

from __future__ import annotations

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, exchange_for, market_for, open_world, tell

from experiments.run import run
from experiments.scenario import find
from protocol import exchange, laws
from protocol.funding.base import Charged
from protocol.funding.borrowing import Borrowing, growth, owed, whole_intervals
from protocol.funding.unfunded import Unfunded
from protocol.ledger import Reason
from protocol.state import Listing, State
from protocol.vault import Vault
from protocol.venues.base import Venue
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.order_book import OrderBook
from protocol.venues.virtual_amm import VirtualAmm

HOUR = 3_600.0


def opened(factor: float = 0.001) -> tuple[State, Listing, list[int]]:
    """A pool of a million, longs of 200,000 and shorts of 50,000 against it, half an hour before the first charge."""
    market = market_for(OraclePool(spread=0.0, skew_scale=1e12), name="m0", funding=Borrowing(factor=factor), fee=0.0)
    state, traders = open_world(exchange_for(OraclePool(), markets=(market,), vault=Vault(liquidity=1e6)))
    listing = state.listings[0][0]
    exchange.trade(state, listing, traders[0], 100 * COIN)
    exchange.trade(state, listing, traders[1], -25 * COIN)
    later(state, HOUR / 2)
    return state, listing, traders


def later(state: State, seconds: float) -> None:
    state.time += seconds
    tell(state, PRICE)
    exchange.close_block(state)


def cash(state: State, account: int) -> int:
    return int(state.ledger.balance[state.houses[0].cash, account])


def test_both_sides_pay_the_pool_by_how_much_of_it_is_reserved() -> None:
    state, listing, traders = opened()
    before, mark = [cash(state, who) for who in traders], state.ledger.mark()
    later(state, HOUR / 2)
    paid = [was - cash(state, who) for was, who in zip(before, traders, strict=True)]
    share = 0.001 * 250_000 / 1_000_000
    assert paid == pytest.approx([200_000 * share * CASH, 50_000 * share * CASH, 0, 0], abs=1)
    moves = state.ledger.moves_since(mark)
    fees = moves[moves[:, 4] == int(Reason.FEE)]
    assert set(fees[:, 2].tolist()) == {listing.desk} == {state.houses[0].vault}
    assert int(fees[:, 3].sum()) == sum(paid)
    laws.check(state)


def test_positions_in_another_market_on_the_same_vault_make_it_dearer() -> None:
    def paid(beside: float) -> int:
        state, (trader, other, *_) = open_world(
            exchange_for(
                markets=tuple(
                    market_for(OraclePool(spread=0.0, skew_scale=1e12), name=name, funding=funding, fee=0.0)
                    for name, funding in (("m0", Borrowing(factor=0.001)), ("m1", Unfunded()))
                ),
                vault=Vault(liquidity=1e6),
            )
        )
        for listing, account, coins in zip(
            state.listings[0], (trader, other), (100_000 / PRICE, beside / PRICE), strict=True
        ):
            if coins:
                exchange.trade(state, listing, account, int(coins * COIN))
        before = cash(state, trader)
        later(state, HOUR)
        return before - cash(state, trader)

    assert paid(0.0) == pytest.approx(10 * CASH, abs=1)  # a tenth of the vault, at a thousandth
    assert paid(400_000.0) == pytest.approx(5 * paid(0.0), abs=5)


def test_nothing_is_charged_within_an_interval_and_each_of_three_is_charged() -> None:
    once, _, (trader, *_) = opened()
    before = cash(once, trader)
    later(once, HOUR / 2 - 1.0)
    assert cash(once, trader) == before
    later(once, 1.0)
    each = before - cash(once, trader)
    state, _, _ = opened()
    later(state, 2.5 * HOUR)
    assert before - cash(state, trader) == pytest.approx(3 * each, abs=3)


def test_who_comes_and_goes_between_two_charges_pays_nothing() -> None:
    state, listing, traders = opened()
    before = cash(state, traders[2])
    exchange.trade(state, listing, traders[2], 10 * COIN)
    later(state, HOUR / 2 - 1.0)
    exchange.trade(state, listing, traders[2], -10 * COIN)
    later(state, HOUR)
    assert before - cash(state, traders[2]) <= 1  # what rounding took


def test_no_more_than_all_of_the_pool_is_reserved() -> None:
    state, _, (trader, *_) = opened()
    vault, house = state.houses[0].vault, state.houses[0]
    state.ledger.move(house.cash, vault, house.insurance, 990_000 * CASH, Reason.GIFT)
    before = cash(state, trader)
    later(state, HOUR / 2)
    assert before - cash(state, trader) == pytest.approx(200 * CASH, abs=1)


def test_the_formulas_on_whole_numbers_are_those_of_floats() -> None:
    assert whole_intervals(7_300, 3_600, 3_600) == (1, 7_200)
    assert whole_intervals(7_199, 3_600, 3_600) == (0, 3_600)
    assert growth(600, 10**20, 3, 10**21) == 180 == growth(600.0, 1e20, 3.0, 1e21)
    assert growth(600, 10, 3, 0) == 0
    assert owed(10**30 + 7, 180, 10**6) == 180 * 10**24


@pytest.mark.parametrize(("name", "value"), [("factor", -1e-9), ("interval", 0.0), ("interval", np.inf)])
def test_a_fee_that_pays_and_an_interval_that_is_none_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} = "):
        Borrowing(**{name: value})


@pytest.mark.parametrize("venue", [VirtualAmm(), OrderBook()])
def test_a_venue_without_a_vault_has_nothing_to_charge_for(venue: Venue) -> None:
    with pytest.raises(
        ValueError, match=f"funding = Borrowing: must stand with .*; {type(venue).__name__} has no vault"
    ):
        market_for(venue, funding=Borrowing())


def test_in_the_game_both_sides_pay_each_hour_and_the_vault_takes_over_who_cannot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right, sides = Borrowing.charges, list[float]()

    def noted(self: Borrowing, state: State, listing: Listing) -> Charged:
        charged = right(self, state, listing)
        sides.extend(np.sign(state.ledger.balance[listing.size, charged.account[charged.units > 0]]).tolist())
        return charged

    monkeypatch.setattr(Borrowing, "charges", noted)
    record = run(find("reserve-fee"))
    assert min(sides.count(1), sides.count(-1)) > 20
    told = record.events.loc[record.events["kind"] == "liquidation", "numbers"].tolist()
    assert {one["taker"] for one in told} == {"", "vault"}
