"""What everybody pays when not everybody can: clearing vectors and shortfalls of a network of debts.

Eisenberg and Noe (2001), "Systemic Risk in Financial Systems": limited liability, priority of debt over equity, and proportional
sharing have a greatest solution, found here by the fictitious-default algorithm in at most as many rounds as there are nodes.
"""

from __future__ import annotations

from typing import NamedTuple

import networkx as nx
import numpy as np
import pandas as pd

from experiments.networks.graphs import matrix
from protocol.ledger import Floats


class Cleared(NamedTuple):
    """Shapes [nodes]. Amounts in cash coins."""

    owed: Floats
    paid: Floats
    rounds: Floats  # in which a node defaults: 0 for those that never do, 1 for those that would alone

    @property
    def shortfall(self) -> Floats:
        """What is owed and not paid."""
        short: Floats = self.owed - self.paid
        return short


def eisenberg_noe(debts: Floats, outside: Floats) -> Cleared:
    """The greatest clearing vector of `debts` [debtor, creditor], with `outside` [nodes] (0 or more) to pay from besides."""
    if np.any(debts < 0) or np.any(outside < 0):
        raise ValueError("debts and outside: must be 0 or more cash coins")
    owed = debts.sum(axis=1)
    shares = np.divide(debts, owed[:, None], out=np.zeros_like(debts), where=owed[:, None] > 0)
    rounds, paid = np.zeros(len(owed)), owed.copy()
    tolerance = 1e-12 * max(1.0, float(owed.max(initial=0.0)))
    for number in range(1, len(owed) + 1):
        failing = outside + shares.T @ paid < owed - tolerance
        fresh = failing & (rounds == 0)
        if not fresh.any():
            break
        rounds[fresh] = number
        bad = rounds > 0
        good = np.where(bad, 0.0, owed)
        system = np.eye(int(bad.sum())) - shares[np.ix_(bad, bad)].T
        paid = owed.copy()
        paid[bad] = np.clip(
            np.linalg.lstsq(system, outside[bad] + shares[:, bad].T @ good, rcond=None)[0], 0.0, owed[bad]
        )
    return Cleared(owed, paid, rounds)


def clear(graph: nx.DiGraph, lost: dict[str, float] | None = None) -> dict[str, dict[str, float]]:
    """Clear an exposure graph in which some nodes have lost some of what they hold outside: by node, owed, paid and shortfall."""
    names, debts = matrix(graph)
    outside = np.array(
        [max(0.0, graph.nodes[name].get("outside", 0.0) - (lost or {}).get(name, 0.0)) for name in names]
    )
    found = eisenberg_noe(debts, outside)
    return {
        name: {"owed": float(o), "paid": float(p), "shortfall": float(o - p), "round": float(r)}
        for name, o, p, r in zip(names, found.owed, found.paid, found.rounds, strict=True)
    }


def cleared(graph: nx.DiGraph) -> pd.DataFrame:
    """A row a node of an exposure graph that owes anything, if all debts fell due now: the largest shortfall first.

    Cash coins. `round`: in which the node defaults, 0 of one that pays; beyond 1 it does so for what others do not pay it.
    """
    rows = [{"node": name, **amounts} for name, amounts in clear(graph).items() if amounts["owed"] > 0]
    found = pd.DataFrame(rows, columns=["node", "owed", "paid", "shortfall", "round"])
    return found.sort_values(["shortfall", "node"], ascending=[False, True], ignore_index=True)
