"""Why a transaction failed: one class per reason, each carrying its numbers.

A `Revert` is data, expected, and undone by the chain. Any other exception is a bug of ours and stops the run. The compiled
loop reports the same reasons as small integers (`code`), so that a crowd's failures can be counted without building objects.
"""

from __future__ import annotations

from typing import ClassVar


class Revert(Exception):
    """A transaction that must leave no trace."""

    code: ClassVar[int] = 99
    text: ClassVar[str] = "reverted"

    def __init__(self, **numbers: float | int | str) -> None:
        self.numbers = numbers
        super().__init__(self.__class__.__name__)

    def __str__(self) -> str:
        shown = ", ".join(f"{key}={value}" for key, value in self.numbers.items())
        return f"{type(self).__name__}: {self.text}" + (f" ({shown})" if shown else "")


class InsufficientBalance(Revert):
    """A token balance would go below zero."""

    code, text = 1, "not enough tokens"


class UnderMargined(Revert):
    """The account would stand below the margin it needs."""

    code, text = 2, "below the required margin"


class SlippageExceeded(Revert):
    """The fill would be worse than the limit given."""

    code, text = 3, "price beyond the limit"


class DepthExceeded(Revert):
    """The venue cannot fill that much."""

    code, text = 4, "more than the venue can fill"


class OpenInterestCapped(Revert):
    """The market's open-interest cap would be passed."""

    code, text = 5, "open interest cap reached"


class AccountIsolated(Revert):
    """Isolated margin: the account already holds another market."""

    code, text = 6, "an isolated account holds one market only"


class StalePrice(Revert):
    """The oracle gives no price that may be used."""

    code, text = 7, "no usable index"


class NothingToDo(Revert):
    """A size or an amount of zero, or one that rounds to zero."""

    code, text = 8, "nothing to do"


class EmptyTill(Revert):
    """The custody account holds fewer tokens than are claimed from it now."""

    code, text = 9, "custody holds too few tokens"


class Healthy(Revert):
    """The account may not be liquidated."""

    code, text = 10, "the account is above maintenance margin"


class NotAllowed(Revert):
    """The sender has no right to do this."""

    code, text = 11, "not the sender's to do"


class ReportRejected(Revert):
    """An oracle report that is unsigned, forged, older than the last, or from the future."""

    code, text = 12, "report rejected"


class CrossesBook(Revert):
    """A post-only order would trade at once."""

    code, text = 13, "post-only order would cross"


class UnknownOrder(Revert):
    """No such resting order."""

    code, text = 14, "no such order"


class VaultCommitted(Revert):
    """The vault's capital is needed to carry its open positions."""

    code, text = 15, "vault capital is committed"


class BookFull(Revert):
    """The order book has no free slot."""

    code, text = 16, "the book is full"


class BadRange(Revert):
    """Two ticks that are not the ends of a range in this pool."""

    code, text = 41, "no range of this pool's ticks"


class SelfTrade(Revert):
    """The order met one of its own sender, and the book cancels the newer."""

    code, text = 42, "the order would trade with its sender's own"


class InAuction(Revert):
    """The account is up for auction: its owner may not trade, and nobody puts it up twice."""

    code, text = 30, "the account is up for auction"


class NoAuction(Revert):
    """The account is not up in this market, or its auction is over."""

    code, text = 31, "no auction is running"


class AuctionStale(Revert):
    """The round is too old, too cheap or overtaken, and must be started anew."""

    code, text = 32, "the auction must be started anew"


class TooEarly(Revert):
    """The rule asks to wait: for grace, for bids, or for a round to end."""

    code, text = 33, "too early"


class BidTooLow(Revert):
    """A bid that does not better the last one by enough."""

    code, text = 34, "the bid is too low"


class Expired(Revert):
    """The contract has expired: it settles at the end of the block, and trades no more."""

    code, text = 61, "the contract has expired"


class VolatilityRefused(Revert):
    """A volatility that the surface may not hold: below zero, or beyond its bounds."""

    code, text = 62, "no volatility the surface may hold"


class UnlistedSeries(Revert):
    """No market trades an option of that strike and expiry."""

    code, text = 63, "no option of that strike and expiry is listed"


class SenselessChange(Revert):
    """A change of the rules that leads to no rules."""

    code, text = 50, "the rules cannot be changed so"


class UnknownProposal(Revert):
    """No such proposal waits."""

    code, text = 51, "no such proposal"


class Timelocked(Revert):
    """A proposal before its time, or after it."""

    code, text = 52, "not the time to carry it out"


class NotAdmitted(Revert):
    """A gated market, and no credential."""

    code, text = 53, "no credential for this market"


class Unsettled(Revert):
    """A fill of the account is still to be settled."""

    code, text = 54, "a fill is still to be settled"


class CollateralCapped(Revert):
    """More of a token would be pledged than the exchange takes."""

    code, text = 70, "collateral cap reached"


class UnderCollateralised(Revert):
    """A synthetic position would stand below the ratio it needs."""

    code, text = 71, "below the opening ratio"


class IssueCapped(Revert):
    """More of a synthetic would be owed than its ceiling lets."""

    code, text = 72, "the debt ceiling is reached"


class DustyDebt(Revert):
    """A synthetic position would owe less than it may, and more than nothing."""

    code, text = 73, "a debt too small to be left"


class VaultUtilised(Revert):
    """More would be open against the vault than its equity may carry."""

    code, text = 80, "the vault carries as much as it may"


class FlashUnpaid(Revert):
    """A flash loan and its fee are not there when it ends."""

    code, text = 90, "the flash loan is not paid back"


class Unvested(Revert):
    """What would leave is profit that has not vested."""

    code, text = 91, "profit that has not vested"


class BeyondFrontier(Revert):
    """The account owes so much that to seize would leave it, and its lenders, worse."""

    code, text = 92, "too far below to be seized without making it worse"


class Halted(Revert):
    """A circuit breaker lets nothing be opened, or nobody be liquidated, for a while."""

    code, text = 93, "halted for now"


class WrongChain(Revert):
    """What it is about lives on another chain."""

    code, text = 110, "not on this chain"


class NotFinal(Revert):
    """A bridge's message that its chain might still forget."""

    code, text = 111, "not final yet"


class UnknownMessage(Revert):
    """Nothing of the kind stands on the other chain."""

    code, text = 112, "no such message"


class AlreadyCarried(Revert):
    """That has been said, or carried out, before."""

    code, text = 113, "said or carried out before"


class BridgeEmpty(Revert):
    """Escrow does not hold what is to be released."""

    code, text = 114, "not enough in the bridge's escrow"


class WrongSecret(Revert):
    """That is not what the lock was made of."""

    code, text = 115, "not the secret behind the lock"


class DealOver(Revert):
    """It has been carried out, or taken back, or may only be taken back."""

    code, text = 116, "the deal is over"


def reasons() -> dict[int, type[Revert]]:
    """Every reason by its code."""
    return {reason.code: reason for reason in Revert.__subclasses__()}
