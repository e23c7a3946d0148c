"""What a result was made with: the versions that its numbers depend on, and everything that was installed."""

from __future__ import annotations

import importlib.metadata
import platform
from functools import cache

OF_NUMBERS = ("undertow", "numpy", "scipy", "numba", "mesa", "pandas", "pyarrow")


@cache
def versions() -> dict[str, str]:
    """Versions that numbers may depend on, by name."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    return found | {name: importlib.metadata.version(name) for name in OF_NUMBERS}


@cache
def frozen() -> str:
    """Every installed distribution, one a line, as pip reads them."""
    names = {
        (d.metadata["Name"] or "").lower().replace("_", "-"): d.version for d in importlib.metadata.distributions()
    }
    return "".join(f"{name}=={names[name]}\n" for name in sorted(names) if name and name != "undertow")
