"""Where results may be written, and how a record gets there: whole, or not at all.

A folder is refused before anything is played if it could not take what is asked of it, or holds somebody else's work.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiments.record import Record

RECORD = {
    "blocks.parquet",
    "events.parquet",
    "flows.parquet",
    "scenario.toml",
    "record.json",
}  # files of a written record
TWIN = "twin"  # folder of the twin's record, inside its run's
SWEEP, AUDIT, HARDENING, SEARCH = "a sweep", "an audit", "a hardening", "a search"
MARKS = {  # by what results are called: names of which one is there as soon as they are, and in no other kind's folder
    SWEEP: {"manifest.json"},
    "a run": {"record.json"},
    AUDIT: {"report.json"},
    HARDENING: {"designs.csv"},
    SEARCH: {"generation-0000"},
    "a sensitivity": {"screen"},
    "studies": {"kept"},
}
SHARED = ("a sensitivity", "studies")  # kinds that do not mind one another
LOCK = ".lock"  # of an audit or a hardening: says which of them began there, for both begin with the same journal


def _existing(folder: Path) -> Path:
    """The nearest folder that is there already."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def free_for_study(out: Path) -> None:
    """Refuse a place that can take no tables and figures."""
    from experiments.codec import Mistakes

    home = _existing(out.resolve())
    if not home.is_dir():
        raise Mistakes([f"--out {out}: {home.name} is a file, not a folder"])
    try:  # the rights of a file system are known by trying: some that cannot take a folder say that they may be written to
        Path(tempfile.mkdtemp(prefix=".undertow.", dir=home)).rmdir()
    except OSError:
        raise Mistakes([f"--out {out}: {home.name or home} may not be written to"]) from None


def free_for(out: Path, *kinds: str) -> None:
    """Refuse, besides, a folder that holds results of another kind than these: neither could go on there."""
    from experiments.codec import Mistakes

    free_for_study(out)
    other = sorted(_kinds_in(out) - set(kinds))
    if other:
        raise Mistakes([f"--out {out}: holds the results of {' and '.join(other)}; take another folder"])


def free_for_several(out: Path) -> None:
    """Refuse the folder of results that go on only with nothing else in it."""
    free_for(out, *SHARED)


def _kinds_in(folder: Path) -> set[str]:
    if not folder.is_dir():
        return set()
    names = {path.name for path in folder.iterdir()}
    lock = folder / LOCK
    begun = lock.read_text(errors="replace").strip() if lock.is_file() else ""
    return {kind for kind, marks in MARKS.items() if marks & names or kind == begun}


def free_for_record(out: Path) -> Path:
    """Where a record can go: a folder that is new, empty, or holds a record and nothing else."""
    from experiments.codec import Mistakes

    folder = out.resolve()
    if folder.is_dir() and any(folder.iterdir()) and not _is_record(folder):
        raise Mistakes([f"--out {out}: is not empty, and holds something else than an undertow record"])
    free_for_study(out)
    return folder


def _is_record(folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()}
    twin = folder / TWIN
    return names >= RECORD and names <= RECORD | {TWIN} and (TWIN not in names or (twin.is_dir() and _is_record(twin)))


def gather(
    folder: Path, files: Callable[[Path], list[Path]], former: Callable[[Path], bool] = lambda path: False
) -> list[Path]:
    """Files made in a folder beside it, and moved there once all of them are: what stops on the way leaves nothing half-written.

    What an earlier go left there (`former` knows such files) and this one does not write anew is taken away, so that no two mix.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        made = files(partial)
        folder.mkdir(exist_ok=True)
        placed = [path.replace(folder / path.relative_to(partial)) for path in made]
        for path in {path for path in folder.iterdir() if path.is_file() and former(path)} - set(placed):
            path.unlink()
        return placed
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write(folder: Path, record: Record, twin: Record | None) -> None:
    """All of it or nothing: into a sibling first, which then takes the place of what was there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    former = folder.with_name(f".{folder.name}.{os.getpid()}.former")
    try:
        record.write(partial)
        if twin is not None:
            twin.write(partial / TWIN)
        if folder.exists():
            folder.rename(former)
        try:
            partial.rename(folder)
        except OSError:
            if former.exists():
                former.rename(folder)
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)
