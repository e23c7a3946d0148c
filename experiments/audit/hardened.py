"""What a hardening came to, told and written down."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments.audit.designs import Hardened, Kept
from experiments.codec import dumps
from experiments.figures.frontier import draw
from experiments.statistics import Estimate
from experiments.sweeps.folder import replace

HARDENED = "hardened.toml"
MOST_WRONG = 10  # runs that went wrong, told


def told(found: Hardened) -> str:
    """What it came to, in a few lines."""
    wrong = [f"runs that went wrong, {len(found.wrong)}:", *found.wrong[:MOST_WRONG]] if found.wrong else []
    if not found.attacks:
        none = "no attack was found that pays"
        line = f"{none}, but not all was looked at:" if found.short else f"{none}; nothing to harden against"
        return "\n".join([f"{found.scenario.name}: {line}", *found.short, *wrong])
    lines = [
        f"{found.scenario.name} on the {found.path.name} path ({found.path.about}): {len(found.designs)} designs against"
        f" {', '.join(found.attacks)}; held-out seeds, mean and 95 % interval"
    ]
    for label, one in (("rules as they are", found.start), ("hardened", found.chosen)):
        if one is None:
            lines.append(f"{label}: {'not judged' if found.start is None else 'none that stands was found'}")
            continue
        lines.append(f"{label}: open interest per coin of capital {one.efficiency}; worst attack {one.worst}, {one.by}")
        if one is found.chosen:
            lines += kept(one.kept)
        lines += [f"    {path} = {value:.6g}" for path, value in one.design.levers.items()]
    if found.left_out:
        lines.append(f"earning as the rules are, and met by no design before it had stood: {', '.join(found.left_out)}")
    if found.joined:
        lines.append(f"broke a design that had stood, and met all that came after: {', '.join(found.joined)}")
    if found.chosen is not None and found.chosen.met is not None:
        names = ", ".join(path.name for path in found.paths)
        lines.append(
            f"the hardened design met {len(found.seated)} attacks on each path ({names}), each searching where it saw a chance"
        )
        lines += [f"    {name}: {one}" for name, one in found.chosen.met.items()]
    return "\n".join([*lines, *found.short, *wrong])


def kept(of: Kept) -> list[str]:
    """What is left of honest trade, against the rules as they are, seed by seed."""
    return [
        f"    volume kept {_share(of.volume)}, open interest kept {_share(of.open_interest)} (n={of.volume.seeds})",
        f"    a coin traded costs {_times(of.dearer)} times as much; a coin of capital carries {_times(of.carried)} times as much",
    ]


def _share(one: Estimate) -> str:
    return f"{one.mean:.1%} [{one.low:.1%}, {one.high:.1%}]"


def _times(one: Estimate) -> str:
    return f"{one.mean:.3g} [{one.low:.3g}, {one.high:.3g}]"


def write(found: Hardened, out: Path) -> list[Path]:
    """Designs as a table, the hardened scenario, and the frontier as a figure."""
    rows = [{**one._asdict(), **one.levers} for one in found.designs]
    table = pd.DataFrame(rows).drop(columns="levers") if rows else pd.DataFrame()
    replace(out / "designs.csv", table.to_csv(index=False).encode())
    replace(out / "harden.txt", f"{told(found)}\n".encode())
    (out / HARDENED).unlink(missing_ok=True)
    if found.best is not None:
        replace(out / HARDENED, dumps(found.best).encode())
    files = [out / "designs.csv", out / "harden.txt", *([out / HARDENED] if found.best is not None else [])]
    return files + draw(found, out, "frontier")
