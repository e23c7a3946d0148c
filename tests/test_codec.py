"""Scenarios survive the way to TOML and back, and every mistake in one is said at once, with what is allowed."""

import importlib
import math
import pickle
import sys
import time
from dataclasses import dataclass, replace
from typing import Any, NewType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.codec import Mistakes, decode, dumps, encode, load, loads, variants
from experiments.overrides import fields_of, override, vary

FILES = {
    "zoo/__init__.py": "",
    "zoo/oracles/__init__.py": "",
    "zoo/oracles/base.py": """
        from abc import ABC, abstractmethod
        class Oracle(ABC):
            @abstractmethod
            def read(self): ...
    """,
    "zoo/oracles/spot.py": """
        from dataclasses import dataclass
        from zoo.oracles.base import Oracle
        @dataclass(frozen=True)
        class Spot(Oracle):
            def read(self): ...
        class Helper(Oracle):
            def read(self): ...
    """,
    "zoo/oracles/slow/__init__.py": "",
    "zoo/oracles/slow/twap.py": """
        from __future__ import annotations
        from dataclasses import dataclass
        from zoo.oracles.base import Oracle
        from zoo.oracles.spot import Spot
        @dataclass(frozen=True)
        class Twap(Oracle):
            window: float = 1800.0
            delay: float = 0.0
            def __post_init__(self):
                wrong = []
                if self.window <= 0:
                    wrong.append(f"window must be positive, not {self.window}")
                if self.delay >= self.window:
                    wrong.append(f"delay must be below window, not {self.delay}")
                if wrong:
                    raise ValueError("\\n".join(wrong))
            def read(self): ...
        @dataclass(frozen=True)
        class Guarded(Oracle):
            inner: Oracle = Spot()
            also: Twap = Twap()
            band: float | None = 0.05
            def read(self): ...
    """,
    "zoo/oracles/__main__.py": "raise SystemExit('walking a package runs nothing')",
    "zoo/players/__init__.py": "",
    "zoo/players/base.py": """
        from abc import ABC
        from dataclasses import dataclass
        @dataclass(frozen=True)
        class Player(ABC):
            name: str = "someone"
    """,
    "zoo/players/all.py": """
        from dataclasses import dataclass
        from zoo.players.base import Player
        @dataclass(frozen=True)
        class Keeper(Player):
            capital: float = 1e6
        @dataclass(frozen=True)
        class Attacker(Player):
            budget: int = 3
            targets: tuple[str, ...] = ()
    """,
    "zoo/world.py": """
        from __future__ import annotations
        from dataclasses import dataclass, field
        from enum import Enum, auto
        from typing import Literal, Union
        from zoo.oracles.base import Oracle
        from zoo.oracles.slow.twap import Twap
        from zoo.oracles.spot import Spot
        from zoo.players.all import Attacker, Keeper
        from zoo.players.base import Player
        class Side(Enum):
            LONG = "long"
            SHORT = "short"
        class Phase(Enum):
            CALM = auto()
            STORM = auto()
        @dataclass(frozen=True)
        class Market:
            name: str = "ETH"
            oracle: Oracle = Twap()
            backup: Oracle | None = None
            tick: float = 0.01
            lots: int = 1
        @dataclass(frozen=True)
        class Chain:
            interval: float = 12.0
        @dataclass(frozen=True)
        class Exchange:
            name: str = "perp"
            kind: Literal["perpetual", "options", 7] = "perpetual"
            markets: tuple[Market, ...] = (Market(),)
        @dataclass(frozen=True)
        class World:
            exchanges: tuple[Exchange, ...] = (Exchange(),)
            losses: tuple[Chain, ...] = (Chain(), Chain(0.25))
        @dataclass(frozen=True)
        class Scenario:
            title: str = ""
            note: str | None = None
            seed: int = 0
            audited: bool = False
            cap: float | None = None
            rate: int | float = 1
            either: str | float = "auto"
            side: Side = Side.LONG
            phase: Phase = Phase.CALM
            pair: tuple[float, str] = (1.0, "a")
            empty: tuple[()] = ()
            matrix: tuple[tuple[float, ...], ...] = ((1.0, 0.5), (0.5, 1.0))
            fallback: Spot | Twap = Spot()
            world: World = field(default_factory=World)
            cast: tuple[Player, ...] = (Keeper("kay"), Attacker("mallory"))
            derived: int = field(default=0, init=False)
            def __post_init__(self):
                object.__setattr__(self, "derived", self.seed + 1)
    """,
}


def _write(folder: Any, files: dict[str, str]) -> None:
    for name, text in files.items():
        lines = text.strip("\n").splitlines()
        indent = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(line[indent:] for line in lines), encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("families")
    _write(folder, FILES)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    yield importlib.import_module("zoo.world")
    sys.path.remove(str(folder))
    for name in [n for n in sys.modules if n == "zoo" or n.startswith("zoo.")]:
        del sys.modules[name]


@pytest.fixture
def oracles(zoo):
    return variants(zoo.Oracle)


def mistakes_of(action, *args, **options) -> tuple[str, ...]:
    with pytest.raises(Mistakes) as caught:
        action(*args, **options)
    lines = caught.value.lines
    assert str(caught.value) == "\n".join(lines)
    assert all(line and "\n" not in line for line in lines)
    return lines


def mistake_of(action, *args, **options) -> str:
    (line,) = mistakes_of(action, *args, **options)
    return line


# Families


def test_variants_are_the_concrete_dataclasses_of_the_package_and_its_subpackages(zoo):
    assert list(variants(zoo.Oracle)) == ["Guarded", "Spot", "Twap"]
    assert list(variants(zoo.Player)) == ["Attacker", "Keeper"]


def test_two_variants_of_one_name_are_a_bug(tmp_path, monkeypatch):
    variant = (
        "from dataclasses import dataclass\nfrom twins_zoo.base import B\n@dataclass(frozen=True)\nclass V(B): ..."
    )
    base = "from abc import ABC\nclass B(ABC): ..."
    _write(tmp_path, {"twins_zoo/__init__.py": "", "twins_zoo/base.py": base})
    _write(tmp_path, {"twins_zoo/one.py": variant, "twins_zoo/two.py": variant})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TypeError, match="two variants of B are called V"):
        variants(importlib.import_module("twins_zoo.base").B)


def test_a_variant_has_no_field_called_kind(tmp_path, monkeypatch):
    text = "from abc import ABC\nfrom dataclasses import dataclass\nclass B(ABC): ...\n"
    _write(tmp_path, {"kind_zoo.py": text + "@dataclass(frozen=True)\nclass V(B):\n    kind: str = ''"})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TypeError, match="V: a variant has no field `kind`"):
        variants(importlib.import_module("kind_zoo").B)


def test_a_module_of_a_family_that_cannot_be_imported_is_not_passed_over(tmp_path, monkeypatch):
    _write(tmp_path, {"sick_zoo/__init__.py": "", "sick_zoo/base.py": "from abc import ABC\nclass B(ABC): ..."})
    _write(tmp_path, {"sick_zoo/ill/__init__.py": "import no_such_module_anywhere"})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="no_such_module_anywhere"):
        variants(importlib.import_module("sick_zoo.base").B)


def test_a_plugin_from_elsewhere_is_a_kind_only_where_it_is_passed(zoo):
    @dataclass(frozen=True)
    class Mine(zoo.Oracle):
        window: float = 1.0

        def read(self): ...

    data = encode(replace(zoo.Market(), oracle=Mine(5.0)))
    assert data["oracle"] == {"kind": "Mine", "window": 5.0}
    assert decode(zoo.Market, data, plugins=[Mine]).oracle == Mine(5.0)
    assert "no such kind" in mistake_of(decode, zoo.Market, data)
    changes = {"exchange.market.oracle": "Mine", "exchange.market.oracle.window": "9"}
    changed = override(zoo.Scenario(), changes, plugins=[Mine])
    assert changed.world.exchanges[0].markets[0].oracle == Mine(9.0)
    assert vary(changed, "seed", 3).world == changed.world
    assert "Mine" in {e.path: e.words for e in fields_of(zoo.Market, plugins=[Mine])}["oracle"]


# There and back

TEXT = st.text(max_size=8)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
INT = st.integers(-(2**63), 2**63 - 1)


def scenarios(zoo):
    kinds = variants(zoo.Oracle)
    twap = st.builds(lambda w, d: kinds["Twap"](w, w * d), st.floats(1e-3, 1e9), st.floats(-1, 0.9))
    simple = st.one_of(st.just(kinds["Spot"]()), twap)
    oracle = st.one_of(simple, st.builds(kinds["Guarded"], simple, twap, st.none() | FLOAT))
    market = st.builds(zoo.Market, TEXT, oracle, st.none() | oracle, FLOAT, INT)
    exchange = st.builds(
        zoo.Exchange, TEXT, st.sampled_from(["perpetual", "options", 7]), st.lists(market, max_size=2).map(tuple)
    )
    world = st.builds(zoo.World, st.lists(exchange, max_size=2).map(tuple))
    player = st.builds(zoo.Keeper, TEXT, FLOAT) | st.builds(
        zoo.Attacker, TEXT, INT, st.lists(TEXT, max_size=3).map(tuple)
    )
    return st.builds(
        zoo.Scenario,
        title=TEXT,
        note=st.none() | TEXT,
        seed=INT,
        audited=st.booleans(),
        cap=st.none() | FLOAT,
        rate=INT | FLOAT,
        either=TEXT | FLOAT,
        side=st.sampled_from(zoo.Side),
        phase=st.sampled_from(zoo.Phase),
        pair=st.tuples(FLOAT, TEXT),
        matrix=st.lists(st.lists(FLOAT, max_size=3).map(tuple), max_size=3).map(tuple),
        fallback=simple,
        world=world,
        cast=st.lists(player, max_size=3).map(tuple),
    )


@settings(deadline=None)
@given(st.data())
def test_any_scenario_comes_back_exactly(zoo, data):
    scenario = data.draw(scenarios(zoo))
    for keep in ("all", "changed"):
        assert decode(zoo.Scenario, encode(scenario, keep=keep)) == scenario
        back = loads(zoo.Scenario, dumps(scenario, keep=keep))
        assert back == scenario
        if keep == "all":
            assert repr(back) == repr(scenario)


def test_only_what_is_changed_may_be_kept(zoo, oracles):
    assert encode(zoo.Scenario(), keep="changed") == {}
    market = zoo.Market(oracle=oracles["Guarded"](band=0.1), tick=0.5)
    assert encode(market, keep="changed") == {"oracle": {"kind": "Guarded", "band": 0.1}, "tick": 0.5}
    other = zoo.Market(oracle=oracles["Spot"]())
    assert encode(other, keep="changed") == {"oracle": {"kind": "Spot"}}


def test_kind_comes_first_and_none_is_left_out(zoo, oracles):
    data = encode(zoo.Scenario())
    assert "note" not in data and "cap" not in data and "derived" not in data
    assert list(data["world"]["exchanges"][0]["markets"][0]["oracle"]) == ["kind", "window", "delay"]
    assert data["fallback"] == {"kind": "Spot"}
    assert data["side"] == "long" and data["phase"] == "CALM"


def test_none_that_is_not_the_default_is_written_out(zoo, oracles):
    oracle = oracles["Guarded"](band=None)
    assert encode(oracle)["band"] == {"kind": "None"}
    assert loads(zoo.Oracle, dumps(oracle)) == oracle


def test_a_variant_alone_says_its_kind_and_is_read_by_its_base_and_by_itself(zoo, oracles):
    oracle = oracles["Twap"](60.0)
    assert encode(oracle) == {"kind": "Twap", "window": 60.0, "delay": 0.0}
    assert decode(zoo.Oracle, encode(oracle)) == decode(oracles["Twap"], encode(oracle)) == oracle


def test_a_name_is_short_for_a_kind_with_its_defaults(zoo, oracles):
    assert decode(zoo.Market, {"oracle": "Spot"}).oracle == oracles["Spot"]()


def test_finished_values_are_taken_as_they_are(zoo, oracles):
    oracle = oracles["Twap"](5.0)
    assert decode(zoo.Market, {"oracle": oracle}).oracle is oracle


def test_an_integer_is_a_fine_float_and_becomes_one(zoo):
    tick = decode(zoo.Market, {"tick": 3}).tick
    assert type(tick) is float and tick == 3.0


def test_a_newtype_is_what_it_stands_for():
    assert decode(Timed, {"delay": 2}) == Timed(Seconds(2.0))


Seconds = NewType("Seconds", float)


@dataclass(frozen=True)
class Timed:
    delay: Seconds = Seconds(0.0)


# Mistakes


def test_every_mistake_of_a_file_is_said_at_once(zoo):
    text = """
        titel = "x"
        seed = true
        cap = nan
        side = "lnog"
        pair = [1.0]
        matrix = [[1, "a"], 2]
        cast = [{kind = "Keper"}, {kind = "Keeper", capital = "lots"}, {name = "x"}]
        fallback = "Slow"
        [world]
        bridge = 3
        [[world.exchanges]]
        kind = "futures"
        [[world.exchanges.markets]]
        oracle = {kind = "Twap", window = -5, delay = 1}
        [[world.exchanges.markets]]
        oracle = {kind = "Twap", windw = 5}
        lots = 1.5
        tick = inf
    """
    assert mistakes_of(loads, zoo.Scenario, text) == (
        'titel = "x": no such field of Scenario; did you mean title? (there is: title, note, seed, audited, cap, rate, '
        "either, side, phase, pair, empty, matrix, fallback, world, cast)",
        "seed = true: must be an integer",
        "cap = nan: must be a finite number or none",
        'side = "lnog": must be one of "long", "short"',
        "pair = [1.0]: must have 2 elements, not 1",
        'matrix.0.1 = "a": must be a finite number',
        "matrix.1 = 2: must be a list, each a finite number",
        'cast.0.kind = "Keper": no such kind; did you mean Keeper? (there is: Attacker, Keeper)',
        'cast.1.capital = "lots": must be a finite number',
        'cast.2 = {name = "x"}: kind is missing: must be one of Attacker, Keeper',
        'fallback.kind = "Slow": no such kind (there is: Spot, Twap)',
        "world.bridge = 3: no such field of World (there is: exchanges, losses)",
        'world.exchanges.0.kind = "futures": must be one of "perpetual", "options", 7',
        "world.exchanges.0.markets.0.oracle: window must be positive, not -5.0",
        "world.exchanges.0.markets.0.oracle: delay must be below window, not 1.0",
        "world.exchanges.0.markets.1.oracle.windw = 5: no such field of Twap; did you mean window? "
        "(there is: window, delay)",
        "world.exchanges.0.markets.1.lots = 1.5: must be an integer",
        "world.exchanges.0.markets.1.tick = inf: must be a finite number",
    )


@pytest.mark.parametrize(
    ("field", "data", "allowed"),
    [
        ("seed", True, "seed = true: must be an integer"),
        ("seed", 1.0, "seed = 1.0: must be an integer"),
        ("cap", False, "cap = false: must be a finite number or none"),
        ("cap", math.inf, "cap = inf: must be a finite number or none"),
        ("cap", "1", 'cap = "1": must be a finite number or none'),
        ("cap", 10**400, "cap = 1" + "0" * 56 + "...: must be a finite number or none"),
        ("audited", 1, "audited = 1: must be true or false"),
        ("title", 1, "title = 1: must be text"),
        ("title", None, "title = none: must be text"),
        ("phase", "storm", 'phase = "storm": must be one of "CALM", "STORM"'),
        ("phase", 2, 'phase = 2: must be one of "CALM", "STORM"'),
        ("matrix", "ab", 'matrix = "ab": must be a list, each a list, each a finite number'),
        ("pair", 3, "pair = 3: must be a list of 2 (a finite number; text)"),
        ("empty", [1], "empty = [1]: must have 0 elements, not 1"),
        ("world", 3, "world = 3: must be a table (World)"),
        ("world", "World", 'world = "World": must be a table (World)'),
        ("world", {"kind": "World"}, None),
        ("fallback", 3, "fallback = 3: must be one of Spot, Twap"),
        ("fallback", {"kind": 3}, "fallback.kind = 3: no such kind (there is: Spot, Twap)"),
        (
            "fallback",
            {"kind": "twap"},
            'fallback.kind = "twap": no such kind; did you mean Twap? (there is: Spot, Twap)',
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_told_what_is_allowed(zoo, field, data, allowed):
    if allowed is None:
        decode(zoo.Scenario, {field: data})
    else:
        assert mistake_of(decode, zoo.Scenario, {field: data}) == allowed


def test_true_is_no_literal_one(zoo):
    assert decode(zoo.Exchange, {"kind": 7}).kind == 7
    assert "must be one of" in mistake_of(decode, zoo.Exchange, {"kind": 7.0})


def test_a_refusal_of_the_whole_goes_by_the_name_of_its_class(oracles):
    assert mistake_of(decode, oracles["Twap"], {"window": 0, "delay": -1}) == "Twap: window must be positive, not 0.0"


def test_a_root_that_is_no_table_or_has_no_kind_is_refused(zoo):
    assert mistake_of(decode, zoo.Scenario, 3) == "3: must be a table (Scenario)"
    assert mistake_of(decode, zoo.Oracle, {}) == "{}: kind is missing: must be one of Guarded, Spot, Twap"


def test_a_field_without_default_must_be_given():
    @dataclass(frozen=True)
    class Strict:
        size: "float"

    assert mistake_of(decode, Strict, {}) == "size is missing: must be a finite number"


def test_a_finished_value_of_another_family_is_refused(zoo):
    assert "oracle = Keeper(" in mistake_of(decode, zoo.Market, {"oracle": zoo.Keeper()})


def test_what_cannot_be_read_back_is_not_written(zoo):
    class Bigger(zoo.Chain):
        pass

    broken = replace(zoo.Scenario(), cap=math.nan, seed=True, world=Bigger(), pair=[1.0, "a"], matrix=((1.0, "x"),))
    assert [line.split(" = ")[0] for line in mistakes_of(encode, broken)] == [
        *("seed", "cap", "pair", "matrix.0.1", "world"),
    ]


def test_annotations_that_no_file_can_hold_are_a_bug():
    @dataclass(frozen=True)
    class Odd:
        table: "dict[str, int] | None" = None

    with pytest.raises(TypeError, match="cannot be written in a file: dict"):
        decode(Odd, {"table": {}})


def test_annotations_imported_for_the_type_checker_alone_are_a_bug():
    @dataclass(frozen=True)
    class Odd:
        table: "Nowhere" = None  # noqa: F821

    with pytest.raises(TypeError, match="Odd: an annotation needs a name imported at run time.*Nowhere"):
        decode(Odd, {})


def test_an_exception_that_is_no_refusal_stops_the_reading():
    @dataclass(frozen=True)
    class Buggy:
        def __post_init__(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        decode(Buggy, {})


def test_mistakes_survive_the_way_to_another_process(zoo):
    error = Mistakes(["a", "b"])
    assert pickle.loads(pickle.dumps(error)).lines == error.lines


# Files


def test_a_file_is_loaded(zoo, tmp_path):
    (tmp_path / "s.toml").write_bytes(b"\xef\xbb\xbfseed = 7\r\n")
    assert load(zoo.Scenario, tmp_path / "s.toml").seed == 7
    (tmp_path / "t.toml").write_text(dumps(zoo.Scenario()), encoding="utf-8")
    assert load(zoo.Scenario, str(tmp_path / "t.toml")) == zoo.Scenario()


def test_a_file_that_cannot_be_read_is_one_line(zoo, tmp_path):
    latin, broken, huge = tmp_path / "latin.toml", tmp_path / "broken.toml", tmp_path / "huge.toml"
    latin.write_bytes(b'title = "caf\xe9"')
    broken.write_text("seed = 1\nworld = = 2\n")
    huge.write_text("seed = " + "9" * 5000)
    assert mistake_of(load, zoo.Scenario, tmp_path / "no.toml") == f"{tmp_path / 'no.toml'}: no such file or directory"
    assert mistake_of(load, zoo.Scenario, tmp_path) == f"{tmp_path}: is a directory"
    assert mistake_of(load, zoo.Scenario, latin) == f"{latin}: not UTF-8 (byte 12)"
    assert mistake_of(load, zoo.Scenario, broken) == f"{broken}: not TOML: Invalid value (at line 2, column 9)"
    assert mistake_of(load, zoo.Scenario, huge).startswith(f"{huge}: not TOML: Exceeds the limit")
    assert mistake_of(loads, zoo.Scenario, "seed") == (
        "not TOML: Expected '=' after a key in a key/value pair (at end of document)"
    )


# Overrides


def at(scenario, text):
    value = scenario
    for step in text.split("."):
        value = value[int(step)] if step.isdecimal() else getattr(value, step)
    return value


@pytest.mark.parametrize(
    ("path", "text", "place", "expected"),
    [
        ("seed", "7", "seed", 7),
        ("seed", "1_000", "seed", 1000),
        ("cap", "600", "cap", 600.0),
        ("cap", "1e6", "cap", 1e6),
        ("cap", "none", "cap", None),
        ("audited", "true", "audited", True),
        ("title", "hello world", "title", "hello world"),
        ("title", '"quoted"', "title", "quoted"),
        ("title", "600", "title", "600"),
        ("title", "true", "title", "true"),
        ("title", "none", "title", "none"),
        ("title", "1\nw = 2", "title", "1\nw = 2"),
        ("note", "none", "note", None),
        ("note", '"none"', "note", "none"),
        ("either", "3", "either", 3.0),
        ("either", "3x", "either", "3x"),
        ("rate", "2.5", "rate", 2.5),
        ("side", "short", "side.value", "short"),
        ("phase", '"STORM"', "phase.name", "STORM"),
        ("matrix", "[[1, 2], [3]]", "matrix", ((1.0, 2.0), (3.0,))),
        ("matrix.0.1", "9", "matrix.0.1", 9.0),
        ("pair.1", "b", "pair.1", "b"),
        ("world.exchanges.0.markets.0.oracle.window", "600", "world.exchanges.0.markets.0.oracle.window", 600.0),
        ("world.exchange.market.oracle.window", "600", "world.exchanges.0.markets.0.oracle.window", 600.0),
        ("exchange.market.oracle.window", "600", "world.exchanges.0.markets.0.oracle.window", 600.0),
        ("exchanges.perp.markets.ETH.tick", "2", "world.exchanges.0.markets.0.tick", 2.0),
        ("exchange.kind", "options", "world.exchanges.0.kind", "options"),
        ("cast.mallory.budget", "9", "cast.1.budget", 9),
        ("cast.0.name", "kim", "cast.0.name", "kim"),
        ("losses.1.interval", "2", "world.losses.1.interval", 2.0),
    ],
)
def test_an_override_is_read_by_the_type_it_is_for(zoo, path, text, place, expected):
    new = at(override(zoo.Scenario(), {path: text}), place)
    assert new == expected and type(new) is type(expected)


@pytest.mark.parametrize("text", ["Spot", '"Spot"', '{kind = "Spot"}'])
def test_a_kind_can_be_switched(zoo, text):
    market = override(zoo.Scenario(), {"exchange.market.oracle": text}).world.exchanges[0].markets[0]
    assert market == zoo.Market(oracle=zoo.Spot())


def test_a_kind_can_be_switched_by_its_own_word(zoo):
    market = override(zoo.Scenario(), {"world.exchange.market.oracle.kind": "Spot"}).world.exchanges[0].markets[0]
    assert market == zoo.Market(oracle=zoo.Spot())


def test_a_new_kind_and_its_parameters_come_together_in_any_order(zoo, oracles):
    child, parent = "exchange.market.oracle.inner", "world.exchanges.0.markets.0.oracle"
    changes = {f"{child}.window": "60", child: "Twap", parent: '{kind = "Guarded", band = 0.2}'}
    for paths in (list(changes), list(changes)[::-1]):
        oracle = override(zoo.Scenario(), {p: changes[p] for p in paths}).world.exchanges[0].markets[0].oracle
        assert oracle == oracles["Guarded"](inner=oracles["Twap"](60.0), band=0.2)


def test_a_new_kind_begins_from_its_own_defaults(zoo, oracles):
    slow = override(zoo.Scenario(), {"exchange.market.oracle.window": "9999"})
    assert override(slow, {"exchange.market.oracle": "Twap"}) == zoo.Scenario()


def test_fields_checked_against_each_other_change_together(zoo, oracles):
    oracle = "exchange.market.oracle"
    changed = override(zoo.Scenario(), {f"{oracle}.delay": "5000", f"{oracle}.window": "6000"})
    assert changed.world.exchanges[0].markets[0].oracle == oracles["Twap"](6000.0, 5000.0)


def test_elements_can_be_given_whole_and_then_changed(zoo):
    changes = {"exchanges.b.market.lots": "4", "exchanges": '[{name = "a"}, {name = "b"}]'}
    first, second = override(zoo.Scenario(), changes).world.exchanges
    assert first == zoo.Exchange("a") and second == zoo.Exchange("b", markets=(zoo.Market(lots=4),))


def test_the_only_element_goes_by_the_singular_of_its_field():
    assert [entry.path for entry in fields_of(Plurals) if entry.path.endswith("size")] == [
        *("loss.size", "box.size", "policy.size", "access.0.size", "lots.0.size"),
    ]
    assert override(Plurals(), {"policy.size": "2"}) == Plurals(policies=(Sized(2.0),))
    assert override(Plurals(), {"lot": "3"}) == Plurals(lot=3)


@dataclass(frozen=True)
class Sized:
    size: float = 1.0


@dataclass(frozen=True)
class Plurals:
    losses: tuple[Sized, ...] = (Sized(),)
    boxes: tuple[Sized, ...] = (Sized(),)
    policies: tuple[Sized, ...] = (Sized(),)
    access: tuple[Sized, ...] = (Sized(),)
    lots: tuple[Sized, ...] = (Sized(),)
    lot: int = 0  # a field of its own, so no short name of `lots`


def test_an_override_leaves_the_rest_and_the_given_value_alone(zoo):
    before = zoo.Scenario()
    after = override(before, {"exchange.market.tick": "2"})
    assert before == zoo.Scenario()
    assert after.cast == before.cast and after.world.losses == before.world.losses
    assert override(before, {}) == before
    assert override(before, {"seed": "4"}).derived == 5


def test_every_mistaken_override_is_said_at_once(zoo):
    oracle = "exchange.market.oracle"
    changes = {
        "seedd": "1",
        "exchnge.name": "x",
        "seed": "x",
        "rate.more": "1",
        "cast.eve.budget": "1",
        "cast.mallory.capital": "1",
        "world.loss.interval": "1",
        f"{oracle}.windw": "600",
        f"{oracle}.window": "0",
        "fallback": "{kind = Twap}",
        "phase": "Storm",
        "matrix.7": "1",
        "": "1",
        "pair": "[1, 2]",
        "world.exchange.market.backup.window": "3",
    }
    lines = mistakes_of(override, zoo.Scenario(), changes)
    fields = "title, note, seed, audited, cap, rate, either, side, phase, pair, empty, matrix, fallback, world, cast"
    assert set(lines) == {
        f'seedd = "1": no such field of Scenario; did you mean seed? (there is: {fields}, exchange, losses)',
        f'exchnge.name = "x": no such field of Scenario; did you mean exchange? (there is: {fields}, exchange, losses)',
        'seed = "x": must be an integer',
        'rate.more = "1": nothing lies below 1',
        'cast.eve.budget = "1": no such element (there is: kay, mallory)',
        'cast.mallory.capital = "1": no such field of Attacker (there is: name, budget, targets)',
        'world.loss.interval = "1": losses has 2 elements; say which: losses.0, losses.1',
        f'{oracle}.windw = "600": no such field of Twap; did you mean window? (there is: window, delay)',
        "world.exchanges.0.markets.0.oracle: window must be positive, not 0.0",
        "world.exchanges.0.markets.0.oracle: delay must be below window, not 0.0",
        'fallback = "{kind = Twap}": not TOML: Invalid value (at line 1, column 13)',
        'phase = "Storm": must be one of "CALM", "STORM"',
        'matrix.7 = "1": no such element (there is: 0, 1)',
        f'"1": no such field of Scenario (there is: {fields}, exchange, losses)',
        "pair.1 = 2: must be text",
        'world.exchange.market.backup.window = "3": nothing lies below none',
    }
    assert len(lines) == 16


def test_one_place_under_two_paths_is_a_mistake(zoo):
    line = mistake_of(override, zoo.Scenario(), {"world.exchange.name": "a", "exchanges.0.name": "b"})
    assert line == 'exchanges.0.name = "b": world.exchange.name already set this'


def test_what_lies_below_a_mistaken_kind_is_not_complained_of(zoo):
    changes = {"exchange.market.oracle": "Tvap", "exchange.market.oracle.window": "3"}
    assert mistake_of(override, zoo.Scenario(), changes).startswith(
        'exchange.market.oracle.kind = "Tvap": no such kind'
    )


def test_a_name_borne_twice_names_nobody(zoo):
    twice = replace(zoo.Scenario(), cast=(zoo.Keeper("kay"), zoo.Keeper("kay")))
    assert mistake_of(override, twice, {"cast.kay.capital": "1"}).endswith("no such element (there is: 0, 1)")


def test_shortcuts_are_the_callers(zoo):
    assert "no such field" in mistake_of(override, zoo.Scenario(), {"exchange.name": "x"}, shortcuts=())
    guarded = override(zoo.Market(), {"oracle": "Guarded"})
    assert override(guarded, {"inner": "Twap"}, shortcuts=("nowhere", "oracle")).oracle.inner == zoo.Twap()


def test_vary_takes_python_values(zoo, oracles):
    path = "exchange.market.oracle"
    assert vary(zoo.Scenario(), f"{path}.window", 600) == override(zoo.Scenario(), {f"{path}.window": "600"})
    assert vary(zoo.Scenario(), path, oracles["Spot"]()).world.exchanges[0].markets[0].oracle == oracles["Spot"]()
    assert vary(zoo.Scenario(), "side", zoo.Side.SHORT).side is zoo.Side.SHORT
    assert vary(zoo.Scenario(), "cast", (zoo.Keeper(),)).cast == (zoo.Keeper(),)
    assert vary(zoo.Scenario(), "cap", None).cap is None
    assert mistake_of(vary, zoo.Scenario(), "seed", "7") == 'seed = "7": must be an integer'
    assert mistakes_of(vary, zoo.Scenario(), f"{path}.window", -1)[0].endswith("window must be positive, not -1.0")


# Help


def test_every_field_is_listed_with_its_type_and_default(zoo):
    listed = {entry.path: entry[1:] for entry in fields_of(zoo.Scenario)}
    assert listed["seed"] == ("an integer", "0")
    assert listed["cap"] == ("a finite number or none", "none")
    assert listed["side"] == ('one of "long", "short"', '"long"')
    assert listed["pair"] == ("a list of 2 (a finite number; text)", '[1.0, "a"]')
    assert listed["world.exchanges"] == ("a list, each a table (Exchange)", "[Exchange]")
    assert listed["world.exchange.market.oracle"] == ("one of Guarded, Spot, Twap", "Twap")
    assert listed["world.exchange.market.oracle.window"] == ("a finite number", "1800.0")
    assert listed["world.losses.1.interval"] == ("a finite number", "0.25")
    assert listed["cast.mallory"] == ("one of Attacker, Keeper", "Attacker")
    assert listed["cast.mallory.targets"] == ("a list, each text", "[]")


def test_every_listed_path_can_be_written_as_listed(zoo):
    scenario = zoo.Scenario()
    for path, _, default in fields_of(zoo.Scenario):
        written = path.split(".")[0] != "cast" and default not in ("[Exchange]", "[Market]", "[Chain, Chain]")
        if written:  # a list of things, or a thing with a name, is listed by its class alone
            assert override(scenario, {path: default}) == scenario


# Speed


def test_a_scenario_of_two_hundred_fields_is_read_within_20_ms(zoo):
    market = {
        "oracle": {"kind": "Guarded", "inner": {"kind": "Twap", "window": 5}, "band": 0.1},
        "tick": 0.1,
        "lots": 2,
    }
    data = {"world": {"exchanges": [{"name": str(i), "markets": [market] * 5} for i in range(5)]}}
    decode(zoo.Scenario, data)
    best = math.inf
    for _ in range(5):
        start = time.perf_counter()
        decode(zoo.Scenario, data)
        best = min(best, time.perf_counter() - start)
    assert best < 0.020
