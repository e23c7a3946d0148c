"""Private signals are the one door to nature's price; what comes through it is how news gets into a mid."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import agents
from agents.crowds.informed import InformedCrowd
from agents.crowds.noise import NoiseCrowd
from agents.nature import private
from agents.routings.aggregated import Aggregated
from agents.routings.at_home import AtHome
from agents.streams import Streams
from experiments.record import Record
from experiments.run import run
from experiments.scenario import Scenario, find, without
from protocol.venues.constant_product import ConstantProduct
from tests.test_routing import pools

SEEDS = (1, 2, 3)


def one_pool(*cast: InformedCrowd | NoiseCrowd, seed: int = 1) -> Record:
    """Traders in one pool, and nobody who reads a reference."""
    return run(Scenario(world=pools(ConstantProduct(2e6, 0.001)), cast=cast, seed=seed, duration=3_600.0))


def noise() -> NoiseCrowd:
    return NoiseCrowd(name="noise", count=100, capital=50_000.0, leverage=0.02, activity=400.0)


def informed(**settings: float) -> InformedCrowd:
    usual = {
        "name": "informed",
        "count": 50,
        "capital": 50_000.0,
        "leverage": 0.02,
        "activity": 2_000.0,
        "threshold": 0.002,
    }
    return InformedCrowd(**{**usual, **settings})  # type: ignore[arg-type]


def test_a_signal_is_the_price_to_come_and_an_error_of_its_own() -> None:
    path, n = np.exp(np.linspace(0.0, 1.0, 101)), 4_000
    key, far = Streams(1).key("who"), np.full(n, 10.0)
    exact = private.signals(key, 5, path, 20.0, far, np.zeros(n))
    assert exact == pytest.approx(np.full(n, 0.3))
    assert private.signals(key, 5, path, 95.0, far, np.zeros(n)) == pytest.approx(
        np.full(n, 1.0)
    )  # no price comes after
    heard = private.signals(key, 5, path, 20.0, far, np.full(n, 0.1))
    assert (heard == private.signals(key, 5, path, 20.0, far, np.full(n, 0.1))).all()  # asking again tells nothing more
    assert heard.mean() == pytest.approx(0.3, abs=4 * 0.1 / np.sqrt(n))
    assert heard.std() == pytest.approx(0.1, rel=0.05)
    later = private.signals(key, 6, path, 20.0, far, np.full(n, 0.1))
    assert abs(np.corrcoef(heard, later)[0, 1]) < 4 / np.sqrt(n)


def test_only_informed_traders_go_through_the_door() -> None:
    """Whoever else would read signals would know what no player may know."""
    home = Path(agents.__file__).parent
    users = {
        str(path.relative_to(home)) for path in home.rglob("*.py") if "signals(" in path.read_text(encoding="utf-8")
    }
    assert users == {"view.py", "nature/private.py", "crowds/informed.py"}
    readers = {
        str(path.relative_to(home)) for path in home.rglob("*.py") if "_game.fair" in path.read_text(encoding="utf-8")
    }
    assert readers == {"view.py"}


def test_with_nothing_but_error_in_its_signals_the_crowd_is_a_noise_crowd() -> None:
    """Order for order: the error decides which way, and is drawn from the same dice."""
    twin = NoiseCrowd(name="same", count=80, leverage=0.1, activity=1_000.0)
    wrong = InformedCrowd(name="same", count=80, leverage=0.1, activity=1_000.0, noise=1e9, threshold=0.0)
    right = dataclasses.replace(wrong, noise=0.001)
    assert one_pool(wrong).digest == one_pool(twin).digest
    assert one_pool(right).digest != one_pool(twin).digest


@pytest.mark.parametrize("seed", SEEDS)
def test_the_better_the_signals_the_closer_the_mid_is_to_fair(seed: int) -> None:
    path = "north.ETH-USD"
    sharp, dull, none = (
        one_pool(*cast, seed=seed).metrics
        for cast in ((noise(), informed()), (noise(), informed(noise=0.01)), (noise(),))
    )
    assert sharp[f"{path}.mid_gap_rms"] < 0.7 * dull[f"{path}.mid_gap_rms"] < 0.4 * none[f"{path}.mid_gap_rms"]
    assert sharp[f"{path}.mid_half_life"] < 0.6 * dull[f"{path}.mid_half_life"]
    assert not none[f"{path}.mid_half_life"] < 20.0 * dull[f"{path}.mid_half_life"]  # nan: it does not come back at all


def test_the_informed_earn_by_what_they_know_and_the_wrong_lose_by_it() -> None:
    gains = [
        [
            one_pool(noise(), informed(noise=error, ahead=ahead, threshold=0.004), seed=seed).metrics["gain.informed"]
            for seed in SEEDS
        ]
        for error, ahead in ((0.0005, 600.0), (0.05, 600.0))
    ]
    assert min(gains[0]) > 0.0 > max(gains[1])


@pytest.mark.parametrize("at", [0, 1])
def test_news_is_found_where_the_informed_trade(at: int) -> None:
    """Two pools alike, noise on both, an aggregator that links them: the information share goes with the informed."""
    homes = (1.0, 0.0) if at == 0 else (0.0, 1.0)
    cast = (
        dataclasses.replace(noise(), name="linking", routing=Aggregated()),
        dataclasses.replace(noise(), routing=AtHome()),
        dataclasses.replace(informed(), routing=AtHome(homes=homes)),
    )
    world = pools(ConstantProduct(1e6, 0.001), ConstantProduct(1e6, 0.001))
    for seed in SEEDS:
        found = run(Scenario(world=world, cast=cast, seed=seed, duration=2_400.0)).metrics
        shares = [found[f"{name}.ETH-USD.information_share"] for name in ("north", "east")]
        assert shares[at] > 0.6 > 0.4 > shares[1 - at]


def test_a_run_with_several_markets_of_one_base_tells_their_shares() -> None:
    metrics = run(dataclasses.replace(find("two-venues"), duration=1_200.0)).metrics
    paths = ("second.ETH-PERP", "second.ETH-USD", "third.ETH-PERP")
    assert sum(metrics[f"{path}.component_share"] for path in paths) == pytest.approx(1.0)
    for path in paths:
        low, share, high = (metrics[f"{path}.information_{name}"] for name in ("low", "share", "high"))
        assert 0.0 <= low <= share <= high <= 1.0
    alone = run(dataclasses.replace(find("gen-third"), duration=60.0)).metrics
    assert not [name for name in alone if name.endswith("information_share")]


def test_informed_traders_of_nothing_are_refused() -> None:
    for name in ("ahead", "noise", "threshold"):
        with pytest.raises(ValueError, match=f"^{name} = -1"):
            InformedCrowd(**{name: -1.0})  # type: ignore[arg-type]
    assert without(find("split-pools"), "informed").cast
