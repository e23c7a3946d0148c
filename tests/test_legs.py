"""A position of two legs over two chains: opened on both for one secret, or whole again on both; and who is left with one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from machine import CASH, COIN, PRICE, Witness, exchange_for, market_for, tell

from protocol import errors, exchange, laws
from protocol.blocks.fixed import Fixed
from protocol.bridge import Bridge, legs
from protocol.bridge_transactions import AcceptLeg, DropLeg, OfferLeg, OpenLeg
from protocol.chain import seal
from protocol.genesis import genesis
from protocol.instruments.token import Token
from protocol.ledger import WORLD, Reason
from protocol.mempool import Mempool, Pending
from protocol.reorganisations import Reorganisations
from protocol.state import State
from protocol.transactions import Transaction
from protocol.undoing import keep, undo
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.virtual_amm import VirtualAmm
from protocol.world import Chain, World

SECRET = b"both or none"
LOCK = hashlib.sha256(SECRET).digest()
SIZE = 10 * COIN
MARGIN = 5_000 * CASH  # initial margin of 10 coins at 2,000 and 10 % is 2,000


def stage(l1: Chain | None = None, **changes: Any) -> tuple[State, list[int]]:
    """Two chains with a perpetual each; trader and maker on either, with 100,000 of cash in their wallets."""
    exchanges = []
    for name, chain, token in (("here", "l1", Token()), ("there", "l2", Token(bridge="bridge"))):
        spot = market_for(ConstantProduct(), name="spot", instrument=token)
        perp = market_for(VirtualAmm(), name="perp", fee=0.001, **changes)
        exchanges.append(exchange_for(name=name, chain=chain, markets=(spot, perp)))
    rules = World((l1 or Chain("l1"), Chain("l2", Fixed(2.0))), tuple(exchanges), (Bridge(),))
    state = genesis(rules, {"ETH": PRICE})
    accounts = []
    for house in state.houses:
        for account in range(first := state.ledger.open("players", 2, chain=house.chain), first + 2):
            state.ledger.move(house.token, WORLD, account, 100_000 * CASH, Reason.GENESIS)
            accounts.append(account)
    tell(state, PRICE)
    state.finalise()
    return state, accounts


def offered(state: State, end: int, who: list[int], side: int, until: float, **changes: Any) -> OfferLeg:
    trader, maker = who[2 * end : 2 * end + 2]
    span, listing = state.spans[0], state.claims[end][0]
    whole: dict[str, Any] = {"size": side * SIZE, "price": PRICE, "margin": MARGIN, "lock": LOCK, "until": until}
    return OfferLeg(span, trader, maker, listing, **(whole | changes))


def prepared(state: State, who: list[int], untils: tuple[float, float] = (40.0, 60.0)) -> Witness:
    """Long here and short there, offered and accepted."""
    witness = Witness(state)
    for end, (side, until) in enumerate(zip((1, -1), untils, strict=True)):
        offer = offered(state, end, who, side, until)
        assert witness.does(exchange.offer_leg, offer.account, *offer) is None
        assert witness.does(exchange.accept_leg, offer.to, state.spans[0], offer.to, LOCK, MARGIN) is None
    return witness


def positions(state: State, who: list[int]) -> list[int]:
    rows = [state.claims[end][0].size for end in (0, 0, 1, 1)]
    return [int(state.ledger.balance[row, account]) for row, account in zip(rows, who, strict=True)]


def boxed(state: State) -> list[int]:
    span = state.spans[0]
    return [int(state.ledger.balance[state.houses[end].token, span.boxes[end]]) for end in (0, 1)]


def test_one_secret_opens_both_legs_at_the_agreed_price_and_nothing_is_left_in_the_boxes() -> None:
    state, who = stage()
    witness = prepared(state, who)
    assert boxed(state) == [2 * MARGIN, 2 * MARGIN]
    assert positions(state, who) == [0, 0, 0, 0]
    for end in (0, 1):
        fill = witness.does(exchange.open_leg, who[2 * end], state.spans[0], who[2 * end], LOCK, SECRET)
        assert (abs(fill.size), abs(fill.owed)) == (SIZE, 10 * int(PRICE) * CASH)
    assert positions(state, who) == [SIZE, -SIZE, -SIZE, SIZE]
    assert boxed(state) == [0, 0]
    for end in (0, 1):
        house, listing = state.houses[end], state.claims[end][0]
        claims = [int(state.ledger.balance[house.cash, account]) for account in who[2 * end : 2 * end + 2]]
        assert claims == [MARGIN - 20 * CASH, MARGIN]  # the fee of 10 bp is the taker's
        assert state.tables[listing.path + ".interest"].tolist() == [SIZE, SIZE]


def test_both_legs_time_out_and_everybody_is_whole_again() -> None:
    state, who = stage()
    start = state.ledger.balance.copy()
    witness = prepared(state, who)
    early = witness.does(exchange.drop_leg, who[0], state.spans[0], who[0], LOCK)
    assert isinstance(early, errors.TooEarly)
    state.time = 60.0
    for end in (0, 1):
        late = witness.does(exchange.open_leg, who[2 * end], state.spans[0], who[2 * end], LOCK, SECRET)
        assert isinstance(late, errors.DealOver)
        assert witness.does(exchange.drop_leg, who[2 * end + 1], state.spans[0], who[2 * end + 1], LOCK) is None
    assert (state.ledger.balance == start).all()


def test_a_timeout_on_one_side_leaves_one_leg_and_loses_nobody_a_unit() -> None:
    state, who = stage()
    witness = prepared(state, who)
    witness.does(exchange.open_leg, who[2], state.spans[0], who[2], LOCK, SECRET)
    state.time = 40.0  # the other chain was down until its leg's time was over
    late = witness.does(exchange.open_leg, who[0], state.spans[0], who[0], LOCK, SECRET)
    assert isinstance(late, errors.DealOver)
    witness.does(exchange.drop_leg, who[0], state.spans[0], who[0], LOCK)
    assert positions(state, who) == [0, 0, -SIZE, SIZE]
    assert state.ledger.balance[state.houses[0].token, who[:2]].tolist() == [100_000 * CASH] * 2
    assert boxed(state) == [0, 0]
    laws.check(state)


def test_an_offer_that_nobody_has_accepted_cannot_be_opened_and_may_be_withdrawn_by_whoever_made_it() -> None:
    state, who = stage()
    witness, span = Witness(state), state.spans[0]
    start = state.ledger.balance.copy()
    offer = offered(state, 0, who, 1, 40.0)
    witness.does(exchange.offer_leg, who[0], *offer)
    assert isinstance(witness.does(exchange.open_leg, who[0], span, who[0], LOCK, SECRET), errors.UnknownMessage)
    assert isinstance(witness.does(exchange.drop_leg, who[1], span, who[1], LOCK), errors.TooEarly)
    assert witness.does(exchange.drop_leg, who[0], span, who[0], LOCK) is None
    assert (state.ledger.balance == start).all()


def test_a_leg_that_could_not_be_opened_is_not_prepared() -> None:
    """Planted: margin too small on either side, an index that has gone stale, a cap; the vote leaves no trace."""
    state, who = stage()
    witness, span = Witness(state), state.spans[0]
    offer = offered(state, 0, who, 1, 40.0, margin=1_000 * CASH)
    witness.does(exchange.offer_leg, who[0], *offer)
    assert isinstance(witness.does(exchange.accept_leg, who[1], span, who[1], LOCK, MARGIN), errors.UnderMargined)
    assert boxed(state)[0] == 1_000 * CASH
    witness.does(exchange.drop_leg, who[0], span, who[0], LOCK)
    other = hashlib.sha256(b"other").digest()
    witness.does(exchange.offer_leg, who[0], *offered(state, 0, who, 1, 40.0, lock=other))
    assert isinstance(witness.does(exchange.accept_leg, who[1], span, who[1], other, CASH), errors.UnderMargined)
    assert isinstance(witness.does(exchange.accept_leg, who[0], span, who[0], other, MARGIN), errors.NotAllowed)
    assert not legs(state, span, 0)[other].prepared


def test_open_interest_beyond_its_cap_is_no_leg() -> None:
    state, who = stage(open_interest_cap=10_000.0)
    witness = Witness(state)
    witness.does(exchange.offer_leg, who[0], *offered(state, 0, who, 1, 40.0))
    found = witness.does(exchange.accept_leg, who[1], state.spans[0], who[1], LOCK, MARGIN)
    assert isinstance(found, errors.OpenInterestCapped)


def test_a_price_that_moves_beyond_the_margin_breaks_the_vote_and_everybody_gets_his_margin_back() -> None:
    state, who = stage()
    start = state.ledger.balance.copy()
    witness = prepared(state, who)
    tell(state, 0.7 * PRICE)
    found = witness.does(exchange.open_leg, who[0], state.spans[0], who[0], LOCK, SECRET)
    assert isinstance(found, errors.UnderMargined)
    state.time = 60.0
    for end in (0, 1):
        witness.does(exchange.drop_leg, who[2 * end], state.spans[0], who[2 * end], LOCK)
    assert (state.ledger.balance == start).all()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"size": 0}, errors.NothingToDo),
        ({"margin": 0}, errors.NothingToDo),
        ({"price": 0.0}, errors.NothingToDo),
        ({"until": 0.0}, errors.NothingToDo),
        ({"margin": 10**18}, errors.InsufficientBalance),
    ],
)
def test_an_offer_without_sense_is_refused(changes: dict[str, Any], reason: type[errors.Revert]) -> None:
    state, who = stage()
    offer = offered(state, 0, who, 1, changes.pop("until", 40.0), **changes)
    assert isinstance(Witness(state).does(exchange.offer_leg, who[0], *offer), reason)


def test_a_leg_is_between_two_players_of_one_chain_and_its_lock_is_used_once() -> None:
    state, who = stage()
    witness = Witness(state)
    for to, reason in (
        (who[0], errors.NotAllowed),
        (state.houses[0].custody, errors.NotAllowed),
        (who[3], errors.WrongChain),
    ):
        offer = offered(state, 0, who, 1, 40.0)._replace(to=to)
        assert isinstance(witness.does(exchange.offer_leg, who[0], *offer), reason)
    spot = next(one for one in state.listings[0] if one.size < 0)
    offer = offered(state, 0, who, 1, 40.0)._replace(listing=spot)
    assert isinstance(witness.does(exchange.offer_leg, who[0], *offer), errors.NotAllowed)
    prepared(state, who)
    assert isinstance(witness.does(exchange.offer_leg, who[0], *offered(state, 0, who, 1, 40.0)), errors.AlreadyCarried)


def sealed(state: State, chain: int, *sent: Transaction) -> Callable[[], None]:
    """Seal a block of a chain before a judge; how to undo it."""
    pool, mark = Mempool(), state.mark()
    for transaction in sent:
        pool.send(Pending(transaction, 0.0, state.time, state.time + 60.0))
    block = seal(state, chain, pool, state.time + 1.0, witness=laws.Judge())
    assert [receipt.revert for receipt in block.receipts] == [None] * len(sent)
    laws.check(state)
    kept = keep(state, mark, block.sent) if block.sent is not None else None
    state.finalise()
    return lambda: undo(state, kept)  # type: ignore[arg-type]


def test_a_reorganisation_after_the_secret_was_told_leaves_one_leg_and_breaks_no_law() -> None:
    state, who = stage(Chain("l1", reorgs=Reorganisations()))
    span = state.spans[0]
    for end, side in enumerate((1, -1)):
        sealed(state, end, offered(state, end, who, side, 60.0))
        sealed(state, end, AcceptLeg(span, who[2 * end + 1], LOCK, MARGIN))
    take_back = sealed(state, 0, OpenLeg(span, who[0], LOCK, SECRET))
    sealed(state, 1, OpenLeg(span, who[2], LOCK, SECRET))
    take_back()
    laws.check(state)
    assert positions(state, who) == [0, 0, -SIZE, SIZE]
    state.finalise()
    state.time = 60.0
    sealed(state, 0, DropLeg(span, who[0], LOCK))
    assert boxed(state) == [0, 0]


def test_the_law_of_boxes_sees_a_leg_whose_margin_is_gone() -> None:
    state, who = stage()
    prepared(state, who)
    assert laws.deals_are_backed(state) == []
    span, token = state.spans[0], state.houses[0].token
    state.ledger.move(token, span.boxes[0], who[0], CASH, Reason.DEAL)
    (line,) = laws.deals_are_backed(state)
    assert f"holds {2 * MARGIN - CASH} USD and has promised {2 * MARGIN}" in line
    assert np.asarray(state.ledger.balance.sum(axis=1) == 0).all()
