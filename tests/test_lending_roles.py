"""Those who lend, borrow, mint and seize: each decides by what it earns."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from machine import CASH, COIN, Told, tell

from agents.demand import OutsideDemand
from agents.game import Game
from agents.nature.gbm import GeometricBrownian
from agents.nature.reference import ReferenceVenue
from agents.player import Role
from agents.roles.arbitrageur import Arbitrageur
from agents.roles.biter import Biter
from agents.roles.carry_trader import CarryTrader
from agents.roles.exposure_trader import ExposureTrader
from agents.roles.hedged_provider import HedgedProvider
from agents.roles.loan_keeper import LoanKeeper, TwoStepKeeper
from agents.roles.looper import Looper
from agents.roles.minter import Minter
from agents.roles.peg_trader import PegTrader
from agents.roles.short_seller import ShortSeller
from agents.roles.supplier import Supplier
from experiments.codec import loads
from experiments.run import build
from experiments.scenario import Scenario, find
from experiments.wealth import wealth
from protocol import exchange, laws
from protocol.appraisal import Collateral
from protocol.funding.unfunded import Unfunded
from protocol.instruments.synthetic import Synthetic
from protocol.instruments.token import Token
from protocol.ledger import WORLD, Reason
from protocol.lending import LoanPool, accrued, book, owed, shares_for
from protocol.liquidations.seizure import Seizure, two_step_gain
from protocol.rates.kinked import Kinked
from protocol.state import State
from protocol.venues.constant_product import ConstantProduct
from protocol.world import Exchange, Market, World

STILL = GeometricBrownian(volatility=(1e-9,))


def lending(seizure: Seizure, rate: Kinked | None = None, liquidity: float = 1e6) -> World:
    """ETH at a told index, in a deep pool; a pool of USD to borrow from."""
    spot = Market("ETH-USD", Token(), Told(1e9), ConstantProduct(liquidity=2e7, fee=0.0005), Unfunded())
    loans = (LoanPool("USD", rate or Kinked(), 0.1, liquidity),)
    return World(exchanges=(Exchange(markets=(spot,), collateral=(Collateral(),), loans=loans, seizure=seizure),))


def seated(world: World, *cast: Role, duration: float = 600.0) -> Game:
    deep = [ReferenceVenue(depth=1e12)]
    return Game(world, cast, STILL, deep, seed=1, duration=duration, outside=OutsideDemand(load=0.0))


def indebted(state: State, coins: float, debt: float, price: float) -> int:
    """A borrower whose collateral has come to `price`."""
    seat, borrower = state.pledges[0][0], state.ledger.open("borrower")
    state.ledger.move(seat.token, WORLD, borrower, round(coins * COIN), Reason.GENESIS)
    tell(state, 2.0 * price)
    exchange.pledge(state, seat, borrower, round(coins * COIN))
    exchange.borrow(state, state.lenders[0][0], borrower, round(debt * CASH))
    tell(state, price)
    state.finalise()
    return borrower


def noted(game: Game, kind: str) -> list[dict[str, Any]]:
    return [event.numbers for event in game.recorder.events if event.kind == kind]


def test_a_two_step_keeper_earns_what_equation_nine_says_more_than_one_that_takes_the_close_factor() -> None:
    """Qin, Zhou, Livshits and Gervais 2021, Algorithm 2 and eq. 9."""
    rules, coins, price = Seizure(0.5, 0.05), 100.0, 2_000.0
    debt = 0.85 * coins * price / 0.985
    profits = []
    for keeper in (LoanKeeper(name="keeper"), TwoStepKeeper(name="keeper")):
        game = seated(lending(rules), keeper)
        indebted(game.state, coins, debt, price)
        game.play()
        seizures = noted(game, "seizure")
        profits.append(sum(one["profit"] for one in seizures))
        assert len(seizures) == (1 if type(keeper) is LoanKeeper else 2)
        laws.check(game.state)
    gain = two_step_gain(coins * price / debt, 0.85, 0.05, 0.5)
    assert gain > 0.1
    assert profits[1] / profits[0] - 1.0 == pytest.approx(gain, rel=0.01)


def test_a_keeper_counts_the_prize_at_what_the_market_pays_and_declines_a_stale_index() -> None:
    game = seated(lending(Seizure(0.5, 0.05)), LoanKeeper(name="keeper"))
    borrower = indebted(game.state, 100.0, 190_000.0, 2_150.0)  # the reference stands at 2,000
    game.play()
    assert noted(game, "seizure declined")
    assert not noted(game, "seizure")
    assert owed(game.state, game.state.lenders[0][0], borrower) > 190_000 * CASH


def test_a_looper_winds_up_to_its_loan_to_value_and_stays_out_where_the_rate_is_dear() -> None:
    looper = Looper(count=3, ponder=2.0)
    for rate, loops in ((Kinked(), True), (Kinked(idle=1.0), False)):
        game = seated(lending(Seizure(), rate), looper)
        game.play()
        state, seat = game.state, game.state.pledges[0][0]
        for player in game.players:
            pledged = state.ledger.balance[seat.claim, player.account] / COIN * 2_000.0
            debt = owed(state, state.lenders[0][0], player.account) / CASH
            if loops:
                assert 2.0 < pledged / (pledged - debt) < 1.0 / (1.0 - 0.8)
                assert debt / pledged < 0.8
            else:
                assert pledged == debt == 0.0


def test_a_looper_unwinds_when_the_rate_runs_away() -> None:
    game = seated(lending(Seizure(), liquidity=400_000.0), Looper(count=2, ponder=2.0), duration=1_800.0)
    for _ in range(50):
        game.step()
    lender = game.state.lenders[0][0]
    before = [owed(game.state, lender, player.account) for player in game.players]
    founder = int(np.argmax(game.state.ledger.balance[lender.share]))
    left = int(game.state.ledger.balance[lender.token, lender.account])
    exchange.redeem(
        game.state, lender, founder, shares_for(left, accrued(game.state, lender), lender)
    )  # all not lent out
    game.play()
    after = [owed(game.state, lender, player.account) for player in game.players]
    assert min(before) > 50_000 * CASH
    assert sum(after) < 0.97 * sum(before)
    assert book(game.state, lender).rate < 0.6  # and so the rate comes back to what they bear


def test_a_supplier_who_sees_a_hole_leaves_it_to_those_who_are_slower() -> None:
    game = seated(lending(Seizure(), liquidity=100_000.0), Supplier(count=2, ponder=10.0), duration=300.0)
    while game.state.time < 60.0:
        game.step()
    lender = game.state.lenders[0][0]
    assert all(game.state.ledger.balance[lender.share, player.account] > 0 for player in game.players)
    indebted(game.state, 100.0, 150_000.0, 1_000.0)  # 100,000 of collateral for 150,000 owed
    game.play()
    assert len(noted(game, "supplier leaves")) == 2
    left = [int(game.state.ledger.balance[lender.share, player.account]) for player in game.players]
    assert min(left) == 0 < max(left)  # the till held enough for one of them
    assert accrued(game.state, lender).tokens < CASH
    assert noted(game, "till empty")
    assert [one["uncovered"] for one in noted(game, "supplier leaves")] == pytest.approx([50_000.0] * 2, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "tracked"), [("lending-run", {}), ("synthetic-peg", {"sXAU": "XAU"}), ("token-margin", {})]
)
def test_wealth_is_conserved_by_a_closing_with_loans_collateral_and_synthetics(name: str, tracked: Any) -> None:
    game = build(find(name))
    for _ in range(1_700):
        game.step()
    ledger, house = game.state.ledger, game.house()
    put_in = -ledger.balance[house.token, WORLD] / house.cash_scale
    put_in += -ledger.balance[ledger.row["ETH"], WORLD] / COIN * game.fair_now("ETH")
    total, _ = wealth(game, game.state)
    assert float(total.sum()) == pytest.approx(put_in, rel=1e-9)
    assert total["custody"] == pytest.approx(0.0, abs=1.0)
    for issue in game.state.issues[0]:
        assert tracked[ledger.assets[issue.listing.base].name] in game.column


def test_settings_of_these_roles_are_refused_by_name() -> None:
    for build_role, words in (
        (lambda: ShortSeller(usage=1.0), "usage = 1.0"),
        (lambda: CarryTrader(step=0.0), "step = 0.0"),
        (lambda: HedgedProvider(band=0.0), "band = 0.0"),
        (lambda: Looper(usage=1.0), "usage = 1.0"),
        (lambda: Looper(hold=0.0), "hold = 0.0"),
        (lambda: Supplier(share=0.0), "share = 0.0"),
        (lambda: LoanKeeper(bid_share=2.0), "bid_share = 2.0"),
        (lambda: PegTrader(ratio=1.2), "ratio = 1.2: must be guard = 1.45 or more"),
        (lambda: Minter(boldest=0.5), "boldest = 0.5"),
        (lambda: Biter(bid_share=-1.0), "bid_share = -1.0"),
        (lambda: ExposureTrader(horizon=0.0), "horizon = 0.0"),
    ):
        with pytest.raises(ValueError, match=words):
            build_role()


def test_nobody_brings_a_synthetic_from_outside() -> None:
    peg = find("synthetic-peg")
    for kind in ("NoiseCrowd", "Arbitrageur"):
        text = f'[[cast]]\nkind = "{kind}"\nmarket = "sXAU-USD"\nname = "x"\n'
        role = loads(Scenario, text.replace('market = "sXAU-USD"\n', "")).cast[0]
        with pytest.raises(ValueError, match="sXAU is minted, and"):
            dataclasses.replace(peg, cast=(dataclasses.replace(role, market="sXAU-USD"),))
    gold = Market("gold", Synthetic("ETH"), Told(1e9), ConstantProduct(), Unfunded())
    for role in (Arbitrageur(base=0.0), LoanKeeper()):
        with pytest.raises(ValueError, match="market = 'gold'"):
            seated(World(exchanges=(Exchange(markets=(gold,)),)), role)
    for role in (Looper(), PegTrader(), Minter()):
        with pytest.raises(ValueError, match="market = 'ETH-USD'|lends no cash|needs"):
            seated(World(exchanges=(dataclasses.replace(lending(Seizure()).exchanges[0], loans=()),)), role)
