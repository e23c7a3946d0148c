"""An error planted in a rule makes the claim about that rule fail."""

from __future__ import annotations

import pytest

from agents.roles import maker
from experiments.incidents import base
from experiments.validation import (
    cascades_played,
    erc4626,
    feeds,
    market_making,
    morpho_blue,
    rebalancing,
    table,
    twap_pushes,
    uniswap_v2,
)
from experiments.validation.base import Effort, Missing
from protocol.oracles import twap
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.virtual_amm import VirtualAmm

CACHES = (rebalancing.measured, twap_pushes.pushed, market_making.measured, base.played, cascades_played.played)


@pytest.fixture(autouse=True)
def measured_anew():
    for one in CACHES:
        one.cache_clear()
    yield
    for one in CACHES:
        one.cache_clear()


def met(name: str) -> bool:
    _, claim = table.all_claims()[name]
    try:
        return claim.met(claim.measure(Effort.QUICK), Effort.QUICK)
    except Missing as missing:
        pytest.skip(str(missing))


def test_a_fee_that_is_not_all_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ConstantProduct.pool

    def wrong(self, state, listing):
        pool = right(self, state, listing)
        pool[2] += 200.0  # 2 bp of 30
        return pool

    monkeypatch.setattr(ConstantProduct, "pool", wrong)
    assert not met("A1.3-fixed-12s-30bp-ARB")


def test_a_mean_that_hears_of_a_price_one_block_late(monkeypatch: pytest.MonkeyPatch) -> None:
    right, heard = twap.extend, {}

    def wrong(state, at, window, value):
        right(state, at, window, heard.get(at, value))
        heard[at] = value

    monkeypatch.setattr(twap, "extend", wrong)
    assert not met("A2-enormous-index")


def test_a_mean_over_one_block_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    right = twap.mean
    monkeypatch.setattr(twap, "mean", lambda state, at, window: right(state, at, window + 12.0))
    assert not met("A2-enormous-index")


def test_a_maker_that_does_not_lean(monkeypatch: pytest.MonkeyPatch) -> None:
    right = maker.quotes
    monkeypatch.setattr(maker, "quotes", lambda mid, held, *rest: right(mid, 0.0 * held, *rest))
    assert not met("A7-0.1-inventory-held")


def test_an_incident_replayed_with_a_fee_that_is_not_all_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ConstantProduct.pool

    def wrong(self, state, listing):
        pool = right(self, state, listing)
        pool[2] += 200.0  # 2 bp of 30
        return pool

    monkeypatch.setattr(ConstantProduct, "pool", wrong)
    assert not met("B1-profit")


@pytest.mark.parametrize(
    ("where", "what", "wrong", "claim"),
    [
        (
            uniswap_v2,
            "amount_out",
            lambda given, x, y, kept, parts: -(-given * kept * y // (x * parts + given * kept)),
            "T-uniswap-v2",
        ),
        (erc4626, "shares_down", lambda *terms: erc4626.shares_up(*terms), "T-erc4626"),
        (morpho_blue, "repaid_for", lambda *terms: morpho_blue.repaid_for.right(*terms) - 1, "T-morpho-blue"),
        (feeds, "middle", lambda values: max(values), "T-chainlink-median"),
    ],
    ids=(
        "a swap rounded up",
        "shares rounded for the caller",
        "a repayment a unit short",
        "the highest for the median",
    ),
)
def test_a_rounding_or_a_rule_gone_wrong_is_seen_in_the_recorded_contract(monkeypatch, where, what, wrong, claim):
    wrong.right = getattr(where, what)
    monkeypatch.setattr(where, what, wrong)
    assert not met(claim)


def test_a_pool_that_moves_less_than_its_depth_says(monkeypatch: pytest.MonkeyPatch) -> None:
    right = VirtualAmm.pool

    def wrong(self, state, listing):
        return right(self, state, listing) * 1.5

    def kept(self, state, listing, pool):
        state.put(listing.path + ".reserves", pool / 1.5)

    monkeypatch.setattr(VirtualAmm, "pool", wrong)
    monkeypatch.setattr(VirtualAmm, "keep", kept)
    assert not met("A6-played-twin-0.6")
