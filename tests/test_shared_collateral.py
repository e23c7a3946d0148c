"""Exchanges that take each other's tokens: counted as at the last sealed block, in a circle too; refused where there are none."""

from dataclasses import replace

import pytest
from machine import CASH, COIN, PRICE, Witness, exchange_for, tell

from protocol import exchange, laws
from protocol.appraisal import SEALED, Collateral, pledge_price, seal_prices, token_price
from protocol.genesis import genesis
from protocol.instruments.synthetic import Synthetic
from protocol.ledger import WORLD, Reason
from protocol.lending import LoanPool
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool
from protocol.world import Exchange, World

SHARE = 10**9


def house_of(name, *collateral, **changes):
    rules = exchange_for(OraclePool(), ConstantProduct(), collateral=collateral, **changes)
    return replace(rules, name=name)


def opened(*exchanges, stake=100_000):
    """A state of several exchanges, and two traders with cash, a stake deposited on each, and shares of each vault."""
    state = genesis(World(exchanges=exchanges), {"ETH": PRICE, "XAU": 100.0})
    first = state.ledger.open("traders", 2)
    for account in (first, first + 1):
        state.ledger.move(state.houses[0].token, WORLD, account, 1_000_000 * CASH, Reason.GENESIS)
        for house in state.houses:
            if stake:
                exchange.deposit(state, house, account, stake * CASH)
    tell(state, PRICE)
    state.finalise()
    return state, (first, first + 1)


def circle(stake=100_000, **changes):
    """Two exchanges, each of which takes the other's vault share and lends cash against it."""
    loans = (LoanPool(liquidity=500_000.0),)
    pair = [("a", "b.share"), ("b", "a.share")]
    return opened(*(house_of(name, Collateral(token, **changes), loans=loans) for name, token in pair), stake=stake)


def robbed(state, house, account, share=0.5):
    """Somebody walks off with a part of a vault."""
    units = int(share * state.ledger.balance[house.cash, house.vault])
    state.ledger.move(house.cash, house.vault, account, units, Reason.TRADE)


def test_a_share_of_another_exchange_counts_as_when_the_last_block_was_sealed():
    state, (trader, thief) = circle()
    a, _ = state.houses
    (seat,) = state.pledges[1]
    assert pledge_price(state, seat).value == pytest.approx(1.0)
    robbed(state, a, thief)
    assert pledge_price(state, seat).value == pytest.approx(1.0)
    assert token_price(state, a, a.share).value == pytest.approx(0.5)
    state.time += 12.0
    exchange.close_block(state)
    assert pledge_price(state, seat).value == pytest.approx(0.5)


def test_a_circle_of_collateral_is_borrowed_against_and_keeps_every_law():
    state, (trader, other) = circle(stake=0)
    witness = Witness(state)
    (of_a,), (of_b,) = state.pledges
    for house, seat, lender in ((0, of_b, state.lenders[1][0]), (1, of_a, state.lenders[0][0])):
        shares = witness.does(exchange.invest, trader, state.houses[house], trader, 200_000 * CASH)
        witness.does(exchange.pledge, trader, seat, trader, shares)
        witness.does(exchange.borrow, trader, lender, trader, 150_000 * CASH)
    assert witness.reached == {"invest": 2, "pledge": 2, "borrow": 2}
    robbed(state, state.houses[0], other)
    state.time += 12.0
    exchange.close_block(state)
    laws.check(state)
    done = witness.does(
        exchange.seize, other, state.houses[1], other, trader, state.houses[1].token, state.houses[0].share
    )
    assert done.taken > 0
    worth, needs = state.rules.exchanges[0].margin.standing(state, state.houses[0], 1, trader)
    assert worth > needs  # what is pledged on a, b's share, has lost nothing yet


def test_with_a_fixed_price_the_fall_of_another_vault_is_not_seen():
    state, (trader, thief) = circle(at=1.0)
    robbed(state, state.houses[0], thief)
    state.time += 12.0
    exchange.close_block(state)
    (seat,) = state.pledges[1]
    assert pledge_price(state, seat).value == 1.0
    assert token_price(state, state.houses[1], state.houses[0].share).value == pytest.approx(0.5)


def test_a_synthetic_and_a_loan_share_of_another_exchange_are_collateral_too():
    gold = replace(exchange_for(ConstantProduct()).markets[0], name="sXAU-USD", instrument=Synthetic(base="XAU"))
    issuer = Exchange("a", markets=(gold,), loans=(LoanPool(liquidity=1_000.0),))
    state, (trader, _) = opened(issuer, house_of("b", Collateral("sXAU"), Collateral("a.USD.supply")))
    tell(state, 100.0, state.listings[0][0])
    seal_prices(state)
    assert [pledge_price(state, seat).value for seat in state.pledges[1]] == pytest.approx([100.0, 1.0])
    state.ledger.move(state.listings[0][0].base, state.listings[0][0].desk, trader, COIN, Reason.TRADE)
    assert Witness(state).does(exchange.pledge, trader, state.pledges[1][0], trader, COIN) is None


def test_the_law_of_sealed_prices_sees_a_deed_that_moves_them():
    state, (trader, _) = circle()

    def hasty(state, house, account, units):
        exchange.donate(state, house, account, units)
        seal_prices(state)

    assert Witness(state).does(exchange.donate, trader, state.houses[0], trader, 500_000 * CASH) is None
    with pytest.raises(laws.LawBroken, match="sealed_prices_stand: hasty: sealed prices went from"):
        Witness(state).does(hasty, trader, state.houses[1], trader, 100_000 * CASH)


def test_one_exchange_alone_seals_nothing():
    assert SEALED not in opened(house_of("dex", Collateral("dex.share"), Collateral("ETH")))[0].tables


def test_accounts_of_several_exchanges_are_told_apart_and_of_one_are_not_renamed():
    state, _ = circle()
    assert {"a.vault", "b.vault", "a.founders", "b.lender"} <= set(state.ledger.groups)
    assert "vault" in opened(house_of("dex"))[0].ledger.groups


@pytest.mark.parametrize(
    ("exchanges", "words"),
    [
        ((house_of("a", Collateral("c.share")), house_of("b")), "exchanges.a.collateral.c.share: nobody issues it"),
        ((house_of("a", Collateral("b.share")), Exchange("b")), "exchanges.a.collateral.b.share: nobody issues it"),
        (
            (house_of("a", Collateral("b.share")), replace(house_of("b"), cash="EUR")),
            "exchanges.a.collateral.b.share: nothing prices it here; there are ETH, a.share",
        ),
        (
            tuple(
                Exchange(name, markets=(replace(exchange_for(ConstantProduct()).markets[0], instrument=Synthetic()),))
                for name in "ab"
            ),
            "exchanges: two of them issue sETH",
        ),
    ],
)
def test_a_token_that_nobody_issues_is_refused_by_name(exchanges, words):
    with pytest.raises(ValueError, match=words):
        World(exchanges=exchanges)


def test_a_fixed_price_is_above_zero():
    with pytest.raises(ValueError, match=r"at = 0\.0: must be above 0 cash coins"):
        Collateral("ETH", at=0.0)
