"""Take no report older than a few seconds: the advice of every publisher of pull feeds.

A picker has fewer reports to choose from. The cost: between two updates there is no index, so that honest traders who carry no
report themselves are refused, and keepers with them: it stops trade before it stops the picker, who always carries his own.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from experiments.defences.base import Defence, each_oracle
from protocol.oracles.base import Oracle
from protocol.oracles.pull import Pull
from protocol.world import World


@dataclass(frozen=True)
class ShorterAge(Defence):
    """`age`: seconds."""

    age: float = 15.0

    answers: ClassVar = ("ReportPicker",)

    def __post_init__(self) -> None:
        """Refuse an age that nothing meets."""
        if not self.age > 0:
            raise ValueError(f"age = {self.age}: must be above 0 seconds")

    def applied(self, world: World) -> World | None:
        """Shorten what is longer."""
        return each_oracle(world, self._shorter)

    def _shorter(self, oracle: Oracle) -> Oracle | None:
        if not isinstance(oracle, Pull) or oracle.max_age <= self.age:
            return None
        return dataclasses.replace(oracle, max_age=self.age)
