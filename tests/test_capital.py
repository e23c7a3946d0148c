"""What margin and vault carried and earned is what a count by hand finds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from experiments.capital import Capital, look, share_value
from experiments.overrides import vary
from experiments.run import build, release, run
from experiments.scenario import find
from protocol.margins.base import Threshold
from protocol.margins.cross import Cross
from protocol.margins.isolated import Isolated

POOL = dataclasses.replace(find("margined-pool"), duration=3_600.0)


def test_margin_posted_is_the_equity_of_those_who_hold_something_and_of_nobody_else() -> None:
    game = build(POOL)
    house = game.house()
    assert look(game.state, house).posted.sum() == 0.0, "nobody holds anything yet"
    game.play()
    state, listing = game.state, game.listing()
    found = look(state, house)
    margin = state.exchange(house).margin
    posted = held = idle = 0.0
    for member in range(300):
        account = next(p.account for p in game.players if p.label == "leveraged") + member
        worth, needs = margin.standing(state, house, Threshold.MAINTENANCE, account)
        if state.ledger.balance[listing.size, account] == 0:
            idle += worth
            continue
        posted += max(worth, 0.0)
        held += needs / 0.025  # what maintenance asks, as a share of notional
    release(game)
    assert idle > 100_000.0 and posted > 100_000.0
    group = state.ledger.groups.index("leveraged")
    assert found.posted[group] == pytest.approx(posted, rel=1e-9)
    assert found.held[group] == pytest.approx(held, rel=1e-9)
    assert found.posted.sum() == pytest.approx(posted, rel=1e-9), "the vault's position posts nothing"
    assert found.vault == pytest.approx(margin.standing(state, house, Threshold.MAINTENANCE, house.vault)[0])


def test_the_vaults_return_is_the_gain_of_those_who_own_it() -> None:
    record = run(dataclasses.replace(POOL, cast=tuple(role for role in POOL.cast if role.label != "provider")))
    assert record.metrics["dex.return_on_vault"] == pytest.approx(record.metrics["gain.founders"] / 5e6, rel=1e-6)
    assert record.metrics["dex.return_on_vault"] != 0.0
    assert record.metrics["return.leveraged"] == pytest.approx(
        record.metrics["gain.leveraged"] / record.metrics["margin.leveraged"]
    )


def test_bad_debt_counts_what_was_passed_on_and_what_still_stands() -> None:
    kept = run(dataclasses.replace(POOL, duration=10_800.0)).metrics
    alone = dataclasses.replace(POOL, duration=10_800.0, cast=tuple(r for r in POOL.cast if r.label != "keeper"))
    left = run(alone).metrics
    assert kept["dex.deficit"] > 0
    assert left["dex.deficit"] == 0.0 and left["dex.underwater"] > 0
    assert left["dex.bad_debt"] == left["dex.underwater"]
    assert kept["dex.bad_debt_per_held"] == pytest.approx(kept["dex.bad_debt"] / kept["dex.held"])


def test_looking_on_changes_nothing() -> None:
    seen = build(POOL)
    capital = Capital(seen)
    seen.play(lambda share: capital.look())
    blind = build(POOL)
    blind.play()
    assert len(capital.looks[0]) > 3
    assert seen.state.digest() == blind.state.digest()
    release(seen), release(blind)


def test_without_a_vault_there_is_no_return_on_it() -> None:
    game = build(find("leveraged-crash"))
    assert np.isnan(share_value(game, game.state, game.house()))
    release(game)


def test_in_one_market_isolated_margin_is_cross_margin() -> None:
    rules = (Cross(initial=0.05, maintenance=0.025), Isolated(initial=0.05, maintenance=0.025))
    cross, isolated = (run(vary(POOL, "exchange.margin", rule)).metrics for rule in rules)
    names = [name for name in cross if name.startswith(("gain.", "dex."))]
    assert {n: cross[n] for n in names if cross[n] == cross[n]} == {
        n: isolated[n] for n in names if cross[n] == cross[n]
    }
