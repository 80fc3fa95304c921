"""Products: small matrix products, in tiles that stay in the processor's registers.

A library's batched product of matrices this small reaches a third of what a core can do, and half
that again when the fleet's intermediates leave the cache between two calls. A tile here is a block of
``rows x columns`` of the result, held in registers while the sum over the inner dimension runs.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from evenfit.fleet.kernels.compilation import jit

_WIDE = bool(llvm.get_host_cpu_features().get("avx512f", False))
LANES = 16 if _WIDE else 8  # float32 numbers of a vector; half as many float64
ROWS = 8 if _WIDE else 6  # of a tile; with two vectors a row, as many as the registers hold
_FLAGS = ("contract", "reassoc", "nsz")


def _tile(rows: int, vectors: int, lanes: int) -> Any:
    """Make the code of one tile: ``c[i, j] = sum over k of a[i, k] b[k, j]``.

    ``a`` is read at ``a_start + i a_row + k a_column``; ``b`` and ``c`` have ``width`` columns.
    """

    @intrinsic
    def tile(
        typing_context: Any,
        a: Any,
        a_start: Any,
        a_row: Any,
        a_column: Any,
        b: Any,
        b_start: Any,
        c: Any,
        c_start: Any,
        width: Any,
        inner: Any,
    ) -> Any:
        signature = types.void(a, a_start, a_row, a_column, b, b_start, c, c_start, width, inner)
        number = ir.FloatType() if a.dtype == types.float32 else ir.DoubleType()
        size = 4 if a.dtype == types.float32 else 8
        many = lanes if size == 4 or lanes < 8 else lanes // 2
        across = vectors * lanes // many
        vector = ir.VectorType(number, many)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), many), [0] * many)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            def data(position: int) -> Any:
                return context.make_array(signature.args[position])(context, builder, arguments[position]).data

            a_data, b_data, c_data = data(0), data(4), data(6)
            a_from, a_row_step, a_column_step = arguments[1:4]
            b_from, c_from, columns, count = arguments[5], arguments[7], arguments[8], arguments[9]

            def offset(by: int) -> Any:
                return ir.Constant(columns.type, by)

            def vector_at(base: Any, place: Any) -> Any:
                return builder.bitcast(builder.gep(base, [place]), vector.as_pointer())

            sums = [cgutils.alloca_once(builder, vector) for _ in range(rows * across)]
            for place in sums:
                builder.store(ir.Constant(vector, [0.0] * many), place)
            starts = [builder.add(a_from, builder.mul(a_row_step, offset(i))) for i in range(rows)]
            with cgutils.for_range(builder, count) as loop:
                row_start = builder.add(b_from, builder.mul(loop.index, columns))
                right = []
                for v in range(across):
                    loaded = builder.load(vector_at(b_data, builder.add(row_start, offset(v * many))))
                    loaded.align = size
                    right.append(loaded)
                shift = builder.mul(loop.index, a_column_step)
                for i in range(rows):
                    left = builder.load(builder.gep(a_data, [builder.add(starts[i], shift)]))
                    single = builder.insert_element(
                        ir.Constant(vector, ir.Undefined), left, ir.Constant(ir.IntType(32), 0)
                    )
                    spread = builder.shuffle_vector(single, ir.Constant(vector, ir.Undefined), zeros)
                    for v in range(across):
                        place = sums[i * across + v]
                        product = builder.fmul(spread, right[v], flags=_FLAGS)
                        builder.store(builder.fadd(builder.load(place), product, flags=_FLAGS), place)
            for i in range(rows):
                row_start = builder.add(c_from, builder.mul(columns, offset(i)))
                for v in range(across):
                    total = builder.load(sums[i * across + v])
                    stored = builder.store(total, vector_at(c_data, builder.add(row_start, offset(v * many))))
                    stored.align = size
            return context.get_dummy_value()

        return signature, generate

    return tile


_block_two, _block_one = _tile(ROWS, 2, LANES), _tile(ROWS, 1, LANES)
_block_four, _block_single = _tile(ROWS, 1, 4), _tile(ROWS, 1, 1)
_row_two, _row_one, _row_four, _row_single = _tile(1, 2, LANES), _tile(1, 1, LANES), _tile(1, 1, 4), _tile(1, 1, 1)


@jit
def product(a, a_row, a_column, b, c, rows, columns, inner):
    """Multiply matrices that lie in flat arrays: ``c [rows, columns] = a [rows, inner] b [inner, columns]``.

    ``a`` is read in steps of ``a_row`` and ``a_column``, so it may be transposed; ``b`` and ``c`` are dense.
    """
    whole = rows - rows % ROWS
    j = 0
    while j + 2 * LANES <= columns:
        for i in range(0, whole, ROWS):
            _block_two(a, i * a_row, a_row, a_column, b, j, c, i * columns + j, columns, inner)
        for i in range(whole, rows):
            _row_two(a, i * a_row, a_row, a_column, b, j, c, i * columns + j, columns, inner)
        j += 2 * LANES
    while j + LANES <= columns:
        for i in range(0, whole, ROWS):
            _block_one(a, i * a_row, a_row, a_column, b, j, c, i * columns + j, columns, inner)
        for i in range(whole, rows):
            _row_one(a, i * a_row, a_row, a_column, b, j, c, i * columns + j, columns, inner)
        j += LANES
    while j + 4 <= columns:
        for i in range(0, whole, ROWS):
            _block_four(a, i * a_row, a_row, a_column, b, j, c, i * columns + j, columns, inner)
        for i in range(whole, rows):
            _row_four(a, i * a_row, a_row, a_column, b, j, c, i * columns + j, columns, inner)
        j += 4
    while j < columns:
        for i in range(0, whole, ROWS):
            _block_single(a, i * a_row, a_row, a_column, b, j, c, i * columns + j, columns, inner)
        for i in range(whole, rows):
            _row_single(a, i * a_row, a_row, a_column, b, j, c, i * columns + j, columns, inner)
        j += 1


@jit
def transpose(a, rows, columns, out):
    """Write ``a [rows, columns]`` as ``out [columns, rows]``, both flat."""
    for first in range(0, columns, 8):  # few columns at once: their lines stay in the first cache
        last = min(first + 8, columns)
        for i in range(rows):
            for j in range(first, last):
                out[j * rows + i] = a[i * columns + j]
