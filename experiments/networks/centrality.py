"""Who is central in a network: by what it owes and is owed, by what passes through it, and by what its failure would take along.

PageRank of flows follows the money (Brin and Page 1998, weighted by cash). DebtRank of each node is that of a shock which takes all
of its equity (Battiston et al. 2012): the share of all equity that is distressed beyond itself. A till or a pool, which has none of
its own, passes on what it loses to those to whom it owes (`impacts`). Keepers owe nobody: where they stand in the flows says what
they do.
"""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx
import numpy as np
import pandas as pd

from experiments.networks.distress import debtrank, impacts
from experiments.networks.graphs import matrix

COLUMNS = ["node", "owes", "owed", "debtrank", "pagerank", "received", "paid"]


def centrality(exposed: nx.DiGraph, moved: nx.DiGraph, worth: Mapping[str, float]) -> pd.DataFrame:
    """A row a node of an exposure graph, the one whose failure would distress most first; amounts in cash coins, ranks as shares.

    `moved`: flows between groups of accounts. `worth`: equity by node, as `exposed` has it.
    """
    names, debts = matrix(exposed)
    equity = np.array([max(0.0, worth.get(name, 0.0)) for name in names])
    outside = np.array([float(exposed.nodes[name].get("outside", 0.0)) for name in names])
    impact, rank = impacts(debts, equity, outside), _pagerank(moved)
    received, paid = dict(moved.in_degree(weight="cash")), dict(moved.out_degree(weight="cash"))
    rows = []
    for place, name in enumerate(names):
        shock = np.zeros(len(names))
        shock[place] = 1.0
        weights = equity if equity.sum() > 0 else None
        rows.append(
            {
                "node": name,
                "owes": float(debts[place].sum()),
                "owed": float(debts[:, place].sum()),
                "debtrank": debtrank(impact, shock, weights)[0],
                "pagerank": _of(rank, name),
                "received": _of(received, name),
                "paid": _of(paid, name),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS).sort_values(
        ["debtrank", "node"], ascending=[False, True], ignore_index=True
    )


def _of(found: Mapping[str, float], name: str) -> float:
    """What is told of a node, where there is one exchange by its group alone."""
    return float(found.get(name, found.get(name.rpartition(".")[2], 0.0)))


def _pagerank(moved: nx.DiGraph) -> dict[str, float]:
    return dict(nx.pagerank(moved, weight="cash")) if moved.number_of_edges() else {}
