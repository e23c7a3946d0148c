"""Synthetics: minted against more than they are worth, converted at the index, bitten below the least ratio."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Told, Witness, market_for, tell

from experiments.run import run
from experiments.scenario import find
from protocol import errors, exchange, issuing, laws
from protocol.genesis import genesis
from protocol.instruments.synthetic import Synthetic
from protocol.ledger import WORLD, Reason
from protocol.oracles.base import Report
from protocol.state import Issue, State
from protocol.units import SECONDS_PER_YEAR
from protocol.venues.constant_product import ConstantProduct
from protocol.world import Exchange, World

GOLD = 2_500.0


def opened(liquidity: float = 100_000.0, **changes: Any) -> tuple[State, list[int], Issue, Witness]:
    """Gold that ETH stands behind, a pool for each, and four traders with both kinds of money."""
    settings: dict[str, Any] = {"collateral": "ETH", "stability_fee": 0.0, **changes}
    rules = Exchange(
        markets=(
            market_for(ConstantProduct(liquidity=1e6), name="ETH-USD"),
            market_for(ConstantProduct(liquidity=liquidity), name="sXAU-USD", instrument=Synthetic("XAU", **settings)),
        )
    )
    state = genesis(World(exchanges=(rules,)), {"ETH": PRICE, "XAU": GOLD})
    first = state.ledger.open("traders", 4)
    for account in range(first, first + 4):
        state.ledger.move(state.houses[0].token, WORLD, account, 1_000_000 * CASH, Reason.GENESIS)
        state.ledger.move(state.listings[0][0].base, WORLD, account, 1_000 * COIN, Reason.GENESIS)
    say(state, PRICE, GOLD)
    state.finalise()
    laws.check(state)
    return state, list(range(first, first + 4)), state.issues[0][0], Witness(state)


def say(state: State, ether: float, gold: float) -> None:
    for listing, price in zip(state.listings[0], (ether, gold), strict=True):
        tell(state, price, listing)


def test_the_pool_opens_with_tokens_that_the_founders_owe() -> None:
    state, _, issue, _ = opened()
    supply = issuing.supply_of(state, issue)
    assert supply == 40 * COIN == state.ledger.balance[issue.listing.base, issue.listing.desk]
    founder = int(np.flatnonzero(state.ledger.balance[issue.debt] < 0)[0])
    assert issuing.ratio(state, issue, founder) == pytest.approx(issuing.SEED_RATIO)
    assert state.ledger.groups[state.ledger.group[founder]] == "founders"


def test_units_are_minted_up_to_the_opening_ratio_and_no_further() -> None:
    state, (trader, *_), issue, witness = opened()
    witness.does(exchange.lock, trader, issue, trader, 15 * COIN)  # 30,000 of ETH: eight units of gold at 1.5
    assert witness.does(exchange.mint, trader, issue, trader, 8 * COIN) == 8 * COIN
    assert isinstance(witness.does(exchange.mint, trader, issue, trader, 1), errors.UnderCollateralised)
    assert isinstance(witness.does(exchange.unlock, trader, issue, trader, 10), errors.UnderCollateralised)
    assert witness.does(exchange.burn, trader, issue, trader, 10**15) == 8 * COIN
    witness.does(exchange.unlock, trader, issue, trader, 15 * COIN)
    assert state.ledger.balance[issue.token, trader] == 1_000 * COIN


def test_the_stability_fee_grows_the_debt_and_goes_to_the_treasury() -> None:
    state, (trader, *_), issue, witness = opened(stability_fee=0.05)
    witness.does(exchange.lock, trader, issue, trader, 100 * COIN)
    witness.does(exchange.mint, trader, issue, trader, 40 * COIN)
    state.time += SECONDS_PER_YEAR
    say(state, PRICE, GOLD)
    assert issuing.debt_of(state, issue, trader) == pytest.approx(40 * COIN * math.exp(0.05), abs=1)
    assert witness.does(exchange.burn, trader, issue, trader, COIN) == COIN
    fees = state.ledger.balance[issue.listing.base, state.houses[0].treasury]
    assert fees == pytest.approx(80 * COIN * math.expm1(0.05), rel=1e-9)  # the founders' debt of 40 bears it too


def test_anybody_converts_at_the_index_out_of_the_riskiest_position() -> None:
    state, (safe, risky, buyer, _), issue, witness = opened(redemption_fee=0.01)
    for who, coins in ((safe, 25), (risky, 20)):
        witness.does(exchange.lock, who, issue, who, coins * COIN)
        witness.does(exchange.mint, who, issue, who, 10 * COIN)
    witness.does(exchange.trade, buyer, issue.listing, buyer, 12 * COIN)
    before = int(state.ledger.balance[issue.token, buyer])
    out = witness.does(exchange.convert, buyer, issue, buyer, 12 * COIN)
    assert out == pytest.approx(12 * GOLD / PRICE * 0.99 * COIN, abs=2)
    assert state.ledger.balance[issue.token, buyer] - before == out
    assert issuing.debt_of(state, issue, risky) == 0
    assert state.ledger.balance[issue.locked, risky] == 7.5 * COIN  # lost what it no longer owes, at the index
    assert issuing.debt_of(state, issue, safe) == 8 * COIN
    assert state.ledger.balance[issue.token, state.houses[0].treasury] == pytest.approx(0.01 * 15 * COIN, abs=2)


def test_conversion_passes_over_positions_that_are_not_covered() -> None:
    state, (broke, buyer, *_), issue, witness = opened()
    witness.does(exchange.lock, broke, issue, broke, 20 * COIN)
    witness.does(exchange.mint, broke, issue, broke, 10 * COIN)
    witness.does(exchange.trade, buyer, issue.listing, buyer, 20 * COIN)
    say(state, 1_000.0, GOLD)  # 20,000 behind 25,000; the founders stand at 1.5
    witness.does(exchange.convert, buyer, issue, buyer, COIN)
    assert issuing.debt_of(state, issue, broke) == 10 * COIN
    say(state, 500.0, GOLD)  # nobody is covered
    assert isinstance(witness.does(exchange.convert, buyer, issue, buyer, COIN), errors.DepthExceeded)


def test_a_risky_position_is_bitten_at_the_bonus_and_bad_debt_is_written_down() -> None:
    state, (minter, keeper, *_), issue, witness = opened(bonus=0.1)
    witness.does(exchange.lock, minter, issue, minter, 20 * COIN)
    witness.does(exchange.mint, minter, issue, minter, 10 * COIN)
    witness.does(exchange.trade, keeper, issue.listing, keeper, 12 * COIN)
    assert isinstance(witness.does(exchange.bite, keeper, issue, keeper, minter), errors.Healthy)
    say(state, 1_600.0, GOLD)  # 32,000 behind 25,000
    assert isinstance(witness.does(exchange.bite, minter, issue, minter, minter), errors.NotAllowed)
    assert isinstance(witness.does(exchange.bite, keeper, issue, keeper, minter, 0), errors.NothingToDo)
    done = witness.does(exchange.bite, keeper, issue, keeper, minter, 4 * COIN)
    assert done.taken == pytest.approx(4 * 1.1 * GOLD / 1_600.0 * COIN, abs=1)
    assert done.lost == 0
    say(state, 800.0, GOLD)
    done = witness.does(exchange.bite, keeper, issue, keeper, minter)
    assert state.ledger.balance[issue.locked, minter] == 0
    assert done.burnt / COIN * GOLD * 1.1 == pytest.approx(done.taken / COIN * 800.0, rel=1e-6)
    assert done.lost == 6 * COIN - done.burnt > 2 * COIN
    assert state.tables[issue.path].lost == done.lost
    supply, debts = issuing.supply_of(state, issue), int(state.ledger.balance[issue.debt, state.houses[0].custody])
    assert supply - debts == done.lost  # so many units have nothing behind them


def test_without_a_usable_index_nothing_is_minted_let_go_converted_or_bitten() -> None:
    state, (minter, other, *_), issue, witness = opened()
    witness.does(exchange.lock, minter, issue, minter, 20 * COIN)
    witness.does(exchange.mint, minter, issue, minter, 5 * COIN)
    state.time += 601.0
    tell(state, PRICE, state.listings[0][0])  # the collateral has one, what is followed has none
    for verb, who, *rest in (
        (exchange.mint, minter, issue, minter, 1),
        (exchange.unlock, minter, issue, minter, 1),
        (exchange.convert, minter, issue, minter, COIN),
        (exchange.bite, other, issue, other, minter),
    ):
        assert isinstance(witness.does(verb, who, *rest), errors.StalePrice)
    assert witness.does(exchange.burn, minter, issue, minter, COIN) == COIN
    assert isinstance(state.market(issue.listing).oracle, Told)
    with pytest.raises(errors.ReportRejected):
        exchange.report(state, issue.listing, Report(other, GOLD, -1.0))


def test_nothing_is_locked_minted_burnt_or_converted_of_nothing() -> None:
    state, (trader, *_), issue, witness = opened()
    for verb in (exchange.lock, exchange.unlock, exchange.mint, exchange.burn, exchange.convert):
        assert isinstance(witness.does(verb, trader, issue, trader, 0), errors.NothingToDo)
    assert isinstance(witness.does(exchange.burn, trader, issue, trader, 1), errors.NothingToDo)
    assert isinstance(witness.does(exchange.unlock, trader, issue, trader, 1), errors.InsufficientBalance)
    assert isinstance(witness.does(exchange.convert, trader, issue, trader, 1), errors.InsufficientBalance)


def test_a_unit_minted_from_nowhere_breaks_a_law() -> None:
    state, (trader, *_), issue, _ = opened()
    state.ledger.move(issue.listing.base, WORLD, trader, COIN, Reason.GENESIS)
    assert laws.synthetics_are_owed(state) != []


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Synthetic(least=0.9), "least = 0.9: must be 1 or more"),
        (lambda: Synthetic(opening=1.2), "opening = 1.2: must be least = 1.3 or more"),
        (lambda: Synthetic(bonus=1.0), "bonus = 1.0"),
        (lambda: Synthetic(redemption_fee=-0.1), "redemption_fee = -0.1"),
        (lambda: Synthetic(stability_fee=-0.1), "stability_fee = -0.1"),
        (lambda: Synthetic("XAU", collateral="sXAU"), "collateral = 'sXAU': must be another token"),
        (
            lambda: Exchange(markets=(market_for(ConstantProduct(), instrument=Synthetic("XAU", collateral="DOGE")),)),
            "instrument.collateral = 'DOGE': no market prices it",
        ),
        (
            lambda: Exchange(
                markets=tuple(market_for(ConstantProduct(), instrument=Synthetic(), name=n) for n in "ab")
            ),
            "markets: two of them issue sETH",
        ),
    ],
)
def test_settings_that_make_no_synthetic_are_refused_by_name(build: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build()


def test_laws_hold_along_a_guided_walk_through_synthetics_that_reaches_bad_debt() -> None:
    state, traders, issue, witness = opened(stability_fee=0.1, ceiling=400.0, dust=0.5)
    rng, ether, gold = np.random.Generator(np.random.Philox(11)), PRICE, GOLD
    for _ in range(500):
        who, deed = int(rng.choice(traders)), int(rng.integers(8))
        held = {row: int(state.ledger.balance[row, who]) for row in (issue.token, issue.locked, issue.listing.base)}
        part = float(rng.choice([0.1, 0.5, 1.0, 1.1]))
        room = held[issue.locked] / issuing.exchange_rate(state, issue) / 1.5 - issuing.debt_of(state, issue, who)
        if deed == 0:
            witness.does(exchange.lock, who, issue, who, int(0.2 * part * held[issue.token]))
        elif deed == 1:
            witness.does(exchange.unlock, who, issue, who, int(part * held[issue.locked]))
        elif deed in (2, 3):
            witness.does(exchange.mint, who, issue, who, int(part * max(0.0, room)))
        elif deed == 4:
            witness.does(exchange.burn, who, issue, who, int(part * held[issue.listing.base]))
        elif deed == 5:
            witness.does(exchange.convert, who, issue, who, int(part * held[issue.listing.base]))
        else:
            size = int(rng.normal() * 5 * COIN)
            witness.does(exchange.trade, who, issue.listing, who, size)
        if rng.random() < 0.3:
            state.time += float(rng.choice([12.0, 86_400.0, 2_592_000.0]))
            ether = min(max(ether * math.exp(rng.normal() * rng.choice([0.1, 0.6])), 800.0), 5_000.0)
            gold = min(max(gold * math.exp(rng.normal() * 0.02), 2_000.0), 3_000.0)
            say(state, ether, gold)
            laws.check(state)
        for target in traders:
            keeper = int(rng.choice([k for k in traders if k != target]))
            if issuing.plan_bite(state, issue, target) is not None:
                most = int(state.ledger.balance[issue.listing.base, keeper])
                done = witness.does(exchange.bite, keeper, issue, keeper, target, most)
                if isinstance(done, exchange.Bitten) and done.lost:
                    witness.note("bad debt")
    for what in (
        "lock",
        "unlock",
        "mint",
        "burn",
        "convert",
        "bite",
        "bad debt",
        *("UnderCollateralised", "DepthExceeded", "IssueCapped", "DustyDebt"),
    ):
        assert witness.reached.get(what, 0) > 0, (what, witness.reached)


def test_no_more_is_minted_than_the_ceiling_lets() -> None:
    state, (trader, *_), issue, witness = opened(ceiling=45.0)  # of which the founders' pool has 40
    witness.does(exchange.lock, trader, issue, trader, 100 * COIN)
    assert isinstance(witness.does(exchange.mint, trader, issue, trader, 5 * COIN + 1), errors.IssueCapped)
    assert witness.does(exchange.mint, trader, issue, trader, 5 * COIN) == 5 * COIN
    assert isinstance(witness.does(exchange.mint, trader, issue, trader, 1), errors.IssueCapped)
    assert witness.does(exchange.burn, trader, issue, trader, COIN) == COIN


def test_a_debt_is_nothing_or_enough_to_be_left() -> None:
    state, (trader, *_), issue, witness = opened(dust=2.0)
    witness.does(exchange.lock, trader, issue, trader, 100 * COIN)
    assert isinstance(witness.does(exchange.mint, trader, issue, trader, 2 * COIN - 1), errors.DustyDebt)
    assert witness.does(exchange.mint, trader, issue, trader, 3 * COIN) == 3 * COIN
    assert isinstance(witness.does(exchange.burn, trader, issue, trader, COIN + 1), errors.DustyDebt)
    assert witness.does(exchange.burn, trader, issue, trader, COIN) == COIN
    assert witness.does(exchange.burn, trader, issue, trader, 2 * COIN) == 2 * COIN


def test_on_whole_numbers_a_vault_stands_as_makers_does() -> None:
    ray = 10**27
    each = issuing.backing(2_000 * ray, 1_450 * ray // 1_000, ray)
    assert each == 2_000 * ray * ray // (1_450 * ray // 1_000)
    assert issuing.is_backed(10**18, each, 10**18 * each)
    assert not issuing.is_backed(10**18, each, 10**18 * each + 1)
    assert [issuing.is_dust(owed, 5) for owed in (0, 1, 4, 5)] == [False, True, True, False]
    assert [issuing.exceeds(owed, 5) for owed in (5, 6)] == [False, True]


@pytest.mark.parametrize("dust", [-1.0, 50.0])
def test_a_least_debt_beyond_the_ceiling_is_refused(dust: float) -> None:
    with pytest.raises(ValueError, match="dust = .*: allowed 0 to below ceiling"):
        Synthetic("XAU", collateral="ETH", ceiling=50.0, dust=dust)


def test_in_the_game_the_ceiling_is_reached() -> None:
    record = run(find("capped-issue"))
    why = record.events.loc[record.events["kind"] == "reverted", "numbers"].map(lambda one: one["why"])
    assert (why == "IssueCapped").sum() > 0
    assert (record.events["kind"] == "minted").sum() > 5
