"""SAM: a step that looks for weights whose whole neighbourhood has a low loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.optim import Optimizer

from evenfit.errors import RegularizeError


class SAM(Optimizer):
    """Sharpness-aware minimisation around any optimiser: it steps with the gradient of the worst point nearby.

    Each step takes two passes: the weights go ``radius`` up along the gradient, w + radius g / ||g||; the gradient is
    taken there; the weights come back, bit for bit; and the optimiser steps with that gradient. So what the
    optimiser does after its step, as ``Proximal`` does, happens to the real weights: ``SAM(Proximal(...))``.

    ``step(closure)`` does it all. In the two-call form the gradients of the second pass are the caller's::

        criterion(model(x), y).backward(); sam.first_step()
        criterion(model(x), y).backward(); sam.second_step()

    ``param_groups``, ``state`` and ``state_dict`` are the optimiser's, so schedulers may hold either. With a gradient
    scaler use the two-call form: ``scaler.unscale_(optimiser)`` after the second ``backward``, then ``second_step``;
    the first step does not depend on a scale.

    Args:
        optimiser: that takes the step.
        radius: how far up, in the norm of all weights together, at least 0; with 0 ``step`` is the optimiser's own.
        adaptive: measure the distance in units of each weight's size, so that it does not change when layers are
            rescaled (ASAM); radii are then about ten times larger.
        model: its batch normalisations keep the statistics of the first pass alone. Without it the second pass, at
            weights that the model never has, moves them as well.

    Raises:
        RegularizeError: a negative or infinite radius.

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
        super().__init__([dict(group) for group in optimiser.param_groups], {})
        self.optimiser = optimiser
        self.radius = float(radius)
        self.adaptive = adaptive
        self._model = model
        self._kept: list[tuple[Tensor, Tensor]] = []  # what is away from its place, and its value there
        self._share_state()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]
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
            self._share_state()
            self.optimiser.step()
            return loss
        self.first_step()
        try:
            with torch.enable_grad():
                closure()
        except BaseException:
            self._return()
            raise
        self.second_step()
        return loss

    @torch.no_grad()
    def first_step(self) -> None:
        """Go up from the weights along their gradients, and clear the gradients.

        Raises:
            RegularizeError: no parameter has a gradient, one is sparse, or ``second_step`` is still to come.
        """
        if self._kept:
            raise RegularizeError("first_step was called twice: second_step must bring the weights back in between")
        self._share_state()
        weights = [one for group in self.param_groups for one in group["params"] if one.grad is not None]
        if not weights:
            raise RegularizeError("no parameter has a gradient: call backward before first_step")
        if any(one.grad.is_sparse for one in weights):
            raise RegularizeError("SAM needs dense gradients: make embeddings with sparse=False")
        sizes = [one.abs() if self.adaptive else torch.ones_like(one) for one in weights]
        device = weights[0].device
        norms = [torch.linalg.vector_norm(size * one.grad).to(device) for one, size in zip(weights, sizes, strict=True)]
        share = self.radius / (torch.linalg.vector_norm(torch.stack(norms)) + _SMALL)
        self._kept = [(one, one.detach().clone()) for one in (*weights, *self._statistics())]
        for one, size in zip(weights, sizes, strict=True):
            one.add_(share.to(one.device, one.real.dtype) * size**2 * one.grad)
        self.zero_grad()

    @torch.no_grad()
    def second_step(self) -> None:
        """Bring the weights back, and let the optimiser step with the gradients of the second pass.

        Raises:
            RegularizeError: ``first_step`` was not called.
        """
        if not self._kept:
            raise RegularizeError("second_step follows first_step and a second backward; first_step was not called")
        self._return()
        self.optimiser.step()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters to the optimiser."""
        if hasattr(self, "optimiser"):
            self.optimiser.add_param_group(param_group)
            self._share_state()
        else:  # torch's own constructor adds the groups that the optimiser already has
            super().add_param_group(param_group)

    def state_dict(self) -> dict[str, Any]:
        """Give the optimiser's state: SAM has none between steps."""
        return self.optimiser.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Give the optimiser its state back."""
        self.optimiser.load_state_dict(state_dict)
        self._share_state()

    def _share_state(self) -> None:
        """Have the optimiser's own groups, which its ``load_state_dict`` makes anew."""
        self.param_groups = self.optimiser.param_groups
        self.state = self.optimiser.state
        self.defaults = self.optimiser.defaults

    def _statistics(self) -> list[Tensor]:
        if self._model is None:
            return []
        norms = [one for one in self._model.modules() if isinstance(one, _NormBase)]
        return [buffer for norm in norms for buffer in norm.buffers(recurse=False)]

    @torch.no_grad()
    def _return(self) -> None:
        for tensor, value in self._kept:
            tensor.copy_(value)
        self._kept = []


_SMALL = 1e-12  # as in the authors' code: a gradient of zero moves nothing
