"""A state as one account may see it: what is sealed or hidden is not in it, whatever a role reads it by.

Each table that a venue keeps from players (`Venue.masks`) is there as that account may know it: of bids for an auction its own,
of a book whose owners are hidden everybody's orders and nobody else's name. So the venue's own views (`resting`, `shelf`,
`cost`, `mid`) answer as they would anybody, and `state.tables` answers no more. Nothing can be written to it. Where a world
keeps nothing back there is no glimpse: players are shown the state as it is, which costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from protocol.state import State
from protocol.venues.base import Mask


class _NotToBeShared(Exception):
    """What was computed holds what this viewer alone may know."""


class Masked(Mapping[str, Any]):
    """Tables, some of them as `viewer` sees them. Counts how often it kept something back."""

    __slots__ = ("kept_back", "masks", "seen", "tables", "viewer")

    def __init__(self, tables: Mapping[str, Any], masks: Mapping[str, Mask], viewer: int) -> None:
        self.tables = tables
        self.masks = masks
        self.viewer = viewer
        self.seen: dict[str, Any] = {}
        self.kept_back = 0

    def __getitem__(self, path: str) -> Any:
        mask = self.masks.get(path)
        if mask is None:
            return self.tables[path]
        self.kept_back += 1
        if path not in self.seen:
            self.seen[path] = mask(self.tables[path], self.viewer)
        return self.seen[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)


class Glimpse(State):
    """The state as `viewer` sees it, for as long as the state stays as it is."""

    lasts = False

    def __init__(self, state: State, masks: Mapping[str, Mask], viewer: int) -> None:
        self.__dict__.update(state.__dict__)
        self.__dict__["tables"] = Masked(state.tables, masks, viewer)
        self._undo = []
        self._shared = state

    def derived(self, key: Any, compute: Any, *args: Any) -> Any:
        """What others have computed already, too; what is computed from something masked is for this viewer alone."""
        masked: Any = self.tables
        before, found = masked.kept_back, []

        def mine() -> Any:
            found.append(compute(*args))
            if masked.kept_back != before:
                raise _NotToBeShared
            return found[0]

        try:
            return self._shared.derived(key, mine)
        except _NotToBeShared:
            return found[0]

    def marking(self, key: Any, compute: Any, *args: Any) -> Any:
        """As `derived`: a glimpse does not last."""
        return self.derived(("marking", key), compute, *args)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("what a player sees is not to be written to: send a transaction, or simulate one")

    put = write = edit = mark = rewind = finalise = restore = save = digest = _refuse
