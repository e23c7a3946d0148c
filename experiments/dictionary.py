"""The tidy frames, column by column: unit and meaning. `python -m experiments.dictionary` writes docs/columns.md anew.

A run's frames are `Record.blocks`, `.events` and `.flows`; a sweep's is `experiments.results.load(DIR)`, a row a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from agents.recorder import CHAIN_COLUMNS, EXCHANGE_COLUMNS, MARKET_COLUMNS
from experiments.columns import BY_FIRST_WORD, BY_LAST_WORD, CASH, COINS, COUNT, OF_A_RUN, SECONDS, Column

PRICE = "cash coins per base coin"
GAS = "gas"

OF_A_BLOCK: Final[Mapping[str, Column]] = {
    "time": Column(SECONDS, "when it was sealed"),
    "height": Column(COUNT, "its number, over all chains"),
    "chain": Column(COUNT, "which chain sealed it"),
    "base_fee": Column("cash coins per gas", "base fee that it charged"),
    "gas_used": Column(GAS, "what the model's transactions used"),
    "gas_outside": Column(GAS, "what everybody else's took"),
    "waiting": Column(COUNT, "transactions left in the mempool"),
    "failed": Column(COUNT, "transactions that reverted"),
    "insurance": Column(CASH, "EXCHANGE: insurance fund"),
    "vault": Column(CASH, "EXCHANGE: equity of the vault at the index"),
    "custody": Column(CASH, "EXCHANGE: what is in the till"),
    "liquidations": Column(COUNT, "EXCHANGE: liquidations so far"),
    "liquidated": Column(CASH, "EXCHANGE: notional closed by them so far"),
    "deficit": Column(CASH, "EXCHANGE: deficits passed down the waterfall so far"),
    "uncovered": Column(CASH, "EXCHANGE: deficits that nothing paid, so far"),
    "fair": Column(PRICE, "MARKET: nature's price of its base"),
    "mid": Column(PRICE, "MARKET: the venue's mid"),
    "index": Column(PRICE, "MARKET: the oracle's reading"),
    "index_age": Column(SECONDS, "MARKET: age of the reading"),
    "open_long": Column(COINS, "MARKET: open interest of longs"),
    "open_short": Column(COINS, "MARKET: open interest of shorts"),
    "volume": Column(CASH, "MARKET: notional traded in the block"),
    "fills": Column(COUNT, "MARKET: orders filled in the block"),
    "rejected": Column(COUNT, "MARKET: orders refused in the block"),
    "run_volume": Column(CASH, "MARKET: value at fair of what crowds traded in the block"),
    "run_off": Column(CASH, "MARKET: how far off fair they traded, summed"),
}
OF_AN_EVENT: Final[Mapping[str, Column]] = {
    "time": Column(SECONDS, "when it happened, or was decided"),
    "who": Column("", "group of accounts, or player"),
    "kind": Column("", "what it was: liquidation, attack, attack declined, oracle update, reverted, quote, ..."),
    "numbers": Column("", "what else is known, by name; money in cash coins, sizes in coins, times in seconds"),
}
OF_A_FLOW: Final[Mapping[str, Column]] = {
    "block": Column(COUNT, "index of the block in the table of blocks"),
    "reason": Column("", "why it moved: trade, fee, funding, liquidation, gas, ... (`protocol.ledger.Reason`)"),
    "source": Column("", "group that paid"),
    "target": Column("", "group that received"),
    "cash": Column(CASH, "sum of the block's moves of that reason between the two"),
}


def undescribed() -> list[str]:
    """Columns of blocks that this page does not know."""
    return [name for name in (*CHAIN_COLUMNS, *EXCHANGE_COLUMNS, *MARKET_COLUMNS) if name not in OF_A_BLOCK]


def page() -> str:
    """Markdown."""
    return "\n".join(
        [
            "# Columns",
            "",
            "Units and meanings of the tidy frames. Cash coins are the exchange's cash; `1` is a share or a relative amount. The",
            "Parquet files of a sweep carry the same in their schema; `undertow results DIR --columns` and",
            "`experiments.results.units(frame)` say it of a frame.",
            "",
            "## A sweep: `experiments.results.load(DIR)`, a row a run",
            "",
            "Beside these a column for each axis, called as the sweep says.",
            "",
            *_rows(OF_A_RUN.items()),
            *((f"| `{word}.*` | {c.unit} | {c.about} |") for word, c in BY_FIRST_WORD.items()),
            *((f"| `*.{word}` | {c.unit} | {c.about} |") for word, c in BY_LAST_WORD.items()),
            "",
            "## A run: `Record.blocks`, a row a block",
            "",
            "EXCHANGE columns are called `dex.insurance`, MARKET columns `dex.ETH-PERP.mid`.",
            "",
            *_rows(OF_A_BLOCK.items()),
            "",
            "## A run: `Record.events`, a row an event",
            "",
            *_rows(OF_AN_EVENT.items()),
            "",
            "## A run: `Record.flows`, a row a block, reason and pair of groups",
            "",
            *_rows(OF_A_FLOW.items()),
            "",
        ]
    )


def _rows(columns: Iterable[tuple[str, Column]]) -> list[str]:
    head = ["| column | unit | meaning |", "|---|---|---|"]
    return head + [f"| `{name}` | {column.unit} | {column.about} |" for name, column in columns]


if __name__ == "__main__":
    Path(__file__).resolve().parents[1].joinpath("docs", "columns.md").write_text(page(), encoding="utf-8")
