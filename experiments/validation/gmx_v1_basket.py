"""The basket of GMX V1's vault, for `gmx_v1`: shares bought and sold for one of several tokens, and swaps of one for another.

A vault here holds one asset; what several need is the contract's own: how much of the shares stands for which token, and fees
that are less for what leads back to the mix that is wanted, and more for what leads away.
"""

from __future__ import annotations

from dataclasses import replace

from experiments.validation.gmx_v1_vault import (
    COINS,
    DOLLAR,
    PARTS,
    SHARE,
    Vault,
    accrue,
    change,
    from_pool,
    into_pool,
    need,
    put,
    unit,
)
from protocol.fixed_point import down


def tilted(vault: Vault, asset: int, shares: int, fee: int, side: int) -> int:
    """A fee in parts: less by how far the token is from what is wanted of it, or more by the mean of before and after."""
    params, before = vault.params, vault.tokens[asset].shares
    wanted: int = down(params["weights"][asset], vault.supply, sum(params["weights"]))
    if not params["dyn"] or wanted == 0:
        return fee
    after = max(0, before + side * shares)
    was, then = abs(before - wanted), abs(after - wanted)
    tax: int = params["tax"]
    if then < was:
        return max(0, fee - down(tax, was, wanted))
    return fee + down(tax, min((was + then) // 2, wanted), wanted)


def kept(vault: Vault, asset: int, units: int, fee: int) -> tuple[Vault, int]:
    """Set a fee of so many parts apart; what is left."""
    rest = down(units, PARTS - fee, PARTS)
    return change(vault, asset, fees=units - rest), rest


def as_shares(vault: Vault, asset: int, units: int) -> int:
    """Shares, a dollar each, that units are worth at the lower price."""
    return down(down(units, vault.tokens[asset].low, DOLLAR), SHARE, unit(vault, asset))


def stands_for(vault: Vault, asset: int, shares: int) -> Vault:
    """More or less of the shares stands for a token: never less than none, and up to a cap."""
    token = vault.tokens[asset]
    token = token._replace(shares=max(0, token.shares + shares))
    most = vault.params["maxusdg"]
    need(shares < 0 or not most or token.shares <= most, 51)
    return put(vault, asset, token)


def buy(vault: Vault, asset: int, units: int) -> tuple[Vault, dict[str, int]]:
    """Tokens in, shares out."""
    vault = accrue(change(vault, asset, held=units), asset)
    gross = as_shares(vault, asset, units)
    need(gross > 0, 18)
    fee = tilted(vault, asset, gross, vault.params["mb"], 1)
    vault, rest = kept(vault, asset, units, fee)
    shares = as_shares(vault, asset, rest)
    vault = into_pool(stands_for(vault, asset, shares), asset, rest)
    return replace(vault, supply=vault.supply + shares), {"out": shares}


def sell(vault: Vault, asset: int, shares: int) -> tuple[Vault, dict[str, int]]:
    """Shares in, tokens out, at the higher price."""
    vault = accrue(vault, asset)
    units = down(down(shares, DOLLAR, vault.tokens[asset].high), unit(vault, asset), SHARE)
    need(units > 0, 21)
    vault = from_pool(stands_for(vault, asset, -shares), asset, units)
    vault = replace(vault, supply=vault.supply - shares)
    vault, out = kept(vault, asset, units, tilted(vault, asset, shares, vault.params["mb"], -1))
    need(out > 0, 22)
    return change(vault, asset, held=-out), {"out": out}


def swap(vault: Vault, asset: int, units: int) -> tuple[Vault, dict[str, int]]:
    """One token for the other, at the prices that are worse for who asks; the higher of both tokens' fees."""
    other = 1 - asset
    vault = accrue(accrue(vault, asset), other)
    vault = change(vault, asset, held=units)
    gross = down(units, vault.tokens[asset].low, vault.tokens[other].high)
    gross = down(gross, unit(vault, other), unit(vault, asset))
    shares = as_shares(vault, asset, units)
    fee = max(tilted(vault, one, shares, vault.params["swapf"], side) for one, side in ((asset, 1), (other, -1)))
    vault, out = kept(vault, other, gross, fee)
    vault = stands_for(stands_for(vault, asset, shares), other, -shares)
    vault = from_pool(into_pool(vault, asset, units), other, gross)
    if other == COINS:
        need(vault.tokens[other].pool >= vault.params["buf"], "Vault: poolAmount < buffer")
    return change(vault, other, held=-out), {"out": out}
