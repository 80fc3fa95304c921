"""Sizes as users write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenfit.errors import ConfigError
from evenfit.specs.memory import MIB, memory_text, parse_memory


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2g", 2 * 2**30),
        ("800m", 800 * MIB),
        ("1.5GiB", 1536 * MIB),
        (" 2 GB ", 2**31),
        ("4096k", 4 * MIB),
        (".5t", 2**39),
    ],
)
def test_sizes_are_read_as_they_are_usually_written(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize(
    "wrong", ["", "2", "g", "2x", "-1g", "2 gigs", "1e3g", "0g", "1k", "5000t", "2g, 3g", "nan g", "2bg"]
)
def test_what_is_no_size_is_refused_in_one_line_that_says_what_is_wanted(wrong):
    with pytest.raises(ConfigError, match="a memory is a size with its unit") as caught:
        parse_memory(wrong)
    assert "\n" not in str(caught.value)
    assert repr(wrong) in str(caught.value)


@given(size=st.integers(min_value=MIB, max_value=2**50))
def test_what_is_said_of_a_size_is_read_as_nearly_that_size(size):
    assert abs(parse_memory(memory_text(size)) / size - 1) < 0.006
