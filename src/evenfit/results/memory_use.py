"""Memory use: what a run was expected to hold, and what it held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class MemoryUse:
    """Bytes of resident memory: the sum of what each process held at its own peak before the report was written.

    Libraries that processes share are counted for each of them. What writing the report takes is not in it.
    """

    expected: int  # by the fixed model
    held: int | None = None  # None before a run, and where the system does not say
    processes: int = 1
    bound: int | None = None  # that the user gave

    def to_json(self) -> Mapping[str, int | None]:
        """Give every number by name."""
        return dict(vars(self))
