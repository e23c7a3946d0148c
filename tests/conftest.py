"""What every test may lean on: fresh compiled caches, small worlds, and the shared folder if it is there."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

from protocol.compiled import stale

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """Clear compiled caches that an edit elsewhere has made out of date, once, before workers start."""
    hypothesis.settings.register_profile("undertow", deadline=None)  # the first example may compile
    hypothesis.settings.load_profile("undertow")
    if not hasattr(config, "workerinput"):
        stale(ROOT / "protocol", ROOT / "agents")


@pytest.fixture(scope="session")
def klines() -> Path:
    """The real ether bars of October 2025; skips where the shared folder is absent."""
    path = SHARED / "data" / "ETHUSDT-15m-2025-10-06.csv"
    if not path.exists():
        pytest.skip("../shared/data is not here: real klines are not part of the repository")
    return path
