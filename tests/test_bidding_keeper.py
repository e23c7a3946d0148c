"""Keepers who read the mempool outbid each other for the same liquidation, and whoever loses pays for it too."""

from __future__ import annotations

import dataclasses

import pytest

from agents.roles.bidding_keeper import BiddingKeeper
from agents.roles.keeper import Keeper
from experiments.overrides import vary
from experiments.record import Record
from experiments.run import run
from experiments.scenario import find
from protocol.mempool import RAISE


def crash(*keepers: Keeper, ordering: str = "PriorityFee") -> Record:
    base = find("leveraged-crash")
    base = dataclasses.replace(base, cast=(*(r for r in base.cast if r.label != "keeper"), *keepers), duration=2_400.0)
    for path, value in {
        "nature.drift": [-900.0],
        "nature.intensity": [8_000.0],
        "exchange.losses": [{"kind": "Insurance"}],
        "exchange.insurance": 1e6,
        "chain.ordering": {"kind": ordering},
    }.items():
        base = vary(base, path, value)
    return run(base)


def paid(record: Record, label: str) -> float:
    flows = record.flows
    return float(flows[(flows.reason == "gas") & (flows.source == label)].cash.sum())


def won(record: Record, label: str) -> int:
    events = record.events
    return int(((events.kind == "liquidation") & (events.who == label)).sum())


def prizes(record: Record) -> float:
    return float(sum(n["reward"] for n in record.events[record.events.kind == "liquidation"].numbers))


def test_a_second_bidder_makes_both_pay_the_loser_too_and_most_of_the_prize_goes_into_fees():
    alone = crash(BiddingKeeper(name="a"))
    both = crash(BiddingKeeper(name="a"), BiddingKeeper(name="b"))
    assert won(alone, "a") >= 5
    assert won(both, "a") + won(both, "b") == won(alone, "a")
    assert paid(alone, "a") < 0.1 * prizes(alone)
    assert min(paid(both, "a"), paid(both, "b")) > 0.25 * prizes(both)  # both, whoever won
    assert paid(both, "a") + paid(both, "b") > 5.0 * paid(alone, "a")


def test_whoever_reads_beats_a_blind_rival_by_one_raise():
    record = crash(Keeper(name="blind", bid_share=0.3), BiddingKeeper(name="reader"))
    assert won(record, "blind") == 0 < won(record, "reader")
    assert paid(record, "reader") < (1.0 + RAISE) * 0.35 * prizes(record)


def test_a_rival_who_bids_more_than_the_prize_is_worth_to_it_is_left_alone():
    record = crash(Keeper(name="blind", bid_share=0.9), BiddingKeeper(name="reader", most_share=0.5))
    assert won(record, "reader") == 0 < won(record, "blind")
    assert paid(record, "reader") < 0.1 * prizes(record)


def test_where_nothing_can_be_read_nobody_raises():
    record = crash(BiddingKeeper(name="a"), BiddingKeeper(name="b"), ordering="Sealed")
    assert paid(record, "a") + paid(record, "b") < 0.15 * prizes(record)


@pytest.mark.parametrize(("field", "value"), [("rounds", 0), ("step", 0.1), ("most_share", 1.5)])
def test_bidders_without_sense_are_refused(field, value):
    with pytest.raises(ValueError, match=rf"{field} = {value}: must be"):
        BiddingKeeper(**{field: value})
