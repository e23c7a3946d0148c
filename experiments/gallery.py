"""The gallery: a page with every figure, the question it answers, the findings it stands for, and the command that draws it.

What a figure was drawn from is read from its own metadata. `python -m experiments.gallery` writes docs/gallery.md anew.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
FINDINGS = ROOT / "docs" / "findings.md"
AUDITS = ROOT / "docs" / "audits"
HEAD = """# Gallery

Every figure, the question it answers, and the command that draws it anew; `undertow figures` draws them all. A PDF lies beside each
PNG. Both carry in their metadata how many seeds and runs they show and a digest of those.
"""


def page(figures: Path, prefix: str, studies: dict[str, ModuleType], findings: str) -> str:
    """Markdown, for a page from which figures lie at `prefix`. Studies whose figures are not there are left out."""
    parts = [HEAD]
    rows = re.findall(r"^\| (F\d+) \| .*$", findings, re.MULTILINE)
    lines = dict(zip(rows, re.findall(r"^\| F\d+ \| .*$", findings, re.MULTILINE), strict=True))
    for name, module in studies.items():
        shown = pictures(figures, name, module)
        if not shown:
            continue
        found = cited(module, name, shown, lines)
        command = "undertow demo" if "`undertow demo`" in "".join(lines[f] for f in found) else f"undertow study {name}"
        parts.append(f"## {module.QUESTION}\n")
        parts.append(f"`{command}`; findings: {', '.join(found) if found else 'none yet'}.\n")
        for picture in shown:
            at = f"{prefix}{picture.relative_to(figures).as_posix()}"
            told = told_by(picture)
            parts.append(f"![{picture.stem}]({at})\n\n{picture.stem}{': ' + told if told else ''}\n")
    return "\n".join(parts)


def audits(home: Path, prefix: str, findings: str) -> str:
    """Markdown: the figures of every audit whose report is kept, from a page from which those lie at `prefix`."""
    parts = []
    for folder in sorted(path for path in home.glob("*") if (path / "report.md").is_file()):
        report = (folder / "report.md").read_text(encoding="utf-8")
        parts.append(f"## How does {folder.name} die?\n")
        ids = re.findall(rf"^\| (F\d+) \| .*/{folder.name}/report\.md.*$", findings, re.MULTILINE)
        of = f"[report]({prefix}{folder.name}/report.md)"
        parts.append(f"`undertow audit {folder.name}`, {of}; findings: {', '.join(ids) if ids else 'none yet'}.\n")
        for name in re.findall(r"\]\((figures/.*?\.png)\)", report):
            at, stem = f"{prefix}{folder.name}/{name}", Path(name).stem
            parts.append(f"![{stem}]({at})\n\n{stem}: {told_by(folder / name)}\n")
    return "\n".join(parts)


def pictures(figures: Path, name: str, module: ModuleType) -> list[Path]:
    """The figures of a study: called after it, or as it says, or in a folder called after it."""
    names = getattr(module, "FIGURES", (name,))
    found = [figures / f"{one}.png" for one in names]
    return [path for path in found if path.is_file()] + sorted((figures / name).glob("*.png"))


def cited(module: ModuleType, name: str, shown: list[Path], lines: dict[str, str]) -> list[str]:
    """Ids of findings that name its command, its figures or its file; and of those that were measured as these were."""
    signs = [f"`undertow study {name}`", f"studies/{module.__name__.rpartition('.')[2]}.py"]
    signs += [f"/{picture.name}" for picture in shown if picture.parent.name != name]
    signs += [f"`undertow {module.COMMAND}"] if hasattr(module, "COMMAND") else []
    found = [id_ for id_, line in lines.items() if any(sign in line for sign in signs)]
    return [id_ for id_, line in lines.items() if id_ in found or any(f"| as {one} |" in line for one in found)]


def told_by(picture: Path) -> str:
    """What a figure says of itself."""
    with Image.open(picture) as image:
        return str(image.info.get("Description", ""))


def write(figures: Path, out: Path, prefix: str) -> Path:
    """The page of a folder of figures."""
    from experiments.cli import studies

    findings = FINDINGS.read_text(encoding="utf-8") if FINDINGS.exists() else ""
    out.write_text(page(figures, prefix, studies(), findings), encoding="utf-8")
    return out


def write_docs() -> Path:
    """docs/gallery.md: every figure of the studies, then those of audits."""
    out = write(ROOT / "docs" / "figures", ROOT / "docs" / "gallery.md", "figures/")
    found = audits(AUDITS, "audits/", FINDINGS.read_text(encoding="utf-8"))
    out.write_text(f"{out.read_text(encoding='utf-8')}\n{found}", encoding="utf-8")
    return out


if __name__ == "__main__":
    print(write_docs().relative_to(ROOT))
