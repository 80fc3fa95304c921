"""One seed is one stream, and every other seed another."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evenfit.errors import RegularizeError
from evenfit.regularize.seeds import generator_of, number_of, numbers_of

SEEDS = st.integers(0, 2**64 - 1)


def drawn(seed):
    return torch.rand(4, generator=generator_of(seed)).tolist()


@given(first=SEEDS, second=SEEDS | st.integers(0, 31).map(lambda bit: 1 << (bit + 32)))
def test_seeds_give_equal_numbers_only_if_they_are_equal(first, second):
    assert (drawn(first) == drawn(second)) == (first == second)
    assert drawn(first) == drawn(first)


def test_a_generator_gives_a_new_number_each_time_and_the_same_ones_again():
    first, second = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    numbers = [number_of(first) for _ in range(3)]
    assert len(set(numbers)) == 3
    assert numbers == [number_of(second) for _ in range(3)]
    assert generator_of(first) is first


def test_whole_numbers_of_other_kinds_are_seeds():
    assert number_of(np.int64(7)) == number_of(torch.tensor(7)) == 7
    assert numbers_of(torch.tensor([1, 2]), members=2) == numbers_of(np.array([1, 2]), members=2) == [1, 2]


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "1", None, [1, 2]])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(RegularizeError, match="a seed must be one whole number"):
        number_of(seed)


@pytest.mark.parametrize("seed", [3, [3], torch.Generator(), torch.tensor([1, 2, 3])])
def test_each_member_needs_a_seed(seed):
    with pytest.raises(RegularizeError, match="each of the 2 members needs a seed of its own"):
        numbers_of(seed, members=2)
