"""Figure: what a window pays its designer, attacked and not, and what both play round by round."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments.figures.style import SHADES, line, panels, save

HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++++")


def draw(payoffs: pd.DataFrame, mixes: pd.DataFrame, out: Path, name: str, stamped: str = "") -> list[Path]:
    """`payoffs`: window (s), attacker, designer_mean with low and high (cash coins). `mixes`: round, part, strategy, chance."""
    figure, axes = panels(1, 2)
    pay, play = axes[0]
    for number, style in enumerate(list(dict.fromkeys(payoffs["attacker"]))[:3]):
        group = payoffs[payoffs["attacker"] == style].sort_values("window")
        columns = [group[f"designer_{c}"] / 1e3 for c in ("mean", "low", "high")]
        line(pay, number, group["window"] / 60.0, columns, f"attacker: {style}")
    pay.set_xscale("log")
    pay.set_yscale("symlog", linthresh=1.0)
    windows = [float(w) / 60.0 for w in sorted(set(payoffs["window"]))]
    pay.set_xticks(windows, [f"{w:.2g}" for w in windows])
    pay.minorticks_off()
    pay.axhline(0.0, color="black", linewidth=0.6)
    pay.set_xlabel("TWAP window (minutes)")
    pay.set_ylabel("gain of those behind the exchange\n(thousand cash coins, 95 % interval)")
    pay.legend()
    usual = payoffs[(payoffs["attacker"] == "usual") & (payoffs["attacker_low"] > 0)]
    longest = float(usual["window"].max()) / 60.0 if len(usual) else 0.0
    pay.set_title(f"Up to {longest:.2g} minutes the attack pays")

    labels = []
    for number in sorted(set(mixes["round"])):
        for place, part in enumerate(("designer", "attacker")):
            x, bottom = 3 * number + place, 0.0
            labels.append((x, f"{part[:3]}. {number}"))
            rows = mixes[(mixes["round"] == number) & (mixes["part"] == part) & (mixes["chance"] > 0.005)]
            for order, (_, row) in enumerate(rows.iterrows()):
                chance = float(row["chance"])
                hatch = HATCHES[order % len(HATCHES)]
                play.bar(x, chance, bottom=bottom, color="white", edgecolor=SHADES[0], hatch=hatch, linewidth=0.7)
                play.annotate(
                    str(row["strategy"]).replace("designer-", "new ").replace("attacker-", "new "),
                    (x, bottom + chance / 2),
                    ha="center",
                    va="center",
                    fontsize=5.5,
                    rotation=90 if chance > 0.3 else 0,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
                )
                bottom += chance
    play.set_xticks([x for x, _ in labels], [text for _, text in labels], fontsize=6)
    play.grid(visible=False)
    play.set_ylabel("probability in equilibrium")
    play.set_xlabel("part, round of best answers")
    end = mixes[mixes["round"] == mixes["round"].max()].iloc[0]
    left, most = float(end["regret"]) / 1e3, float(end["regret_high"]) / 1e3
    play.set_title(f"Regret left: {left:.2g} thousand (up to {most:.2g})")
    return save(figure, out, name, f"seeds a profile: {int(end['seeds'])}", stamped)
