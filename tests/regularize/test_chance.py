"""Random words are SplitMix64's, the same in Python and numpy, and come without torch."""

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evenfit.regularize import chance

SEEDS = st.integers(-(2**63), 2**64 - 1)


def test_the_words_are_those_of_splitmix64():
    # The first outputs of the published generator, started with 1234567.
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert chance.words(1234567, 5).tolist() == known


@given(seed=SEEDS, path=st.lists(st.integers(0, 2**62), max_size=3))
def test_numpy_and_python_agree_on_a_key(seed, path):
    found = chance.keys(np.array([seed % 2**64], dtype=np.uint64), *path)
    assert int(found[0]) == chance.key(seed, *path)


@given(first=SEEDS, second=SEEDS)
def test_a_key_depends_on_the_order_of_seed_and_path(first, second):
    assert (chance.key(first, second % 2**62) == chance.key(second % 2**62, first)) == (first == second % 2**62)


@given(value=st.integers(0, 2**64 - 1))
def test_signed_keeps_the_bits(value):
    assert np.int64(chance.signed(value)).view(np.uint64) == value


def test_importing_it_imports_neither_torch_nor_numba():
    code = "import sys, evenfit.regularize.chance; sys.exit(len({'torch', 'numba'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
