"""Cores: how many this process may use."""

from __future__ import annotations

import os


def core_count() -> int:
    """Give the number of cores that this process may use: fewer than the machine has, where it is bound to some."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
