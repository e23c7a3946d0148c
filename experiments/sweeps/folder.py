"""The folder of a sweep's results: what is in it is whole, whatever stopped the writing.

    sweep.toml         the sweep, complete in itself       points.parquet    a row a point: what the axes say
    manifest.json      digests, seeds, versions            constraints.txt   every version that was installed
    digests.txt        SHA-256 of every part               complete.json     runs and digest of the whole, at the end
    parts/             finished runs, Parquet              journal/          finished runs of parts that are not full yet
    failures/          a scenario and a traceback for each run that went wrong

A run is kept in its part's journal, one line with a checksum, as soon as it is reported. When all runs of a part are there,
the part is written under another name, its digest noted, and then renamed; only then its journal goes. A line that was cut
short, a part without its digest and a name that ends in `.partial` are as if they had never been.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

from experiments.codec import Mistakes
from experiments.sweeps.rows import Cell, Row

MANIFEST, DIGESTS, COMPLETE = "manifest.json", "digests.txt", "complete.json"
SPEC, POINTS, CONSTRAINTS = "sweep.toml", "points.parquet", "constraints.txt"
PARTS, JOURNAL, FAILURES, LOCK = "parts", "journal", "failures", ".lock"
OURS = {MANIFEST, DIGESTS, COMPLETE, SPEC, POINTS, CONSTRAINTS, PARTS, JOURNAL, FAILURES, LOCK}
PARTIAL = ".partial"


class Part(NamedTuple):
    """A file of results: its name, and the runs it holds, in order."""

    name: str
    cells: tuple[Cell, ...]


class Folder:
    """A folder of results that belongs to one sweep. Nothing here looks inside a part; `tables` does."""

    def __init__(self, home: Path) -> None:
        self.home = home
        if (home / DIGESTS).exists():  # a line that was cut short would spoil the next
            text = (home / DIGESTS).read_bytes()
            os.truncate(home / DIGESTS, text.rfind(b"\n") + 1)
        self.digests = read_digests(home)

    def finished(self, part: Part) -> bool:
        """Whether a part is there, whole. Raises Mistakes if what is there is not what was written."""
        path = self.home / PARTS / part.name
        if part.name not in self.digests or not path.is_file():
            return False
        if sha256(path.read_bytes()) != self.digests[part.name]:
            raise Mistakes([corrupt(path)])
        return True

    def journal(self, part: Part) -> dict[Cell, Row]:
        """The finished runs of a part that is not full yet. What was cut short is cut off, so that writing may go on."""
        path = self.home / JOURNAL / f"{part.name}.jsonl"
        if not path.is_file():
            return {}
        rows, length = read_journal(path)
        if length < path.stat().st_size:
            os.truncate(path, length)
        return {Cell(row.point, row.replicate): row for row in rows}

    def keep(self, part: Part, rows: Sequence[Row]) -> None:
        """Write finished runs down. Raises OSError, with nothing half-written left, where that cannot be done."""
        path = self.home / JOURNAL / f"{part.name}.jsonl"
        append(path, b"".join(map(checked, rows)))

    def fail(self, cell: Cell, scenario: str, trace: str) -> None:
        """Keep what a run that went wrong can be played again with."""
        name = f"point-{cell.point:06d}-replicate-{cell.replicate:05d}"
        for suffix, text in ((".toml", scenario), (".txt", trace)):
            if text:
                replace(self.home / FAILURES / f"{name}{suffix}", text.encode())

    def seal(self, part: Part, data: bytes) -> None:
        """Put a full part in its place, and let its journal go."""
        digest = sha256(data)
        path = self.home / PARTS / part.name
        partial = written(path, data)
        try:
            append(self.home / DIGESTS, f"{digest}  {PARTS}/{part.name}\n".encode())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        _sync(path.parent)
        self.digests[part.name] = digest
        (self.home / JOURNAL / f"{part.name}.jsonl").unlink(missing_ok=True)

    def close(self, parts: Sequence[Part]) -> str:
        """Put the digests in order, and return the digest of the whole table."""
        lines = [f"{self.digests[part.name]}  {PARTS}/{part.name}\n" for part in parts]
        replace(self.home / DIGESTS, "".join(lines).encode())
        whole = {"runs": sum(len(part.cells) for part in parts), "table": sha256("".join(lines).encode())}
        replace(self.home / COMPLETE, (json.dumps(whole) + "\n").encode())
        with contextlib.suppress(OSError):
            (self.home / JOURNAL).rmdir()
        return str(whole["table"])


@contextlib.contextmanager
def opened(out: Path, manifest: dict[str, Any], beside: Mapping[str, bytes]) -> Iterator[Folder]:
    """The folder of a sweep, made if it is new with what lies `beside`, and nobody else's while it is used. Raises Mistakes."""
    home = out.resolve()
    check_free(out, manifest)
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Mistakes([f"--out {out}: another process is at work on it"]) from None
        for name in (PARTS, JOURNAL, FAILURES):
            (home / name).mkdir(exist_ok=True)
        for partial in home.rglob(f"*{PARTIAL}"):
            partial.unlink()
        for name in (name for name in beside if not (home / name).exists()):
            replace(home / name, beside[name])
        if not (home / MANIFEST).exists():
            replace(home / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
        yield Folder(home)
        with contextlib.suppress(OSError):
            (home / FAILURES).rmdir()


def check_free(out: Path, manifest: dict[str, Any]) -> None:
    """Refuse a folder of another sweep, of another engine or plugin, or of something else altogether."""
    home = out.resolve()
    if not home.exists():
        return
    if not home.is_dir():
        raise Mistakes([f"--out {out}: is a file, not a folder"])
    names = {path.name for path in home.iterdir() if not path.name.endswith(PARTIAL)}
    begun = MANIFEST in names or DIGESTS not in names  # a manifest is written before any result
    if not (names <= OURS and begun):
        raise Mistakes([f"--out {out}: is not empty, and holds something else than the results of a sweep"])
    if MANIFEST in names:
        there = read_manifest(home)
        if there["sweep"] != manifest["sweep"]:
            raise Mistakes(
                [f"--out {out}: holds the results of another sweep, {there.get('name')!r} {there['sweep'][:12]}"]
            )
        if there["engine"] != manifest["engine"]:
            raise Mistakes(
                [
                    f"--out {out}: was begun with another version of the engine ({there['engine'][:12]}); take another folder"
                ]
            )
        changed = [
            f"{name} {there['versions'].get(name)} (now {version})"
            for name, version in manifest["versions"].items()
            if there["versions"].get(name) != version
        ]
        if changed:
            raise Mistakes([f"--out {out}: was begun with {', '.join(changed)}; take another folder"])
        if there.get("plugins", "") != manifest["plugins"]:
            raise Mistakes(
                [f"--out {out}: was begun with other plugins, or another version of one; take another folder"]
            )


def read_manifest(home: Path) -> dict[str, Any]:
    """What a folder says about itself. Raises Mistakes."""
    try:
        found = json.loads((home / MANIFEST).read_bytes())
        if isinstance(found, dict) and {
            "sweep",
            "engine",
            "versions",
            "columns",
            "points",
            "replicates",
            "name",
        } <= set(found):
            return found
    except FileNotFoundError:
        raise Mistakes([f"{home}: holds no results of a sweep"]) from None
    except NotADirectoryError:
        raise Mistakes([f"{home}: is a file, not a folder"]) from None
    except ValueError:
        pass
    raise Mistakes([f"{home / MANIFEST}: is not what a sweep writes"])


def read_digests(home: Path) -> dict[str, str]:
    """The digest of every part that was written; the last one counts, and a line that was cut short does not."""
    try:
        text = (home / DIGESTS).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return {}
    pairs = [line.rstrip("\n").split(f"  {PARTS}/") for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2 and len(pair[0]) == 64}


def read_journal(path: Path) -> tuple[list[Row], int]:
    """The rows of a journal, and how many bytes of it may stay: see `read_lines`."""
    texts, length = read_lines(path)
    return [Row(*json.loads(text)) for text in texts], length


def read_lines(path: Path) -> tuple[list[bytes], int]:
    """The whole lines of a journal, their checksums taken off, and how many bytes of it may stay.

    A last line that was cut short is as if it had never been. One before it that is not what was written is passed over, and told.
    """
    texts: list[bytes] = []
    damaged, length = 0, 0
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:  # it has become a part meanwhile
        lines = []
    for place, line in enumerate(lines):
        text, _, check = line.rstrip(b"\n").rpartition(b"\t")
        if line.endswith(b"\n") and check == b"%08x" % zlib.crc32(text):
            texts.append(text)
        elif place == len(lines) - 1:
            break
        else:
            damaged += 1
        length += len(line)
    if damaged:
        print(
            f"undertow: {path}: damaged in {damaged} of {len(lines)} lines, whose runs are played again",
            file=sys.stderr,
        )
    return texts, length


def corrupt(path: Path) -> str:
    """The complaint about a part that is not what was written."""
    return f"{path}: does not match its digest; delete it to have its runs played again"


def not_ours(path: Path) -> str:
    """The complaint about a file beside the parts that is not what was written."""
    return f"{path}: is not what a sweep writes; delete it, and the same sweep writes it anew"


def sha256(data: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def append(path: Path, data: bytes) -> None:
    """Add to a file so that it lasts; what cannot be added whole is taken back."""
    with FileIO(path, "ab") as file:
        before = file.tell()
        try:
            _put(file, data)
        except OSError:
            with contextlib.suppress(OSError):
                os.truncate(path, before)
            raise


def replace(path: Path, data: bytes) -> None:
    """Put a whole file in its place, or leave what was there."""
    partial = written(path, data)
    partial.replace(path)


def written(path: Path, data: bytes) -> Path:
    """A file beside the place where it is to go, safely on the disk. Nothing is left where that fails."""
    partial = path.with_name(path.name + PARTIAL)
    try:
        with FileIO(partial, "wb") as file:
            _put(file, data)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    return partial


def _put(file: FileIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
    os.fsync(file.fileno())


def checked(value: Any) -> bytes:
    """A value as a line of a journal, with its checksum."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode()
    return b"%s\t%08x\n" % (text, zlib.crc32(text))


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
