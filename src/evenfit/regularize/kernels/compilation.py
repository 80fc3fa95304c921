"""Compilation: how functions become compiled code, and when what was kept of it is out of date."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numba
from numba.core import types
from numba.extending import intrinsic

_HERE = Path(__file__).parent
FILES = (*sorted(_HERE.glob("*.py")), _HERE.parent / "chance.py")  # all that compiled code is made of


def digest(files: Iterable[Path]) -> str:
    """Sum up the files that compiled code is made of, the constants that they import included."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def compiled(function: Callable[..., Any], *, sources: str, fast: frozenset[str] = frozenset()) -> Any:
    """Compile a function on its first call, and keep the compiled code on disk as long as its sources stay.

    ``fast`` are the liberties that may be taken with floating point, as LLVM names them.
    """
    options = {"cache": True, "nogil": True, "boundscheck": False, "error_model": "numpy"}
    made = numba.njit(fastmath=set(fast), **options)(function)
    # numba asks only whether the function's own file has changed, not the files of those that it calls
    kept = getattr(getattr(made, "_cache", None), "_cache_file", None)
    if kept is not None and hasattr(kept, "_source_stamp"):
        kept._source_stamp = sources
    return made


_SOURCES = digest(FILES)


def jit(function: Callable[..., Any]) -> Any:
    """Compile a function of this folder."""
    return compiled(function, sources=_SOURCES)


def inline(function: Callable[..., Any]) -> Any:
    """Make a function part of its callers, so that their loops vectorise however long it is."""
    return numba.njit(inline="always", error_model="numpy", fastmath={"contract"})(function)


@intrinsic
def pointer(typing_context: Any, address: Any, number: Any) -> Any:  # noqa: ARG001 - numba calls it so
    """Give a pointer to numbers of the type of ``number``: arrays made of addresses take no time to hand over."""
    kind = types.CPointer(number)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.inttoptr(arguments[0], context.get_value_type(kind))

    return kind(address, number), generate


@intrinsic
def like(typing_context: Any, constant: Any, number: Any) -> Any:  # noqa: ARG001
    """Give a constant in the precision of ``number``, so that float32 stays float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[0], signature.args[0], signature.return_type)

    return number(constant, number), generate
