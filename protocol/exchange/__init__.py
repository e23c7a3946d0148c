"""The verbs: everything an exchange can be asked to do, and the only place where its balances move.

Each verb reads require / compute / move / check, raises a Revert when it may not go on, and leaves it to the chain to undo
what was done by then. Rules are looked up in the state, where governance may have changed them.
"""

from protocol.appraisal import vault_total
from protocol.exchange.admission import authorise, grant, revoke
from protocol.exchange.auctions import bark, bid, deal, lift, redo, take
from protocol.exchange.batches import Cleared
from protocol.exchange.bridging import abort, carry, commit, dispatch, prepare
from protocol.exchange.cash import deposit, transfer, withdraw
from protocol.exchange.exits import exits, leaving
from protocol.exchange.fills import Bidden, Fill, Forfeited, Lifted, Liquidated, Queued, Started
from protocol.exchange.flashing import flashloan
from protocol.exchange.forced import foreseen, liquidate, prospects, ways
from protocol.exchange.governing import appoint, execute, proposals, propose, retract
from protocol.exchange.hedged import hedge
from protocol.exchange.investing import divest, donate, invest, provide, remove
from protocol.exchange.issuing import Bitten, bite, burn, convert, lock, mint, unlock
from protocol.exchange.legs import accept_leg, drop_leg, offer_leg, open_leg
from protocol.exchange.lending import borrow, redeem, repay, supply
from protocol.exchange.pledging import pledge, release
from protocol.exchange.ranges import provide_range, remove_range
from protocol.exchange.resting import cancel, cancel_all, post
from protocol.exchange.sealing import close_block, report
from protocol.exchange.seizing import Seized, seize
from protocol.exchange.series import Series, find_series, post_surface
from protocol.exchange.strategies import join, leave, rebalance
from protocol.exchange.trading import fill, trade

__all__ = [
    "Bidden",
    "Bitten",
    "Cleared",
    "Fill",
    "Forfeited",
    "Lifted",
    "Liquidated",
    "Queued",
    "Seized",
    "Series",
    "Started",
    "abort",
    "accept_leg",
    "appoint",
    "authorise",
    "bark",
    "bid",
    "bite",
    "borrow",
    "burn",
    "cancel",
    "cancel_all",
    "carry",
    "close_block",
    "commit",
    "convert",
    "deal",
    "deposit",
    "dispatch",
    "divest",
    "donate",
    "drop_leg",
    "execute",
    "exits",
    "fill",
    "find_series",
    "flashloan",
    "foreseen",
    "grant",
    "hedge",
    "invest",
    "leaving",
    "join",
    "leave",
    "lift",
    "liquidate",
    "lock",
    "mint",
    "offer_leg",
    "open_leg",
    "pledge",
    "post",
    "post_surface",
    "proposals",
    "prepare",
    "propose",
    "prospects",
    "provide",
    "provide_range",
    "rebalance",
    "redeem",
    "redo",
    "release",
    "remove",
    "remove_range",
    "repay",
    "report",
    "retract",
    "revoke",
    "seize",
    "supply",
    "take",
    "trade",
    "transfer",
    "unlock",
    "vault_total",
    "ways",
    "withdraw",
]
