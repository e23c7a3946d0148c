"""Every oracle says what its formula says, at irregular block times, and remembers nothing that was undone."""

import dataclasses
import math
from statistics import geometric_mean, median
from typing import Any

import numpy as np
import pytest

from experiments.run import build
from experiments.scenario import find
from protocol import exchange
from protocol.errors import ReportRejected
from protocol.exchange import close_block, report
from protocol.genesis import genesis
from protocol.instruments.token import Token
from protocol.ledger import WORLD, Reason
from protocol.oracles.base import Oracle, Reading, Report, Status, read_index
from protocol.oracles.cumulative import ROWS
from protocol.oracles.ema import Ema
from protocol.oracles.guarded import Guarded
from protocol.oracles.median import Median, middle
from protocol.oracles.pull import Pull, sign
from protocol.oracles.security_module import Feed, SecurityModule, hopped
from protocol.oracles.spot import Spot
from protocol.oracles.twap import ArithmeticTwap
from protocol.oracles.twap_geometric import GeometricTwap
from protocol.state import Listing, State
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Exchange, Market, World

START = 2_000.0
NEVER = math.inf


class Game:
    """A perpetual whose oracle is under test, and a pool whose mid the test sets."""

    def __init__(self, oracle: Oracle) -> None:
        perpetual = Market(name="ETH-PERP", oracle=oracle, venue=VirtualAmm())
        pool = Market(name="pool", instrument=Token(), venue=ConstantProduct())
        self.state: State = genesis(World(exchanges=(Exchange(markets=(perpetual, pool)),)), {"ETH": START})
        self.listing: Listing = self.state.listings[0][0]
        self.pool: Listing = self.state.listings[0][1]
        self.at = self.listing.path + ".oracle"

    def push(self, mid: float) -> None:
        """Bring the pool's mid to `mid`, with cash from nowhere."""
        ledger, pool = self.state.ledger, self.pool
        cash, base = (int(ledger.balance[row, pool.desk]) for row in (pool.house.token, pool.base))
        units = round(mid * base * pool.price_scale) - cash
        source, target = (WORLD, pool.desk) if units > 0 else (pool.desk, WORLD)
        ledger.move(pool.house.token, source, target, abs(units), Reason.GENESIS)

    def block(self, time: float, mid: float | None = None) -> None:
        """Seal a block at `time` that ends with the pool at `mid`."""
        self.state.time = time
        if mid is not None:
            self.push(mid)
        close_block(self.state)
        self.state.height += 1

    def read(self, time: float | None = None) -> Reading:
        if time is not None:
            self.state.time = time
        return read_index(self.state, self.listing)

    def post(self, account: int, value: float, time: float, confidence: float = 0.0, signature: str = "") -> None:
        report(self.state, self.listing, Report(account, value, time, confidence, signature))

    def refused(self, *posted: Any) -> str:
        before = self.state.digest()
        with pytest.raises(ReportRejected) as caught:
            self.post(*posted)
        assert self.state.digest() == before
        return str(caught.value.numbers["reason"])


# ---------------------------------------------------------------------- means over a window


def arithmetic(window: float = 100.0) -> Game:
    return Game(ArithmeticTwap(source="pool", window=window))


def geometric(window: float = 100.0) -> Game:
    return Game(GeometricTwap(source="pool", window=window))


IRREGULAR = ((3.0, 2_100.0), (10.0, 1_900.0), (11.0, 2_500.0), (60.0, 2_200.0), (85.0, 1_800.0), (130.0, 2_000.0))


def test_an_arithmetic_mean_weights_each_mid_by_the_interval_after_its_block() -> None:
    game = arithmetic()
    for time, mid in IRREGULAR:
        game.block(time, mid)

    # At 140 the window opens at 40: 20 s of 2500, 25 s of 2200, 45 s of 1800, 10 s of 2000.
    by_hand = (20 * 2_500 + 25 * 2_200 + 45 * 1_800 + 10 * 2_000) / 100
    assert by_hand == 2_060
    assert game.read(140.0).value == pytest.approx(by_hand, rel=1e-12)
    # At 105, before the last block, it opens at 5: 5 s of 2100, 1 s of 1900, 49 s of 2500, 25 s of 2200, 20 s of 1800.
    earlier = arithmetic()
    for time, mid in IRREGULAR[:-1]:
        earlier.block(time, mid)
    by_hand = (5 * 2_100 + 1 * 1_900 + 49 * 2_500 + 25 * 2_200 + 20 * 1_800) / 100
    assert by_hand == 2_259
    assert earlier.read(105.0).value == pytest.approx(by_hand, rel=1e-12)


def test_the_table_holds_the_cumulative_prices_of_the_uniswap_v2_whitepaper() -> None:
    game = arithmetic()
    for time, mid in IRREGULAR[:4]:
        game.block(time, mid)

    ring = game.state.tables[game.at]
    assert ring[:5, 0].tolist() == [0.0, 3.0, 10.0, 11.0, 60.0]
    # a_t = sum of price x seconds: 3 x 2000, + 7 x 2100, + 1 x 1900, + 49 x 2500
    assert ring[:5, 1] == pytest.approx([0.0, 6_000.0, 20_700.0, 22_600.0, 145_100.0], rel=1e-12)


def test_a_geometric_mean_weights_log_mids_the_same_way() -> None:
    game = geometric()
    for time, mid in IRREGULAR:
        game.block(time, mid)

    by_hand = geometric_mean([2_500.0] * 20 + [2_200.0] * 25 + [1_800.0] * 45 + [2_000.0] * 10)
    assert game.read(140.0).value == pytest.approx(by_hand, rel=1e-12)
    assert by_hand < 2_060  # the arithmetic mean of the same mids


def test_a_rise_and_a_fall_by_the_same_factor_cancel_in_the_geometric_mean_only() -> None:
    for game, expected in ((arithmetic(), (4_000.0 + 1_000.0) / 2), (geometric(), START)):
        game.block(10.0, 2 * START)
        game.block(60.0, START / 2)
        assert game.read(110.0).value == pytest.approx(expected, rel=1e-12)


def test_before_a_full_window_the_mean_is_over_what_there_is_from_the_genesis_price() -> None:
    game = arithmetic(window=600.0)
    assert game.read() == (START, 0.0, 0.0, Status.FRESH)
    assert game.read(7.0).value == START

    game.block(10.0, 2_600.0)
    assert game.read(10.0).value == START
    assert game.read(20.0).value == pytest.approx((10 * START + 10 * 2_600) / 20, rel=1e-12)
    assert game.read(610.0).value == pytest.approx(2_600.0, rel=1e-12)
    assert game.read(605.0).value == pytest.approx((5 * START + 595 * 2_600) / 600, rel=1e-12)


@pytest.mark.parametrize("push", [0.01, 0.1, 1.0, 50.0])
def test_a_push_of_x_over_one_block_of_l_moves_the_arithmetic_mean_by_x_l_over_the_window(push: float) -> None:
    game = arithmetic(window=600.0)
    for block in range(1, 101):
        game.block(12.0 * block, START)
    game.block(1_212.0, START * (1 + push))
    assert game.read().value == pytest.approx(START, rel=1e-9)  # in the block of the push: nothing
    game.block(1_224.0, START)

    assert game.read().value / START - 1 == pytest.approx(push * 12 / 600, rel=1e-7)


@pytest.mark.parametrize("push", [0.01, 0.1, 1.0, 50.0])
def test_the_same_push_moves_the_geometric_mean_by_its_power(push: float) -> None:
    game = geometric(window=600.0)
    for block in range(1, 101):
        game.block(12.0 * block, START)
    game.block(1_212.0, START * (1 + push))
    game.block(1_224.0, START)

    moved = game.read().value / START - 1
    assert moved == pytest.approx((1 + push) ** (12 / 600) - 1, rel=1e-6)
    assert moved < push * 12 / 600


@pytest.mark.parametrize("oracle", [ArithmeticTwap("pool"), GeometricTwap("pool"), Ema("pool")])
def test_a_trade_inside_the_block_does_not_move_a_mean_read_inside_it(oracle: Oracle) -> None:
    game = Game(oracle)
    game.block(5.0, 2_050.0)
    game.state.time = 9.0
    before = game.read()
    game.push(9_000.0)
    assert game.read() == before
    assert not oracle.live


@pytest.mark.parametrize("spacing", [0.05, 0.25, 12.0, 599.0, 601.0, 5_000.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_ring_holds_the_window_at_any_block_time(spacing: float, seed: int) -> None:
    window = 600.0 if spacing > 1 else 60.0
    rng = np.random.default_rng(seed)
    game = arithmetic(window)
    times, mids = [0.0], [START]
    for _ in range(1_600):
        times.append(times[-1] + spacing * rng.exponential())
        mids.append(START * math.exp(0.1 * rng.standard_normal()))
        game.block(times[-1], mids[-1])
        if rng.random() > 0.02:
            continue
        now = times[-1] + spacing * rng.random()
        since = max(now - window, 0.0)
        lengths = np.clip([*times[1:], now], since, now) - np.clip(times, since, now)
        assert game.read(now).value == pytest.approx(float(lengths @ np.array(mids)) / (now - since), rel=1e-9)

    held = game.state.tables[game.at].shape[0]
    assert held <= max(ROWS, 4 * window / spacing), "no more than it takes"


def test_the_ring_grows_when_blocks_come_faster_and_wraps_again() -> None:
    game = arithmetic(window=60.0)
    time = 0.0
    for spacing, blocks in ((10.0, 300), (0.1, 2_000), (30.0, 3_000)):
        for _ in range(blocks):
            time += spacing
            game.block(time, START + time % 7)
    ring = game.state.tables[game.at]
    assert ROWS < len(ring) <= 1_024
    assert ring[:, 0].min() > 0.0  # genesis was overwritten


def test_two_blocks_at_one_time_leave_the_mid_of_the_later() -> None:
    game = arithmetic()
    game.block(10.0, 3_000.0)
    game.block(10.0, 1_000.0)
    assert game.read(20.0).value == pytest.approx((10 * START + 10 * 1_000) / 20, rel=1e-12)


def test_a_window_lengthened_while_it_runs_averages_over_what_is_still_there() -> None:
    game = arithmetic(window=10.0)
    for block in range(1, 200):
        game.block(float(block), START if block < 150 else 2 * START)
    longer = ArithmeticTwap("pool", window=100_000.0)
    game.state.time = 199.0
    held = game.state.tables[game.at][:, 0]
    value = longer.read(game.state, game.listing, game.at).value
    first = float(held.min())
    assert value == pytest.approx((START * (150 - first) + 2 * START * 49) / (199 - first), rel=1e-12)


@pytest.mark.parametrize("oracle", [ArithmeticTwap("pool"), GeometricTwap("pool"), Ema("pool")])
@pytest.mark.parametrize("mid", [math.nan, math.inf, 0.0, -1.0])
def test_a_venue_without_a_mid_leaves_the_last_one_standing(
    oracle: Oracle, mid: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    game, other = Game(oracle), Game(oracle)
    game.block(10.0, 2_500.0)
    other.block(10.0, 2_500.0)
    monkeypatch.setattr(ConstantProduct, "mid", lambda *_: mid)
    game.block(30.0)
    assert game.read(50.0).value == pytest.approx(other.read(50.0).value, rel=1e-12)


@pytest.mark.parametrize("oracle", [ArithmeticTwap("pool", 30.0), GeometricTwap("pool", 30.0), Ema("pool", 30.0)])
def test_a_rewind_restores_the_readings_even_over_a_ring_that_grew(oracle: Oracle) -> None:
    game = Game(oracle)
    for block in range(1, ROWS + 10):
        game.block(float(block), START + block)
    before, digest, time = game.read(), game.state.digest(), game.state.time
    height, mark = game.state.height, game.state.mark()

    for block in range(400):
        game.block(time + 0.1 * (block + 1), 5 * START)
    assert game.read().value > 1.2 * before.value

    game.state.rewind(mark)
    game.state.time, game.state.height = time, height
    assert game.read() == before
    assert game.state.digest() == digest


# ---------------------------------------------------------------------- exponential mean


def test_an_exponential_mean_goes_half_the_way_in_a_half_life() -> None:
    game = Game(Ema("pool", half_life=600.0))
    game.block(10.0, 3_000.0)
    assert game.read().value == START
    assert game.read(610.0).value == pytest.approx(2_500.0, rel=1e-12)
    assert game.read(1_210.0).value == pytest.approx(2_750.0, rel=1e-12)
    assert game.read().time == 10.0


def test_an_exponential_mean_does_not_depend_on_the_blocks_in_between() -> None:
    often, seldom = Game(Ema("pool", half_life=50.0)), Game(Ema("pool", half_life=50.0))
    for game, times in ((often, (1.0, 2.0, 5.0, 30.0, 31.5, 90.0)), (seldom, (1.0,))):
        for time in times:
            game.block(time, 2_400.0)
    assert often.read(100.0).value == pytest.approx(seldom.read(100.0).value, rel=1e-12)


def test_a_push_of_x_over_l_seconds_moves_an_exponential_mean_by_its_weight_and_fades() -> None:
    game = Game(Ema("pool", half_life=600.0))
    game.block(12.0, START * 1.5)
    game.block(24.0, START)
    assert game.read().value / START - 1 == pytest.approx(0.5 * (1 - 2 ** (-12 / 600)), rel=1e-9)
    assert game.read(624.0).value / START - 1 == pytest.approx(0.25 * (1 - 2 ** (-12 / 600)), rel=1e-9)


# ---------------------------------------------------------------------- spot


def test_spot_is_the_mid_this_instant() -> None:
    game = Game(Spot("pool"))
    game.push(4_000.0)
    assert game.read(3.0) == (pytest.approx(4_000.0), 3.0, 0.0, Status.FRESH)
    assert Spot().live


# ---------------------------------------------------------------------- median


def reporters(rule: Median, accounts: int) -> Game:
    game = Game(rule)
    for account in range(100, 100 + accounts):
        assert rule.register(game.state, game.listing, game.at, account) == account - 100
    return game


def test_the_index_is_the_median_of_the_reporters() -> None:
    game = reporters(Median(), 5)
    game.state.time = 10.0
    values = [2_010.0, 1_990.0, 9_999.0, 2_030.0, 2_020.0]
    for account, value in enumerate(values, 100):
        game.post(account, value, 10.0)
    assert game.read() == (median(values), 10.0, 10.0, Status.FRESH)


def test_a_minority_of_liars_cannot_leave_the_range_of_the_honest_and_a_majority_can() -> None:
    game = reporters(Median(), 5)
    game.state.time = 10.0
    for account, value in zip(range(100, 105), (1_999.0, 2_000.0, 2_001.0, 1e9, 1e9), strict=True):
        game.post(account, value, 10.0)
    assert game.read().value == 2_001.0
    game.post(102, 1e9, 10.0)
    assert game.read().value == 1e9


def test_values_older_than_max_age_do_not_count() -> None:
    rule = Median(reporters=5, quorum=3, heartbeat=50.0, max_age=100.0)
    game = reporters(rule, 5)
    for account, value, time in ((100, 1_000.0, 10.0), (101, 1_000.0, 20.0), (102, 3_000.0, 95.0)):
        game.state.time = time
        game.post(account, value, time)
    game.state.time = 95.0
    game.post(103, 3_100.0, 90.0)
    game.post(104, 3_300.0, 91.0)
    assert game.read(110.0).value == 3_000.0  # five of them, none older than 100 s
    assert game.read(120.5) == (3_100.0, 91.0, 100.0, Status.FRESH)
    assert game.read(120.0).value == pytest.approx((3_000 + 3_100) / 2)  # four of them: the middle two


def test_the_median_is_stale_below_the_quorum_and_missing_if_nobody_ever_reported() -> None:
    rule = Median(reporters=5, quorum=3, heartbeat=50.0, max_age=100.0)
    game = reporters(rule, 5)
    assert game.read(100.0).status == Status.FRESH
    assert game.read(100.5) == (START, 0.0, 0.0, Status.MISSING)

    for account in (100, 101):
        game.post(account, 2_500.0, 100.5)
    assert (game.read().value, game.read().status) == (2_500.0, Status.STALE)
    game.post(102, 2_500.0, 100.5)
    assert game.read().status == Status.FRESH
    assert game.read(300.0).status == Status.STALE


def test_a_reporter_is_due_when_the_value_deviates_or_the_heart_beats() -> None:
    rule = Median(deviation=0.005, heartbeat=3_600.0)
    game = reporters(rule, 1)

    def due(value: float) -> bool:
        return rule.due(game.state, game.listing, game.at, 0, value)

    assert not due(START)
    assert not due(START * 1.0049)
    assert due(START * 1.0051)
    assert due(START * 0.9949)
    game.state.time = 3_599.0
    assert not due(START)
    game.state.time = 3_600.0
    assert due(START)
    game.post(100, START, 3_600.0)
    assert not due(START)


def test_a_slot_is_given_once_and_registration_ends_when_all_are_taken() -> None:
    rule = Median(reporters=2, quorum=1)
    game = reporters(rule, 2)
    assert rule.register(game.state, game.listing, game.at, 101) == 1
    with pytest.raises(ValueError, match="slots of ETH-PERP are taken"):
        rule.register(game.state, game.listing, game.at, 102)


@pytest.mark.parametrize(
    ("posted", "reason"),
    [
        ((999, START, 10.0), "not a reporter"),
        ((-1, START, 10.0), "not a reporter"),
        ((100, 0.0, 10.0), "no price"),
        ((100, -5.0, 10.0), "no price"),
        ((100, math.inf, 10.0), "no price"),
        ((100, math.nan, 10.0), "no price"),
        ((100, START, 10.5), "from the future"),
        ((100, START, math.nan), "from the future"),
        ((100, START, 7.0), "older than the last"),
    ],
)
def test_a_median_refuses(posted: tuple[int, float, float], reason: str) -> None:
    game = reporters(Median(), 3)
    game.state.time = 8.0
    game.post(100, START, 8.0)
    game.state.time = 10.0
    assert game.refused(*posted) == reason


def test_a_rewind_takes_a_report_back() -> None:
    game = reporters(Median(reporters=1, quorum=1), 1)
    digest, mark = game.state.digest(), game.state.mark()
    game.post(100, 2_500.0, 0.0)
    assert game.read().value == 2_500.0
    game.state.rewind(mark)
    assert game.read().value == START
    assert game.state.digest() == digest


# ---------------------------------------------------------------------- pull


def signed(value: float, time: float, confidence: float = 1.0, key: str = "undertow", market: str = "ETH-PERP") -> Any:
    return 7, value, time, confidence, sign(key, market, value, time, confidence)


def test_anybody_may_post_what_the_publisher_signed() -> None:
    game = Game(Pull())
    game.state.time = 20.0
    game.post(*signed(2_345.0, 15.0, confidence=2.5))
    assert game.read() == (2_345.0, 15.0, 2.5, Status.FRESH)
    assert game.read(75.0).status == Status.FRESH
    assert game.read(75.5) == (2_345.0, 15.0, 2.5, Status.STALE)


@pytest.mark.parametrize(
    ("posted", "reason"),
    [
        (signed(START, 101.0, key="stolen"), "forged"),
        (signed(START, 101.0, market="BTC-PERP"), "forged"),
        ((7, START, 101.0, 1.0, ""), "forged"),
        ((7, START + 1, *signed(START, 101.0)[2:]), "forged"),
        ((7, START, 102.0, *signed(START, 101.0)[3:]), "forged"),
        ((7, START, 101.0, 0.0, signed(START, 101.0)[4]), "forged"),
        (signed(0.0, 101.0), "no price"),
        (signed(math.nan, 101.0), "no price"),
        (signed(math.inf, 101.0), "no price"),
        (signed(START, 101.0, confidence=-1.0), "no confidence"),
        (signed(START, 101.0, confidence=math.nan), "no confidence"),
        (signed(START, 150.5), "from the future"),
        (signed(START, math.nan), "from the future"),
        (signed(START, 100.0), "not newer than the last"),
        (signed(START, 90.0), "not newer than the last"),
        (signed(START, 102.0), "too old"),
    ],
)
def test_a_pull_oracle_refuses(posted: Any, reason: str) -> None:
    game = Game(Pull(max_age=40.0))
    game.state.time = 100.0
    game.post(*signed(2_001.0, 100.0))
    game.state.time = 150.0
    assert game.refused(*posted) == reason


def test_the_choice_among_young_reports_is_the_users() -> None:
    game = Game(Pull())
    game.state.time = 60.0
    mark = game.state.mark()
    seen = []
    for value, time in ((1_990.0, 10.0), (2_050.0, 30.0), (2_010.0, 59.0)):
        game.post(*signed(value, time))
        seen.append(game.read().value)
        game.state.rewind(mark)
    assert seen == [1_990.0, 2_050.0, 2_010.0]


def test_a_signature_speaks_for_every_part_of_the_report() -> None:
    parts: tuple[Any, ...] = ("key", "market", 1.0, 2.0, 3.0)
    others = [("yek", *parts[1:]), ("key", "other", *parts[2:]), (*parts[:2], 1.5, 2.0, 3.0)]
    others += [(*parts[:3], 2.5, 3.0), (*parts[:4], 3.5)]
    assert len({sign(*each) for each in (parts, *others)}) == 6
    assert sign(*parts) == sign("key", "market", np.float64(1), 2, 3), "whatever type of number it is"


# ---------------------------------------------------------------------- guard


def guarded(**settings: Any) -> Game:
    rule: dict[str, Any] = {
        "inner": Spot("pool"),
        "max_age": NEVER,
        "max_move": 0.1,
        "max_gap": NEVER,
        "patience": 100.0,
    }
    return Game(Guarded(**(rule | settings)))


def test_a_guard_passes_on_what_moves_little() -> None:
    game = guarded()
    for block, mid in enumerate((2_100.0, 2_300.0, 2_500.0, 2_300.0), 1):
        game.block(10.0 * block, mid)
        assert game.read() == (pytest.approx(mid), 10.0 * block, 0.0, Status.FRESH)


def test_a_guard_holds_the_last_good_value_while_the_inner_is_out_of_bounds() -> None:
    game = guarded()
    game.block(10.0, 2_100.0)
    game.state.time = 15.0
    game.push(2_400.0)
    assert game.read() == (pytest.approx(2_100.0), 10.0, 0.0, Status.UNCERTAIN)
    game.push(2_250.0)
    assert game.read() == (pytest.approx(2_250.0), 15.0, 0.0, Status.FRESH)

    game.block(20.0, 1_500.0)
    assert game.read() == (pytest.approx(2_100.0), 10.0, 0.0, Status.UNCERTAIN)
    game.block(30.0, 2_050.0)
    assert game.read() == (pytest.approx(2_050.0), 30.0, 0.0, Status.FRESH)


def test_a_guard_accepts_after_patience_what_stands_at_the_end_of_the_block() -> None:
    game = guarded(patience=100.0)
    game.block(10.0, 3_000.0)
    game.block(60.0, 3_000.0)
    game.block(109.0, 3_000.0)
    assert game.read(110.0).status == Status.UNCERTAIN  # only a sealed block lets go
    game.push(9_000.0)
    assert game.read(115.0).value == pytest.approx(START)
    game.block(120.0, 3_100.0)
    assert game.read() == (pytest.approx(3_100.0), 120.0, 0.0, Status.FRESH)


def test_patience_starts_anew_after_a_return_within_bounds() -> None:
    game = guarded(patience=100.0)
    game.block(10.0, 3_000.0)
    game.block(60.0, START)
    game.block(70.0, 3_000.0)
    game.block(120.0, 3_000.0)
    assert game.read().status == Status.UNCERTAIN
    game.block(170.0, 3_000.0)
    assert game.read().status == Status.FRESH


def test_a_guard_makes_an_old_reading_stale_and_keeps_what_the_inner_says_of_itself() -> None:
    game = guarded(inner=ArithmeticTwap("pool"), max_age=30.0)
    game.block(10.0, 2_001.0)
    assert game.read(40.0).status == Status.FRESH
    assert game.read(40.5).status == Status.STALE

    pull = guarded(inner=Pull(max_age=60.0))
    assert pull.read(61.0).status == Status.STALE
    pull.state.time = 61.0
    pull.post(*signed(2_050.0, 61.0, confidence=3.0))
    assert pull.read() == (2_050.0, 61.0, 3.0, Status.FRESH)
    pull.block(62.0)
    pull.post(*signed(2_500.0, 62.0))
    assert pull.read() == (2_050.0, 61.0, 3.0, Status.UNCERTAIN)


def test_a_guard_doubts_what_its_second_source_contradicts() -> None:
    game = guarded(inner=ArithmeticTwap("pool", 600.0), second=Spot("pool"), max_gap=0.05)
    game.block(10.0, 2_080.0)
    assert game.read().status == Status.FRESH
    game.push(2_200.0)
    assert game.read() == (START, 10.0, 0.0, Status.UNCERTAIN)
    game.push(1_800.0)
    assert game.read().status == Status.UNCERTAIN


def test_a_second_source_that_is_itself_stale_has_no_say() -> None:
    game = guarded(inner=Spot("pool"), second=Pull(max_age=60.0), max_gap=0.01, max_move=NEVER)
    game.block(50.0, 2_200.0)
    assert game.read().status == Status.UNCERTAIN
    assert game.read(61.0).status == Status.FRESH


def test_guards_nest_and_say_what_they_read() -> None:
    nested = Guarded(Guarded(ArithmeticTwap("pool"), max_move=0.2), second=Spot(), max_gap=NEVER)
    assert nested.live
    assert nested.sources() == ("pool", "")
    assert not Guarded(ArithmeticTwap("pool"), second=Median()).live
    assert Guarded(Spot("pool"), second=Spot("pool")).sources() == ("pool",)

    game = Game(nested)
    game.block(10.0, 2_050.0)
    assert game.at + ".inner.inner" in game.state.tables
    assert game.read(20.0).value == pytest.approx((10 * START + 10 * 2_050) / 20)


def test_a_guard_hands_reports_to_what_it_guards() -> None:
    rule = Median(reporters=1, quorum=1)
    game = guarded(inner=rule)
    assert game.refused(5, 2_050.0, 0.0) == "not a reporter"
    rule.register(game.state, game.listing, game.at + ".inner", 5)
    game.post(5, 2_050.0, 0.0)
    assert game.read().value == 2_050.0
    with pytest.raises(ReportRejected):
        guarded(inner=Spot("pool")).post(5, 2_050.0, 0.0)


def test_a_rewind_restores_what_a_guard_holds() -> None:
    game = guarded()
    game.block(10.0, 2_100.0)
    before, digest, mark = game.read(), game.state.digest(), game.state.mark()
    game.state.height -= 1
    game.block(10.0, 5_000.0)
    assert game.read().status == Status.UNCERTAIN
    game.state.rewind(mark)
    assert game.read() == before
    assert game.state.digest() == digest


# ---------------------------------------------------------------------- reports and parameters


@pytest.mark.parametrize("oracle", [Spot("pool"), ArithmeticTwap("pool"), GeometricTwap("pool"), Ema("pool")])
def test_an_oracle_that_reads_a_venue_takes_no_reports(oracle: Oracle) -> None:
    with pytest.raises(ReportRejected):
        Game(oracle).post(5, START, 0.0)


@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        (ArithmeticTwap, {"window": 0.0}),
        (ArithmeticTwap, {"window": math.inf}),
        (GeometricTwap, {"window": -1.0}),
        (GeometricTwap, {"window": math.nan}),
        (Ema, {"half_life": 0.0}),
        (Median, {"reporters": 0}),
        (Median, {"quorum": 6}),
        (Median, {"quorum": 0}),
        (Median, {"deviation": -0.1}),
        (Median, {"heartbeat": 0.0}),
        (Median, {"max_age": 60.0}),
        (Pull, {"max_age": 0.0}),
        (Pull, {"key": ""}),
        (Pull, {"key": "x" * 65}),
        (Guarded, {"max_age": -1.0}),
        (Guarded, {"max_move": -0.1}),
        (Guarded, {"max_gap": math.nan}),
        (Guarded, {"patience": -1.0}),
    ],
)
def test_a_senseless_parameter_is_refused_by_name(rule: type[Oracle], settings: dict[str, Any]) -> None:
    (name,) = settings
    with pytest.raises(ValueError, match=f"{name} = "):
        rule(**settings)


# ---------------------------------------------------------------------- an index that waits


def test_a_security_module_counts_what_was_seen_a_hop_before_and_hops_on_the_clock() -> None:
    feed = hopped(Feed(1, 2, 3_600.0), 3, 7_199.0, 3_600.0)
    assert feed is None
    assert hopped(Feed(1, 2, 3_600.0), 3, 7_512.0, 3_600.0) == Feed(2, 3, 7_200.0)
    assert hopped(Feed(1, 2, 3_600.0), 3, 15_000.0, 3_600.0) == Feed(2, 3, 14_400.0)


def test_a_push_that_is_over_before_a_hop_is_never_seen_and_one_that_stands_counts_after_two() -> None:
    scenario = find("waiting-index")
    state = build(dataclasses.replace(scenario, duration=1.0)).state
    perpetual, pool = state.listings[0]
    trader = state.ledger.open("pusher", 1)
    state.ledger.move(perpetual.house.token, WORLD, trader, 10**13, Reason.GENESIS)

    def seal(time: float) -> float:
        state.time = time
        exchange.close_block(state)
        return read_index(state, perpetual).value

    first = seal(12.0)
    exchange.trade(state, pool, trader, 10**10)
    seal(24.0)
    exchange.trade(state, pool, trader, -(10**10))
    assert all(seal(time) == pytest.approx(first, rel=1e-3) for time in (36.0, 888.0, 912.0, 1_812.0))
    exchange.trade(state, pool, trader, 10**10)
    seen = [seal(time) / first for time in (1_824.0, 2_688.0, 2_712.0, 3_588.0, 3_612.0)]
    assert seen[:4] == pytest.approx([1.0] * 4, rel=2e-2)
    assert seen[4] > 1.2


def test_a_hop_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="hop = 0.0: must be above 0 seconds"):
        SecurityModule(hop=0.0)


@pytest.mark.parametrize(
    ("values", "middle_of"), [((3, 1, 2), 2), ((1, 2), 1), ((-1, -2), -1), ((-4, 3), 0), ((5, 7, 1, 9), 6)]
)
def test_the_median_of_whole_numbers_is_cut_towards_zero(values: tuple[int, ...], middle_of: int) -> None:
    assert middle(values) == middle_of
