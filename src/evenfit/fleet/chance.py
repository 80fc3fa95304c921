"""Chance: every random number of a member, from its seed alone.

Numbers are the hashes of ``evenfit.regularize.chance``, of (seed, stream, epoch, step, position). So a member's masks
depend neither on its neighbours nor on where a fleet was stopped, there is no state to save, and a wider layer does not
shift the shuffles.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evenfit.regularize.chance import key, words

# streams: what a random number is for
WEIGHTS, ORDER, INPUT_MASK, NOISE, MIXTURE = 1, 2, 3, 4, 5
HIDDEN_MASK, WEIGHT_MASK, WEIGHT_NOISE_STREAM = 16, 256, 512  # layer i uses the i-th number from here
SECOND_PASS = 1024  # what a second pass over the same batch adds


def member_seed(search_seed: int, repeat: int, split: int) -> int:
    """Give a member's seed: a function of the search's seed, repeat and split, never of its config."""
    return key(search_seed, repeat, split) >> 1  # 63 bits, so that it fits a signed column


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
