"""Probing a scenario: its world at the start, or after some of its play, with residents in it.

Prices stand still from then on, so that whatever is earned is taken from somebody, and from no move of the market.
"""

from __future__ import annotations

from agents.probing.residents import stage_of
from agents.probing.stage import Stage
from experiments.run import release
from experiments.scenario import Scenario
from experiments.wishes import seated

ACCOUNTS = 3  # of the searcher's
CAPITAL = 300_000.0  # cash coins, in all its accounts
WEALTH = 1_000_000.0  # cash coins of each resident
BRINGS = 10_000.0  # cash coins that a stranger brings with every block


def stage_for(
    scenario: Scenario,
    *,
    after: float = 0.0,
    accounts: int = ACCOUNTS,
    capital: float = CAPITAL,
    wealth: float = WEALTH,
    brings: float = BRINGS,
) -> Stage:
    """The scenario's state `after` seconds of play, its cast's money in it, made a stage.

    Raises ValueError where there are several chains: what a stage plays would reach all of them at once.
    """
    if len(scenario.world.chains) > 1:
        names = ", ".join(chain.name for chain in scenario.world.chains)
        raise ValueError(f"world.chains = {names}: must be one, for what is probed reaches all of it at once")
    game = seated(scenario, check=False)
    try:
        while after > 0.0 and game.state.time < after:
            game.step()
        prices = {asset: game.fair_now(asset) for asset in game.column}
        interval = max(chain.blocks.wait(0.5) for chain in scenario.world.chains)
        return stage_of(
            game.state, prices, accounts=accounts, capital=capital, wealth=wealth, interval=interval, brings=brings
        )
    finally:
        release(game)
