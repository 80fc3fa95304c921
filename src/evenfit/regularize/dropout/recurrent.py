"""Dropout for recurrent layers: one mask for all time steps, on what goes in, between layers, out, and on weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call

from evenfit.errors import RegularizeError
from evenfit.regularize.chance import key, signed
from evenfit.regularize.dropout.modules import DropConnect, VariationalDropout
from evenfit.regularize.dropout.streams import check_seed

Recurrent = nn.LSTM | nn.GRU | nn.RNN
State = Tensor | tuple[Tensor, Tensor] | None


class RecurrentDropout(nn.Module):
    """Calls a recurrent layer with variational dropout: each sequence has one mask for all its time steps.

    It takes and gives what the layer takes and gives: padded or packed sequences, batch_first or not, states or none.
    ``inputs``, ``between`` (the layers of a stack), ``outputs`` and ``weights`` (DropConnect on the recurrent weights,
    one mask a call) are dropout layers, so rates can be changed, scheduled, and left on for Monte-Carlo prediction.
    The layer keeps its parameters; their names begin with ``weights.layer``. The last state is as the layer gave it.

    Args:
        layer: an ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN`` with ``dropout=0``: its own would draw a mask for each step.
        input_rate: of the features of each sequence.
        between_rate: of the outputs of each layer of the stack but the last; 0 for a single layer.
        output_rate: of the outputs of the last.
        weight_rate: of the recurrent weights.
        form: "inverted" or "original".
        seed: with one, masks are a function of it and of the number of calls in training.

    Raises:
        RegularizeError: another kind of layer, one with dropout of its own, a rate between layers that has no place,
            or what ``VariationalDropout`` and ``DropConnect`` refuse.

    Source: Gal & Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks", 2016;
    Merity, Keskar & Socher, "Regularizing and optimizing LSTM language models", 2018.

    Example:
        >>> lstm = RecurrentDropout(nn.LSTM(3, 4, batch_first=True), input_rate=0.2, output_rate=0.2, weight_rate=0.3)
        >>> output, (hidden, cell) = lstm(torch.ones(2, 5, 3))
        >>> output.shape
        torch.Size([2, 5, 4])
    """

    def __init__(
        self,
        layer: Recurrent,
        *,
        input_rate: float = 0.0,
        between_rate: float = 0.0,
        output_rate: float = 0.0,
        weight_rate: float = 0.0,
        form: str = "inverted",
        seed: int | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(layer, Recurrent):
            raise RegularizeError(f"RecurrentDropout wraps an nn.LSTM, nn.GRU or nn.RNN; got {type(layer).__name__}")
        if layer.dropout:
            raise RegularizeError(
                f"{type(layer).__name__} has dropout={layer.dropout:g} of its own, another mask at each time step: "
                "make it with dropout=0, and say between_rate"
            )
        if between_rate and layer.num_layers == 1:
            raise RegularizeError("between_rate drops what one layer of a stack hands to the next; num_layers is 1")
        seeds = [None if seed is None else signed(key(check_seed(seed), part)) for part in range(4)]
        first, form_of = layer.batch_first, {"form": form}
        self.inputs = VariationalDropout(input_rate, batch_first=first, seed=seeds[0], **form_of)
        self.between = VariationalDropout(between_rate, batch_first=first, seed=seeds[1], **form_of)
        self.outputs = VariationalDropout(output_rate, batch_first=first, seed=seeds[2], **form_of)
        self.weights = DropConnect(layer, rate=weight_rate, seed=seeds[3], **form_of)
        self._single = tuple(_one_layer(layer, number) for number in range(layer.num_layers))

    def forward(self, input: Any, state: Any = None) -> Any:
        """Give the outputs and the last state."""
        if isinstance(input, fx.Proxy):
            tracer: Any = input.tracer
            return tracer.create_proxy("call_module", tracer.path_of_module(self), (input, state), {})
        input = self.inputs(input)
        if self.between.rate and (self.training or self.between.form == "original"):
            output, last = self._layer_by_layer(input, state)
        else:
            output, last = self.weights(input, state)
        return self.outputs(output), last

    def _layer_by_layer(self, input: Any, state: State) -> tuple[Any, State]:
        """Call each layer of the stack by itself, with dropout between them."""
        layer: Any = self.weights.layer
        parameters = {name: getattr(layer, name) for name in layer._flat_weights_names} | self.weights.masked_weights()
        directions = 2 if layer.bidirectional else 1
        output, states = input, []
        for number, single in enumerate(self._single):
            if number:
                output = self.between(output)
            names = {name: name.replace("_l0", f"_l{number}") for name in single._flat_weights_names}
            own = {name: parameters[full] for name, full in names.items()}
            begin = _rows(state, number * directions, directions)
            output, last = functional_call(single, own, (output, begin))
            states.append(last)
        if isinstance(states[0], tuple):
            return output, (torch.cat([one[0] for one in states]), torch.cat([one[1] for one in states]))
        return output, torch.cat(states)


def _rows(state: State, first: int, count: int) -> State:
    """Give the states of one layer of a stack."""
    if isinstance(state, tuple):
        return state[0][first : first + count], state[1][first : first + count]
    return None if state is None else state[first : first + count]


def _one_layer(layer: Any, number: int) -> Any:
    """Give a layer like one of a stack, without weights: it is called with those of the stack."""
    directions = 2 if layer.bidirectional else 1
    given = layer.input_size if number == 0 else directions * (layer.proj_size or layer.hidden_size)
    settings = {"bias": layer.bias, "batch_first": layer.batch_first, "bidirectional": layer.bidirectional}
    if isinstance(layer, nn.LSTM):
        return nn.LSTM(given, layer.hidden_size, proj_size=layer.proj_size, device="meta", **settings)
    if isinstance(layer, nn.GRU):
        return nn.GRU(given, layer.hidden_size, device="meta", **settings)
    return nn.RNN(given, layer.hidden_size, nonlinearity=layer.nonlinearity, device="meta", **settings)
