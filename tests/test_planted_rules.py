"""An error planted in a rule of the machine, in its own file, is seen by the replay of the contract that the rule is configured as.

A replay that kept a formula of its own would not notice. Each error goes into a copy of the source, and the claim is measured anew
there, without compiling: what is compiled is the same source.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, SHARED

MEASURE = """
import sys
from experiments.validation import table
from experiments.validation.base import Effort, Missing
for name in sys.argv[1:]:
    claim = table.all_claims()[name][1]
    try:
        print(name, claim.verdict(claim.measure(Effort.QUICK), Effort.QUICK))
    except Missing:
        print(name, "absent")
"""
PLANTED = {  # file under protocol/, what stands there, what is put in its place, the claim that must fail
    "a spread charged twice": (
        "venues/oracle_pool.py",
        "return one + premium + spread",
        "return one + premium + 2 * spread",
        "T-gmx-v1",
    ),
    "a fill that forgets its own impact, where it is compiled": (
        "venues/oracle_pool.py",
        "skew = middle(pool[1], pool[1] + size, 1.0)",
        "skew = middle(pool[1], pool[1], 1.0)",
        "T-synthetix-perps-v2",
    ),
    "a premium of the price cut the wrong way": (
        "fixed_point.py",
        "return size if (a * b < 0) == (c < 0) else -size",
        "return size if (a * b < 0) == (c < 0) else -size - 1",
        "T-synthetix-perps-v2",
    ),
    "a swap that is a millionth dear, where it is compiled": (
        "venues/virtual_amm.py",
        "np.ceil(owed_for(size, pool[0], pool[1], 0.0))",
        "np.ceil(1.000001 * owed_for(size, pool[0], pool[1], 0.0))",
        "T-perp-v1",
    ),
    "a swap rounded for the taker": (
        "fixed_point.py",
        "return -(-a * b // c)",
        "return a * b // c",
        "T-perp-v1",
    ),
    "funding rounded for the account": (
        "fixed_point.py",
        "return -(-a * b // c)",
        "return a * b // c",
        "T-dydx-v1",
    ),
    "a fee of a trade that is cut": (
        "clearing.py",
        "return up(notional, fee, one)",
        "return notional * fee // one",
        "T-gmx-v1",
    ),
    "funding of what stood before, too": (
        "clearing.py",
        "return up(size * index - entered, 1, one)",
        "return up(size * index, 1, one)",
        "T-dydx-v1",
    ),
    "a deleveraging at the mark": (
        "liquidations/lots.py",
        "return price - worth * scale / size",
        "return price",
        "T-dydx-v1",
    ),
    "a reserve charged an interval late": (
        "funding/borrowing.py",
        "return (now - since) // interval, now // interval * interval",
        "return (now - since) // interval - 1, now // interval * interval - interval",
        "T-gmx-v1",
    ),
    "a reserve charged in full whatever is used of it": (
        "funding/borrowing.py",
        "return down(factor * reserved, intervals, pool)",
        "return down(factor * pool, intervals, pool)",
        "T-gmx-v1",
    ),
    "a reserve charged three times as much, where the market is charged": (
        "funding/borrowing.py",
        "grown = growth(self.factor, reserved, intervals, pool)",
        "grown = growth(3.0 * self.factor, reserved, intervals, pool)",
        "T-gmx-v1",
    ),
    "a margin of longs by their notional": (
        "margins/collateralised.py",
        "return ratio - one, ratio if side > 0 else one",
        "return ratio - one, one",
        "T-dydx-v1",
    ),
    "a bankruptcy price that leaves the owner half": (
        "liquidations/lots.py",
        "return (price - worth / coins) /",
        "return (price - worth / (2 * coins)) /",
        "T-dydx-v1",
    ),
    "what both sides need, multiplied by what it is divided by": (
        "margins/collateralised.py",
        "asked = Asked(which, above / below * factor, factor)",
        "asked = Asked(which, above * below * factor, factor)",
        "T-dydx-v1",
    ),
    "a takeover in proportion that leaves the owner half": (
        "liquidations/routes.py",
        "price = price_leaving(lot, 0.0, self.penalty)",
        "price = price_leaving(lot, 0.5 * lot.worth, self.penalty)",
        "T-dydx-v1",
    ),
    "a lot's price that forgets what is left": (
        "liquidations/lots.py",
        "return unwound_at(lot.price, lot.worth - left, lot.coins, charges)",
        "return unwound_at(lot.price, left, lot.coins, charges)",
        "T-dydx-v1",
    ),
    "a deleveraging at the mark, where the verb carries it out": (
        "exchange/deleveraging.py",
        "bankrupt = bankrupt_at(mark, worth, size, listing.size_scale)",
        "bankrupt = mark",
        "T-dydx-v1",
    ),
    "a spread with the wrong sign, and twice, where it is compiled": (
        "venues/oracle_pool.py",
        "factor = factor_of(premium_of(skew, pool[2], 1.0), side * pool[3], 1.0)",
        "factor = factor_of(premium_of(skew, pool[2], 1.0), -2.0 * side * pool[3], 1.0)",
        "T-gmx-v1",
    ),
    "a spread that is not halved": (
        "venues/oracle_pool.py",
        "state.market(listing).instrument, 0.5 * self.spread",
        "state.market(listing).instrument, self.spread",
        "T-gmx-v1",
    ),
    "a wait after a mark, turned round (a late one refused)": (
        "liquidations/backstop.py",
        "return now - since >= after",
        "return now < since",
        "T-dydx-v1",
    ),
    "a ring that takes the newest row for the oldest": (
        "oracles/observations.py",
        "first = (ring.at + 1) % ring.used",
        "first = ring.at",
        "T-uniswap-v3",
    ),
    "an observation that is a second late": (
        "oracles/observations.py",
        "time, last = now - ago, ring.rows[ring.at]",
        "time, last = now - ago - 1, ring.rows[ring.at]",
        "T-uniswap-v3",
    ),
    "liquidity that is not there taken out": (
        "venues/tick_pool.py",
        "return position.liquidity + change < 0",
        "return position.liquidity + change < -1",
        "T-uniswap-v3",
    ),
    "a stability fee that is a second late": (
        "rates/growth.py",
        "return down(power(factor, seconds, one), index, one)",
        "return down(power(factor, max(seconds - 1, 0), one), index, one)",
        "T-maker-clip",
    ),
    "a vault that stands by its whole price": (
        "issuing.py",
        "return down(price, one, ratio)",
        "return price",
        "T-maker-clip",
    ),
    "a debt too small that is let stand": (
        "issuing.py",
        "return bool(0 < owed < least)",
        "return bool(0 < 2 * owed < least)",
        "T-maker-clip",
    ),
    "an issue's vault that stands at a ratio of one": (
        "issuing.py",
        "each = backing(1.0 / exchange_rate(state, issue), least, 1.0) if owed else 0.0",
        "each = backing(1.0 / exchange_rate(state, issue), 1.0, 1.0) if owed else 0.0",
        "T-maker-clip",
    ),
    "an issue's fee charged twice": (
        "issuing.py",
        "math.expm1(fee * (state.time",
        "math.expm1(2.0 * fee * (state.time",
        "T-maker-clip",
    ),
    "a mean tick that is one too high": (
        "oracles/observations.py",
        "return down(end.ticks - start.ticks, 1, end.time - start.time)",
        "return down(end.ticks - start.ticks, 1, end.time - start.time) + 1",
        "T-uniswap-v3",
    ),
    "an observer that writes down twice the tick": (
        "oracles/ring.py",
        "tick = math.floor(math.log(mid / kept.start) / TICK + SLACK)",
        "tick = 2 * math.floor(math.log(mid / kept.start) / TICK + SLACK)",
        "T-uniswap-v3",
    ),
}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source by itself, beside what was recorded."""
    folder = tmp_path_factory.mktemp("planted")
    for name in ("protocol", "agents", "experiments"):
        shutil.copytree(ROOT / name, folder / "tree" / name, ignore=shutil.ignore_patterns("__pycache__", "*.nb?"))
    if SHARED.exists():
        (folder / "shared").symlink_to(SHARED)
    return folder / "tree"


def verdicts(tree: Path, *names: str) -> dict[str, str]:
    """What becomes of claims in a tree."""
    environment = dict(os.environ, PYTHONPATH=str(tree), NUMBA_DISABLE_JIT="1", PYTHONDONTWRITEBYTECODE="1")
    command = [sys.executable, "-c", MEASURE, *names]
    done = subprocess.run(command, cwd=tree, env=environment, check=True, capture_output=True, text=True)
    found = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    if "absent" in found.values():
        pytest.skip("../shared/reference is not here: what was recorded is not part of the repository")
    return found


def test_without_an_error_every_claim_is_met(copied: Path) -> None:
    claims = sorted({claim for *_, claim in PLANTED.values()})
    assert verdicts(copied, *claims) == dict.fromkeys(claims, "met")


@pytest.mark.parametrize("error", PLANTED)
def test_an_error_in_a_rule_of_the_machine_is_seen_by_the_replay(error: str, copied: Path) -> None:
    name, right, wrong, claim = PLANTED[error]
    file = copied / "protocol" / name
    source = file.read_text(encoding="utf-8")
    assert source.count(right) == 1, "the rule no longer reads so"
    try:
        file.write_text(source.replace(right, wrong), encoding="utf-8")
        assert verdicts(copied, claim)[claim] == "missed"
    finally:
        file.write_text(source, encoding="utf-8")
