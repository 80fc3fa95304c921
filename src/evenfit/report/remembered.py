"""Memory in words: what was expected, what came, and the bound."""

from __future__ import annotations

from evenfit.results.memory_use import MemoryUse
from evenfit.specs.memory import memory_text


def remembered(known: MemoryUse) -> str:
    """What a run may come to hold in memory, or has held.

    Example:
        >>> remembered(MemoryUse(expected=700 * 2**20, held=650 * 2**20, processes=3, bound=2**30))
        'about 700 MiB expected, of 1 GiB allowed; it was 650 MiB in 3 processes, each at its peak'
    """
    said = f"about {memory_text(known.expected)} expected"
    if known.bound is not None:
        said += f", of {memory_text(known.bound)} allowed"
    if known.held is not None:
        each = ", each at its peak" if known.processes > 1 else ""
        processes = f"{known.processes} processes" if known.processes > 1 else "one process"
        said += f"; it was {memory_text(known.held)} in {processes}{each}"
    return said
