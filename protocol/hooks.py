"""Which hooks a rule fills: what it leaves to its family's base does nothing, and need not be called."""

from __future__ import annotations


def fills(rule: object, base: type, hook: str) -> bool:
    """Whether a rule has a `hook` of its own."""
    return getattr(type(rule), hook) is not getattr(base, hook)
