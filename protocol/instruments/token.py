"""A spot token: it changes hands outright, so it opens no claim and needs no margin.

Spot markets are where fair enters the chain, and the cheapest place to push an oracle that reads them.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.instruments.base import Instrument


@dataclass(frozen=True)
class Token(Instrument):
    """Delivery against payment of the base token, or of what a `bridge` has issued for it."""

    bridge: str = ""

    @property
    def token(self) -> str:
        """The row of the token traded."""
        return f"{self.bridge}.{self.base}" if self.bridge else self.base

    def claims(self) -> tuple[str, ...]:
        """None: wallets hold the tokens."""
        return ()
