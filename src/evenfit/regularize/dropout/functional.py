"""Dropout as functions of a tensor.

Each takes ``rate``, the probability that a unit is **dropped**, and ``training``, which has no default: dropout that
is left on at inference is an error that nobody sees. Given a tensor of rates, one for each member, the input's first
axis is members, and each member's mask depends on its own rate and seed alone.

Two forms. The inverted one, torch's: train x * mask / (1 - rate), evaluate x. The original one (Srivastava et al.,
"Dropout: a simple way to prevent neural networks from overfitting", 2014): train x * mask, evaluate x * (1 - rate).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function_unary

from evenfit.errors import RegularizeError
from evenfit.regularize.dropout.masks import Rate, Seed, keep_mask

FORMS = ("inverted", "original")
EACH = ("row", "batch")
SELU_FLOOR = -1.7580993408473766  # what SELU gives far to the left: minus its scale times its alpha


def check_rate(rate: Rate) -> float:
    """Give the rate as a float.

    Raises:
        RegularizeError: it is not a number in [0, 1).
    """
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
        raise RegularizeError(f"rate, the probability that a unit is dropped, must be a number in [0, 1); got {rate!r}")
    return float(rate)


def check_form(form: str) -> str:
    """Give the form.

    Raises:
        RegularizeError: it is not one of FORMS.
    """
    if form not in FORMS:
        raise RegularizeError(f"form must be one of {', '.join(FORMS)}; got {form!r}")
    return form


def dropout(
    input: Tensor,
    *,
    rate: Rate,
    training: bool,
    form: str = "inverted",
    seed: Seed = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Drop single units.

    Example:
        >>> dropout(torch.ones(4), rate=0.5, training=False, form="original")
        tensor([0.5000, 0.5000, 0.5000, 0.5000])
    """
    if has_torch_function_unary(input):
        given: Tensor = handle_torch_function(
            dropout, (input,), input, rate=rate, training=training, seed=seed, generator=generator, form=form
        )
        return given
    return _scaled(input, input.shape, rate, form, seed, generator, training=training)


def spatial_dropout(
    input: Tensor,
    *,
    rate: Rate,
    training: bool,
    dimensions: int = 0,
    form: str = "inverted",
    seed: Seed = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Drop whole feature maps: input [rows, channels, length], [rows, channels, height, width] or one axis more.

    ``dimensions`` is the number of axes of one map; 0 takes it from the input's rank, except that rank 3 is refused.
    """
    if has_torch_function_unary(input):
        given: Tensor = handle_torch_function(
            spatial_dropout,
            (input,),
            input,
            rate=rate,
            training=training,
            dimensions=dimensions,
            seed=seed,
            generator=generator,
            form=form,
        )
        return given
    rank = input.ndim - isinstance(rate, Tensor)
    if dimensions == 0 and rank == 3:
        raise RegularizeError(
            f"an input of shape {tuple(input.shape)} may be [rows, channels, length] or one image without rows: "
            "say dimensions=1, or add the axis of rows with unsqueeze(0)"
        )
    if rank != (dimensions or rank) + 2 * (dimensions > 0) or not 4 <= rank + (dimensions == 1) <= 5:
        raise RegularizeError(
            f"spatial dropout of {dimensions or 'any'} dimensions cannot take an input of shape {tuple(input.shape)}"
        )
    maps = input.ndim - (dimensions or rank - 2)
    return _scaled(
        input, (*input.shape[:maps], *[1] * (input.ndim - maps)), rate, form, seed, generator, training=training
    )


def gaussian_dropout(
    input: Tensor, *, rate: Rate, training: bool, seed: Seed = None, generator: torch.Generator | None = None
) -> Tensor:
    """Multiply each unit by a number from N(1, rate / (1 - rate)) (Srivastava et al., 2014, section 10)."""
    if has_torch_function_unary(input):
        given: Tensor = handle_torch_function(
            gaussian_dropout, (input,), input, rate=rate, training=training, seed=seed, generator=generator
        )
        return given
    rate = check_rate(rate)
    if not training or rate == 0:
        return input
    noise = torch.randn(input.shape, generator=generator, dtype=input.dtype, device=input.device)
    return input * (1 + noise * math.sqrt(rate / (1 - rate)))


def alpha_dropout(
    input: Tensor, *, rate: Rate, training: bool, seed: Seed = None, generator: torch.Generator | None = None
) -> Tensor:
    """Set units to SELU's floor, and keep mean 0 and variance 1 (Klambauer et al., "Self-normalizing ...", 2017)."""
    if has_torch_function_unary(input):
        given: Tensor = handle_torch_function(
            alpha_dropout, (input,), input, rate=rate, training=training, seed=seed, generator=generator
        )
        return given
    rate = check_rate(rate)
    if not training or rate == 0:
        return input
    mask = keep_mask(input.shape, rate=rate, seed=seed, generator=generator, device=input.device)
    scale = 1 / math.sqrt((1 - rate) * (1 + rate * SELU_FLOOR**2))
    return torch.where(mask, input * scale, SELU_FLOOR * scale) - scale * rate * SELU_FLOOR


def variational_dropout(
    input: Tensor,
    *,
    rate: Rate,
    training: bool,
    batch_first: bool,
    form: str = "inverted",
    seed: Seed = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Drop the same units at all time steps (Gal & Ghahramani, "A theoretically grounded ...", 2016)."""
    if has_torch_function_unary(input):
        given: Tensor = handle_torch_function(
            variational_dropout,
            (input,),
            input,
            rate=rate,
            training=training,
            batch_first=batch_first,
            seed=seed,
            generator=generator,
            form=form,
        )
        return given
    shape = list(input.shape)
    shape[-2 if batch_first else -3] = 1
    return _scaled(input, shape, rate, form, seed, generator, training=training)


def stochastic_depth(
    input: Tensor,
    *,
    rate: Rate,
    training: bool,
    each: str = "row",
    form: str = "inverted",
    seed: Seed = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Drop a residual branch, for each row or for the whole batch (Huang et al., "Deep networks with ...", 2016)."""
    if has_torch_function_unary(input):
        given: Tensor = handle_torch_function(
            stochastic_depth,
            (input,),
            input,
            rate=rate,
            training=training,
            each=each,
            seed=seed,
            generator=generator,
            form=form,
        )
        return given
    first = input.shape[0] if each == "row" else 1
    return _scaled(input, (first, *[1] * (input.ndim - 1)), rate, form, seed, generator, training=training)


def _scaled(
    input: Tensor,
    shape: Sequence[int],
    rate: Rate,
    form: str,
    seed: Seed,
    generator: torch.Generator | None,
    *,
    training: bool,
) -> Tensor:
    """Multiply by a mask of ``shape``, or by the kept share."""
    rate = check_rate(rate)
    if rate == 0 or (form == "inverted" and not training):
        return input
    if not training:
        return input * (1 - rate)
    mask = keep_mask(shape, rate=rate, seed=seed, generator=generator, device=input.device).to(input.dtype)
    return input * (mask if form == "original" else mask / (1 - rate))
