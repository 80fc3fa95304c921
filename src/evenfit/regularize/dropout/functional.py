"""Dropout as functions of a tensor.

Each takes ``rate``, the probability that a unit is **dropped**, in [0, 1), and ``training``, which has no default:
dropout that is left on at inference is an error that nobody sees.

Two forms. The inverted one, torch's: train x * mask / (1 - rate), evaluate x. The original one (Srivastava et al.,
"Dropout: a simple way to prevent neural networks from overfitting", 2014): train x * mask, evaluate x * (1 - rate).
In both the expectation in training is what evaluation gives, for the exact share that masks of the rate keep.

Chance. ``seed`` makes the mask a function of itself and of a unit's place, on every device and for every type of
number; without, a stream is drawn from ``generator``, or from torch's own, as ``torch.manual_seed`` left it. Under
``torch.vmap`` a seed gives all lanes one mask; without a seed vmap's ``randomness`` decides.

Members. With a sequence or a tensor of rates or of seeds, one for each member, the input's first axis is members, and
a member's mask depends on its own rate and seed alone: it is the one that it would get by itself, without that axis.
One seed for all members gives each another mask.

All raise ``RegularizeError`` for a rate outside [0, 1), an unknown form, an input that is not made of real or complex
floating-point numbers, and rates or seeds that are not one for each member.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import linear
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import handle_torch_function, has_torch_function_unary

from evenfit.errors import RegularizeError
from evenfit.regularize.dropout.draws import Draw, draw
from evenfit.regularize.dropout.masks import factors, multiplied, shared
from evenfit.regularize.dropout.noise import noised
from evenfit.regularize.dropout.rates import Rate, kept_share
from evenfit.regularize.dropout.streams import Seed

EACH = ("row", "batch")
SELU_FLOOR = -1.7580993408473766  # what SELU gives far to the left: minus its scale times its alpha

Dropper = TypeVar("Dropper", bound=Callable[..., Any])


def overridable(function: Dropper) -> Dropper:
    """Let tensors that stand for others, such as those of ``torch.fx``, take the call for themselves."""

    @wraps(function)
    def call(input: Tensor, *others: Any, **settings: Any) -> Any:
        if has_torch_function_unary(input):
            settings = {**(function.__kwdefaults__ or {}), **settings}  # all are said, for those who read a trace
            return handle_torch_function(call, (input,), input, *others, **settings)
        return function(input, *others, **settings)

    return call  # type: ignore[return-value]


@overridable
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

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    Example:
        >>> dropout(torch.ones(4), rate=0.5, training=False, form="original")
        tensor([0.5000, 0.5000, 0.5000, 0.5000])
    """
    found = _draw(input, rate, form, seed, generator)
    if not training or found.never():
        return _resting(input, found, training=training)
    return multiplied(input, found)


@overridable
def input_dropout(
    input: Tensor,
    *,
    rate: Rate,
    training: bool,
    form: str = "inverted",
    seed: Seed = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Drop single inputs of a network: the same arithmetic as ``dropout``, another place, a lower rate.

    Source: Srivastava et al., 2014, who dropped 0.2 of the inputs and 0.5 of the hidden units.
    """
    dropped: Tensor = dropout(input, rate=rate, training=training, form=form, seed=seed, generator=generator)
    return dropped


@overridable
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

    ``dimensions``, 1 to 3, is the number of axes of one map; 0 takes 2 or 3 from the input's rank. Rank 3 has to be
    told: [rows, channels, length] and one image [channels, height, width] look the same, and torch's ``Dropout2d``
    takes the one for the other.

    Raises:
        RegularizeError: also for an input that has not rows, channels and ``dimensions`` axes more.

    Source: Tompson et al., "Efficient object localization using convolutional networks", 2015.

    Example:
        >>> kept = spatial_dropout(torch.ones(2, 8, 3, 3), rate=0.5, training=True, seed=1) > 0
        >>> bool((kept.all((2, 3)) == kept.any((2, 3))).all())
        True
    """
    found = _draw(input, rate, form, seed, generator)
    rank = input.dim() - (found.members is not None)
    if dimensions not in (0, 1, 2, 3):
        raise RegularizeError(f"dimensions must be 1, 2 or 3, or 0 for 2 or 3 by the input's rank; got {dimensions!r}")
    if dimensions == 0 and rank == 3:
        raise RegularizeError(
            f"an input of shape {tuple(input.shape)} may be [rows, channels, length] or one image without rows: "
            "say dimensions=1, or add the axis of rows with unsqueeze(0)"
        )
    if rank != dimensions + 2 if dimensions else rank not in (4, 5):
        wanted = dimensions + 2 if dimensions else "4 or 5"
        raise RegularizeError(
            f"spatial dropout needs rows, channels and the axes of a map, {wanted} axes; "
            f"got the shape {tuple(input.shape)}"
        )
    if not training or found.never():
        return _resting(input, found, training=training)
    maps = input.dim() - rank + 2
    return shared(input, (*input.shape[:maps], *[1] * (rank - 2)), found)


@overridable
def gaussian_dropout(
    input: Tensor, *, rate: Rate, training: bool, seed: Seed = None, generator: torch.Generator | None = None
) -> Tensor:
    """Multiply each unit by a number from N(1, rate / (1 - rate)): the mean and variance of an inverted mask.

    Evaluation passes the input on. One seed gives one noise up to the rounding of logarithms and cosines.

    Source: Srivastava et al., 2014, section 10.

    Example:
        >>> gaussian_dropout(torch.ones(4), rate=0.5, training=True, seed=1).shape
        torch.Size([4])
    """
    found = _draw(input, rate, "inverted", seed, generator)
    if not training or found.never():
        return input
    return noised(input, found)


@overridable
def alpha_dropout(
    input: Tensor, *, rate: Rate, training: bool, seed: Seed = None, generator: torch.Generator | None = None
) -> Tensor:
    """Set units to SELU's floor, and shift and scale all so that mean 0 and variance 1 stay.

    Evaluation passes the input on.

    Source: Klambauer et al., "Self-normalizing neural networks", 2017.

    Example:
        >>> len(alpha_dropout(torch.randn(100), rate=0.5, training=True, seed=1).unique()) < 100
        True
    """
    found = _draw(input, rate, "original", seed, generator)
    if not training or found.never():
        return input
    kept = found.kept(input)
    scale = 1 / torch.sqrt(kept * (1 + (1 - kept) * SELU_FLOOR**2))
    above = multiplied(input.to(scale.dtype) - SELU_FLOOR, found)  # above the floor, so that 0 is the floor
    return (scale * (above + kept * SELU_FLOOR)).to(input.dtype)


@overridable
def variational_dropout(
    input: Tensor | PackedSequence,
    *,
    rate: Rate,
    training: bool,
    batch_first: bool,
    form: str = "inverted",
    seed: Seed = None,
    generator: torch.Generator | None = None,
) -> Any:
    """Drop the same units at all time steps, others for each sequence: for inputs and outputs of recurrent layers.

    The input is [time, rows, features], or [rows, time, features] with ``batch_first``, or one sequence
    [time, features]. A ``PackedSequence`` gives one, with the mask that the padded tensor would get; it has no members.

    Source: Gal & Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks", 2016.

    Example:
        >>> kept = variational_dropout(torch.ones(2, 5, 8), rate=0.5, training=True, batch_first=True, seed=1) > 0
        >>> bool((kept == kept[:, :1]).all())
        True
    """
    if isinstance(input, PackedSequence):
        return _packed_dropout(input, rate, form, seed, generator, batch_first=batch_first, training=training)
    found = _draw(input, rate, form, seed, generator)
    rank = input.dim() - (found.members is not None)
    if rank not in (2, 3):
        raise RegularizeError(
            "variational dropout needs [time, rows, features], [rows, time, features] with batch_first, or "
            f"[time, features]; got the shape {tuple(input.shape)}"
        )
    if not training or found.never():
        return _resting(input, found, training=training)
    shape = list(input.shape)
    shape[-2 if batch_first or rank == 2 else -3] = 1
    return shared(input, shape, found)


@overridable
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
    """Drop a residual branch whole: for each row (first axis, or first after members), or for the whole batch.

    Source: Huang et al., "Deep networks with stochastic depth", 2016 (the original form, each batch); for each row,
    Tan & Le, "EfficientNet", 2019.

    Example:
        >>> branch = stochastic_depth(torch.ones(8, 3), rate=0.5, training=True, seed=1)
        >>> sorted(branch.sum(1).unique().tolist())
        [0.0, 6.0]
    """
    if each not in EACH:
        raise RegularizeError(f"each must be one of {', '.join(EACH)}; got {each!r}")
    found = _draw(input, rate, form, seed, generator)
    leading = 1 + (found.members is not None)
    if input.dim() < leading:
        raise RegularizeError(f"stochastic depth needs an axis of rows; got the shape {tuple(input.shape)}")
    if not training or found.never():
        return _resting(input, found, training=training)
    first = input.shape[:leading] if each == "row" else (*input.shape[: leading - 1], 1)
    return shared(input, (*first, *[1] * (input.dim() - leading)), found)


@overridable
def drop_connect(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    rate: Rate,
    training: bool,
    form: str = "inverted",
    seed: Seed = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Give a linear layer's output with single weights dropped, the bias left, and one mask for all rows.

    ``input`` is [..., in], ``weight`` [out, in], ``bias`` [out]; with members [members, rows, in],
    [members, out, in] and [members, out].

    Source: Wan et al., "Regularization of neural networks using DropConnect", 2013, who draw a mask for each row.

    Example:
        >>> drop_connect(torch.ones(2, 3), torch.ones(4, 3), rate=0.5, training=False, form="original")[0]
        tensor([1.5000, 1.5000, 1.5000, 1.5000])
    """
    dropped: Tensor = dropout(weight, rate=rate, training=training, form=form, seed=seed, generator=generator)
    if weight.dim() == 2:
        return linear(input, dropped, bias)
    if weight.dim() != 3 or input.dim() != 3 or len(input) != len(weight):
        raise RegularizeError(
            "DropConnect needs a weight [out, in], or with members [members, out, in] and inputs [members, rows, in]; "
            f"got the weight {tuple(weight.shape)} and inputs {tuple(input.shape)}"
        )
    product = input @ dropped.transpose(1, 2)
    return product if bias is None else product + bias[:, None]


elementwise_dropout = dropout  # its name in evenfit.regularize, where "dropout" is this package

DROPOUTS: dict[str, Callable[..., Any]] = {
    "elementwise": dropout,
    "input": input_dropout,
    "spatial": spatial_dropout,
    "gaussian": gaussian_dropout,
    "alpha": alpha_dropout,
    "variational": variational_dropout,
    "stochastic-depth": stochastic_depth,
    "drop-connect": drop_connect,
}


def _draw(input: Tensor, rate: Rate, form: str, seed: Seed, generator: torch.Generator | None) -> Draw:
    if not (input.is_floating_point() or input.is_complex()) or input.layout != torch.strided:
        raise RegularizeError(f"dropout needs dense floating-point numbers; got {input.dtype}, {input.layout}")
    return draw(input.shape, rate=rate, form=form, seed=seed, generator=generator)


def _resting(input: Tensor, found: Draw, *, training: bool) -> Tensor:
    """Give what there is without a mask: the input, or, in evaluation of the original form, its kept share."""
    if training or found.form == "inverted" or found.never():
        return input
    if found.members is None and found.rates:
        return input * kept_share(found.rates[0])
    return (input * found.kept(input)).to(input.dtype)


def _packed_dropout(
    input: PackedSequence,
    rate: Rate,
    form: str,
    seed: Seed,
    generator: torch.Generator | None,
    *,
    batch_first: bool,
    training: bool,
) -> PackedSequence:
    """Drop the same units at all time steps of packed sequences: of each, what its padded self would lose."""
    data, sizes = input.data, input.batch_sizes
    rows = int(sizes[0])
    masks = (rows, 1, data.shape[-1]) if batch_first else (1, rows, data.shape[-1])
    found = _draw(data, rate, form, seed, generator)
    if found.members is not None:
        raise RegularizeError("a PackedSequence has no axis of members: give one rate and one seed, or padded tensors")
    if not training or found.never():
        kept = _resting(data, found, training=training)
    else:
        masked = factors(data, masks, found).reshape(rows, -1)
        if input.sorted_indices is not None:
            masked = masked[input.sorted_indices]
        steps = torch.cat([torch.arange(int(size)) for size in sizes]).to(data.device)
        kept = (data * masked[steps]).to(data.dtype)
    return input._replace(data=kept)
