"""Who builds which block, where the ordering leaves it to builders: a draw by share, known ahead.

The draw belongs to the height of the block, so it can be read for blocks to come, as a proposer's schedule can; what no
player's share covers is built honestly. A builder is shown all that has arrived by the seal.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from agents.streams import uniform_at
from protocol.chain import Builder, Built, Offer
from protocol.orderings.builders_choice import BuildersChoice
from protocol.world import World

if TYPE_CHECKING:
    from agents.game import Game
    from agents.player import Player


def seated(game: Game, world: World) -> list[Player]:
    """Players who build, if there is anything to build. Raises ValueError where they would build more than there is."""
    if not any(isinstance(chain.ordering, BuildersChoice) for chain in world.chains):
        return []
    builders = [player for player in game.players if player.role.builds()]
    total = sum(player.role.builds() for player in builders)
    if total > 1.0 + 1e-9:
        names = ", ".join(f"{player.label} {player.role.builds():g}" for player in builders)
        raise ValueError(f"share: builders have {total:g} of the blocks together ({names}); must be at most 1")
    return builders


def builder(game: Game, chain: int, height: int) -> Player | None:
    """Who builds the block of that height, if a player does."""
    if not isinstance(game.state.rules.chains[chain].ordering, BuildersChoice):
        return None
    draw = uniform_at(game.streams.key("builders"), height, chain)
    for player in game.builders:
        draw -= player.role.builds()
        if draw < 0.0:
            return player
    return None


def of_block(game: Game, chain: int, time: float) -> Builder | None:
    """What builds the next block, due at `time`."""
    player = builder(game, chain, game.heights[chain] + 1)
    return None if player is None else partial(_ask, game, player, chain, time)


def _ask(game: Game, player: Player, chain: int, time: float, offer: Offer) -> Built | None:
    view = game.sight(player, chain, time, time - player.role.latency)
    return player.role.build(player, view, offer)
