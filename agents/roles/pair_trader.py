"""The trader of pairs: long on one chain and short on another, for a while, and out again; with both legs it bears no price.

How it brings the legs together is its `pairing`. A leg that nobody accepts is withdrawn and offered anew at the mid of the moment.
While one leg is open and the other is not, it bears what it never wanted; it notes how long that was, and what the pair cost in the
end. Where neither stands any more, it lets the pair go and begins anew. It opens a leg as soon as its pairing lets it: it holds an
option, and does not use it (`roles/swapper.py` does).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.pairings.base import Pairing, Stage
from agents.pairings.two_phase import TwoPhase
from agents.player import Action, Player
from agents.roles.across import Across, Ends, settle_from_home
from agents.roles.pair_maker import RETRY, TOKEN
from agents.streams import uniform_at
from agents.view import View
from protocol.bridge import Leg, legs
from protocol.bridge_transactions import DropLeg, OfferLeg, OpenLeg
from protocol.margins.base import Threshold
from protocol.settings import refusals
from protocol.state import Listing

if TYPE_CHECKING:
    from agents.game import Game


@dataclass(frozen=True)
class PairTrader(Across):
    """Pairs of `coins` with the `maker` of that name, `spread` worse than the mid; turned round `hold` seconds after they stand.

    A leg lapses after `term` seconds, the one that goes second after twice that; one that is not accepted is withdrawn after
    `patience`. It puts up `cushion` times initial margin.
    """

    count: int = 10
    capital: float = 100_000.0
    latency: float = 0.5
    bridge: str = ""
    maker: str = "pairmaker"
    pairing: Pairing = field(default_factory=TwoPhase)
    coins: float = 10.0
    spread: float = 0.001
    term: float = 300.0
    patience: float = 36.0
    hold: float = 300.0
    cushion: float = 2.0

    def mistakes(self) -> list[str]:
        """It trades something, and waits."""
        return refusals(
            self,
            coins=(self.coins > 0, "above 0 base coins"),
            spread=(0 <= self.spread < 1, "0 to below 1"),
            term=(self.term > 0, "above 0 seconds"),
            patience=(self.patience > 0, "above 0 seconds"),
            hold=(self.hold >= 0, "0 or more seconds"),
            cushion=(self.cushion >= 1, "1 or more, times initial margin"),
        )

    def prepare(self, me: Player, game: Game) -> None:
        """Cash on either side; a market of claims on either."""
        ends = settle_from_home(game, me, self.bridge, self.capital, 0.0)
        markets = tuple(
            next((one for house in game.state.houses_of(chain) for one in game.state.claims[house.index]), None)
            for chain in (ends.span.source, ends.span.target)
        )
        if None in markets:
            raise ValueError(f"bridge = {ends.span.name!r}: a PairTrader needs a market of claims at both ends")
        first = self.hold * uniform_at(game.streams.key(f"{me.label}.pairs"), 0, 0)
        me.memory.update(ends=ends, markets=markets, next=first, number=0, side=1, pair=None, until={}, game=game)

    def act(self, me: Player, view: View) -> Iterable[Action]:
        """See how the legs stand, and take the next step on the chain that is about to seal."""
        memory, ends = me.memory, me.memory["ends"]
        if view.state.time < memory["until"].get(view.chain, 0.0):
            return ()
        if memory["pair"] is None:
            if view.time < memory["next"]:
                return ()
            self._begin(me, view)
        pair, stages = memory["pair"], self._stages(me, view, ends)
        self._note(me, view, pair, stages)
        if memory["pair"] is None:
            return ()
        end = 0 if view.chain == ends.span.source else 1
        step = self._step(me, view, ends, end, stages)
        if step is None:
            return ()
        memory["until"][view.chain] = view.seal
        return (step,)

    def _begin(self, me: Player, view: View) -> None:
        """A new pair, under a lock of its own."""
        memory = me.memory
        mid = view.reference(view.state.market(memory["markets"][0]).instrument.base)
        memory["number"] += 1
        secret = hashlib.sha256(f"{me.label}.{memory['number']}".encode()).digest()
        memory["pair"] = {"mid": mid, "since": view.time, "secret": secret, "lock": hashlib.sha256(secret).digest()}
        memory["pair"] |= {"open": [None, None], "price": [0.0, 0.0], "sent": {}, "gone": [None, None]}

    def _stages(self, me: Player, view: View, ends: Ends) -> tuple[Stage, Stage]:
        """How far the legs have come, as far as it sees."""
        pair: dict[str, Any] = me.memory["pair"]
        found = []
        for end, chain in enumerate((ends.span.source, ends.span.target)):
            leg = legs(view.state, ends.span, chain).get(pair["lock"])
            stage = _stage(leg)
            found.append(stage)
            if leg is not None and stage is Stage.OPEN and pair["open"][end] is None:
                pair["open"][end], pair["price"][end] = view.time, leg.price
            if (
                stage is Stage.DROPPED and pair["gone"][end] is not leg
            ):  # seen for the first time: it may be offered again
                pair["gone"][end] = leg
                pair["sent"] = {key: at for key, at in pair["sent"].items() if key[0] != end}
        return found[0], found[1]

    def _note(self, me: Player, view: View, pair: dict[str, Any], stages: tuple[Stage, Stage]) -> None:
        """What is over: a pair that stands, or one that came to nothing; and when one leg stands alone."""
        memory, standing = me.memory, [at for at in pair["open"] if at is not None]
        if len(standing) == 1 and "alone" not in pair:
            pair["alone"] = True
            me.note(view, "one leg", number=memory["number"])
        if len(standing) == 2:
            sides = (memory["side"], -memory["side"])
            short = sum(side * (price / pair["mid"] - 1.0) for side, price in zip(sides, pair["price"], strict=True))
            gap = abs(standing[0] - standing[1])
            me.note(
                view, "pair stands", number=memory["number"], gap=gap, shortfall=short, took=view.time - pair["since"]
            )
            memory.update(pair=None, side=-memory["side"], next=view.time + self.hold)
        elif Stage.DROPPED in stages and not any(self._alive(view, pair, end, stages) for end in (0, 1)):
            me.note(view, "pair let go", took=view.time - pair["since"])
            memory.update(pair=None, next=view.time)

    @staticmethod
    def _alive(view: View, pair: dict[str, Any], end: int, stages: tuple[Stage, Stage]) -> bool:
        """Whether a leg stands, or is on its way."""
        if stages[end] in (Stage.NONE, Stage.DROPPED):
            return bool(pair["sent"].get((end, OfferLeg), -1.0) > view.time)
        return True

    def _step(self, me: Player, view: View, ends: Ends, end: int, stages: tuple[Stage, Stage]) -> Action | None:
        """The next deed at an end, unless it has been sent and may still be served."""
        pair, stage = me.memory["pair"], stages[end]
        account, lock, sent = (ends.home, ends.away)[end], pair["lock"], pair["sent"]
        leg = legs(view.state, ends.span, view.chain).get(lock)
        deed: OfferLeg | OpenLeg | DropLeg | None = None
        if leg is None or stage is Stage.DROPPED:
            deed = self._offer(me, view, ends, end) if self.pairing.offers(end, stages) else None
        elif stage is Stage.PREPARED and view.seal < leg.until:
            deed = OpenLeg(ends.span, account, lock, pair["secret"]) if self.pairing.opens(end, stages) else None
        elif stage is Stage.PREPARED or view.seal >= sent.get((end, OfferLeg), 0.0) - RETRY + self.patience:
            deed = DropLeg(ends.span, account, lock) if stage is not Stage.OPEN else None
        if deed is None or sent.get((end, type(deed)), -1.0) > view.time:
            return None
        sent[end, type(deed)] = view.seal + RETRY
        return me.send(deed)

    def _offer(self, me: Player, view: View, ends: Ends, end: int) -> OfferLeg | None:
        """A leg at the mid it sees, `spread` worse, and the margin that it lacks; None: it could not lapse before the other."""
        until, lock = view.seal + (1.0 if end == self.pairing.lead else 2.0) * self.term, me.memory["pair"]["lock"]
        other = legs(view.state, ends.span, ends.span.other(view.chain)).get(lock)
        if other is not None and not other.over and end == self.pairing.lead:
            until = min(until, other.until - self.term)
            if until < view.seal + self.patience:
                return None
        listing: Listing = me.memory["markets"][end]
        game: Game = me.memory["game"]
        maker = next(player for player in game.players if player.role.label == self.maker)
        account, to = (ends.home, ends.away)[end], (maker.memory["ends"].home, maker.memory["ends"].away)[end]
        side = me.memory["side"] * (1 if end == 0 else -1)
        mid = view.reference(view.state.market(listing).instrument.base)
        size = side * int(self.coins * listing.size_scale)
        margin = view.state.exchange(listing.house).margin
        share, _ = margin.rate(view.state, listing, Threshold.INITIAL)
        worth, needs = margin.standing(view.state, listing.house, Threshold.INITIAL, account)
        lacks = self.cushion * share * self.coins * mid - (worth - needs)
        if view.balance(listing.size, account) * size < 0:
            lacks = TOKEN
        return OfferLeg(
            ends.span,
            account,
            to,
            listing,
            size,
            mid * (1.0 + side * self.spread),
            int(max(TOKEN, lacks) * listing.house.cash_scale),
            lock,
            until,
        )


def _stage(leg: Leg | None) -> Stage:
    if leg is None:
        return Stage.NONE
    if leg.over:
        return Stage.OPEN if leg.secret else Stage.DROPPED
    return Stage.PREPARED if leg.prepared else Stage.OFFERED
