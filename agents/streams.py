"""Counter-based random streams: a draw is a function of (seed, name, tick, lane), never of call order.

Nothing here has state, so adding a player, a draw or an asset moves nobody else's dice, and a twin run is paired with
its original draw for draw. `name` says whose dice they are, `tick` when on nature's own grid, `lane` which of several.
The generator is SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", OOPSLA,
doi:10.1145/2660193.2660195), whose i-th output needs only its seed and i: output `tick` of the name's key is the seed
whose output `lane` is the draw. Normals are one uniform through the inverse distribution function: one draw each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from protocol.compiled import compiled, inner, making

Floats = NDArray[np.float64]

# SplitMix64: the increment of its state, and the multipliers of its mixing function, as published.
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)

_WRAP = 0xFFFF_FFFF_FFFF_FFFF
_DROP = np.uint64(12)  # 52 bits are kept: the middle of each of 2**52 cells is an exact float, and never 0 or 1
_CELL = 2.0**-52


@dataclass(frozen=True)
class Streams:
    """All the dice of one run. `seed`: a non-negative integer of any size."""

    seed: int

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise ValueError(f"seed={self.seed!r}: must be an integer, 0 or more")

    def key(self, name: str) -> np.uint64:
        """The key of a name's stream, for `uniform_at` and `normal_at` inside compiled loops."""
        digest = blake2b(f"{self.seed}\0{name}".encode(), digest_size=8).digest()
        return np.uint64(int.from_bytes(digest, "little"))

    def uniform(self, name: str, tick: int, n: int) -> Floats:
        """Uniforms in (0, 1) for lanes 0 to n-1 of one tick; float64 [n]."""
        return _uniform_block(self.key(name), tick, 1, n).reshape(n)

    def normal(self, name: str, tick: int, n: int) -> Floats:
        """Standard normals for lanes 0 to n-1 of one tick; float64 [n]."""
        return _normal_block(self.key(name), tick, 1, n).reshape(n)

    def uniforms(self, name: str, ticks: int, n: int) -> Floats:
        """Row t is `uniform(name, t, n)`; float64 [ticks, n]."""
        return _uniform_block(self.key(name), 0, ticks, n)

    def normals(self, name: str, ticks: int, n: int) -> Floats:
        """Row t is `normal(name, t, n)`; float64 [ticks, n]."""
        return _normal_block(self.key(name), 0, ticks, n)


@compiled
def _plus(a: np.uint64, b: np.uint64) -> np.uint64:
    return np.uint64((int(a) + int(b)) & _WRAP)  # modulo 2**64, compiled or not, and without numpy's overflow warning


@compiled
def _times(a: np.uint64, b: np.uint64) -> np.uint64:
    return np.uint64((int(a) * int(b)) & _WRAP)


@compiled
def splitmix64(seed: np.uint64, index: int) -> np.uint64:
    """Output number `index`, 0 or more, of the SplitMix64 generator seeded with `seed`."""
    z = _plus(_plus(seed, _GAMMA), _times(_GAMMA, np.uint64(index)))
    z = _times(z ^ (z >> _30), _MIX_1)
    z = _times(z ^ (z >> _27), _MIX_2)
    return z ^ (z >> _31)


@compiled
def uniform_of(word: np.uint64, lane: int) -> float:
    """The uniform of a lane, from `splitmix64(key, tick)`: for loops over the lanes of one tick."""
    return (float(splitmix64(word, lane) >> _DROP) + 0.5) * _CELL


@compiled
def uniform_at(key: np.uint64, tick: int, lane: int) -> float:
    """One uniform in the open interval (0, 1); `tick` and `lane` are 0 or more."""
    return uniform_of(splitmix64(key, tick), lane)


@compiled
def draw(keys: NDArray[np.uint64], tick: int, out: Floats) -> None:
    """Fill `out` with `uniform_at` in lane 0 of one tick for several keys. Shapes [n]."""
    for row in range(len(keys)):
        out[row] = uniform_at(keys[row], tick, 0)


@compiled
def line_up(keys: NDArray[np.uint64], first: int, out: Floats, order: NDArray[np.int64]) -> None:
    """Fill rows of `order` with the places of the draws of ticks from `first` on, lowest first. Shapes [n], and [ticks, n].

    `out` is left with what was drawn last.
    """
    for row in range(len(order)):
        draw(keys, first + row, out)
        for turn in range(len(out)):
            at = turn - 1
            while at >= 0 and out[order[row, at]] > out[turn]:
                order[row, at + 1] = order[row, at]
                at -= 1
            order[row, at + 1] = turn


@compiled
def normal_at(key: np.uint64, tick: int, lane: int) -> float:
    """One standard normal: the quantile of `uniform_at`; never beyond 8.3 either way."""
    return normal_quantile(uniform_at(key, tick, lane))


CENTRAL = 0.425  # how far from one half `central_quantile` is good
NEAR = 5.0  # up to which root `near_tail` is good


@inner
def central_quantile(q: float) -> float:
    """The standard normal's quantile of 0.5 + q, |q| <= CENTRAL; without a branch, so that loops of it run abreast."""
    r = 0.180625 - q * q
    above = 2.5090809287301226727e3
    above = above * r + 3.3430575583588128105e4
    above = above * r + 6.7265770927008700853e4
    above = above * r + 4.5921953931549871457e4
    above = above * r + 1.3731693765509461125e4
    above = above * r + 1.9715909503065514427e3
    above = above * r + 1.3314166789178437745e2
    above = above * r + 3.3871328727963666080e0
    below = 5.2264952788528545610e3
    below = below * r + 2.8729085735721942674e4
    below = below * r + 3.9307895800092710610e4
    below = below * r + 2.1213794301586595867e4
    below = below * r + 5.3941960214247511077e3
    below = below * r + 6.8718700749205790830e2
    below = below * r + 4.2313330701600911252e1
    result: float = q * above / (below * r + 1.0)
    return result


@inner
def tail_root(p: float) -> float:
    """What the quantile of p, further than CENTRAL from one half, is a function of."""
    return math.sqrt(-math.log(p if p < 0.5 else 1.0 - p))


@inner
def near_tail(root: float) -> float:
    """How far out the quantile is, of a root up to NEAR; without a branch."""
    r = root - 1.6
    above = 7.74545014278341407640e-4
    above = above * r + 2.27238449892691845833e-2
    above = above * r + 2.41780725177450611770e-1
    above = above * r + 1.27045825245236838258e0
    above = above * r + 3.64784832476320460504e0
    above = above * r + 5.76949722146069140550e0
    above = above * r + 4.63033784615654529590e0
    above = above * r + 1.42343711074968357734e0
    below = 1.05075007164441684324e-9
    below = below * r + 5.47593808499534494600e-4
    below = below * r + 1.51986665636164571966e-2
    below = below * r + 1.48103976427480074590e-1
    below = below * r + 6.89767334985100004550e-1
    below = below * r + 1.67638483018380384940e0
    below = below * r + 2.05319162663775882187e0
    return above / (below * r + 1.0)


@compiled
def far_tail(root: float) -> float:
    """How far out the quantile is, of a root beyond NEAR: of one draw in seventy thousand million."""
    r = root - NEAR
    above = 2.01033439929228813265e-7
    above = above * r + 2.71155556874348757815e-5
    above = above * r + 1.24266094738807843860e-3
    above = above * r + 2.65321895265761230930e-2
    above = above * r + 2.96560571828504891230e-1
    above = above * r + 1.78482653991729133580e0
    above = above * r + 5.46378491116411436990e0
    above = above * r + 6.65790464350110377720e0
    below = 2.04426310338993978564e-15
    below = below * r + 1.42151175831644588870e-7
    below = below * r + 1.84631831751005468180e-5
    below = below * r + 7.86869131145613259100e-4
    below = below * r + 1.48753612908506148525e-2
    below = below * r + 1.36929880922735805310e-1
    below = below * r + 5.99832206555887937690e-1
    return above / (below * r + 1.0)


@compiled
def normal_quantile(p: float) -> float:
    """The standard normal's quantile, 0 < p < 1, to about one part in 1e16: PPND16 of Wichura (1988).

    Algorithm AS 241, "The percentage points of the normal distribution", Applied Statistics 37(3), 477-484.
    """
    q = p - 0.5
    if abs(q) <= CENTRAL:
        return central_quantile(q)
    root = tail_root(p)
    tail = near_tail(root) if root <= NEAR else far_tail(root)
    return -tail if q < 0.0 else tail


@inner
def listed(chosen: NDArray[np.bool_], places: NDArray[np.uint64]) -> int:
    """Fill `places` with those that are chosen, lowest first, and return how many; without a branch, in steady time. Shapes [n]."""
    count = 0
    for place in range(len(chosen)):
        places[count] = place
        count += chosen[place]
    return count


@inner
def normals_of(word: np.uint64, lanes: NDArray[np.uint64], out: Floats, room: Floats) -> None:
    """Fill `out` with `normal_at` in several lanes of one tick, from `splitmix64(key, tick)`. Shapes [n]; of room [5, n or more].

    In passes without branches, for a sixth of the draws lie in the tails, and no processor guesses which.
    """
    drawn, root, tail = room[0], room[1], room[2]
    tails, tailed = room[3].view(np.uint64), room[4].view(np.bool_)
    for turn in range(len(lanes)):
        drawn[turn] = uniform_of(word, lanes[turn])
    for turn in range(len(lanes)):
        tailed[turn] = abs(drawn[turn] - 0.5) > CENTRAL
    for turn in range(len(lanes)):
        out[turn] = central_quantile(drawn[turn] - 0.5)  # of most; the others' is mended below
    count = listed(tailed[: len(lanes)], tails)
    for turn in range(count):
        root[turn] = tail_root(drawn[tails[turn]])
    for turn in range(count):
        tail[turn] = near_tail(root[turn])
    for turn in range(count):
        far = tail[turn] if root[turn] <= NEAR else far_tail(root[turn])
        out[tails[turn]] = math.copysign(far, drawn[tails[turn]] - 0.5)


@making
def _uniform_block(key: np.uint64, first: int, ticks: int, n: int) -> Floats:
    out = np.empty((ticks, n))
    for t in range(ticks):
        for lane in range(n):
            out[t, lane] = uniform_at(key, first + t, lane)
    return out


@making
def _normal_block(key: np.uint64, first: int, ticks: int, n: int) -> Floats:
    out = np.empty((ticks, n))
    for t in range(ticks):
        for lane in range(n):
            out[t, lane] = normal_at(key, first + t, lane)
    return out
