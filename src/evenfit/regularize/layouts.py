"""Layouts: which axes of a weight are its inputs and which its units."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_GATES = {"LSTM": 4, "LSTMCell": 4, "GRU": 3, "GRUCell": 3}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a weight of two or more dimensions is laid out, so that its groups are what they are called.

    ``view`` gives any weight as ``[parts, gates, units, inputs, ...kernel]``, in the same memory:

    - parts are maps that share neither inputs nor units: the groups of a convolution, or the projections of queries,
      keys and values that attention keeps in one matrix;
    - gates are sums of one and the same unit: 4 in an LSTM, 3 in a GRU.
    """

    parts: int = 1
    gates: int = 1
    inputs_first: bool = False  # [inputs, units, ...]: transposed convolutions, embeddings
    two_inputs: bool = False  # [units, inputs, inputs of the other]: a bilinear layer
    convolution: bool = False

    def view(self, weight: Tensor) -> Tensor:
        """Give ``[parts, gates, units, inputs, ...kernel]``."""
        rows = weight.shape[0] // (self.parts * self.gates)
        if self.inputs_first:
            return torch.unflatten(weight, 0, (self.parts, rows)).transpose(1, 2).unsqueeze(1)
        return torch.unflatten(weight, 0, (self.parts, self.gates, rows))


_DENSE = Layout()


def layout_of(layer: nn.Module, attribute: str, weight: Tensor) -> Layout | None:
    """Give the layout of a layer's weight; None for tensors of fewer than two dimensions.

    Unknown layers are taken to lay out their weights as most of torch's do, ``[units, inputs, ...]``.

    Example:
        >>> layout_of(nn.ConvTranspose1d(4, 6, 3, groups=2), "weight", nn.ConvTranspose1d(4, 6, 3, groups=2).weight)
        Layout(parts=2, gates=1, inputs_first=True, two_inputs=False, convolution=True)
    """
    if weight.dim() < 2:
        return None
    found = _DENSE
    if is_layer(layer, *_CONVOLUTIONS) and attribute == "weight":
        found = Layout(parts=layer.groups, convolution=True)  # type: ignore[arg-type] # torch types it as Module
    elif is_layer(layer, *_TRANSPOSED) and attribute == "weight":
        found = Layout(parts=layer.groups, inputs_first=True, convolution=True)  # type: ignore[arg-type] # the same
    elif is_layer(layer, nn.Embedding, nn.EmbeddingBag):
        found = Layout(inputs_first=True)  # a level is an input that is 0 or 1
    elif is_layer(layer, nn.MultiheadAttention) and attribute == "in_proj_weight":
        found = Layout(parts=3)
    elif is_layer(layer, nn.RNNBase, nn.RNNCellBase) and attribute.startswith(("weight_ih", "weight_hh")):
        found = Layout(gates=_gates(layer))
    elif is_layer(layer, nn.Bilinear):
        found = Layout(two_inputs=True)
    elif type(layer).__name__ == "Conv1D" and weight.dim() == 2:
        found = Layout(inputs_first=True)  # the dense layer of GPT-2 in transformers
    # A layer may have put something else in the place of its weight.
    return found if weight.shape[0] % (found.parts * found.gates) == 0 else _DENSE


def is_layer(layer: nn.Module, *classes: type[nn.Module]) -> bool:
    """Say whether a layer is of one of the classes, compiled by TorchScript or not."""
    if isinstance(layer, torch.jit.ScriptModule):
        return getattr(layer, "original_name", "") in {one.__name__ for one in classes}
    return isinstance(layer, classes)


def _gates(layer: nn.Module) -> int:
    for one in type(layer).__mro__:
        if one.__name__ in _GATES:
            return _GATES[one.__name__]
    return 1
