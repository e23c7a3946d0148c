"""OpenZeppelin's ERC4626 5.0.2, 1,380 recorded actions, among them the first depositor's attack.

Configured as `Vault(virtual_assets=1, virtual_shares=10**offset)`. What lies in the vault is what has been brought, given and lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from experiments.validation.base import Claim
from experiments.validation.replays import Step, agreement, rows_of
from protocol.vault import assets_down, assets_up, shares_down, shares_up

SUBJECT = "ERC-4626 vaults, as deployed"
SOURCE = "OpenZeppelin ERC4626 5.0.2, recorded bytecode"
USERS = ("shares_u0", "shares_u1", "shares_u2")
PROBES = {
    "prev_deposit": shares_down,
    "prev_mint": assets_up,
    "prev_withdraw": shares_up,
    "prev_redeem": assets_down,
    "conv_to_shares": shares_down,
    "conv_to_assets": assets_down,
}


def replay() -> Iterator[Step]:
    """Predict each row from the state that the last one left."""
    session, state = "", {}
    for number, row in enumerate(rows_of("erc4626.csv")):
        if row["scenario"] != session:
            session, state = row["scenario"], dict.fromkeys(("total_assets", "total_supply", *USERS), 0)
        told = act(state, row)
        yield Step(number, row["action"], told, {name: row[name] for name in told})
        state = {name: row[name] for name in state}


def act(state: dict[str, int], row: dict[str, Any]) -> dict[str, Any]:
    """What a row's action gives and leaves, and what every view says then, by the product's formulas."""
    virtual = 1, 10 ** row["offset"]
    total, supply, mine = state["total_assets"], state["total_supply"], f"shares_u{row['user']}"
    held, arg, action = state[mine] if action_of_user(row) else 0, row["arg"], row["action"]
    assets = shares = 0
    result, revert = 0, ""
    if action == "deposit":
        assets = arg
        result = shares = shares_down(arg, total, supply, *virtual)
    elif action == "mint":
        shares = arg
        result = assets = assets_up(arg, total, supply, *virtual)
    elif action == "withdraw":
        if arg > assets_down(held, total, supply, *virtual):
            revert = "ERC4626ExceededMaxWithdraw"
        else:
            assets = -arg
            result = shares_up(arg, total, supply, *virtual)
            shares = -result
    elif action == "redeem":
        if arg > held:
            revert = "ERC4626ExceededMaxRedeem"
        else:
            shares = -arg
            result = assets_down(arg, total, supply, *virtual)
            assets = -result
    total += {"donate": arg, "loss": -arg}.get(action, assets)
    supply += shares
    told: dict[str, Any] = {"revert": revert, "total_assets": total, "total_supply": supply}
    if action_of_user(row):
        told |= {"result": result, "assets_moved": -assets, "shares_moved": shares, mine: held + shares}
        told["max_withdraw_u"] = assets_down(held + shares, total, supply, *virtual)
        told["max_redeem_u"] = held + shares
    for name, view in PROBES.items():
        probe = int(str(row[name]).partition(":")[0])
        told[name] = f"{probe}:{view(probe, total, supply, *virtual)}"
    return told


def action_of_user(row: dict[str, Any]) -> bool:
    """Whether somebody comes or goes, rather than gives or loses."""
    return row["action"] in ("deposit", "mint", "withdraw", "redeem")


def claims() -> tuple[Claim, ...]:
    """All of it, exactly."""
    return (agreement("T-erc4626", "ERC-4626 vault", SOURCE, replay, exact=True),)
