"""Two chains: each player is asked where it plays, each transaction runs where it belongs, and nothing else crosses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from agents.demand import OutsideDemand
from agents.game import Game
from agents.nature.gbm import GeometricBrownian
from agents.player import Action, Player, Role
from agents.view import View
from experiments.overrides import varied
from experiments.probing import stage_for
from experiments.run import build, release
from experiments.scenario import find
from protocol import errors, exchange, laws
from protocol.blocks.fixed import Fixed
from protocol.chain import seal
from protocol.genesis import genesis
from protocol.instruments.token import Token
from protocol.ledger import WORLD, Reason
from protocol.mempool import Mempool, Pending, orders
from protocol.reorganisations import Reorganisations
from protocol.state import State
from protocol.transactions import Bundle, Deposit, Trade
from protocol.venues.constant_product import ConstantProduct
from protocol.world import Chain, Exchange, Market, World

CASH, COIN = 10**6, 10**8
SLOW = Chain("slow", Fixed(12.0))
QUICK = Chain("quick", Fixed(2.0))
SPOT = replace(Market(), name="spot", instrument=Token(), venue=ConstantProduct())


def world(**changes: object) -> World:
    exchanges = (
        Exchange("here", "slow", markets=(Market(), SPOT)),
        Exchange("there", "quick", markets=(Market(), SPOT)),
    )
    return World((SLOW, QUICK), exchanges, **changes)


def opened() -> tuple[State, int, int]:
    """A state, and a trader with money on each chain."""
    state = genesis(world(), {"ETH": 2_000.0})
    found = []
    for house in state.houses:
        account = state.ledger.open("trader", chain=house.chain)
        state.ledger.move(house.token, WORLD, account, 200_000 * CASH, Reason.GENESIS)
        exchange.deposit(state, house, account, 100_000 * CASH)
        found.append(account)
    state.finalise()
    return state, *found


@dataclass(frozen=True)
class Busy(Role):
    """Trades one way and then the other at every block; says when it was asked, and what it saw."""

    everywhere: bool = False

    def chains(self, game: Game) -> frozenset[int]:
        return frozenset(range(len(game.mempools))) if self.everywhere else super().chains(game)

    def prepare(self, me: Player, game: Game) -> None:
        me.memory.update(listing=game.listing("spot", self.exchange), turn=1)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        me.note(view, "asked", seal=view.seal, saw=view.state.time)
        me.memory["turn"] *= -1
        return (me.send(Trade(me.memory["listing"], me.account, me.memory["turn"] * COIN)),)


def game(*cast: Role, duration: float = 60.0, check: bool = True) -> Game:
    calm = OutsideDemand(load=0.0)
    return Game(world(), cast, GeometricBrownian(), (), seed=3, duration=duration, outside=calm, check=check)


def asked(game: Game, who: str) -> list[dict[str, float]]:
    return [e.numbers for e in game.recorder.events if e.kind == "asked" and e.who.startswith(who)]


def test_a_player_is_asked_before_the_blocks_of_its_own_chain_and_fills_there() -> None:
    played = game(Busy(name="a", exchange="here", base=9.0), Busy(name="b", exchange="there", base=9.0))
    played.play()
    assert [one["seal"] for one in asked(played, "a")] == [12.0 * k for k in range(1, 6)]
    assert [one["seal"] for one in asked(played, "b")] == [2.0 * k for k in range(1, 31)]
    rows = played.recorder.rows[: played.recorder.blocks]
    columns = played.recorder.columns
    by_chain = rows[:, columns.index("chain")]
    for number, fills, blocks in ((0, "here.spot.fills", 5), (1, "there.spot.fills", 30)):
        got = rows[:, columns.index(fills)]
        assert got[by_chain == number].sum() == blocks
        assert got[by_chain != number].sum() == 0


def test_whoever_plays_on_both_is_asked_before_the_blocks_of_both() -> None:
    played = game(Busy(exchange="here", everywhere=True, base=9.0), duration=12.0)
    played.play()
    assert sorted(one["seal"] for one in asked(played, "busy")) == [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 12.0]


def test_nobody_sees_a_block_of_another_chain_sooner_than_its_latency() -> None:
    played = game(Busy(exchange="here", base=9.0, latency=0.5), Busy(name="b", exchange="there", base=9.0))
    played.play()
    assert all(one["saw"] == one["seal"] - 2.0 for one in asked(played, "busy"))
    assert {one["seal"] - one["saw"] for one in asked(played, "b")} == {2.0}


def test_closing_a_block_closes_the_exchanges_of_its_chain_alone() -> None:
    state, *_ = opened()
    before = [state.tables[f"{house.name}.ETH-PERP.funding"][2] for house in state.houses]
    seal(state, 1, Mempool(), 2.0)
    after = [state.tables[f"{house.name}.ETH-PERP.funding"][2] for house in state.houses]
    assert (before, after) == ([0.0, 0.0], [0.0, 2.0])


def test_a_transaction_about_another_chain_is_refused_there_and_takes_nothing_along() -> None:
    state, here, there = opened()
    pool = Mempool()
    wrong = Trade(state.listings[1][0], here, COIN)
    for transaction in (
        wrong,
        Bundle(here, (Deposit(state.houses[0], here, CASH), wrong)),
        Trade(state.listings[0][0], there, 1),
    ):
        pool.pending.append(Pending(transaction, 0.0, 1.0, 60.0))
    receipts = seal(state, 0, pool, 12.0, witness=laws.Judge()).receipts
    assert [type(receipt.revert) for receipt in receipts] == [errors.WrongChain] * 3
    assert not state.ledger.balance[[m.size for m in state.markets if m.size >= 0]].any()


def test_a_crowds_rows_about_another_chain_are_refused_too() -> None:
    state, here, _ = opened()
    pool = Mempool()
    pool.send(orders(state.listings[1][0], np.array([here]), COIN, np.nan, 0.0, 1.0, 60.0))
    (filled,) = seal(state, 0, pool, 12.0).filled
    assert filled.code.tolist() == [errors.WrongChain.code]


def test_a_chain_without_an_exchange_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="chains.spare: no exchange lives there"):
        World((SLOW, QUICK, Chain("spare")), world().exchanges)


def test_another_chain_moves_nobodys_order_of_speaking() -> None:
    alone = Game(
        World((SLOW,), world().exchanges[:1]),
        (Busy(name="a", base=9.0), Busy(name="b", base=9.0)),
        GeometricBrownian(),
        (),
        seed=3,
        duration=60.0,
        outside=OutsideDemand(load=0.0),
    )
    beside = game(Busy(name="a", base=9.0), Busy(name="b", base=9.0), Busy(name="c", exchange="there", base=9.0))
    beside._speak[0].append(beside._speak[1][0])  # a third who speaks there too
    beside._dice[0] = np.append(beside._dice[0], beside._dice[1][0])
    for height in range(20):
        alone.heights[0] = beside.heights[0] = height
        beside.heights[1] = 7 * height
        order = [player.label for player in beside._speakers(0)]
        assert [label for label in order if label != "c.0"] == [player.label for player in alone._speakers(0)]


def send_across(state: State, here: int, there: int) -> None:
    state.ledger.move(state.houses[0].token, here, there, CASH, Reason.TRANSFER)


def test_what_crosses_without_a_bridge_breaks_a_law() -> None:
    state, here, there = opened()
    assert laws.nothing_crosses(state) == []
    send_across(state, here, there)
    (line,) = laws.nothing_crosses(state)
    assert line.startswith("USD: 1000000 units went from account")
    with pytest.raises(errors.WrongChain):
        exchange.transfer(state, state.houses[0].token, here, there, CASH)


def test_what_is_simulated_reverts_where_the_chain_would_refuse_it() -> None:
    game = build(find("two-chains"))
    try:
        here, there = game.state.houses[0], next(h for h in game.state.houses if h.chain != game.state.houses[0].chain)
        account = next(p.account for p in game.players if game.state.ledger.chain[p.account] == here.chain)
        view = game.ahead(next(p for p in game.players if p.account == account))
        _, revert = view.simulate(Deposit(there, account, 1))
        assert isinstance(revert, errors.WrongChain)
    finally:
        release(game)


@pytest.mark.parametrize(("name", "field"), [("common-holders", "exchanges"), ("split-liquidity", "also")])
def test_an_exchange_that_is_not_there_is_refused_by_name(name: str, field: str) -> None:
    asked = find(name)
    label = next(role.label for role in asked.cast if hasattr(role, field))
    with pytest.raises(ValueError, match="exchange = 'zz': there are"):
        build(varied(asked, {f"cast.{label}.{field}": ("zz",)}))


def test_a_prober_is_not_let_loose_on_several_chains_at_once() -> None:
    with pytest.raises(ValueError, match=r"world.chains = .*: must be one"):
        stage_for(find("two-chains"))


def test_what_a_reorganisation_takes_back_is_in_no_count() -> None:
    asked = find("fire-sale")
    law = replace(asked.world.chains[0], reorgs=Reorganisations(chance=0.3, again=0.6, deepest=5))
    game = build(replace(asked, world=replace(asked.world, chains=(law,)), duration=900.0))
    standing: list[int] = []
    orphaned: list[int] = []
    try:
        while not game.over():
            before = sum(event.numbers["blocks"] for event in game.recorder.events if event.kind == "reorganisation")
            game.step()
            forks = [event.numbers["blocks"] for event in game.recorder.events if event.kind == "reorganisation"]
            for _ in range(sum(forks) - before):
                orphaned.append(standing.pop())
            standing.append(game.recorder.blocks - 1)
        assert orphaned
        columns, rows = game.recorder.columns, game.recorder.rows[: game.recorder.blocks]
        kinds = [event.kind for event in game.recorder.events]
        assert "undone liquidation" in kinds
        assert rows[-1, columns.index("dex.liquidations")] == kinds.count("liquidation")
        assert "undone reverted" in kinds
        failed, gas = (rows[:, columns.index(name)] for name in ("failed", "gas_used"))
        assert failed.sum() == kinds.count("reverted")
        assert gas[orphaned].sum() == 0.0 < gas.sum()
    finally:
        release(game)
