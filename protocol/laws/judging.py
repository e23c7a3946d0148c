"""Holding a state, or a deed, to the laws."""

from __future__ import annotations

from typing import Any

from protocol.laws.of_states import LAWS
from protocol.laws.of_steps import STEP_LAWS, Deed, Snapshot, snapshot
from protocol.state import State


class LawBroken(Exception):
    """Laws that do not hold, one line each. Not a Revert: a bug of ours."""

    def __init__(self, violations: list[str]) -> None:
        self.violations = violations
        super().__init__("\n".join(violations))


def check(state: State) -> None:
    """Raise LawBroken, listing every violation, unless all LAWS hold."""
    violations = [f"{law.__name__}: {line}" for law in LAWS for line in law(state)]
    if violations:
        raise LawBroken(violations)


def check_step(before: Snapshot, deed: Deed, after: State) -> None:
    """Raise LawBroken, listing every violation, unless all STEP_LAWS hold."""
    violations = [f"{law.__name__}: {line}" for law in STEP_LAWS for line in law(before, deed, after)]
    if violations:
        raise LawBroken(violations)


class Judge:
    """A witness for `chain.seal` that holds every transaction, and the end of every block, to STEP_LAWS. Raises LawBroken.

    At the end of a block nobody acts: what is asked of it is that the journal tells all that it moved.
    """

    def before(self, state: State) -> Snapshot:
        """What the laws need to know."""
        return snapshot(state)

    def after(self, state: State, seen: Snapshot, verb: str, account: int, reverted: bool, outcome: Any) -> None:
        """Judge the deed."""
        check_step(seen, Deed(verb, account, reverted), state)
