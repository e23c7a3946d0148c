"""Frozen dataclasses from and to TOML, every mistake of a file reported at once.

The annotations of the classes are the schema; nothing is registered. A field typed as a family base (an ABC such as
`Oracle`) takes any variant found by walking the package of that base, and its table says which: `kind = "Twap"`. What a
table leaves out takes the default of its own class. TOML has no null: a None that is also the default is left out, any
other is written `{kind = "None"}`.

The recursion is written out and pydantic judges the leaves alone (strict, finite, a bool is no number). Over these
classes it cannot do more: it refuses a field typed as an ABC; a discriminated union would need a `kind` field in every
protocol class, or a mirror model of each; it drops unknown keys of stdlib dataclasses in silence, lets a failing
`__post_init__` hide its neighbours, and takes `true` for `Literal[1]`.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import inspect
import json
import pkgutil
import tomllib
from abc import ABC
from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from functools import cache, reduce
from operator import or_
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Final, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import tomli_w
from pydantic import ConfigDict, TypeAdapter, ValidationError

T = TypeVar("T")

BAD: Final = object()  # stands for a value that could not be decoded; its mistake is already noted
NO_KIND: Final = MappingProxyType({"kind": "None"})  # None, where leaving it out would mean something else
LEAVES: Final = {float: "a finite number", int: "an integer", str: "text", bool: "true or false"}


class Mistakes(ValueError):
    """Every mistake at once, one line each: the dotted path, the value given, what is allowed."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines: tuple[str, ...] = tuple(lines)
        super().__init__("\n".join(self.lines))

    def __reduce__(self) -> tuple[type[Mistakes], tuple[tuple[str, ...]]]:
        return Mistakes, (self.lines,)


# What an annotation allows


class Shape(NamedTuple):
    """What an annotation allows, taken apart once."""

    none: bool
    leaf: TypeAdapter[Any] | None  # judges numbers, text and booleans
    choices: tuple[tuple[object, object], ...]  # (as written, as meant) of enums and literals
    items: tuple[Any, ...] | None  # annotations of a tuple's elements; a single one, of them all, if `many`
    many: bool
    classes: tuple[type, ...]  # dataclasses and family bases
    tagged: bool  # a table must say its kind

    def elements(self, length: int) -> tuple[Any, ...] | None:
        """The annotation of each element of a tuple this long, or None if it cannot be."""
        items = self.items and self.items * length if self.many else self.items
        return items if items is not None and len(items) == length else None

    def leaf_value(self, data: Any) -> Any:
        """The number, text, boolean, enum member or literal that `data` means, or BAD."""
        for written, meant in self.choices:
            if data is meant or (type(data) is type(written) and data == written):
                return meant
        try:
            return BAD if self.leaf is None else self.leaf.validate_python(data)
        except ValidationError:
            return BAD

    def holds(self, value: Any) -> bool:
        """Whether a finished value is of one of the classes."""
        return any(type(value) is c or (is_family(c) and isinstance(value, c)) for c in self.classes)


class Field(NamedTuple):
    """One field of a dataclass: its resolved annotation and its default (MISSING if it must be given)."""

    annotation: Any
    default: Any


def is_family(cls: type) -> bool:
    """Whether a class is the base of a family, not a variant."""
    return ABC in cls.__bases__ or inspect.isabstract(cls)


@cache
def variants(base: type) -> dict[str, type]:
    """The concrete dataclasses of a family by class name, found by walking the package in which its base lives."""
    home = importlib.import_module(base.__module__)
    if not hasattr(home, "__path__") and home.__package__:
        home = importlib.import_module(home.__package__)
    modules = [home]
    for info in pkgutil.walk_packages(getattr(home, "__path__", ()), home.__name__ + "."):
        if not info.name.endswith(".__main__"):
            modules.append(importlib.import_module(info.name))

    found: dict[str, type] = {}
    for module in modules:
        for cls in vars(module).values():
            if not (isinstance(cls, type) and cls.__module__ == module.__name__ and issubclass(cls, base)):
                continue
            if is_family(cls) or not dataclasses.is_dataclass(cls) or found.get(cls.__name__) is cls:
                continue
            if cls.__name__ in found:
                raise TypeError(f"two variants of {base.__name__} are called {cls.__name__}")
            if any(f.name == "kind" for f in dataclasses.fields(cls)):
                raise TypeError(f"{cls.__name__}: a variant has no field `kind`, the word that names its class")
            found[cls.__name__] = cls
    return dict(sorted(found.items()))


@cache
def fields_with_types(cls: type) -> dict[str, Field]:
    """The fields of a dataclass that its constructor takes."""
    try:
        hints = get_type_hints(cls)
    except NameError as error:
        raise TypeError(f"{cls.__name__}: an annotation needs a name imported at run time: {error}") from error
    found = {}
    for f in dataclasses.fields(cls):
        if f.init:
            factory = f.default_factory
            found[f.name] = Field(hints[f.name], f.default if factory is dataclasses.MISSING else factory())
    return found


def _alternatives(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, UnionType):
        return [a for arg in get_args(annotation) for a in _alternatives(arg)]
    return [getattr(annotation, "__supertype__", annotation)]  # a NewType is what it stands for


@cache
def shape(annotation: Any) -> Shape:
    """Take an annotation apart; TypeError if values of it cannot be written in a file."""
    leaves: list[Any] = []
    choices: list[tuple[object, object]] = []
    classes: list[type] = []
    items: tuple[Any, ...] | None = None
    none = False
    for a in _alternatives(annotation):
        if a in (None, NoneType):
            none = True
        elif a in LEAVES:
            leaves.append(a)
        elif get_origin(a) is Literal:
            choices += [(x, x) for x in get_args(a)]
        elif get_origin(a) is tuple and items is None:
            items = get_args(a)
        elif isinstance(a, type) and issubclass(a, Enum):
            choices += [(m.value if isinstance(m.value, str) else m.name, m) for m in a]
        elif isinstance(a, type) and (is_family(a) or dataclasses.is_dataclass(a)):
            classes.append(a)
        else:
            raise TypeError(f"cannot be written in a file: {annotation}")
    strict = ConfigDict(strict=True, allow_inf_nan=False)
    leaf: TypeAdapter[Any] | None = TypeAdapter(reduce(or_, leaves), config=strict) if leaves else None
    tagged = len(classes) > 1 or any(is_family(c) for c in classes)
    many = items is not None and items[1:] == (...,)
    return Shape(none, leaf, tuple(choices), items[:1] if items and many else items, many, tuple(classes), tagged)


def kinds(annotation: Any, plugins: Collection[type] = ()) -> dict[str, type]:
    """The dataclasses a table of this annotation may be, by name."""
    found: dict[str, type] = {}
    for cls in shape(annotation).classes:
        found |= variants(cls) if is_family(cls) else {cls.__name__: cls}
        found |= {p.__name__: p for p in plugins if issubclass(p, cls)}
    return found


def words(annotation: Any, plugins: Collection[type] = ()) -> str:
    """An annotation in words: what is allowed."""
    s, parts = shape(annotation), []
    if s.classes:
        names = ", ".join(kinds(annotation, plugins))
        parts.append(f"one of {names}" if s.tagged else f"a table ({names})")
    if s.items and s.many:
        parts.append(f"a list, each {words(s.items[0], plugins)}")
    elif s.items is not None:
        parts.append(f"a list of {len(s.items)} ({'; '.join(words(a, plugins) for a in s.items)})")
    if s.choices:
        parts.append("one of " + ", ".join(show(written) for written, _ in s.choices))
    parts += [LEAVES[a] for a in _alternatives(annotation) if a in LEAVES]
    return " or ".join(parts + ["none"] * s.none)


def show(data: object, width: int = 60) -> str:
    """A value as one would write it in TOML, on one line and cut to a width."""
    match data:
        case None:
            text = "none"
        case Enum():
            text = show(data.value if isinstance(data.value, str) else data.name)
        case bool() | str():
            text = json.dumps(data, ensure_ascii=False)
        case Mapping():
            text = "{" + ", ".join(f"{k} = {show(v)}" for k, v in data.items()) + "}"
        case list() | tuple():
            text = "[" + ", ".join(show(v) for v in data) + "]"
        case _:
            text = " ".join(str(data).split())
    return text if len(text) <= width else text[: width - 3] + "..."


def unknown(what: str, given: str, existing: Iterable[str]) -> str:
    """The complaint about a name that does not exist: the nearest that does, and all of them."""
    names = list(dict.fromkeys(existing))
    near = difflib.get_close_matches(given, names, n=1) or [n for n in names if n.lower() == given.lower()]
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{what}{hint} (there is: {', '.join(names) or 'nothing'})"


def join(path: str, step: object) -> str:
    """A path one step longer."""
    return f"{path}.{step}" if path else str(step)


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


def _plain(annotation: Any, value: Any, keep: str, path: str, mistakes: list[str]) -> Any:
    s = shape(annotation)
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
