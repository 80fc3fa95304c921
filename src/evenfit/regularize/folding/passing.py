"""Passing a scale on: what f(s x) is, for each way in which a step may be linear or positively homogeneous.

Each rule takes a ``Call`` and gives the scale of its result, or raises ``Refused`` with the reason. ``rules`` names
the rule of each layer and function.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isinf

import torch
from torch import fx

from evenfit.regularize.folding.call import MISSING, Call, Refused
from evenfit.regularize.folding.scale import ONE, Scale, all_sources

Rule = Callable[[Call], Scale]

RESHAPING = {"flatten", "ravel", "reshape", "squeeze", "unflatten", "unsqueeze", "view", "Flatten", "Unflatten"}
TURNING = {"T", "getitem", "mT", "movedim", "moveaxis", "permute", "select", "swapaxes", "swapdims", "t", "transpose"}
UNEVEN = "mixes, or moves in a way that is not followed, parts that carry different scales"
OTHER_TERM = "adds a term that does not carry the same scale, as a residual sum does"


def elementwise(call: Call) -> Scale:
    """Pass on: each unit by itself."""
    call.others(call.subject)
    return call.scale(call.subject)


def moves(call: Call) -> Scale:
    """Pass on: units change places, and none meets another."""
    if call.name == "view" and any(
        isinstance(one, torch.dtype) for one in (*call.node.args, *call.node.kwargs.values())
    ):
        raise Refused("reads its bits as another type")
    scale = elementwise(call)
    if scale.even:
        return scale
    name = call.name
    if name in RESHAPING and call.node in call.shapes:
        return Scale(scale.units(()).reshape(call.shapes[call.node]), scale.sources)
    if name in TURNING and call.module is None and len(call.node.all_input_nodes) == 1 and call.node.args:
        units = call.run(scale.units(()))
        if isinstance(units, torch.Tensor):
            return Scale(units, scale.sources)
    raise Refused(UNEVEN)


def mixes(call: Call) -> Scale:
    """Pass on: averages, maxima or sums over positions, each channel (axis 1) by itself."""
    scale = elementwise(call)
    if scale.even:
        return scale
    units, shape = scale.units(()), call.shapes.get(call.node, ())
    channels = by_channel(scale)
    if not _mixes_positions_alone(call, units.ndim) or len(shape) < 2 or shape[1] != len(channels):
        raise Refused(UNEVEN)
    return Scale(channels.reshape(1, -1, *[1] * (len(shape) - 2)).expand(tuple(shape)), scale.sources)


def _mixes_positions_alone(call: Call, rank: int) -> bool:
    """Whether a step leaves rows and channels, the first two axes, as they are."""
    name = call.name if call.module is None else type(call.module).__name__
    if name == "interpolate" or name.startswith("Upsampl"):
        return rank > 2
    if "pool" in name.lower():
        return f"{rank - 2}d" in name.lower()  # of one image without rows the channels come first
    over = call.argument("dim", 1, None)
    axes = tuple(over) if isinstance(over, tuple | list) else (over,)
    return all(isinstance(axis, int) and axis % rank >= 2 for axis in axes)


def by_channel(scale: Scale) -> torch.Tensor:
    """Give the scale of each channel, axis 1.

    Raises:
        Refused: units of one channel carry different scales.
    """
    units = scale.units(())
    if units.ndim < 2:
        raise Refused(UNEVEN)
    flat = units.movedim(1, 0).flatten(1)
    if not flat.numel() or not torch.equal(flat, flat[:, :1].expand_as(flat)):
        raise Refused(UNEVEN)
    return flat[:, 0]


def pairs(call: Call) -> Scale:
    """Pass on: the largest values together with their places."""
    other = call.argument("other", 1)
    if isinstance(other, fx.Node):
        return joins(call)  # torch.max(x, y)
    return mixes(call)


def joins(call: Call) -> Scale:
    """Pass on what all terms carry alike; zeros carry any scale."""
    scale: Scale | None = None
    for operand in _operands(call):
        if isinstance(operand, int | float) and operand == 0:
            continue
        own = call.scale(operand)
        if scale is not None and not scale.equals(own):
            raise Refused(OTHER_TERM)
        scale = own if scale is None else Scale(scale.factor, all_sources((scale, own)))
    return ONE if scale is None else scale


def stacks(call: Call) -> Scale:
    """Pass on what all parts carry alike."""
    scale = joins(call)
    if not scale.even:
        raise Refused(UNEVEN)
    return scale


def concatenates(call: Call) -> Scale:
    """Put parts side by side: uneven, where they carry different scales."""
    parts = call.argument("tensors", 0)
    if not isinstance(parts, tuple | list) or not all(isinstance(part, fx.Node) for part in parts):
        raise Refused("puts it beside parts that are not known")
    scales = [call.scale(part) for part in parts]
    if all(scale.equals(scales[0]) for scale in scales) and scales[0].even:
        return Scale(scales[0].factor, all_sources(scales))
    if not all(part in call.shapes for part in parts):
        raise Refused(
            "puts it beside parts that carry another scale; where their sizes are known, the next layer's weights "
            "can be scaled part by part: give a sample of the model's input"
        )
    axis = call.argument("dim", 1, call.node.kwargs.get("axis", 0))
    if not isinstance(axis, int):
        raise Refused("puts it beside other parts, along an axis that is not known")
    units = [scale.units(tuple(call.shapes[part])) for scale, part in zip(scales, parts, strict=True)]
    return Scale(torch.cat(units, axis), all_sources(scales))


def multiplies(call: Call) -> Scale:
    """Give the product of the scales: of a product of any kind."""
    scale = ONE
    for operand in call.node.all_input_nodes:
        # A node that is multiplied by itself stands once among the inputs.
        for _ in range(times_used(call.node, operand)):
            scale = scale.times(call.scale(operand))
    if not scale.even and (call.name != "mul" or call.node not in call.shapes):
        raise Refused(UNEVEN)
    return scale if scale.even else Scale(scale.units(()).expand(call.shapes[call.node]), scale.sources)


def times_used(node: fx.Node, operand: fx.Node) -> int:
    """Count how often a node is an argument of another: x * x has x once among its inputs."""
    count = 0

    def seen(one: fx.Node) -> fx.Node:
        nonlocal count
        count += one is operand
        return one

    fx.node.map_arg((node.args, node.kwargs), seen)
    return count


def divides(call: Call) -> Scale:
    """Give the quotient of the scales."""
    if call.argument("rounding_mode", 2, None) is not None:
        raise Refused("rounds")
    upper, lower = call.scale(call.argument("input", 0)), call.scale(call.argument("other", 1))
    if not lower.even or (not upper.even and isinstance(call.argument("other", 1), fx.Node)):
        raise Refused(UNEVEN)
    return upper.over(lower)


def attends(call: Call) -> Scale:
    """Pass on what the values carry: attention is linear in them, but not in queries and keys."""
    values = call.argument("value", 2)
    queries = {call.argument("query", 0), call.argument("key", 1)}
    if any(not call.scale(one).is_one for one in queries):
        raise Refused("is a softmax of queries and keys, which is not linear")
    call.others(values, *queries)
    if not call.scale(values).even:
        raise Refused(UNEVEN)
    return call.scale(values)


def zero_bounds(call: Call) -> Scale:
    """Pass on where the only bound is 0: a ReLU by another name."""
    bounds = [call.argument("min", 1, None), call.argument("max", 2, None)]
    if any(bound is not None and (isinstance(bound, fx.Node) or bound != 0) for bound in bounds):
        raise Refused("bounds its input by a number other than 0")
    return elementwise(call)


def zero_threshold(call: Call) -> Scale:
    """Pass on where threshold and value are 0."""
    holder = call.module
    values = (
        [call.argument("threshold", 1), call.argument("value", 2)]
        if holder is None
        else [holder.threshold, holder.value]
    )
    if any(value != 0 for value in values):
        raise Refused("has a threshold, or a value below it, other than 0")
    return elementwise(call)


def fills(call: Call) -> Scale:
    """Pass on where a mask fills with 0, or with an infinity, which no scale changes."""
    if not _unscaled_number(call.argument("value", 2)):
        raise Refused("fills in numbers other than 0")
    return elementwise(call)


def chooses(call: Call) -> Scale:
    """Pass on where a condition chooses between tensors of one scale, or one and 0."""
    condition, *choices = (call.argument(name, number) for number, name in enumerate(("condition", "input", "other")))
    call.others(*choices)
    scales = [call.scale(one) for one in choices if not _unscaled_number(one)]
    if not call.scale(condition).is_one or any(not scale.equals(scales[0]) for scale in scales):
        raise Refused("chooses between values that do not carry the same scale")
    return scales[0] if scales else ONE


def pads(call: Call) -> Scale:
    """Pass on where what is put around is 0, or made of the input."""
    if call.module is not None:
        value = getattr(call.module, "value", 0)
    else:
        value = call.argument("value", 3, None) if call.argument("mode", 2, "constant") == "constant" else 0
    if value is not None and (isinstance(value, fx.Node) or value != 0):
        raise Refused("pads with a number other than 0")
    scale = elementwise(call)
    if not scale.even:
        raise Refused(UNEVEN)
    return scale


def converts(call: Call) -> Scale:
    """Pass on through a change of device or of floating type."""
    for argument in (*call.node.args[1:], *call.node.kwargs.values()):
        if isinstance(argument, fx.Node):
            raise Refused("converts it to a type that is not known")
    return elementwise(call)


def packs(call: Call) -> Scale:
    """Pass on into packed sequences."""
    scale = elementwise(call)
    if not scale.even:
        raise Refused(UNEVEN)
    return scale


def unpacks(call: Call) -> Scale:
    """Pass on out of packed sequences, where zeros stand behind the shorter ones."""
    if call.argument("padding_value", 2, 0.0) != 0:
        raise Refused("pads with a number other than 0")
    return packs(call)


def evaluates(call: Call) -> Scale:
    """Pass on what is random in training alone."""
    if call.module is None and call.argument("training", 3, default=False) is not False:
        raise Refused("is random")
    return elementwise(call)


def asks(call: Call) -> Scale:  # noqa: ARG001 - whatever is asked
    """Ask for a shape, a type or a device, which no scale changes."""
    return ONE


def _operands(call: Call) -> tuple[object, ...]:
    """Give the terms of a sum, or the tensors of a list."""
    first = call.argument("tensors", 0, call.argument("input", 0))
    if isinstance(first, tuple | list):
        return tuple(first)
    return first, call.argument("other", 1)


def _unscaled_number(value: object) -> bool:
    """Whether a value is a number that every positive multiple of is itself."""
    return isinstance(value, int | float) and (value == 0 or isinf(value)) and value is not MISSING
