"""Chance: the global generators that a user's model may draw from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def chance_of(seed: int) -> Iterator[None]:
    """Start the global generators of Python and of numpy from a seed, and put them back afterwards.

    Example:
        >>> with chance_of(1):
        ...     first = random.random()
        >>> with chance_of(1):
        ...     print(random.random() == first)
        True
    """
    of_numpy, of_python = np.random.get_state(), random.getstate()  # noqa: NPY002 - what models may draw from
    np.random.seed(seed % 2**32)  # noqa: NPY002 - as above
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(of_numpy)  # noqa: NPY002 - as above
        random.setstate(of_python)
