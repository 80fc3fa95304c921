"""Twin: a deployed model as a torch module that computes the same, from columns to predictions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from evenfit.deploy.exporting.computation import outputs
from evenfit.deploy.exporting.operations import Value
from evenfit.deploy.exporting.recipe import Recipe

_DTYPES = {"float32": torch.float32, "float64": torch.float64, "int64": torch.int64}


class Twin(nn.Module):
    """A recipe as a module: numbers and level codes in, probabilities or numbers out; it has no dropout to drop.

    ``forward(numbers, codes)``: ``numbers`` float64 ``[rows, numbers]``, ``codes`` int64 ``[rows, categories]``; a
    table that has only one of the two is given only that one.
    """

    def __init__(self, recipe: Recipe, *, precision: str) -> None:
        super().__init__()
        self.recipe, self.precision = recipe.at(precision), precision
        for name, array in self.recipe.tensors.items():
            self.register_buffer(_attribute(name), torch.from_numpy(array.copy()))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Give probabilities ``[rows, classes]``, or numbers ``[rows]`` in the target's own units, float64."""
        given = list(inputs)
        numbers = torch.split(given.pop(0), 1, dim=1) if self.recipe.numbers else ()
        codes = given.pop(0).unbind(dim=1) if self.recipe.categories else ()
        made: Tensor = outputs(
            TorchOperations(self), self.recipe, numbers=numbers, codes=codes, precision=self.precision
        )
        return made if self.recipe.classes else made[:, 0]


class TorchOperations:
    """By torch: at once, or traced by ``torch.export``."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def tensor(self, name: str) -> Value:
        """Give a tensor of the recipe by its name."""
        return self._module.get_buffer(_attribute(name))

    def cast(self, value: Value, dtype: str) -> Value:
        """Convert."""
        return value.to(_DTYPES[dtype])

    def is_missing(self, value: Value) -> Value:
        """Whether each number is NaN."""
        return torch.isnan(value)

    def equal(self, first: Value, second: Value) -> Value:
        """Whether numbers are the same."""
        return first == second

    def at_most(self, first: Value, second: Value) -> Value:
        """Whether the first are no greater."""
        return first <= second

    def where(self, condition: Value, yes: Value, no: Value) -> Value:
        """Choose number by number."""
        return torch.where(condition, yes, no)

    def minimum(self, first: Value, second: Value) -> Value:
        """The lesser of each pair."""
        return torch.minimum(first, second) if isinstance(second, Tensor) else torch.clamp(first, max=second)

    def maximum(self, first: Value, second: Value) -> Value:
        """The greater of each pair."""
        return torch.maximum(first, second) if isinstance(second, Tensor) else torch.clamp(first, min=second)

    def absolute(self, value: Value) -> Value:
        """Numbers without their sign."""
        return torch.abs(value)

    def floor(self, value: Value) -> Value:
        """The whole number below."""
        return torch.floor(value)

    def sqrt(self, value: Value) -> Value:
        """Square roots."""
        return torch.sqrt(value)

    def exp(self, value: Value) -> Value:
        """Exponentials."""
        return torch.exp(value)

    def log(self, value: Value) -> Value:
        """Natural logarithms."""
        return torch.log(value)

    def sin(self, value: Value) -> Value:
        """Sines."""
        return torch.sin(value)

    def cos(self, value: Value) -> Value:
        """Cosines."""
        return torch.cos(value)

    def tanh(self, value: Value) -> Value:
        """Hyperbolic tangents."""
        return torch.tanh(value)

    def softmax(self, value: Value) -> Value:
        """Shares of the last axis."""
        return torch.softmax(value, dim=-1)

    def sum(self, value: Value, *, axis: int) -> Value:
        """The sum along an axis."""
        return value.sum(dim=axis)

    def take(self, table: Value, index: Value, *, axis: int) -> Value:
        """Rows of a table."""
        return torch.index_select(table, axis, index) if axis else table[index]

    def columns(self, value: Value, places: Sequence[int]) -> Value:
        """Some of the last axis."""
        return torch.stack([value[..., place] for place in places], dim=-1)

    def unsqueeze(self, value: Value, axis: int) -> Value:
        """Put in an axis of 1."""
        return value.unsqueeze(axis)

    def transpose(self, value: Value, axes: Sequence[int]) -> Value:
        """Change the order of axes."""
        return value.permute(*axes)

    def reshape(self, value: Value, shape: Sequence[int]) -> Value:
        """The same numbers in another shape."""
        return value.reshape(tuple(shape))

    def concat(self, values: Sequence[Value], *, axis: int) -> Value:
        """Put values side by side."""
        return torch.cat(list(values), dim=axis)


def _attribute(name: str) -> str:
    """Give a tensor's name as an attribute's, which has no dots."""
    return name.replace(".", "_")
