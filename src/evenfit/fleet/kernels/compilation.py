"""Compilation: how functions become compiled code, and when what was kept of it is out of date."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from evenfit.regularize.kernels.compilation import FILES, compiled, digest

# reassociation lets sums be vectorised; NaN and infinity keep their meaning
FAST = frozenset({"reassoc", "contract", "arcp", "nsz"})
_HERE = Path(__file__).parent
_SOURCES = digest([*sorted(_HERE.glob("*.py")), _HERE.parent / "chance.py", _HERE.parent / "layout.py", *FILES])


def jit(function: Callable[..., Any]) -> Any:
    """Compile a function on its first call, and keep the compiled code on disk."""
    return compiled(function, sources=_SOURCES, fast=FAST)


def inline(function: Callable[..., Any]) -> Any:
    """Make a function part of its callers, so that their loops vectorise however long it is."""
    return numba.njit(inline="always", fastmath=set(FAST), error_model="numpy")(function)
