"""The rules of a whole world, as one frozen value: World > Exchange > Market, and the chains they live on.

Nothing here changes while a game runs, except as a whole and through governance: the rules in force are part of the state.
`genesis` (a module of its own) lays out the ledger for a world and opens every rule's table.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from protocol import appraisal
from protocol.access import Access, Permissionless
from protocol.appraisal import Collateral
from protocol.blocks.base import BlockLaw
from protocol.blocks.fixed import Fixed
from protocol.bridge import Bridge, misled
from protocol.flash import Flash
from protocol.funding.base import Funding
from protocol.funding.premium import Premium
from protocol.funding.unfunded import Unfunded
from protocol.governance import Governance
from protocol.hedging import Hedging
from protocol.instruments.base import NEVER, Instrument
from protocol.instruments.option import Option
from protocol.instruments.perpetual import Perpetual
from protocol.instruments.synthetic import Synthetic
from protocol.lending import LoanPool
from protocol.limits.base import Limit
from protocol.liquidations.base import Liquidation
from protocol.liquidations.full import Full
from protocol.liquidations.seizure import Seizure
from protocol.losses.base import Loss
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.margins.base import Margin
from protocol.margins.cross import Cross
from protocol.oracles.base import Oracle
from protocol.oracles.spot import Spot
from protocol.orderings.base import Ordering
from protocol.orderings.priority_fee import PriorityFee
from protocol.reorganisations import Reorganisations
from protocol.settings import refuse
from protocol.strategies.base import Strategy, misfits
from protocol.surface import Surface
from protocol.vault import Vault
from protocol.venues.base import AT_THE_CLOSE, Venue
from protocol.venues.virtual_amm import VirtualAmm
from protocol.vesting import Vesting

UNCAPPED = 1e12  # cash coins: more than there is


@dataclass(frozen=True)
class Market:
    """One instrument, the index that marks it, the venue it trades on, and what holding it costs.

    `fee` is a share of notional, of an option's premium (spot venues charge their own); `open_interest_cap` is cash coins of
    the underlying on each side; `limits` are further rules of refusal. `index` names a market of the exchange whose oracle
    serves this one too, in place of its own; one of another exchange of its chain by EXCHANGE.MARKET: one feed, several readers.
    """

    name: str = "ETH-PERP"
    instrument: Instrument = field(default_factory=Perpetual)
    oracle: Oracle = field(default_factory=Spot)
    venue: Venue = field(default_factory=VirtualAmm)
    funding: Funding = field(default_factory=Premium)
    fee: float = 0.0005
    open_interest_cap: float = UNCAPPED
    index: str = ""
    access: Access = field(default_factory=Permissionless)
    limits: tuple[Limit, ...] = ()

    def __post_init__(self) -> None:
        """Refuse pairs that make no sense."""
        wrong = []
        if not self.name or "." in self.name:
            wrong.append(f"name = {self.name!r}: must be a word without dots")
        if not 0 <= self.fee < 1:
            wrong.append(f"fee = {self.fee}: allowed 0 to below 1, a share of notional")
        if self.limits and not self.instrument.claims():
            wrong.append(f"limits = {type(self.limits[0]).__name__}: a market of tokens opens no interest")
        if not self.open_interest_cap > 0:
            wrong.append(f"open_interest_cap = {self.open_interest_cap}: must be above 0 cash coins")
        claims = bool(self.instrument.claims())
        if self.venue.trades not in ("both", "claims" if claims else "tokens"):
            wrong.append(
                f"venue = {type(self.venue).__name__}: trades {self.venue.trades},"
                f" and {type(self.instrument).__name__} is none"
            )
        venue, with_vault = type(self.venue).__name__, self.venue.counterparty == "vault"
        if with_vault and self.funding.reads == "premium":
            wrong.append(
                f"funding = {type(self.funding).__name__}: the mid of an {venue} is the index,"
                " so there is no premium to pay on"
            )
        if not with_vault and self.funding.reads == "reserve":
            wrong.append(
                f"funding = {type(self.funding).__name__}: must stand with a venue against the vault, such as OraclePool;"
                f" {venue} has no vault behind it to pay"
            )
        if self.index and self.oracle != Spot():
            wrong.append(
                f"oracle = {type(self.oracle).__name__}: never read where index = {self.index!r} says whose is"
            )
        if self.instrument.expires() < NEVER:
            wrong += self._dated_mistakes()
        elif with_vault and not self.index and "" in self.oracle.sources():
            wrong.append(f"oracle = {type(self.oracle).__name__}: an {venue} cannot trade at the index of its own mid")
        if wrong:
            raise ValueError("\n".join(wrong))

    def _dated_mistakes(self) -> list[str]:
        """One line for each part that does not go with an expiry."""
        wrong, what = [], type(self.instrument).__name__
        if not isinstance(self.funding, Unfunded):
            wrong.append(f"funding = {type(self.funding).__name__}: {what} settles at expiry, and needs Unfunded")
        if not self.index and "" in self.oracle.sources():
            wrong.append(f"oracle = {type(self.oracle).__name__}: {what} cannot settle at the mid of its own venue")
        if isinstance(self.instrument, Option) and isinstance(self.venue, VirtualAmm):
            wrong.append("venue = VirtualAmm: its mid does not fall as an option's time runs out")
        return wrong


@dataclass(frozen=True)
class Exchange:
    """Markets that share a till, a margin rule, a way to liquidate, and an order in which losses are borne.

    `insurance` is cash coins in the fund at the start, `liquidator` in an account apart from the vault that takes positions over
    (`ToBackstop("liquidator")`), and is closed, deleveraged and charged like anybody's; `surfaces` are what options are marked
    on, one a base. Without `governance` the rules stay as they are, without `hedging` the vault carries what its traders leave
    it. `collateral` are the tokens that count as margin, `loans` the pools one may borrow from against it, `seizure` what
    happens to it below maintenance; without `flash` nobody lends for the length of a transaction, without `vesting` profit may
    leave at once. `strategies` are pooled accounts that a trader may buy into.
    """

    name: str = "dex"
    chain: str = "l2"
    cash: str = "USD"
    markets: tuple[Market, ...] = field(default_factory=lambda: (Market(),))
    margin: Margin = field(default_factory=Cross)
    liquidation: Liquidation = field(default_factory=Full)
    losses: tuple[Loss, ...] = field(default_factory=lambda: (Insurance(), Socialise()))
    vault: Vault | None = None
    insurance: float = 100_000.0
    liquidator: float = 0.0
    surfaces: tuple[Surface, ...] = ()
    governance: Governance | None = None
    hedging: Hedging | None = None
    collateral: tuple[Collateral, ...] = ()
    loans: tuple[LoanPool, ...] = ()
    seizure: Seizure = field(default_factory=Seizure)
    flash: Flash | None = None
    vesting: Vesting | None = None
    strategies: tuple[Strategy, ...] = ()

    def __post_init__(self) -> None:
        """Refuse exchanges whose parts do not fit."""
        wrong = []
        names = [market.name for market in self.markets]
        if not names:
            wrong.append("markets = (): an exchange needs at least one")
        wrong += [
            f"markets: the name {name!r} stands twice" for name in sorted({n for n in names if names.count(n) > 1})
        ]
        wrong += self._index_mistakes() + self._surface_mistakes()
        for market in self.markets:
            wrong += [
                f"markets.{market.name}.oracle.source = {source!r}: no such market; there are {', '.join(names)}"
                for source in market.oracle.sources()
                if source and source not in names
            ]
            wrong += [
                f"markets.{market.name}.limits.{number}.source = {source!r}: no such market; there are {', '.join(names)}"
                for number, limit in enumerate(market.limits)
                for source in limit.sources()
                if source and source not in names
            ]
            waits = market.instrument.claims() and market.venue.settles == AT_THE_CLOSE
            if waits and isinstance(self.liquidation, Full):
                wrong.append(
                    f"liquidation = Full: {market.name} trades in a {type(market.venue).__name__},"
                    " where no forced sale finds depth; let keepers take positions over (Partial)"
                )
            if market.venue.counterparty == "vault" and self.vault is None:
                wrong.append(f"markets.{market.name}.venue = {type(market.venue).__name__}: needs a vault")
        wrong += [
            f"margin.source = {source!r}: no such market; there are {', '.join(names)}"
            for source in self.margin.sources()
            if source and source not in names
        ]
        if self.liquidation.needs_vault and self.vault is None:
            wrong.append(f"liquidation = {type(self.liquidation).__name__}: needs a vault")
        wrong += self._hedging_mistakes() + misfits(self)
        if self.flash is not None and self.vault is None and not self.loans:
            wrong.append("flash = Flash: needs a vault or a loan pool to lend from")
        wrong += [
            f"{name} = {getattr(self, name)}: must be 0 or more cash coins"
            for name in ("insurance", "liquidator")
            if not getattr(self, name) >= 0
        ]
        for what, names in (
            ("collateral", [c.token for c in self.collateral]),
            ("loans", [p.asset for p in self.loans]),
        ):
            wrong += [f"{what}: {name!r} stands twice" for name in sorted({n for n in names if names.count(n) > 1})]
        priced = self.priced()
        lent = priced | ({f"{self.name}.share"} if self.vault is not None else set())
        wrong += [
            f"loans.{pool.asset}: no market prices it; there are {', '.join(sorted(lent))}"
            for pool in self.loans
            if pool.asset not in lent
        ]
        issued = appraisal.issued(self)
        wrong += [
            f"collateral.{c.token}.growth = {c.growth}: only what this exchange issues grows;"
            f" there are {', '.join(sorted(issued)) or 'none'}"
            for c in self.collateral
            if c.growth < appraisal.UNBOUNDED and c.token not in issued
        ]
        wrong += [
            f"collateral.{self.cash}: cash is deposited, not pledged" for c in self.collateral if c.token == self.cash
        ]
        wrong += [
            f"markets.{market.name}.instrument.collateral = {market.instrument.collateral!r}: no market prices it;"
            f" there are {', '.join(sorted(priced))}"
            for market in self.markets
            if isinstance(market.instrument, Synthetic) and market.instrument.collateral not in priced
        ]
        synthetic = [market.instrument.token for market in self.markets if isinstance(market.instrument, Synthetic)]
        wrong += [
            f"markets: two of them issue {token}" for token in sorted({t for t in synthetic if synthetic.count(t) > 1})
        ]
        if wrong:
            raise ValueError("\n".join(wrong))

    def _index_mistakes(self) -> list[str]:
        """One line for each market that borrows an index it cannot have."""
        own = {market.name: market.instrument.base for market in self.markets if not market.index}
        return [
            f"markets.{market.name}.index = {market.index!r}: must be a market of {market.instrument.base} with an oracle of"
            f" its own; there are {', '.join(name for name, base in own.items() if base == market.instrument.base) or 'none'}"
            for market in self.markets
            if market.index and "." not in market.index and own.get(market.index) != market.instrument.base
        ]

    def _surface_mistakes(self) -> list[str]:
        """One line for each surface that stands twice, and each option that has none."""
        bases = [surface.base for surface in self.surfaces]
        return [f"surfaces: the base {b!r} stands twice" for b in sorted({b for b in bases if bases.count(b) > 1})] + [
            f"markets.{market.name}.instrument = Option: there is no surface of {market.instrument.base} to mark it on"
            for market in self.markets
            if isinstance(market.instrument, Option) and market.instrument.base not in bases
        ]

    def _hedging_mistakes(self) -> list[str]:
        """A hedge needs a vault, room for a second position, and open markets of claims with somebody else on the other side."""
        if self.hedging is None:
            return []
        usable = [
            market.name
            for market in self.markets
            if market.instrument.claims()
            and market.venue.counterparty != "vault"
            and market.venue.settles != AT_THE_CLOSE
            and isinstance(market.access, Permissionless)
        ]
        wrong = [
            f"hedging.markets = {name!r}: the vault cannot hedge there; it could on {', '.join(usable) or 'none'}"
            for name in self.hedging.markets
            if name not in usable
        ]
        if self.vault is None:
            wrong.append(f"hedging = {type(self.hedging).__name__}: needs a vault")
        if self.margin.most() < 2:
            wrong.append(
                f"hedging = {type(self.hedging).__name__}: {type(self.margin).__name__} allows one position only"
            )
        return wrong

    def priced(self) -> set[str]:
        """Tokens that the exchange has an index for: its cash, and what its markets trade."""
        return {self.cash, *(market.instrument.token for market in self.markets)}


@dataclass(frozen=True)
class Chain:
    """Block space: when blocks come, what fits, what it costs, and who is first. Gas in units, fees in cash coins per gas.

    The base fee moves by at most `fee_change` a block towards `target` of capacity used (EIP-1559), never below `fee_floor`.
    Without `reorgs` a sealed block is final.
    """

    name: str = "l2"
    blocks: BlockLaw = field(default_factory=Fixed)
    ordering: Ordering = field(default_factory=PriorityFee)
    capacity: float = 30_000_000.0
    target: float = 0.5
    fee_change: float = 0.125
    base_fee: float = 2e-8
    fee_floor: float = 1e-9
    reorgs: Reorganisations | None = None

    def __post_init__(self) -> None:
        """Refuse a chain that carries nothing."""
        refuse(
            self,
            capacity=(self.capacity > 0, "above 0 gas"),
            target=(0 < self.target <= 1, "above 0 to 1, a share of capacity"),
            fee_change=(0 <= self.fee_change < 1, "0 to below 1"),
            fee_floor=(self.fee_floor >= 0, "0 or more cash coins per gas"),
            base_fee=(self.base_fee >= self.fee_floor, f"fee_floor = {self.fee_floor} or more"),
        )


@dataclass(frozen=True)
class World:
    """Chains and exchanges, and the bridges between chains."""

    chains: tuple[Chain, ...] = field(default_factory=lambda: (Chain(),))
    exchanges: tuple[Exchange, ...] = field(default_factory=lambda: (Exchange(),))
    bridges: tuple[Bridge, ...] = ()

    def __post_init__(self) -> None:
        """Refuse exchanges on no chain."""
        wrong = []
        for what, names in (
            ("chains", [c.name for c in self.chains]),
            ("exchanges", [e.name for e in self.exchanges]),
            ("bridges", [b.name for b in self.bridges]),
        ):
            if not names and what != "bridges":
                wrong.append(f"{what} = (): a world needs at least one")
            wrong += [
                f"{what}: the name {name!r} stands twice" for name in sorted({n for n in names if names.count(n) > 1})
            ]
        chains = [chain.name for chain in self.chains]
        wrong += [
            f"exchanges.{exchange.name}.chain = {exchange.chain!r}: no such chain; there are {', '.join(chains)}"
            for exchange in self.exchanges
            if exchange.chain not in chains
        ]
        homes = {exchange.chain for exchange in self.exchanges}
        wrong += [
            f"chains.{name}: no exchange lives there, in whose cash gas would be paid"
            for name in chains
            if name not in homes
        ]
        wrong += misled(self) + appraisal.misfits(self) + self._feed_mistakes() + self._oracle_mistakes()
        if wrong:
            raise ValueError("\n".join(wrong))

    def _feed_mistakes(self) -> list[str]:
        """One line for each market that reads an index of another exchange which is not there."""
        feeds = {
            (exchange.chain, market.instrument.base, f"{exchange.name}.{market.name}")
            for exchange in self.exchanges
            for market in exchange.markets
            if not market.index
        }
        return [
            f"exchanges.{exchange.name}.markets.{market.name}.index = {market.index!r}: must be a market of"
            f" {market.instrument.base} on {exchange.chain} with an oracle of its own; there are {', '.join(there) or 'none'}"
            for exchange in self.exchanges
            for market in exchange.markets
            for there in [sorted(path for *key, path in feeds if key == [exchange.chain, market.instrument.base])]
            if "." in market.index and market.index not in there
        ]

    def _oracle_mistakes(self) -> list[str]:
        """One line for each part of an oracle that its chain's blocks come too fast for."""
        shortest = {chain.name: chain.blocks.shortest() for chain in self.chains}
        return [
            f"exchanges.{exchange.name}.markets.{market.name}.oracle.{line}"
            for exchange in self.exchanges
            if exchange.chain in shortest
            for market in exchange.markets
            for line in market.oracle.misfits(shortest[exchange.chain])
        ]
