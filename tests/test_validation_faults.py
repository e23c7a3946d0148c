"""An error planted in a rule makes the claim about that rule fail."""

from __future__ import annotations

import pytest

from agents.roles import maker
from experiments.validation import market_making, rebalancing, table, twap_pushes
from experiments.validation.base import Effort
from protocol.oracles import twap
from protocol.venues.constant_product import ConstantProduct

CACHES = (rebalancing.measured, twap_pushes.pushed, market_making.measured)


@pytest.fixture(autouse=True)
def measured_anew():
    for one in CACHES:
        one.cache_clear()
    yield
    for one in CACHES:
        one.cache_clear()


def met(name: str) -> bool:
    _, claim = table.all_claims()[name]
    return claim.met(claim.measure(Effort.QUICK), Effort.QUICK)


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
