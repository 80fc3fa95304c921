"""Clock: how long this process has been running, so that a budget counts from its start."""

from __future__ import annotations

import os
import time
from pathlib import Path

_YOUNG = 10.0  # seconds; an older process is somebody's session, whose earlier life is not part of the budget


def process_age() -> float:
    """Give the seconds since this process began, or 0 for a long-lived one or where it cannot be known."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0
    return age if 0 <= age < _YOUNG else 0.0
