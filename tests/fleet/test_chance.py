"""Random numbers are those of their stream, fair, and unrelated to those of any other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.fleet import chance
from evenfit.fleet.kernels.arithmetic import exponential, half_turn_cosine, half_turn_sine, normal, stream_of
from evenfit.regularize.chance import key, keys

SEEDS = st.integers(0, 2**63 - 1)
COUNT = 100_000


@given(seed=SEEDS, purpose=st.integers(0, 80), epoch=st.integers(0, 10**6), step=st.integers(0, 10**6))
def test_compiled_code_and_python_agree_on_a_stream(seed, purpose, epoch, step):
    expected = key(seed, purpose, epoch, step)
    assert int(stream_of(np.uint64(seed), purpose, epoch, step)) == expected
    assert int(keys(np.array([seed], dtype=np.uint64), purpose, epoch, step)[0]) == expected


@pytest.mark.statistical  # five standard errors: fails by chance once in a million, but the seed is fixed
@pytest.mark.parametrize("rate", [0.01, 0.1, 0.25, 0.5, 0.9])
def test_the_share_that_is_kept_is_the_one_that_is_rescaled_by(rate):
    limit = chance.threshold(rate)
    kept = chance.mask_bytes(key(3, chance.HIDDEN_MASK, 0, 0), COUNT) >= limit
    share = (256 - limit) / 256
    assert abs(share - (1 - rate)) <= 1 / 512
    assert abs(kept.mean() - share) < 5 * np.sqrt(share * (1 - share) / COUNT)


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((3, chance.HIDDEN_MASK, 0, 0), (3, chance.HIDDEN_MASK + 1, 0, 0)),  # layers
        ((3, chance.HIDDEN_MASK, 0, 0), (3, chance.HIDDEN_MASK, 0, 1)),  # steps
        ((3, chance.HIDDEN_MASK, 0, 0), (3, chance.HIDDEN_MASK, 1, 0)),  # epochs
        ((3, chance.HIDDEN_MASK, 0, 0), (4, chance.HIDDEN_MASK, 0, 0)),  # members
        ((3, chance.HIDDEN_MASK, 0, 0), (3, chance.INPUT_MASK, 0, 0)),  # purposes
    ],
)
def test_masks_of_two_streams_are_unrelated(one, other):
    first, second = (chance.mask_bytes(key(*path), COUNT).astype(float) for path in (one, other))
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(COUNT)
    assert abs(np.corrcoef(first[1:], second[:-1])[0, 1]) < 5 / np.sqrt(COUNT)


@pytest.mark.statistical
def test_bytes_are_uniform_and_normals_normal():
    counts = np.bincount(chance.mask_bytes(key(1, 2), COUNT), minlength=256)
    assert ((counts - COUNT / 256) ** 2 / (COUNT / 256)).sum() < 255 + 5 * np.sqrt(2 * 255)
    drawn = chance.normals(key(1, 3), COUNT)
    assert abs(drawn.mean()) < 5 / np.sqrt(COUNT)
    assert abs(drawn.std() - 1) < 5 / np.sqrt(2 * COUNT)
    assert abs((np.abs(drawn) < 1).mean() - 0.6826895) < 5 * np.sqrt(0.68 * 0.32 / COUNT)


@given(stream=st.integers(0, 2**64 - 1))
def test_compiled_normals_are_those_of_python(stream):
    made = [normal(np.uint64(stream), i) for i in range(8)]
    np.testing.assert_allclose(made, chance.normals(stream, 8), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("kind", "digits"), [(np.float32, 4e-7), (np.float64, 1e-14)])
def test_exponentials_and_waves_have_the_digits_of_their_precision(kind, digits):
    exponents = np.linspace(-20, 20, 2001).astype(kind)
    made = np.array([exponential(x) for x in exponents])
    np.testing.assert_allclose(made, np.exp(exponents.astype(np.longdouble)).astype(float), rtol=3 * digits)
    turns = np.linspace(-0.5, 0.5, 1001).astype(kind)
    angles = np.pi * turns.astype(float)
    np.testing.assert_allclose([half_turn_sine(x) for x in turns], np.sin(angles), atol=digits)
    np.testing.assert_allclose([half_turn_cosine(x) for x in turns], np.cos(angles), atol=digits)


def test_no_two_members_of_small_numbers_share_a_seed():
    assert len({chance.member_seed(s, r, k) for s in range(4) for r in range(4) for k in range(4)}) == 64
