"""Settings that make no sense, told in one form."""

from __future__ import annotations


def refusals(owner: object, **rules: tuple[bool, str]) -> list[str]:
    """A line for each setting of `owner` that is not good. `rules`: by its name, whether it is, and what is allowed."""
    return [
        f"{name} = {getattr(owner, name)}: must be {allowed}" for name, (good, allowed) in rules.items() if not good
    ]


def refuse(owner: object, **rules: tuple[bool, str]) -> None:
    """Raise ValueError with all those lines, if there are any."""
    if wrong := refusals(owner, **rules):
        raise ValueError("\n".join(wrong))
