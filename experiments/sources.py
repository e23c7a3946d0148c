"""What a result depends on besides its scenario: the engine's sources, and those of the user's own that plugins bring in.

Whoever keeps runs asks here whether they still hold. Of a plugin that is its file and whatever it imports, as its text says
(also inside functions), and what that imports; of an installed package the modules that are named, not followed further. Modules
whose names are put together while it runs, and files that it reads, are not seen. Names count and places do not, so that the same
plugin is the same on every machine.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DRAWING = ("figures", "commands", "cli.py", "gallery.py", "dictionary.py")  # of experiments: what measures nothing
PLAYING = (
    "run",
    "record",
    "metrics",
    "capital",
    "scenario",
    "overrides",
)  # of experiments: what makes a row, and all it imports
COVERED = {"protocol", "agents", "experiments", *sys.stdlib_module_names}  # packages whose sources are no plugin's
INSTALLED = {"site-packages", "dist-packages"}


@cache
def engine() -> str:
    """SHA-256 of the sources that a run's numbers depend on."""
    return _digest_of({path for name in ("protocol", "agents") for path in (ROOT / name).rglob("*.py")} | playing())


def playing() -> set[Path]:
    """Modules of `experiments` that make a run's row, whatever they import of it included."""
    found: set[Path] = set()
    waiting = [f"experiments.{name}" for name in PLAYING]
    while waiting:
        stem = ROOT / waiting.pop().replace(".", "/")
        path = next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()), None)
        if path is None or path in found:
            continue
        found.add(path)
        package = path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        waiting += [name for name in _imports(path.read_bytes(), package) if name.startswith("experiments")]
    return found


def _digest_of(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(f"{path.relative_to(ROOT).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return total.hexdigest()


@cache
def measuring(file: Path) -> str:
    """SHA-256 of what a function of `file` may play and measure with.

    That is the engine, bundled scenarios, `file` itself, and all of `experiments` but what draws, and what only asks.
    """
    home = ROOT / "experiments"
    total = hashlib.sha256(engine().encode())
    found = {path for ending in ("*.py", "*.toml") for path in home.rglob(ending)}
    for path in sorted(path for path in found if path.relative_to(home).parts[0] not in DRAWING):
        total.update(f"{path.relative_to(home).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    total.update(file.read_bytes())
    return total.hexdigest()


def brought(plugins: Sequence[str]) -> str:
    """SHA-256 of plugins' files and of what they import, once they have been loaded; nothing where there are none."""
    if not plugins:
        return ""
    found: dict[str, bytes] = {}
    for name in plugins:
        _follow(Path(name), f"plugin {Path(name).name}", "", found)
    total = hashlib.sha256()
    for name in sorted(found):
        total.update(f"{name}\0".encode() + hashlib.sha256(found[name]).digest())
    return total.hexdigest()


def _follow(path: Path, name: str, package: str, found: dict[str, bytes]) -> None:
    """Take in a module's file, and the files of what it imports."""
    if name in found:
        return
    try:
        found[name] = path.read_bytes()
    except OSError:  # a run without it goes wrong by itself
        return
    if path.suffix != ".py" or INSTALLED & set(path.parts):
        return
    for imported in _imports(found[name], package):
        if imported.partition(".")[0] in COVERED:
            continue
        spec = _spec(imported)
        if spec is not None and spec.origin is not None and spec.has_location:
            inside = imported if spec.submodule_search_locations is not None else imported.rpartition(".")[0]
            _follow(Path(spec.origin), imported, inside, found)


def _imports(text: bytes, package: str) -> Iterator[str]:
    """Every module that a text may import, packages above it first."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in filter(None, names):
            words = name.split(".")
            yield from (".".join(words[: n + 1]) for n in range(len(words)))


def _spec(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):  # no module of that name: something in one
        return None
