"""A synthetic: a token that anybody may mint against more than it is worth, and that follows the index of something off-chain.

`base` is what it follows (nature's asset, the market's index); the token is called "s" and that name. Minters lock collateral
in a position of their own and owe units, which grow by a stability fee (Maker's collateral vaults, whitepaper 2020; Synthetix
for assets other than money). Anybody may convert units into collateral at the index less a fee, out of the riskiest position
(Liquity whitepaper 2021, section 2.5): that, and minting, is what holds the venue's mid to the index. A position below `least`
may be bitten. Attack surface: the index alone says what collateral buys, so a wrong one lets it be minted for nothing or
converted for everything; and it is worth what is locked, not the index, once collateral falls faster than anybody bites.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.instruments.base import Instrument

UNCAPPED = 1e12  # coins: more than there is


@dataclass(frozen=True)
class Synthetic(Instrument):
    """Minted against `collateral`, the exchange's cash or another market's token, at a value ratio of `opening` or more.

    Below `least` it may be bitten, at `bonus` off the index; debts grow by `stability_fee` a year; converting costs
    `redemption_fee`. No more than `ceiling` coins are minted in all, and a position owes nothing or `dust` coins at least, for
    nobody bites what is not worth his gas (Maker's `Line` and `dust`).
    """

    collateral: str = "USD"
    opening: float = 1.5
    least: float = 1.3
    bonus: float = 0.1
    stability_fee: float = 0.02
    redemption_fee: float = 0.005
    ceiling: float = UNCAPPED
    dust: float = 0.0

    def __post_init__(self) -> None:
        """Refuse ratios that back nothing, and fees that are none."""
        super().__post_init__()
        wrong = []
        if self.collateral in ("", self.token):
            wrong.append(f"collateral = {self.collateral!r}: must be another token")
        if not self.least >= 1:
            wrong.append(f"least = {self.least}: must be 1 or more, collateral over debt")
        if not self.opening >= self.least:
            wrong.append(f"opening = {self.opening}: must be least = {self.least} or more, collateral over debt")
        for name in ("bonus", "redemption_fee"):
            if not 0 <= getattr(self, name) < 1:
                wrong.append(f"{name} = {getattr(self, name)}: allowed 0 to below 1")
        if not self.stability_fee >= 0:
            wrong.append(f"stability_fee = {self.stability_fee}: must be 0 or more, per year")
        if not 0 <= self.dust < self.ceiling:
            wrong.append(f"dust = {self.dust}: allowed 0 to below ceiling = {self.ceiling} coins")
        if wrong:
            raise ValueError("\n".join(wrong))

    @property
    def token(self) -> str:
        """The token minted."""
        return f"s{self.base}"

    def claims(self) -> tuple[str, ...]:
        """None that a venue trades: wallets hold the tokens. A position's two rows belong to its issue."""
        return ()
