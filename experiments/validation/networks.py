"""Networks of debts and exposures: worked examples of the literature (published-results A6)."""

from __future__ import annotations

import numpy as np

from experiments.networks.clearing import eisenberg_noe
from experiments.networks.distress import debtrank
from experiments.validation.base import Claim, exactly

SUBJECT = "Networks of debts and exposures"
ELSINGER = "Elsinger, Lehar and Summer 2006, an example of Eisenberg and Noe 2001"
DEBTS = np.array([[0.0, 0.0, 2.0], [3.0, 0.0, 1.0], [3.0, 1.0, 0.0]])


def paid(node: int) -> float:
    """What a node of the example pays."""
    return float(eisenberg_noe(DEBTS, np.ones(3)).paid[node])


def paying(node: int, value: float) -> Claim:
    """The claim about one node."""
    what = f"what node {node + 1} pays"
    return Claim(f"A6-clearing-{node + 1}", what, ELSINGER, value, 1e-12, lambda _: exactly(paid(node)))


def claims() -> tuple[Claim, ...]:
    """Exact to rounding."""
    impact, shock = np.array([[0.0, 0.5], [0.4, 0.0]]), np.array([0.2, 0.0])
    rank = Claim(
        "A6-debtrank",
        "R of two nodes, W12 = .5, W21 = .4, h = (.2, 0), equal weights",
        "Battiston et al. 2012",
        0.07,
        1e-12,
        lambda _: exactly(debtrank(impact, shock)[0]),
    )
    return (*(paying(node, value) for node, value in enumerate((2.0, 28 / 15, 52 / 15))), rank)
