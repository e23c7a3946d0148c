"""An error planted in a rule makes the claim about that rule fail: every family of claims of theory, every contract, history."""

from __future__ import annotations

import dataclasses

import pytest

from agents.nature import hawkes
from agents.roles import maker
from agents.roles.value_fund import ValueFund
from experiments.cascades import trees
from experiments.incidents import base
from experiments.validation import (
    aave_v3,
    bench,
    cascades,
    cascades_played,
    dydx_v1,
    erc4626,
    feeds,
    gas_auctions,
    hawk_dove,
    known_games,
    leverage,
    maker_clip,
    market_making,
    morpho_blue,
    networks,
    options,
    perp_v1_market,
    racing,
    rebalancing,
    sealed_bids,
    synthetix_perps_v2,
    table,
    twap_pushes,
    uniswap_v2,
)
from experiments.validation.base import Effort, Missing
from protocol import chain, mempool
from protocol.exchange import investing
from protocol.funding import adaptive
from protocol.funding.averaged import AveragedPremium
from protocol.funding.premium_plus import PremiumPlus
from protocol.ledger import WORLD, Reason
from protocol.liquidations import curves, seizure
from protocol.liquidations.seizure import Seizure
from protocol.losses.base import NOBODY
from protocol.losses.insurance import Insurance
from protocol.losses.socialise import Socialise
from protocol.oracles import twap
from protocol.orderings import fifo, priority_fee
from protocol.venues import synth_pool
from protocol.venues.constant_product import ConstantProduct
from protocol.venues.oracle_pool import OraclePool
from protocol.venues.tick_pool import TickPool
from protocol.venues.virtual_amm import VirtualAmm

KNOWN = table.all_claims()  # as they are, before anything is planted
CACHES = (
    base.played,
    cascades.jumped,
    cascades.measured,
    cascades_played.played,
    gas_auctions.run_of,
    hawk_dove.played,
    known_games.contests,
    known_games.payoffs,
    leverage.market,
    market_making.measured,
    racing.run_of,
    rebalancing.measured,
    sealed_bids.gains,
    twap_pushes.pushed,
)


@pytest.fixture(autouse=True)
def measured_anew():
    for one in CACHES:
        one.cache_clear()
    yield
    for one in CACHES:
        one.cache_clear()


def verdict(name: str) -> str:
    _, claim = KNOWN[name]
    try:
        return claim.verdict(claim.measure(Effort.QUICK), Effort.QUICK)
    except Missing as missing:
        pytest.skip(str(missing))


def met(name: str) -> bool:
    return verdict(name) == "met"


@pytest.mark.parametrize("claim", ["A1.3-fixed-12s-30bp-ARB", "A1.4-bought"])
def test_a_pool_that_keeps_less_of_a_swap_than_its_fee(claim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = ConstantProduct.pool

    def wrong(self, state, listing):
        pool = right(self, state, listing)
        pool[2] += 200.0  # 2 bp of 30
        return pool

    monkeypatch.setattr(ConstantProduct, "pool", wrong)
    assert not met(claim)


def test_a_mean_that_hears_of_a_price_one_block_late(monkeypatch: pytest.MonkeyPatch) -> None:
    right, heard = twap.extend, {}

    def wrong(state, at, window, value):
        right(state, at, window, heard.get(at, value))
        heard[at] = value

    monkeypatch.setattr(twap, "extend", wrong)
    assert not met("A2-enormous-index")


def test_a_mean_over_one_block_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    right = twap.mean
    monkeypatch.setattr(twap, "mean", lambda state, at, window: right(state, at, window + 12.0))
    assert not met("A2-enormous-index")


def test_a_maker_that_does_not_lean(monkeypatch: pytest.MonkeyPatch) -> None:
    right = maker.quotes
    monkeypatch.setattr(maker, "quotes", lambda mid, held, *rest: right(mid, 0.0 * held, *rest))
    assert not met("A7-0.1-inventory-held")


def test_an_incident_replayed_with_a_fee_that_is_not_all_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ConstantProduct.pool

    def wrong(self, state, listing):
        pool = right(self, state, listing)
        pool[2] += 200.0  # 2 bp of 30
        return pool

    monkeypatch.setattr(ConstantProduct, "pool", wrong)
    assert not met("B1-profit")


@pytest.mark.parametrize(
    ("where", "what", "wrong", "claim"),
    [
        (
            uniswap_v2,
            "amount_out",
            lambda given, x, y, kept, parts: -(-given * kept * y // (x * parts + given * kept)),
            "T-uniswap-v2",
        ),
        (erc4626, "shares_down", lambda *terms: erc4626.shares_up(*terms), "T-erc4626"),
        (morpho_blue, "repaid_for", lambda *terms: morpho_blue.repaid_for.right(*terms) - 1, "T-morpho-blue"),
        (feeds, "middle", lambda values: max(values), "T-chainlink-median"),
        (aave_v3, "binomial", lambda *terms: aave_v3.binomial.right(*terms) - 1, "T-aave-v3"),
        (maker_clip, "is_stale", lambda *terms: not maker_clip.is_stale.right(*terms), "T-maker-clip"),
        (dydx_v1, "funding_due", lambda *terms: dydx_v1.funding_due.right(*terms) - 1, "T-dydx-v1"),
        (perp_v1_market, "owed_for", lambda *terms: perp_v1_market.owed_for.right(*terms) + 1, "T-perp-v1"),
        (synthetix_perps_v2, "mean_of", lambda before, after, *rest: after, "T-synthetix-perps-v2"),
        (feeds, "hopped", lambda feed, *rest: feed, "T-maker-median-osm"),
        (TickPool, "earn", lambda self, side, fee: TickPool.earn.right(self, side, fee - 1), "T-uniswap-v3"),
    ],
    ids=(
        "a swap rounded up",
        "shares rounded for the caller",
        "a repayment a unit short",
        "the highest for the median",
        "interest a unit short",
        "an auction that is stale when it is not",
        "funding a unit short",
        "a swap a unit dear",
        "funding by where the rate ended",
        "a price that is never passed on",
        "a fee a unit short",
    ),
)
def test_a_rounding_or_a_rule_gone_wrong_is_seen_in_the_recorded_contract(monkeypatch, where, what, wrong, claim):
    wrong.right = getattr(where, what)
    monkeypatch.setattr(where, what, wrong)
    assert not met(claim)


def test_a_pool_that_moves_less_than_its_depth_says(monkeypatch: pytest.MonkeyPatch) -> None:
    right = VirtualAmm.pool

    def wrong(self, state, listing):
        return right(self, state, listing) * 1.5

    def kept(self, state, listing, pool):
        state.put(listing.path + ".reserves", pool / 1.5)

    monkeypatch.setattr(VirtualAmm, "pool", wrong)
    monkeypatch.setattr(VirtualAmm, "keep", kept)
    assert not met("A6-played-twin-0.6")


def test_a_falling_price_that_is_a_second_late(monkeypatch: pytest.MonkeyPatch) -> None:
    right = curves.whole_seconds
    monkeypatch.setattr(curves, "whole_seconds", lambda elapsed: max(0, right(elapsed) - 1))
    assert not met("A3.5-exponential-40")


def test_a_seizure_that_gives_less_than_its_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    right = seizure.taken_for
    monkeypatch.setattr(seizure, "taken_for", lambda repaid, bonus, *rest: right(repaid, bonus - 0.001, *rest))
    assert not met("A3.1-received")


def test_funding_by_the_premium_and_half_of_its_interest(monkeypatch: pytest.MonkeyPatch) -> None:
    right = PremiumPlus.rate

    def wrong(self, state, listing, index, elapsed):
        return right(dataclasses.replace(self, interest=0.5 * self.interest), state, listing, index, elapsed)

    monkeypatch.setattr(PremiumPlus, "rate", wrong)
    assert not met("A4.1-basis")


def test_funding_whose_clamp_is_a_basis_point_wide_of_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    right = AveragedPremium.rate

    def wrong(self, state, listing, index, elapsed):
        return right(dataclasses.replace(self, band=self.band + 1e-4), state, listing, index, elapsed)

    monkeypatch.setattr(AveragedPremium, "rate", wrong)
    assert not met("A4.2-hyperliquid-BTC")


def test_debts_that_are_read_the_wrong_way_round(monkeypatch: pytest.MonkeyPatch) -> None:
    right = networks.eisenberg_noe
    monkeypatch.setattr(networks, "eisenberg_noe", lambda debts, outside: right(debts.T, outside))
    assert not met("A6-clearing-1")


def test_causes_of_which_a_fifth_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    right = trees.shared
    monkeypatch.setattr(trees, "shared", lambda run: 0.8 * right(run))
    assert not met("A6-branching-ratio")


def test_an_index_that_moves_less_than_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    right = bench.Told.accept

    def wrong(self, state, listing, at, report):
        before, _ = state.tables[at]
        right(self, state, listing, at, report._replace(value=before + 0.9 * (report.value - before)))

    monkeypatch.setattr(bench.Told, "accept", wrong)
    assert not met("A9-put-0.5-300-600")


def test_a_fee_that_buys_a_place_where_the_first_to_come_is_served_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fifo.Fifo, "rank", lambda self, arrival, tip, entropy: priority_fee.by_tip(arrival, tip))
    assert not met("A10-first-come-bid")


def test_a_place_that_no_fee_buys_where_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    by_arrival = fifo.by_arrival
    monkeypatch.setattr(priority_fee, "by_tip", lambda arrival, tip: by_arrival(arrival))
    assert not met("A10-gas-auction-bid")


def test_a_gas_auction_whose_losers_pay_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    right = chain._run_single

    def wrong(state, number, item, token, *rest):
        receipt = right(state, number, item, token, *rest)
        if receipt.revert is not None:
            state.ledger.move(token, WORLD, item.transaction.account, receipt.paid, Reason.GAS)
        return receipt

    monkeypatch.setattr(chain, "_run_single", wrong)
    assert not met("A10-gas-auction-revenue")
    assert not met("A10-gas-auction-answer")


def test_a_raise_that_is_taken_though_it_is_too_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mempool, "RAISE", 0.1)
    assert not met("A10-gas-auction-raise")


def test_a_quicker_sniper_that_is_served_last(monkeypatch: pytest.MonkeyPatch) -> None:
    by_arrival = fifo.by_arrival
    monkeypatch.setattr(fifo, "by_arrival", lambda arrival: by_arrival(arrival + 0.15 * (arrival % 1.0 < 0.15)))
    assert not met("A10-first-come")


def test_a_seizure_that_gives_less_than_its_spread_is_seen_in_a_miss_that_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = seizure.taken_for
    monkeypatch.setattr(seizure, "taken_for", lambda repaid, bonus, *rest: right(repaid, bonus - 0.01, *rest))
    assert verdict("B10a-bad") == "missed"


def test_a_prize_that_is_half_as_large_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hawk_dove, "V", 3)
    assert not met("A11-payoff-hawk-dove")


def test_a_table_of_payoffs_in_which_paper_loses_a_little_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a game that is no longer worth nothing the product of the shares does not stand still, nor the centre."""
    wrong = ((0.0, -1.0, 1.0), (1.0, 0.0, -1.2), (-1.0, 1.0, 0.0))
    monkeypatch.setattr(known_games, "ROCK_PAPER_SCISSORS", wrong)
    assert not met("A11-rps-cycle")
    assert not met("A11-rps-centre")
    assert not met("A11-rps-equilibrium")


def test_dynamics_that_run_a_tenth_too_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    right = known_games.symmetric
    monkeypatch.setattr(known_games, "symmetric", lambda table, start, horizon: right(table, start, 1.1 * horizon))
    assert not met("A11-logistic")


def test_doves_that_are_paid_half_as_much_again(monkeypatch: pytest.MonkeyPatch) -> None:
    right = known_games.payoff

    def wrong(mine, theirs, effort):
        found = right(mine, theirs, effort)
        return found._replace(value=found.value + 0.5) if mine == theirs == 1 else found

    monkeypatch.setattr(known_games, "payoff", wrong)
    assert not met("A11-hawks-resting")


def test_an_equilibrium_that_is_rounded_to_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its regret stops falling."""
    right = known_games.profiles
    monkeypatch.setattr(
        known_games, "profiles", lambda means: [tuple(mix.round(1) for mix in pair) for pair in right(means)]
    )
    assert not met("A11-regret")


def test_funds_that_borrow_nothing_though_they_may(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ValueFund._orders

    def wrong(self, *rest):
        return right(dataclasses.replace(self, leverage=1.0), *rest)

    monkeypatch.setattr(ValueFund, "_orders", wrong)
    assert not met("A6-funds-exponent-5")  # of one seed the upper tenth alone does not tell


def test_funds_that_do_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ValueFund, "_orders", lambda *_: ())
    assert not met("A6-funds-exponent")


def test_funds_that_do_not_see_what_they_have_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ValueFund._orders

    def wrong(self, me, view, listing, capital, held):
        return right(self, me, view, listing, self.stake + 0.9 * (capital - self.stake), held)

    monkeypatch.setattr(ValueFund, "_orders", wrong)
    assert not met("A6-leverage-multiplier-60")


def test_a_stale_index_at_which_trading_costs_half_of_what_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    right = OraclePool.pool

    def wrong(self, state, listing):
        pool = right(self, state, listing)
        pool[3] *= 0.5
        return pool

    monkeypatch.setattr(OraclePool, "pool", wrong)
    assert not met("A10-stale-300s-10bp")


def test_fills_that_pass_by_half_of_the_skew_they_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the skew before the trade alone: then slices cost more than the whole."""
    right = OraclePool._skew
    monkeypatch.setattr(OraclePool, "_skew", lambda self, state, listing: 0.5 * right(self, state, listing))
    assert not met("A4.2-sip-279-slices")


def test_a_settlement_that_waits_for_no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    right = synth_pool.owing
    monkeypatch.setattr(synth_pool, "owing", lambda *terms: 0.997 * right(*terms))
    assert not met("A4.2-sip-37-owing")


def test_a_rate_that_adapts_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    right = adaptive.adapted
    monkeypatch.setattr(
        adaptive, "adapted", lambda rate, long, short, seconds, rule: right(rate, long, short, 599.0, rule)
    )
    assert not met("A4.2-gmx-adaptive-53-47")


def test_a_close_factor_of_a_debt_that_was_repaid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of what had been owed before the first step."""
    right = Seizure.plan

    def wrong(self, *rest):
        return right(dataclasses.replace(self, close_factor=1.01 * self.close_factor), *rest)

    monkeypatch.setattr(Seizure, "plan", wrong)
    assert not met("A3.2-second")
    assert not met("A3.2-extra")


def test_winners_who_are_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Socialise, "charge", lambda *_: NOBODY)
    assert not met("A9-haircut-50-200")
    with pytest.raises(ValueError, match="nobody was cut"):
        met("A9-solvency")


def test_a_fund_that_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What insurance did not pay winners did, so that more is cut than was lost."""
    right = Insurance.charge

    def wrong(self, state, house, debtor, deficit):
        found = right(self, state, house, debtor, deficit)
        return found._replace(units=found.units * 0)

    monkeypatch.setattr(Insurance, "charge", wrong)
    with pytest.raises(ValueError, match="nothing was insured"):
        met("A9-solvency")


def test_a_price_that_starts_to_fall_late_is_asked_for_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    right = curves.whole_seconds
    monkeypatch.setattr(curves, "whole_seconds", lambda elapsed: max(0, right(elapsed) - 1))
    assert not met("A3.5-asked-linear-360")
    assert not met("A3.5-asked-exponential-900")


def test_a_provider_who_is_given_less_than_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    right = investing.part_of
    monkeypatch.setattr(investing, "part_of", lambda shares, *rest: right(shares - shares // 10_000, *rest))
    assert not met("A1.4-up-cash")
    assert not met("A1.4-down")


def test_a_race_that_the_slowest_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    by_arrival = fifo.by_arrival
    monkeypatch.setattr(fifo, "by_arrival", lambda arrival: by_arrival(-arrival))
    assert not met("A10-latency-spend")


def test_a_builder_that_serves_the_lowest_bid(monkeypatch: pytest.MonkeyPatch) -> None:
    right = sealed_bids.Auctioneer.build

    def wrong(self, me, view, offer):
        return right(self, me, view, offer._replace(order=offer.order[::-1]))

    monkeypatch.setattr(sealed_bids.Auctioneer, "build", wrong)
    assert not met("A10-first-price")


def test_a_prize_of_which_a_fifth_is_kept_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then another step no longer pays."""
    right = sealed_bids.Prize.apply
    monkeypatch.setattr(
        sealed_bids.Prize, "apply", lambda self, state: right(self._replace(units=self.units * 4 // 5), state)
    )
    assert not met("A10-sealed-bid")


def test_jumps_that_set_off_half_of_what_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    right = hawkes.Burst
    monkeypatch.setattr(hawkes, "Burst", lambda *terms: right(*terms)._replace(own=0.5 * terms[3]))
    assert not met("A6-hawkes-rate")
    assert not met("A6-hawkes-fano")


def test_options_valued_and_margined_a_hundredth_off(monkeypatch: pytest.MonkeyPatch) -> None:
    right, rule = options.black76, options.Standard
    monkeypatch.setattr(
        options, "black76", lambda side, at, strike, years, vol: right(side, at, strike, years, 1.01 * vol[0])
    )
    monkeypatch.setattr(options, "Standard", lambda: rule(least=0.101))
    assert not met("A5-derive-1-value")
    assert not met("A5-derive-3-open")
    assert not met("A5-deribit-open")
