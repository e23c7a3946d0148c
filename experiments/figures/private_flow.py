"""Figure: what a large trader pays to those who read or infer its orders, and how well they can be inferred."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments.figures.style import line, panels, save


def draw(table: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`table`: kind, scatter, and loss (bp), right and foreseen (shares) with their intervals."""
    figure, axes = panels(1, 2)
    paid, known = axes[0]
    for number, (kind, group) in enumerate(table.groupby("kind", sort=False)):
        line(paid, number, group["scatter"], [group[c] for c in ("loss", "loss_low", "loss_high")], str(kind))
    paid.set_ylabel("large trader's loss to it\n(bp of its volume, 95 % interval)")
    paid.set_title("Sealing ends reading, not inference")
    paid.set_ylim(bottom=min(0.0, float(table["loss_low"].min()) * 1.1), top=1.45 * float(table["loss_high"].max()))
    paid.legend(loc="upper right")
    inferred = table[table["kind"] == table["kind"].iloc[-1]]
    for number, (what, label) in enumerate(
        (("right", "guesses that were right"), ("foreseen", "its trades that were foreseen"))
    ):
        line(known, number, inferred["scatter"], [inferred[c] for c in (what, f"{what}_low", f"{what}_high")], label)
    known.set_ylabel("share (95 % interval)")
    known.set_ylim(0, 1.05)
    known.set_title("Irregular pauses are what hides an order")
    known.legend(loc="upper right")
    for panel in axes[0]:
        panel.set_xlabel("how irregular its pauses are (share of the pause)")
    return save(figure, out, name, f"seeds a point: {int(table['seeds'].max())}", stamped)
