"""Operations: the few that a deployed model is made of, so that its arithmetic is written once for all formats.

Values are torch's tensors or the values of an ONNX graph; ``+ - * / @`` work on both, with plain numbers on the right
too. What differs is here. Axes count from 0; an axis of -1 is the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

Value = Any
FLOAT32, FLOAT64, INT64 = "float32", "float64", "int64"


class Operations(Protocol):
    """One way of calculating: at once, or as a graph to be run later."""

    def tensor(self, name: str) -> Value:
        """Give a tensor of the recipe by its name."""

    def cast(self, value: Value, dtype: str) -> Value:
        """Convert to "float32", "float64" or "int64"."""

    def is_missing(self, value: Value) -> Value:
        """Whether each number is NaN."""

    def equal(self, first: Value, second: Value) -> Value:
        """Whether numbers are the same."""

    def at_most(self, first: Value, second: Value) -> Value:
        """Whether numbers of the first are no greater than those of the second."""

    def where(self, condition: Value, yes: Value, no: Value) -> Value:
        """Choose number by number; one of both may be a plain number."""

    def minimum(self, first: Value, second: Value) -> Value:
        """The lesser of each pair; the second may be a plain number."""

    def maximum(self, first: Value, second: Value) -> Value:
        """The greater of each pair; the second may be a plain number."""

    def absolute(self, value: Value) -> Value:
        """Numbers without their sign."""

    def floor(self, value: Value) -> Value:
        """The whole number below."""

    def sqrt(self, value: Value) -> Value:
        """Square roots."""

    def exp(self, value: Value) -> Value:
        """Exponentials."""

    def log(self, value: Value) -> Value:
        """Natural logarithms."""

    def sin(self, value: Value) -> Value:
        """Sines."""

    def cos(self, value: Value) -> Value:
        """Cosines."""

    def tanh(self, value: Value) -> Value:
        """Hyperbolic tangents."""

    def softmax(self, value: Value) -> Value:
        """Shares of the last axis."""

    def sum(self, value: Value, *, axis: int) -> Value:
        """The sum along an axis, which goes."""

    def take(self, table: Value, index: Value, *, axis: int) -> Value:
        """Rows of a table: its axis is replaced by the axes of the index; with an axis above 0 the index has one."""

    def columns(self, value: Value, places: Sequence[int]) -> Value:
        """Some of the last axis."""

    def unsqueeze(self, value: Value, axis: int) -> Value:
        """Put in an axis of 1."""

    def transpose(self, value: Value, axes: Sequence[int]) -> Value:
        """Change the order of axes."""

    def reshape(self, value: Value, shape: Sequence[int]) -> Value:
        """The same numbers in another shape; one length may be -1."""

    def concat(self, values: Sequence[Value], *, axis: int) -> Value:
        """Put values side by side."""
