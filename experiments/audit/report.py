"""What an audit found, for those who decide: the verdict first, then tables, figures, recipes, and what it is based on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

from experiments.arsenal.seating import attacked
from experiments.audit import lasting
from experiments.audit.binding import FRESH, LEVEL
from experiments.audit.data import RECIPES, to_json
from experiments.audit.findings import Audit, Line
from experiments.audit.hunting import SEEDS, profit
from experiments.audit.judging import LEVEL as PAYING
from experiments.audit.pages import Block, Bullets, Heading, Paragraph, Picture, Sheet, to_html, to_markdown
from experiments.audit.remedies import remedies
from experiments.audit.telling import hangs, interval, verdict
from experiments.codec import dumps
from experiments.figures.audit import draw_profits, draw_stress, draw_turns
from experiments.figures.style import stamp
from experiments.summary import number
from experiments.sweeps.folder import replace

FIGURES, CHANGED = "figures", "changed.toml"


def blocks(found: Audit, figures: dict[str, Path]) -> Iterator[Block]:
    """The report."""
    one = found.scenario
    if one.about:
        yield Paragraph(one.about)
    yield from (Paragraph(text, loud=True) for text in verdict(found))
    yield Heading("Attacks")
    yield from _attacks(found)
    if "profits" in figures:
        yield Picture(
            figures["profits"], "The worst profit found of each attack, on held-out seeds, with 95 % intervals."
        )
    yield from remedies(found, CHANGED)
    yield from _binding(found, figures)
    yield from _stress(found, figures)
    yield from _recipes(found)
    yield from _based_on(found)


def _binding(found: Audit, figures: dict[str, Path]) -> Iterator[Block]:
    if not found.turns:
        return
    yield Heading("Which parameter is binding")
    yield Paragraph(
        "Each parameter was turned to a quarter and to four times what it is, or as near as the rules allow, the attack at its"
        " found settings deciding anew. That only picks the turns that are worth a closer look. They were played on"
        f" {len(FRESH)} seeds that they were not picked by, beside the rules as they are: cash coins, and the difference seed by"
        " seed with the 95 % interval of its test. A parameter is called binding where that interval lies below zero and Holm's"
        f" p, over all that were compared, is {LEVEL:g} at most; of any other it is not told that it matters."
    )
    for attack, one in found.turns.items():
        yield Paragraph(hangs(attack, one))
        rows = [("as it is", "", "", interval(one.plain), "", "", "")]
        for effect in one.effects:
            turn = effect.turn
            at, word = f"{turn.at(turn.factor):.4g}", "binding" if effect.binds else "not told"
            told_by = (interval(effect.profit), interval(effect.change), f"{effect.p:.3g}", word)
            rows.append((turn.bound.path, f"{turn.value:.4g}", at, *told_by))
        heads = (f"parameter, for {attack}", "now", "turned to", "profit", "difference", "p (Holm)", "")
        yield Sheet(heads, rows, right=(1, 2, 3, 4, 5))
    if "binding" in figures:
        yield Picture(
            figures["binding"],
            "What turning a parameter takes from the worst attack, against the same seeds under the rules as they are.",
        )


def _attacks(found: Audit) -> Iterator[Block]:
    judged = sorted((line for line in found.lines if line.bare is not None), key=lambda line: -line.worst)
    rows = []
    for line in judged:
        bare = line.bare
        assert bare is not None, "judged"
        victims = ", ".join(f"{kind} {number(loss)}" for kind, loss in list(bare.victims.items())[:3] if loss > 0.5)
        rows.append(
            (
                line.attack,
                line.path,
                interval(bare.profit),
                f"{line.p:.3g}" if bare.profit.mean > found.bound else "",
                _found(line),
                number(bare.cost) if bare.attacked.mean else "",
                number(bare.stake) if bare.attacked.mean else "",
                victims,
                "never" if math.isnan(bare.noticed) else f"{bare.noticed:,.0f} s",
                line.stopped_by,
                interval(line.after),
            )
        )
    if rows:
        heads = (
            "attack",
            "path",
            "worst profit",
            "p (Holm)",
            "",
            "cost",
            "at risk",
            "who pays",
            "noticed",
            "stopped by",
            "then",
        )
        yield Sheet(heads, rows, right=(2, 3, 5, 6, 8, 10))
        yield Paragraph(
            f"Cash coins a run of {found.scenario.duration:,.0f} s. Worst profit: the best settings that the attacker's search"
            f" found, on {len(SEEDS)} seeds that nothing was chosen by and, if those left it open and runs were left, once on more;"
            f" mean and 95 % interval. It pays where that lies above {number(found.bound)} and Holm's p, over all attacks judged,"
            f" is {PAYING:g} at most at either look; it does not where that lies below; else it is undecided. Noticed: median"
            " time to a public signal beyond every honest run. Then: what it earns under all changes, having searched anew."
        )
    other = [line for line in judged if line.elsewhere]
    if other:
        yield Bullets(
            [f"{line.attack} on the {path} path: {interval(v)}" for line in other for path, v in line.elsewhere.items()]
        )
    quiet = [line for line in found.lines if line.bare is None]
    if quiet:
        yield Sheet(("attack", "not judged", "why"), [(line.attack, line.state, _why(line)) for line in quiet])


def _found(line: Line) -> str:
    if line.pays:
        return "pays"
    return f"undecided by {line.bare.profit.seeds} seeds" if line.undecided and line.bare else "does not pay"


def _why(line: Line) -> str:
    hoped = "" if math.isnan(line.hoped) else f" (expected {number(line.hoped)} at most)"
    tried = f"; {line.hunt.tried} settings searched" if line.hunt is not None and line.hunt.tried else ""
    return f"{line.why}{hoped if line.state == 'stays home' else ''}{tried}"


def _stress(found: Audit, figures: dict[str, Path]) -> Iterator[Block]:
    stress = found.stress
    if stress is None:
        return
    yield Heading("Bad debt under stress, nobody attacking")
    above = "not bounded by so few runs" if math.isinf(stress.tail_high) else number(stress.tail_high)
    yield Sheet(
        ("stressed runs", "mean", "runs with any", "99 % quantile", "its 95 % interval"),
        [
            (
                f"{len(stress.debts)}",
                interval(stress.mean),
                f"{stress.happens.mean:.1%} [{stress.happens.low:.1%}, {stress.happens.high:.1%}]",
                number(stress.tail),
                f"from {number(stress.tail_low)}; {above}",
            )
        ],
        right=(0, 1, 2, 3, 4),
    )
    if "bad-debt" in figures:
        yield Picture(figures["bad-debt"], "How much bad debt stressed runs leave when nobody attacks.")


def _recipes(found: Audit) -> Iterator[Block]:
    lines = [line for line in found.lines if line.replay is not None]
    if lines:
        yield Heading("Recipes")
        yield Paragraph("Each file is a whole scenario, attacker and seed included (the median of the held-out ones).")
        rows = [
            (
                f"undertow run {RECIPES}/{line.attack}.toml",
                f"{line.replay.seed}",
                f"{profit(line.replay):,.6f}",
                line.replay.digest[:16],
            )
            for line in lines
            if line.replay is not None
        ]
        yield Sheet(("replay", "seed", "profit on it (gain of attacker)", "digest"), rows, right=(1, 2))


def _based_on(found: Audit) -> Iterator[Block]:
    one = found.scenario
    yield Heading("What this is based on")
    yield Bullets([f"{path.name} path: {path.about}" for path in found.paths])
    if not any(path.name == "real" for path in found.paths):
        yield Paragraph("No real path: no recorded bars were given (--klines).")
    if found.peopled:
        cast = ", ".join(f"{role.label} ({role.count})" for role in one.cast)
        yield Paragraph(f"The protocol came without a cast; this one was seated, sized by the depth it states: {cast}.")
    slow = lasting.unseen(one)
    if slow:
        yield Paragraph(
            f"Rules in force here that take longer than a third of a run of {one.duration:,.0f} s, so that what they do in the"
            f" long run was not seen: {', '.join(slow)}."
        )
    rows = [(what, f"{runs:,}") for what, runs in found.spent.items()]
    yield Sheet(
        ("runs spent on", ""),
        [*rows, (f"together, of a budget of {found.budget:,}", f"{sum(found.spent.values()):,}")],
        (1,),
    )
    yield Paragraph(f"A run that goes on for longer counts as so many. All that were played: {stamp(found.digests)}.")
    if found.short:
        yield Paragraph("What was not reached:")
        yield Bullets(found.short)
    if found.misfits:
        yield Paragraph("Rules with no place here: " + ", ".join(sorted(found.misfits)) + ".")
    if found.wrong:
        yield Paragraph(f"Runs that went wrong, {len(found.wrong)}:")
        yield Bullets(found.wrong[:10])


def write(found: Audit, out: Path) -> list[Path]:
    """Report, recipes, figures, and the rules as changed."""
    for folder in (out / RECIPES, out / FIGURES):
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.iterdir():
            stale.unlink()  # of an audit with another budget
    drawn = [*draw_profits(found, out / FIGURES), *draw_turns(found, out / FIGURES)]
    drawn += draw_stress(found, out / FIGURES)
    figures = {path.stem: path for path in drawn if path.suffix == ".png"}
    for line in found.lines:
        if line.replay is not None and line.hunt is not None and line.hunt.best is not None:
            recipe = dataclasses.replace(attacked(line.hunt.scenario, line.hunt.best), seed=line.replay.seed)
            replace(out / RECIPES / f"{line.attack}.toml", dumps(recipe).encode())
    (out / CHANGED).unlink(missing_ok=True)
    if found.changed is not None:
        replace(out / CHANGED, dumps(found.changed).encode())
    title, content = f"Audit of {found.scenario.name}", list(blocks(found, figures))
    replace(out / "report.html", to_html(title, content, sound=found.sound).encode())
    replace(out / "report.md", to_markdown(title, content, out).encode())
    replace(out / "report.json", to_json(found, " ".join(verdict(found))).encode())
    return [out / "report.html", out / "report.md", out / "report.json", *([out / CHANGED] if found.changed else [])]
