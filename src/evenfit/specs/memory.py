"""Memory: a number of bytes as a user writes and reads it."""

from __future__ import annotations

import re

from evenfit.errors import ConfigError

MIB = 2**20
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}
_LEAST, _MOST = MIB, 2**50
_WANTED = "a memory is a size with its unit, such as 800m, 2g or 1.5GiB (of 1024)"


def parse_memory(text: str) -> int:
    """Read a size as a user writes it: ``800m``, ``2g``, ``1.5GiB``; all units are powers of 1024.

    Raises:
        ConfigError: the text is not of that form, or no size that a computer has.

    Example:
        >>> parse_memory("1.5g") == parse_memory("1536 MiB") == 1536 * 2**20
        True
    """
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([kmgt])(i?b)?\s*", text.lower())
    if not found:
        raise ConfigError(f"{_WANTED}; got {text!r}")
    size = float(found[1]) * 1024.0 ** _POWERS[found[2]]
    if not _LEAST <= size <= _MOST:
        raise ConfigError(f"{_WANTED}, from 1m to 1024t; got {text!r}")
    return round(size)


def memory_text(size: float) -> str:
    """A size in words, to three digits.

    Example:
        >>> memory_text(3 * 2**30), memory_text(431.4 * 2**20), memory_text(1000 * 2**20)
        ('3 GiB', '431 MiB', '1000 MiB')
    """
    value, unit = (size / 2**30, "GiB") if size >= 2**30 else (size / MIB, "MiB")
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
