"""Those who play across chains: what they carry, what they bear, and what they leave alone."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from agents.attacks.double_spender import DoubleSpender
from agents.demand import OutsideDemand
from agents.game import Game
from agents.nature.base import Nature
from agents.nature.gbm import GeometricBrownian
from agents.player import Role
from agents.roles.arbitrageur import Arbitrageur
from agents.roles.bridger import Bridger
from agents.roles.chain_arbitrageur import ChainArbitrageur
from agents.roles.large_trader import LargeTrader
from agents.roles.relayer import Relayer
from agents.roles.remote_margin import RemoteMargin
from agents.roles.split_trader import SplitTrader
from agents.roles.swap_maker import SwapMaker
from agents.roles.swapper import Swapper
from experiments.overrides import vary
from experiments.run import run
from experiments.scenario import find
from experiments.wealth import wealth
from protocol import laws
from protocol.blocks.fixed import Fixed
from protocol.blocks.outages import Outages
from protocol.bridge import Bridge, carried, in_flight, shortfall, top
from protocol.instruments.token import Token
from protocol.reorganisations import Reorganisations
from protocol.venues.constant_product import ConstantProduct
from protocol.world import Chain, Exchange, Market, World

POOL = Market("spot", Token(), venue=ConstantProduct(liquidity=2e6, fee=0.0005))
WRAPPED = dataclasses.replace(POOL, instrument=Token(bridge="bridge"))


def world(l1: Chain | None = None, **bridge: Any) -> World:
    chains = (l1 or Chain("l1", Fixed(12.0)), Chain("l2", Fixed(12.0)))
    exchanges = (Exchange("here", "l1", markets=(POOL,)), Exchange("there", "l2", markets=(WRAPPED,)))
    quick: dict[str, Any] = {"depth": 2, "delay": 0.0, "return_depth": 2, "return_delay": 0.0} | bridge
    return World(chains, exchanges, (Bridge(**quick),))


def play(
    rules: World, *cast: Role, duration: float = 1_200.0, nature: Nature | None = None, check: bool = False
) -> Game:
    calm = OutsideDemand(load=0.0)
    game = Game(rules, cast, nature or GeometricBrownian(), (), seed=1, duration=duration, outside=calm, check=check)
    game.play()
    return game


def told(game: Game, kind: str) -> list[dict[str, Any]]:
    return [event.numbers for event in game.recorder.events if event.kind == kind]


def test_a_relayer_carries_what_is_final_for_its_fee_and_bridgers_get_the_rest() -> None:
    game = play(world(fee=0.01), Bridger(count=4, spread=60.0, term=300.0), Relayer(), check=True)
    span = game.state.spans[0]
    there, back = carried(game.state, span, 1), carried(game.state, span, 0)
    assert len(there) >= 4
    assert len(back) >= 1
    groups, _ = wealth(game, game.state)
    fees = sum(int(0.01 * key.units) for key in (*there, *back))
    ledger = game.state.ledger
    earned = ledger.balance[[span.token, span.wrapped]][:, ledger.of_group(["relayer"])].sum()
    assert earned == fees > 0
    assert groups["bridge"] == pytest.approx(0.0, abs=0.01)


def test_without_anybody_to_carry_messages_stay_on_their_way() -> None:
    game = play(world(), Bridger(count=4, spread=60.0))
    span = game.state.spans[0]
    assert in_flight(game.state, span) == 4 * 40 * 10**8
    assert not carried(game.state, span, 1)


def test_an_arbitrageur_between_chains_holds_the_wrapped_token_to_what_it_stands_for() -> None:
    gaps = []
    for cast in ((), (ChainArbitrageur(exchange="here"),)):
        pusher = LargeTrader(name="pusher", exchange="there", notional=100_000.0, slices=4)
        game = play(world(), pusher, Relayer(), *cast)
        rows, columns = game.recorder.rows[: game.recorder.blocks], game.recorder.columns
        mid, fair = (rows[:, columns.index(f"there.spot.{name}")] for name in ("mid", "fair"))
        gaps.append(float(abs(mid / fair - 1.0).mean()))
    assert gaps[1] < 0.5 * gaps[0]


def test_an_arbitrageur_of_one_chain_is_not_seated_in_a_wrapped_market() -> None:
    with pytest.raises(ValueError, match="wrapped"):
        play(world(), Arbitrageur(exchange="there"))


REORGS = Chain("l1", Fixed(12.0), reorgs=Reorganisations(chance=0.1, again=0.9, deepest=4))


def test_coins_are_spent_twice_where_the_bridge_believes_too_early_and_somebody_is_short() -> None:
    game = play(world(REORGS, depth=1), DoubleSpender(exchange="there", coins=500.0), duration=3_600.0, check=True)
    (over,) = told(game, "attack over")
    assert over["coins"] == 500.0
    span = game.state.spans[0]
    assert shortfall(game.state, span) == 500 * 10**8
    ends = next(player for player in game.players if player.label == "doublespender.0").memory["ends"]
    assert game.state.ledger.balance[span.token, ends.home] == 1_000 * 10**8
    groups, _ = wealth(game, game.state)
    lost = groups["here.founders"] - groups["there.founders"]  # alike at the start: what is short is the wrapped pool's
    assert lost == pytest.approx(500 * game.fair_now("ETH"), rel=0.05)


def test_a_double_spender_stays_at_home_where_the_bridge_waits_or_where_it_is_too_dear() -> None:
    patient = play(world(REORGS, depth=4), DoubleSpender(exchange="there"))
    dear = play(world(REORGS, depth=1, fee=0.3), DoubleSpender(exchange="there"))
    for game, why in ((patient, "the bridge waits for as long"), (dear, "too unlikely for what the way costs")):
        assert not told(game, "attack")
        assert all(why in one["why"] for one in told(game, "attack declined"))
        assert told(game, "attack declined")


def test_a_reorganisation_sends_honest_transactions_again_and_nothing_is_lost_by_them() -> None:
    game = play(
        world(REORGS, depth=4), Bridger(count=6, spread=600.0, term=300.0), Relayer(), duration=2_400.0, check=True
    )
    forks = told(game, "reorganisation")
    assert len(forks) >= 3
    assert sum(one["dropped"] for one in forks) == 0
    span = game.state.spans[0]
    assert shortfall(game.state, span) == 0
    assert len(carried(game.state, span, 1)) >= 6
    assert top(game.state, 0).height == game.heights[0] - sum(one["blocks"] for one in forks)
    assert laws.bridges_add_up(game.state) == []


def test_whoever_sold_off_chain_what_is_undone_pays_the_venue_for_it() -> None:
    chain = Chain("l1", Fixed(12.0), reorgs=Reorganisations(chance=0.1, again=1.0, deepest=4))
    pusher = LargeTrader(name="pusher", exchange="here", notional=400_000.0, slices=4, pause=24.0, rest=30.0)
    game = play(world(chain), Arbitrageur(exchange="here", base=0.0), pusher, duration=3_600.0)
    assert any(one["short"] > 0 for one in told(game, "reorganisation"))
    assert (game.recorder.flows[: game.recorder.flow_count, 1] == 32).any()


def test_margin_that_has_to_cross_a_chain_that_stands_still_comes_late() -> None:
    base = find("two-chains")
    keep = {"relayer", "remote", "reporter", "keeper", "basis"}
    base = dataclasses.replace(base, cast=tuple(role for role in base.cast if role.label in keep), duration=3_600.0)
    base = vary(vary(base, "world.bridges.bridge.depth", 1), "world.chains.l2.blocks.interval", 12.0)
    waits = []
    for interval in (12.0, 900.0):
        events = run(vary(base, "world.chains.l1.blocks", {"kind": "Fixed", "interval": interval})).events
        assert (events["kind"] == "margin called").any()
        waits.append([one["since"] for one in events[events["kind"] == "margin arrived"]["numbers"]])
    assert max(waits[0]) < 200.0 < 900.0 < min(waits[1], default=math.inf)


def test_a_swap_is_carried_out_whole_or_not_at_all_and_its_option_is_the_askers() -> None:
    game = play(world(), SwapMaker(spread=0.0), Swapper(count=6, term=600.0, pause=60.0), duration=3_600.0)
    over = told(game, "swap over")
    assert {one["how"] for one in over} == {"both", "none"}
    assert all(one["worth"] >= 0.0 for one in over)
    assert sum(one["worth"] for one in over) > 0.0


def test_the_secret_of_a_swap_is_worth_what_its_closed_form_says() -> None:
    events = run(dataclasses.replace(find("swap-option"), duration=14_400.0)).events
    over = events[events["kind"] == "swap over"]["numbers"]
    worth = 1e4 * sum(one["worth"] / (2_000.0 * one["coins"]) for one in over) / len(over)
    assert len(over) > 150
    assert worth == pytest.approx(1e4 * 0.4 * math.sqrt(0.9 * 1_200.0 / 31_557_600.0), rel=0.4)


def test_a_chain_that_is_down_for_longer_than_the_makers_time_leaves_it_with_half_a_swap() -> None:
    down = Chain("l1", Outages(12.0, every=400.0, lasting=1_200.0))
    game = play(world(down), SwapMaker(spread=0.0), Swapper(count=6, term=600.0, pause=60.0), duration=14_400.0)
    over = told(game, "swap over")
    assert "one half" in {one["how"] for one in over}


def split_world(down: bool) -> World:
    blocks = Outages(12.0, every=600.0, lasting=600.0) if down else Fixed(12.0)
    chains = (Chain("c0", Fixed(12.0)), Chain("c1", blocks))
    return World(chains, tuple(Exchange(f"x{n}", f"c{n}", markets=(POOL,)) for n in range(2)))


def test_an_order_split_over_chains_pays_what_one_pool_of_their_depth_would_charge() -> None:
    costs = []
    for also in ((), ("x1",)):
        trader = SplitTrader(exchange="x0", also=also, notional=40_000.0, spread=0.0)
        game = play(split_world(False), trader, duration=3_600.0, nature=GeometricBrownian(volatility=(1e-6,)))
        first = told(game, "split order")[0]
        costs.append(abs(first["price"] / first["mid"] - 1.0))
        assert first["parts"] == 1 + len(also)
    assert costs[0] == pytest.approx(40_000 / 2e6 + 0.0005, rel=0.05)
    assert costs[1] == pytest.approx(20_000 / 2e6 + 0.0005, rel=0.05)


def test_who_may_trade_elsewhere_goes_round_a_chain_that_is_down() -> None:
    waits = []
    for also in ((), ("x0",)):
        game = play(split_world(True), SplitTrader(exchange="x1", also=also, pause=60.0), duration=3_600.0)
        waits.append(max(one["wait"] for one in told(game, "split order")))
    assert waits[1] < 200.0 < waits[0]


def test_settings_that_make_no_sense_are_refused_by_name() -> None:
    for kind, wrong in (
        (Relayer, {"most": 0}),
        (Bridger, {"share": 0.0}),
        (Bridger, {"doubt": 1.0}),
        (ChainArbitrageur, {"low": 1.0}),
        (RemoteMargin, {"call": 0.5}),
        (RemoteMargin, {"target": 1.0}),
        (Swapper, {"waits": 1.0}),
        (Swapper, {"coins": 50.0}),
        (SwapMaker, {"share": 1.0}),
        (SplitTrader, {"slippage": 0.0}),
        (SplitTrader, {"silence": 0.5}),
        (DoubleSpender, {"coins": 0.0}),
    ):
        ((name, value),) = wrong.items()
        with pytest.raises(ValueError, match=f"{name} = {value}: must be "):
            kind(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="bridge = 'none': there are bridge"):
        play(world(), Relayer(bridge="none"))


def test_who_is_closed_out_while_its_margin_is_elsewhere_says_what_it_had_there() -> None:
    base = dataclasses.replace(find("stuck-margin"), seed=5, duration=5_400.0)
    solvent = []
    for interval in (12.0, 5_000.0):
        events = run(vary(base, "world.chains.l1.blocks", {"kind": "Fixed", "interval": interval})).events
        notes = list(events[events["kind"] == "closed out"]["numbers"])
        assert len(notes) == 8
        solvent.append(sum(one["equity"] + 0.9 * one["spare"] > one["needs"] for one in notes))
    assert solvent[0] < solvent[1] == 8
