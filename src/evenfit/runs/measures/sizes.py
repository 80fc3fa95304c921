"""Sizes: how many rows to train on, as a user writes them: ``100,200,400`` or ``0.1,0.5,1.0``."""

from __future__ import annotations

import math

from evenfit.errors import ConfigError


def parse_sizes(text: str) -> tuple[float, ...]:
    """Read training rows, as whole numbers above 1, or shares of them, with a point.

    Raises:
        ConfigError: a size is no number, or not above 0.

    Example:
        >>> parse_sizes("100, 200"), parse_sizes("0.5,1.0")
        ((100, 200), (0.5, 1.0))
    """
    found: list[float] = []
    for part in text.split(","):
        written = part.strip()
        try:
            number = float(written)
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and number > 0):
            raise ConfigError(
                f"sizes must be numbers of rows such as 100,200,400, or shares; got {written!r} in {text!r}"
            )
        found.append(int(number) if written.isdigit() else number)
    return tuple(found)
