"""Twins: everybody there, and then the same without one role, on the same seeds, so that the difference is that role's doing."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.axes.base import Axis, Level

NOBODY = "nobody"  # the label of the arm in which all are there


@dataclass(frozen=True)
class Without(Axis):
    """The arm in which nobody is missing, and one without each of `roles` (labels of the cast), in a column `without`."""

    roles: tuple[str, ...] = ("attacker",)

    def __post_init__(self) -> None:
        """Refuse nobody, or somebody twice."""
        if not self.roles or len(set(self.roles)) < len(self.roles) or not all(self.roles) or NOBODY in self.roles:
            raise ValueError(f"roles = {list(self.roles)}: must name one or more roles of the cast, each once")

    def levels(self) -> tuple[Level, ...]:
        """Everybody first."""
        alone = tuple(Level({"without": role}, {}, (role,)) for role in self.roles)
        return (Level({"without": NOBODY}, {}), *alone)
