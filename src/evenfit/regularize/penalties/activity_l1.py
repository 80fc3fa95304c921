"""Activity L1: the sum of absolute activations, which makes a layer's outputs sparse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, final

from torch import Tensor, nn
from torch.nn.modules import activation
from torch.utils.hooks import RemovableHandle

from evenfit.errors import RegularizeError
from evenfit.regularize.parameters import unwrapped
from evenfit.regularize.penalties.amounts import Amount
from evenfit.regularize.penalties.elementwise import l1_value
from evenfit.regularize.penalties.penalty import Penalty
from evenfit.regularize.penalties.report import Cost, LeftOut
from evenfit.regularize.penalties.weight_penalty import WeightPenalty
from evenfit.regularize.schedules import Schedule, check_schedule, share_at
from evenfit.regularize.selection import Strength, Where, check_places, check_strength

# Every activation function that torch has as a layer; attention is in the same file of torch's.
ACTIVATIONS: tuple[Where, ...] = tuple(
    getattr(activation, name) for name in activation.__all__ if name != "MultiheadAttention"
)


def activity_l1_value(activations: Tensor, *, strength: Amount) -> Tensor:
    """Sum of absolute activations over units, mean over rows, the first axis; times the strength.

    Example:
        >>> import torch
        >>> activity_l1_value(torch.tensor([[1.0, -2.0], [3.0, 0.0]]), strength=1.0)
        tensor(3.)
    """
    rows = activations.shape[0] if activations.dim() else 1
    return l1_value(activations, strength=strength) / max(rows, 1)


@final
@dataclass(frozen=True)
class ActivityL1(Penalty):
    """Activity L1, lambda times the sum of absolute activations, a mean over rows as losses are.

    It sees the outputs of layers while they are watched, in the last forward pass of the model. Activations have no
    proximal step: it belongs in the loss, and ``Proximal`` refuses it.

    Args:
        strength: lambda, at least 0; or strengths by patterns of layers' names, of which the first that matches counts.
        layers: whose outputs: patterns of layers' names, or kinds of layers; unless told otherwise the activation
            functions that are layers. Of a layer that gives several tensors, as a recurrent one does, the first.
        schedule: what share of the strength is in force as training goes on.

    Raises:
        RegularizeError: a negative strength.

    Source: Glorot, Bordes & Bengio, "Deep sparse rectifier neural networks", 2011.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
        >>> penalty = ActivityL1(strength=1e-3)
        >>> with penalty.watch(model):
        ...     loss = model(torch.rand(8, 3)).square().mean() + penalty(model)
    """

    strength: Strength
    layers: Where | Sequence[Where] = field(default=ACTIVATIONS, kw_only=True, repr=False)
    schedule: str | Schedule = field(default="constant", kw_only=True)

    def __post_init__(self) -> None:
        checks = {"strength": check_strength, "layers": check_places, "schedule": check_schedule}
        for name, check in checks.items():
            try:
                object.__setattr__(self, name, check(name, getattr(self, name)))  # type: ignore[operator] # a table
            except RegularizeError as error:
                raise RegularizeError(f"ActivityL1: {error}") from None

    def watch(self, model: nn.Module) -> Watch:
        """Watch the activations of a model: within a ``with`` block, or until ``close`` is called.

        Raises:
            RegularizeError: no layer is one of ``layers``.
        """
        return Watch(self, model)

    def costs(self, model: nn.Module, *, progress: float | None) -> Sequence[Cost]:
        """Give what each output of the last forward pass costs.

        Raises:
            RegularizeError: the model is not watched, or has not been run.
        """
        share = share_at(self.schedule, progress)
        return [
            Cost(
                penalty="ActivityL1",
                names=(name,),
                kind="activity",
                shape=tuple(output.shape),
                strength=strength * share,
                value=activity_l1_value(output, strength=strength * share),
            )
            for name, strength, output in self._watch_of(model).outputs()
        ]

    def left_out(self, model: nn.Module) -> Sequence[LeftOut]:  # noqa: ARG002 - as of all penalties
        """Leave out no parameter: it sees none."""
        return []

    def weight_penalties(self) -> tuple[WeightPenalty, ...]:
        """Refuse: activations are not weights."""
        raise RegularizeError("ActivityL1 is a penalty of activations, which have no proximal step: put it in the loss")

    def parts(self) -> tuple[Penalty, ...]:
        """Give this penalty."""
        return (self,)

    def chosen(self, model: nn.Module) -> Iterator[tuple[str, float, nn.Module]]:
        """Yield the layers whose outputs are seen, with their names and strengths."""
        for name, layer in model.named_modules():
            if any(
                fnmatchcase(name, place) if isinstance(place, str) else isinstance(layer, place)
                for place in self.layers  # type: ignore[union-attr] # a tuple since it was checked
            ):
                strength = self.strength
                if isinstance(strength, Mapping):
                    strength = next((each for one, each in strength.items() if fnmatchcase(name, one)), 0.0)
                yield name, strength, layer

    def _watch_of(self, model: nn.Module) -> Watch:
        for hook in unwrapped(model)._forward_pre_hooks.values():
            if isinstance(hook, Watch) and hook.penalty == self:
                return hook
        raise RegularizeError(
            "ActivityL1 sees the activations of a model that is watched: with penalty.watch(model): "
            "loss = criterion(model(x), y) + penalty(model)"
        )


class Watch(AbstractContextManager["Watch"]):
    """Keeps the outputs of a model's layers in its last forward pass, for an ``ActivityL1``."""

    def __init__(self, penalty: ActivityL1, model: nn.Module) -> None:
        self.penalty = penalty
        self._outputs: list[tuple[str, float, Tensor]] | None = None  # None before the first pass
        model = unwrapped(model)
        chosen = list(penalty.chosen(model))
        if not chosen:
            names = ", ".join(f"{name} ({type(layer).__name__})" for name, layer in model.named_modules() if name)
            raise RegularizeError(f"no layer of the model is one of layers=; there are {names or 'none'}")
        if isinstance(penalty.strength, Mapping):
            for pattern in penalty.strength:
                if not any(fnmatchcase(name, pattern) for name, _, _ in chosen):
                    there = ", ".join(name for name, _, _ in chosen)
                    raise RegularizeError(f"{pattern!r} matches no layer that is watched; there are {there}")
        self._handles: list[RemovableHandle] = [model.register_forward_pre_hook(self)]
        for name, strength, layer in chosen:
            self._handles.append(layer.register_forward_hook(_Ear(self, name, strength)))

    def __call__(self, _model: nn.Module, _inputs: object) -> None:
        """Forget the last forward pass: a new one begins."""
        self._outputs = []

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        self.close()

    def close(self) -> None:
        """Stop watching, and forget."""
        for handle in self._handles:
            handle.remove()
        self._outputs = None

    def hear(self, name: str, strength: float, output: Tensor) -> None:
        """Keep one output."""
        if self._outputs is not None:
            self._outputs.append((name, strength, output))

    def outputs(self) -> Sequence[tuple[str, float, Tensor]]:
        """Give the outputs of the last forward pass, in the order in which they came.

        Raises:
            RegularizeError: there was none.
        """
        if not self._outputs:
            raise RegularizeError("ActivityL1 has heard no activations yet: run the watched model first")
        return self._outputs

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the outputs, which belong to one graph of gradients, when a model is copied."""
        return self.__dict__ | {"_outputs": None}


@dataclass(frozen=True)
class _Ear:
    """Tells a watch what one layer gave."""

    watch: Watch
    name: str
    strength: float

    def __call__(self, layer: nn.Module, _inputs: object, output: Any) -> None:
        first = output[0] if isinstance(output, tuple | list) and output else output
        if not isinstance(first, Tensor):
            raise RegularizeError(f"{self.name} gives {type(output).__name__}, no tensor: name other layers in layers=")
        if first.dim() == 3 and getattr(layer, "batch_first", True) is False:
            first = first.transpose(0, 1)  # [time, rows, ...]: rows first
        self.watch.hear(self.name, self.strength, first)
