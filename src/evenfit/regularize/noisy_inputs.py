"""Gaussian noise on inputs: near rows should be predicted alike."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn

from evenfit.errors import RegularizeError
from evenfit.regularize.chance import key
from evenfit.regularize.seeds import MemberSeeds, Seed, generator_of, number_of, numbers_of


def input_noise(x: Tensor, std: float | Tensor, *, seed: Seed | MemberSeeds) -> Tensor:
    """Give inputs with Gaussian noise added; for training only.

    Small noise on the inputs of a least-squares model is, on average, an L2 penalty of strength std^2.

    Args:
        x: real numbers ``[rows, ...]``, or ``[members, rows, ...]``.
        std: standard deviation, at least 0, or one for each member, ``[members]``; where it is 0 nothing changes,
            bit for bit.
        seed: of the noise, such as the number of the step (one seed, one noise); or a generator; with a deviation for
            each member one number for each, so that none changes with its neighbours.

    Raises:
        RegularizeError: a negative or infinite deviation, as many deviations or seeds as there are not members, or
            inputs that are not real numbers.

    Source: Bishop, "Training with noise is equivalent to Tikhonov regularization", 1995.

    Example:
        >>> x = torch.zeros(2, 3)
        >>> noisy = input_noise(x, 0.1, seed=1)
        >>> torch.equal(noisy, input_noise(x, 0.1, seed=1))
        True
    """
    check_numbers(x)
    check_deviation(std)
    deviation = torch.as_tensor(std, dtype=torch.float64, device="cpu")
    if deviation.dim() == 0:
        return x if deviation == 0 else x + float(deviation) * normal(x, seed=seed)
    if deviation.shape != x.shape[:1]:
        raise RegularizeError(
            "noise needs one deviation, or one for each member, the first axis of the inputs; "
            f"got deviations {list(deviation.shape)} and inputs {list(x.shape)}"
        )
    seeds = numbers_of(seed, members=len(x))
    return torch.stack([input_noise(x[m], float(deviation[m]), seed=seeds[m]) for m in range(len(x))])


class InputNoise(nn.Module):
    """Adds Gaussian noise to its input in training, and passes it on in evaluation.

    For a network's first layer, or between layers. It has no parameters and no buffers: it may be put in and taken out
    without a change to ``state_dict``. In a trace by ``torch.fx`` it is one node.

    Args:
        std: standard deviation of the noise, at least 0; it may be set at any time.
        seed: with one, the noise is a function of the seed and of how often the layer was called in training,
            ``calls``; without, it comes from torch's generator, as ``torch.manual_seed`` left it.

    Raises:
        RegularizeError: a negative or infinite deviation, or a seed that is none; when called, an input that is not
            real numbers.

    Source: Bishop, "Training with noise is equivalent to Tikhonov regularization", 1995.

    Example:
        >>> model = nn.Sequential(InputNoise(0.1, seed=1), nn.Linear(3, 1))
        >>> x = torch.rand(2, 3)
        >>> bool((model(x) == model(x)).any()), torch.equal(model.eval()(x), model(x))
        (False, True)
    """

    def __init__(self, std: float, *, seed: int | None = None) -> None:
        super().__init__()
        check_deviation(std)
        self.std = float(std)
        self.seed = None if seed is None else number_of(seed)
        self.calls = 0

    def forward(self, input: Any) -> Any:
        """Add noise in training, and pass on in evaluation."""
        if isinstance(input, fx.Proxy):
            tracer: Any = input.tracer
            return tracer.create_proxy("call_module", tracer.path_of_module(self), (input,), {})
        if not self.training or self.std == 0:
            return input
        check_numbers(input)
        return input + self.std * torch.randn_like(input) if self.seed is None else self._seeded(input, self.seed)

    @torch.compiler.disable
    def _seeded(self, input: Tensor, seed: int) -> Tensor:
        self.calls += 1  # torch.compile would compile anew for each
        return input_noise(input, self.std, seed=key(seed, self.calls))

    def extra_repr(self) -> str:
        """Show deviation and seed."""
        return f"std={self.std:g}" + ("" if self.seed is None else f", seed={self.seed}")


def normal(like: Tensor, *, seed: Seed | MemberSeeds) -> Tensor:
    """Draw standard normal numbers of a tensor's shape, precision and device.

    Raises:
        RegularizeError: the seed is not one number or generator.
    """
    generator = generator_of(seed)
    return torch.randn(like.shape, generator=generator, device=generator.device).to(like)


def check_numbers(x: Tensor) -> None:
    """See that inputs are real numbers.

    Raises:
        RegularizeError: they are not.
    """
    if not x.is_floating_point():
        raise RegularizeError(f"noise needs inputs that are real numbers, got {x.dtype}: add it to their embeddings")


def check_deviation(std: float | Tensor) -> None:
    """See that standard deviations are finite and not negative.

    Raises:
        RegularizeError: they are not.
    """
    deviation = torch.as_tensor(std)
    if not bool(((deviation >= 0) & deviation.isfinite()).all()):
        raise RegularizeError(f"the standard deviation of noise must be a number of at least 0, got {std}")
