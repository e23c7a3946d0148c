"""The rate family: what borrowers pay for a year, given how much of a loan pool is lent out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate(ABC):
    """A rule that prices what is scarce."""

    @abstractmethod
    def yearly(self, utilisation: float) -> float:
        """Rate per year at a share of the pool lent out (0 to 1), which compounds as the pool's `growth` says."""
