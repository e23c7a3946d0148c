"""One mark, one rewind, for everything that changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from protocol import exchange
from protocol.genesis import genesis
from protocol.hooks import fills
from protocol.ledger import WORLD, Reason
from protocol.margins.base import Margin
from protocol.margins.cross import Cross
from protocol.margins.volatility_scaled import VolatilityScaled
from protocol.state import State
from protocol.world import Chain, Exchange, World


def fresh() -> State:
    return genesis(World(), {"ETH": 2_000.0})


def test_rewind_undoes_every_kind_of_write() -> None:
    state = fresh()
    state.put("t", np.arange(5.0))
    digest, mark = state.digest(), state.mark()
    state.put("new", 1.0)
    state.put("t", np.zeros(2))
    state.write("t", 1, 9.0)
    state.edit("t")[:] = 3.0
    state.ledger.move(0, WORLD, 1, 5, Reason.GENESIS)
    assert state.digest() != digest
    state.rewind(mark)
    assert state.digest() == digest
    assert "new" not in state.tables


def test_a_saved_state_lives_its_own_life_and_can_be_restored() -> None:
    state = fresh()
    house = state.houses[0]
    trader = state.ledger.open("trader")
    state.ledger.move(house.token, WORLD, trader, 10**9, Reason.GENESIS)
    saved, digest = state.save(), state.digest()
    exchange.deposit(state, house, trader, 10**8)
    assert saved.digest() == digest != state.digest()
    state.restore(saved)
    assert state.digest() == digest


def test_the_rules_in_force_are_of_the_digest_whenever_they_change() -> None:
    state, other = fresh(), World(exchanges=(Exchange(margin=Cross(initial=0.2)),))
    first, mark, saved = state.digest(), state.mark(), state.save()
    for rules in (other, World()):
        state.put("rules", rules)
        assert (state.digest() == first) == (rules == World())
    state.put("rules", other)
    changed = state.digest()
    state.rewind(mark)
    assert state.digest() == saved.digest() == first
    saved.put("rules", other)
    assert saved.digest() == changed != first


def test_what_is_derived_is_derived_again_when_anything_changes() -> None:
    state = fresh()
    calls = []
    for change in (lambda: None, lambda: None, lambda: state.put("x", 1), lambda: setattr(state, "time", 5.0)):
        change()
        state.derived("key", lambda: calls.append(1))
    assert len(calls) == 3


def test_what_follows_from_the_rules_is_worked_out_anew_when_they_change_and_when_they_come_back() -> None:
    state, asked = fresh(), []

    def names(state: State, number: int) -> tuple[int, ...]:
        asked.append(number)
        return (len(state.rules.chains), number)

    assert [state.settled(names, number) for number in (0, 1, 0, 1)] == [(1, 0), (1, 1)] * 2
    assert asked == [0, 1]
    mark = state.mark()
    state.put("rules", World((Chain("a"), Chain("b")), (Exchange("x", "a"), Exchange("y", "b"))))
    assert state.settled(names) == (2, 0)
    state.rewind(mark)
    assert state.settled(names) == (1, 0)
    assert asked == [0, 1, 0, 0]
    assert state.save().settled(names) == (1, 0)
    assert asked == [0, 1, 0, 0, 0]


@pytest.mark.parametrize("name", ["observe", "rate"])
def test_a_hook_counts_as_filled_by_a_class_and_by_what_it_inherits(name: str) -> None:
    assert fills(Cross(), Margin, "rate")
    assert fills(VolatilityScaled(), Margin, name)
    assert not fills(Cross(), Margin, "observe")
    assert fills(_Longer(), Margin, name)
    assert not fills(_Wider(), Margin, "observe")


class _Longer(VolatilityScaled):
    """Inherits a hook that its parent fills."""


class _Wider(Cross):
    """Inherits one that nobody fills."""


def test_what_marks_hang_on_outlives_trades_but_no_other_write_and_no_rewind() -> None:
    state, calls = fresh(), []

    def counted(change: Callable[[], object]) -> int:
        change()
        state.marking("key", lambda: calls.append(1))
        return len(calls)

    assert counted(lambda: None) == 1
    assert counted(lambda: state.put("dex.ETH-PERP.reserves", np.ones(2))) == 1
    assert counted(lambda: state.edit("dex.ETH-PERP.interest")) == 1
    assert counted(lambda: state.ledger.move(0, WORLD, 1, 5, Reason.GENESIS)) == 1
    mark = state.mark()
    assert counted(lambda: state.put("dex.ETH-PERP.oracle", 1)) == 2
    assert counted(lambda: state.rewind(mark)) == 3
    assert counted(lambda: setattr(state, "time", 5.0)) == 4
    assert counted(lambda: None) == 4


def test_a_copy_made_while_the_journal_is_open_can_be_rewound() -> None:
    state = fresh()
    mark = state.mark()
    state.put("new", 1)
    state.edit("dex.ETH-PERP.interest")[:] = 7.0
    copied = state.save()
    copied.rewind(mark)
    assert "new" not in copied.tables
    assert not (copied.tables["dex.ETH-PERP.interest"] == 7.0).any()
