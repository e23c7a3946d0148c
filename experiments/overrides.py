"""Change a frozen value at dotted paths, such as `exchange.market.oracle.window`, and list the paths there are.

A path is made of field names. An element of a tuple is named by its index, by its `name` if it has one, or, where it is
the only one, by the singular of the field (`exchange` for `exchanges.0`). A first word that is no field of the root is
looked for below the `shortcuts`. All changes are made before anything is built, parents before children, so rules that
check two fields against each other see both, and a new `kind`, which begins from its own defaults, can be given with
its parameters.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from experiments.codec import Decoder, Draft
from experiments.shapes import BAD, Mistakes, fields_with_types, join, shape, show, unknown, words

T = TypeVar("T")


class Place(NamedTuple):
    """Where a path leads: `holder[key]`, declared as `annotation`; the same place has the same steps."""

    holder: Any  # the parts of a Draft (a dict), or a list
    key: str | int
    annotation: Any
    steps: tuple[str | int, ...]


class Lost(Exception):
    """A path leads nowhere: how far it led, how many words were left, and why (None: already complained of)."""

    def __init__(self, steps: int, left: int, why: str | None) -> None:
        super().__init__(why)
        self.steps, self.left, self.why = steps, left, why


def override(
    value: T, changes: Mapping[str, str], *, shortcuts: tuple[str, ...] = ("world",), plugins: Collection[type] = ()
) -> T:
    """The value with text put at dotted paths, each read by the type it is for: TOML, a bare word, or `none`."""
    return _changed(value, changes, _read, shortcuts, plugins)


def vary(
    value: T, path: str, new: object, *, shortcuts: tuple[str, ...] = ("world",), plugins: Collection[type] = ()
) -> T:
    """The value with a Python value, or plain data, put at one dotted path."""
    return varied(value, {path: new}, shortcuts=shortcuts, plugins=plugins)


def varied(
    value: T, changes: Mapping[str, object], *, shortcuts: tuple[str, ...] = ("world",), plugins: Collection[type] = ()
) -> T:
    """The value with Python values, or plain data, put at several dotted paths at once."""
    return _changed(value, changes, _decoded, shortcuts, plugins)


class Entry(NamedTuple):
    """One line of help about a field."""

    path: str
    words: str
    default: str


def fields_of(cls: type, *, plugins: Collection[type] = ()) -> tuple[Entry, ...]:
    """Every field below a class as its defaults lay it out: dotted path, type in words, default."""
    return tuple(_entries(cls, cls(), "", plugins))


# Making the changes


def _changed(
    value: T,
    changes: Mapping[str, Any],
    read: Callable[[Any, Any, str, Decoder], Any],
    shortcuts: tuple[str, ...],
    plugins: Collection[type],
) -> T:
    root = _opened(value)
    assert isinstance(root, Draft), "only a dataclass has fields to change"
    decoder = Decoder(plugins)
    by: dict[tuple[str | int, ...], str] = {}

    def depth(path: str) -> tuple[int, int]:
        try:
            return len(_find(root, path, shortcuts).steps), 0
        except Lost as lost:
            return lost.steps + lost.left, lost.left

    for path in sorted(changes, key=depth):
        new = changes[path]
        try:
            holder, key, annotation, steps = _find(root, path, shortcuts)
        except Lost as lost:
            if lost.why is not None:
                decoder.note(path, new, lost.why)
            continue
        if steps in by:
            decoder.note(path, new, f"{by[steps]} already set this")
            continue
        by[steps] = path
        holder[key] = read(annotation, new, path, decoder)

    built: T = decoder.value(type(value), root, "")
    if decoder.mistakes:
        raise Mistakes(decoder.mistakes)
    return built


def _decoded(annotation: Any, new: Any, path: str, decoder: Decoder) -> Any:
    return decoder.value(annotation, new, path)


def _read(annotation: Any, text: str, path: str, decoder: Decoder) -> Any:
    if text.strip().lower() == "none" and shape(annotation).none:
        return None
    readings: list[Any] = [text]
    why = ""
    try:
        table = tomllib.loads(f"v = {text}")
        if list(table) == ["v"]:
            readings.insert(0, table["v"])
    except (ValueError, RecursionError) as error:
        why = f"not TOML: {error}"
    trials = [Decoder(decoder.plugins) for _ in readings]
    for trial, data in zip(trials, readings, strict=True):
        new = trial.value(annotation, data, path)
        if not trial.mistakes:
            return new
    if why and text.lstrip().startswith(("{", "[", '"', "'")):
        decoder.note(path, text, why)
    else:
        decoder.mistakes += trials[0].mistakes
    return BAD


# Finding a place


def _opened(value: Any) -> Any:
    """A dataclass as a Draft and a tuple as a list, so that parts of it can be replaced."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type | Draft):
        cls: type = type(value)
        return Draft(cls, {name: getattr(value, name) for name in fields_with_types(cls)})
    return list(value) if isinstance(value, tuple) else value


def _find(root: Draft, path: str, shortcuts: tuple[str, ...]) -> Place:
    words_left = path.split(".")
    if not _keys(root, words_left[0]):
        for name in shortcuts:
            if name in root.parts and _keys(_open_at(root.parts, name), words_left[0]):
                words_left.insert(0, name)
                break
    node: Any = root
    place = Place({}, "", root.cls, ())
    while words_left:
        word = words_left[0]
        keys = _keys(node, word)
        if not keys and words_left == ["kind"] and place.steps and shape(place.annotation).tagged:
            return place  # naming the kind of a thing replaces the thing
        if not keys:
            below = [n for s in shortcuts if node is root and s in root.parts for n in _names(root.parts[s])]
            raise Lost(len(place.steps), len(words_left), _why_lost(node, word, below))
        for key in keys:
            holder = node.parts if isinstance(node, Draft) else node
            place = Place(holder, key, _declared(node, key, place.annotation), (*place.steps, key))
            node = _open_at(holder, key)
        words_left.pop(0)
    return place


def _open_at(holder: Any, key: str | int) -> Any:
    holder[key] = _opened(holder[key])
    return holder[key]


def _declared(node: Any, key: Any, annotation: Any) -> Any:
    if isinstance(node, Draft):
        return fields_with_types(node.cls)[key].annotation
    elements = shape(annotation).elements(len(node))
    assert elements is not None
    return elements[key]


def _keys(node: Any, word: str) -> tuple[str | int, ...]:
    """The steps a word stands for here: one, two for the singular of a tuple of one, or none."""
    if isinstance(node, Draft):
        if word in node.parts:
            return (word,)
        return next(((n, 0) for n, part in node.parts.items() if len(_row(part)) == 1 and _singular(n) == word), ())
    if word.isdecimal() and int(word) < len(_row(node)):
        return (int(word),)
    named = [i for i, part in enumerate(_row(node)) if _name(part) == word]
    return (named[0],) if len(named) == 1 else ()


def _names(node: Any) -> list[str]:
    """The words one may write here."""
    if isinstance(node, Draft) or dataclasses.is_dataclass(node):
        parts = _opened(node).parts
        return [_singular(n) if _is_lone(n, part) and _singular(n) not in parts else n for n, part in parts.items()]
    names = [_name(part) for part in _row(node)]
    return [n if isinstance(n, str) and names.count(n) == 1 else str(i) for i, n in enumerate(names)]


def _why_lost(node: Any, word: str, below: list[str]) -> str | None:
    if node is BAD:
        return None
    if isinstance(node, Draft):
        for name, part in node.parts.items():
            if _singular(name) == word and isinstance(part, tuple | list):
                choice = ", ".join(f"{name}.{n}" for n in _names(part))
                return f"{name} has {len(part)} elements" + (f"; say which: {choice}" if choice else "")
        return unknown(f"no such field of {node.cls.__name__}", word, _names(node) + below)
    if isinstance(node, list):
        return unknown("no such element", word, _names(node))
    return f"nothing lies below {show(node)}"


def _row(node: Any) -> tuple[Any, ...] | list[Any]:
    return node if isinstance(node, tuple | list) else ()


def _is_lone(name: str, part: Any) -> bool:
    """Whether a field is a tuple of one thing with fields of its own."""
    return len(_row(part)) == 1 and (isinstance(part[0], Draft) or dataclasses.is_dataclass(part[0]))


def _name(part: Any) -> Any:
    return part.parts.get("name") if isinstance(part, Draft) else getattr(part, "name", None)


def _singular(plural: str) -> str:
    if plural.endswith("ies"):
        return plural[:-3] + "y"
    if plural.endswith(("sses", "xes", "ches", "shes")):
        return plural[:-2]
    return plural if plural.endswith("ss") else plural.removesuffix("s")


# Listing the places


def _entries(annotation: Any, value: Any, path: str, plugins: Collection[type]) -> Iterator[Entry]:
    node = _opened(value)
    if isinstance(node, Draft):
        if path and shape(annotation).tagged:
            yield Entry(path, words(annotation, plugins), node.cls.__name__)
        for name, step in zip(node.parts, _names(node), strict=True):
            declared, part = fields_with_types(node.cls)[name].annotation, node.parts[name]
            if step == name:
                yield from _entries(declared, part, join(path, name), plugins)
            else:  # the only element of a tuple goes by the singular of its field
                yield from _elements(declared, part, join(path, name), [join(path, step)], plugins)
    elif isinstance(node, list):
        yield from _elements(annotation, value, path, [join(path, n) for n in _names(node)], plugins)
    else:
        yield Entry(path, words(annotation, plugins), show(value))


def _elements(annotation: Any, row: Any, path: str, paths: list[str], plugins: Collection[type]) -> Iterator[Entry]:
    things = [dataclasses.is_dataclass(x) for x in row]
    default = "[" + ", ".join(type(x).__name__ for x in row) + "]" if any(things) else show(row)
    yield Entry(path, words(annotation, plugins), default)
    declared = shape(annotation).elements(len(row)) or ()
    for a, x, p, is_thing in zip(declared, row, paths, things, strict=True):
        if is_thing:
            yield from _entries(a, x, p, plugins)
