"""A bridge keeps what it issues for, pays what it is told once that is final, and says what a reorganisation leaves it short of."""

from __future__ import annotations

import hashlib

import pytest
from machine import COIN, Witness, bridged

from protocol import errors, exchange, laws
from protocol.bridge import Bridge, Key, backing, in_flight, orphaned, shortfall, supply
from protocol.bridge_transactions import Carry, Dispatch
from protocol.chain import seal
from protocol.governance import Governance
from protocol.instruments.token import Token
from protocol.ledger import WORLD, Reason
from protocol.mempool import Mempool, Pending, Waiting
from protocol.reorganisations import Reorganisations
from protocol.state import State
from protocol.transactions import Transaction
from protocol.undoing import Undoable, keep, overdrawn, undo
from protocol.world import Chain, Exchange, Market, World


def block(state: State, chain: int, *sent: Transaction) -> tuple[list[errors.Revert | None], Undoable]:
    """Seal a block of a chain, a second later; what became of each transaction, and how to undo it."""
    pool = Mempool()
    for transaction in sent:
        pool.send(Pending(transaction, 0.0, state.time, state.time + 60.0))
    mark = state.mark()
    sealed = seal(state, chain, pool, state.time + 1.0, witness=laws.Judge())
    laws.check(state)
    kept = keep(state, mark, sealed.sent or Waiting([], pool.rows))
    state.finalise()
    return [receipt.revert for receipt in sealed.receipts], kept


def test_what_is_locked_is_minted_and_what_is_burnt_released_less_the_fee() -> None:
    state, (one, two, three, four) = bridged(fee=0.01, depth=1, delay=0.0, return_depth=0, return_delay=0.0)
    span, balance = state.spans[0], state.ledger.balance
    start = supply(state, span)
    block(state, 0, Dispatch(span, one, three, 100 * COIN, 1))
    assert (in_flight(state, span), supply(state, span)) == (100 * COIN, start)
    key = Key(one, 1, three, 100 * COIN)
    ((early,), _) = block(state, 1, Carry(span, four, key))
    assert isinstance(early, errors.NotFinal)
    block(state, 0)
    ((late,), _) = block(state, 1, Carry(span, four, key))
    assert late is None
    assert balance[span.wrapped, [three, four]].tolist() == [1_099 * COIN, 1_001 * COIN]
    assert (in_flight(state, span), supply(state, span)) == (0, start + 100 * COIN)
    block(state, 1, Dispatch(span, three, two, 100 * COIN, 1))
    ((back,), _) = block(state, 0, Carry(span, one, Key(three, 1, two, 100 * COIN)))
    assert back is None
    assert balance[span.token, [one, two]].tolist() == [901 * COIN, 1_099 * COIN]
    assert balance[span.token, span.escrow] == supply(state, span) == start


def test_a_message_waits_for_blocks_on_top_of_it_and_for_its_delay_after_it_was_sent() -> None:
    state, (one, _, three, four) = bridged(depth=2, delay=9.0)
    span = state.spans[0]
    message = exchange.dispatch(state, span, one, three, COIN, 1)
    block(state, 0)
    with pytest.raises(errors.NotFinal, match=r"blocks=1, due=9\.0"):
        exchange.carry(state, span, four, message.key)
    block(state, 0)
    with pytest.raises(errors.NotFinal, match=r"blocks=0, due=9\.0"):
        exchange.carry(state, span, four, message.key)
    state.time = 9.0
    exchange.carry(state, span, four, message.key)
    with pytest.raises(errors.AlreadyCarried):
        exchange.carry(state, span, four, message.key)


def forked(depth: int) -> tuple[State, list[int], Undoable]:
    """A state in which a message was carried over `depth` blocks after its own; and how to undo that block of its chain."""
    reorgs = Reorganisations(deepest=2)
    state, who = bridged(Chain("l1", reorgs=reorgs), depth=depth, delay=0.0, fee=0.0, return_depth=0, return_delay=0.0)
    _, last = block(state, 0, Dispatch(state.spans[0], who[0], who[2], 100 * COIN, 1))
    return state, who, last


def test_a_reorganisation_takes_an_unfinal_message_back_and_nobody_has_believed_it() -> None:
    state, (one, _, three, four), last = forked(depth=1)
    key = Key(one, 1, three, 100 * COIN)
    ((early,), _) = block(state, 1, Carry(state.spans[0], four, key))
    assert isinstance(early, errors.NotFinal)
    undo(state, last)
    laws.check(state)
    assert (shortfall(state, state.spans[0]), in_flight(state, state.spans[0])) == (0, 0)
    ((gone,), _) = block(state, 1, Carry(state.spans[0], four, key))
    assert isinstance(gone, errors.UnknownMessage)


def test_a_message_believed_too_early_leaves_the_bridge_short_and_the_last_to_come_unpaid() -> None:
    state, (one, two, three, four), last = forked(depth=0)
    span, balance = state.spans[0], state.ledger.balance
    block(state, 1, Carry(span, four, Key(one, 1, three, 100 * COIN)))
    undo(state, last)
    laws.check(state)  # the ledger is sound: the rule was not
    assert balance[span.token, one] == 1_000 * COIN
    assert balance[span.wrapped, three] == 1_100 * COIN
    assert shortfall(state, span) == orphaned(state, span) == 100 * COIN
    assert backing(state, span) == pytest.approx(1.0 - 100 * COIN / supply(state, span))
    state.finalise()
    pool = state.listings[1][0]
    state.ledger.move(span.wrapped, pool.desk, three, 2_500 * COIN, Reason.TRADE)
    state.finalise()
    most = 3_600 * COIN
    block(state, 1, Dispatch(span, three, two, most, 1), Dispatch(span, four, two, 1_000 * COIN, 1))
    keys = Key(three, 1, two, most), Key(four, 1, two, 1_000 * COIN)
    done, _ = block(state, 0, *(Carry(span, one, key) for key in keys))
    assert done[0] is None
    assert isinstance(done[1], errors.BridgeEmpty)
    assert shortfall(state, span) == 100 * COIN


def test_a_message_sent_again_is_the_same_one_and_makes_the_bridge_whole() -> None:
    state, (one, _, three, four), last = forked(depth=0)
    span, key = state.spans[0], Key(one, 1, three, 100 * COIN)
    block(state, 1, Carry(span, four, key))
    undo(state, last)
    state.finalise()
    block(state, 0, *(pending.transaction for pending in last.sent.singles))
    assert shortfall(state, span) == 0
    ((twice,), _) = block(state, 1, Carry(span, four, key))
    assert isinstance(twice, errors.AlreadyCarried)


def test_a_reorganisation_undoes_one_chain_exactly_whatever_the_other_has_done_since() -> None:
    state, (one, two, three, four) = bridged(Chain("l1", reorgs=Reorganisations()), depth=0, delay=0.0)
    span = state.spans[0]
    block(state, 0)
    mine = state.ledger.chain == 0
    mine[WORLD] = False
    before = state.ledger.balance[:, mine].copy()
    tables = {path: value for path, value in state.tables.items() if path.startswith(("here", "chain.l1"))}
    kept = []
    for number in range(3):
        _, last = block(state, 0, Dispatch(span, one, three, COIN, number))
        kept.append(last)
        block(state, 1, Dispatch(span, three, two, COIN, number), Carry(span, four, Key(one, number, three, COIN)))
    there = state.ledger.balance[:, ~mine].copy()
    for last in reversed(kept):
        undo(state, last)
        laws.check(state)
    assert (state.ledger.balance[:, mine] == before).all()
    there[:, 0] = state.ledger.balance[:, 0]
    assert (state.ledger.balance[:, ~mine] == there).all()
    for path, value in tables.items():
        assert str(state.tables[path]) == str(value)


def test_whoever_has_spent_elsewhere_what_is_undone_is_seen_to_be_short() -> None:
    state, (one, _, three, _), last = forked(depth=0)
    undo(state, last)
    _, again = block(state, 0, Dispatch(state.spans[0], one, three, 100 * COIN, 1))
    assert overdrawn(state, 0) == []
    undo(state, again)
    state.ledger.move(state.spans[0].token, one, WORLD, 1_000 * COIN, Reason.REFERENCE)
    undo(state, again._replace(moves=again.moves[:, [0, 2, 1, 3, 4]], writes=[]))
    assert overdrawn(state, 0) == [(state.spans[0].token, one, 100 * COIN)]


def test_depths_of_reorganisations_fall_geometrically_up_to_the_deepest() -> None:
    law = Reorganisations(chance=0.2, again=0.5, deepest=4)
    draws = [(number + 0.5) / 10_000 for number in range(10_000)]
    found = [law.depth(draw) for draw in draws]
    assert [sum(depth >= n for depth in found) for n in (1, 2, 3, 4, 5)] == [2_000, 1_000, 500, 250, 0]
    assert {Reorganisations(1.0, 0.0, 3).depth(u) for u in draws} == {1}
    assert {Reorganisations(1.0, 1.0, 3).depth(u) for u in draws} == {3}


# ---------------------------------------------------------------------- deals in two halves

SECRET = b"what Alice knows"
LOCK = hashlib.sha256(SECRET).digest()


def test_both_halves_of_a_deal_are_carried_out_by_one_secret_or_both_go_back() -> None:
    for told in (True, False):
        state, (alice, bob, alice2, bob2) = bridged()
        span, witness = state.spans[0], Witness(state)
        start = state.ledger.balance.copy()
        witness.does(exchange.prepare, alice, span, alice, bob, span.token, 10 * COIN, LOCK, 40.0)
        witness.does(exchange.prepare, bob2, span, bob2, alice2, span.wrapped, 10 * COIN, LOCK, 20.0)
        wrong = witness.does(exchange.commit, alice2, span, alice2, LOCK, b"a guess")
        early = witness.does(exchange.abort, bob2, span, bob2, LOCK)
        assert (type(wrong), type(early)) == (errors.WrongSecret, errors.TooEarly)
        if told:
            witness.does(exchange.commit, alice2, span, alice2, LOCK, SECRET)
            witness.does(exchange.commit, bob, span, bob, LOCK, SECRET)
            change = state.ledger.balance - start
            assert change[span.token, [alice, bob]].tolist() == [-10 * COIN, 10 * COIN]
            assert change[span.wrapped, [alice2, bob2]].tolist() == [10 * COIN, -10 * COIN]
        else:
            state.time = 20.0
            late = witness.does(exchange.commit, alice2, span, alice2, LOCK, SECRET)
            witness.does(exchange.abort, bob2, span, bob2, LOCK)
            state.time = 40.0
            witness.does(exchange.abort, alice, span, alice, LOCK)
            assert isinstance(late, errors.DealOver)
            assert (state.ledger.balance == start).all()
        assert isinstance(witness.does(exchange.abort, alice, span, alice, LOCK), errors.DealOver)


# ---------------------------------------------------------------------- refusals


def spot(**changes: str) -> Market:
    return Market("spot", Token(**changes), venue=bridged()[0].rules.exchanges[0].markets[0].venue)


@pytest.mark.parametrize(
    ("bridge", "line"),
    [
        ({"target": "l9"}, "bridges.bridge.target = 'l9': no such chain; there are l1, l2"),
        ({"source": "l9"}, "bridges.bridge.source = 'l9': no such chain; there are l1, l2"),
        ({"token": "XAU"}, "bridges.bridge.token = 'XAU': nobody on l1 has it; there are ETH, USD"),
        ({"name": "other"}, "no such bridge brings ETH to l2; there are other"),
    ],
)
def test_a_bridge_to_nowhere_is_refused_by_name(bridge: dict[str, str], line: str) -> None:
    rules = bridged()[0].rules
    with pytest.raises(ValueError) as caught:
        World(rules.chains, rules.exchanges, (Bridge(**bridge),))
    assert line in str(caught.value)


def test_settings_of_bridges_and_reorganisations_that_make_no_sense_are_refused_by_name() -> None:
    for wrong in ({"depth": -1}, {"delay": -1.0}, {"return_depth": -1}, {"return_delay": float("inf")}, {"fee": 1.0}):
        ((name, value),) = wrong.items()
        with pytest.raises(ValueError, match=f"^{name} = {value}: must be "):
            Bridge(**wrong)
    with pytest.raises(ValueError, match="target = 'l1': must be another chain"):
        Bridge(target="l1")
    for wrong in ({"chance": 1.5}, {"again": -0.1}, {"deepest": 0}):
        ((name, value),) = wrong.items()
        with pytest.raises(ValueError, match=f"^{name} = {value}: must be "):
            Reorganisations(**wrong)


def test_the_rules_in_force_cannot_be_undone_on_one_chain_alone() -> None:
    rules = bridged()[0].rules
    voted = Exchange("voted", "l1", governance=Governance())
    with pytest.raises(ValueError, match="exchanges.voted.governance: the rules in force are one table"):
        World((Chain("l1", reorgs=Reorganisations()), rules.chains[1]), (voted, *rules.exchanges), rules.bridges)
