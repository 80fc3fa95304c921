"""Borrowing: arrays that compiled code does not count its references to.

Every view of an array counts one reference more while it lives, in an operation that all cores must agree on; a
step makes hundreds of views. What is borrowed belongs to the caller, who keeps it alive while compiled code runs.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic


def _unowned(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Give the array without its owner."""
    array = context.make_array(kind)(context, builder, value)
    for name in ("meminfo", "parent"):
        setattr(array, name, ir.Constant(getattr(array, name).type, None))
    return array._getvalue()


@intrinsic
def borrow(typing_context: Any, array: Any) -> Any:
    """Give a view of an array that belongs to the caller."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _unowned(context, builder, array, arguments[0])

    return array(array), generate


@intrinsic
def borrow_all(typing_context: Any, arrays: Any) -> Any:
    """Give views of a named tuple's arrays, all of which belong to the caller."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = arguments[0]
        for position, kind in enumerate(arrays):
            if isinstance(kind, types.Array):
                one = builder.extract_value(made, position)
                made = builder.insert_value(made, _unowned(context, builder, kind, one), position)
        return made

    return arrays(arrays), generate
