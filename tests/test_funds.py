"""Demand schedules, funds that buy below value, and traders who hold a basket on one account."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agents.crowds.basket import BasketCrowd
from agents.game import Game
from agents.nature.gbm import GeometricBrownian
from agents.roles.keeper import Keeper
from agents.roles.noise_demand import NoiseDemand
from agents.roles.value_fund import ValueFund
from agents.schedules import grid, schedule
from experiments.run import build, release
from experiments.scenario import Scenario, find
from experiments.validation.leverage import PRICE, SHOCKS, SUPPLY, fall, gain, of_a_shock
from protocol.instruments.perpetual import Perpetual
from protocol.margins.base import Threshold
from protocol.margins.cross import Cross
from protocol.oracles.ema import Ema
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market, World


@pytest.mark.parametrize("held", [-500, 0, 300, 5_000])
def test_a_schedule_holds_at_every_price_what_is_wanted_there(held: int) -> None:
    prices = grid(100.0, 0.005, 0.02)
    wanted = np.maximum(0.0, 100.0 * (110.0 - prices))
    me: Any = SimpleNamespace(account=7, role=SimpleNamespace(tip=0.0))
    sent = schedule(me, SimpleNamespace(arrival=0.0, seal=1.0), SimpleNamespace(number=0), prices, wanted, held)  # type: ignore[arg-type]
    assert sent is not None
    size, limit = sent.rows["size"], sent.rows["limit"]
    for price, want in zip(prices, np.floor(wanted), strict=True):
        filled = size[(size > 0) & (limit >= price)].sum() + size[(size < 0) & (limit <= price)].sum()
        assert held + filled == want


def test_nothing_is_sent_where_nothing_is_to_be_traded() -> None:
    me: Any = SimpleNamespace(account=7, role=SimpleNamespace(tip=0.0))
    prices = grid(100.0, 0.01, 0.02)
    assert schedule(me, SimpleNamespace(), SimpleNamespace(), prices, np.zeros(len(prices)), 0) is None  # type: ignore[arg-type]


def test_where_targeted_leverage_feeds_itself_a_small_fall_becomes_a_crash() -> None:
    share = 1.2 / (1.2 + 3.0)
    assert gain(share) == pytest.approx(1.2)
    assert fall(share, 20, 0.002) > 20.0  # theory: without end
    assert fall(share, 10, 0.002, leverage=1.0001) == pytest.approx(1.0, abs=0.05)  # the same share without leverage


@pytest.mark.parametrize("target", [0.3, 0.6, 0.8])
@pytest.mark.parametrize("shock", SHOCKS)
def test_a_shock_of_a_finite_size_is_multiplied_by_what_its_size_leaves_of_the_multiplier(
    target: float, shock: float
) -> None:
    share = target / (target + 3.0)
    expected = of_a_shock(share, shock)
    assert fall(share, 60, shock) == pytest.approx(expected, rel=0.006)
    assert of_a_shock(share, 1e-7) == pytest.approx(1.0 / (1.0 - target), rel=1e-4)  # the multiplier is its limit


@pytest.fixture(scope="module")
def market() -> Any:
    """The funds of `value-funds`; leverage and net position of everybody after each of 250 blocks."""
    game = build(dataclasses.replace(find("value-funds"), duration=12.0 * 250))
    listing, leverage, wanted, coins = game.listing(), [], [], []
    funds = [player for player in game.players if isinstance(player.role, ValueFund)]
    for _ in range(250):
        game.step()
        held = game.state.ledger.balance[listing.size] / listing.size_scale
        margin = game.state.exchange(listing.house).margin
        worth, _ = margin.standings(game.state, listing.house, Threshold.INITIAL)
        price = game.state.market(listing).venue.mid(game.state, listing)
        leverage.append([held[f.account] * price / worth[f.account] if worth[f.account] > 1 else 0.0 for f in funds])
        coins.append(held[[f.account for f in funds]])
        noise = [player for player in game.players if isinstance(player.role, NoiseDemand)]
        wanted.append(
            (SUPPLY + sum(held[p.account] for p in noise), np.exp(noise[0].memory["log"]) * PRICE * SUPPLY / price)
        )
    yield SimpleNamespace(game=game, leverage=np.array(leverage), noise=np.array(wanted), held=np.array(coins))
    release(game)


def test_noise_traders_end_every_block_with_what_they_want_at_its_price(market: Any) -> None:
    held, wanted = market.noise.T
    assert np.abs(np.log(held / wanted)).max() < 0.02  # a step of their schedule at most
    assert np.std(np.log(wanted)) > 0.02


def test_funds_reach_their_leverage_and_sell_where_a_fall_takes_them_beyond_it(market: Any) -> None:
    assert market.leverage.max() > 7.4
    over = market.leverage[:-1] > 7.6  # the price fell within the block
    assert over.sum() > 5
    assert (market.held[1:][over] < market.held[:-1][over]).mean() > 0.9  # a margin call: it sells


def test_without_leverage_no_fund_ever_owes(market: Any) -> None:
    shy = dataclasses.replace(find("value-funds"), duration=12.0 * 100)
    shy = dataclasses.replace(
        shy, cast=tuple(dataclasses.replace(r, leverage=1.0) if isinstance(r, ValueFund) else r for r in shy.cast)
    )
    game = build(shy)
    game.play()
    held = game.state.ledger.balance[game.listing().size]
    funds = [player.account for player in game.players if isinstance(player.role, ValueFund)]
    assert (held[funds] >= 0).all()
    assert not [event for event in game.recorder.events if event.kind == "fund closes"]
    release(game)
    assert market.leverage.max() > 1.1


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        (NoiseDemand, {"churn": 0.0}, "churn = 0.0: must be above 0"),
        (NoiseDemand, {"count": 1}, "count = 1: must be 0 or 2"),
        (ValueFund, {"leverage": 0.0}, "leverage = 0.0: must be above 0"),
        (ValueFund, {"stake": 1e9}, "stake = 1000000000.0: must be above 0 to capital"),
        (
            BasketCrowd,
            {"basket": ("a", "b"), "weights": (1.0,)},
            r"weights = \(1.0,\): must be above 0 each, one a market",
        ),
    ],
)
def test_settings_without_sense_are_refused_by_name(kind: type, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        kind(**changes)


@pytest.mark.parametrize("role", [NoiseDemand(), ValueFund()], ids=["noise", "fund"])
def test_a_schedule_needs_an_auction_of_claims(role: Any) -> None:
    with pytest.raises(ValueError, match="a demand schedule needs claims that trade in an auction"):
        build(Scenario(cast=(role,)))


# ---------------------------------------------------------------------- baskets


def basket(liquidity: float = 2e6, **changes: Any) -> Scenario:
    """Sixty members with three markets, and a keeper."""
    coins = ("A", "B", "C")
    markets = tuple(
        Market(
            name=f"{c}-PERP",
            instrument=Perpetual(base=c),
            oracle=Ema(half_life=5.0),
            venue=VirtualAmm(liquidity=liquidity),
        )
        for c in coins
    )
    crowd = BasketCrowd(
        **{
            "name": "crowd",
            "count": 60,
            "capital": 5_000.0,
            "activity": 400.0,
            "spread": 0.0,
            **changes,
        }
    )
    return Scenario(
        world=World(exchanges=(Exchange(markets=markets, margin=Cross(initial=0.1, maintenance=0.05)),)),
        cast=(crowd, Keeper()),
        nature=GeometricBrownian(assets=coins, start=(10.0, 20.0, 30.0)),
        duration=900.0,
    )


@pytest.fixture(scope="module")
def crowd() -> Any:
    """A basket crowd played before a referee."""
    game = build(basket(weights=(2.0, 1.0, 1.0)), check=True)
    game.play()
    yield game
    release(game)


def positions(game: Game) -> np.ndarray:
    """Notional by market and member, cash coins, signed."""
    rows = [m.size for m in game.state.markets]
    first = game.players[0].account
    held = game.state.ledger.balance[rows][:, first : first + 60] / 1e8
    found: np.ndarray = held * np.array([[10.0], [20.0], [30.0]])
    return found


def test_a_member_holds_several_markets_on_one_account_mostly_on_one_side(crowd: Game) -> None:
    held = positions(crowd)
    several = (held != 0).sum(axis=0) == 3
    assert several.sum() > 20
    assert (np.abs(np.sign(held[:, several]).sum(axis=0)) == 3).mean() > 0.7
    size = np.abs(held[:, several]).sum(axis=1)
    assert size[0] / size[1] == pytest.approx(2.0, rel=0.2)  # its weights


def test_a_liquidated_member_is_sold_out_of_more_than_one_market() -> None:
    crowd = build(basket(6e5, slippage=0.3, weights=(2.0, 1.0, 1.0)), check=True)
    crowd.play()
    told = [e.numbers for e in crowd.recorder.events if e.kind == "liquidation"]
    by: dict[int, set[str]] = {}
    for one in told:
        by.setdefault(one["account"], set()).add(one["market"])
    assert len(told) > 10
    assert max(map(len, by.values())) == 3
    release(crowd)


def test_only_who_is_flat_everywhere_brings_a_new_stake(monkeypatch: pytest.MonkeyPatch) -> None:
    game, seen, bring = build(basket(reentry=0.9999, leverage=5.0)), [], BasketCrowd.bring_again

    def watched(self: BasketCrowd, me: Any, members: Any) -> None:
        rows = [m.size for m in me.model.state.markets]
        seen.append(me.model.state.ledger.balance[rows][:, members + me.seats.first].any())
        bring(self, me, members)

    monkeypatch.setattr(BasketCrowd, "bring_again", watched)
    for _ in range(60):
        game.step()
    release(game)
    assert seen
    assert not any(seen)


def test_a_market_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"basket = \['Z-PERP'\]: markets of claims there are A-PERP, B-PERP, C-PERP"):
        build(basket(basket=("Z-PERP",)))
    with pytest.raises(ValueError, match=r"weights = \[1.0\]: must be one a market, and there are 3"):
        build(basket(weights=(1.0,)))
