"""Absorbing a scale: the layers and functions that take it into their weights, and where in the weights it goes.

A linear or convolution layer computes W x + b, so s x may be given to it as x if W becomes s W; b is not changed. What
has to be multiplied *after* a layer goes into both.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.instancenorm import _InstanceNorm

from evenfit.regularize.dropout.modules import DropConnect
from evenfit.regularize.dropout.recurrent import RecurrentDropout
from evenfit.regularize.folding.call import Refused
from evenfit.regularize.folding.layers import innermost, is_original, rate_of, source
from evenfit.regularize.folding.passing import UNEVEN, by_channel
from evenfit.regularize.folding.scale import ONE, Scale, kept

DENSE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
RECURRENT = (nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell)
AFFINE = (_BatchNorm, _InstanceNorm, nn.SyncBatchNorm, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
Shares = dict[str, Scale]  # what each of a layer's parameters takes, those that are not named take 1


def absorbs(module: nn.Module) -> bool:
    """Whether a layer can take its input's scale into its weights."""
    return _of(innermost(module), (*DENSE, nn.Bilinear, *RECURRENT))


def ends_in_weights(module: nn.Module) -> bool:
    """Whether a layer's output is a multiple of its weight and bias together."""
    return _of(innermost(module), (*DENSE, nn.Bilinear)) or (
        _of(innermost(module), AFFINE) and getattr(innermost(module), "weight", None) is not None
    )


def shares(module: nn.Module, name: str, inputs: list[Scale], *, after: Scale) -> Shares:
    """Say what each parameter of a layer has to be multiplied by, by its name within the layer.

    Args:
        module: a layer that absorbs, or ends in its weights.
        name: the layer's name, for messages.
        inputs: the scales of what it multiplies by its weights; one, but for ``nn.Bilinear``.
        after: what its output is to be multiplied by.

    Raises:
        Refused: its weights are not plain parameters, or its input's scale is too uneven for them.
    """
    if isinstance(module, RecurrentDropout):
        fed = [scale.times(own_scale(module.inputs, f"{name}.inputs")) for scale in inputs]
        asked = shares(module.weights, f"{name}.weights", fed, after=after)
        between = own_scale(module.between, f"{name}.between")
        for weight in _between(innermost(module)):
            asked[f"layer.{weight}"] = _checked(between, innermost(module), weight)
        return {f"weights.{weight}": scale for weight, scale in asked.items()}
    if isinstance(module, DropConnect):
        asked = shares(module.layer, name, inputs, after=after)
        for weight in module.weights:
            asked[weight] = _checked(asked.get(weight, ONE).times(own_scale(module, name)), module.layer, weight)
        return {f"layer.{weight}": scale for weight, scale in asked.items()}
    before = ONE
    for scale in inputs:
        if not scale.even and len(inputs) > 1:
            raise Refused(UNEVEN)
        before = before.times(scale)
    asked = {weight: _in_weight(before, module).times(after) for weight in _fed(module)}
    if not after.is_one and getattr(module, "bias", None) is not None:
        asked["bias"] = after
    return {weight: _checked(scale, module, weight) for weight, scale in asked.items()}


def own_scale(module: nn.Module, name: str) -> Scale:
    """Give the scale of a dropout layer in evaluation."""
    return kept(rate_of(module), source(name, module)) if is_original(module) else ONE


def columns(scale: Scale) -> Tensor:
    """Give the scale of each feature, the last axis.

    Raises:
        Refused: one feature carries different scales.
    """
    flat = scale.units(()).flatten(0, -2)
    if not flat.numel() or not torch.equal(flat, flat[:1].expand_as(flat)):
        raise Refused(UNEVEN)
    return flat[0]


def in_filters(scale: Scale, shape: torch.Size, groups: int, *, transposed: bool) -> Scale:
    """Lay an uneven scale of channels over a convolution's weight of ``shape``."""
    if scale.units(()).ndim != len(shape):
        raise Refused(UNEVEN)  # of one image without rows the channels come first
    channels, spatial = by_channel(scale), [1] * (len(shape) - 2)
    if transposed:  # weight [in, out / groups, ...]
        return Scale(channels.reshape(-1, 1, *spatial), scale.sources)
    by_group = channels.reshape(groups, -1).repeat_interleave(shape[0] // groups, 0)  # weight [out, in / groups, ...]
    return Scale(by_group.reshape(*by_group.shape, *spatial), scale.sources)


def _in_weight(scale: Scale, layer: nn.Module) -> Scale:
    """Lay the scale of a layer's input over its weight."""
    if scale.even:
        return scale
    if isinstance(layer, _ConvNd):
        transposed = isinstance(layer, _ConvTransposeNd)
        return in_filters(scale, layer.weight.shape, layer.groups, transposed=transposed)
    return Scale(columns(scale)[None], scale.sources)


def _fed(layer: nn.Module) -> tuple[str, ...]:
    """Name the parameters that a layer's input is multiplied by."""
    if isinstance(layer, nn.RNNBase):
        return tuple(f"weight_ih_l0{way}" for way in _ways(layer))
    return ("weight_ih",) if isinstance(layer, nn.RNNCellBase) else ("weight",)


def _between(layer: nn.Module) -> list[str]:
    """Name the weights of a stack of recurrent layers that are fed by the layer below."""
    if not isinstance(layer, nn.RNNBase):
        return []
    return [f"weight_ih_l{number}{way}" for number in range(1, layer.num_layers) for way in _ways(layer)]


def _ways(layer: nn.RNNBase) -> tuple[str, ...]:
    """Give what the names of weights end in, for each direction."""
    return ("", "_reverse") if layer.bidirectional else ("",)


def _of(module: nn.Module, kinds: tuple[type[nn.Module], ...]) -> bool:
    """Whether a layer is of one of those types, or inherits the forward of one."""
    for kind in type(module).__mro__:
        if kind in kinds:
            return True
        if "forward" in vars(kind):
            return False
    return False


def _checked(scale: Scale, layer: nn.Module, name: str) -> Scale:
    """Give a scale for a parameter; refuse one for weights that are computed whenever the layer is called."""
    if scale.is_one:
        return scale
    parameter = layer._parameters.get(name)
    if parameter is None:
        raise Refused(
            f"has a {name} that is computed, by a parametrisation or a hook, so that scaling it would not last; "
            f"remove that first (torch.nn.utils.parametrize.remove_parametrizations, or remove_weight_norm)"
        )
    if not parameter.is_floating_point() and not parameter.is_complex():
        raise Refused(f"has a {name} of {parameter.dtype}, which cannot be scaled exactly")
    return scale
