"""Frozen dataclasses from and to TOML, every mistake of a file reported at once.

The annotations of the classes are the schema (`shapes`). The table of a field typed as a family base says which variant:
`kind = "Twap"`. What a table leaves out takes the default of its own class. TOML has no null: a None that is also the
default is left out, any other is written `{kind = "None"}`.

The recursion is written out and pydantic judges the leaves alone (strict, finite, a bool is no number). Over these
classes it cannot do more: it refuses a field typed as an ABC; a discriminated union would need a `kind` field in every
protocol class, or a mirror model of each; it drops unknown keys of stdlib dataclasses in silence, lets a failing
`__post_init__` hide its neighbours, and takes `true` for `Literal[1]`.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

import tomli_w

from experiments.shapes import (
    BAD,
    Mistakes,
    Shape,
    fields_with_types,
    is_family,
    join,
    kinds,
    shape,
    show,
    unknown,
    variants,
    words,
)

__all__ = ["Mistakes", "decode", "dumps", "encode", "load", "loads", "unknown", "variants"]

T = TypeVar("T")

NO_KIND: Final = MappingProxyType({"kind": "None"})  # None, where leaving it out would mean something else


# Plain data to values


@dataclasses.dataclass
class Draft:
    """A dataclass taken apart and not yet built again; its parts are drafts, plain data or finished values."""

    cls: type
    parts: dict[str, Any]


@dataclasses.dataclass
class Decoder:
    """One pass over plain data; `mistakes` grows as it goes."""

    plugins: Collection[type] = ()
    mistakes: list[str] = dataclasses.field(default_factory=list)

    def value(self, annotation: Any, data: Any, path: str) -> Any:
        """What `data` means where `annotation` is declared, or BAD."""
        s = shape(annotation)
        if s.plain:
            return _settled(data)
        if s.none and (data is None or (isinstance(data, Mapping) and data == NO_KIND)):
            return None
        if s.classes and isinstance(data, Draft):
            return self._build(data.cls, data.parts, path)
        if s.classes and isinstance(data, Mapping):
            return self._table(annotation, data, path)
        if s.holds(data):
            return data
        if s.items is not None and isinstance(data, list | tuple):
            return self._row(s, data, path)
        if s.tagged and isinstance(data, str) and s.leaf is None and not s.choices:
            return self._table(annotation, {"kind": data}, path)
        value = s.leaf_value(data)
        if value is BAD and data is not BAD:
            self.note(path, data, f"must be {words(annotation, self.plugins)}")
        return value

    def note(self, path: str, data: Any, complaint: str) -> None:
        """Note a mistake: where, what was given, what is wrong with it."""
        self.mistakes.append(f"{path} = {show(data)}: {complaint}" if path else f"{show(data)}: {complaint}")

    def _table(self, annotation: Any, data: Mapping[str, Any], path: str) -> Any:
        options = kinds(annotation, self.plugins)
        cls = None if shape(annotation).tagged else next(iter(options.values()))
        parts = dict(data)
        if "kind" in parts and (cls is None or "kind" not in fields_with_types(cls)):
            kind = parts.pop("kind")
            cls = options.get(kind) if isinstance(kind, str) else None
            if cls is None:
                self.note(join(path, "kind"), kind, unknown("no such kind", str(kind), options))
                return BAD
        if cls is None:
            self.note(path, data, f"kind is missing: must be one of {', '.join(options)}")
            return BAD
        return self._build(cls, parts, path)

    def _build(self, cls: type, parts: Mapping[str, Any], path: str) -> Any:
        known, given, whole = fields_with_types(cls), {}, True
        for key, data in parts.items():
            if key in known:
                given[key] = self.value(known[key].annotation, data, join(path, key))
            else:
                whole = False
                self.note(join(path, key), data, unknown(f"no such field of {cls.__name__}", str(key), known))
        for key, field in known.items():
            if key not in given and field.default is dataclasses.MISSING:
                whole = False
                self.mistakes.append(f"{join(path, key)} is missing: must be {words(field.annotation, self.plugins)}")
        if not whole or any(v is BAD for v in given.values()):
            return BAD
        try:
            return cls(**given)
        except ValueError as error:
            self.mistakes += [f"{path or cls.__name__}: {line}" for line in str(error).splitlines() or ["refused"]]
            return BAD

    def _row(self, s: Shape, data: Collection[Any], path: str) -> Any:
        elements = s.elements(len(data))
        if elements is None:
            self.note(path, data, f"must have {len(s.items or ())} elements, not {len(data)}")
            return BAD
        row = tuple(self.value(a, x, join(path, i)) for i, (a, x) in enumerate(zip(elements, data, strict=True)))
        return BAD if any(x is BAD for x in row) else row


def _settled(data: Any) -> Any:
    """Plain data with lists as tuples; what it means is found out where it is put."""
    if isinstance(data, list | tuple):
        return tuple(_settled(x) for x in data)
    return {key: _settled(x) for key, x in data.items()} if isinstance(data, Mapping) else data


def decode(cls: type[T], data: Mapping[str, Any], *, plugins: Collection[type] = ()) -> T:
    """The value of a class, or of a variant of a family, that plain data describes.

    `plugins` are classes from outside the families' packages that `kind` may name as well.
    """
    decoder = Decoder(plugins)
    value = decoder.value(cls, data, "")
    if decoder.mistakes:
        raise Mistakes(decoder.mistakes)
    return value  # type: ignore[no-any-return]


def loads(cls: type[T], text: str, *, plugins: Collection[type] = ()) -> T:
    """The value a TOML text describes."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise Mistakes([f"not TOML: {error}"]) from error
    return decode(cls, data, plugins=plugins)


def load(cls: type[T], path: str | Path, *, plugins: Collection[type] = ()) -> T:
    """The value a TOML file describes."""
    try:
        data = tomllib.loads(Path(path).read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise Mistakes([f"{path}: {(error.strerror or str(error)).lower()}"]) from error
    except UnicodeDecodeError as error:
        raise Mistakes([f"{path}: not UTF-8 (byte {error.start})"]) from error
    except (ValueError, RecursionError) as error:
        raise Mistakes([f"{path}: not TOML: {error}"]) from error
    return decode(cls, data, plugins=plugins)


# Values to plain data


def encode(value: object, *, keep: Literal["all", "changed"] = "all") -> dict[str, Any]:
    """A dataclass as plain data that decodes to an equal value; "changed" leaves out what its class's default says."""
    mistakes: list[str] = []
    data = _table_of(value, keep, _has_family(type(value)), "", mistakes)
    if mistakes:
        raise Mistakes(mistakes)
    return data


def dumps(value: object, *, keep: Literal["all", "changed"] = "all") -> str:
    """A dataclass as TOML text."""
    return tomli_w.dumps(encode(value, keep=keep))


def _has_family(cls: type) -> bool:
    return any(is_family(base) for base in cls.__mro__[1:-1])


def _table_of(value: Any, keep: str, tagged: bool, path: str, mistakes: list[str]) -> dict[str, Any]:
    cls: type = type(value)
    table: dict[str, Any] = {"kind": cls.__name__} if tagged else {}
    for name, field in fields_with_types(cls).items():
        part = getattr(value, name)
        if (part is None and field.default is None) or (keep == "changed" and part == field.default):
            continue
        table[name] = _plain(field.annotation, part, keep, join(path, name), mistakes)
    return table


def _as_it_is(value: Any, keep: str, path: str, mistakes: list[str]) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _table_of(value, keep, _has_family(type(value)), path, mistakes)
    if value is None:
        return dict(NO_KIND)
    if isinstance(value, Mapping):
        return {key: _as_it_is(x, keep, join(path, key), mistakes) for key, x in value.items()}
    if isinstance(value, list | tuple):
        return [_as_it_is(x, keep, join(path, i), mistakes) for i, x in enumerate(value)]
    if not isinstance(value, bool | int | float | str):
        mistakes.append(f"{path} = {show(value)}: cannot be written in a file")
    return value


def _plain(annotation: Any, value: Any, keep: str, path: str, mistakes: list[str]) -> Any:
    s = shape(annotation)
    if s.plain:
        return _as_it_is(value, keep, path, mistakes)
    if value is None and s.none:
        return dict(NO_KIND)
    if s.holds(value):
        return _table_of(value, keep, s.tagged, path, mistakes)
    elements = s.elements(len(value)) if isinstance(value, tuple) else None
    if elements is not None:
        pairs = enumerate(zip(elements, value, strict=True))
        return [_plain(a, x, keep, join(path, i), mistakes) for i, (a, x) in pairs]
    for written, meant in s.choices:
        if value is meant or (type(value) is type(meant) and value == meant):
            return written
    data = BAD if s.leaf is None else s.leaf_value(value)
    if data is BAD:
        mistakes.append(f"{path} = {show(value)}: must be {words(annotation)}")
    return data
