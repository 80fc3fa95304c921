"""SAM: a step that looks for weights whose whole neighbourhood has a low loss."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.optim import LBFGS, Optimizer

from evenfit.errors import RegularizeError

_SMALL = 1e-12  # as in the authors' code: a gradient of zero moves nothing


class SAM(Optimizer):
    """Sharpness-aware minimisation around any optimiser: it steps with the gradient of the worst point nearby.

    Each step takes two passes: the weights go ``radius`` up along the gradient, w + radius g / ||g||; the gradient is
    taken there; the weights come back, bit for bit; and the optimiser steps with that gradient. What the
    optimiser does after its step, as ``Proximal`` does, so happens to the real weights: ``SAM(Proximal(...), ...)``.

    ``step(closure)`` does it all. In two calls, the gradients of both passes are the caller's::

        criterion(model(x), y).backward(); sam.first_step()
        criterion(model(x), y).backward(); sam.second_step()

    With a gradient scaler, ``sam.restore()`` and ``scaler.step(optimiser)`` take the place of the second step, so that
    the weights come back whether the scaler skips a step or not; the first step does not depend on a scale.

    ``param_groups``, ``state`` and ``state_dict`` are the optimiser's own; a scheduler may hold either, in the form of
    two calls the optimiser.

    Args:
        optimiser: that takes the step.
        radius: how far up, in the norm of all weights together, at least 0; with 0 ``step`` is the optimiser's own.
        adaptive: measure the distance in units of each weight's size, so that it does not change when layers are
            rescaled (ASAM); radii are then about ten times larger.
        model: its batch normalisations keep the statistics of the first pass alone. Without it the second pass, at
            weights that the model never has, moves them as well.

    Raises:
        RegularizeError: a negative or infinite radius, no optimiser, or one that calls a closure itself, LBFGS.

    Source: Foret et al., "Sharpness-aware minimization for efficiently improving generalization", 2021; Kwon et al.,
    "ASAM: adaptive sharpness-aware minimization", 2021.

    Example:
        >>> model, x, y = nn.Linear(3, 1), torch.rand(8, 3), torch.rand(8, 1)
        >>> sam = SAM(torch.optim.SGD(model.parameters(), lr=0.1), radius=0.05)
        >>> def closure():
        ...     sam.zero_grad()
        ...     loss = nn.functional.mse_loss(model(x), y)
        ...     loss.backward()
        ...     return loss
        >>> loss = sam.step(closure)
    """

    def __init__(
        self, optimiser: Optimizer, *, radius: float, adaptive: bool = False, model: nn.Module | None = None
    ) -> None:
        if not 0 <= radius < float("inf"):
            raise RegularizeError(f"the radius of SAM must be a number of at least 0, got {radius}")
        if not isinstance(optimiser, Optimizer):
            raise RegularizeError(
                "SAM wraps a torch.optim.Optimizer, such as SAM(torch.optim.SGD(model.parameters(), lr=0.1), "
                f"radius=0.05); got {type(optimiser).__name__}"
            )
        if isinstance(_innermost(optimiser), LBFGS):
            raise RegularizeError("SAM needs an optimiser that steps with the gradients it finds; LBFGS takes its own")
        self.optimiser = optimiser
        self.radius = float(radius)
        self.adaptive = adaptive
        self._model = model
        self._kept: list[tuple[Tensor, Tensor]] = []  # what is away from its place, and its value there
        # Not torch's constructor, which makes groups and a state: those of the optimiser are this one's.
        self.__setstate__({})

    # What torch sets, read-only here: an optimiser replaces its groups when it loads a state.

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The optimiser's."""
        return self.optimiser.param_groups

    @property
    def state(self) -> defaultdict[Tensor, Any]:  # type: ignore[override]
        """The optimiser's."""
        return self.optimiser.state

    @property
    def defaults(self) -> dict[str, Any]:  # type: ignore[override]
        """The optimiser's."""
        return self.optimiser.defaults

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take both passes and the step; give the loss of the first pass.

        Args:
            closure: clears the gradients, computes the loss, calls its ``backward``, and returns it; called twice, or
                once if the radius is 0.

        Raises:
            RegularizeError: there is no closure.
        """
        if closure is None:
            raise RegularizeError("SAM takes two passes: call step(closure), or first_step() and second_step()")
        with torch.enable_grad():
            loss = closure()
        if self.radius == 0:
            self.optimiser.step()
            return loss
        self.first_step()
        try:
            with torch.enable_grad():
                closure()
        finally:
            self.restore()
        self.optimiser.step()
        return loss

    @torch.no_grad()
    def first_step(self) -> None:
        """Go up from the weights along their gradients, and clear the gradients.

        Raises:
            RegularizeError: no parameter has a gradient, one is sparse, or the weights are already away.
        """
        if self._kept:
            raise RegularizeError("first_step was called twice: second_step must bring the weights back in between")
        weights = [one for group in self.param_groups for one in group["params"] if one.grad is not None]
        if not weights:
            raise RegularizeError("no parameter has a gradient: call backward before first_step")
        if any(one.grad.is_sparse for one in weights):
            raise RegularizeError("SAM needs dense gradients: make embeddings with sparse=False")
        slopes = [one.grad * one.abs() if self.adaptive else one.grad for one in weights]
        share = self.radius / (_norm(slopes) + _SMALL)
        self._kept = [(one, one.clone()) for one in (*weights, *self._statistics())]
        for one, slope in zip(weights, slopes, strict=True):
            one.add_(share.to(one) * (slope * one.abs() if self.adaptive else slope))
        self.zero_grad()

    def second_step(self) -> None:
        """Bring the weights back, and let the optimiser step with the gradients of the second pass.

        Raises:
            RegularizeError: ``first_step`` was not called.
        """
        if not self._kept:
            raise RegularizeError("second_step follows first_step and a second backward; first_step was not called")
        self.restore()
        self.optimiser.step()

    @torch.no_grad()
    def restore(self) -> None:
        """Bring the weights back, bit for bit, without a step."""
        for tensor, value in self._kept:
            tensor.copy_(value)
        self._kept = []

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters to the optimiser."""
        self.optimiser.add_param_group(param_group)

    def state_dict(self) -> dict[str, Any]:
        """Give the optimiser's state: SAM has none between steps."""
        return self.optimiser.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Give the optimiser its state back."""
        self.optimiser.load_state_dict(state_dict)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("optimiser", "radius", "adaptive", "_model", "_kept")}

    def _statistics(self) -> list[Tensor]:
        if self._model is None:
            return []
        norms = [one for one in self._model.modules() if isinstance(one, _NormBase)]
        return [buffer for norm in norms for buffer in norm.buffers(recurse=False)]


def _innermost(optimiser: Optimizer) -> Optimizer:
    """Give the optimiser inside those that wrap it, as ``Proximal`` does."""
    while isinstance(inner := getattr(optimiser, "optimiser", None), Optimizer):
        optimiser = inner
    return optimiser


def _norm(tensors: list[Tensor]) -> Tensor:
    """Give the norm of all together, in at least single precision, on the device of the first."""
    wide = [torch.promote_types(one.dtype, torch.float32) for one in tensors]
    norms = [torch.linalg.vector_norm(one, dtype=kind) for one, kind in zip(tensors, wide, strict=True)]
    norm: Tensor = torch.linalg.vector_norm(torch.stack([one.to(tensors[0].device) for one in norms]))
    return norm
