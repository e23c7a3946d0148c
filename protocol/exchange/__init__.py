"""The verbs: everything an exchange can be asked to do, and the only place where its balances move.

Each verb reads require / compute / move / check, raises a Revert when it may not go on, and leaves it to the chain to undo
what was done by then. Rules are looked up in the state, where governance may have changed them.
"""

from protocol.exchange.batches import Cleared
from protocol.exchange.cash import deposit, withdraw
from protocol.exchange.fills import Fill, Liquidated, Queued
from protocol.exchange.forced import liquidate
from protocol.exchange.investing import divest, invest, provide, remove, vault_total
from protocol.exchange.ranges import provide_range, remove_range
from protocol.exchange.resting import cancel, cancel_all, post
from protocol.exchange.sealing import close_block, report
from protocol.exchange.series import Series, find_series, post_surface
from protocol.exchange.trading import fill, is_live, trade

__all__ = [
    "Cleared",
    "Fill",
    "Liquidated",
    "Series",
    "Queued",
    "cancel",
    "cancel_all",
    "close_block",
    "deposit",
    "divest",
    "fill",
    "find_series",
    "invest",
    "is_live",
    "liquidate",
    "post",
    "post_surface",
    "provide",
    "provide_range",
    "remove",
    "remove_range",
    "report",
    "trade",
    "vault_total",
    "withdraw",
]
