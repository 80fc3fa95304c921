"""The parameters of a model as a penalty sees them: by name, by kind, with the layout of their axes."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined] # torch's stub lacks it
from torch.nn.utils.parametrize import ParametrizationList

from evenfit.errors import RegularizeError
from evenfit.regularize.layouts import Layout, is_layer, layout_of

# In the order of care: a parameter that is shared by layers is of the first of its kinds.
KINDS = ("embedding", "normalisation", "bias", "vector", "weight")

_NORMALISATION = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
_WITH_WEIGHTS = (
    *(nn.Linear, nn.Bilinear, nn.RNNBase, nn.RNNCellBase, nn.MultiheadAttention),
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
)
_BIAS = re.compile(r"(^|_)bias(es)?(_|$)")
_EMBEDDING = re.compile(r"(^|_)(embed|embeddings?|tokens?)($|_)")
_COMPILED = "_orig_mod."  # torch.compile puts it into names


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelParameter:
    """One parameter of a model, or one weight that is computed from parameters.

    Its kinds: "weight"; "bias"; "embedding" (embedding layers, learned positions and tokens); "normalisation"; and
    "vector", which is everything else of at most one axis longer than 1, such as the scale of a layer.
    """

    names: tuple[str, ...]  # more than one if it is shared
    kind: str
    layouts: tuple[Layout, ...]  # one for each way in which it is used; none with fewer than two dimensions
    path: tuple[nn.Module, ...]  # the layers that hold it, from the model to its own; of all its names
    layer: nn.Module
    attribute: str  # its name in that layer
    made_of: tuple[str, ...] = ()  # the parameters that it is computed from
    by_hook: bool = False  # computed before each forward pass, and not up to date in between

    @property
    def name(self) -> str:
        """Its first name."""
        return self.names[0]

    @property
    def tensor(self) -> Tensor:
        """Its value now: the parameter itself, or computed anew."""
        tensor: Tensor = getattr(self.layer, self.attribute)
        return tensor

    @property
    def effective(self) -> Tensor:
        """Its value as the layer uses it: with the mask of ``torch.nn.utils.prune``, if it has one."""
        mask = dict(self.layer._buffers.items()).get(self.attribute.removesuffix("_orig") + "_mask")
        return self.tensor if mask is None else self.tensor * mask

    def layout(self, purpose: str) -> Layout:
        """Give which axes are inputs and units.

        Raises:
            RegularizeError: it has too few axes, or is shared by layers that differ in this.
        """
        if not self.layouts:
            raise RegularizeError(
                f"{purpose} needs weights of two or more dimensions; {self.name} has the shape "
                f"{list(self.tensor.shape)}: leave it out with exclude={self.name!r}"
            )
        if len(self.layouts) > 1:
            raise RegularizeError(
                f"{' and '.join(self.names)} are one shared parameter whose inputs and units are different axes in "
                f"each; {purpose} is not defined there: leave it out with exclude={self.name!r}"
            )
        return self.layouts[0]


def parameters_of(model: nn.Module) -> tuple[ModelParameter, ...]:
    """List a model's parameters, each once, in the order of ``named_parameters``.

    A weight under a parametrisation (``torch.nn.utils.parametrizations``) is listed in the place of the parameters
    that it is made of. Names are those of the model itself where it was compiled or wrapped for parallel training.

    Raises:
        RegularizeError: this is no module, or a lazy module in it has not seen its first batch.

    Example:
        >>> [(one.name, one.kind) for one in parameters_of(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))]
        [('0.weight', 'weight'), ('0.bias', 'bias'), ('1.weight', 'normalisation'), ('1.bias', 'normalisation')]
    """
    if not isinstance(model, nn.Module):
        raise RegularizeError(f"a penalty needs a torch.nn.Module; got {type(model).__name__}")
    found: dict[tuple[int, str], ModelParameter] = {}
    for one in _walk(unwrapped(model), "", ()):
        key = (id(one.layer), one.attribute) if one.made_of else (id(one.tensor), "")
        found[key] = _joined(found[key], one) if key in found else one
    return tuple(found.values())


def unwrapped(model: nn.Module) -> nn.Module:
    """Give the model inside torch.compile's and parallel training's wrappers."""
    parallel = nn.DataParallel, nn.parallel.DistributedDataParallel
    while isinstance(model, parallel) or isinstance(getattr(model, "_orig_mod", None), nn.Module):
        model = model.module if isinstance(model, parallel) else model._orig_mod  # type: ignore[assignment]
    return model


def _walk(module: nn.Module, prefix: str, above: tuple[nn.Module, ...]) -> Iterator[ModelParameter]:
    path = (*above, module)
    children = dict(module._modules.items())
    parametrised = children.get("parametrizations")
    own = {name: one for name, one in module._parameters.items() if one is not None}
    hooked = not isinstance(module, torch.jit.ScriptModule) and bool(module._forward_pre_hooks)
    for attribute, tensor in own.items():
        if isinstance(tensor, UninitializedTensorMixin):
            raise RegularizeError(f"{prefix}{attribute} has no shape yet: run the model on one batch first")
        base = attribute.rsplit("_", 1)[0]
        if f"{base}_v" in own and attribute == f"{base}_g" and hooked:
            continue  # of the old weight_norm; listed with its direction
        parts = _hooked(module, attribute, own) if hooked else ()
        yield _parameter(path, prefix, base if parts else attribute, tensor, made_of=parts, by_hook=bool(parts))
    for attribute, made in parametrised.items() if isinstance(parametrised, nn.ModuleDict) else ():
        parts = tuple(f"parametrizations.{attribute}.{name}" for name, _ in made.named_parameters())
        # The largest part has the weight's shape; the weight itself may take long, and count its calls.
        largest = max(made.parameters(recurse=False), key=Tensor.numel)
        yield _parameter(path, prefix, attribute, largest, made_of=parts, by_hook=False)
    for name, child in children.items():
        if child is not None and not (child is parametrised or isinstance(child, ParametrizationList)):
            yield from _walk(child, f"{prefix}{name}.".replace(_COMPILED, ""), path)


def _hooked(layer: nn.Module, attribute: str, own: Container[str]) -> tuple[str, ...]:
    """Give what a weight is made of under the old weight_norm and spectral_norm, which work by hooks."""
    base = attribute.rsplit("_", 1)[0]
    if attribute == f"{base}_v" and f"{base}_g" in own:
        return f"{base}_g", f"{base}_v"
    if attribute == f"{base}_orig" and f"{base}_u" in layer._buffers:
        return (f"{base}_orig",)
    return ()


def _parameter(
    path: tuple[nn.Module, ...],
    prefix: str,
    attribute: str,
    tensor: Tensor,
    *,
    made_of: tuple[str, ...],
    by_hook: bool,
) -> ModelParameter:
    layer = path[-1]
    role = attribute.removesuffix("_orig")  # as pruning renames what it masks
    layout = layout_of(layer, role, tensor)
    return ModelParameter(
        names=(prefix + attribute,),
        kind=_kind(layer, role, tensor),
        layouts=() if layout is None else (layout,),
        path=path,
        layer=layer,
        attribute=attribute,
        made_of=tuple(prefix + name for name in made_of),
        by_hook=by_hook,
    )


def _kind(layer: nn.Module, attribute: str, tensor: Tensor) -> str:
    long_axes = sum(size > 1 for size in tensor.shape)
    short = tensor.dim() < 2 or (tensor.dim() > 2 and long_axes < 2)
    kind = "vector" if short else "weight"
    if is_layer(layer, nn.Embedding, nn.EmbeddingBag):
        kind = "embedding"
    elif is_layer(layer, *_NORMALISATION) or ("norm" in type(layer).__name__.lower() and long_axes < 2):
        kind = "normalisation"
    elif _BIAS.search(attribute):
        kind = "bias"
    elif tensor.dim() >= 2 and is_layer(layer, *_WITH_WEIGHTS):
        kind = "weight"
    elif _EMBEDDING.search(attribute):
        kind = "embedding"
    return kind


def _joined(one: ModelParameter, other: ModelParameter) -> ModelParameter:
    """Give a shared parameter: of both names, and of the kind that is more often left out."""
    layouts = one.layouts + tuple(layout for layout in other.layouts if layout not in one.layouts)
    return ModelParameter(
        names=one.names + other.names,
        kind=min(one.kind, other.kind, key=KINDS.index),
        layouts=layouts,
        path=one.path + other.path,
        layer=one.layer,
        attribute=one.attribute,
        made_of=one.made_of,
        by_hook=one.by_hook,
    )
