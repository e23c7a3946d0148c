"""The first state of a world: rows and accounts laid out, founders' money put in, every rule's table opened.

Rows lie tokens first, then each exchange's claims, contiguous, so that equity of everybody is one pass over them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from protocol import surface as surfaces_of
from protocol.appraisal import seal_prices
from protocol.bridge import Top, top_of
from protocol.instruments.synthetic import Synthetic
from protocol.ledger import WORLD, Asset, Ledger, Reason
from protocol.limits.base import start_limits
from protocol.opening import (
    SHARE_DECIMALS,
    back_wrapped,
    fund_lender,
    fund_mandate,
    open_issues,
    open_lenders,
    open_mandates,
    open_pledges,
    open_spans,
    seed_issue,
    start_spans,
)
from protocol.state import House, Listing, State
from protocol.units import to_units_down
from protocol.world import Exchange, World

CASH_DECIMALS = 6


def _assets(world: World) -> list[Asset]:
    """Rows of the ledger: tokens first, then each exchange's claims, contiguous."""
    tokens: dict[str, Asset] = {}
    claims: list[Asset] = []
    for exchange in world.exchanges:
        tokens[exchange.cash] = Asset(exchange.cash, CASH_DECIMALS)
        if exchange.vault is not None:
            tokens[f"{exchange.name}.share"] = Asset(f"{exchange.name}.share", SHARE_DECIMALS)
            tokens |= {name: Asset(name, 0) for name in exchange.vault.access.credentials()}
        claims.append(Asset(f"{exchange.name}.cash", CASH_DECIMALS, exchange.name))
        for market in exchange.markets:
            name = f"{exchange.name}.{market.name}"
            for claim in market.instrument.claims():
                decimals = market.instrument.decimals if claim == "size" else CASH_DECIMALS
                claims.append(Asset(f"{name}.{claim}", decimals, exchange.name))
            tokens |= {credential: Asset(credential, 0) for credential in market.access.credentials()}
            tokens[market.instrument.token] = Asset(market.instrument.token, market.instrument.decimals)
            if not market.instrument.claims():
                tokens[f"{name}.share"] = Asset(f"{name}.share", SHARE_DECIMALS)
        for strategy in exchange.strategies:
            tokens[f"{exchange.name}.{strategy.name}.share"] = Asset(
                f"{exchange.name}.{strategy.name}.share", SHARE_DECIMALS
            )
        for pool in exchange.loans:
            tokens[f"{exchange.name}.{pool.asset}.supply"] = Asset(
                f"{exchange.name}.{pool.asset}.supply", SHARE_DECIMALS
            )
    for bridge in world.bridges:
        tokens.setdefault(bridge.wrapped, Asset(bridge.wrapped, tokens[bridge.token].decimals))
    for exchange in world.exchanges:  # once every token is known
        name = exchange.name
        last = 1 + max(row for row, claim in enumerate(claims) if claim.issuer == name)
        more = [(f"{c.token}.pledged", c.token) for c in exchange.collateral]
        more += [(f"{pool.asset}.debt", pool.asset) for pool in exchange.loans]
        for market in exchange.markets:
            if isinstance(market.instrument, Synthetic):
                more.append((f"{market.name}.locked", market.instrument.collateral))
                more.append((f"{market.name}.debt", market.instrument.token))
        claims[last:last] = [Asset(f"{name}.{claim}", tokens[token].decimals, name) for claim, token in more]
    return [*tokens.values(), *claims]


def genesis(world: World, prices: Mapping[str, float]) -> State:
    """The state before the first block. `prices`: cash coins per base coin, for every base the markets trade."""
    ledger = Ledger(_assets(world))
    chains = {chain.name: number for number, chain in enumerate(world.chains)}
    houses: list[House] = []
    listings: list[tuple[Listing, ...]] = []
    pledges, lenders, issues, mandates = [], [], [], []
    for number, exchange in enumerate(world.exchanges):
        prefix = f"{exchange.name}." if len(world.exchanges) > 1 else ""
        house, markets = _open_exchange(
            ledger, number, exchange, chains[exchange.chain], sum(len(row) for row in listings), prefix
        )
        houses.append(house)
        listings.append(markets)
        pledges.append(open_pledges(ledger, house, exchange.collateral))
        lenders.append(open_lenders(ledger, house, exchange.loans))
        issues.append(open_issues(ledger, markets, [market.instrument for market in exchange.markets]))
        mandates.append(open_mandates(ledger, house, exchange.strategies))
    spans = open_spans(ledger, world)
    seats = tuple(pledges), tuple(lenders), tuple(issues), tuple(mandates), spans
    state = State(ledger, tuple(houses), tuple(listings), *seats)
    state.put("rules", world)
    for chain in world.chains:
        state.put(f"chain.{chain.name}.fee", chain.base_fee)
        if len(world.chains) > 1:
            state.put(top_of(chain.name), Top(0, 0.0))
    start_spans(state)
    for house in houses:
        _fund_exchange(state, house, prices)
    seal_prices(state)
    back_wrapped(state)
    state.finalise()
    return state


def _open_exchange(
    ledger: Ledger, number: int, exchange: Exchange, chain: int, first: int, prefix: str
) -> tuple[House, tuple[Listing, ...]]:
    def account(role: str) -> int:
        return ledger.open(prefix + role, exchange=number, chain=chain)

    claims = [row for row, asset in enumerate(ledger.assets) if asset.issuer == exchange.name]
    house = House(
        index=number,
        name=exchange.name,
        chain=chain,
        token=ledger.row[exchange.cash],
        cash=ledger.row[f"{exchange.name}.cash"],
        share=ledger.row.get(f"{exchange.name}.share", -1),
        first=claims[0],
        last=claims[-1] + 1,
        custody=account("custody"),
        clearing=account("clearing"),
        insurance=account("insurance"),
        treasury=account("treasury"),
        vault=account("vault") if exchange.vault is not None else -1,
        cash_scale=10.0**CASH_DECIMALS,
        escrow=account("escrow") if exchange.liquidation.takes_bids else -1,
        prefix=prefix,
    )
    listings = []
    for index, market in enumerate(exchange.markets):
        name = f"{exchange.name}.{market.name}"
        with_vault = market.venue.counterparty == "vault"
        listings.append(
            Listing(
                house=house,
                index=index,
                number=first + index,
                name=market.name,
                path=name,
                base=ledger.row[market.instrument.token],
                share=ledger.row.get(f"{name}.share", -1),
                size=ledger.row.get(f"{name}.size", -1),
                quote=ledger.row.get(f"{name}.quote", -1),
                funding=ledger.row.get(f"{name}.funding", -1),
                desk=house.vault if with_vault else account("venue"),
                fund=account("funding"),
                fees=house.vault if with_vault else house.treasury,
                size_scale=10.0**market.instrument.decimals,
                price_scale=house.cash_scale / 10.0**market.instrument.decimals,
            )
        )
    return house, tuple(listings)


def _fund_exchange(state: State, house: House, prices: Mapping[str, float]) -> None:
    """Put in what is there from the start, and open every table."""
    ledger, exchange = state.ledger, state.exchange(house)

    def endow(account: int, coins: float) -> None:
        units = to_units_down(coins, int(house.cash_scale))
        ledger.move(house.token, WORLD, house.custody, units, Reason.GENESIS)
        ledger.move(house.cash, house.custody, account, units, Reason.GENESIS)

    endow(house.insurance, exchange.insurance)
    if exchange.liquidator > 0:
        endow(ledger.open(f"{house.prefix}liquidator", chain=house.chain), exchange.liquidator)
    if exchange.vault is not None:
        endow(house.vault, exchange.vault.liquidity)
        shares = to_units_down(exchange.vault.liquidity, 10**SHARE_DECIMALS)
        ledger.move(
            house.share, WORLD, ledger.open(f"{house.prefix}founders", chain=house.chain), shares, Reason.GENESIS
        )
    for surface in exchange.surfaces:
        surfaces_of.start(state, house, surface)
    for listing in state.listings[house.index]:
        market = state.market(listing)
        price = prices[market.instrument.base]
        if listing.size < 0:
            base, cash, coins = market.venue.endowment(listing, price)
            ledger.move(house.token, WORLD, listing.desk, cash, Reason.GENESIS)
            ledger.move(listing.base, WORLD, listing.desk, base, Reason.GENESIS)
            shares = to_units_down(coins, 10**SHARE_DECIMALS)
            founders = ledger.open(f"{house.prefix}founders", chain=house.chain)
            ledger.move(listing.share, WORLD, founders, shares, Reason.GENESIS)
            for issue in state.issues[house.index]:
                if issue.listing == listing:
                    seed_issue(state, issue, founders, base, prices)
        else:
            state.put(listing.funding_at, np.zeros(3))
            state.put(listing.interest_at, np.zeros(2))
            market.instrument.start(state, listing, price)
            price = market.instrument.price(state, listing, price)
            market.funding.start(state, listing, price)
        market.venue.start(state, listing, price)
    for listing in state.listings[house.index]:
        market = state.market(listing)
        if not market.index:
            market.oracle.start(state, listing, listing.oracle_at, prices[market.instrument.base])
        start_limits(state, listing)
    for lender in state.lenders[house.index]:
        fund_lender(state, lender, exchange.loans[lender.index])
    for mandate in state.mandates[house.index]:
        fund_mandate(state, mandate, exchange.strategies[mandate.index])
    exchange.margin.start(state, house)
