"""Environment: variables that a tracker's own package reads, set for a while."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def environment(changes: Mapping[str, str], *, without: str = "") -> Iterator[None]:
    """Set variables, and hide all others whose names begin with ``without``, until the block ends."""
    hidden = {name for name in os.environ if without and name.startswith(without)}
    before = {name: os.environ.pop(name, None) for name in hidden | set(changes)}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
