"""Gaussian noise on weights or inputs, for one pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from evenfit.errors import RegularizeError


@contextmanager
def weight_noise(model: nn.Module, std: float, *, seed: int | torch.Generator) -> Iterator[nn.Module]:
    """Let a model's weights carry Gaussian noise within a ``with`` block; after it they are what they were, untouched.

    Weights are the trainable parameters of two or more dimensions: biases and normalisation stay as they are. The
    noise is added outside the parameters, so gradients reach them whether ``backward`` is called in the block or after
    it; what changes a parameter in place, as an optimiser's step does, belongs after the block. Tied weights carry
    the same noise.

    Args:
        model: any module; within the block its ``parameters()`` are the noisy ones.
        std: standard deviation of the noise, at least 0; 0 changes nothing, bit for bit.
        seed: of the noise, such as the number of the step (one seed, one noise, on every device); or a generator.

    Raises:
        RegularizeError: a negative or infinite deviation, or a model without weights.

    Source: Graves, "Practical variational inference for neural networks", 2011; Murray & Edwards, "Enhanced MLP
    performance and fault tolerance resulting from synaptic weight noise during training", 1994.

    Example:
        >>> model, x = nn.Linear(3, 1), torch.rand(2, 3)
        >>> with weight_noise(model, 0.1, seed=1):
        ...     loss = model(x).square().mean()
        >>> loss.backward()
    """
    _check(std)
    places = _weights(model)
    if std == 0:
        yield model
        return
    generator = _generator(seed)
    noisy: dict[nn.Parameter, Tensor] = {}
    for _, _, weight in places:
        if weight not in noisy:
            noisy[weight] = weight + std * _normal(weight, generator)
    changed = {module for module, _, _ in places}
    try:
        for module, name, weight in places:
            module._parameters[name] = noisy[weight]  # type: ignore[assignment]  # a plain tensor, as torch.func does
        _refresh(changed)
        yield model
    finally:
        for module, name, weight in places:
            module._parameters[name] = weight
        _refresh(changed)


def input_noise(x: Tensor, std: float | Tensor, *, seed: int | torch.Generator) -> Tensor:
    """Give inputs with Gaussian noise added; for training only.

    Small noise on the inputs of a least-squares model is, on average, an L2 penalty of strength std^2.

    Args:
        x: real numbers ``[rows, ...]``, or ``[members, rows, ...]``.
        std: standard deviation, at least 0, or one for each member, ``[members]``; where it is 0 nothing changes,
            bit for bit.
        seed: of the noise, such as the number of the step; or a generator.

    Raises:
        RegularizeError: a negative or infinite deviation, as many as there are not members, or inputs that are not
            real numbers.

    Source: Bishop, "Training with noise is equivalent to Tikhonov regularization", 1995.

    Example:
        >>> x = torch.zeros(2, 3)
        >>> noisy = input_noise(x, 0.1, seed=1)
        >>> torch.equal(noisy, input_noise(x, 0.1, seed=1))
        True
    """
    _check(std)
    if not x.is_floating_point():
        raise RegularizeError(f"noise needs inputs that are real numbers, got {x.dtype}: add it to their embeddings")
    deviation = torch.as_tensor(std).to(x)
    if deviation.dim() > 1 or (deviation.dim() == 1 and (x.dim() < 2 or len(deviation) != len(x))):
        raise RegularizeError(
            "noise needs one deviation, or one for each member, the first axis of the inputs; "
            f"got deviations {list(deviation.shape)} and inputs {list(x.shape)}"
        )
    if not bool((deviation > 0).any()):
        return x
    if deviation.dim():
        deviation = deviation.reshape(-1, *[1] * (x.dim() - 1))
    return torch.where(deviation > 0, x + deviation * _normal(x, _generator(seed)), x)


def _weights(model: nn.Module) -> list[tuple[nn.Module, str, nn.Parameter]]:
    """Give where the weights lie, (module, name in it, weight); a tied weight lies in several places."""
    places = [
        (module, name, weight)
        for module in model.modules()
        for name, weight in module._parameters.items()
        if weight is not None and weight.requires_grad and weight.is_floating_point() and weight.dim() >= 2
    ]
    if not places:
        raise RegularizeError(
            f"{type(model).__name__} has no weights for noise: no trainable parameter of two or more dimensions"
        )
    return places


def _refresh(modules: set[nn.Module]) -> None:
    """Let recurrent layers, which keep a list of their weights beside them, see the present ones."""
    for module in modules:
        if isinstance(module, nn.RNNBase):
            module._flat_weights = [getattr(module, name) for name in module._flat_weights_names]


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.randn(like.shape, generator=generator, device=generator.device, dtype=torch.float32)
    return drawn.to(like)


def _generator(seed: int | torch.Generator) -> torch.Generator:
    """Give a generator; one made of a seed draws on the processor, so that a device changes nothing."""
    return seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(seed)


def _check(std: float | Tensor) -> None:
    deviation = torch.as_tensor(std)
    if not bool(((deviation >= 0) & deviation.isfinite()).all()):
        raise RegularizeError(f"the standard deviation of noise must be a number of at least 0, got {std}")
