"""What may stand where: the shape that an annotation gives to plain data, and the variants of a family, found by walking.

The annotations of the classes are the schema; nothing is registered. A field typed as a family base (an ABC such as
`Oracle`) takes any variant found in the package of that base. What is here reads classes and writes words; `codec` reads and
writes values.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import inspect
import json
import pkgutil
from abc import ABC
from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from functools import cache, reduce
from operator import or_
from types import NoneType, UnionType
from typing import Any, Final, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from protocol.units import SPAN

BAD: Final = object()  # stands for a value that could not be decoded; its mistake is already noted
LEAVES: Final = {float: "a finite number", int: "an integer", str: "text", bool: "true or false"}


class Mistakes(ValueError):
    """Every mistake at once, one line each: the dotted path, the value given, what is allowed."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines: tuple[str, ...] = tuple(lines)
        super().__init__("\n".join(self.lines))

    def __reduce__(self) -> tuple[type[Mistakes], tuple[tuple[str, ...]]]:
        return Mistakes, (self.lines,)


class Shape(NamedTuple):
    """What an annotation allows, taken apart once."""

    none: bool
    leaf: TypeAdapter[Any] | None  # judges numbers, text and booleans
    choices: tuple[tuple[object, object], ...]  # (as written, as meant) of enums and literals
    items: tuple[Any, ...] | None  # annotations of a tuple's elements; a single one, of them all, if `many`
    many: bool
    classes: tuple[type, ...]  # dataclasses and family bases
    tagged: bool  # a table must say its kind
    plain: bool = False  # whatever a file can say: judged where it is put

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


@cache
def spans(cls: type) -> frozenset[str]:
    """The fields of a dataclass that are declared as seconds that a rule takes: `Seconds` or `WholeSeconds` of `protocol.units`."""
    hints = get_type_hints(cls, include_extras=True)
    return frozenset(name for name, hint in hints.items() if SPAN in getattr(hint, "__metadata__", ()))


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
    none = plain = False
    for a in _alternatives(annotation):
        if a in (None, NoneType):
            none = True
        elif a is Any:
            plain = True
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
    elements = items[:1] if items and many else items
    return Shape(none, leaf, tuple(choices), elements, many, tuple(classes), tagged, plain)


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
    parts += [LEAVES[a] for a in _alternatives(annotation) if a in LEAVES] + ["anything"] * s.plain
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
