"""Compilation: how functions become compiled code, and when what was kept of it is out of date."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

# reassociation lets sums be vectorised; NaN and infinity keep their meaning
FAST = {"reassoc", "contract", "arcp", "nsz"}
_HERE = Path(__file__).parent


def _digest() -> str:
    """Sum up all that compiled code is made of: these files, and the constants that they import."""
    files = [*sorted(_HERE.glob("*.py")), _HERE.parent / "chance.py", _HERE.parent / "layout.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


_SOURCES = _digest()


def jit(function: Callable[..., Any]) -> Any:
    """Compile a function on its first call, and keep the compiled code on disk."""
    compiled = numba.njit(cache=True, nogil=True, fastmath=FAST, boundscheck=False, error_model="numpy")(function)
    # numba asks only whether the function's own file has changed, not the files of those that it calls
    kept = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if kept is not None and hasattr(kept, "_source_stamp"):
        kept._source_stamp = _SOURCES
    return compiled


def inline(function: Callable[..., Any]) -> Any:
    """Make a function part of its callers, so that their loops vectorise however long it is."""
    return numba.njit(inline="always", fastmath=FAST, error_model="numpy")(function)
