"""The verbs: everything an exchange can be asked to do, and the only place where its balances move.

Each verb reads require / compute / move / check, raises a Revert when it may not go on, and leaves it to the chain to undo
what was done by then. Rules are looked up in the state, where governance may have changed them.
"""

from protocol.appraisal import vault_total
from protocol.exchange.cash import deposit, withdraw
from protocol.exchange.fills import Fill, Liquidated
from protocol.exchange.forced import liquidate
from protocol.exchange.investing import divest, invest, provide, remove
from protocol.exchange.issuing import Bitten, bite, burn, convert, lock, mint, unlock
from protocol.exchange.lending import borrow, redeem, repay, supply
from protocol.exchange.pledging import pledge, release
from protocol.exchange.resting import cancel, cancel_all, post
from protocol.exchange.sealing import close_block, report
from protocol.exchange.seizing import Seized, seize
from protocol.exchange.trading import fill, is_live, trade

__all__ = [
    "Bitten",
    "Fill",
    "bite",
    "burn",
    "convert",
    "lock",
    "mint",
    "unlock",
    "Liquidated",
    "Seized",
    "borrow",
    "cancel",
    "cancel_all",
    "close_block",
    "deposit",
    "divest",
    "fill",
    "invest",
    "is_live",
    "liquidate",
    "pledge",
    "post",
    "provide",
    "redeem",
    "release",
    "remove",
    "repay",
    "report",
    "seize",
    "supply",
    "trade",
    "vault_total",
    "withdraw",
]
