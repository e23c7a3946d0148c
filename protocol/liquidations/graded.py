"""Grace by health step: the worse an account stands, the more of it may be closed; above the second step it is warned first.

Health is equity over maintenance. In the first step a keeper must warn the account (`bark`) and wait for `grace` seconds,
in which its owner may trade and pay in; a warning that nobody acted on within `window` seconds after that is void, so that
old warnings cannot be kept in store. How it is closed is the keeper's choice among `routes`. After Euler's soft
liquidation, Synthetix's flag, and tiered closing on centralised venues. Attack surface: grace is a free option against
the insurance, worth the more the faster the index moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from protocol.liquidations.base import Liquidation, Plan, below_maintenance, check_numbers
from protocol.liquidations.cases import Case, case_of
from protocol.liquidations.lots import Lot, is_dust, lot_of
from protocol.liquidations.routes import AtOracle, Route, ThroughVenue
from protocol.state import Listing, State
from protocol.units import Seconds


@dataclass(frozen=True)
class Step:
    """Below `health` (equity over maintenance) at most `close` of the position may go at once."""

    health: float = 1.0
    close: float = 1.0

    def __post_init__(self) -> None:
        """Refuse steps that are none."""
        check_numbers(
            ("health", self.health, self.health <= 1, "1 or less, equity over maintenance"),
            ("close", self.close, 0 < self.close <= 1, "above 0 to 1, a share of the position"),
        )


@dataclass(frozen=True)
class Graded(Liquidation):
    """`steps` from the highest health down; `grace` and `window` in seconds; positions below `dust` cash coins go whole.

    `tip` cash coins out of the insurance go to whoever warns, since warning by itself earns nothing.
    """

    steps: tuple[Step, ...] = (Step(1.0, 0.25), Step(0.6, 0.5), Step(0.25, 1.0))
    routes: tuple[Route, ...] = field(default_factory=lambda: (ThroughVenue(), AtOracle()))
    grace: Seconds = 60.0
    window: Seconds = 600.0
    dust: float = 1_000.0
    tip: float = 2.0

    def __post_init__(self) -> None:
        """Refuse ladders that do not lead down."""
        health = [step.health for step in self.steps]
        close = [step.close for step in self.steps]
        check_numbers(
            ("steps", len(health), bool(health) and health[:1] == [1.0], "one or more, the first at health 1"),
            ("steps", len(health), health == sorted(set(health), reverse=True), "of falling health"),
            ("steps", len(health), close == sorted(close), "of a share that does not fall"),
            ("routes", len(self.routes), bool(self.routes), "one or more"),
            ("grace", self.grace, 0 <= self.grace < math.inf, "0 or more seconds"),
            ("window", self.window, self.window > 0, "above 0 seconds"),
            ("dust", self.dust, 0 <= self.dust < math.inf, "0 or more cash coins"),
            ("tip", self.tip, 0 <= self.tip < math.inf, "0 or more cash coins"),
        )

    @property
    def needs_vault(self) -> bool:
        """Where a route leads there."""
        return any(route.needs_vault for route in self.routes)

    def step(self, lot: Lot) -> int:
        """Which step the account stands on."""
        health = lot.worth / lot.needs if lot.needs > 0 else -math.inf
        return max(0, sum(health < step.health for step in self.steps) - 1)

    def warned(self, state: State, lot: Lot) -> bool:
        """Whether grace is over and the warning still holds."""
        case = case_of(state, lot.listing, lot.account)
        return case is not None and self.grace <= state.time - case.started <= self.grace + self.window

    def opens(self, state: State, listing: Listing, account: int) -> Case | None:
        """A warning, where one is needed."""
        lot = lot_of(state, listing, account)
        if below_maintenance(state, listing, account) is None or lot is None or self.grace == 0 or self.step(lot) > 0:
            return None
        return Case(account, state.time, state.time, lot.price, lot.span, locked=False)

    def reopens(self, state: State, listing: Listing, case: Case) -> Case | None:
        """Another warning, once the last is void."""
        lot = lot_of(state, listing, case.account)
        if lot is None or state.time - case.started <= self.grace + self.window:
            return None
        return case._replace(started=state.time, start=lot.price, rounds=case.rounds + 1)

    def incentive(self, notional: float) -> float:
        """The tip."""
        return self.tip

    def ways(self, state: State, listing: Listing, account: int) -> tuple[Plan, ...]:
        """Every route that is open, for as much as the step allows."""
        lot = lot_of(state, listing, account)
        if lot is None or below_maintenance(state, listing, account) is None:
            return ()
        step = self.step(lot)
        if step == 0 and self.grace > 0 and not self.warned(state, lot):
            return ()
        part = max(1, int(abs(lot.size) * self.steps[step].close))
        if lot.worth <= 0 or is_dust(lot, part, self.dust):
            part = abs(lot.size)
        return tuple(plan for route in self.routes if (plan := route.plan(state, lot, part)) is not None)

    def plan(self, state: State, listing: Listing, account: int) -> Plan | None:
        """The first route."""
        ways = self.ways(state, listing, account)
        return ways[0] if ways else None
