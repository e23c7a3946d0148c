"""The liquidity vault: pooled capital behind one exchange, in shares.

Shares follow ERC-4626 with virtual shares and assets, every rounding against the caller. The formulas take Python integers
and are then exact. What a share is worth is the vault account's equity at the index, positions included.
Attack surface: without virtual shares the first depositor can make the next one's shares round down to what he likes, by a
gift (anybody may `donate`; `dead_shares` answer that as well); with positions open, whoever knows better than the index can
enter or leave at the others' cost (`fee`, `delay`). A delay costs honest providers the use of their money, and losses of those
seconds that they saw coming.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from protocol.access import Access, Permissionless
from protocol.units import Seconds

UNLIMITED = 1e12  # cash coins of exposure for each of equity: more than there is


def shares_down(assets: int, total: int, supply: int, virtual_assets: int, virtual_shares: int) -> int:
    """Shares for a deposit of `assets`, rounded down. OpenZeppelin ERC4626 5.x `_convertToShares`.

    Of a vault without any shares, virtual ones included, one for each unit, as before OpenZeppelin 4.9.
    """
    if supply + virtual_shares == 0:
        return assets
    return assets * (supply + virtual_shares) // (total + virtual_assets)


def assets_down(shares: int, total: int, supply: int, virtual_assets: int, virtual_shares: int) -> int:
    """Assets for `shares` redeemed, rounded down."""
    return shares * (total + virtual_assets) // (supply + virtual_shares)


def shares_up(assets: int, total: int, supply: int, virtual_assets: int, virtual_shares: int) -> int:
    """Shares that `assets` taken out cost, rounded up: ERC-4626 `withdraw`."""
    return -(-assets * (supply + virtual_shares) // (total + virtual_assets))


def assets_up(shares: int, total: int, supply: int, virtual_assets: int, virtual_shares: int) -> int:
    """Assets that `shares` asked for cost, rounded up: ERC-4626 `mint`."""
    return -(-shares * (total + virtual_assets) // (supply + virtual_shares))


@dataclass(frozen=True)
class Vault:
    """`liquidity` cash coins are there from the start; `fee` is kept in the vault on every exit.

    `commitment` is the equity that must stay, as a multiple of the initial margin on the vault's own positions; `access` says
    who may invest. `utilisation` is how much of the underlying, in cash coins and net within each market, may be open against
    the vault for each cash coin of its equity: beyond, what would add to it is refused, and leaving stays free. Of a first deposit
    `dead_shares` are the treasury's for ever. An exit is paid `delay` seconds after it was asked for, at what shares are worth
    then; it cannot be taken back.
    """

    liquidity: float = 10_000_000.0
    virtual_assets: int = 1
    virtual_shares: int = 1_000
    fee: float = 0.0
    commitment: float = 1.0
    access: Access = field(default_factory=Permissionless)
    utilisation: float = UNLIMITED
    dead_shares: int = 0
    delay: Seconds = 0.0

    def __post_init__(self) -> None:
        """Refuse settings that make no vault."""
        wrong = []
        if self.liquidity < 0:
            wrong.append(f"liquidity = {self.liquidity}: must be 0 or more cash coins")
        if self.virtual_assets < 0 or self.virtual_shares < 0:
            wrong.append(
                f"virtual_assets = {self.virtual_assets}, virtual_shares = {self.virtual_shares}: must be 0 or more"
            )
        if self.dead_shares < 0:
            wrong.append(f"dead_shares = {self.dead_shares}: must be 0 or more")
        if not 0 <= self.fee < 1:
            wrong.append(f"fee = {self.fee}: allowed 0 to below 1")
        if self.commitment < 0:
            wrong.append(f"commitment = {self.commitment}: must be 0 or more")
        if not 0 <= self.delay < UNLIMITED:
            wrong.append(f"delay = {self.delay}: must be 0 or more seconds")
        if not self.utilisation > 0:
            wrong.append(f"utilisation = {self.utilisation}: must be above 0, cash coins for each of equity")
        if wrong:
            raise ValueError("\n".join(wrong))
