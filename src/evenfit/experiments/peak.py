"""Peak: the most memory that this process has held."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import resource


def peak_memory() -> int:
    """Give the highest resident memory of this process so far, in bytes; 0 where the system does not say."""
    with suppress(OSError):
        # before getrusage, whose maximum is at first that of the process which started this one
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        found = re.search(r"^VmHWM:\s*(\d+) kB$", status, flags=re.MULTILINE)
        if found:
            return 1024 * int(found[1])
    if sys.platform == "win32":
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most) * (1 if sys.platform == "darwin" else 1024)
