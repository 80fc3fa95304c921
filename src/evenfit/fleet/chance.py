"""Chance: every random number of a member, from its seed alone.

Numbers are a hash of (seed, stream, step, position) and not the next ones of a generator. So a
member's masks depend neither on its neighbours nor on where a fleet was stopped, there is no
state to save, and a wider layer does not shift the shuffles. The hash is SplitMix64's finaliser
(Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

UintArray = npt.NDArray[np.uint64]

GOLDEN = 0x9E3779B97F4A7C15
MIX_A = 0xBF58476D1CE4E5B9
MIX_B = 0x94D049BB133111EB
_MASK = (1 << 64) - 1

# streams: what a random number is for
WEIGHTS, ORDER, INPUT_MASK, NOISE, MIXTURE = 1, 2, 3, 4, 5
HIDDEN_MASK, WEIGHT_MASK, WEIGHT_NOISE_STREAM = 16, 256, 512  # layer i uses the i-th number from here
SECOND_PASS = 1024  # what a second pass over the same batch adds


def mix(value: int) -> int:
    """Scramble 64 bits so that neighbouring values give unrelated ones."""
    value = (value ^ (value >> 30)) * MIX_A & _MASK
    value = (value ^ (value >> 27)) * MIX_B & _MASK
    return value ^ (value >> 31)


def key(seed: int, *path: int) -> int:
    """Give the 64-bit key of a stream: a function of the seed and the path alone.

    Example:
        >>> key(1, ORDER, 0) != key(1, ORDER, 1)
        True
    """
    state = mix(mix((seed + GOLDEN) & _MASK) + GOLDEN & _MASK)  # twice, or seed and part could change places
    for part in path:
        state = mix((state ^ mix((part + GOLDEN) & _MASK)) + GOLDEN & _MASK)
    return state


def keys(seeds: UintArray, *path: int | npt.NDArray[np.int64]) -> UintArray:
    """Give the keys of many streams at once: ``key`` of every seed and path, which broadcast.

    Example:
        >>> int(keys(np.array([7], dtype=np.uint64), 2, 3)[0]) == key(7, 2, 3)
        True
    """
    with np.errstate(over="ignore"):
        state = _mix_all(_mix_all(seeds + np.uint64(GOLDEN)) + np.uint64(GOLDEN))
        for part in path:
            state = _mix_all(
                (state ^ _mix_all(np.asarray(part).astype(np.uint64) + np.uint64(GOLDEN))) + np.uint64(GOLDEN)
            )
    return state


def _mix_all(values: UintArray) -> UintArray:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(MIX_A)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(MIX_B)
    return values ^ (values >> np.uint64(31))


def member_seed(search_seed: int, repeat: int, split: int) -> int:
    """Give a member's seed: a function of the search's seed, repeat and split, never of its config."""
    return key(search_seed, repeat, split) >> 1  # 63 bits, so that it fits a signed column


def words(stream: int, count: int) -> UintArray:
    """Give the first ``count`` 64-bit words of a stream: the hashes of its positions."""
    with np.errstate(over="ignore"):
        return _mix_all(np.uint64(stream) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN))


def mask_bytes(stream: int, count: int) -> npt.NDArray[np.uint8]:
    """Give the first ``count`` bytes of a stream: a unit is kept where its byte reaches the threshold."""
    return words(stream, -(-count // 8)).view(np.uint8)[:count]


def threshold(rate: float) -> int:
    """Give the byte below which a unit is dropped: rates are multiples of 1/256, at most 255/256."""
    return min(round(rate * 256), 255)


def row_order(seed: int, epoch: int, count: int) -> npt.NDArray[np.int64]:
    """Give the order in which an epoch visits ``count`` training rows."""
    generator = np.random.Generator(np.random.SFC64(key(seed, ORDER, epoch)))
    return generator.permutation(count)


def normals(stream: int, count: int) -> npt.NDArray[np.float64]:
    """Give ``count`` standard normal numbers of a stream, by Box and Muller's transform of its words."""
    pairs = words(stream, 2 * count).reshape(count, 2)
    uniform = ((pairs >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return np.sqrt(-2.0 * np.log(uniform[:, 0])) * np.cos(2.0 * np.pi * uniform[:, 1])


def mixtures(seed: int, epoch: int, count: int, alpha: float) -> npt.NDArray[np.float64]:
    """Give ``count`` numbers of a Beta(alpha, alpha) distribution, one for each step of an epoch."""
    from scipy.special import betaincinv  # noqa: PLC0415 - most members never mix, and it takes long to import

    uniform = ((words(key(seed, MIXTURE, epoch), count) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    drawn: npt.NDArray[np.float64] = betaincinv(alpha, alpha, uniform)
    return drawn


def generator(seed: int, *path: int) -> np.random.Generator:
    """Give a numpy generator for one purpose, such as the starting weights of one layer."""
    return np.random.Generator(np.random.SFC64(key(seed, *path)))
