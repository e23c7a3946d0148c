"""Gas: what each transaction uses of a block, one table for all of them.

Orders of magnitude of the mainnet contracts; only their ratios matter here. Attack surface: what is priced too low is the cheapest
way to fill a block.
"""

from __future__ import annotations

GAS = {  # units, by the name of the transaction
    "Deposit": 80_000,
    "Withdraw": 90_000,
    "Trade": 150_000,
    "Liquidate": 400_000,
    "Invest": 150_000,
    "Divest": 180_000,
    "Provide": 160_000,
    "Remove": 160_000,
    "ProvideRange": 350_000,
    "RemoveRange": 250_000,
    "Publish": 70_000,
    "Post": 120_000,
    "Cancel": 60_000,
    "CancelAll": 90_000,
    "Bark": 200_000,
    "Redo": 120_000,
    "Lift": 60_000,
    "Take": 400_000,
    "Bid": 150_000,
    "Deal": 350_000,
    "PostSurface": 110_000,
    "TradeSeries": 160_000,
    "Pledge": 90_000,
    "Release": 110_000,
    "Supply": 180_000,
    "Redeem": 200_000,
    "Borrow": 280_000,
    "Repay": 180_000,
    "Seize": 450_000,
    "Lock": 120_000,
    "Unlock": 140_000,
    "Mint": 200_000,
    "Burn": 160_000,
    "Convert": 350_000,
    "Bite": 300_000,
    "Join": 150_000,
    "Leave": 500_000,
    "Rebalance": 450_000,
    "Propose": 150_000,
    "Execute": 200_000,
    "Retract": 60_000,
    "Grant": 60_000,
    "Revoke": 60_000,
    "Hedge": 250_000,
}
