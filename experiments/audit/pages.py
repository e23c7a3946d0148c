"""A report as blocks, written as HTML that needs no network, or as Markdown: one content, two forms."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Heading(NamedTuple):
    """The title of a section."""

    text: str


class Paragraph(NamedTuple):
    """Running text; `loud` for what must be read first."""

    text: str
    loud: bool = False


class Bullets(NamedTuple):
    """Short lines."""

    lines: Sequence[str]


class Sheet(NamedTuple):
    """A table; columns numbered in `right` are aligned to the right."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[int] = ()


class Picture(NamedTuple):
    """A PNG file and what it shows."""

    file: Path
    caption: str


Block = Heading | Paragraph | Bullets | Sheet | Picture

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 80rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #ccc; }
p.loud { font-size: 1.05rem; max-width: 60rem; border-left: 4px solid #b2182b; padding-left: .8rem; }
p.loud.sound { border-color: #41ab5d; }
table { border-collapse: collapse; font-size: .85rem; margin: .8rem 0; display: block; overflow-x: auto; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #e3e3e3; text-align: left; vertical-align: top; }
th { border-bottom: 2px solid #888; } .r { text-align: right; }
.r, td:last-child { white-space: nowrap; }
figure { margin: 1rem 0; } img { max-width: 100%; width: 34rem; } figcaption { font-size: .85rem; color: #555; }
"""


def to_html(title: str, blocks: Sequence[Block], *, sound: bool) -> str:
    """One page, pictures inside."""
    body = "\n".join(_html(block, sound) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>{html.escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def _html(block: Block, sound: bool) -> str:
    match block:
        case Heading(text):
            return f"<h2>{html.escape(text)}</h2>"
        case Paragraph(text, loud):
            kind = f' class="loud{" sound" if sound else ""}"' if loud else ""
            return f"<p{kind}>{html.escape(text)}</p>"
        case Bullets(lines):
            return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>"
        case Sheet(head, rows, right):
            cells = [_row("th", head, right), *(_row("td", row, right) for row in rows)]
            return "<table>\n" + "\n".join(cells) + "\n</table>"
        case Picture(file, caption):
            data = base64.b64encode(file.read_bytes()).decode()
            said = html.escape(caption)
            return (
                f'<figure><img alt="{said}" src="data:image/png;base64,{data}"><figcaption>{said}</figcaption></figure>'
            )


def _row(tag: str, cells: Sequence[str], right: Sequence[int]) -> str:
    kinds = [' class="r"' if k in right else "" for k in range(len(cells))]
    marked = [f"<{tag}{kind}>{html.escape(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True)]
    return f"<tr>{''.join(marked)}</tr>"


def to_markdown(title: str, blocks: Sequence[Block], home: Path) -> str:
    """The same as text; pictures are named from `home`."""
    return "\n\n".join([f"# {title}", *(_markdown(block, home) for block in blocks)]) + "\n"


def _markdown(block: Block, home: Path) -> str:
    match block:
        case Heading(text):
            return f"## {text}"
        case Paragraph(text, loud):
            return f"**{text}**" if loud else text
        case Bullets(lines):
            return "\n".join(f"- {line}" for line in lines)
        case Sheet(head, rows, right):
            rule = ["---:" if k in right else "---" for k in range(len(head))]
            return "\n".join(f"| {' | '.join(_plain(cell) for cell in row)} |" for row in (head, rule, *rows))
        case Picture(file, caption):
            return f"![{caption}]({file.relative_to(home).as_posix()})"


def _plain(cell: str) -> str:
    return cell.replace("|", "\\|")
