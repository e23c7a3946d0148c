"""Incidents: every graded number of every replay (`experiments/incidents/`, published-results Part B)."""

from __future__ import annotations

from experiments.incidents.base import incidents
from experiments.incidents.report import claims_of
from experiments.validation.base import Claim

SUBJECT = "Incidents, replayed"


def claims() -> list[Claim]:
    """The grades of every incident."""
    return [claim for name in incidents() for claim in claims_of(name)]
