"""Dropout as layers.

Every layer has ``rate`` (the probability that a unit is **dropped**; it may be set at any time), ``form`` ("inverted",
as in torch: train x * mask / (1 - rate), evaluate x; or "original": train x * mask, evaluate x * (1 - rate)) and obeys
``train()`` and ``eval()``. With a ``seed`` a layer's masks are a function of the seed and of how often it was called in
training, ``calls``; without, they come from torch's generator, as ``torch.manual_seed`` left it. A layer has no
parameters and no buffers: it may be put in and taken out without a change to ``state_dict`` (keep ``calls`` beside it
to resume a seeded run). In a trace by ``torch.fx`` it is one node, as torch's own; ``torch.compile`` takes it
whole, and compiles nothing again when the rate changes.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call
from torch.nn.parameter import is_lazy

from evenfit.errors import RegularizeError
from evenfit.regularize.chance import signed
from evenfit.regularize.dropout.functional import (
    EACH,
    alpha_dropout,
    dropout,
    gaussian_dropout,
    input_dropout,
    spatial_dropout,
    stochastic_depth,
    variational_dropout,
)
from evenfit.regularize.dropout.rates import Rate, check_form, check_rate
from evenfit.regularize.dropout.streams import check_seed, derived

Weighted = nn.Linear | nn.Bilinear | nn.modules.conv._ConvNd | nn.RNNBase | nn.RNNCellBase  # what DropConnect wraps


class DropoutLayer(nn.Module):
    """What all dropout layers are: a rate, a form, and chance."""

    form: str
    seed: int | None

    def __init__(self, rate: float, *, form: str, seed: int | None) -> None:
        super().__init__()
        self.rate = rate
        self.form = check_form(form)
        self.seed = None if seed is None else check_seed(seed)
        self.calls = 0

    @property
    def rate(self) -> float:
        """The probability that a unit is dropped, in [0, 1)."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        found = check_rate(rate)
        if isinstance(found, tuple):
            raise RegularizeError("a layer has one rate: call the function to give each member its own")
        self._rate = found
        # What torch.compile reads: it compiles anew for a number that changes, but not for a tensor.
        self._rate_tensor = torch.tensor(found, dtype=torch.float64, device="cpu")

    @property
    def calls(self) -> int:
        """How many masks a seeded layer has drawn."""
        return int(self._calls.item())

    @calls.setter
    def calls(self, calls: int) -> None:
        self._calls = torch.tensor(calls, dtype=torch.int64, device="cpu")

    def forward(self, input: Any, *others: Any) -> Any:
        """Drop in training, and scale or pass on in evaluation."""
        if isinstance(input, fx.Proxy):
            tracer: Any = input.tracer
            return tracer.create_proxy("call_module", tracer.path_of_module(self), (input, *others), {})
        return self.dropped(input, *others)

    @abstractmethod
    def dropped(self, input: Any, *others: Any) -> Any:
        """Do what the layer is for."""

    def next_rate(self) -> Rate:
        """Give the rate, to torch.compile as a tensor."""
        return self._rate_tensor if torch.compiler.is_compiling() and self.training else self._rate

    def next_seed(self) -> int | Tensor | None:
        """Give the seed of the next mask, and count the call, in training; None without a seed.

        Raises:
            RegularizeError: within a backward pass, as activation checkpointing calls it: the mask would be another.
        """
        if self.seed is None or not self.training:
            return None
        if torch.compiler.is_compiling():
            # Not in place: the way back may read the count of the way forward.
            self._calls = self._calls + 1
            return derived(torch.tensor(signed(self.seed)), self._calls)
        if torch._C._current_graph_task_id() != -1:
            raise RegularizeError(
                "a seeded dropout layer counts its calls, so checkpointing cannot repeat one: "
                "leave the seed out, and the masks follow torch's generator, which checkpointing restores"
            )
        vars(self)["_calls"] = self._calls + 1  # nn.Module takes its time to see that this is no parameter
        return derived(self.seed, self.calls)

    def extra_repr(self) -> str:
        """Show rate, form and seed."""
        return f"rate={self.rate:g}, form={self.form}" + ("" if self.seed is None else f", seed={self.seed}")


class Dropout(DropoutLayer):
    """Drops single units: for dense layers."""

    def __init__(self, rate: float, *, form: str = "inverted", seed: int | None = None) -> None:
        super().__init__(rate, form=form, seed=seed)

    def dropped(self, input: Tensor) -> Tensor:
        """Drop single units."""
        return dropout(input, rate=self.next_rate(), training=self.training, form=self.form, seed=self.next_seed())


class InputDropout(DropoutLayer):
    """Drops single inputs of a network: the same arithmetic as ``Dropout``, another place, a lower rate."""

    def __init__(self, rate: float, *, form: str = "inverted", seed: int | None = None) -> None:
        super().__init__(rate, form=form, seed=seed)

    def dropped(self, input: Tensor) -> Tensor:
        """Drop single inputs."""
        return input_dropout(
            input, rate=self.next_rate(), training=self.training, form=self.form, seed=self.next_seed()
        )


class SpatialDropout(DropoutLayer):
    """Drops whole feature maps: for convolutions."""

    def __init__(self, rate: float, *, dimensions: int = 0, form: str = "inverted", seed: int | None = None) -> None:
        super().__init__(rate, form=form, seed=seed)
        self.dimensions = dimensions

    def dropped(self, input: Tensor) -> Tensor:
        """Drop whole feature maps."""
        seed = self.next_seed()
        return spatial_dropout(
            input, rate=self.next_rate(), training=self.training, dimensions=self.dimensions, form=self.form, seed=seed
        )


class GaussianDropout(DropoutLayer):
    """Multiplies units by numbers from N(1, rate / (1 - rate)); evaluation passes its input on."""

    def __init__(self, rate: float, *, seed: int | None = None) -> None:
        super().__init__(rate, form="inverted", seed=seed)

    def dropped(self, input: Tensor) -> Tensor:
        """Multiply by noise."""
        return gaussian_dropout(input, rate=self.next_rate(), training=self.training, seed=self.next_seed())


class AlphaDropout(DropoutLayer):
    """Sets units to SELU's floor and keeps mean and variance; evaluation passes its input on."""

    def __init__(self, rate: float, *, seed: int | None = None) -> None:
        super().__init__(rate, form="inverted", seed=seed)

    def dropped(self, input: Tensor) -> Tensor:
        """Set units to the floor."""
        return alpha_dropout(input, rate=self.next_rate(), training=self.training, seed=self.next_seed())


class VariationalDropout(DropoutLayer):
    """Drops the same units at all time steps: for inputs and outputs of recurrent layers, packed sequences too."""

    def __init__(
        self, rate: float, *, batch_first: bool = False, form: str = "inverted", seed: int | None = None
    ) -> None:
        super().__init__(rate, form=form, seed=seed)
        self.batch_first = batch_first

    def dropped(self, input: Tensor) -> Any:
        """Drop the same units at all time steps."""
        seed = self.next_seed()
        return variational_dropout(
            input,
            rate=self.next_rate(),
            training=self.training,
            batch_first=self.batch_first,
            form=self.form,
            seed=seed,
        )


class StochasticDepth(DropoutLayer):
    """Drops a residual branch, for each row or for the whole batch: x + depth(branch(x))."""

    def __init__(self, rate: float, *, each: str = "row", form: str = "inverted", seed: int | None = None) -> None:
        super().__init__(rate, form=form, seed=seed)
        if each not in EACH:
            raise RegularizeError(f"each must be one of {', '.join(EACH)}; got {each!r}")
        self.each = each

    def dropped(self, input: Tensor) -> Tensor:
        """Drop the branch."""
        seed = self.next_seed()
        return stochastic_depth(
            input, rate=self.next_rate(), training=self.training, each=self.each, form=self.form, seed=seed
        )


class DropConnect(DropoutLayer):
    """Drops single weights of the layer that it wraps, biases left; one mask a call.

    The layer is ``layer``: linear, a convolution, or a recurrent layer or cell, whose recurrent weights are dropped (as
    in Merity et al., "Regularizing and optimizing LSTM language models", 2018). It is called with all arguments given.

    Raises:
        RegularizeError: another kind of layer, one without a shape yet, or one whose weights are computed, as by
            ``weight_norm``.

    Source: Wan et al., "Regularization of neural networks using DropConnect", 2013.

    Example:
        >>> layer = DropConnect(nn.Linear(3, 2), rate=0.5, seed=1)
        >>> layer(torch.ones(4, 3)).shape
        torch.Size([4, 2])
    """

    def __init__(self, layer: nn.Module, *, rate: float, form: str = "inverted", seed: int | None = None) -> None:
        super().__init__(rate, form=form, seed=seed)
        if not isinstance(layer, Weighted):
            raise RegularizeError(
                f"DropConnect wraps a linear, convolution or recurrent layer; got {type(layer).__name__}"
            )
        self.layer = layer
        self.weights = _dropped_names(layer)
        for name in self.weights:
            if name not in layer._parameters:
                raise RegularizeError(
                    f"{name} of {type(layer).__name__} is computed from other parameters, as by weight_norm: "
                    "DropConnect cannot drop what is no parameter; remove the parametrisation"
                )
            if is_lazy(getattr(layer, name)):
                raise RegularizeError(
                    f"{name} of {type(layer).__name__} has no shape yet: run the layer on one batch first"
                )

    def dropped(self, input: Any, *others: Any) -> Any:
        """Call the layer with some of its weights dropped."""
        if self.form == "inverted" and not self.training:
            return self.layer(input, *others)
        return functional_call(self.layer, self.masked_weights(), (input, *others))

    def masked_weights(self) -> dict[str, Tensor]:
        """Give the weights of one call, by name."""
        seed, masked = self.next_seed(), {}
        for number, name in enumerate(self.weights):
            own = None if seed is None else derived(seed, number)
            weight = getattr(self.layer, name)
            masked[name] = dropout(weight, rate=self.next_rate(), training=self.training, form=self.form, seed=own)
        return masked


def _dropped_names(layer: Weighted) -> tuple[str, ...]:
    """Give the names of the weights that DropConnect drops."""
    if isinstance(layer, nn.RNNBase):
        return tuple(name for name in layer._flat_weights_names if name.startswith("weight_hh"))
    return ("weight_hh",) if isinstance(layer, nn.RNNCellBase) else ("weight",)
