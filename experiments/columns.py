"""What the columns of a table of runs mean, and in what unit they are.

A column is named after what it is of: a group of owners (`gain.attacker`), an exchange (`dex.bad_debt`), a market
(`dex.ETH-PERP.volume`), a loan pool or a synthetic (`dex.USD.debts`). So columns are documented by their last word, and
for groups by their first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

CASH = "cash coins"
COINS = "coins of the asset"
SECONDS = "s"
SHARE = "1"  # a share or a relative amount
COUNT = "count"


class Column(NamedTuple):
    """The unit of a column, and what it says."""

    unit: str
    about: str


OF_A_RUN: Final[Mapping[str, Column]] = {
    "point": Column(COUNT, "index of the point: the setting of all axes"),
    "replicate": Column(COUNT, "index of the replicate; the same replicate has the same seed at every point"),
    "seed": Column("", "seed of every draw of the run"),
    "status": Column("", "ok; refused: the values do not go together; raised; late; memory; died"),
    "error": Column("", "what went wrong, in one line"),
    "digest": Column("", "SHA-256 over the final state and everything recorded; equal digests mean equal runs"),
    "blocks": Column(COUNT, "blocks sealed"),
    "time": Column(SECONDS, "time of the last block"),
    "shortage": Column(CASH, "what custody could not pay at the closing, missing from every claim in proportion"),
}
BY_FIRST_WORD: Final[Mapping[str, Column]] = {
    "wealth": Column(CASH, "wealth of a group at the end, at fair, after the closing"),
    "gain": Column(CASH, "wealth of a group beyond holding what it came with, new money left out"),
    "margin": Column(CASH, "margin that a group posted, mean over the run"),
    "return": Column(SHARE, "gain of a group per unit of margin posted, over the whole run"),
    "events": Column(COUNT, "how often an event of that kind was recorded"),
}
BY_LAST_WORD: Final[Mapping[str, Column]] = {
    "insurance": Column(CASH, "insurance fund at the end"),
    "liquidations": Column(COUNT, "liquidations, by the end"),
    "liquidated": Column(CASH, "notional closed by liquidations, by the end"),
    "deficit": Column(CASH, "deficits passed down the waterfall, by the end"),
    "seizures": Column(COUNT, "seizures of collateral, and bites of synthetics' positions, by the end"),
    "seized": Column(CASH, "what they took, at the index then"),
    "written_off": Column(CASH, "loans and synthetics' debts given up, and deficits that seizures left, by the end"),
    "uncovered": Column(CASH, "deficits that nothing in the waterfall paid, by the end"),
    "venue_deficit": Column(CASH, "what the desks of virtual pools are below zero at fair, at the end"),
    "underwater": Column(CASH, "what players are below zero at the index, at the end"),
    "margin": Column(CASH, "margin posted by all players, mean"),
    "held": Column(CASH, "notional held by all players, mean"),
    "leverage": Column(SHARE, "held per unit of margin"),
    "vault_capital": Column(CASH, "equity of the vault, mean"),
    "return_on_vault": Column(SHARE, "growth of a vault share's value at fair, over the whole run"),
    "bad_debt": Column(CASH, "deficits passed on, and what players are below zero at the end"),
    "bad_debt_per_held": Column(SHARE, "bad debt per unit held"),
    "volume": Column(CASH, "notional traded"),
    "fills": Column(COUNT, "orders filled"),
    "rejected": Column(COUNT, "orders refused"),
    "open_interest": Column(CASH, "open interest of one side at mid, mean"),
    "mid_gap_rms": Column(SHARE, "root mean square of log(mid / fair)"),
    "mid_gap_worst": Column(SHARE, "largest |log(mid / fair)|"),
    "latency_gap_rms": Column(SHARE, "root mean square of log(fair / index)"),
    "latency_gap_worst": Column(SHARE, "largest |log(fair / index)|"),
    **{f"latency_gap_p{q}": Column(SHARE, f"{q} % of blocks have a smaller |log(fair / index)|") for q in (50, 95, 99)},
    "index_age": Column(SECONDS, "age of the index, mean"),
    **{f"index_age_p{q}": Column(SECONDS, f"{q} % of blocks have a younger index") for q in (50, 95, 99)},
    "mid_half_life": Column(SECONDS, "time in which the gap of mid against fair halves"),
    "information_share": Column(SHARE, "information share of a market among those of its base, midpoint of the bounds"),
    "information_low": Column(SHARE, "lower bound of the information share"),
    "information_high": Column(SHARE, "upper bound of the information share"),
    "component_share": Column(SHARE, "weight of a market in the common price of its base"),
    "settled": Column(CASH, "price at which a dated market settled; nan: not yet"),
    "settled_accounts": Column(COUNT, "accounts settled"),
    "settled_deficit": Column(CASH, "what holders owed beyond what they had at settlement"),
    "settled_uncovered": Column(CASH, "of that, what nothing in the waterfall paid"),
    "assets": Column(COINS, "assets of a loan pool at the end"),
    "debts": Column(COINS, "debts owed to a loan pool at the end"),
    "utilisation": Column(SHARE, "debts of a loan pool per unit of its assets, at the end"),
    "earned": Column(COINS, "interest that a loan pool earned"),
    "lost": Column(COINS, "debts written off, borne by a pool's shares or a synthetic's holders"),
    "supply": Column("units of the synthetic", "supply of a synthetic at the end"),
    "minters": Column(COUNT, "positions that owe the synthetic at the end"),
    "least_ratio": Column(SHARE, "collateral per unit of debt of the riskiest position, at the end"),
}


def meaning(column: str) -> Column | None:
    """What a column means; None for an axis's, or one that nobody has described."""
    first, _, rest = column.partition(".")
    if not rest:
        return OF_A_RUN.get(column)
    return BY_FIRST_WORD.get(first) or BY_LAST_WORD.get(column.rpartition(".")[2])
