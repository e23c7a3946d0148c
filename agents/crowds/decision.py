"""What a crowd's members decide, in one pass over all of them.

A member's signal is a weighted sum of its private noise, the trend of the mid, and the gap between the reference and the
mid; beyond its threshold it opens a position against or with it, and closes one that the signal contradicts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from agents.streams import listed, normals_of, splitmix64, uniform_of
from protocol.compiled import steady
from protocol.ledger import Floats, Ints
from protocol.mempool import Rows


class Columns(NamedTuple):
    """What members differ in. Shapes [members]."""

    stake: Ints  # cash units brought at entry
    activity: Floats  # decisions per second
    leverage: Floats  # notional over equity of a new position; share of the wallet in a spot market
    threshold: Floats  # signal beyond which it acts
    noise: Floats  # weight of its own standard normal
    trend: Floats  # weight of the mid's log deviation from its moving average
    gap: Floats  # weight of log(reference / mid)
    patience: Floats  # slippage it accepts, relative


class Seats(NamedTuple):
    """Where the members sit, and what they share."""

    first: int  # account
    size: int  # row of the position, or of the base token in a spot market
    quote: int  # row of the position's quote; -1 in a spot market
    cash: int  # row of the cash claim, or of the cash token in a spot market
    size_scale: float  # units per coin
    cash_scale: float
    market: int  # `Listing.number`
    tip: float  # cash coins per gas
    reentry: float  # share of its stake below which a flat member counts as ruined; 0: nobody does


class Sight(NamedTuple):
    """What every member sees alike. Times in seconds."""

    mid: float
    trend: float
    gap: float
    elapsed: float  # since it last decided
    arrival: float  # of the first order sent now
    seal: float  # when the last one arrives
    expires: float


BareSight = tuple[float, float, float, float, float, float, float]  # without its names
ROOM = 9  # numbers a member that `decide` needs to work with


@steady
def decide(
    keys: Any, bare_seats: Any, sheet: Floats, bare_sight: Any, balance: Ints, rows: Rows, at: int, room: Floats
) -> tuple[int, int]:
    """Write the orders of members who act into `rows` from `at` on, and into the first row of the room members to be seated anew.

    Those have next to nothing left, and no debt. Returns how many of each. `keys`: of the streams for acting, signal and arrival.
    Seats and sight come without names (see `compiled`), and the columns as rows of one sheet: each array costs a block as much as
    five members. There must be rows for every member, and room for it: [ROOM, members], in which nothing is kept.
    It goes in passes without branches, each over those whom the last one has left: who does what is drawn by lot, and a
    processor that guesses wrong loses as much time as four members take.
    """
    seats, sight = Seats(*bare_seats), Sight(*bare_sight)
    columns = Columns(sheet[0], sheet[1], sheet[2], sheet[3], sheet[4], sheet[5], sheet[6], sheet[7])
    tick = int(np.rint(sight.seal * 1_000.0))  # dice belong to the time of decision, in milliseconds
    acts, signals, arrivals = splitmix64(keys[0], tick), splitmix64(keys[1], tick), splitmix64(keys[2], tick)
    members = sheet.shape[1]
    last = seats.first + members
    sizes, cashes = balance[seats.size][seats.first : last], balance[seats.cash][seats.first : last]
    ruined, awake, wanting = room[0].view(np.uint64), room[1].view(np.uint64), room[4].view(np.uint64)
    does, signal = room[2].view(np.bool_)[:members], room[3]

    broke = 0
    if seats.reentry > 0.0:
        for member in range(members):
            little = (cashes[member] >= 0) & (cashes[member] < seats.reentry * columns.stake[member])
            does[member] = little & (sizes[member] == 0)
            broke += does[member]
        if broke:
            listed(does, ruined)
    for member in range(members):
        does[member] = uniform_of(acts, member) < columns.activity[member] * sight.elapsed
    for turn in range(broke):
        does[ruined[turn]] = False
    up = listed(does, awake)

    spot = seats.quote < 0
    normals_of(signals, awake[:up], signal, room[4:])
    for turn in range(up):
        member = awake[turn]
        pull = columns.trend[member] * sight.trend + columns.gap[member] * sight.gap
        signal[turn] = columns.noise[member] * signal[turn] + pull
        against = sizes[member] * (1.0 if signal[turn] > 0.0 else -1.0) <= 0.0  # a position, if there is one
        does[turn] = (not abs(signal[turn]) <= columns.threshold[member]) & (spot | against)
    turns = listed(does[:up], wanting)

    wants = 0
    for turn in wanting[:turns]:
        member, side = awake[turn], 1.0 if signal[turn] > 0.0 else -1.0
        held, cash = float(sizes[member]), cashes[member] / seats.cash_scale
        if spot:
            coins = cash / sight.mid if side > 0.0 else held / seats.size_scale
            size = side * columns.leverage[member] * coins * seats.size_scale
        else:
            opened = side * columns.leverage[member] * max(cash, 0.0) / sight.mid * seats.size_scale
            size = opened if held == 0.0 else -1.0 * held
        row = rows[at + wants]
        row["market"] = seats.market
        row["account"] = seats.first + np.int64(member)
        row["size"] = int(size)
        row["limit"] = sight.mid * (1.0 + side * columns.patience[member])
        row["tip"] = seats.tip
        row["arrival"] = sight.arrival + uniform_of(arrivals, member) * max(0.0, sight.seal - sight.arrival)
        row["expires"] = sight.expires
        wants += abs(size) >= 1.0  # else the next is written over it
    return wants, broke
