"""Dropout as layers.

Every layer has ``rate`` (the probability that a unit is **dropped**; it may be set at any time), ``form`` ("inverted",
as in torch: train x * mask / (1 - rate), evaluate x; or "original": train x * mask, evaluate x * (1 - rate)) and obeys
``train()`` and ``eval()``. With a ``seed`` a layer's masks are a function of the seed and of how often it was called in
training, ``calls``; without, they come from torch's generator, as ``torch.manual_seed`` left it. A layer has no
parameters and no buffers: it may be put in and taken out without a change to ``state_dict``. In a trace by
``torch.fx`` it is one node, as torch's own.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from torch import Tensor, fx, nn
from torch.func import functional_call

from evenfit.errors import RegularizeError
from evenfit.regularize.dropout.chance import key
from evenfit.regularize.dropout.functional import (
    EACH,
    alpha_dropout,
    check_form,
    check_rate,
    dropout,
    gaussian_dropout,
    spatial_dropout,
    stochastic_depth,
    variational_dropout,
)


class DropoutLayer(nn.Module):
    """What all dropout layers are: a rate, a form, and chance."""

    rate: float
    form: str
    seed: int | None
    calls: int

    def __init__(self, rate: float, *, form: str, seed: int | None) -> None:
        super().__init__()
        self.rate = check_rate(rate)
        self.form = check_form(form)
        self.seed = seed
        self.calls = 0

    def forward(self, input: Tensor | fx.Proxy) -> Any:
        """Drop in training, and scale or pass on in evaluation."""
        if isinstance(input, fx.Proxy):
            tracer: Any = input.tracer
            return tracer.create_proxy("call_module", tracer.path_of_module(self), (input,), {})
        return self.dropped(input)

    @abstractmethod
    def dropped(self, input: Tensor) -> Tensor:
        """Do what the layer is for."""

    def next_seed(self) -> int | None:
        """Give the seed of the next mask, and count the call, in training; None without a seed."""
        if self.seed is None or not self.training:
            return None
        self.calls += 1
        return key(self.seed, self.calls)

    def extra_repr(self) -> str:
        """Show rate, form and seed."""
        return f"rate={self.rate:g}, form={self.form}" + ("" if self.seed is None else f", seed={self.seed}")


class Dropout(DropoutLayer):
    """Drops single units: for dense layers."""

    def __init__(self, rate: float, *, form: str = "inverted", seed: int | None = None) -> None:
        super().__init__(rate, form=form, seed=seed)

    def dropped(self, input: Tensor) -> Tensor:
        """Drop single units."""
        return dropout(input, rate=self.rate, training=self.training, form=self.form, seed=self.next_seed())


class InputDropout(DropoutLayer):
    """Drops single inputs of a network: the same arithmetic as ``Dropout``, another place, a lower rate."""

    def __init__(self, rate: float, *, form: str = "inverted", seed: int | None = None) -> None:
        super().__init__(rate, form=form, seed=seed)

    def dropped(self, input: Tensor) -> Tensor:
        """Drop single inputs."""
        return dropout(input, rate=self.rate, training=self.training, form=self.form, seed=self.next_seed())


class SpatialDropout(DropoutLayer):
    """Drops whole feature maps: for convolutions."""

    def __init__(self, rate: float, *, dimensions: int = 0, form: str = "inverted", seed: int | None = None) -> None:
        super().__init__(rate, form=form, seed=seed)
        self.dimensions = dimensions

    def dropped(self, input: Tensor) -> Tensor:
        """Drop whole feature maps."""
        seed = self.next_seed()
        return spatial_dropout(
            input, rate=self.rate, training=self.training, dimensions=self.dimensions, form=self.form, seed=seed
        )


class GaussianDropout(DropoutLayer):
    """Multiplies units by numbers from N(1, rate / (1 - rate)); evaluation passes its input on."""

    def __init__(self, rate: float, *, seed: int | None = None) -> None:
        super().__init__(rate, form="inverted", seed=seed)

    def dropped(self, input: Tensor) -> Tensor:
        """Multiply by noise."""
        return gaussian_dropout(input, rate=self.rate, training=self.training, seed=self.next_seed())


class AlphaDropout(DropoutLayer):
    """Sets units to SELU's floor and keeps mean and variance; evaluation passes its input on."""

    def __init__(self, rate: float, *, seed: int | None = None) -> None:
        super().__init__(rate, form="inverted", seed=seed)

    def dropped(self, input: Tensor) -> Tensor:
        """Set units to the floor."""
        return alpha_dropout(input, rate=self.rate, training=self.training, seed=self.next_seed())


class VariationalDropout(DropoutLayer):
    """Drops the same units at all time steps: for the inputs and outputs of recurrent layers."""

    def __init__(
        self, rate: float, *, batch_first: bool = False, form: str = "inverted", seed: int | None = None
    ) -> None:
        super().__init__(rate, form=form, seed=seed)
        self.batch_first = batch_first

    def dropped(self, input: Tensor) -> Tensor:
        """Drop the same units at all time steps."""
        seed = self.next_seed()
        return variational_dropout(
            input, rate=self.rate, training=self.training, batch_first=self.batch_first, form=self.form, seed=seed
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
            input, rate=self.rate, training=self.training, each=self.each, form=self.form, seed=seed
        )


class DropConnect(DropoutLayer):
    """Drops single weights of the layer that it wraps, biases left; one mask a call (Wan et al., 2013).

    The layer is ``layer``: an ``nn.Linear``, a convolution, or a recurrent layer, of which the recurrent weights are
    dropped.
    """

    def __init__(self, layer: nn.Module, *, rate: float, form: str = "inverted", seed: int | None = None) -> None:
        super().__init__(rate, form=form, seed=seed)
        self.layer = layer
        if isinstance(layer, nn.RNNBase):
            self.weights = tuple(name for name, _ in layer.named_parameters() if name.startswith("weight_hh"))
        elif isinstance(getattr(layer, "weight", None), Tensor):
            self.weights = ("weight",)
        else:
            raise RegularizeError(f"DropConnect wraps a linear, convolution or recurrent layer; got {layer}")

    def dropped(self, input: Tensor) -> Tensor:
        """Call the layer with some of its weights dropped."""
        if self.rate == 0 or (not self.training and self.form == "inverted"):
            given: Tensor = self.layer(input)
            return given
        seed = self.next_seed()
        dropped = {
            name: dropout(
                getattr(self.layer, name),
                rate=self.rate,
                training=self.training,
                form=self.form,
                seed=None if seed is None else key(seed, number),
            )
            for number, name in enumerate(self.weights)
        }
        replaced: Tensor = functional_call(self.layer, dropped, (input,))
        return replaced
