"""Gaussian noise on weights: a network should not depend on their last digits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import cast

from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

from evenfit.errors import RegularizeError
from evenfit.regularize.noisy_inputs import check_deviation, normal
from evenfit.regularize.parameters import ModelParameter, parameters_of
from evenfit.regularize.seeds import Seed, generator_of


@contextmanager
def weight_noise(model: nn.Module, std: float, *, seed: Seed) -> Iterator[nn.Module]:
    """Let a model's weights carry Gaussian noise within a ``with`` block; after it they are what they were, untouched.

    Weights are what penalties see, without what is frozen: no biases, embeddings or normalisation. The noise is added
    outside the parameters, so gradients reach them whether ``backward`` is called in the block or after it; what
    changes a parameter in place, as an optimiser's step does, belongs after the block. Shared weights carry the same
    noise, and a weight that is computed by a parametrisation, as by weight norm, carries it behind that.

    Args:
        model: any module; within the block its ``parameters()`` are the noisy ones.
        std: standard deviation of the noise, at least 0; 0 changes nothing, bit for bit.
        seed: of the noise, such as the number of the step (one seed, one noise); or a generator.

    Raises:
        RegularizeError: a negative or infinite deviation, a model without weights, or one whose weights are computed
            by hooks, as the old ``torch.nn.utils.weight_norm`` does.

    Source: Murray & Edwards, "Enhanced MLP performance and fault tolerance resulting from synaptic weight noise during
    training", 1994; Graves, "Practical variational inference for neural networks", 2011.

    Example:
        >>> model, x = nn.Linear(3, 1), torch.rand(2, 3)
        >>> with weight_noise(model, 0.1, seed=1):
        ...     loss = model(x).square().mean()
        >>> loss.backward()
    """
    check_deviation(std)
    weights = _weights(model)
    if std == 0:
        yield model
        return
    generator = generator_of(seed)
    with ExitStack() as stack:
        for one in weights:
            weight = one.tensor
            noise = std * normal(weight, seed=generator)
            if one.made_of:
                stack.enter_context(_behind(one, noise))
            else:
                stack.enter_context(_instead(_places(model, weight), weight + noise))
        yield model


def _weights(model: nn.Module) -> Sequence[ModelParameter]:
    weights = [one for one in parameters_of(model) if one.kind == "weight" and one.tensor.requires_grad]
    if not weights:
        raise RegularizeError(
            f"{type(model).__name__} has no weights for noise: biases, embeddings, normalisation and frozen parameters "
            "carry none"
        )
    for one in weights:
        if one.by_hook:
            raise RegularizeError(
                f"{one.name} is computed by a hook before each pass, which would undo noise on it: "
                "use torch.nn.utils.parametrizations"
            )
    return weights


def _places(model: nn.Module, weight: Tensor) -> list[tuple[nn.Module, str]]:
    """Give where a weight lies: a shared one in several modules."""
    return [(module, name) for module in model.modules() for name, one in module._parameters.items() if one is weight]


@contextmanager
def _instead(places: Sequence[tuple[nn.Module, str]], noisy: Tensor) -> Iterator[None]:
    """Put a noisy weight where the model's own lies."""
    own = [module._parameters[name] for module, name in places]
    _put(places, [noisy] * len(places))
    try:
        yield
    finally:
        _put(places, own)


def _put(places: Sequence[tuple[nn.Module, str]], tensors: Sequence[Tensor | None]) -> None:
    for (module, name), tensor in zip(places, tensors, strict=True):
        module._parameters[name] = tensor  # type: ignore[assignment]  # a plain tensor, as torch.func does it


class _Added(nn.Module):
    """The last step of a parametrisation: noise on what it computed."""

    def __init__(self, noise: Tensor) -> None:
        super().__init__()
        self.noise = noise

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.noise


@contextmanager
def _behind(weight: ModelParameter, noise: Tensor) -> Iterator[None]:
    """Add noise to a weight behind what computes it."""
    parametrisation = cast("ParametrizationList", weight.layer.get_submodule(f"parametrizations.{weight.attribute}"))
    parametrisation.append(_Added(noise))
    try:
        yield
    finally:
        del parametrisation[-1]
